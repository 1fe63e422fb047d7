"""The screen, the lens and the camera: geometry in closed form, optics against a plain integral, pairs that lie on each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from raysearch.tasks import _screen
from raysearch.tasks._screen import Pose, look, photographed, warped
from raysearch.tasks.moire import Config, bilateral

QUIET = {"sigma_255": 0, "jpeg_quality": None}


def pose(
    scale: float = 1, angle: float = 0, tilt: tuple[float, float] = (0, 0), distortion: float = 0, x: float = 0, y: float = 0
) -> Pose:
    def values(*numbers: float) -> torch.Tensor:
        return torch.tensor(numbers, dtype=torch.float32).view(1, -1, 1, 1)

    return Pose(values(scale), values(angle), values(*tilt), values(distortion), values(x, y))


def smooth(height: int, width: int) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(float(height)), torch.arange(float(width)), indexing="ij")
    return torch.stack([torch.sin(x / 9), torch.cos(y / 11), torch.sin((x + y) / 13)])[None] * 0.25 + 0.5


def looks_at(stand: Pose, row: float, column: float, size: tuple[int, int] = (512, 512)) -> tuple[float, float]:
    x, y = look(stand, size, torch.tensor([row]), torch.tensor([column]))
    return float(x), float(y)


def test_where_the_camera_looks() -> None:
    assert looks_at(pose(), 100.5, 17.5) == (17.5, 100.5)
    assert looks_at(pose(scale=2), 256, 456) == (356, 256), "twice as large on the sensor"
    assert looks_at(pose(x=0.25, y=-0.5), 256, 256) == (256.25, 255.5)
    turned = looks_at(pose(angle=math.pi / 2), 256, 356)
    assert turned == pytest.approx((256, 356))
    assert looks_at(pose(tilt=(0.25, 0)), 256, 512)[0] == pytest.approx(256 + 256 / 1.25), "what is farther is smaller"
    assert looks_at(pose(distortion=0.01), 256, 512)[0] == pytest.approx(256 + 256 * 1.01)
    assert looks_at(pose(distortion=0.01), 256, 384)[0] == pytest.approx(256 + 128 * (1 + 0.01 / 4))


def test_an_upright_camera_sees_the_image_and_beyond_it_the_mirrored_one() -> None:
    image = smooth(20, 30)
    assert torch.allclose(warped(image, pose()), image, atol=1e-5)
    beyond = warped(image, pose(x=5))
    assert torch.allclose(beyond[..., :25], image[..., 5:], atol=1e-5)
    assert torch.allclose(beyond[..., 25:], image[..., 25:].flip(-1), atol=1e-5)
    assert torch.equal(
        _screen._mirrored(torch.tensor([[[-2.5, -0.5, 0.5, 3.5, 4.5, 5.5]]]), 4), torch.tensor([[[2, 0, 0, 3, 3, 2]]])
    )


@pytest.mark.parametrize(("scale", "angle", "width"), [(1.0, 0.0, 0.5), (0.83, 0.06, 0.45), (1.5, -0.1, 0.6)])
def test_the_light_on_a_pixel_is_the_integral_over_stripes(scale: float, angle: float, width: float) -> None:
    """A plain sum over a grid of 41 x 41 points a pixel, without footprints; five samples a pixel come within 0.04 of it."""
    light = smooth(24, 24)
    stand = pose(scale=scale, angle=angle, x=0.2, y=-0.3)
    found = photographed(light, stand, torch.tensor([width]))[0]
    fine = 41
    offsets = (np.arange(-2 * fine, 2 * fine + 1)) / fine
    profile = np.exp(-(np.abs(offsets / width) ** 4) / 2)
    for row, column in ((11, 12), (14, 9)):
        rows, columns = (torch.tensor(offsets + at + 0.5, dtype=torch.float32) for at in (row, column))
        x, y = (place[0].double().numpy() for place in look(stand, (24, 24), rows, columns))
        pixel_x, pixel_y = np.floor(x).astype(int), np.floor(y).astype(int)
        lit = (y - pixel_y) < 2 / 3
        for colour in range(3):
            stripe = np.floor((x - pixel_x) * 3).astype(int) == colour
            seen = light[0, colour].numpy()[pixel_y, pixel_x] * stripe * lit * 4.5
            expected = (seen * profile[:, None] * profile[None, :]).sum() / profile.sum() ** 2
            assert abs(float(found[colour, row, column]) - expected) < 0.04


def test_bands_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    light, stand = smooth(40, 24), pose(scale=0.9, angle=0.03, tilt=(0.02, 0.01))
    whole = photographed(light, stand, torch.tensor([0.5]))
    monkeypatch.setattr(_screen, "_MOST_SAMPLES", 24 * 25 * 7)
    banded = photographed(light, stand, torch.tensor([0.5]))
    assert whole.shape == light.shape
    assert torch.allclose(whole, banded, atol=1e-5)


def test_a_white_screen_gives_coloured_waves_around_white() -> None:
    white = torch.ones(1, 3, 96, 96)
    seen = photographed(white, pose(scale=0.95, angle=0.02), torch.tensor([0.45]))
    assert torch.allclose(seen.mean(dim=(2, 3)), torch.ones(1, 3), atol=0.02)
    colours = seen - seen.mean(dim=1, keepdim=True)
    assert colours.std() > 0.02
    wide = photographed(white, pose(scale=0.95, angle=0.02), torch.tensor([1.0]))
    assert wide.std() < seen.std()


def test_pairs_lie_on_each_other(generator: torch.Generator) -> None:
    """A bright disc has its centre of mass at the same place in both images, whatever the pose."""
    y, x = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    disc = (((x - 60) ** 2 + (y - 40) ** 2) < 144).float().expand(6, 3, 96, 96)
    pair = Config.parse({**QUIET, "screen_scale": {"low": 0.9, "high": 1.3}, "rotation_degrees": 15, "tilt": 0.1}).degrade(
        disc, generator
    )
    moved = []
    for number in range(6):
        seen, clean = (centre(image[number].mean(dim=0)) for image in (pair.degraded, pair.clean))
        assert math.dist(seen, clean) < 0.35
        moved.append(math.dist(clean, (60, 40)))
    assert min(moved) > 0.5, "the geometry did something"


def centre(image: torch.Tensor) -> tuple[float, float]:
    weight = (image - 0.2).clamp_min(0)
    rows, columns = torch.arange(image.shape[0]), torch.arange(image.shape[1])
    return float((weight.sum(dim=0) * columns).sum() / weight.sum()), float((weight.sum(dim=1) * rows).sum() / weight.sum())


def test_brightness_agrees_and_there_is_something_to_remove(generator: torch.Generator) -> None:
    clean = smooth(96, 96).expand(4, 3, 96, 96)
    pair = Config().degrade(clean, generator)
    assert (pair.degraded.mean(dim=(1, 2, 3)) - pair.clean.mean(dim=(1, 2, 3))).abs().max() < 0.03
    error = (pair.degraded - pair.clean).square().mean(dim=(1, 2, 3))
    assert error.min() > 1e-4
    assert error.max() < 3e-2


def test_the_filter_spares_edges_and_averages_noise(generator: torch.Generator) -> None:
    edge = (torch.arange(20) >= 10).float().expand(1, 1, 20, 20) * 0.5 + 0.25
    sigma = torch.full((1, 1, 1, 1), 0.02)
    noisy = edge + 0.02 * torch.randn(edge.shape, generator=generator)
    calm = bilateral(noisy, sigma)
    assert torch.allclose(bilateral(edge, sigma), edge, atol=1e-6)
    assert (calm - edge).std() < 0.6 * (noisy - edge).std()


def test_levels_of_evaluation() -> None:
    levels = Config().levels()
    assert list(levels) == ["screen x0.9", "screen x1", "screen x1.25"]
    assert [level.screen_scale for level in levels.values()] == [0.9, 1.0, 1.25]  # type: ignore[attr-defined]
    with pytest.raises(ValidationError, match="listed twice"):
        Config(evaluate_at=(1.0, 1.0))
