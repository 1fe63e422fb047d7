"""Hard negatives: thresholds, the choice of cells and its weights."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from raysearch.samplers.base import SamplerContext, Signals
from raysearch.samplers.hard_negative import Config

CONTEXT = SamplerContext(10, {}, 11, 32, 3, 0, torch.device("cpu"))
ROWS = torch.arange(2)


def signals(psnr_db: list[list[float]]) -> Signals:
    """Two images of four 16x16 cells with these PSNRs."""
    clean = torch.full((2, 3, 32, 32), 0.5)
    error = (10 ** (-torch.tensor(psnr_db) / 20)).view(2, 1, 2, 2).repeat_interleave(16, 2).repeat_interleave(16, 3)
    return Signals(clean + error, clean, error.square())


def test_kept_cells_share_the_batch_and_the_others_weigh_nothing() -> None:
    sampler = Config(threshold_db=40.0, cell=16).build(CONTEXT)
    given = signals([[39.9, 40.1, 20.0, 60.0], [41.0, 50.0, 60.0, 30.0]])
    weights = sampler.update(ROWS, given)
    assert weights is not None
    kept = torch.tensor([[1.0, 0, 1, 0], [0, 0, 0, 1]]).view(2, 1, 2, 2)
    assert torch.equal(weights[:, :, ::16, ::16] > 0, kept > 0)
    mean_of_kept = (kept * given.loss_map[:, :, ::16, ::16]).sum() / 3
    torch.testing.assert_close((weights * given.loss_map).sum() / 2, mean_of_kept)
    assert sampler.statistics() == {"threshold_db": 40.0, "kept_fraction": pytest.approx(3 / 8)}


def test_the_psnr_is_of_the_clipped_image() -> None:
    clean = torch.ones(2, 3, 32, 32)
    weights = Config(threshold_db=40.0, cell=16).build(CONTEXT).update(ROWS, Signals(clean + 0.5, clean, clean[:, :1]))
    assert weights is not None
    assert not weights.any()


def test_all_kept_is_the_plain_mean_and_none_kept_is_all_zero() -> None:
    weights = Config(threshold_db=40.0, cell=16).build(CONTEXT).update(ROWS, signals([[10.0] * 4, [20.0] * 4]))
    assert weights is not None
    torch.testing.assert_close(weights, torch.full((2, 1, 32, 32), 1 / 32**2))
    sampler = Config(threshold_db=5.0, cell=16).build(CONTEXT)
    weights = sampler.update(ROWS, signals([[10.0] * 4, [20.0] * 4]))
    assert weights is not None
    assert not weights.any()
    assert sampler.statistics()["kept_fraction"] == 0.0


@pytest.mark.parametrize("cell", [16, 24, 32])
def test_a_cell_that_does_not_divide_the_patch_still_gives_the_plain_mean(cell: int) -> None:
    weights = Config(threshold_db=40.0, cell=cell).build(CONTEXT).update(ROWS, signals([[10.0] * 4, [20.0] * 4]))
    assert weights is not None
    torch.testing.assert_close(weights, torch.full((2, 1, 32, 32), 1 / 32**2))


def test_the_schedule_runs_linearly_from_the_warm_up_to_the_last_step() -> None:
    config = Config.parse({"threshold_db": {"start": 45, "end": 35}, "warmup_steps": 1, "cell": 16})
    assert [config.threshold(step, 12) for step in (0, 1, 6, 11, 20)] == [45, 45, 40, 35, 35]
    assert config.threshold(0, 1) == 35
    sampler = config.build(CONTEXT)
    assert sampler.update(ROWS, signals([[10.0] * 4] * 2)) is None
    assert sampler.statistics() == {"threshold_db": 45.0, "kept_fraction": 1.0}
    sampler.update(ROWS, signals([[44.0] * 4] * 2))
    assert sampler.statistics() == {"threshold_db": 45.0, "kept_fraction": 1.0}
    sampler.update(ROWS, signals([[44.0] * 4] * 2))
    assert sampler.statistics() == {"threshold_db": pytest.approx(45 - 10 / 9), "kept_fraction": 0.0}


@pytest.mark.parametrize("threshold", [-1, 101, {"start": 40}, {"start": 40, "end": "x"}, "40"])
def test_bad_thresholds_are_refused(threshold: object) -> None:
    with pytest.raises(ValidationError):
        Config.parse({"threshold_db": threshold})
