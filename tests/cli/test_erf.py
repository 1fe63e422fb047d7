"""`erf`: text, JSON and picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from raysearch.cli import main


def call(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_text_json_and_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["erf", "{kind: dncnn, depth: 3, width: 4}", "--inputs", "2", "--device", "cpu"]
    drawn = tmp_path / "field.png"
    text = call([*arguments, "--out", str(drawn)], capsys)
    assert "theoretical field   7 x 7 pixels (radius 3)" in text
    assert "measured reach      3 pixels to each side, on inputs of 9 x 9" in text
    assert "mean of 2 random inputs" in text
    with Image.open(drawn) as image:
        assert image.mode == "RGB"
        assert min(image.size) >= 400
    found = json.loads(call([*arguments, "--json"], capsys))
    assert found["theoretical"] == {"halo": 3, "side": 7}
    assert found["reach"] == 3
    assert found["beside_centre"]["pixels"] >= found["effective"]["pixels"] >= 1
