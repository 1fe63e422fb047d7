"""A run in Optuna's form, read back by Optuna."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
import pyarrow as pa
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from raysearch.errors import SpecError
from raysearch.results.record import ReportedPoint, RunRecord, TrialRecord
from raysearch.search.optuna_file import write_optuna

SPEC: dict[str, object] = {
    "objective": {"metric": "psnr", "mode": "max", "constraints": ["macs_g <= 2"]},
    "trial": {
        "lr": {"float": [1e-4, 1e-2], "log": True},
        "depth": {"int": [3, 9], "step": 2},
        "width": {"pow2": [8, 32]},
        "sampler": {"one_of": [{"kind": "uniform"}, {"kind": "gradient", "keep": {"float": [0.2, 0.8]}}]},
    },
}
UNIFORM = {"lr": 1e-3, "depth": 5, "width": 16, "sampler": "uniform"}
GRADIENT = {**UNIFORM, "sampler": "gradient", "sampler.gradient.keep": 0.5}


def _trial(number: int, status: str | None, value: float | None, curve: dict[int, float], **rest: Any) -> TrialRecord:
    record = TrialRecord(
        number=number,
        phase="search",
        role="suggested",
        source=None,
        values=dict(UNIFORM),
        config={},
        seed=7,
        steps=100,
        status=None,
        step=max(curve, default=0),
        value=value,
        seconds=4.0,
        reason="",
        retries=0,
        facts={"macs_g": 1.5},
        reports=tuple(ReportedPoint(step, {"psnr": psnr}, 5.0) for step, psnr in curve.items()),
        started=1000.0 + number,
        ended=None if status is None else 2000.0 + number,
    )
    return replace(record, status=status, **rest)


def _record(*trials: TrialRecord, spec: dict[str, object] = SPEC, holder: str = "") -> RunRecord:
    none = pa.table({"trial": pa.array([], pa.int64())})
    return RunRecord("named", "", spec, {}, trials, none, {}, 1, (), (), updated=3000.0, holder=holder)


def _loaded(path: Path) -> optuna.Study:
    return optuna.load_study(study_name=None, storage=JournalStorage(JournalFileBackend(str(path))))


def test_optuna_reads_what_became_of_every_trial(tmp_path: Path) -> None:
    path = tmp_path / "new" / "study.log"
    written = write_optuna(
        _record(
            _trial(0, "finished", 30.0, {50: 28.0, 100: 30.0}),
            _trial(1, "stopped", 27.0, {50: 27.0}, values=dict(GRADIENT)),
            _trial(2, "diverged", None, {50: 26.0}, reason="loss l2 is nan"),
            _trial(3, "infeasible", 31.0, {100: 31.0}, facts={"macs_g": 5.0}),
            _trial(4, None, None, {50: 25.0}),
            _trial(5, "finished", 29.0, {100: 29.0}, phase="confirm"),
            _trial(6, "finished", 29.5, {100: 29.5}),
        ),
        path,
    )
    study = _loaded(path)
    assert written == 6
    assert (study.study_name, study.direction.name, study.metric_names) == ("named", "MAXIMIZE", ["psnr"])
    trials = study.trials
    assert [trial.user_attrs["trial"] for trial in trials] == [0, 1, 2, 3, 4, 6], "the confirmation is no trial of the search"
    states = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.COMPLETE, TrialState.FAIL, TrialState.COMPLETE]
    assert [trial.state for trial in trials] == states, "nobody drives the run, so trial 4 does not run"
    assert [trial.value for trial in trials] == [30.0, 27.0, None, 31.0, None, 29.5]
    assert trials[0].intermediate_values == {50: 28.0, 100: 30.0}
    assert trials[1].params == GRADIENT
    assert trials[0].distributions == {
        "lr": FloatDistribution(1e-4, 1e-2, log=True),
        "depth": IntDistribution(3, 9, step=2),
        "width": CategoricalDistribution((8, 16, 32)),
        "sampler": CategoricalDistribution(("uniform", "gradient")),
    }
    assert trials[2].user_attrs["reason"] == "loss l2 is nan"
    assert trials[0].datetime_start == datetime.fromtimestamp(1000.0)
    assert trials[0].datetime_complete == datetime.fromtimestamp(2000.0)
    assert study.best_trial.number == 0, "trial 3 is better and does not meet the constraint"


def test_a_trial_runs_as_long_as_its_driver_lives(tmp_path: Path) -> None:
    write_optuna(_record(_trial(0, None, None, {}), holder="process 7"), tmp_path / "study.log")
    assert [trial.state for trial in _loaded(tmp_path / "study.log").trials] == [TrialState.RUNNING]


def test_two_objectives(tmp_path: Path) -> None:
    spec = {**SPEC, "objectives": [{"metric": "psnr", "mode": "max"}, {"metric": "macs_g", "mode": "min"}]}
    write_optuna(
        _record(_trial(0, "finished", 30.0, {100: 30.0}), _trial(1, "stopped", 20.0, {50: 20.0}), spec=spec), tmp_path / "s"
    )
    study = _loaded(tmp_path / "s")
    assert [trial.values for trial in study.trials] == [[30.0, 1.5], None]
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]


def test_what_can_not_be_exported_says_why(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine", encoding="utf-8")
    with pytest.raises(SpecError, match="there already"):
        write_optuna(_record(), tmp_path / "there")
    with pytest.raises(SpecError, match="study can't be read"):
        write_optuna(_record(spec={}), tmp_path / "study")
    with pytest.raises(SpecError, match="not in the run's search space"):
        write_optuna(_record(_trial(0, "finished", 1.0, {}, values={"lr": 5.0})), tmp_path / "study")
    assert not (tmp_path / "study").exists()
