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

from raysearch.errors import RaysearchError, StateDamaged
from raysearch.results.events import DriverStopped, Event, TrialEnded, TrialReported, TrialRetried, TrialStarted
from raysearch.results.journal import Journal, JournalReader, TornTail, read_journal, repair
from raysearch.results.journal_format import RECORD_LIMIT, encode

NASTY = '</script><script>alert(1)</script> \u2028 ß 漢字 \U0001f600 "quoted" \\ \x00 ../ \r\n'


def reported(trial: int, step: int = 1, psnr: float = 30.125) -> TrialReported:
    return TrialReported(time=1.5, trial=trial, step=step, metrics={"psnr": psnr, "loss": 1e-9})


def started(trial: int, name: str = "lr", value: str = "x") -> TrialStarted:
    return TrialStarted(
        time=0.1,
        trial=trial,
        phase="search",
        role="suggested",
        source=None,
        values={name: value, "flag": True, "count": 3, "rate": 3.0, "none": None},
        config={"nested": {"list": [1, 2.5, value]}},
        seed=2**62,
        steps=1000,
    )


def write(path: Path, count: int = 6) -> list[Event]:
    events: list[Event] = [started(i) if i % 2 else reported(i) for i in range(count)]
    with Journal.open(path) as journal:
        assert [journal.append(event) for event in events] == list(range(count))
    return events


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


