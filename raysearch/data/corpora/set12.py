"""Set12: twelve grey images of denoising (seven of 256 x 256 and five of 512 x 512 pixels), Lena and Barbara among them.

As Zhang et al. test, Beyond a Gaussian Denoiser, IEEE TIP 2017 (DnCNN); files ``01`` to ``12`` in the testsets of its code. The
images are older than that and without a licence; use them for research. Several are also in Set14 and classic5.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from raysearch.data.corpora._published import Published, TestSetConfig


class Config(TestSetConfig):
    """The twelve images."""

    kind: Literal["set12"] = "set12"

    published: ClassVar[Published] = Published(
        name="set12",
        count=12,
        where="https://github.com/cszn/DnCNN, testsets/Set12",
        sizes=((256, 256), (512, 512)),
        stems=(tuple(f"{k:02}" for k in range(1, 13)),),
    )
