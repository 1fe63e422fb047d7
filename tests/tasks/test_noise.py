"""Noise against theory. Bounds of random tests lie at 5.5 standard errors (an alarm in about 3e7 runs) under a fixed seed."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from raysearch.component import problems
from raysearch.tasks import gaussian_denoise, joint_demosaic_denoise
from raysearch.tasks._bayer import measured, mosaic
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
