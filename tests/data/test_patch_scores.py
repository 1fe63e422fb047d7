"""Scores against their formulas, written plainly in float64."""

from __future__ import annotations

import numpy as np
import pytest

from raysearch.data.scores import patch_scores

FORMULAS = {
    "gradient": lambda patch: (_across(patch) ** 2 + _down(patch) ** 2).mean(),
    "gradient_l1": lambda patch: (abs(_across(patch)) + abs(_down(patch))).mean(),
    "std": lambda patch: patch.std(),
}


def _across(patch: np.ndarray) -> np.ndarray:
    return np.diff(patch, axis=2, append=patch[:, :, -1:])


def _down(patch: np.ndarray) -> np.ndarray:
    return np.diff(patch, axis=1, append=patch[:, -1:])


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
    expected = 0.5 if score == "std" else 1023 / 1024
    np.testing.assert_allclose(patch_scores(stripes, *where)[0, 0], expected, rtol=1e-6)


def test_the_same_picture_in_8_and_16_bits_scores_alike() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 16, 16), dtype=np.uint8)
    where = (np.array([0, 8]), np.array([0, 8]), 8)
    for score in FORMULAS:
        np.testing.assert_allclose(
            patch_scores(pixels, *where, score), patch_scores(pixels.astype(np.uint16) * np.uint16(257), *where, score), rtol=1e-6
        )
