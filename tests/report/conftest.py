"""A finished plausible run with its files, and the report on it, made once."""

from __future__ import annotations

from pathlib import Path

import plausible_study
import pytest

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
