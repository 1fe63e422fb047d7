"""`export`: every form, from a run's folder."""

from __future__ import annotations

import json
from pathlib import Path

import optuna
import pyarrow.parquet as pq
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from raysearch.cli import main
from raysearch.results.events import TrialEnded, TrialStarted
from raysearch.results.folder import RunFolder
from raysearch.results.journal import Journal


def call(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.out, said.err


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = RunFolder.create(tmp_path / "runs", "tiny")
    trial = {"lr": {"float": [1e-4, 1e-2], "log": True}}
    folder.write_study("name: tiny\n", {"name": "tiny", "objective": {"metric": "psnr", "mode": "max"}, "trial": trial})
    folder.write_environment({})
    started = {"phase": "search", "role": "suggested", "source": None, "values": {"lr": 1e-3}, "config": {}, "seed": 1, "steps": 9}
    ended = {"status": "finished", "step": 9, "value": 30.0, "seconds": 2.0, "reason": "", "facts": {}}
    with Journal.open(folder.journal) as journal:
        journal.append(TrialStarted.model_validate({"time": 1.0, "trial": 0, **started}))
        journal.append(TrialEnded.model_validate({"time": 2.0, "trial": 0, **ended}))
    return tmp_path / "runs"


def test_every_form(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("parquet", "csv", "mlflow", "optuna"):
        out = tmp_path / form
        code, said, _ = call(["export", "tiny", "--runs", str(runs), "--format", form, "--out", str(out), "--json"], capsys)
        assert code == 0
        assert json.loads(said) == {"out": str(out), "trials": 1}
    assert pq.read_table(tmp_path / "parquet" / "trials.parquet")["value"].to_pylist() == [30.0]
    assert {path.name for path in (tmp_path / "csv").iterdir()} == {"trials.csv", "steps.csv", "images.csv"}
    assert len(list((tmp_path / "mlflow").glob("*/*/params/lr"))) == 1
    study = optuna.load_study(study_name="tiny", storage=JournalStorage(JournalFileBackend(str(tmp_path / "optuna"))))
    assert study.best_params == {"lr": 1e-3}
    code, _, said = call(["export", "tiny", "--runs", str(runs), "--format", "optuna", "--out", str(tmp_path / "optuna")], capsys)
    assert code == 2
    assert "there already" in said
