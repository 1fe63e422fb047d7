"""The layout of MLflow's file store, as its documentation and its reader have it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from run_story import NASTY

from raysearch.errors import SpecError
from raysearch.results.folder import RunFolder
from raysearch.results.mlflow_folders import write_mlflow
from raysearch.results.run import open_run
from raysearch.spec import yaml


def _meta(folder: Path) -> dict[str, object]:
    data = yaml.parse((folder / "meta.yaml").read_text(encoding="utf-8")).data
    assert isinstance(data, dict)
    return data


def test_a_store_holds_every_trial(run: RunFolder, tmp_path: Path) -> None:
    record = open_run(run.path)
    assert write_mlflow(record, tmp_path / "store") == 4
    (experiment,) = (tmp_path / "store").iterdir()
    about = _meta(experiment)
    assert (about["name"], about["experiment_id"], about["lifecycle_stage"]) == ("tiny", experiment.name, "active")
    runs = {_meta(folder)["run_name"]: folder for folder in experiment.iterdir() if folder.is_dir()}
    assert sorted(map(str, runs)) == ["0000", "0001", "0002", "0003"]
    for folder in runs.values():
        about = _meta(folder)
        assert about["run_id"] == about["run_uuid"] == folder.name
        assert about["artifact_uri"] == (folder / "artifacts").as_uri()
        assert len(folder.name) == 32
    states = {name: _meta(folder)["status"] for name, folder in runs.items()}
    assert states == {"0000": 3, "0001": 5, "0002": 4, "0003": 5}, "finished, killed, failed, killed: nobody drives the run"
    first = runs["0000"]
    assert (first / "params" / "lr").read_text() == "0.001"
    assert (first / "params" / ".cmd").read_text() == "true"
    assert (first / "params" / "facts.parameters").read_text() == "1000"
    assert (first / "metrics" / "psnr").read_text() == "2000 28.0 50\n2000 30.0 100\n", "milliseconds, value, step"
    assert (first / "metrics" / "trial_seconds").read_text() == "3000 12.0 100\n"
    assert (first / "tags" / "raysearch.status").read_text() == "finished"
    assert (runs["0002"] / "params" / "sampler").read_bytes().decode() == NASTY
    assert yaml.parse((first / "artifacts" / "config.yaml").read_text()).data == {"model": {"kind": "dncnn"}}
    write_mlflow(replace(record, holder="process 7"), tmp_path / "live")
    live = [_meta(folder) for folder in (tmp_path / "live" / experiment.name).iterdir() if folder.is_dir()]
    assert sorted(str(about["status"]) for about in live) == ["1", "1", "3", "4"]
    with pytest.raises(SpecError, match="in this store already"):
        write_mlflow(record, tmp_path / "store")


@pytest.mark.parametrize("name", ["../../escaped", "/absolute", "..", ".", "", "a/../../b", "x" * 500, NASTY])
def test_no_name_leads_out_of_its_folder(name: str, run: RunFolder, tmp_path: Path) -> None:
    record = open_run(run.path)
    record.trials[0].values.clear()
    record.trials[0].values.update({name: "one", f"{name}/": "other", name.replace("/", "."): "third"})
    wanted = set(record.trials[0].values.values())
    write_mlflow(record, tmp_path / "store")
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    texts = {path.read_text() for path in files if path.parent.name == "params"}
    assert wanted <= texts
    assert all(path.parent.name in {"params", "metrics", "tags", "artifacts"} for path in files if path.name != "meta.yaml")
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "store"}
