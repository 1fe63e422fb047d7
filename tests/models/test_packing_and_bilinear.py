"""Packing and bilinear interpolation work for all four phases without being told which."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve

from raysearch.errors import SpecError
from raysearch.models import bilinear
from raysearch.models._input import sigma_plane
from raysearch.models._mosaic import crop, pack, unpack
from raysearch.tasks._bayer import Phase, mosaic

PHASES: list[Phase] = ["rggb", "grbg", "gbrg", "bggr"]


@pytest.mark.parametrize("phase", PHASES)
def test_planes_are_the_positions_of_the_block(phase: Phase, generator: torch.Generator) -> None:
    rgb = torch.rand(2, 3, 6, 8, generator=generator)
    planes = pack(mosaic(rgb, phase))
    assert planes.shape == (2, 4, 3, 4)
    for position, colour in enumerate(phase):
        expected = rgb[:, "rgb".index(colour), position // 2 :: 2, position % 2 :: 2]
        assert torch.equal(planes[:, position], expected)
    assert torch.equal(unpack(planes)[:, 0], mosaic(rgb, phase).sum(dim=1)), "unpacking is the inverse"


def test_unpacking_keeps_the_maps_of_a_colour_together(generator: torch.Generator) -> None:
    maps = torch.rand(1, 12, 3, 4, generator=generator)
    image = unpack(maps)
    for channel in range(3):
        for position in range(4):
            assert torch.equal(image[:, channel, position // 2 :: 2, position % 2 :: 2], maps[:, 4 * channel + position])


def test_crop() -> None:
    image = torch.arange(25.0).view(1, 1, 5, 5)
    assert crop(image, 2).item() == 12
    assert torch.equal(crop(image, 0), image)


@pytest.mark.parametrize("size", [(6, 8), (7, 9), (2, 2), (3, 2)])
@pytest.mark.parametrize("phase", PHASES)
def test_bilinear_equals_a_convolution_of_each_colour(phase: Phase, size: tuple[int, int], generator: torch.Generator) -> None:
    seen = mosaic(torch.rand(1, 3, *size, generator=generator, dtype=torch.float64), phase)
    restored = bilinear.Config().build(3, 3, 1)(seen, None)
    green = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 4
    red_blue = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4
    for channel, kernel in enumerate((red_blue, green, red_blue)):
        expected = convolve(seen[0, channel].numpy(), kernel, mode="mirror")
        np.testing.assert_allclose(restored[0, channel].numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("phase", PHASES)
def test_bilinear_keeps_what_was_measured_and_reproduces_ramps(phase: Phase) -> None:
    y, x = torch.meshgrid(torch.linspace(0, 0.5, 16), torch.linspace(0, 0.4, 20), indexing="ij")
    rgb = torch.stack([y + x, 0.2 + y - x / 2, 0.9 - y])[None]
    restored = bilinear.Config().build(3, 3, 1)(mosaic(rgb, phase), None)
    assert torch.equal(mosaic(restored, phase), mosaic(rgb, phase))
    torch.testing.assert_close(crop(restored, 1), crop(rgb, 1))


@pytest.mark.parametrize("phase", PHASES)
def test_bilinear_does_not_darken_the_border(phase: Phase) -> None:
    flat = torch.full((1, 3, 8, 8), 0.7)
    torch.testing.assert_close(bilinear.Config().build(3, 3, 1)(mosaic(flat, phase), None), flat)


def test_bilinear_refuses_an_image_that_is_no_mosaic() -> None:
    with pytest.raises(SpecError, match="holds two colours at one pixel"):
        bilinear.Config().build(3, 3, 1)(torch.full((1, 3, 8, 8), 0.7), None)
    black = torch.zeros(1, 3, 8, 8)
    assert torch.equal(bilinear.Config().build(3, 3, 1)(black, None), black), "black is a mosaic too"


def test_the_sigma_plane_is_the_level_over_255_at_half_size(generator: torch.Generator) -> None:
    planes = torch.zeros(2, 4, 3, 5)
    sigma_255 = torch.tensor([51.0, 255.0]).view(2, 1, 1, 1)
    expected = torch.tensor([0.2, 1.0]).view(2, 1, 1, 1).expand(2, 1, 3, 5)
    torch.testing.assert_close(sigma_plane("any", sigma_255, planes), expected)
    per_pixel = torch.rand(2, 1, 6, 10, generator=generator) * 255
    means = per_pixel.view(2, 1, 3, 2, 5, 2).mean(dim=(3, 5)) / 255
    torch.testing.assert_close(sigma_plane("any", per_pixel, planes), means)
