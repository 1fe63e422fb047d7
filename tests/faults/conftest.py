"""Faults are injected into runs whose trials take milliseconds: most of them without Ray (`dry`), the rest in a local one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SEARCH = Path(__file__).parents[1] / "search"
sys.path.insert(0, str(SEARCH))  # its stand-ins for training, its small study and its driver in a process of its own

from raysearch.results.folder import RunFolder  # noqa: E402
from raysearch.search.options import DriverOptions  # noqa: E402
from raysearch.search.study import StudySpec  # noqa: E402


@pytest.fixture
def new_run(tmp_path: Path) -> Callable[..., RunFolder]:
    def make(spec: StudySpec, name: str = "t") -> RunFolder:
        folder = RunFolder.create(tmp_path / "runs", name)
        folder.write_study("name: t\n", spec.to_data())
        return folder

    return make


@pytest.fixture
def dry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drivers of this process need no Ray."""
    import dry

    dry.install(monkeypatch)


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., DriverOptions]:
    here = str(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([here, str(SEARCH), os.environ.get("PYTHONPATH", "")]))

    def make(fit: str = "quick", **more: Any) -> DriverOptions:
        name = fit if ":" in fit else f"fake_fit:{fit}"
        common: dict[str, Any] = {
            "cache": tmp_path / "cache",
            "cpus": 2,
            "dashboard": False,
            "tensorboard": False,
            "command": ("t",),
        }
        return DriverOptions(**{**common, "fit": name, **more})

    return make
