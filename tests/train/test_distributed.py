"""Two ranks over gloo on this machine: the same `fit` gives the same curve as one worker with the same global batch.

Two processes are started once and do everything that is checked: starting them takes most of the time.
"""

from __future__ import annotations

import gc
import json
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import multiprocessing, nn

from raysearch.errors import SpecError
from raysearch.spec.trial import TrialConfig
from raysearch.train.changing import Stage, fit_in_stages
from raysearch.train.files import CHECKPOINTS, IMAGES_FILE, MOMENTS_FILE, PATCHES_FILE, USAGE_FILE
from raysearch.train.loop import fit
from raysearch.train.reporter import ListReporter, Report, StopTrial
from raysearch.train.state import TrialIO
from raysearch.train.world import DistributedWorld, SingleWorld, World, agree_on_bytes, share_of

CPU = torch.device("cpu")
LIMIT = timedelta(seconds=60)
SAMPLERS: dict[str, object] = {
    "uniform": "uniform",
    "hard_negative": {"kind": "hard_negative", "cell": 8, "threshold_db": 22.0},
    "patchnet": {"kind": "patchnet", "cell": 16, "width": 4},
}


class Recorder(ListReporter):
    """Writes every report down, since processes share nothing; stops at a step."""

    def __init__(self, path: Path, stop_at: int) -> None:
        super().__init__()
        self.path, self.stop_at = path, stop_at

    def report(self, report: Report) -> None:
        super().report(report)
        self.path.write_text(json.dumps([[r.step, r.metrics] for r in self.reports]))
        if report.step == self.stop_at:
            raise StopTrial


def start(rank: int, root: Path, cases: dict[str, str], cache: Path) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{root}/rendezvous", rank=rank, world_size=2, timeout=LIMIT)
    try:
        world = DistributedWorld(CPU)
        check_collectives(world)
        for name, plain in cases.items():
            run_case(world, TrialConfig.parse(json.loads(plain)), root / name, cache)
        run_stages(world, TrialConfig.parse(json.loads(cases["uniform"])), root / "stages", cache)
    finally:
        gc.collect()  # a wrapped network that outlives its group waits for the group's thread, for ever
        dist.destroy_process_group()


def check_collectives(world: World) -> None:
    own = torch.full((2, 3), float(world.rank))
    assert (world.agree(own) == 0).all()
    assert world.gather(own)[:, 0].tolist() == [0, 0, 1, 1]
    assert (world.mean(own) == 0.5).all()
    assert (world.total(own) == 1).all()
    assert (own == world.rank).all()
    assert agree_on_bytes(world, b"of rank %d" % world.rank) == b"of rank 0"
    assert agree_on_bytes(world, None if world.rank == 0 else b"x") is None
    assert agree_on_bytes(world, b"") == b""
    assert share_of(world, 6) == slice(3 * world.rank, 3 * world.rank + 3)
    assert isinstance(world.wrap(nn.ReLU()), nn.ReLU)
    with pytest.raises(SpecError, match="divided evenly among 2 workers"):
        share_of(world, 5)
    world.barrier()


def run_case(world: World, trial: TrialConfig, folder: Path, cache: Path) -> None:
    """Stop after the first report, then go on to the end."""
    io = TrialIO(folder, cache, world, CPU, "test")
    stopped = fit(trial, io, Recorder(folder.with_suffix(f".first{world.rank}"), trial.evaluate.every))
    assert (stopped.status, stopped.step) == ("stopped", trial.evaluate.every)
    result = fit(trial, io, Recorder(folder.with_suffix(f".second{world.rank}"), -1))
    assert (result.status, result.facts["workers"]) == ("finished", 2)
    folder.with_suffix(f".result{world.rank}").write_text(json.dumps(result.metrics))


def run_stages(world: World, trial: TrialConfig, folder: Path, cache: Path) -> None:
    """A batch that grows on the way; interrupted in the second stage."""
    io = TrialIO(folder, cache, world, CPU, "validation")
    stages, last = [Stage(trial, 4)], trial.model_copy(update={"batch": 8})
    fit_in_stages(fit, stages, last, io, Recorder(folder.with_suffix(f".first{world.rank}"), 8))
    fit_in_stages(fit, stages, last, io, Recorder(folder.with_suffix(f".second{world.rank}"), -1))


@pytest.mark.timeout(180)
def test_two_workers_agree_and_give_the_curve_of_one(make_trial, tmp_path: Path, cache: Path) -> None:  # type: ignore[no-untyped-def]
    trials = {name: make_trial(sampler=sampler) for name, sampler in SAMPLERS.items()}
    cases = {name: trial.model_dump_json() for name, trial in trials.items()}
    multiprocessing.spawn(start, args=(tmp_path, cases, cache), nprocs=2, join=True)
    for name, trial in trials.items():
        one = ListReporter()
        alone = fit(trial, TrialIO(tmp_path / f"{name}_alone", cache, SingleWorld(), CPU, "test"), one)
        first, second = (json.loads((tmp_path / f"{name}.{part}0").read_text()) for part in ("first", "second"))
        assert not list(tmp_path.glob(f"{name}.*first1")), "only rank 0 reports"
        assert [step for step, _ in first + second] == [4, 4, 8, 12]
        assert first[0][1] == second[0][1], "the report of the checkpoint is sent again as it was"
        for report, (step, metrics) in zip(one.reports, second, strict=True):
            assert (report.step, report.metrics.keys()) == (step, metrics.keys())
            for key in report.metrics.keys() - {"patches_per_second", "train_seconds"}:
                assert metrics[key] == pytest.approx(report.metrics[key], rel=2e-3, abs=1e-6), (name, step, key)
        results = [json.loads((tmp_path / f"{name}.result{rank}").read_text()) for rank in (0, 1)]
        assert results[0] == results[1] == pytest.approx(alone.metrics, rel=1e-4)
        left = sorted(p.name for p in (tmp_path / name).iterdir())
        assert left == [CHECKPOINTS, IMAGES_FILE, MOMENTS_FILE, PATCHES_FILE, "samples", USAGE_FILE]
        assert len(list((tmp_path / name / "samples").rglob("*.png"))) == 3 * 2 * 3
    one = ListReporter()
    grown = trials["uniform"].model_copy(update={"batch": 8})
    io = TrialIO(tmp_path / "stages_alone", cache, SingleWorld(), CPU, "validation")
    fit_in_stages(fit, [Stage(trials["uniform"], 4)], grown, io, one)
    first, second = (json.loads((tmp_path / f"stages.{part}0").read_text()) for part in ("first", "second"))
    assert [step for step, _ in first + second] == [4, 4, 8, 8, 12]
    alone = [report.metrics["psnr"] for report in one.reports]
    assert [metrics["psnr"] for _, metrics in [*first, second[1]]] == pytest.approx(alone, rel=1e-4)
