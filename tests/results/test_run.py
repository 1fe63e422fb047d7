from __future__ import annotations

import os
import pickle
import pkgutil
import subprocess
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from run_story import NASTY, SPEC, ended, images, phase_ended, reported, started, story

import raysearch.results
from raysearch.errors import SpecError, StateDamaged
from raysearch.results.events import DriverStarted, DriverStopped, Event, TrialRetried
from raysearch.results.folder import RunFolder
from raysearch.results.journal import read_journal
from raysearch.results.journal_format import encode
from raysearch.results.replay import Replay, replay
from raysearch.results.run import RUN_IMAGES, open_run
from raysearch.results.tables import tables_of
from raysearch.train.files import IMAGES_FILE

Make = Callable[[Sequence[Event]], RunFolder]


def test_events_of_a_trial_become_one_record() -> None:
    trials = replay(story())
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    first, second, third, fourth = trials
    assert (first.status, first.value, first.step, first.seconds) == ("finished", 30.0, 100, 12.0)
    assert (first.facts, first.started, first.ended) == ({"parameters": 1000, "device": "cpu"}, 101.0, 3.0)
    assert [(point.step, point.metrics["psnr"]) for point in first.reports] == [(50, 28.0), (100, 30.0)]
    assert (third.status, third.value, third.reason) == ("diverged", None, NASTY)
    assert (fourth.status, fourth.ended, fourth.step, fourth.seconds) == (None, None, 50, 5.0)
    assert second.retries == 1


def test_after_a_retry_the_later_report_of_a_step_counts_and_steps_are_in_order() -> None:
    second = replay(story())[1]
    assert [(point.step, point.metrics["psnr"]) for point in second.reports] == [(25, 26.0), (50, 27.5)]
    assert second.step == 50


def test_a_retry_opens_an_ended_trial_again() -> None:
    events: list[Event] = [started(0), ended(0, None, "failed"), TrialRetried(time=4.0, trial=0, attempt=1, reason="retry")]
    assert replay(events)[0].status is None
    assert replay([*events, ended(0, 31.0)])[0].value == 31.0


def test_what_is_told_twice_changes_nothing() -> None:
    events: list[Event] = [started(0), started(0, 9.0), reported(0, 1, 2.0), ended(0, 2.0), ended(0, 2.0)]
    assert replay(events) == replay([started(0), reported(0, 1, 2.0), ended(0, 2.0)])


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([reported(5, 1, 2.0)], "trial 5 reports, but was never started"),
        ([ended(5, 2.0)], "trial 5 ends, but"),
        ([TrialRetried(time=1.0, trial=5, attempt=1, reason="")], "trial 5 is retried, but"),
        ([started(0, lr=1.0), started(0, lr=2.0)], "started twice"),
        ([started(0), ended(0, 1.0), ended(0, 2.0)], "ends twice"),
    ],
)
def test_contradictions_are_damage(events: list[Event], message: str) -> None:
    with pytest.raises(StateDamaged, match=message):
        replay(events)


def test_the_drivers_and_phases_of_a_run() -> None:
    merged = Replay()
    driver = DriverStarted(time=1.0, attempt=0, command=("a",), versions={}, host="h")
    for event in [driver, DriverStopped(time=2.0, reason="interrupted", message=""), phase_ended("search")]:
        merged.add(event)
    assert (merged.stopped, merged.phases, merged.began, merged.updated) == ("interrupted", {"search": "trials"}, 1.0, 200.0)
    merged.add(driver.model_copy(update={"command": ("b",)}))
    assert (merged.stopped, merged.commands) == ("", [("a",), ("b",)])


def test_a_whole_run_opens_with_nothing_missing(run: RunFolder) -> None:
    record = open_run(run.path)
    assert record.missing == ()
    assert (record.name, record.spec, record.environment["host"]) == ("tiny", SPEC, "here")
    assert record.space_text == "# the user's file: ß\r\nname: tiny\n"
    assert record.trials == replay(read_journal(run.journal))
    assert record.images.schema.equals(RUN_IMAGES)
    assert record.images["trial"].to_pylist() == [0, 0]
    assert record.images["psnr"].to_pylist() == [30.0, 31.0]
    assert (record.drivers, record.commands, record.ended) == (1, (("raysearch", "run", "x.yaml"),), {})
    assert (record.began, record.updated, record.stopped, record.holder) == (100.0, 106.0, "", "")


