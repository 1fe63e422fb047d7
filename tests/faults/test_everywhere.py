"""A serial study is killed at every record of its journal, which is also cut and flipped at the bytes of its end: rows 1, 6, 13."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from dry import Fuse, Killed
from invariants import check_complete, check_nothing_lost, check_released, check_report, check_same_result
from length import LONG
from small_study import study

from raysearch.errors import StateDamaged
from raysearch.results.folder import RunFolder
from raysearch.results.journal import Journal, TornTail, repair
from raysearch.results.record import RunRecord
from raysearch.results.run import open_run
from raysearch.search.driver import resume_study, run_study
from raysearch.search.options import DriverOptions
from raysearch.search.study import StudySpec

pytestmark = pytest.mark.usefixtures("dry")

NewRun = Callable[..., RunFolder]
Options = Callable[..., DriverOptions]


def spec() -> StudySpec:
    """Four trials of TPE, of which the scheduler stops some; then baseline and winner with one seed."""
    return study(
        searcher={"kind": "tpe"},
        scheduler={"kind": "asha", "first_rung": 10, "reduction": 2},
        budget={"trials": 4},
        confirm={"top": 1, "seeds": 1, "baseline": {"recipe.optimizer.lr": 2e-4}},
        seed=5,
        lrs=(0.002, 0.004),
    )


@pytest.fixture
def reference(new_run: NewRun, options: Options) -> RunRecord:
    folder = new_run(spec(), "undisturbed")
    assert run_study(spec(), folder, options()).exit_code == 0
    assert {trial.status for trial in open_run(folder.path).trials} == {"finished", "stopped"}
    return open_run(folder.path)


def records_of(reference_folder: Path) -> int:
    return len((reference_folder / "journal.jsonl").read_bytes().splitlines())


@pytest.mark.parametrize("way", ["before", "torn", "after"])
def test_a_kill_at_any_record_changes_nothing(
    new_run: NewRun, options: Options, reference: RunRecord, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: str
) -> None:
    count = records_of(tmp_path / "runs" / "undisturbed")
    assert count >= 25
    for at in range(count) if LONG else range(("before", "torn", "after").index(way), count, 3):
        folder = new_run(spec(), f"killed-{at}")
        with monkeypatch.context() as patch:
            patch.setattr(Journal, "append", Fuse(at, way))
            with pytest.raises(Killed):
                run_study(spec(), folder, options())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TornTail)
            before = open_run(folder.path)
            assert resume_study(folder, options()).exit_code == 0
        run = check_nothing_lost(folder, before)
        check_same_result(run, reference)
        check_complete(folder)
        check_released(folder)
        if at % 9 == 0:
            check_report(folder, tmp_path / "report.html")
        shutil.rmtree(folder.path)


def test_three_kills_of_one_run_change_nothing(
    new_run: NewRun, options: Options, reference: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, earlier = new_run(spec(), "often"), []
    for at, way in ((5, "torn"), (6, "before"), (9, "after")):
        with monkeypatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("ignore", TornTail)
            patch.setattr(Journal, "append", Fuse(at, way))
            with pytest.raises(Killed):
                resume_study(folder, options())
            earlier.append(open_run(folder.path))
    assert resume_study(folder, options()).exit_code == 0
    check_same_result(check_nothing_lost(folder, *earlier), reference)


def test_a_journal_cut_at_any_byte_of_its_last_records_goes_on_from_there(
    new_run: NewRun, options: Options, reference: RunRecord, tmp_path: Path
) -> None:
    source = RunFolder(tmp_path / "runs" / "undisturbed")
    whole = source.journal.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    half = ends[len(ends) // 2]
    cuts = [*range(half - 6, half + 2), *range(ends[-3] - 3, len(whole), 17)]
    for cut in cuts:
        folder = RunFolder(tmp_path / "runs" / "cut")
        shutil.copytree(source.path, folder.path)
        folder.journal.write_bytes(whole[:cut])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TornTail)
            before = open_run(folder.path)
            _forget_what_came_after(folder, before)
            assert resume_study(folder, options()).exit_code == 0
        run = open_run(folder.path)
        check_same_result(run, reference)
        for trial in before.trials:
            assert trial.status is None or run.trials[trial.number] == trial, "I1"
        shutil.rmtree(folder.path)


def _forget_what_came_after(folder: RunFolder, run: RunRecord) -> None:
    """Let no trial have a checkpoint that is newer than the journal: a trial waits until its report stands there."""
    for path in [path for path in folder.trials.iterdir() if path.name.isdecimal()]:
        if int(path.name) >= len(run.trials) or run.trials[int(path.name)].status is None:
            shutil.rmtree(path)


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9])
def test_a_flipped_byte_in_the_middle_is_refused_and_repaired(
    new_run: NewRun, options: Options, reference: RunRecord, tmp_path: Path, fraction: float
) -> None:
    folder = RunFolder(tmp_path / "runs" / "undisturbed")
    whole = bytearray(folder.journal.read_bytes())
    at = int(len(whole) * fraction)
    whole[at] ^= 0x10
    folder.journal.write_bytes(whole)
    check_report(folder, tmp_path / "damaged.html")
    with pytest.raises(StateDamaged) as caught:
        resume_study(folder, options())
    assert caught.value.exit_code == 7
    assert folder.journal.read_bytes() == whole, "nothing was changed"
    done = repair(folder.journal)
    assert done.copy.read_bytes() == whole
    for path in done.moved:
        assert path.name.endswith(".cut")
    _forget_what_came_after(folder, open_run(folder.path))
    assert resume_study(folder, options()).exit_code == 0
    check_same_result(open_run(folder.path), reference)
    check_report(folder, tmp_path / "mended.html")


@pytest.mark.parametrize("shift", [-3600.0, 3600.0])
def test_a_clock_that_jumps_changes_nothing(
    new_run: NewRun, options: Options, reference: RunRecord, monkeypatch: pytest.MonkeyPatch, shift: float
) -> None:
    """The wall clock is set in the middle, by an hour either way; budgets and order do not follow it."""
    import time

    real, calls = time.time, [0]

    def jumping() -> float:
        calls[0] += 1
        return real() + (shift if calls[0] > 12 else 0.0)

    timed = spec().model_copy(update={"budget": spec().budget.model_copy(update={"minutes": 5.0})})
    folder = new_run(timed, "jump")
    monkeypatch.setattr(time, "time", jumping)
    assert run_study(timed, folder, options()).exit_code == 0
    run = check_nothing_lost(folder)
    check_same_result(run, reference)
    times = [trial.started for trial in run.trials]
    assert (times == sorted(times)) == (shift > 0), "the clock did jump"
