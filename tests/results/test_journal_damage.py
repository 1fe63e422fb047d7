"""A journal that was cut, flipped or garbled: a torn tail is dropped; damage before it is refused and can be repaired."""

from __future__ import annotations

import warnings
import zlib
from pathlib import Path

import pytest
from journal_events import reported, started, write

from raysearch.errors import StateDamaged
from raysearch.results.events import Event
from raysearch.results.journal import Journal, JournalReader, TornTail, read_journal, repair
from raysearch.results.journal_format import RECORD_LIMIT, encode


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


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
