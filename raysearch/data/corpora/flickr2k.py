"""Flickr2K: 2650 photographs of 2K size, which EDSR's authors collected to train on beside DIV2K.

Lim et al., Enhanced Deep Residual Networks for Single Image Super-Resolution, CVPR Workshops 2017. Files ``000001`` to ``002650``
in the folder ``Flickr2K_HR``. From Flickr under various licences; for research. DF2K is DIV2K and this, as a ``mix``.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from raysearch.data.corpora._published import Published, TrainingSetConfig


class Config(TrainingSetConfig):
    """The 2650 photographs, some of them held out for validation."""

    kind: Literal["flickr2k"] = "flickr2k"

    folder: ClassVar[str] = "Flickr2K_HR"

    published: ClassVar[Published] = Published(
        name="flickr2k",
        count=2650,
        where="https://cv.snu.ac.kr/research/EDSR/Flickr2K.tar",
        stems=(tuple(f"{k:06}" for k in range(1, 2651)),),
    )