def test_a_run_that_is_driven_now_says_by_whom(run: RunFolder) -> None:
    with run.lock(1.0):
        assert str(os.getpid()) in open_run(run.path).holder
    assert open_run(run.path).holder == ""


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no such folder"):
        open_run(tmp_path / "nothing")


def test_an_empty_folder_opens_and_says_what_is_missing(tmp_path: Path) -> None:
    record = open_run(tmp_path)
    assert [sentence.split()[0] for sentence in record.missing] == ["journal.jsonl", "space.yaml", "resolved.yaml", "env.json"]
    assert (record.trials, record.spec, len(record.images)) == ((), {}, 0)


def test_a_damaged_journal_gives_what_stands_before_the_damage(run: RunFolder) -> None:
    lines = run.journal.read_bytes().splitlines(keepends=True)
    run.journal.write_bytes(b"".join([*lines[:8], lines[8][:-20] + b"\n", *lines[9:]]))
    record = open_run(run.path)
    assert record.trials == replay(story()[:8])
    (sentence,) = record.missing
    assert "damaged" in sentence


def test_a_torn_tail_is_said(run: RunFolder) -> None:
    with run.journal.open("ab") as file:
        file.write(b'{"seq":14,"event":"tri')
    record = open_run(run.path)
    assert record.trials == replay(story())
    assert record.missing == ("journal.jsonl: the last record was never completed (22 bytes are left out)",)


def test_contradictions_are_said_and_passed_over(make_run: Make) -> None:
    folder = make_run([started(0), reported(7, 1, 2.0), reported(8, 1, 2.0), ended(0, None, "failed")])
    record = open_run(folder.path)
    assert [trial.status for trial in record.trials] == ["failed"]
    assert record.missing == (
        "journal.jsonl: 2 records contradict the ones before, the first: trial 7 reports, but was never started",
    )


