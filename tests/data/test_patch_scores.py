"""Scores against their formulas, written plainly in float64."""

from __future__ import annotations

import numpy as np
import pytest

from raysearch.data.scores import SCORES, patch_scores

FORMULAS = {
    "gradient": lambda patch: (_across(patch) ** 2 + _down(patch) ** 2).mean(),
    "gradient_l1": lambda patch: (abs(_across(patch)) + abs(_down(patch))).mean(),
    "gradient_sqrt": lambda patch: np.sqrt(_across(patch) ** 2 + _down(patch) ** 2).mean(),
    "std": lambda patch: patch.std(),
    "frequency": lambda patch: _high_power(patch) / patch.size,
}


def _high_power(patch: np.ndarray) -> float:
    """The sum over |omega| >= pi/2 on both axes, with the transform written as a sum over pixels."""
    size = patch.shape[1]
    bins = np.arange(size)
    omega = 2 * np.pi * np.where(2 * bins > size, bins - size, bins) / size
    wave = np.exp(-1j * np.outer(omega[np.abs(omega) >= np.pi / 2 - 1e-12], np.arange(size)))
    return float((np.abs(wave @ patch @ wave.T) ** 2).sum())


def _across(patch: np.ndarray) -> np.ndarray:
    return np.diff(patch, axis=2, append=patch[:, :, -1:])


def _down(patch: np.ndarray) -> np.ndarray:
    return np.diff(patch, axis=1, append=patch[:, -1:])


def test_every_score_has_its_formula_here() -> None:
    assert tuple(FORMULAS) == SCORES


def test_a_quarter_of_the_frequencies_is_high() -> None:
    impulse = np.zeros((1, 96, 96), np.uint8)
    impulse[0, 40, 50] = 255  # all frequencies alike
    high = patch_scores(impulse, np.array([0]), np.array([0]), 96, "frequency")[0, 0]
    np.testing.assert_allclose(high, (49 / 96) ** 2, rtol=1e-6)
    assert round(100 * (49 / 96) ** 2, 2) == 26.05


@pytest.mark.parametrize("score", FORMULAS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("channels", "size", "stride"), [(3, 8, 8), (1, 8, 5), (3, 5, 9)])
def test_against_the_formula(score: str, dtype: type, channels: int, size: int, stride: int) -> None:
    white = np.iinfo(dtype).max
    pixels = np.random.default_rng(0).integers(0, white + 1, (channels, 30, 41)).astype(dtype)
    ys, xs = np.arange(0, 30 - size + 1, stride), np.arange(0, 41 - size + 1, stride)
    scores = patch_scores(pixels, ys, xs, size, score)
    assert scores.dtype == np.float32
    assert scores.shape == (len(ys), len(xs))
    for row, y in enumerate(ys):
        for column, x in enumerate(xs):
            patch = pixels[:, y : y + size, x : x + size] / white
            np.testing.assert_allclose(scores[row, column], FORMULAS[score](patch), rtol=2e-6)


@pytest.mark.parametrize("score", FORMULAS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_flat_patch_scores_zero_and_the_largest_sums_fit(score: str, dtype: type) -> None:
    white = np.iinfo(dtype).max
    where = (np.array([0]), np.array([0]), 1024, score)
    assert patch_scores(np.full((3, 1024, 1024), white, dtype), *where)[0, 0] == 0
    stripes = np.zeros((3, 1024, 1024), dtype)
    stripes[:, :, ::2] = white
    expected = {"std": 0.5, "frequency": 0.0}.get(score, 1023 / 1024)
    np.testing.assert_allclose(patch_scores(stripes, *where)[0, 0], expected, rtol=1e-6)


def test_the_same_picture_in_8_and_16_bits_scores_alike() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 16, 16), dtype=np.uint8)
    where = (np.array([0, 8]), np.array([0, 8]), 8)
    for score in FORMULAS:
        np.testing.assert_allclose(
            patch_scores(pixels, *where, score), patch_scores(pixels.astype(np.uint16) * np.uint16(257), *where, score), rtol=1e-6
        )
