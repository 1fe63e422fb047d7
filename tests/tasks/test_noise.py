"""Noise against theory. Bounds of random tests lie at 5.5 standard errors (an alarm in about 3e7 runs) under a fixed seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from raysearch.component import problems
from raysearch.tasks import gaussian_denoise, joint_demosaic_denoise, poisson_denoise
from raysearch.tasks._bayer import measured, mosaic
from raysearch.tasks._noise import Map, level_map
from raysearch.tasks._range import Range
from raysearch.tasks.base import TaskConfig

ALARM = 5.5


@pytest.fixture
def clean(generator: torch.Generator) -> torch.Tensor:
    return torch.rand(4, 3, 96, 96, generator=generator)


@pytest.mark.parametrize("sigma_255", [5, 25, 100])
def test_mean_and_variance(sigma_255: int, clean: torch.Tensor, generator: torch.Generator) -> None:
    pair = gaussian_denoise.Config(sigma_255=sigma_255).degrade(clean, generator)
    noise = (pair.degraded - clean).double() * 255
    count = noise.numel()
    assert abs(float(noise.mean())) < ALARM * sigma_255 / count**0.5
    assert abs(float(noise.var()) - sigma_255**2) < ALARM * sigma_255**2 * (2 / count) ** 0.5
    assert pair.sigma_255 is not None
    assert torch.equal(pair.sigma_255, torch.full((4, 1, 1, 1), float(sigma_255)))


def test_values_are_independent(clean: torch.Tensor, generator: torch.Generator) -> None:
    noise = gaussian_denoise.Config(sigma_255=255).degrade(clean, generator).degraded - clean
    for other in (noise.roll(1, 0), noise.roll(1, 1), noise.roll(1, 2), noise.roll(1, 3)):
        assert abs(float((noise * other).mean())) < ALARM / noise.numel() ** 0.5


@pytest.mark.parametrize("kind", [gaussian_denoise, joint_demosaic_denoise])
def test_a_range_is_drawn_per_image_and_told(kind: object, generator: torch.Generator) -> None:
    task: TaskConfig = kind.Config(sigma_255={"low": 10, "high": 50})  # type: ignore[attr-defined]
    clean = torch.rand(2000, 3, 8, 8, generator=generator)
    pair = task.degrade(clean, generator)
    assert pair.sigma_255 is not None
    told = pair.sigma_255.flatten()
    assert told.min() >= 10
    assert told.max() <= 50
    assert abs(float(told.mean()) - 30) < ALARM * 40 / (12 * 2000) ** 0.5
    assert told.unique().numel() > 1900
    measured_at = pair.degraded != 0
    noise = (pair.degraded - clean) * 255 * measured_at
    standardised = (noise.square().sum(dim=(1, 2, 3)) / measured_at.sum(dim=(1, 2, 3))).sqrt() / told
    assert abs(float(standardised.mean()) - 1) < 0.02


def test_noise_is_not_clipped(generator: torch.Generator) -> None:
    pair = gaussian_denoise.Config(sigma_255=50).degrade(torch.zeros(1, 3, 32, 32), generator)
    assert pair.degraded.min() < -0.3
    assert abs(float((pair.degraded < 0).float().mean()) - 0.5) < 0.06


@pytest.mark.parametrize("color", ["rgb", "gray"])
def test_level_zero_is_the_identity(color: str, clean: torch.Tensor, generator: torch.Generator) -> None:
    task = gaussian_denoise.Config.parse({"color": color, "sigma_255": 0})
    image = clean[:, : task.channels]
    assert torch.equal(task.degrade(image, generator).degraded, image)


@pytest.mark.parametrize("phase", ["rggb", "grbg", "gbrg", "bggr"])
def test_joint_noise_is_added_before_the_mosaic(phase: str, clean: torch.Tensor) -> None:
    still = joint_demosaic_denoise.Config.parse({"phase": phase, "sigma_255": 0})
    generator = torch.Generator().manual_seed(1)
    assert torch.equal(still.degrade(clean, generator).degraded, mosaic(clean, still.phase))
    noisy = joint_demosaic_denoise.Config.parse({"phase": phase, "sigma_255": 20})
    pair = noisy.degrade(clean, generator)
    sites = measured(noisy.phase, 96, 96, clean.device)
    assert (pair.degraded[:, ~sites] == 0).all(), "missing sites hold no noise"
    noise = ((pair.degraded - clean)[:, sites] * 255).double()
    count = noise.numel()
    assert abs(float(noise.mean())) < ALARM * 20 / count**0.5
    assert abs(float(noise.var()) - 400) < ALARM * 400 * (2 / count) ** 0.5
    assert float(pair.degraded.min()) < 0, "not clipped"


def test_levels() -> None:
    joint = joint_demosaic_denoise.Config(phase="rggb")
    assert list(joint.levels()) == ["sigma 5", "sigma 10", "sigma 15"]
    assert all(level.phase == "rggb" for level in joint.levels().values() if isinstance(level, joint_demosaic_denoise.Config))
    assert list(gaussian_denoise.Config(sigma_255=25).levels()) == ["sigma 25"]
    assert list(gaussian_denoise.Config(sigma_255=Range(low=0, high=55)).levels()) == ["sigma 15", "sigma 25", "sigma 50"]
    chosen = gaussian_denoise.Config(color="gray", evaluate_at_255=(7.5, 30.0)).levels()
    assert list(chosen) == ["sigma 7.5", "sigma 30"]
    assert all(level.channels == 1 for level in chosen.values())


def test_a_fixed_level_and_a_range_survive_json() -> None:
    for sigma_255 in (12, 0, {"low": 0, "high": 55}, {"low": 3.5, "high": 3.5}):
        task = gaussian_denoise.Config.parse({"sigma_255": sigma_255})
        assert gaussian_denoise.Config.parse(task.model_dump(mode="json")) == task
        assert gaussian_denoise.Config.model_validate_json(task.model_dump_json()) == task


@pytest.mark.parametrize(
    ("data", "key", "says"),
    [
        ({"sigma_255": -1}, "sigma_255", "0..255"),
        ({"sigma_255": 256}, "sigma_255", "0..255"),
        ({"sigma_255": "25"}, "sigma_255", "such as {low: 0, high: 255}"),
        ({"sigma_255": True}, "sigma_255", "0..255"),
        ({"sigma_255": [5, 10]}, "sigma_255", "a range"),
        ({"sigma_255": float("nan")}, "sigma_255", "0..255"),
        ({"sigma_255": {"low": 9, "high": 3}}, "sigma_255", "low 9 is above high 3"),
        ({"sigma_255": {"low": 0}}, "sigma_255.high", "required"),
        ({"sigma_255": {"low": 0, "high": 3, "step": 1}}, "sigma_255.step", "not permitted"),
        ({"sigma_255": {"low": 0, "high": 300}}, "sigma_255.high", "255"),
        ({"evaluate_at_255": []}, "evaluate_at_255", "at least 1"),
        ({"evaluate_at_255": [5, 300]}, "evaluate_at_255.1", "255"),
        ({"evaluate_at_255": [5, 5.0]}, "evaluate_at_255", "listed twice"),
    ],
)
@pytest.mark.parametrize("kind", [gaussian_denoise, joint_demosaic_denoise])
def test_a_mistake_is_named_at_its_key(kind: object, data: dict[str, object], key: str, says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        kind.Config.parse(data)  # type: ignore[attr-defined]
    (problem,) = problems(caught.value)
    assert problem.key == key
    assert says in problem.message


# maps, and clipping


def test_linear_rises_over_the_columns() -> None:
    found = level_map(Map(form="linear", low=10, high=40), 3, 7, torch.device("cpu"))
    assert torch.allclose(found, torch.tensor([10.0, 15, 20, 25, 30, 35, 40]).expand(1, 1, 3, 7))


def test_peaks_is_the_surface_of_matlab() -> None:
    """The summit of `peaks(49)` is 8.0752, below the middle; its deepest valley lies to the right, above the middle."""
    found = level_map(Map(form="peaks", low=0, high=50), 49, 49, torch.device("cpu"))[0, 0]
    assert divmod(int(found.argmax()), 49) == (37, 24)
    assert found.max() == 50
    upper = found[:24]
    assert divmod(int(upper.argmax()), 49) == (11, 26)
    x, y = np.meshgrid(np.linspace(-3, 3, 49), np.linspace(-3, 3, 49))
    hill = 3 * (1 - x) ** 2 * np.exp(-(x**2) - (y + 1) ** 2)
    ring = -10 * (x / 5 - x**3 - y**5) * np.exp(-(x**2) - y**2)
    dent = -1 / 3 * np.exp(-((x + 1) ** 2) - y**2)
    surface = np.abs(hill + ring + dent)
    assert abs(surface.max() - 8.0752) < 1e-4
    assert np.allclose(found.numpy(), surface / surface.max() * 50, atol=1e-4)


@pytest.mark.parametrize("form", ["linear", "peaks"])
def test_a_map_is_applied_and_told(form: str, generator: torch.Generator) -> None:
    task = gaussian_denoise.Config.parse({"color": "gray", "sigma_255": {"form": form, "low": 5, "high": 50}})
    clean = torch.full((400, 1, 16, 24), 0.5)
    pair = task.degrade(clean, generator)
    assert pair.sigma_255 is not None
    assert pair.sigma_255.shape == (400, 1, 16, 24)
    measured_255 = ((pair.degraded - clean) * 255).square().mean(dim=0).sqrt()
    assert (measured_255 / pair.sigma_255[0] - 1).abs().max() < ALARM / 800**0.5
    (label,) = task.levels()
    assert label == f"{form} 5-50"


def test_evaluation_at_numbers_and_maps() -> None:
    at = [10, {"form": "linear", "low": 0, "high": 50}, {"form": "peaks", "high": 50}]
    task = gaussian_denoise.Config.parse({"sigma_255": {"low": 0, "high": 50}, "evaluate_at_255": at})
    assert list(task.levels()) == ["sigma 10", "linear 0-50", "peaks 0-50"]
    assert gaussian_denoise.Config.parse(task.model_dump(mode="json")) == task


@pytest.mark.parametrize(
    ("data", "key", "says"),
    [
        ({"sigma_255": {"form": "hills", "high": 50}}, "sigma_255.form", "'linear' or 'peaks'"),
        ({"sigma_255": {"form": "peaks", "high": 300}}, "sigma_255.high", "255"),
        ({"sigma_255": {"form": "peaks", "low": 51}}, "sigma_255", "low 51 is above high 50"),
        ({"evaluate_at_255": [5, {"low": 0, "high": 9}]}, "evaluate_at_255.1", "needs a fixed level"),
        ({"evaluate_at_255": [{"form": "peaks"}, {"form": "peaks", "high": 50}]}, "evaluate_at_255", "listed twice"),
    ],
)
def test_a_mistake_in_a_map_is_named_at_its_key(data: dict[str, object], key: str, says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        gaussian_denoise.Config.parse(data)
    (problem,) = problems(caught.value)
    assert problem.key == key
    assert says in problem.message


def test_clipping_cuts_and_does_not_round(clean: torch.Tensor) -> None:
    free = gaussian_denoise.Config(sigma_255=50).degrade(clean, torch.Generator().manual_seed(2))
    cut = gaussian_denoise.Config(sigma_255=50, clip=True).degrade(clean, torch.Generator().manual_seed(2))
    assert torch.equal(cut.degraded, free.degraded.clamp(0, 1))
    levels = gaussian_denoise.Config(clip=True).levels()
    assert list(levels) == ["sigma 25, clipped"]
    assert all(level.clip for level in levels.values())  # type: ignore[attr-defined]


# photons


@pytest.mark.parametrize(("peak", "sigma_255"), [(1, 0), (4, 0), (30, 10), (200, 2.55)])
def test_photons_have_the_mean_and_the_variance_of_the_model(peak: float, sigma_255: float, generator: torch.Generator) -> None:
    clean = torch.linspace(0, 1, 11)[None, None, :, None].expand(2, 1, 11, 20000)
    pair = poisson_denoise.Config(color="gray", peak=peak, sigma_255=sigma_255).degrade(clean, generator)
    noise = (pair.degraded - clean).double()
    variance = clean[0, 0, :, 0].double() / peak + (sigma_255 / 255) ** 2
    count = 2 * 20000
    assert (noise.mean(dim=(0, 1, 3)).abs() <= ALARM * (variance / count).sqrt()).all()
    kurtosis_excess = 1 / (clean[0, 0, :, 0].double() * peak).clamp_min(0.1)
    spread = variance * ((2 + kurtosis_excess) / count).sqrt()
    assert ((noise.square().mean(dim=(0, 1, 3)) - variance).abs() <= ALARM * spread + 1e-12).all()
    assert pair.sigma_255 is None, "a network could read the clean image from it"
    assert pair.hidden_sigma_255 is not None
    assert torch.allclose(pair.hidden_sigma_255[0, 0, :, 0].double(), variance.sqrt() * 255, rtol=1e-5)


def test_the_default_is_the_noise_of_the_loss_study() -> None:
    task = poisson_denoise.Config()
    assert isinstance(task.peak, float)
    assert 1 / task.peak == 0.005
    assert abs((task.sigma_255 / 255) ** 2 - 1e-4) < 1e-12


def test_counts_are_whole_photons_and_can_be_clipped(clean: torch.Tensor, generator: torch.Generator) -> None:
    counts = poisson_denoise.Config(peak=4, sigma_255=0).degrade(clean, generator).degraded * 4
    assert torch.equal(counts, counts.round())
    assert counts.max() > 4
    assert poisson_denoise.Config(peak=4, clip=True).degrade(clean, generator).degraded.max() == 1


def test_peaks_of_evaluation() -> None:
    assert list(poisson_denoise.Config().levels()) == ["peak 200, sigma 2.55"]
    assert list(poisson_denoise.Config(clip=True).levels()) == ["peak 200, sigma 2.55, clipped"]
    drawn = poisson_denoise.Config.parse({"peak": {"low": 1, "high": 30}, "sigma_255": 0})
    assert list(drawn.levels()) == ["peak 1", "peak 2", "peak 4", "peak 8", "peak 30"]
    pair = drawn.degrade(torch.full((500, 3, 8, 8), 0.5), torch.Generator().manual_seed(0))
    peaks = (255 / pair.hidden_sigma_255[:, 0, 0, 0]) ** 2 / 2  # type: ignore[index]
    assert peaks.min() >= 0.99
    assert peaks.max() <= 30.1
    with pytest.raises(ValidationError, match="listed twice"):
        poisson_denoise.Config(evaluate_at=(4.0, 4.0))
