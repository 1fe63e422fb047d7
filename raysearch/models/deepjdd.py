"""DeepJDD (DemosaicNet): joint demosaicing and denoising by a plain network on the packed mosaic.

Gharbi, Chaurasia, Paris, Durand: "Deep joint demosaicking and denoising", ACM Trans. Graphics 35(6), 2016. Input: a Bayer mosaic
of three channels with zeros at the missing sites, nominally in [0, 1] (stored sRGB values over 255, as in the authors' PyTorch
code; their Caffe code divides by 256); output: RGB in [0, 1], not clipped. The raw image is packed to four planes of half the size;
`depth` convolutions 3x3 with ReLU; 12 maps are unpacked to RGB, joined with the mosaic and refined by a 3x3 and a 1x1 convolution
at full size.

Variants, by where their layers come from (parameters at the defaults):

- ``released`` (560,783): the weights that the authors released. The last layer of the trunk has 2 width maps whose halves
  are multiplied ("filters" and "masks"), then a 1x1 convolution to 12 maps. With the sigma channel the first layer is split in the
  same way (564,303), as the authors' network for noise is. Without masks both are plain (the authors call the split unimportant).
- ``published`` (493,071, with sigma 493,647): the layers of the authors' trainable prototxt: the last layer of the trunk has the 12
  maps itself, followed by ReLU.

Initial weights: normal, variance 2 over the mean of fan-in and fan-out, biases 0.

Differs from the sources:

- Planes are packed in reading order of the 2x2 block (theirs: by colour), so that every phase works; a permutation of the
  first layer's input channels.
- The released packing carries fixed biases of -0.42 to -0.445, in effect a subtraction of the mean, and the unpacking small ones.
  They are left out: the biases of the first layer and of ``predict`` express the same shifts, and the prototxt has none. When the
  released weights are imported they are added there, which changes no value (with ``padding: same`` it does near the border).
- ``padding: same`` (zeros) and ``skip`` are not in the sources. ``skip: bilinear`` adds the bilinear interpolation of the mosaic to
  the output, so that the network learns what is missing from it, and starts with its last weights at a hundredth of the above,
  near the interpolation. Thin networks then train in minutes: 7 layers of 16 maps on BSD photographs reached 34 dB in 400 steps,
  against 25 to 27 without the skip, and 28 with the skip and full-size last weights (the interpolation alone has 28).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from raysearch.models._input import require_channels, require_size, sigma_plane
from raysearch.models._mosaic import bilinear, crop, pack, unpack
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Restored, Sigma

_SKIP_SCALE = 0.01


class Config(ModelConfig):
    """DeepJDD; the defaults are the released network without a noise input."""

    kind: Literal["deepjdd"] = "deepjdd"
    variant: Literal["released", "published"] = "released"
    """Whose layers: the released weights', or the trainable prototxt's."""

    masks: bool | None = None
    """Multiply the halves of the doubled layers; when it is not given, as the variant has it (released: yes, published: no)."""

    sigma_channel: bool = False
    """Give the noise level to the network as one more input channel; the task must have noise then."""

    padding: Literal["valid", "same"] = "valid"
    """``valid``: the output loses 2 depth + 1 pixels on each side; ``same``: zeros are padded and the size is kept."""

    skip: Literal["none", "bilinear"] = "none"
    """What is added to the output: nothing, or the bilinearly interpolated mosaic."""

    width: int = Field(64, ge=1, le=1024)
    """Maps of the layers."""

    depth: int = Field(15, ge=2, le=64)
    """3x3 convolutions at half size."""

    @model_validator(mode="after")
    def _masks_exist(self) -> Config:
        if self.variant == "published" and self.masks:
            raise ValueError("the published variant has no masks: set masks: false, or variant: released")
        return self

    @property
    def masked(self) -> bool:
        """Whether layers are split into filters and masks."""
        return self.variant == "released" if self.masks is None else self.masks

    def geometry(self) -> Geometry:
        """Each convolution of the trunk reaches two pixels, the tail one, and packing rounds to even pixels."""
        halo = 2 * self.depth + 2
        if self.padding == "same":
            return Geometry(halo=halo, multiple_of=2, smallest=2)
        return Geometry(halo=halo, multiple_of=2, margin=2 * self.depth + 1, smallest=4 * self.depth + 4)

    def adopt(self, published: Mapping[str, Tensor]) -> Mapping[str, Tensor] | None:
        """Rearrange the authors' released weights (``bayer.pth``): see the module's docstring."""
        if "main_processor.pack_mosaic.weight" not in published or self.variant != "released" or self.sigma_channel:
            return None
        return _adopted(published)

    def build(self, channels_in: int, channels_out: int, scale: int) -> DeepJDD:
        """Build the network.

        Raises:
            SpecError: the task is no demosaicing.
        """
        require_channels(self.kind, (channels_in, channels_out, scale), (3, 3, 1))
        return DeepJDD(self)


_PLANES = (1, 0, 2, 3)
"""Where the planes of `pack` stand in the authors' packing, which is ordered by colour: red, two greens around blue."""


