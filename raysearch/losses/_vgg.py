"""The convolutions of VGG-19: Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015.

Layers are called ``conv<block>_<number>``; a block ends in a 2x2 max pooling. Every convolution is 3x3 with zero padding and ReLU.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional

from raysearch.errors import DataError, SpecError
from raysearch.losses._maps import Values
from raysearch.shapes import Image

BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
"""Maps and convolutions of each block."""

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Of the photographs that the published weights were trained on, in [0, 1], red first."""


class Features(nn.Module):
    """VGG-19 up to one of its convolutions.

    Args:
        layer: e.g. ``conv5_4``.
        activated: whether the last convolution is followed by its ReLU.
    """

    def __init__(self, layer: str, *, activated: bool) -> None:
        super().__init__()
        self._activated = activated
        self._last = layer
        self.convolutions = nn.ModuleDict()
        inputs = 3
        for block, (maps, count) in enumerate(BLOCKS, 1):
            for number in range(1, count + 1):
                if layer not in self.convolutions:
                    self.convolutions[f"conv{block}_{number}"] = nn.Conv2d(inputs, maps, 3, padding=1)
                inputs = maps

    def forward(self, image: Image) -> Values:
        """Return the maps of the last layer for images in [0, 1], grey or RGB.

        Raises:
            SpecError: the image is smaller than one place of the maps.
        """
        least = 2 ** (int(self._last[4]) - 1)
        if min(image.shape[-2:]) < least:
            raise SpecError(
                f"the loss 'perceptual' needs images of at least {least} pixels at layer {self._last}, not {min(image.shape[-2:])}",
                place="recipe.loss",
                remedy="use larger patches, or an earlier layer",
            )
        maps = (image.expand(-1, 3, -1, -1) - image.new_tensor(MEAN).view(3, 1, 1)) / image.new_tensor(STD).view(3, 1, 1)
        for name, convolution in self.convolutions.items():
            if name.endswith("_1") and name != "conv1_1":
                maps = functional.max_pool2d(maps, 2)
            maps = convolution(maps)
            if name != self._last or self._activated:
                maps = functional.relu(maps)
        return maps

    def take(self, published: Mapping[str, Tensor], place: str) -> None:
        """Copy weights that have the names of torchvision's VGG-19, ``features.0.weight`` and so on; others are left out.

        Args:
            published: tensors by name, with or without ``features.``.
            place: of the weights, for messages.

        Raises:
            DataError: a tensor is missing or has another shape.
        """
        own: dict[str, Tensor] = {}
        for number, name in zip(_positions(), self.convolutions, strict=False):
            for part in ("weight", "bias"):
                expected = self.convolutions[name].get_parameter(part)
                found = published.get(f"features.{number}.{part}", published.get(f"{number}.{part}"))
                if found is None or found.shape != expected.shape:
                    said = "is missing" if found is None else f"has the shape {tuple(found.shape)}, not {tuple(expected.shape)}"
                    raise DataError(
                        f"{place} holds no VGG-19: features.{number}.{part} {said}",
                        place="recipe.loss.weights",
                        remedy="give the state dict of torchvision's vgg19, without batch normalisation",
                    )
                own[f"convolutions.{name}.{part}"] = found
        self.load_state_dict(own)


def _positions() -> list[int]:
    """Return the numbers of the convolutions among all layers: ReLUs and poolings are counted too."""
    found, position = [], 0
    for _, count in BLOCKS:
        found += [position + 2 * number for number in range(count)]
        position += 2 * count + 1
    return found
