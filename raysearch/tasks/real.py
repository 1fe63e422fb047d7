"""Real degraded images: nothing is simulated; the corpus brings each image's degraded and clean version.

Input: the degraded image, output: the clean one, both as stored, in [0, 1], of one size. The corpus is one of pairs
(`raysearch.data.corpora.pairs`, or a set of real noise), such as Xu et al., "Real-world noisy image denoising: a new benchmark",
2018, arXiv:1804.02603 (PolyU): crops of one scene belong into one split.

With a corpus of kind ``unpaired`` the clean image of a training pair is an unrelated photograph: for recipes that compare
distributions (an adversarial loss against clean images), not pixels. Evaluation is on true pairs always.

The patch index and the sampler's scores see the clean image. The noise level is not known, and enlarging is not supported: both
images have the same size.
"""

from __future__ import annotations

from typing import Literal

import torch

from raysearch.shapes import Image
from raysearch.tasks.base import Pair, TaskConfig


class Config(TaskConfig):
    """Pairs of real images."""

    kind: Literal["real"] = "real"
    color: Literal["rgb", "gray"] = "rgb"
    """Three channels or one."""

    @property
    def channels(self) -> int:
        """Three for RGB, one for grey."""
        return 3 if self.color == "rgb" else 1

    @property
    def channels_in(self) -> int:
        """As many as the clean image has."""
        return self.channels

    @property
    def channels_stored(self) -> int:
        """Those of the clean image, then those of the degraded one."""
        return 2 * self.channels

    @property
    def paired(self) -> bool:
        """Yes."""
        return True

    @property
    def scale(self) -> int:
        """One."""
        return 1

    @property
    def multiple_of(self) -> int:
        """One: any size."""
        return 1

    @property
    def gives_sigma(self) -> bool:
        """No: nobody knows it."""
        return False

    def levels(self) -> dict[str, TaskConfig]:
        """Return the task itself; nothing in it is random."""
        return {"real": self}

    def degrade(self, clean: Image, generator: torch.Generator) -> Pair:
        """Separate the two images of each pair; the generator is not used."""
        return Pair(degraded=clean[:, self.channels :], clean=clean[:, : self.channels], sigma_255=None)
