"""`raysearch train` and `eval` as a user types them: what is refused, with which exit code, and going on after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from raysearch.cli import main

CONFIG = """\
data: {{kind: folder, train: [{corpus}/{train}], validation: [{corpus}/validation], test: {{near: [{corpus}/near]}}}}
patch: {{size: 16}}
task: gaussian_denoise
model: {{kind: dncnn, depth: 3, width: 4}}
sampler: uniform
recipe: {{kind: supervised, loss: l2, optimizer: {{kind: adam, lr: 1e-3}}, schedule: constant}}
steps: 2
batch: 2
evaluate: {{every: 2, metrics: [{metric}]}}
"""


def call(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.err


def test_a_training_that_was_refused_may_be_corrected(tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, out = tmp_path / "config.yaml", tmp_path / "out"
    command = ["train", str(config), "--out", str(out), "--cache", str(tmp_path / "cache"), "--device", "cpu", "--no-test"]
    config.write_text(CONFIG.format(corpus=corpus, train="nowhere", metric="psnr"))
    code, said = call(command, capsys)
    assert code == 3
    assert "there is no such folder" in said
    config.write_text(CONFIG.format(corpus=corpus, train="train", metric="pnsr"))
    code, said = call(command, capsys)
    assert code == 2
    assert f"{config}:9:" in said
    assert "did you mean 'psnr'" in said
    code, said = call(["eval", str(out)], capsys)
    assert code == 3
    assert "holds no checkpoint" in said
    config.write_text(CONFIG.format(corpus=corpus, train="train", metric="psnr"))
    assert call(command, capsys)[0] == 0
    config.write_text(CONFIG.format(corpus=corpus, train="train", metric="l1"))
    code, said = call(command, capsys)
    assert code == 6
    assert "holds the training of another configuration" in said


def test_images_that_a_metric_can_not_measure_are_named(tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.format(corpus=corpus, train="train", metric="ms_ssim"))
    cache = ["--cache", str(tmp_path / "cache"), "--device", "cpu"]
    code, said = call(["train", str(config), "--out", str(tmp_path / "out"), "--no-test", *cache], capsys)
    assert code == 2
    assert "validation/" in said
    assert "is too small: the metric needs 161 x 161" in said