@pytest.fixture
def no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make hundreds of openings quick on a busy disk."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.mark.usefixtures("no_sync")
def test_cutting_at_every_byte_of_the_last_records_loses_only_what_was_cut(path: Path) -> None:
    events = write(path)
    whole = path.read_bytes()
    ends = [0] + [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(ends[3], len(whole)):
        path.write_bytes(whole[:cut])
        kept = sum(end <= cut for end in ends) - 1
        reader = JournalReader(path)
        assert list(reader) == events[:kept]
        assert reader.torn == cut - ends[kept]
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            with Journal.open(path) as journal:
                assert journal.count == kept
                journal.append(reported(99))
        assert [w.category for w in seen] == ([TornTail] if reader.torn else [])
        assert path.read_bytes()[: ends[kept]] == whole[: ends[kept]]
        assert list(read_journal(path)) == [*events[:kept], reported(99)]


@pytest.mark.usefixtures("no_sync")
def test_any_flipped_byte_before_the_last_record_is_damage(path: Path) -> None:
    events = write(path)
    whole = path.read_bytes()
    ends = [0] + [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    for at in range(ends[2], ends[4]):
        for mask in (0x01, 0x80):
            changed = bytearray(whole)
            changed[at] ^= mask
            path.write_bytes(changed)
            reader = JournalReader(path)
            given: list[Event] = []
            with pytest.raises(StateDamaged, match="damaged") as caught:
                given.extend(reader)
            assert caught.value.exit_code == 7
            assert "--repair" in caught.value.remedy
            record = 2 if at < ends[3] else 3
            assert given == events[:record]
            with pytest.raises(StateDamaged):
                Journal.open(path)
            assert path.read_bytes() == changed, "opening must not touch a damaged journal"


def test_any_flipped_byte_of_the_last_record_drops_it(path: Path) -> None:
    events = write(path)
    whole = path.read_bytes()
    start = whole[:-1].rfind(b"\n") + 1
    for at in range(start, len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 0x04
        path.write_bytes(changed)
        with pytest.warns(TornTail):
            assert list(read_journal(path)) == events[:-1]


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


@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_two_half_records_at_the_end_are_a_torn_tail(path: Path, ending: bytes) -> None:
    events = write(path)
    half = encode(reported(7), 6)[:40]
    with path.open("ab") as file:
        file.write(half + ending + half + ending)
    with pytest.warns(TornTail, match="never completed"):
        assert list(read_journal(path)) == events
    with pytest.warns(TornTail), Journal.open(path) as journal:
        journal.append(reported(7))
    assert list(read_journal(path)) == [*events, reported(7)]


def test_zeros_after_a_loss_of_power_are_a_torn_tail(path: Path) -> None:
    events = write(path)
    with path.open("ab") as file:
        file.write(bytes(5000))
    with pytest.warns(TornTail):
        assert list(read_journal(path)) == events


def test_a_huge_line_is_read_in_bounded_pieces(path: Path) -> None:
    events = write(path)
    with path.open("ab") as file:
        file.truncate(path.stat().st_size + 3 * RECORD_LIMIT)
    reader = JournalReader(path)
    assert list(reader) == events
    assert reader.torn == 3 * RECORD_LIMIT


@pytest.mark.parametrize("order", [[0, 1, 1, 2], [0, 2], [1, 0], [0, 1, 0, 1]])
def test_doubled_or_missing_records_are_damage_even_at_the_end(path: Path, order: list[int]) -> None:
    path.write_bytes(b"".join(encode(reported(seq), seq) for seq in order))
    with pytest.raises(StateDamaged, match="stands where record"):
        read_journal(path)


@pytest.mark.parametrize("body", ['{"seq":0}', '{"event":"trial_eaten","seq":0,"time":1.0}'])
def test_an_unknown_event_asks_for_the_version_that_wrote_it(path: Path, body: str) -> None:
    line = f'{body[:-1]},"crc":"{zlib.crc32(body.encode()):08x}"}}\n'
    path.write_text(line)
    with pytest.raises(StateDamaged, match="doesn't know such an event") as caught:
        read_journal(path)
    assert "version" in caught.value.remedy
    assert repair(path).kept == 1, "repair keeps intact records of another version"


@pytest.mark.parametrize(
    "body",
    [
        "{" * 50_000 + "}",
        '{"seq":"0"}',
        '{"no":1}',
        '{"seq":0,"time":NaN}',
        '{"seq":0,"time":1e999}',
        '{"seq":' + "9" * 5000 + "}",
        "[}",
    ],
)
def test_crafted_lines_with_a_right_checksum_are_no_records(path: Path, body: str) -> None:
    path.write_text(f'{body[:-1]},"crc":"{zlib.crc32(body.encode()):08x}"}}\n')
    with pytest.warns(TornTail):
        assert read_journal(path) == ()


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


def test_repair_keeps_a_copy_and_the_records_before_the_damage(path: Path) -> None:
    events = write(path)
    changed = bytearray(path.read_bytes())
    ends = [0] + [i + 1 for i, byte in enumerate(changed) if byte == ord("\n")]
    changed[ends[2] + 5] ^= 1
    path.write_bytes(changed)
    done = repair(path)
    assert (done.kept, done.dropped) == (2, len(changed) - ends[2])
    assert done.copy.read_bytes() == changed
    assert list(read_journal(path)) == events[:2]
    assert repair(path).copy != done.copy, "an earlier copy is never overwritten"
    assert done.copy.read_bytes() == changed


def test_repair_sets_aside_the_folders_of_trials_that_it_cut_off(path: Path) -> None:
    with Journal.open(path) as journal:
        journal.append(started(0))
        journal.append(started(1))
    kept = path.read_bytes().index(b"\n") + 1
    trials = path.parent / "trials"
    for again, name in enumerate(("0001.cut", "0001.cut-2")):
        for number in (0, 1):
            (trials / f"{number:04d}").mkdir(parents=True, exist_ok=True)
            (trials / f"{number:04d}" / "config.json").write_text(f"{number} {again}")
        changed = bytearray(path.read_bytes())
        if again == 0:
            changed[kept + 5] ^= 1
            path.write_bytes(changed)
        assert repair(path).moved == (trials / name,)
        assert (trials / name / "config.json").read_text() == f"1 {again}"
    assert sorted(p.name for p in trials.iterdir()) == ["0000", "0001.cut", "0001.cut-2"]
    assert repair(path).moved == ()


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
