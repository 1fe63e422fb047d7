"""Urban100: a hundred photographs of facades, full of repeated structures; the hardest of the usual test sets.

Huang et al., Single Image Super-Resolution from Transformed Self-Exemplars, CVPR 2015. Files ``img_001`` to ``img_100``, the
longer side between 1024 and 1280 pixels as far as was seen. From Flickr under Creative Commons licences.

Take the photographs in full size. The owner's archives of single scales hold other "HR" images, which users report to look like
enlarged small ones; against those nothing compares.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from raysearch.data.corpora._published import Published, TestSetConfig


class Config(TestSetConfig):
    """The hundred photographs."""

    kind: Literal["urban100"] = "urban100"

    published: ClassVar[Published] = Published(
        name="urban100",
        count=100,
        where="https://github.com/jbhuang0604/SelfExSR",
        stems=(tuple(f"img_{k:03}" for k in range(1, 101)),),
    )
