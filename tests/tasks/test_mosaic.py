"""The four Bayer phases."""

from __future__ import annotations

import pytest
import torch

from raysearch.tasks import demosaic
from raysearch.tasks._bayer import Phase, measured, mosaic

PHASES: dict[Phase, str] = {"rggb": "rggb", "grbg": "grbg", "gbrg": "gbrg", "bggr": "bggr"}


@pytest.mark.parametrize("phase", PHASES)
def test_each_site_keeps_the_colour_that_the_phase_names(phase: Phase, generator: torch.Generator) -> None:
    rgb = torch.rand(2, 3, 6, 8, generator=generator) + 0.1
    seen = mosaic(rgb, phase)
    for y in range(6):
        for x in range(8):
            for channel, colour in enumerate("rgb"):
                keeps = phase[2 * (y % 2) + x % 2] == colour
                expected = rgb[:, channel, y, x] if keeps else torch.zeros(2)
                assert torch.equal(seen[:, channel, y, x], expected)


@pytest.mark.parametrize("size", [(6, 8), (5, 7), (1, 1)])
@pytest.mark.parametrize("phase", PHASES)
def test_one_colour_is_measured_at_every_pixel(phase: Phase, size: tuple[int, int]) -> None:
    sites = measured(phase, *size, torch.device("cpu"))
    assert torch.equal(sites.sum(dim=0), torch.ones(size, dtype=torch.int64))


@pytest.mark.parametrize(("phase", "flipped"), [("rggb", "grbg"), ("grbg", "rggb"), ("gbrg", "bggr"), ("bggr", "gbrg")])
def test_a_mirrored_image_has_the_mirrored_phase(phase: Phase, flipped: Phase, generator: torch.Generator) -> None:
    rgb = torch.rand(1, 3, 6, 8, generator=generator)
    assert torch.equal(mosaic(rgb.flip(-1), phase), mosaic(rgb, flipped).flip(-1))


def test_a_mosaic_of_a_mosaic_is_itself(generator: torch.Generator) -> None:
    once = mosaic(torch.rand(1, 3, 6, 6, generator=generator), "gbrg")
    assert torch.equal(mosaic(once, "gbrg"), once)


def test_the_default_phase_is_that_of_the_source() -> None:
    assert demosaic.Config().phase == "grbg"
    assert list(demosaic.Config(phase="bggr").levels()) == ["demosaic bggr"]
