"""The journal: what is written comes back, however the writer ends, and what can't be written is refused."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import statistics
import time
import warnings
import zlib
from pathlib import Path

import pytest
from journal_events import reported, started, write

from raysearch.errors import RaysearchError, StateDamaged
from raysearch.results.events import DriverStopped, Event, TrialEnded, TrialRetried, TrialStarted
from raysearch.results.journal import Journal, JournalReader, TornTail, read_journal
from raysearch.results.journal_format import RECORD_LIMIT, encode

NASTY = '</script><script>alert(1)</script> \u2028 ß 漢字 \U0001f600 "quoted" \\ \x00 ../ \r\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def test_events_come_back_equal_and_in_order(path: Path) -> None:
    events: list[Event] = [
        started(0, name="n" * 500, value=NASTY),
        started(1, name=NASTY, value="v" * 500),
        TrialRetried(time=2.0, trial=0, attempt=1, reason=NASTY),
        TrialEnded(time=3.0, trial=0, status="failed", step=7, value=None, seconds=0.1 + 0.2, reason="", facts={"device": "cpu"}),
        DriverStopped(time=1e9, reason="done", message=""),
    ]
    with Journal.open(path) as journal:
        for event in events:
            journal.append(event)
    back = read_journal(path)
    assert list(back) == events
    assert isinstance(back[0], TrialStarted)
    assert isinstance(events[0], TrialStarted)
    assert [type(v) for v in back[0].values.values()] == [type(v) for v in events[0].values.values()]
    assert list(back[0].values) == list(events[0].values), "the order of the domains is kept"


def test_a_line_is_what_the_format_promises(path: Path) -> None:
    write(path, 3)
    for seq, line in enumerate(path.read_bytes().splitlines()):
        data = json.loads(line)
        crc = data.pop("crc")
        canonical = json.dumps(data, separators=(",", ":"))
        assert data["seq"] == seq
        assert crc == f"{zlib.crc32(canonical.encode()):08x}"
        assert line.isascii()


def test_crlf_line_ends_read_the_same(path: Path) -> None:
    events = write(path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert list(read_journal(path)) == events
    with Journal.open(path) as journal:
        journal.append(reported(50))
    assert list(read_journal(path)) == [*events, reported(50)]


def test_an_empty_file_is_an_empty_journal(path: Path) -> None:
    path.write_bytes(b"")
    assert read_journal(path) == ()
    write(path, 2)
    assert len(read_journal(path)) == 2


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_not_finite_are_refused_and_named(path: Path, number: float) -> None:
    with Journal.open(path) as journal:
        with pytest.raises(RaysearchError, match="can't be written") as caught:
            journal.append(reported(0, psnr=number))
        assert caught.value.place == "metrics.psnr"
        config: dict[str, object] = {"a": [1, {"b": number}]}
        with pytest.raises(RaysearchError) as caught:
            journal.append(started(0).model_copy(update={"config": config}))
        assert caught.value.place == "config.a.1.b"
        assert journal.append(reported(0)) == 0
    assert read_journal(path) == (reported(0),)


def test_a_record_beyond_the_limit_is_refused(path: Path) -> None:
    with Journal.open(path) as journal:
        with pytest.raises(RaysearchError, match="at most"):
            journal.append(started(0, value="x" * RECORD_LIMIT))
        journal.append(reported(0))
    assert read_journal(path) == (reported(0),)


def test_a_missing_journal_is_named(path: Path) -> None:
    with pytest.raises(StateDamaged, match="No such file"):
        read_journal(path)


def test_a_reader_follows_a_growing_journal(path: Path) -> None:
    with Journal.open(path) as journal:
        reader = JournalReader(path)
        assert list(reader) == []
        for step in range(5):
            journal.append(reported(0, step))
            assert list(reader) == [reported(0, step)]
        line = encode(reported(0, 9), journal.count)
        with path.open("ab") as file:
            file.write(line[:30])
            file.flush()
            assert list(reader) == []
            file.write(line[30:])
        assert list(reader) == [reported(0, 9)]


def test_a_disk_that_refuses_leaves_a_journal_that_goes_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write

    def half(descriptor: int, data: bytes) -> int:
        real(descriptor, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    with Journal.open(path) as journal:
        journal.append(reported(0))
        monkeypatch.setattr(os, "write", half)
        with pytest.raises(RaysearchError, match="No space left") as caught:
            journal.append(reported(1))
        assert str(path) in caught.value.place
        monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:10]))
        with pytest.raises(RaysearchError, match="only 10 bytes"):
            journal.append(reported(1))
        monkeypatch.setattr(os, "write", real)
        assert journal.append(reported(2)) == 1
    assert read_journal(path) == (reported(0), reported(2))


def test_a_signal_between_writing_and_counting_loses_and_doubles_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    with Journal.open(path) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", interrupted)
            with pytest.raises(KeyboardInterrupt):
                journal.append(reported(0))
        assert journal.append(reported(1)) == 1
    assert read_journal(path) == (reported(0), reported(1))


def test_a_second_writer_is_noticed(path: Path) -> None:
    with Journal.open(path) as first, Journal.open(path) as second:
        first.append(reported(0))
        with pytest.raises(StateDamaged, match="another process"):
            second.append(reported(0))
    assert read_journal(path) == (reported(0),)


def _append_for_ever(path: Path) -> None:
    with Journal.open(path) as journal:
        for step in range(10**9):
            journal.append(reported(0, step))


def test_killing_the_writer_at_any_time_loses_nothing_that_was_acknowledged(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    count = 0
    for delay in (0.02, 0.05, 0.08):
        process = context.Process(target=_append_for_ever, args=(path,))
        process.start()
        time.sleep(delay)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TornTail)
            events = read_journal(path) if path.exists() else ()
        assert len(events) >= count
        count = len(events)


@pytest.mark.usefixtures("no_sync")
def test_an_append_costs_the_same_however_long_the_journal_is(path: Path) -> None:
    with Journal.open(path) as journal:
        first, last = [], []
        for number in range(600):
            begin = time.perf_counter()
            journal.append(reported(number))
            (first if number < 200 else last if number >= 400 else []).append(time.perf_counter() - begin)
    assert statistics.median(last) < 5 * statistics.median(first)
