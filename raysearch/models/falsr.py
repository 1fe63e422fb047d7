"""FALSR-A: a network whose cells and connections were found by an architecture search.

Chu, Zhang, Ma, Xu, Li: "Fast, accurate and lightweight super-resolution with neural architecture search", ICPR 2020,
arXiv:1901.07261. Input: the luma of a low-resolution image, nominally in [0, 1]; output: luma in [0, 1], twice as large, not
clipped. Chroma is enlarged bicubically by whoever shows colours. The layers are those of the authors' frozen graph, 1,021,401
parameters:

===== ============================ ==================================================================== ====
part  input                        layers                                                               maps
===== ============================ ==================================================================== ====
entry image                        3x3                                                                  32
0     entry (32)                   four 3x3; the first one's output is added to the fourth one's        64
1     0                            1x1                                                                  48
2     1                            as 0                                                                 64
3     1, 2 (112)                   as 0                                                                 64
4     entry, 1, 3 (144)            as 0                                                                 64
5     4                            four 1x1                                                             64
6     entry, 1, 4, 5 (208)         as 0                                                                 64
exit  entry, 0 to 6 (464)          3x3 to 32 plus the entry's output; pixel shuffle by 2; 3x3 to luma   1
===== ============================ ==================================================================== ====

Inputs are joined along their maps. Every convolution has a bias, and ReLU but for the last one.

Initial weights, decided here (the training code is not public): normal, variance 2 / fan-in, biases 0; those of the last
convolution are divided by ten, since the joins make maps grow: the first outputs then have the range of images, not several times
that, and 600 patches of BSD photographs teach 32.4 dB on Set5 in luma instead of 26.6 (PyTorch's own weights: 31.5).

Differs from the sources: the authors' luma is full-range YPbPr; here it is what the task gives. They truncate to 8 bit before
they compare, which is the protocol's matter.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from raysearch.models._input import require_size, require_upscaling
from raysearch.models.base import Geometry, ModelConfig
from raysearch.shapes import Image, Restored, Sigma

_ENTRY = 32
_CELL = 64
_NARROW = 48
_LAST_DIVISOR = 10
_GEOMETRY = Geometry(halo=1 + 5 * 4 + 1 + 1)


class Config(ModelConfig):
    """FALSR-A; it has no options."""

    kind: Literal["falsr"] = "falsr"

    def geometry(self) -> Geometry:
        """Any size; the entry, five cells of four 3x3 convolutions, and both of the exit."""
        return _GEOMETRY

    def build(self, channels_in: int, channels_out: int, scale: int) -> FALSR:
        """Build the network.

        Raises:
            SpecError: the task is no super-resolution of luma at scale 2.
        """
        require_upscaling(self.kind, (channels_in, channels_out, scale), (1,), (2,))
        return FALSR()


class FALSR(nn.Module):
    """See the module's docstring."""

    def __init__(self) -> None:
        super().__init__()
        self.entry = _layer(1, _ENTRY, 3)
        self.cells = nn.ModuleList(
            [
                _Skipped(_ENTRY),
                _layer(_CELL, _NARROW, 1),
                _Skipped(_NARROW),
                _Skipped(_NARROW + _CELL),
                _Skipped(_ENTRY + _NARROW + _CELL),
                nn.Sequential(*(_layer(_CELL, _CELL, 1) for _ in range(4))),
                _Skipped(_ENTRY + _NARROW + 2 * _CELL),
            ]
        )
        self.merge = _layer(_ENTRY + 6 * _CELL + _NARROW, _ENTRY, 3)
        last = nn.Conv2d(_ENTRY // 4, 1, 3, padding=1)
        self.exit = nn.Sequential(nn.PixelShuffle(2), last)
        self.apply(_initialise)
        with torch.no_grad():
            last.weight /= _LAST_DIVISOR

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Restored:
        """Restore; ``sigma_255`` is ignored."""
        require_size("falsr", degraded, _GEOMETRY)
        cells = self.cells
        entry = self.entry(degraded)
        zero = cells[0](entry)
        one = cells[1](zero)
        two = cells[2](one)
        three = cells[3](_joined(one, two))
        four = cells[4](_joined(entry, one, three))
        five = cells[5](four)
        six = cells[6](_joined(entry, one, four, five))
        merged = self.merge(_joined(entry, zero, one, two, three, four, five, six))
        restored: Tensor = self.exit(merged + entry)
        return restored.to(degraded.dtype)


class _Skipped(nn.Module):
    """Four 3x3 convolutions; the first one's output is added to the fourth one's."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _layer(channels, _CELL, 3)
        self.rest = nn.Sequential(*(_layer(_CELL, _CELL, 3) for _ in range(3)))

    def forward(self, maps: Tensor) -> Tensor:
        first = self.first(maps)
        return first + self.rest(first)  # type: ignore[no-any-return]


def _layer(channels: int, maps: int, side: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, maps, side, padding=side // 2), nn.ReLU())


def _joined(*maps: Tensor) -> Tensor:
    return torch.cat(maps, dim=1)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        assert module.bias is not None
        nn.init.kaiming_normal_(module.weight)
        nn.init.zeros_(module.bias)
