"""CDM-CNN: two residual networks in a row refine a bilinearly interpolated mosaic.

Tan, Zhang, Zuo, Zhang: "Color image demosaicking via deep residual learning", ICME 2017. Input: a Bayer mosaic of three channels
with zeros at the missing sites, nominally in [0, 1]; output: RGB, not clipped. The mosaic is interpolated; a network of five and
one of six 3x3 convolutions each add what they predict (the colours inside are ordered red, blue, green); in the end the
measured values are written back. A first convolution has ReLU and no norm, the middle ones batch norm and ReLU, the last none.
265,990 parameters.

In training mode the image after the first network is returned as well, as the extra output ``coarse`` (at full size): the authors
supervise both stages, here by ``{kind: sum, parts: [{loss: l2}, {loss: {kind: coarse, loss: l2}}]}``.

Initial weights: normal with variance 2 / (9 width), biases 0; those of a last convolution at a hundredth, so that training starts
near the interpolation.

The PatchNet paper quotes numbers of a "CDM*" without saying what the asterisk means; they may be of another network.

Differs from the sources: borders of the interpolation are reflected (theirs: zeros, of images that are continued by 48 pixels);
the initial weights are decided here; a noisy mosaic is better not written back (``keep_measured: false``).
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import nn

from raysearch.models._input import require_channels, require_size
from raysearch.models._mosaic import bilinear
from raysearch.models._phase import Phase, measured
from raysearch.models.base import Geometry, ModelConfig, Restoration
from raysearch.shapes import Image, Sigma

_DEPTHS = (5, 6)
_ORDER = [0, 2, 1]  # red, blue, green; the same turns it back
_LAST_SCALE = 0.01


class Config(ModelConfig):
    """CDM-CNN; the defaults are the authors'."""

    kind: Literal["cdm_cnn"] = "cdm_cnn"
    phase: Phase = "grbg"
    """Of the mosaic: which values are measured; as the task has it."""

    keep_measured: bool = True
    """Write the measured values into the result."""

    width: int = Field(64, ge=1, le=1024)
    """Maps between the convolutions."""

    @property
    def extras(self) -> frozenset[str]:
        """The image after the first network."""
        return frozenset({"coarse"})

    def geometry(self) -> Geometry:
        """Any size from 2x2; each convolution and the interpolation reach one pixel."""
        return Geometry(halo=sum(_DEPTHS) + 1, smallest=2)

    def build(self, channels_in: int, channels_out: int, scale: int) -> CdmCnn:
        """Build the network.

        Raises:
            SpecError: the task is no demosaicing.
        """
        require_channels(self.kind, (channels_in, channels_out, scale), (3, 3, 1))
        return CdmCnn(self)


class CdmCnn(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.stages = nn.ModuleList(_stage(depth, config.width) for depth in _DEPTHS)

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Image | Restoration:
        """Restore a mosaic; ``sigma_255`` is ignored. In training mode the first stage's image is returned as well.

        Raises:
            SpecError: the input is smaller than 2x2, or no mosaic of the configured phase.
        """
        config = self.config
        require_size(config.kind, degraded, config.geometry())
        sites = measured(config.kind, degraded, config.phase)
        image = bilinear(degraded)[:, _ORDER]
        first = image + self.stages[0](image).to(image.dtype)
        second = first + self.stages[1](first).to(image.dtype)
        restored = second[:, _ORDER]
        if config.keep_measured:
            restored = torch.where(sites, degraded, restored)
        return Restoration(restored, {"coarse": first[:, _ORDER]}) if self.training else restored


def _stage(depth: int, width: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1), nn.ReLU()]
    for _ in range(depth - 2):
        layers += [nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    last = nn.Conv2d(width, 3, 3, padding=1)
    for layer in (*layers, last):
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=(2 / (9 * width)) ** 0.5 * (_LAST_SCALE if layer is last else 1))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers, last)
