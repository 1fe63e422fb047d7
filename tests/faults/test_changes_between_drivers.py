"""Code, packages or the study change between two drivers of a run (row 14): refused, or accepted and recorded. Without Ray."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from dry import Fuse, Killed
from invariants import check_complete, check_nothing_lost, check_report
from small_study import study

from raysearch.errors import PreflightError
from raysearch.results.events import DriverStarted
from raysearch.results.folder import RunFolder
from raysearch.results.journal import Journal, read_journal
from raysearch.results.run import open_run
from raysearch.search import versions
from raysearch.search.driver import resume_study, run_study
from raysearch.search.options import DriverOptions

pytestmark = pytest.mark.usefixtures("dry")

NewRun = Callable[..., RunFolder]
Options = Callable[..., DriverOptions]


@pytest.fixture
def half(new_run: NewRun, options: Options, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A run whose driver was killed in its second trial."""
    folder = new_run(study(budget={"trials": 3}))
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", Fuse(9, "after"))
        with pytest.raises(Killed):
            run_study(study(budget={"trials": 3}), folder, options())
    return folder


@pytest.mark.parametrize("name", ["code", "torch", "raysearch"])
def test_other_code_or_packages_are_refused_until_they_are_accepted(
    half: RunFolder, options: Options, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    real, journal = versions.versions(), half.journal.read_bytes()
    monkeypatch.setattr(versions, "versions", lambda: {**real, name: "9.9.9"})
    with pytest.raises(PreflightError, match=rf"{name} \S+ became 9\.9\.9") as caught:
        resume_study(half, options())
    assert caught.value.exit_code == 3
    assert "--accept-changes" in caught.value.remedy
    assert half.journal.read_bytes() == journal, "nothing was written"
    before = open_run(half.path)
    assert resume_study(half, options(accept_changes=True)).exit_code == 0
    run = check_nothing_lost(half, before)
    check_complete(half)
    drivers = [event for event in read_journal(half.journal) if isinstance(event, DriverStarted)]
    assert [driver.versions[name] for driver in drivers] == [real[name], "9.9.9"]
    assert len(run.incidents) == 1
    assert f"{name} {real[name]} became 9.9.9" in check_report(half, half.report), "the report says so"
    assert resume_study(half, options()).exit_code == 0, "a run that is over is only read"


def test_a_study_that_was_edited_is_refused_until_it_is_accepted(half: RunFolder, options: Options) -> None:
    half.write_study("name: t\n", study(budget={"trials": 5}).to_data())
    with pytest.raises(PreflightError, match=r"study [0-9a-f]{12} became"):
        resume_study(half, options())
    assert resume_study(half, options(accept_changes=True)).exit_code == 0
    assert len(open_run(half.path).trials) == 5
    check_complete(half)


def test_the_same_again_needs_nothing(half: RunFolder, options: Options) -> None:
    assert resume_study(half, options()).exit_code == 0
    assert open_run(half.path).incidents == ()
