"""Set5: five colour photographs, the oldest of the usual test sets of super-resolution.

Bevilacqua et al., Low-Complexity Single-Image Super-Resolution based on Nonnegative Neighbor Embedding, BMVC 2012. The folder
holds the five in full size, named ``baby`` to ``woman`` or ``img_001`` to ``img_005``; folders of their small versions are of no
use, since the task makes them. Published without a licence; use it for research.

Baby, bird, butterfly, head and woman have 512 x 512, 288 x 288, 256 x 256, 280 x 280 and 228 x 344 pixels (measured). Numbers of
super-resolution are those of the luma channel, with as many border pixels left out as the scale: a protocol, not this file.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from raysearch.data.corpora._published import Published, TestSetConfig


class Config(TestSetConfig):
    """The five photographs."""

    kind: Literal["set5"] = "set5"

    published: ClassVar[Published] = Published(
        name="set5",
        count=5,
        where="https://github.com/jbhuang0604/SelfExSR has them as its authors tested them",
        sizes=((512, 512), (288, 288), (256, 256), (280, 280), (344, 228)),
        stems=(("baby", "bird", "butterfly", "head", "woman"), tuple(f"img_{k:03}" for k in range(1, 6))),
    )
