"""The 9-5-5 network on which losses for restoration were compared.

Zhao, Gallo, Frosio, Kautz: "Loss functions for image restoration with neural networks", IEEE Trans. Computational Imaging 3(1),
2017, arXiv:1511.08861. Input: an image of one or three channels, nominally in [0, 1]; output: in [0, 1], not clipped. A 9x9
convolution to 64 maps, PReLU, a 5x5 convolution to 64 maps, PReLU, a 5x5 convolution to the image; no padding and no residual, so a
patch of 31 pixels gives 15. In colour 122,883 parameters and the 128 slopes of the two PReLUs, one for every map. Parameters say
nothing of the task; the same network serves

- JPEG deblocking and others that keep the size: ``input: image``, taken as it is;
- joint demosaicing and denoising, and demosaicing: ``input: mosaic``, a Bayer mosaic that is interpolated bilinearly first;
- super-resolution: ``input: small``, enlarged bilinearly (as MATLAB does) first.

Details of the network are remembered from the paper by the source that this follows, not read in it. Initial weights (decided
here): normal with variance 2 / fan-in for a slope of 0.25, the first slope of the PReLUs; biases 0.

Differs from the paper: the interpolation before is part of the network here (theirs is given its result), and ``padding: same``
keeps the size with zeros."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from raysearch.bicubic import resize
from raysearch.models._input import require_channels, require_kept, require_size, require_upscaling
from raysearch.models._mosaic import bilinear
from raysearch.models._upscaling import SCALES
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Restored, Sigma

_KERNELS = (9, 5, 5)
_REACH = sum(kernel // 2 for kernel in _KERNELS)
_SLOPE = 0.25


class Config(ModelConfig):
    """The 9-5-5 network; the defaults are the paper's."""

    kind: Literal["pl4nn"] = "pl4nn"
    width: int = Field(64, ge=1, le=1024)
    """Maps between the convolutions."""

    padding: Literal["valid", "same"] = "valid"
    """``valid``: the output loses 8 pixels on each side; ``same``: zeros are padded and the size is kept."""

    input: Literal["image", "mosaic", "small"] = "image"
    """What the task gives: an image of the size of the output; a Bayer mosaic; an image that is to be enlarged."""

    def geometry(self) -> Geometry:
        """The convolutions reach eight pixels, less in pixels of a small image; interpolating reaches one."""
        halo = {"image": _REACH, "mosaic": _REACH + 1, "small": _REACH // 2 + 1}[self.input]
        if self.padding == "same":
            return Geometry(halo=halo, smallest=2 if self.input == "mosaic" else 1)
        return Geometry(halo=halo, margin=_REACH, smallest=_REACH + 1 if self.input == "small" else 2 * _REACH + 1)

    def build(self, channels_in: int, channels_out: int, scale: int) -> PL4NN:
        """Build the network for the task.

        Raises:
            SpecError: the task does not give what ``input`` says.
        """
        task = (channels_in, channels_out, scale)
        if self.input == "image":
            require_kept(self.kind, task)
        elif self.input == "mosaic":
            require_channels(self.kind, task, (3, 3, 1))
        else:
            require_upscaling(self.kind, task, (1, 3), SCALES)
        return PL4NN(self, channels_in, scale)


class PL4NN(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config, channels: int, scale: int) -> None:
        super().__init__()
        self.config, self.scale = config, scale
        width = config.width
        first, second, third = (
            nn.Conv2d(i, o, kernel, padding=config.padding)
            for i, o, kernel in zip([channels, width, width], [width, width, channels], _KERNELS, strict=True)
        )
        self.layers = nn.Sequential(first, nn.PReLU(width, _SLOPE), second, nn.PReLU(width, _SLOPE), third)
        self.apply(_initialise)

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Restored:
        """Interpolate where the task asks for it, and restore; ``sigma_255`` is ignored.

        Raises:
            SpecError: the image is too small for `Config.geometry`.
        """
        config = self.config
        require_size(config.kind, degraded, config.geometry())
        image: Tensor = degraded
        if config.input == "mosaic":
            image = bilinear(degraded)
        elif config.input == "small":
            height, width = degraded.shape[-2:]
            image = resize(degraded, height * self.scale, width * self.scale, "bilinear")
        restored: Tensor = self.layers(image)
        return restored.to(degraded.dtype)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        assert module.bias is not None
        nn.init.kaiming_normal_(module.weight, a=_SLOPE)
        nn.init.zeros_(module.bias)
