"""Static mining keeps the patches with the largest score."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from raysearch.samplers.base import SamplerContext
from raysearch.samplers.gradient import Config


def context(scores: list[float], name: str = "gradient") -> SamplerContext:
    return SamplerContext(len(scores), {name: np.array(scores, dtype=np.float32)}, 10, 32, 3, 0, torch.device("cpu"))


@pytest.mark.parametrize(("keep", "rows"), [(0.5, [1, 3]), (0.51, [1, 3, 4]), (1.0, [0, 1, 2, 3, 4]), (1e-9, [3])])
def test_the_best_rows_are_visited_and_no_other(keep: float, rows: list[int]) -> None:
    sampler = Config(keep=keep).build(context([0.1, 0.7, 0.2, 0.9, 0.3][: 4 if keep == 0.5 else 5]))
    assert sorted(set(sampler.suggest(100).tolist())) == rows


def test_of_equal_scores_the_first_rows_are_kept() -> None:
    sampler = Config(keep=0.5).build(context([1.0, 1.0, 1.0, 1.0]))
    assert set(sampler.suggest(20).tolist()) == {0, 1}
    assert sampler.statistics() == {"kept_fraction": 0.5}


def test_the_column_can_be_chosen() -> None:
    config = Config(keep=0.5, score="std")
    assert config.scores == {"std"}
    assert set(config.build(context([0.0, 1.0], name="std")).suggest(9).tolist()) == {1}
