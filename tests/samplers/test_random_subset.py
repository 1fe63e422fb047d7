"""A random subset is the same for every trial, and smaller ones lie inside larger ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from raysearch.samplers.base import SamplerContext
from raysearch.samplers.loss import Config as LossConfig
from raysearch.samplers.random_subset import Config


def context(count: int = 1000, seed: int = 0) -> SamplerContext:
    return SamplerContext(count, {}, 10, 32, 3, seed, torch.device("cpu"))


def rows(config: Config, seed: int = 0) -> set[int]:
    return set(config.build(context(seed=seed)).suggest(1000).tolist())


def test_the_share_is_exact_and_one_patch_is_the_least() -> None:
    assert len(rows(Config(keep=0.3))) == 300
    assert len(rows(Config(keep=1e-9))) == 1
    assert rows(Config(keep=1.0)) == set(range(1000))


def test_the_trials_seed_changes_the_order_and_not_the_subset() -> None:
    config = Config(keep=0.3)
    assert rows(config, seed=1) == rows(config, seed=2)
    assert not torch.equal(*(config.build(context(seed=seed)).suggest(300) for seed in (1, 2)))


def test_another_draw_is_another_subset_that_overlaps_by_chance() -> None:
    shared = len(rows(Config(keep=0.3)) & rows(Config(keep=0.3, draw=1)))
    assert 50 < shared < 130  # hypergeometric: mean 90, standard deviation 8, so five of them


def test_a_smaller_subset_lies_inside_a_larger_one() -> None:
    assert rows(Config(keep=0.1)) < rows(Config(keep=0.3))


def test_places_are_spread_evenly() -> None:
    assert abs(np.mean(list(rows(Config(keep=0.3)))) - 499.5) < 5 * 1000 / np.sqrt(12 * 300)


def test_loss_keeps_the_worst_restored() -> None:
    config = LossConfig(checkpoint=Path("/nowhere"), keep=0.5)
    scored = SamplerContext(4, {"loss": np.array([0.1, 0.7, 0.2, 0.9], np.float32)}, 10, 32, 3, 0, torch.device("cpu"))
    assert set(config.build(scored).suggest(20).tolist()) == {1, 3}
