"""What becomes of runs when a training or the photographs fail: rows 2, 8, 9, 11, 12, 15 and 18, without Ray."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import Any

import fake_fit
import faulty_fit
import pytest
from invariants import check_complete, check_nothing_lost, check_released, check_report
from small_study import study

from raysearch.errors import DataError, NoFeasibleTrial, RunLocked, TooManyFailed
from raysearch.results.events import DriverStopped, TrialRetried
from raysearch.results.folder import RunFolder
from raysearch.results.journal import Journal, read_journal
from raysearch.results.run import open_run
from raysearch.search.driver import resume_study, run_study
from raysearch.search.options import DriverOptions
from raysearch.search.progress import NoProgress

pytestmark = pytest.mark.usefixtures("dry")

NewRun = Callable[..., RunFolder]
Options = Callable[..., DriverOptions]


def test_odd_metrics_are_invalid_and_never_best(new_run: NewRun, options: Options) -> None:
    bad = len(faulty_fit.METRICS)
    spec = study(budget={"trials": bad + 3}, searcher="tpe")
    folder = new_run(spec)
    outcome = run_study(spec, folder, options("faulty_fit:odd_metrics"))
    run = check_nothing_lost(folder)
    assert outcome.exit_code == 0
    assert [trial.status for trial in run.trials] == ["diverged"] * 3 + ["failed"] * 3 + ["finished"] * 3
    assert [trial.retries for trial in run.trials] == [0] * (bad + 3), "the same would happen again"
    reasons = [trial.reason for trial in run.trials]
    assert reasons[:3] == ["Diverged: psnr is nan", "Diverged: psnr is inf", "Diverged: psnr is -inf"]
    assert "reported no 'psnr'" in reasons[3]
    assert "'31.5 dB', which is no number" in reasons[4]
    assert outcome.best is not None
    assert outcome.best.trial >= bad
    beside = run.trials[bad]
    assert beside.reports[0].metrics == {"psnr": 25.0}, "what a journal can't hold is left out"
    assert "ssim is nan: left out" in (folder.trial(bad) / "log.txt").read_text()
    check_report(folder, folder.report)


def test_lack_of_memory_is_an_answer(new_run: NewRun, options: Options) -> None:
    spec = study(budget={"trials": 4})
    folder = new_run(spec)
    assert run_study(spec, folder, options("faulty_fit:hungry")).exit_code == 0
    run = check_nothing_lost(folder)
    assert [trial.status for trial in run.trials] == ["finished"] + ["out_of_memory"] * 3
    assert [trial.retries for trial in run.trials] == [0] * 4, "nothing is tried blindly again"


def test_lack_of_memory_may_halve_the_batch(new_run: NewRun, options: Options) -> None:
    spec = study(budget={"trials": 4}, faults={"on_oom": "half_batch"})
    folder = new_run(spec)
    assert run_study(spec, folder, options("faulty_fit:hungry")).exit_code == 0
    run = check_nothing_lost(folder)
    assert [trial.status for trial in run.trials] == ["finished"] * 3 + ["out_of_memory"]
    assert [trial.causes for trial in run.trials] == [("out_of_memory",) * times for times in (0, 1, 2, 3)]
    parts = [[note["parts"] for note in fake_fit.life(folder.trial(number)) if "parts" in note] for number in range(4)]
    assert parts == [[1], [1, 2], [1, 2, 4], [1, 2, 4, 8]], "an eighth is the smallest piece"
    assert run.trials[1].reports[0].step == 10, "it went on from its checkpoint"
    assert "smaller pieces" in check_report(folder, folder.report)


@pytest.mark.parametrize(("on_oom", "status"), [("end", "out_of_memory"), ("half_batch", "finished")])
def test_what_ray_ends_for_lack_of_memory_is_known_as_that(new_run: NewRun, options: Options, on_oom: str, status: str) -> None:
    """Ray's own monitor ends the process; all that is left of it is what Ray says."""
    spec = study(budget={"trials": 2}, max_retries=0, faults={"on_oom": on_oom})
    folder = new_run(spec)
    assert run_study(spec, folder, options("faulty_fit:ended_by_ray")).exit_code == 0
    run = check_nothing_lost(folder)
    assert [trial.status for trial in run.trials] == [status, "finished"]
    assert run.trials[0].causes == (("out_of_memory",) if on_oom == "half_batch" else ())


