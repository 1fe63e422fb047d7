"""BSD400: the 400 grey training images of DnCNN, crops of 180 x 180 pixels.

Chen and Pock, Trainable Nonlinear Reaction Diffusion, IEEE TPAMI 2017, cut them from the folders ``train`` and ``test`` of
BSDS500; Zhang et al., Beyond a Gaussian Denoiser, IEEE TIP 2017 (DnCNN), train on them. Files ``test_001`` to ``test_400``; the
400 whole photographs serve too (or the corpus ``bsds500``, which also tests). For research. They share no photograph with BSD68
and BSD100.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from raysearch.data.corpora._published import Published, TrainingSetConfig


class Config(TrainingSetConfig):
    """The 400 images, some of them held out for validation."""

    kind: Literal["bsd400"] = "bsd400"

    published: ClassVar[Published] = Published(
        name="bsd400",
        count=400,
        where="https://github.com/cszn/DnCNN, the training code's data/Train400",
        sizes=((180, 180), (481, 321)),
        stems=(tuple(f"test_{k:03}" for k in range(1, 401)),),
    )
