from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from run_story import ended, phase_ended, reported, started

from raysearch.cli import main
from raysearch.results.events import Event, TrialStarted
from raysearch.results.folder import RunFolder
from raysearch.results.garbage import find_garbage
from raysearch.results.run import open_run
from raysearch.train.files import CHECKPOINTS, SAMPLES

MakeRun = Callable[[Sequence[Event]], RunFolder]


def confirmation(trial: int, source: int) -> TrialStarted:
    return started(trial, phase="confirm").model_copy(update={"source": source, "role": "top1"})


@pytest.fixture
def used(make_run: MakeRun) -> RunFolder:
    """Trials 0 to 4 finished with 30 to 34 dB, 5 diverged, 6 is unfinished, 7 confirms trial 1, 8 was begun from trial 0."""
    events: list[Event] = []
    for number in range(5):
        events += [started(number), reported(number, 100, 30.0 + number), ended(number, 30.0 + number)]
    events += [started(5), ended(5, None, "diverged"), started(6), reported(6, 50, 29.0), confirmation(7, 1), ended(7, 33.0)]
    child = started(8).model_copy(update={"parent": 0})
    folder = make_run([*events, child, phase_ended("search")])
    for number in range(9):
        place = folder.trial(number) / CHECKPOINTS
        place.mkdir(parents=True)
        for step in (50, 100):
            (place / f"step_{step:08d}.pt").write_bytes(b"x" * 10)
        (folder.trial(number) / SAMPLES).mkdir()
        (folder.trial(number) / SAMPLES / "a.png").write_bytes(b"png")
    return folder


def with_checkpoints(folder: RunFolder) -> list[int]:
    return [number for number in range(9) if any((folder.trial(number) / CHECKPOINTS).glob("step_*.pt"))]


def gc(folder: RunFolder, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["gc", str(folder.path), *more])
    said = capsys.readouterr()
    assert isinstance(caught.value.code, int)
    return caught.value.code, said.out, said.err


def test_only_what_nobody_needs_goes(used: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = gc(used, capsys, "--keep-top", "1", "--dry-run")
    assert (code, with_checkpoints(used)) == (0, list(range(9)))
    assert "would delete 6 checkpoints, 60 bytes" in out
    code, out, _ = gc(used, capsys, "--keep-top", "1")
    assert "deleted 6 checkpoints, 60 bytes" in out
    assert with_checkpoints(used) == [0, 1, 4, 6, 7, 8], (
        "the donor, the confirmed, the best, the unfinished, the confirmation, the child"
    )
    assert all((used.trial(number) / SAMPLES / "a.png").exists() for number in range(9))
    code, out, _ = gc(used, capsys, "--keep-top", "1", "--json")
    assert json.loads(out) == {"files": [], "copies": [], "bytes": 0, "deleted": True}
    assert used.holder() is None


def test_a_run_that_somebody_drives_is_left_alone(used: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    with used.lock(0.0):
        code, _, err = gc(used, capsys, "--keep-top", "0")
    assert code == 6
    assert "works on this run" in err
    assert with_checkpoints(used) == list(range(9))


def test_a_damaged_journal_deletes_nothing(used: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    lines = used.journal.read_bytes().splitlines(keepends=True)
    used.journal.write_bytes(b"".join([*lines[:3], b"garbage\n", *lines[4:]]))
    assert gc(used, capsys, "--keep-top", "0")[0] == 7
    assert with_checkpoints(used) == list(range(9))


def test_nothing_is_deleted_through_a_link(used: RunFolder, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "step_00000001.pt").write_bytes(b"precious")
    for place in (used.trial(2) / CHECKPOINTS, used.trial(3)):
        place.rename(place.with_name(place.name + ".old"))
    (used.trial(2) / CHECKPOINTS).symlink_to(elsewhere)
    (tmp_path / CHECKPOINTS).symlink_to(elsewhere)
    used.trial(3).symlink_to(tmp_path)
    os.symlink(elsewhere / "step_00000001.pt", used.trial(5) / CHECKPOINTS / "step_00000007.pt")
    find_garbage(open_run(used.path), used, 0).delete(None)
    assert (elsewhere / "step_00000001.pt").read_bytes() == b"precious"
    assert (used.trial(5) / CHECKPOINTS / "step_00000007.pt").is_symlink()
