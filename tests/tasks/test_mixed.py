"""Blur, noise and JPEG of RL-Restore against SciPy, theory and the counts of the source."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.ndimage import correlate

from raysearch.tasks import mixed_distortions as mixed
from raysearch.tasks._blur import blur, gaussian

COUNTS = {"mild": 163, "moderate": 434, "severe": 163}


@pytest.mark.parametrize("group", COUNTS)
def test_combinations_of_levels(group: mixed.Group) -> None:
    found = {tuple(levels) for levels in mixed.combinations(group).tolist()}
    assert len(found) == COUNTS[group]
    low, high = {"mild": (9, 11), "moderate": (12, 17), "severe": (18, 20)}[group]
    for levels in itertools.product(range(1, 11), repeat=3):
        assert (tuple(level - 1 for level in levels) in found) == (low <= sum(levels) - 2 <= high)


def test_the_borders_of_levels() -> None:
    assert mixed.BLUR == (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5)
    assert mixed.NOISE_255 == (0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50)
    assert mixed.QUALITY == (100, 80, 60, 50, 40, 35, 30, 25, 20, 15, 10)


def test_values_lie_evenly_within_their_level(generator: torch.Generator) -> None:
    levels = torch.arange(10).repeat_interleave(500)
    for borders in (mixed.BLUR, mixed.NOISE_255, mixed.QUALITY):
        found = mixed._draw_within(borders, levels, generator).view(10, 500)
        edges = torch.tensor(borders)
        low, high = torch.minimum(edges[:-1], edges[1:]), torch.maximum(edges[:-1], edges[1:])
        assert (found >= low[:, None] - 1e-5).all()
        assert (found <= high[:, None] + 1e-5).all()
        error = found.mean(dim=1) - (low + high) / 2
        assert (error.abs() < 5.5 * (high - low) / (12 * 500) ** 0.5).all()


def test_combinations_are_drawn_equally_often(generator: torch.Generator) -> None:
    drawn = mixed._draw_levels("mild", 16300, generator)
    counts = drawn.unique(dim=0, return_counts=True)[1]
    assert len(counts) == 163
    assert (counts - 100).abs().max() < 5.5 * 10


@pytest.mark.parametrize("sigma", [0.0, 0.3, 1.0, 4.7])
def test_the_blur_is_a_truncated_gaussian_with_repeated_borders(sigma: float, generator: torch.Generator) -> None:
    image = torch.rand(2, 3, 17, 26, generator=generator)
    found = blur(image, gaussian(torch.tensor([sigma, 2.0]), 10))
    for number, width in enumerate((sigma, 2.0)):
        y, x = np.mgrid[-10:11, -10:11]
        kernel = np.exp(-(x**2 + y**2) / (2 * max(width, 1e-3) ** 2))
        kernel /= kernel.sum()
        for channel in range(3):
            expected = correlate(image[number, channel].double().numpy(), kernel, mode="nearest")
            assert np.allclose(found[number, channel].numpy(), expected, atol=1e-5)


def test_a_flat_top_keeps_more_of_the_middle() -> None:
    soft, flat = (gaussian(torch.tensor([4.0]), 12, power)[0] for power in (2, 4))
    assert (flat[10:15] / flat[12] > soft[10:15] / soft[12]).sum() == 4
    assert flat[0] < soft[0]
    assert torch.allclose(flat.sum(), torch.tensor(1.0))


def test_noise_is_clipped_before_the_file() -> None:
    black = mixed.Config(group="severe").degrade(torch.zeros(8, 3, 63, 63), torch.Generator().manual_seed(0)).degraded
    assert black.min() == 0
    assert black.mean() > 0.01, "clipped noise makes black brighter"


def test_groups_are_ordered_and_files_agree_with_the_device(generator: torch.Generator) -> None:
    y, x = torch.meshgrid(torch.arange(63.0), torch.arange(63.0), indexing="ij")
    waves = torch.stack([torch.sin(x / 3), torch.cos(y / 5), torch.sin((x + y) / 7)]) * 0.3 + 0.5
    clean = waves.expand(48, 3, 63, 63)
    errors = {}
    for group in COUNTS:
        task = mixed.Config.parse({"group": group})
        (level,) = mixed.Config.parse({"group": group, "evaluate_at": [group]}).levels().values()
        assert isinstance(level, mixed.Config)
        assert (level.codec, level.group) == ("pillow", group)
        first, second = (each.degrade(clean, torch.Generator().manual_seed(4)).degraded for each in (task, level))
        torch.testing.assert_close(first, second, rtol=0, atol=1e-7)
        errors[group] = float((first - clean).square().mean())
    assert errors["mild"] < errors["moderate"] < errors["severe"]


def test_levels_of_evaluation() -> None:
    assert list(mixed.Config().levels()) == ["mild", "moderate", "severe"]
    with pytest.raises(ValidationError, match="listed twice"):
        mixed.Config(evaluate_at=("mild", "mild"))