def test_an_interrupted_trial_remembers_its_pieces(new_run: NewRun, options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    from dry import Fuse, Killed

    spec = study(budget={"trials": 3}, faults={"on_oom": "half_batch"})
    folder = new_run(spec)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", Fuse(lambda event: isinstance(event, TrialRetried) and event.trial == 2, "after"))
        with pytest.raises(Killed):
            run_study(spec, folder, options("faulty_fit:hungry"))
    assert open_run(folder.path).trials[2].causes == ("out_of_memory",)
    assert resume_study(folder, options("faulty_fit:hungry")).exit_code == 0
    parts = [note["parts"] for note in fake_fit.life(folder.trial(2)) if "parts" in note]
    assert parts == [1, 2, 4]


def test_missing_photographs_stop_the_run_which_goes_on_when_they_are_back(new_run: NewRun, options: Options) -> None:
    spec = study(budget={"trials": 4})
    folder = new_run(spec)
    with pytest.raises(DataError, match="no such folder") as caught:
        run_study(spec, folder, options("faulty_fit:without_photographs"))
    assert (caught.value.exit_code, caught.value.place, caught.value.remedy) == (3, "photographs/train", "put it back")
    before = open_run(folder.path)
    assert [trial.status for trial in before.trials] == ["finished", "finished", None], "no trial is to blame"
    last = read_journal(folder.journal)[-1]
    assert isinstance(last, DriverStopped)
    assert (last.reason, last.message) == ("error", f"DataError: {caught.value}")
    check_released(folder)
    check_report(folder, folder.report)
    (folder.path / "photographs").touch()
    assert resume_study(folder, options("faulty_fit:without_photographs")).exit_code == 0
    check_nothing_lost(folder, before)
    check_complete(folder)


def test_a_run_whose_folder_was_renamed_goes_on_where_it_is(new_run: NewRun, options: Options) -> None:
    spec = study(budget={"trials": 2})
    folder = new_run(spec)
    run_study(spec, folder, options())
    more = study(budget={"trials": 4})
    moved = RunFolder(folder.path.rename(folder.path.with_name("moved")))
    moved.write_study("name: t\n", more.to_data())
    before = open_run(moved.path)
    journal = moved.journal.read_bytes().splitlines(keepends=True)
    moved.journal.write_bytes(b"".join(line for line in journal if b"phase_ended" not in line and b"driver_stopped" not in line))
    assert resume_study(moved, options(accept_changes=True)).exit_code == 0
    check_nothing_lost(moved, before)
    assert not folder.path.exists()


def test_when_all_trials_fail_the_run_says_so(new_run: NewRun, options: Options) -> None:
    spec = study(budget={"trials": 3}, max_retries=1)
    folder = new_run(spec)
    outcome = run_study(spec, folder, options("faulty_fit:all_bad"))
    assert outcome.exit_code == NoFeasibleTrial.exit_code == 5
    run = check_nothing_lost(folder)
    assert [(trial.status, trial.retries) for trial in run.trials] == [("failed", 1)] * 3
    assert run.trials[0].reason == "ZeroDivisionError: a bug in the study"
    check_report(folder, folder.report)


def test_too_many_failures_end_the_search(new_run: NewRun, options: Options) -> None:
    spec = study(budget={"trials": 50, "max_failed": 2}, max_retries=0)
    folder = new_run(spec)
    outcome = run_study(spec, folder, options("faulty_fit:all_bad"))
    assert outcome.exit_code == TooManyFailed.exit_code == 4
    assert len(open_run(folder.path).trials) == 3


def test_a_first_trial_that_fails_stops_nothing(new_run: NewRun, options: Options) -> None:
    spec = study(budget={"trials": 3}, max_retries=0, searcher="tpe")
    folder = new_run(spec)
    assert run_study(spec, folder, options("faulty_fit:first_bad")).exit_code == 0
    assert [trial.status for trial in check_nothing_lost(folder).trials] == ["failed", "finished", "finished"]


@pytest.mark.parametrize(("retries", "status"), [(2, "finished"), (1, "failed")])
def test_a_trial_is_tried_as_often_as_configured(new_run: NewRun, options: Options, retries: int, status: str) -> None:
    spec = study(budget={"trials": 1}, max_retries=retries)
    folder = new_run(spec)
    run_study(spec, folder, options("faulty_fit:unsteady"))
    (trial,) = check_nothing_lost(folder).trials
    assert (trial.status, trial.retries) == (status, retries)
    assert set(trial.causes) == {"lost"}


@pytest.mark.parametrize("budget", [{"minutes": 0.01}, {"gpu_hours": 1e-4}])
def test_a_budget_that_ends_in_the_middle_leaves_a_whole_result(
    new_run: NewRun, options: Options, budget: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = study(budget={"trials": 10**6, **budget}, confirm={"top": 1, "seeds": 1})
    gpus = spec.resources.model_copy(update={"gpus_per_worker": 1.0})
    if "gpu_hours" in budget:
        monkeypatch.setattr("raysearch.search.driver.layout_of", lambda *a, **k: _layout())
        monkeypatch.setattr("raysearch.search.trainable.torch.cuda.empty_cache", lambda: None)
        spec = spec.model_copy(update={"resources": gpus})
    folder = new_run(spec)
    began = time.monotonic()
    outcome = run_study(spec, folder, options("faulty_fit:takes_time"))
    assert outcome.exit_code == 0
    assert time.monotonic() - began < 30
    run = check_nothing_lost(folder)
    assert run.ended["search"] == ("time" if "minutes" in budget else "gpu_hours")
    check_complete(folder)
    assert outcome.best is not None
    assert {trial.phase for trial in run.trials} == {"search", "confirm"}
    check_report(folder, folder.report)


def _layout() -> Any:
    from raysearch.search.phase import Layout

    return Layout(False, 1, 1, 0.0, 1)


def test_two_drivers_never_work_on_one_run(new_run: NewRun, options: Options) -> None:
    spec = study(budget={"trials": 1})
    folder = new_run(spec)
    with folder.lock(time.time()):
        with pytest.raises(RunLocked, match="works on this run") as caught:
            resume_study(folder, options())
        assert caught.value.exit_code == 6
        assert not folder.journal.exists()
    assert resume_study(folder, options()).exit_code == 0


def test_an_observer_that_fails_stops_nothing(new_run: NewRun, options: Options) -> None:
    """The terminal is gone (ssh dropped), or the disk of TensorBoard's files is full."""

    class Gone(NoProgress):
        def on_event(self, event: object, summary: object) -> None:
            raise OSError(errno.EIO, "Input/output error")

    spec = study(budget={"trials": 2})
    folder = new_run(spec)
    assert run_study(spec, folder, options(progress=Gone())).exit_code == 0
    check_complete(folder)
