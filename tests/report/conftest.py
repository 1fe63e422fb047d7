"""A finished plausible run with its files, and the report on it, made once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import plausible_study
import pytest
from compared_runs import DATA
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raysearch.report import svg
from raysearch.report.page import write_report
from raysearch.results.record import RunRecord


@pytest.fixture(scope="session")
def run() -> RunRecord:
    return plausible_study.record()


@pytest.fixture(scope="session")
def folder(run: RunRecord, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("runs") / run.name
    plausible_study.write_files(run, home)
    return home


@pytest.fixture(scope="session")
def page(run: RunRecord, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report([run], [folder], tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture
def sketched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paint every panel, but neither place nor print it, which takes most of a page's time: for tests of what a page says."""

    def panel(name: str, title: str, description: str, paint: Callable[[Axes], None], **size: int) -> svg.Drawing:
        with svg._drawing(svg.PRINTED, "none"):
            paint(Figure().add_subplot())
        return svg.Drawing(f'<svg role="img" aria-label="{name}"></svg>', paint, 4, 3)

    monkeypatch.setattr(svg, "panel", panel)


@pytest.fixture(scope="module")
def first() -> RunRecord:
    return replace(plausible_study.record("first"), environment={"data": DATA})


@pytest.fixture(scope="module")
def second() -> RunRecord:
    """Another study of the same kind with the same seeds of its confirmation."""
    return replace(plausible_study.record("second", seed=5), environment={"data": DATA})
