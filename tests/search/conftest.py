"""Studies whose trials take milliseconds, and what is needed to run them in Ray."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from raysearch.results.folder import RunFolder
from raysearch.search.options import DriverOptions
from raysearch.search.study import StudySpec

HERE = Path(__file__).parent


@pytest.fixture
def new_run(tmp_path: Path) -> Callable[[StudySpec], RunFolder]:
    def make(spec: StudySpec) -> RunFolder:
        folder = RunFolder.create(tmp_path / "runs", "t")
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
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]))

    def make(fit: str = "quick", **more: Any) -> DriverOptions:
        name = fit if ":" in fit else f"fake_fit:{fit}"
        return DriverOptions(
            **{"cache": tmp_path / "cache", "cpus": 2, "dashboard": False, "tensorboard": False, "fit": name, **more}
        )

    return make
