"""DM-Net: removes moire at a quarter of the size first, where it is coarse, and then at full size.

The demoireing network of a paper on two-stage training with surrogate ground truth for real photographs of screens. Input: a
photograph of one or three channels, nominally in [0, 1], sides a multiple of 4; output: in [0, 1], not clipped. The paper draws 16
residual blocks on the image at a quarter of its size, an enlargement, and 20 convolutions at full size; its kernel sizes and widths
are not legible, so they are decided here: all 3x3, 64 maps. A convolution on the image made smaller bicubically (as MATLAB does);
16 blocks (convolution, ReLU, convolution, plus the input); a convolution to 1,024 maps and two pixel shuffles by 2, back to 64 maps
at full size; joined with the image; 19 convolutions with ReLU, and one to the image, to which the degraded one is added. 2,479,427
parameters in colour.

In training mode the network returns the image and one extra output:

- ``coarse``: the restored image at a quarter of the size, (b, c, h / 4, w / 4), in [0, 1], not clipped: the degraded image at that
  size plus the last convolution of the network, applied to the maps of the blocks. The check value of the parameters holds one
  convolution to the image, so both sizes share it.

The paper's loss is the mean squared error of ``coarse``, against the clean image made smaller in the same way, plus that of the
image, each averaged over its own pixels: a `sum` of ``l2`` and ``{kind: coarse, loss: l2}``.

Initial weights (decided here): normal with variance 2 / fan-in, biases 0; the last convolution of a block is divided by the square
root of the number of blocks, the convolution before the pixel shuffles starts at a tenth, so that the full-size layers see the
image and not only what is enlarged, and the convolution to the image at a hundredth, so that training starts near the degraded
image. Measured: 4 blocks and 6 convolutions of 24 maps gain 0.46 dB in 225 steps of Adam at 0.001 on 8 patches of 48 x 48 pixels
(screens at scale 1; patches that they did not see), and nothing without that tenth.

Differs from the paper where it is said above.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from raysearch.bicubic import resize
from raysearch.models._input import require_kept, require_size
from raysearch.models.base import Geometry, ModelConfig, Restoration
from raysearch.shapes import Image, Sigma

_LAST_SCALE = 0.01
_ENLARGED_SCALE = 0.1
_BICUBIC = 10  # pixels that making an image four times smaller reaches, and a cell of four


class Config(ModelConfig):
    """DM-Net; the defaults have the paper's numbers of layers."""

    kind: Literal["dm_net"] = "dm_net"
    blocks: int = Field(16, ge=1, le=128)
    """Residual blocks at a quarter of the size."""

    depth: int = Field(20, ge=2, le=128)
    """Convolutions at full size."""

    width: int = Field(64, ge=1, le=512)
    """Maps between the convolutions."""

    @property
    def extras(self) -> frozenset[str]:
        """The image at a quarter of the size."""
        return frozenset({"coarse"})

    def geometry(self) -> Geometry:
        """The blocks, the convolution before and the one after them reach four pixels each convolution, those at full size one."""
        return Geometry(halo=4 * (2 * self.blocks + 2) + self.depth + _BICUBIC, multiple_of=4, smallest=4)

    def build(self, channels_in: int, channels_out: int, scale: int) -> DMNet:
        """Build the network for the task's channels.

        Raises:
            SpecError: the task changes the channels or the size.
        """
        require_kept(self.kind, (channels_in, channels_out, scale))
        return DMNet(self, channels_in)


class DMNet(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: Config, channels: int) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.entry = nn.Conv2d(channels, width, 3, padding=1)
        self.blocks = nn.Sequential(*(_Block(width) for _ in range(config.blocks)))
        wide = nn.Conv2d(width, 16 * width, 3, padding=1)
        self.enlarge = nn.Sequential(wide, nn.PixelShuffle(2), nn.PixelShuffle(2))
        inputs = [width + channels] + [width] * (config.depth - 2)
        layers: list[nn.Module] = []
        for i in inputs:
            layers += [nn.Conv2d(i, width, 3, padding=1), nn.ReLU()]
        self.full = nn.Sequential(*layers)
        self.exit = nn.Conv2d(width, channels, 3, padding=1)
        self.apply(_initialise)
        with torch.no_grad():
            self.exit.weight *= _LAST_SCALE
            wide.weight *= _ENLARGED_SCALE
            for block in self.blocks:
                assert isinstance(block, _Block)
                block.second.weight /= config.blocks**0.5

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Image | Restoration:
        """Restore the image; ``sigma_255`` is ignored. In training mode the coarse image is returned as well.

        Raises:
            SpecError: a side is no multiple of 4.
        """
        require_size(self.config.kind, degraded, self.config.geometry())
        height, width = degraded.shape[-2:]
        small = resize(degraded, height // 4, width // 4)
        maps = self.blocks(self.entry(small))
        enlarged: Tensor = self.enlarge(maps)
        added: Tensor = self.exit(self.full(torch.cat([enlarged.to(degraded.dtype), degraded], dim=1)))
        restored = degraded + added.to(degraded.dtype)
        if not self.training:
            return restored
        return Restoration(restored, {"coarse": small + self.exit(maps).to(small.dtype)})


class _Block(nn.Module):
    """Convolution, ReLU, convolution, plus the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        return maps + self.second(torch.relu(self.first(maps)))  # type: ignore[no-any-return]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        assert module.bias is not None
        nn.init.kaiming_normal_(module.weight)
        nn.init.zeros_(module.bias)