DAMAGE: dict[str, tuple[str, bytes, str]] = {
    "yaml": ("resolved.yaml", b"a: [1", "resolved.yaml can't be understood: not YAML"),
    "tag": ("resolved.yaml", b"a: !!python/object/apply:os.system ['true']\n", "resolved.yaml can't be understood"),
    "list": ("resolved.yaml", b"[1, 2]\n", "resolved.yaml holds no mapping"),
    "json": ("env.json", b"{", "env.json can't be understood"),
    "deep": ("env.json", b"[" * 200_000, "env.json can't be understood"),
    "number": ("env.json", b"3", "env.json holds no mapping"),
    "latin": ("space.yaml", b"a: \xff\n", "space.yaml is no UTF-8 text"),
    "large": ("space.yaml", b"#" * (5 * 2**20), "space.yaml is not read: it has"),
    "no parquet": ("trials/0000/images.parquet", b"PAR1 but no more", "trial 0: images.parquet can't be read"),
    "empty parquet": ("trials/0000/images.parquet", b"", "trial 0: images.parquet can't be read"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_file_is_said_and_the_rest_is_read(run: RunFolder, case: str) -> None:
    name, content, sentence = DAMAGE[case]
    (run.path / name).write_bytes(content)
    record = open_run(run.path)
    assert len(record.missing) == 1
    assert record.missing[0].startswith(sentence)
    assert len(record.trials) == 4


def test_image_tables_that_are_missing_or_foreign_are_said(run: RunFolder) -> None:
    path = run.trial(0) / IMAGES_FILE
    path.unlink()
    assert open_run(run.path).missing == ("trial 0: images.parquet can't be read: No such file or directory",)
    pq.write_table(pa.table({"x": [1]}), path)
    assert open_run(run.path).missing == ("trial 0: images.parquet has other columns than this version of raysearch writes",)


@pytest.mark.parametrize("name", ["journal.jsonl", "space.yaml", "resolved.yaml", "env.json", "trials/0000/images.parquet"])
@pytest.mark.parametrize("trick", ["link", "pipe", "folder"])
def test_what_is_no_plain_file_is_not_read(run: RunFolder, tmp_path: Path, name: str, trick: str) -> None:
    path = run.path / name
    secret = tmp_path / "secret"
    path.rename(secret)
    if trick == "link":
        path.symlink_to(secret)
    elif trick == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    record = open_run(run.path)
    assert any("no plain file" in sentence for sentence in record.missing)


def test_a_linked_trial_folder_is_not_read(run: RunFolder, tmp_path: Path) -> None:
    run.trial(0).rename(tmp_path / "elsewhere")
    run.trial(0).symlink_to(tmp_path / "elsewhere")
    record = open_run(run.path)
    assert record.missing == ("trial 0: the folder 0000 is not read: it is a link",)
    assert len(record.images) == 0


class Canary:
    """Runs a command when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (os.system, (f"touch {self.path}",))


def test_a_hostile_run_executes_nothing(run: RunFolder, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    blob = pickle.dumps(Canary(canary))
    for name in ("tuner.pkl", "searcher.pkl", "trials/0000/params.pkl", "trials/0000/x.pt", "env.pkl"):
        (run.path / name).write_bytes(blob)
    np.savez(run.trial(0) / "usage.npz", a=np.array([Canary(canary)], dtype=object))
    schema = images().schema.with_metadata({b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": blob})
    pq.write_table(images().cast(schema), run.trial(0) / IMAGES_FILE)
    record = open_run(run.path)
    assert len(record.trials) == 4
    assert not canary.exists()
    run.environment.write_bytes(blob)
    run.resolved.write_bytes(blob)
    run.space.write_bytes(blob)
    run.journal.write_bytes(blob)
    run.lock_file.write_bytes(blob)
    (run.trial(0) / IMAGES_FILE).write_bytes(blob)
    assert len(open_run(run.path).missing) == 5
    assert not canary.exists()
    pickle.loads(blob)
    assert canary.exists(), "the canary works"


def test_numbers_beyond_all_bounds_are_refused(run: RunFolder) -> None:
    good = encode(reported(0, 7, 1.0), 14)
    for wrong in (b'"trial":99999999999999999999', b'"trial":-1', b'"trial":10000000000'):
        body = good[: good.rindex(b',"crc"')].replace(b'"trial":0', wrong) + b"}"
        with run.journal.open("ab") as file:
            file.write(body[:-1] + b',"crc":"%08x"}\n' % zlib.crc32(body))
        record = open_run(run.path)
        assert len(record.trials) == 4
        assert "doesn't know such an event" in record.missing[0]


def test_no_layer_that_reads_results_imports_torch_ray_or_optuna() -> None:
    modules = [module.name for module in pkgutil.iter_modules(raysearch.results.__path__)]
    code = ";".join(f"import raysearch.results.{name}" for name in modules)
    code += ";import sys; print([m for m in ('torch', 'ray', 'optuna', 'tensorboardX') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_killed_run_with_a_lock_left_behind_is_not_held(run: RunFolder) -> None:
    code = "import os, sys; from pathlib import Path; from raysearch.results.lock import RunLock"
    code += "; RunLock.take(Path(sys.argv[1]), 0.0); os._exit(9)"
    child = subprocess.Popen([sys.executable, "-c", code, str(run.lock_file)])
    child.wait()
    assert run.lock_file.exists()
    assert open_run(run.path).holder == ""


def test_every_field_of_the_record_is_filled(run: RunFolder) -> None:
    record = open_run(run.path)
    assert all(getattr(record, field.name) is not None for field in fields(record))


def test_metrics_that_some_trials_lack_are_null(run: RunFolder) -> None:
    table = images()
    pq.write_table(table.append_column("gmsd", pa.array([0.1, 0.2])), run.trial(0) / IMAGES_FILE)
    run.trial(1).mkdir(parents=True, exist_ok=True)
    pq.write_table(table, run.trial(1) / IMAGES_FILE)
    record = open_run(run.path)
    assert record.missing == ()
    assert record.images.column_names == [*RUN_IMAGES.names, "gmsd"]
    assert record.images["gmsd"].to_pylist() == [0.1, 0.2, None, None]
    written = tables_of(record).write(run.path / "out")
    assert pq.read_table(next(path for path in written if path.name == "images.parquet"))["gmsd"].null_count == 2
