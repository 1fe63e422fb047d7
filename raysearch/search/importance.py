"""Which of the searched values mattered: Optuna's importances of the finished trials, as a file for the report."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from raysearch.results.folder import RunFolder
from raysearch.results.goals import Goals
from raysearch.results.record import TrialRecord
from raysearch.search.proposals import Proposer
from raysearch.search.study import StudySpec
from raysearch.train.atomic import write_atomically

FILE = "importance.json"
LEAST_TRIALS = 8
"""Finished trials below which importances would be noise."""


def importance_of(spec: StudySpec, records: Sequence[TrialRecord]) -> dict[str, object]:
    """Return the importance of each searched value that all finished trials have.

    PED-ANOVA (Watanabe, Bansal, Hutter, IJCAI 2023, arXiv:2304.10255; Optuna's evaluator, which fits kernel densities and draws
    nothing): how far each value alone is distributed otherwise among the best tenth of the finished trials than among all of them,
    as a share of the sum over values. Trials that were stopped early or failed are left out.

    Returns:
        ``{"parameters": {name: share}, "method": "ped-anova", "trials": n}``, or, when it can't be said, ``{"parameters": {},
        "reason": ...}``.
    """
    full = [record for record in records if record.phase == "search" and record.status == "finished" and record.parent is None]
    done = [record for record in full if record.value is not None]  # (what a child reached is not due to its values alone)
    if len(done) < LEAST_TRIALS:
        return _unsaid(f"{len(done)} finished trials are too few to tell ({LEAST_TRIALS} are needed)")
    proposer = Proposer(spec.trial, spec.searcher, Goals((spec.goals.headline,)), 0, ())
    for record in done:
        proposer.restore(record)
    trials = proposer.study.get_trials(deepcopy=False)
    varying = [name for name in trials[0].params if len({str(trial.params.get(name, "")) for trial in trials}) > 1]
    common = [name for name in varying if all(name in trial.params for trial in trials)]
    if not common:
        return _unsaid("no value varies over all finished trials")
    if len({trial.value for trial in trials}) == 1:
        return _unsaid("all finished trials have the same value")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        found = get_param_importances(proposer.study, evaluator=PedAnovaImportanceEvaluator(), params=common)
    return {"parameters": {name: float(share) for name, share in found.items()}, "method": "ped-anova", "trials": len(done)}


def _unsaid(reason: str) -> dict[str, object]:
    return {"parameters": {}, "method": "ped-anova", "reason": reason}


def write_importance(folder: RunFolder, spec: StudySpec, records: Sequence[TrialRecord]) -> None:
    """Write ``importance.json`` into the run's folder."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    content = json.dumps(importance_of(spec, records), indent=1, allow_nan=False)
    write_atomically(folder.path / FILE, content.encode() + b"\n")
