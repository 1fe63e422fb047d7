"""`bench restore`: a table and JSON."""

from __future__ import annotations

import json

import pytest

from raysearch.cli import main
from raysearch.errors import OutOfMemory
from raysearch.train import speed
from raysearch.train.candidate import candidate


def call(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.out, said.err


def test_a_table_of_networks(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def here(name: str, setting: speed.Setting) -> speed.Speed:
        if name == "huge":
            raise OutOfMemory("huge does not fit")
        return speed.measure(candidate(name, setting.task), setting)

    monkeypatch.setattr(speed, "measure_apart", here)
    small = "{kind: dncnn, depth: 3, width: 4}"
    arguments = [
        "bench",
        "restore",
        "identity",
        small,
        "huge",
        "--size",
        "32x40",
        "--repeats",
        "2",
        "--warmup",
        "1",
        "--device",
        "cpu",
    ]
    code, out, _ = call(arguments, capsys)
    assert code == 0
    title, *rows, how, lost = out.splitlines()
    assert title.split()[:2] == ["images/s", "ms"]
    assert {row.split("  ")[-1] for row in rows} == {"identity", small}
    assert all("32 x 40" in row for row in rows)
    assert "medians of 2 passes after 1" in how
    assert "cpu, float32, batch 1, 1 thread(s)" in how
    assert lost == "huge: huge does not fit"
    code, out, _ = call([*arguments[:2], small, *arguments[5:], "--json"], capsys)
    (network,) = json.loads(out)["networks"]
    assert (network["network"], network["height"], network["width"]) == (small, 32, 40)


@pytest.mark.parametrize("size", ["0x3", "3x", "a", "1x2x3", ""])
def test_a_size_that_is_none(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(["bench", "restore", "dncnn", "--size", size], capsys)
    assert code == 2
    assert "write 256 or 480x320" in err
