from __future__ import annotations

import json
import os
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from raysearch.results.environment import capture, versions


def git(folder: Path, *command: str) -> str:
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    return subprocess.run(["git", *who, "-C", str(folder), *command], capture_output=True, text=True, check=True).stdout.strip()


def test_what_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "dont-tell-anybody")
    found = capture(["raysearch", "run", "x.yaml"], tmp_path, gpus=["A GPU"])
    assert "dont-tell-anybody" not in json.dumps(found, allow_nan=False)
    assert set(found) == {
        "command", "working_directory", "host", "platform", "python", "versions", "cpu", "memory_gib", "gpus", "git",
    }  # fmt: skip
    assert (found["command"], found["gpus"], found["git"]) == (["raysearch", "run", "x.yaml"], ["A GPU"], None)
    cpu = found["cpu"]
    assert isinstance(cpu, dict)
    assert cpu["model"]
    assert 1 <= cpu["usable"] <= cpu["count"] == os.cpu_count()
    assert isinstance(found["memory_gib"], float)
    assert 0.1 < found["memory_gib"] < 100_000


def test_versions_are_those_of_the_installed_packages() -> None:
    found = versions()
    for package in ("raysearch", "ray", "torch", "optuna", "numpy", "pyarrow"):
        assert found[package] == metadata.version(package)
    assert "pytest" not in found, "extras are not what a run depends on"


def test_the_commit_and_whether_files_were_changed(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert capture([], tmp_path, [])["git"] is None, "no commit yet"
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-qm", "a")
    assert capture([], tmp_path, [])["git"] == {"commit": git(tmp_path, "rev-parse", "HEAD"), "dirty": False}
    (tmp_path / "untracked").touch()
    assert capture([], tmp_path, [])["git"] == {"commit": git(tmp_path, "rev-parse", "HEAD"), "dirty": False}
    (tmp_path / "a").write_text("2")
    assert capture([], tmp_path, [])["git"] == {"commit": git(tmp_path, "rev-parse", "HEAD"), "dirty": True}


def test_gpus_are_asked_of_nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'H200, 143771 MiB, 570.1'\necho 'H200, 143771 MiB, 570.1'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert capture([], tmp_path)["gpus"] == ["H200, 143771 MiB, 570.1"] * 2
    program.write_text("#!/bin/sh\nexit 9\n")
    assert capture([], tmp_path)["gpus"] == []
