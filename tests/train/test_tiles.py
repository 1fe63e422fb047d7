from __future__ import annotations

import contextlib
import math
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from raysearch.component import find, names
from raysearch.errors import SpecError
from raysearch.models.base import Geometry, ModelConfig
from raysearch.train.tiles import Tiling, reflect, restore

SIZES = [(64, 96), (70, 34), (130, 47)]
SMALL = {"width": 4, "depth": 4}


def small_config(kind: str, **changes: object) -> ModelConfig:
    """The kind with a thin network, where it has a width and a depth."""
    config = find("raysearch.models", kind)
    fields = {name: value for name, value in SMALL.items() if name in config.model_fields}
    return config.parse({"kind": kind} | fields | changes)  # type: ignore[return-value]


def channels_of(config: ModelConfig) -> int:
    return 1 if getattr(config, "color", "rgb") == "gray" else 3


def built(config: ModelConfig) -> tuple[nn.Module, int, int]:
    """The first that exists of the network in colour at scale 1, at scale 2, and in luma at scale 2; its channels and its scale."""
    for channels, scale in ((3, 1), (3, 2), (1, 2)):
        with contextlib.suppress(SpecError), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return config.build(channels, channels, scale).eval(), channels, scale
    raise AssertionError(f"{config} can't be built")


def mosaic_of(height: int, width: int) -> Tensor:
    rgb = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    colour = torch.tensor([[1, 0], [2, 1]]).repeat(height // 2 + 1, width // 2 + 1)[:height, :width]
    return rgb * functional.one_hot(colour, 3).permute(2, 0, 1)


@pytest.mark.parametrize("kind", names("raysearch.models"))
@pytest.mark.parametrize("tile", [32, 50])
def test_tiles_equal_the_whole_image_for_every_model(kind: str, tile: int) -> None:
    config = small_config(kind)
    geometry = config.geometry()
    if geometry.whole:
        pytest.skip("never cut into tiles")
    net, channels, scale = built(config)
    grain = math.lcm(2, geometry.multiple_of)
    for height, width in SIZES:
        degraded = mosaic_of(height // grain * grain, width // grain * grain)[:, :channels]
        sigma = torch.full((1, 1, 1, 1), 10.0)
        with torch.no_grad():
            whole = net(degraded, sigma)
            tiled = restore(net, degraded, sigma, Tiling(geometry, scale, tile, 2))
        torch.testing.assert_close(tiled, whole, rtol=1e-5, atol=1e-5 * max(1.0, float(whole.abs().max())))


def test_valid_networks_lose_their_margin_once() -> None:
    config = small_config("deepjdd", padding="valid")
    net, margin = config.build(3, 3, 1).eval(), config.geometry().margin
    assert margin > 0
    degraded = mosaic_of(90, 64)
    with torch.no_grad():
        tiled = restore(net, degraded, None, Tiling(config.geometry(), 1, 32, 2))
        torch.testing.assert_close(tiled, net(degraded, None), rtol=1e-5, atol=1e-5)
    assert tiled.shape[-2:] == (90 - 2 * margin, 64 - 2 * margin)


def cell_means(image: Tensor, cell: int) -> Tensor:
    """Replace every pixel by the mean of its cell; the last cells of an image are completed by its border."""
    height, width = image.shape[-2:]
    whole = functional.pad(image, (0, -width % cell, 0, -height % cell), mode="replicate")
    means = functional.avg_pool2d(whole, cell)
    return means.repeat_interleave(cell, -2).repeat_interleave(cell, -1)[..., :height, :width]


class Probe(nn.Module):
    """A network with a chosen geometry: averages cells, blurs with its halo, zero-padded or valid, repeats pixels by its scale."""

    def __init__(self, geometry: Geometry, scale: int) -> None:
        super().__init__()
        self.geometry, self.scale = geometry, scale

    def forward(self, degraded: Tensor, sigma_255: Tensor | None) -> Tensor:
        assert degraded.shape[-1] % self.geometry.multiple_of == 0
        assert degraded.shape[-2] % self.geometry.multiple_of == 0
        assert min(degraded.shape[-2:]) >= self.geometry.smallest
        level = 0.0 if sigma_255 is None else sigma_255
        radius = self.geometry.halo - (self.geometry.cell - 1)
        blurred = functional.avg_pool2d(cell_means(degraded + level, self.geometry.cell), 2 * radius + 1, 1, radius)
        large = blurred.repeat_interleave(self.scale, -1).repeat_interleave(self.scale, -2)
        margin = self.geometry.margin
        return large[..., margin : large.shape[-2] - margin, margin : large.shape[-1] - margin]


GEOMETRIES = [
    Geometry(halo=3),
    Geometry(halo=3, multiple_of=8),
    Geometry(halo=5, multiple_of=3, margin=4),
    Geometry(halo=2, margin=2, smallest=60),
    Geometry(halo=3, cell=2),
    Geometry(halo=3, cell=4, smallest=33),
]


@pytest.mark.parametrize(("geometry", "scale"), list(product(GEOMETRIES, [1, 2, 3])))
def test_every_geometry_and_scale(geometry: Geometry, scale: int) -> None:
    degraded = torch.rand(2, 1, 61, 75, generator=torch.Generator().manual_seed(2))
    levels = torch.rand(2, 1, 61, 75, generator=torch.Generator().manual_seed(3))
    tiling = Tiling(geometry, scale, 32, 1)
    net = Probe(geometry, scale)
    bottom, right = tiling.padded(61) - 61, tiling.padded(75) - 75
    shrink = 2 * geometry.margin
    expected = net(reflect(degraded, (0, bottom), (0, right)), reflect(levels, (0, bottom), (0, right)))
    expected = expected[..., : 61 * scale - shrink, : 75 * scale - shrink]
    torch.testing.assert_close(restore(net, degraded, levels, tiling), expected, rtol=1e-5, atol=1e-6)


def test_images_smaller_than_the_network_takes() -> None:
    geometry = Geometry(halo=1, multiple_of=4, smallest=24)
    restored = restore(Probe(geometry, 1), torch.rand(1, 3, 5, 7), None, Tiling(geometry, 1, 32, 2))
    assert restored.shape == (1, 3, 5, 7)


def test_nothing_left_after_the_margin() -> None:
    geometry = Geometry(halo=1, margin=4)
    with pytest.raises(ValueError, match="no pixels left"):
        restore(Probe(geometry, 1), torch.rand(1, 1, 8, 30), None, Tiling(geometry, 1, 32, 1))


@pytest.mark.parametrize(("rows", "columns"), [((0, 3), (2, 0)), ((4, 1), (3, 6)), ((11, 9), (25, 0))])
def test_reflection_is_numpys(rows: tuple[int, int], columns: tuple[int, int]) -> None:
    image = torch.rand(1, 2, 5, 7)
    expected = np.pad(image.numpy(), ((0, 0), (0, 0), rows, columns), mode="reflect")
    np.testing.assert_array_equal(reflect(image, rows, columns).numpy(), expected)


def test_reflection_of_a_single_row() -> None:
    assert reflect(torch.ones(1, 1, 1, 3), (2, 1), (0, 0)).shape == (1, 1, 4, 3)


def test_reflection_keeps_the_bayer_phase() -> None:
    mosaic = mosaic_of(7, 9) + 0.0
    wide = reflect(mosaic, (4, 5), (6, 3))
    assert torch.equal(wide != 0, mosaic_of(16, 18) != 0)
