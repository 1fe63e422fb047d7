"""Trials that are asked to leave, whose disk is full, or whose batch goes through the network in pieces: nothing of it shows."""

from __future__ import annotations

import dataclasses
import errno
import gc
import json
import resource
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import multiprocessing

from raysearch.errors import Preempted, StorageError
from raysearch.spec.trial import TrialConfig
from raysearch.train import checkpoint
from raysearch.train.files import CHECKPOINTS
from raysearch.train.loop import fit
from raysearch.train.reporter import ListReporter, Report
from raysearch.train.state import TrialIO
from raysearch.train.world import DistributedWorld

TIMES = {"patches_per_second", "train_seconds"}
SAMPLERS = ("uniform", {"kind": "patchnet", "cell": 16, "width": 4})


def after(steps: int) -> Callable[[], bool]:
    """The notice comes during a step: the answer is yes from the ``steps``-th question on."""
    asked = [0]

    def notice() -> bool:
        asked[0] += 1
        return asked[0] >= steps

    return notice


def curve(reports: list[Report]) -> list[tuple[int, dict[str, float]]]:
    return [(one.step, {name: value for name, value in one.metrics.items() if name not in TIMES}) for one in reports]


def newest(folder: Path) -> Path:
    return checkpoint.files(folder / CHECKPOINTS)[0]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=["uniform", "patchnet"])
def test_a_trial_that_was_asked_to_leave_ends_bit_equal(make_trial, make_io, sampler: object) -> None:  # type: ignore[no-untyped-def]
    trial, whole = make_trial(sampler=sampler), ListReporter()
    fit(trial, make_io("whole"), whole)
    expected = checkpoint.parse(checkpoint.read(newest(make_io("whole").folder)))
    for steps in (1, 3, 4, 7, 11):
        io, reports = make_io(f"left-{steps}"), ListReporter()
        with pytest.raises(Preempted, match=f"at step {steps}"):
            fit(trial, dataclasses.replace(io, asked_to_leave=after(steps)), reports)
        assert checkpoint.step_of(newest(io.folder)) == steps
        fit(trial, io, reports)
        told = {step: metrics for step, metrics in curve(reports.reports)}
        assert list(told.items()) == curve(whole.reports), "also the mean loss of the interval that was interrupted"
        found = checkpoint.parse(checkpoint.read(newest(io.folder)))
        for name, one in found["network"].items():  # type: ignore[attr-defined]
            assert torch.equal(one, expected["network"][name])  # type: ignore[index]


def test_a_trial_may_be_asked_again_and_again(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    trial, io, reports, times = make_trial(), make_io(), ListReporter(), 0
    while True:
        try:
            result = fit(trial, dataclasses.replace(io, asked_to_leave=after(2)), reports)
        except Preempted:
            times += 1
            continue
        break
    assert (result.status, times) == ("finished", 6)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=["uniform", "patchnet"])
def test_pieces_of_a_batch_give_the_curve_of_the_whole(make_trial, make_io, sampler: object) -> None:  # type: ignore[no-untyped-def]
    trial, whole, pieces = make_trial(sampler=sampler), ListReporter(), ListReporter()
    fit(trial, make_io("whole"), whole)
    io = make_io("pieces")
    with pytest.raises(Preempted):
        fit(trial, dataclasses.replace(io, asked_to_leave=after(6)), pieces)
    fit(trial, dataclasses.replace(io, parts=2), pieces)  # goes on from the checkpoint of the whole batch
    for one, other in zip(pieces.reports[-2:], whole.reports[-2:], strict=True):
        assert one.step == other.step
        assert one.metrics["psnr"] == pytest.approx(other.metrics["psnr"], rel=1e-4)
        assert one.metrics["loss"] == pytest.approx(other.metrics["loss"], rel=1e-3)


def test_a_full_disk_leaves_the_checkpoint_before(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    """The kernel's own refusal, in the middle of a file."""
    trial, io, reports = make_trial(), make_io(), ListReporter()
    with pytest.raises(Preempted):
        fit(trial, dataclasses.replace(io, asked_to_leave=after(5)), reports)
    before = newest(io.folder)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (before.stat().st_size // 2, hard))
    try:
        with pytest.raises(StorageError, match=r"can't take \d+ bytes: File too large") as caught:
            fit(trial, io, reports)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.exit_code == 3
    assert newest(io.folder) == before, "no half-written file is the newest"
    assert not list((io.folder / CHECKPOINTS).glob(".*")), "nor is one left"
    assert fit(trial, io, reports).status == "finished"
    assert [one.step for one in reports.reports] == [4, 4, 4, 8, 12]


def test_a_disk_that_refuses_for_a_while_is_asked_again(  # type: ignore[no-untyped-def]
    make_trial, make_io, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, refusals = checkpoint.write, [0]

    def gone_for_a_while(path: Path, key: str, state: dict[str, object]) -> None:
        refusals[0] += 1
        if refusals[0] in (1, 2, 4):
            raise OSError(errno.ESTALE, "Stale file handle")
        real(path, key, state)

    monkeypatch.setattr(checkpoint, "write", gone_for_a_while)
    monkeypatch.setattr("raysearch.train.patience._FIRST_S", 0.01)
    signs = [0]

    def alive() -> None:
        signs[0] += 1

    io = dataclasses.replace(make_io(), patience_s=60.0, alive=alive)
    assert fit(make_trial(), io, ListReporter()).status == "finished"
    assert refusals == [6]
    assert caplog.text.count("Stale file handle") == 3
    assert signs[0] > 12 + 3, "a trial that waits for its disk is alive, and so is one that trains and evaluates"


def leave_together(rank: int, root: Path, plain: str, cache: Path) -> None:
    """Rank 1 alone is asked to leave; then both go on, with their share of the batch in pieces."""
    torch.set_num_threads(1)
    where = f"file://{root}/rendezvous"
    dist.init_process_group("gloo", init_method=where, rank=rank, world_size=2, timeout=timedelta(seconds=60))
    try:
        trial = TrialConfig.parse(json.loads(plain))
        io = TrialIO(root / "together", cache, DistributedWorld(torch.device("cpu")), torch.device("cpu"), "validation")
        reports = ListReporter()
        with pytest.raises(Preempted, match="at step 6"):
            fit(trial, dataclasses.replace(io, asked_to_leave=after(6 if rank == 1 else 10**9)), reports)
        fit(trial, dataclasses.replace(io, parts=2), reports)
        if rank == 0:
            (root / "curve.json").write_text(json.dumps(curve(reports.reports)))
    finally:
        gc.collect()  # a wrapped network that outlives its group waits for the group's thread, for ever
        dist.destroy_process_group()


@pytest.mark.timeout(180)
def test_all_ranks_leave_when_one_is_asked_and_pieces_work_with_several(make_trial, make_io, tmp_path: Path, cache: Path) -> None:  # type: ignore[no-untyped-def]
    trial, whole = make_trial(), ListReporter()
    multiprocessing.spawn(leave_together, args=(tmp_path, trial.model_dump_json(), cache), nprocs=2, join=True)
    fit(trial, make_io("alone"), whole)
    found = {step: metrics for step, metrics in json.loads((tmp_path / "curve.json").read_text())}
    for step, metrics in curve(whole.reports):
        assert found[step]["psnr"] == pytest.approx(metrics["psnr"], rel=1e-4)
        assert found[step]["loss"] == pytest.approx(metrics["loss"], rel=1e-3)
