from __future__ import annotations

from pathlib import Path

import pytest
import torch

from raysearch.errors import StateDamaged, StorageError
from raysearch.train import checkpoint
from raysearch.train.checkpoint import CheckpointWarning, newest, parse, path_of, read, save

KEY = "0123456789ab"


def value_in(blob: bytes | None) -> object:
    assert blob is not None
    return parse(blob)["value"]


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    state = {"weights": torch.randn(3, 4), "nested": {"step": 7, "list": [1.5, None, "x"]}}
    path = save(tmp_path, KEY, 7, state)
    back = parse(read(path, KEY))
    torch.testing.assert_close(back["weights"], state["weights"], rtol=0, atol=0)
    assert back["nested"] == state["nested"]
    assert path == path_of(tmp_path, 7)


def test_the_file_is_an_ordinary_torch_archive(tmp_path: Path) -> None:
    path = save(tmp_path, KEY, 1, {"value": 1})
    assert torch.load(path, weights_only=True) == {"value": 1}


def test_the_newest_two_are_kept_and_nothing_else_is_left(tmp_path: Path) -> None:
    for step in (9, 10, 100):
        save(tmp_path, KEY, step, {"value": step})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step_00000010.pt", "step_00000100.pt"]
    assert value_in(newest(tmp_path, KEY)) == 100


def test_leftovers_of_another_configuration_never_push_out_the_new_file(tmp_path: Path) -> None:
    save(tmp_path, "ffffffffffff", 800, {"value": "other"})
    save(tmp_path, "ffffffffffff", 900, {"value": "other"})
    for step in (10, 20):
        path = save(tmp_path, KEY, step, {"value": step})
        assert path.is_file()
        assert value_in(newest(tmp_path, KEY)) == step
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step_00000010.pt", "step_00000020.pt"]


def test_an_unusable_file_at_a_later_step_goes_before_the_usable_ones(tmp_path: Path) -> None:
    truncated(save(tmp_path, KEY, 900, {"value": "lost"}))
    save(tmp_path, KEY, 10, {"value": 10})
    save(tmp_path, KEY, 20, {"value": 20})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step_00000010.pt", "step_00000020.pt"]
    assert value_in(newest(tmp_path, KEY)) == 20


def test_no_checkpoint_is_no_error(tmp_path: Path) -> None:
    assert newest(tmp_path / "missing", KEY) is None


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def half(path: Path) -> None:
    blob = path.read_bytes()
    path.write_bytes(blob[: len(blob) // 2])


def one_bit_flipped(path: Path) -> None:
    blob = bytearray(path.read_bytes())
    blob[len(blob) // 3] ^= 1
    path.write_bytes(bytes(blob))


def garbage(path: Path) -> None:
    path.write_bytes(b"\x00\xff" * 5000)


def of_another_version(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"raysearch-checkpoint 1 ", b"raysearch-checkpoint 2 "))


@pytest.mark.parametrize("damage", [truncated, emptied, half, one_bit_flipped, garbage, of_another_version])
def test_a_damaged_file_is_refused_and_the_one_before_is_used(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    save(tmp_path, KEY, 10, {"value": "old", "weights": torch.zeros(500)})
    damage(save(tmp_path, KEY, 20, {"value": "new", "weights": torch.zeros(500)}))
    with pytest.raises(StateDamaged, match="step_00000020"):
        read(path_of(tmp_path, 20), KEY)
    with pytest.warns(CheckpointWarning, match="an older checkpoint is used"):
        assert value_in(newest(tmp_path, KEY)) == "old"


def test_a_flipped_bit_is_noticed_wherever_it_is(tmp_path: Path) -> None:
    path = save(tmp_path, KEY, 1, {"value": 1})
    blob = path.read_bytes()
    positions = [*range(0, len(blob) - 100, 5), *range(len(blob) - 100, len(blob))]  # the closing mark whole
    for position in positions:
        path.write_bytes(blob[:position] + bytes([blob[position] ^ 0x10]) + blob[position + 1 :])
        with pytest.raises(StateDamaged):
            read(path, KEY)


def test_another_configuration_is_refused(tmp_path: Path) -> None:
    save(tmp_path, KEY, 1, {"value": 1})
    with pytest.raises(StateDamaged, match="another configuration"):
        read(path_of(tmp_path, 1), "ffffffffffff")
    with pytest.warns(CheckpointWarning, match="another configuration"):
        assert newest(tmp_path, "ffffffffffff") is None
    assert parse(read(path_of(tmp_path, 1))) == {"value": 1}


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path, KEY, 1, {"value": "old"})

    def full(descriptor: int) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(StorageError, match=r"can't take \d+ bytes: no space"):
        save(tmp_path, KEY, 1, {"value": "new"})
    assert value_in(read(path, KEY)) == "old"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


class Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("code was run",))


def test_code_in_a_well_formed_checkpoint_is_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save(tmp_path, KEY, 1, {"value": Trap()})
    with pytest.raises(StateDamaged, match="something else than tensors and plain values"):
        parse(read(path, KEY))
    assert "code was run" not in capsys.readouterr().out
