"""Perceptual loss: how far the restored image's features in VGG-19 are from the clean image's.

Johnson, Alahi, Fei-Fei, ECCV 2016, arXiv:1603.08155; SRGAN (Ledig et al., CVPR 2017, arXiv:1609.04802) takes ``conv5_4`` after its
ReLU and the mean squared error over features divided by 12.75, which is a weight of 0.00615 in a `sum`; ESRGAN (2018) takes it
before the ReLU, and the absolute error.

The weights are not part of raysearch: give the file of torchvision's ``vgg19`` (trained on ImageNet), as published or as
safetensors. Images are normalised as those weights expect; a grey image has its channel three times. Features are smaller than the
image from the second block on: every pixel has the value of the place in which it lies. Computed in float32.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field

from raysearch import tensor_files
from raysearch.data.paths import AbsolutePath
from raysearch.errors import DataError
from raysearch.losses._maps import Values, per_pixel
from raysearch.losses._vgg import Features
from raysearch.losses.base import Compared, Loss, LossConfig
from raysearch.shapes import Image, LossMap

Layer = Literal[
    "conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3", "conv3_4",
    "conv4_1", "conv4_2", "conv4_3", "conv4_4", "conv5_1", "conv5_2", "conv5_3", "conv5_4",
]  # fmt: skip
"""A convolution of VGG-19, by block and number."""


class Config(LossConfig):
    """Error of VGG-19's features; one term, ``perceptual``."""

    kind: Literal["perceptual"] = "perceptual"
    weights: AbsolutePath
    """A file with the state dict of torchvision's vgg19; nothing but tensors is read from it."""

    sha256: str | None = Field(None, pattern="^[0-9a-f]{8,64}$")
    """Its SHA-256 or the first digits of it. When it is not given, the digits in the file's name are checked, if it has any
    (``vgg19-dcbb9e9d.pth``)."""

    layer: Layer = "conv5_4"
    """Whose features are compared."""

    activated: bool = True
    """After the layer's ReLU (SRGAN) or before it (ESRGAN)."""

    error: Literal["l2", "l1"] = "l2"
    """Squared or absolute difference of features, averaged over them."""

    def build(self, device: torch.device) -> Loss:
        """Load the weights.

        Raises:
            DataError: the file is missing, is no VGG-19, or has another hash.
        """
        try:
            file = tensor_files.read(self.weights)
        except DataError as error:
            raise DataError(error.cause, place="recipe.loss.weights", remedy=error.remedy) from error
        expected = self.sha256 or _digits(self.weights)
        if not file.sha256.startswith(expected):
            raise DataError(
                f"the weights {self.weights} have the SHA-256 {file.sha256}, which does not begin with {expected}",
                place="recipe.loss.weights",
                remedy="fetch the file again, or correct recipe.loss.sha256",
            )
        features = Features(self.layer, activated=self.activated)
        features.take(file.tensors, str(self.weights))
        return Perceptual(features.to(device).requires_grad_(False).eval(), self.error)


def _digits(path: Path) -> str:
    found = re.search(r"-([0-9a-f]{8,64})\.", path.name)
    return found[1] if found else ""


class Perceptual(Loss):
    """See the module's docstring."""

    def __init__(self, features: Features, error: Literal["l2", "l1"]) -> None:
        self._features = features
        self._error = error

    def terms(self, compared: Compared) -> dict[str, LossMap]:
        """Return the error of the features at every pixel."""
        values = self._compare(compared.restored.float(), compared.clean.float())
        return {"perceptual": per_pixel(values, *compared.restored.shape[-2:])}

    def _compare(self, restored: Image, clean: Image) -> Values:
        with torch.autocast(restored.device.type, enabled=False):
            with torch.no_grad():
                wanted = self._features(clean)
            difference: Values = self._features(restored) - wanted
        return difference.square() if self._error == "l2" else difference.abs()