def _adopted(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the released weights under the names of `DeepJDD`, the fixed biases of packing and unpacking folded in."""
    trunk = sum(name.startswith("main_processor.conv") and name.endswith(".weight") for name in published)
    names = {f"main_processor.conv{i + 1}": f"trunk.{i}.conv" for i in range(trunk)}
    names |= {"residual_predictor": "predict", "fullres_processor.post_conv": "tail.0.conv", "fullres_processor.output": "tail.1"}
    found = {f"{own}.{part}": published[f"{theirs}.{part}"] for theirs, own in names.items() for part in ("weight", "bias")}
    first = found["trunk.0.conv.weight"].double()
    shift = published["main_processor.pack_mosaic.bias"].double()
    bias = found["trunk.0.conv.bias"].double() + (first.sum(dim=(2, 3)) * shift).sum(dim=1)
    found["trunk.0.conv.weight"] = found["trunk.0.conv.weight"][:, list(_PLANES)]
    found["trunk.0.conv.bias"] = bias.to(first.dtype)
    found["predict.bias"] = found["predict.bias"] + published["upsampler.bias"].repeat_interleave(4)
    return found


class DeepJDD(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        width, depth, padding = config.width, config.depth, int(config.padding == "same")
        inputs = [4 + config.sigma_channel] + [width] * (depth - 1)
        outputs = [width] * (depth - 1) + [12 if config.variant == "published" else width]
        split = {0, depth - 1} if config.sigma_channel else {depth - 1}
        self.trunk = nn.Sequential(
            *(_Layer(inputs[i], outputs[i], padding, masked=config.masked and i in split) for i in range(depth))
        )
        self.predict = nn.Identity() if config.variant == "published" else nn.Conv2d(width, 12, 1)
        last = nn.Conv2d(width, 3, 1)
        self.tail = nn.Sequential(_Layer(6, width, padding, masked=False), last)
        self.apply(_initialise)
        if config.skip == "bilinear":
            with torch.no_grad():
                last.weight *= _SKIP_SCALE

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Restored:
        """Restore a mosaic; ``sigma_255`` is ignored without the sigma channel.

        Raises:
            SpecError: the size does not fit `Config.geometry`, or the sigma channel has nothing to hold.
        """
        config = self.config
        require_size(config.kind, degraded, config.geometry())
        packed = pack(degraded)
        if config.sigma_channel:
            packed = torch.cat([packed, sigma_plane(config.kind, sigma_255, packed)], dim=1)
        colours = unpack(self.predict(self.trunk(packed)))
        margin = config.geometry().margin
        seen = crop(degraded, max(margin - 1, 0))
        restored: Tensor = self.tail(torch.cat([seen, colours.to(seen.dtype)], dim=1)).to(degraded.dtype)
        if config.skip == "bilinear":
            restored = restored + crop(bilinear(degraded), margin)
        return restored


class _Layer(nn.Module):
    """3x3 convolution and ReLU; a masked one computes twice the maps and multiplies the halves."""

    def __init__(self, inputs: int, outputs: int, padding: int, *, masked: bool) -> None:
        super().__init__()
        self.masked = masked
        self.conv = nn.Conv2d(inputs, outputs * (2 if masked else 1), 3, padding=padding)

    def forward(self, maps: Tensor) -> Tensor:
        maps = torch.relu(self.conv(maps))
        if self.masked:
            filters, masks = maps.chunk(2, dim=1)
            maps = filters * masks
        return maps


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        assert module.bias is not None
        fans = (module.in_channels + module.out_channels) * module.kernel_size[0] * module.kernel_size[1]
        nn.init.normal_(module.weight, std=(2 / (fans / 2)) ** 0.5)
        nn.init.zeros_(module.bias)
