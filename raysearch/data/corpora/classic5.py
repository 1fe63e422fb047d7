"""classic5: five grey images of 512 x 512 pixels, tested on in JPEG deblocking.

Foi et al., Pointwise Shape-Adaptive DCT for High-Quality Denoising and Deblocking, IEEE TIP 2007; Dong et al., Compression
Artifacts Reduction by a Deep Convolutional Network, ICCV 2015. Files ``baboon``, ``barbara``, ``boats``, ``lena``, ``peppers``.
Without a licence; use them for research. All but one are also in Set14, in colour.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from raysearch.data.corpora._published import Published, TestSetConfig


class Config(TestSetConfig):
    """The five images."""

    kind: Literal["classic5"] = "classic5"

    published: ClassVar[Published] = Published(
        name="classic5",
        count=5,
        where="https://github.com/cszn/DnCNN, testsets/classic5",
        sizes=((512, 512),),
        stems=(("baboon", "barbara", "boats", "lena", "peppers"), ("baboon", "barbara", "boats", "lenna", "peppers")),
    )
