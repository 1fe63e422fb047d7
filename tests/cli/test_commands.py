"""The command line's surface: frozen names, help for everything, errors of one screen with the right exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from leaves import leaves

from raysearch.cli import main

SURFACE = {
    "init": ["--force", "--out", "--task"],
    "check": ["--json", "--profile", "--runs", "--set"],
    "run": ["--accept-changes", "--address", "--cache", "--cpus", "--if-exists", "--import", "--minutes", "--name", "--plain",
            "--profile", "--report", "--runs", "--set", "--storage", "--transfer", "--trials"],
    "resume": ["--accept-changes", "--address", "--cache", "--cpus", "--gpu-hours", "--plain", "--repair", "--report", "--runs",
               "--storage", "--take-over", "--time", "--trials"],
    "stop": ["--now", "--runs", "--wait"],
    "retry": ["--accept-changes", "--address", "--cache", "--cpus", "--failed", "--oom", "--plain", "--report", "--runs",
              "--trial"],
    "extend": ["--accept-changes", "--address", "--anew", "--cache", "--cpus", "--plain", "--report", "--runs", "--steps",
               "--trial"],
    "fork": ["--accept-changes", "--address", "--cache", "--cpus", "--name", "--plain", "--profile", "--report", "--runs",
             "--set", "--space"],
    "gc": ["--dry-run", "--json", "--keep-top", "--runs"],
    "ls": ["--json", "--runs"],
    "show": ["--json", "--runs", "--trial"],
    "watch": ["--every", "--html", "--json", "--once", "--plain", "--runs"],
    "best": ["--json", "--out", "--pick", "--runs", "-k"],
    "report": ["--anonymous", "--by", "--export", "--json", "--max-mb", "--out", "--runs"],
    "compare": ["--at", "--by", "--json", "--other-training-data", "--phase", "--reference", "--runs"],
    "index": ["--json", "--out", "--runs"],
    "export": ["--format", "--json", "--out", "--runs"],
    "train": ["--cache", "--device", "--json", "--out", "--seed", "--steps", "--test", "--threads"],
    "eval": ["--cache", "--device", "--degraded", "--images", "--json", "--metric", "--protocol", "--sigma", "--split"],
    "restore": ["--degrade", "--device", "--level", "--sigma"],
    "data inspect": ["--cache", "--grey", "--json", "--out", "--patch", "--quick", "--stride"],
    "weights inspect": ["--json", "--key"],
    "weights import": ["--config", "--json", "--key", "--model", "--out", "--partial", "--set", "--task"],
    "weights interpolate": ["--alpha", "--out"],
    "erf": ["--device", "--inputs", "--json", "--out", "--size", "--task", "--threads"],
    "bench overhead": ["--json", "--pairs", "--part", "--runs", "--seconds", "--trials"],
    "bench restore": ["--batch", "--device", "--json", "--precision", "--repeats", "--size", "--task", "--threads", "--warmup"],
    "bench search": [
        "--allow-import",
        "--first-seed",
        "--json",
        "--list",
        "--method",
        "--processes",
        "--runs",
        "--seconds",
        "--seeds",
        "--surrogate",
        "--workers",
    ],
    "doctor": ["--json", "--runs"],
}  # fmt: skip
"""Changing this is changing what users type: CHANGELOG.md must say so."""


LEAVES = leaves()


def call(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.out, said.err


def test_the_surface_is_frozen() -> None:
    found = {}
    for name, command in LEAVES.items():
        options = [p for p in command.params if isinstance(p, click.Option)]
        found[name] = sorted(next((o for o in p.opts if o.startswith("--")), p.opts[0]) for p in options)
    assert found == {name: sorted(options) for name, options in SURFACE.items()}


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_and_option_has_help(name: str) -> None:
    for parameter in LEAVES[name].params:
        if isinstance(parameter, click.Option) and parameter.name not in ("task", "out", "if_exists"):
            assert parameter.help, f"{name} {parameter.name}"


@pytest.mark.parametrize("module", ["torch", "ray", "optuna"])
@pytest.mark.parametrize(
    "arguments", [["--help"], ["ls"], ["report", "--help"], ["compare", "--help"], ["watch", "--help"], ["show", "--help"]]
)
def test_readers_start_without_heavy_imports(module: str, arguments: list[str], tmp_path: Path) -> None:
    lines = ["import sys", "from raysearch.cli import main", "try:", f"    main({arguments!r})", "except SystemExit:"]
    code = "\n".join([*lines, f"    print({module!r} in sys.modules)"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "False", done.stderr


def test_unknown_run_says_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, said = call(["show", "nothing", "--runs", str(tmp_path)], capsys)
    assert code == 2
    assert "no run 'nothing'" in said
    assert "raysearch ls shows all runs" in said
    assert "Traceback" not in said


def test_unknown_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, said = call(["ls", "--jsn"], capsys)
    assert code == 2
    assert "--json" in said


@pytest.mark.parametrize("task", ["demosaic", "joint_demosaic_denoise", "gaussian_denoise"])
def test_init_writes_a_study_that_check_accepts(task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "mine.yaml"
    assert call(["init", "--task", task, "--out", str(target)], capsys)[0] == 0
    code, out, err = call(["check", str(target), "--json", "--runs", str(tmp_path)], capsys)
    assert code == 0, out + err
    assert json.loads(out)["findings"] == []
    code, _, err = call(["init", "--task", task, "--out", str(target)], capsys)
    assert code == 6
    assert "--force" in err


def test_check_names_line_key_and_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "mine.yaml"
    call(["init", "--out", str(target)], capsys)
    text = target.read_text().replace("batch: 16", "bach: 16").replace("lr: {float: [5e-4, 5e-3], log: true}", 'lr: "1e-4"')
    target.write_text(text)
    code, _, said = call(["check", str(target), "--runs", str(tmp_path)], capsys)
    assert code == 2
    line = 1 + next(i for i, row in enumerate(text.splitlines()) if "bach" in row)
    assert f"mine.yaml:{line}" in said
    assert "batch" in said
    assert "1e-4" in said


def test_best_of_a_study_file_given_to_train_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "mine.yaml"
    call(["init", "--out", str(target)], capsys)
    code, _, said = call(["train", str(target), "--out", str(tmp_path / "t")], capsys)
    assert code == 2
    assert "this is a study" in said
    assert "start it with `raysearch run`" in said


def test_doctor_finds_this_machine_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(["doctor", "--json", "--runs", str(tmp_path)], capsys)
    assert code == 0
    findings = {f["subject"]: f for f in json.loads(out)}
    assert findings["ray"]["level"] == "ok"
    assert {"torch", "cpu", "memory", "disk", "ray auth"} <= set(findings)
