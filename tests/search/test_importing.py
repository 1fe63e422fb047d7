from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from small_study import TRIAL, study
from test_orders import events_of, replay_of

from raysearch.errors import SpecError
from raysearch.results.events import RunImported, TrialEnded
from raysearch.results.folder import RunFolder
from raysearch.results.journal import new_journal
from raysearch.results.record import RunRecord, TrialRecord
from raysearch.results.replay import replay
from raysearch.results.run import open_run
from raysearch.results.summary import summary
from raysearch.search.budget import Limits
from raysearch.search.costs import Costs
from raysearch.search.importing import described, import_run, require_same_data, transferred
from raysearch.search.ledger import Ledger
from raysearch.search.proposals import Proposer
from raysearch.search.rules import rules_of
from raysearch.search.study import StudySpec


def old_run(spec: StudySpec, lrs: list[float], statuses: list[str], environment: Any = None) -> RunRecord:
    """A run whose trials had these learning rates and ended so; finished trial n has 30 + n dB."""
    trials = replay_of(events_of(spec, statuses)).trials()

    def with_lr(trial: TrialRecord, lr: float) -> TrialRecord:
        values = spec.trial.resolve({"recipe.optimizer.lr": lr})
        reports = tuple(replace(point, metrics={**point.metrics, "psnr": 30.0 + trial.number}) for point in trial.reports)
        return replace(trial, values=values, config=spec.trial.bind(values, trial.seed).model_dump(mode="json"), reports=reports)

    found = tuple(with_lr(trial, lr) for trial, lr in zip(trials, lrs, strict=True))
    return RunRecord("old", "", spec.to_data(), environment or {}, found, None, {}, 1, (), ())


def test_trials_that_fit_keep_their_values_and_the_rest_is_summarised() -> None:
    statuses = ["finished", "diverged", "failed", "finished", "stopped", "running", "finished"]
    record = old_run(study(), [1e-3, 2e-3, 3e-3, 9e-3, 4e-3, 5e-3, 6e-3], statuses)
    new = study(trial={**TRIAL, "recipe": {**TRIAL["recipe"], "optimizer": {"kind": "adam", "lr": {"float": [5e-4, 7e-3]}}}})
    found = import_run(new, record)
    assert found.taken == 4
    assert isinstance(found.events[0], RunImported)
    trials = replay(found.events)
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert [trial.status for trial in trials] == ["finished", "diverged", "stopped", "finished"]
    assert [trial.value for trial in trials] == [30.0, None, 34.0, 36.0]
    assert [trial.origin for trial in trials] == ["old/0", "old/1", "old/4", "old/6"]
    assert all(trial.role == "imported" and new.trial.fits(trial.values) for trial in trials)
    assert trials[0].reports == tuple(replace(point, time=trials[0].reports[0].time) for point in record.trials[0].reports)
    assert sum(found.refused.values()) == 3
    assert sorted(described(found.refused)) == [
        "1 x ended as failed",
        "1 x has not ended",
        "1 x recipe.optimizer.lr is outside recipe.optimizer.lr (0.009)",
    ]


@pytest.mark.parametrize("parts", [{"steps": 80}, {"evaluate": {"every": 10, "protocol": "dn-gray-u8"}}, {"data": "bsds500"}])
def test_another_length_protocol_or_corpus_is_another_problem(parts: dict[str, Any]) -> None:
    found = import_run(study(trial={**TRIAL, **parts}), old_run(study(), [1e-3], ["finished"]))
    assert found.taken == 0
    assert len(found.refused) == 1


def test_values_are_those_of_the_new_objective_and_its_constraints() -> None:
    record = old_run(study(), [1e-3, 2e-3], ["finished", "finished"])
    one, two = record.trials
    with_ssim = replace(one, reports=tuple(replace(p, metrics={**p.metrics, "ssim": 0.5}) for p in one.reports))
    record = replace(record, trials=(with_ssim, two))
    found = import_run(study(objective={"metric": "ssim", "mode": "max"}), record)
    assert [trial.value for trial in replay(found.events)] == [0.5]
    assert found.refused == {"did not measure ssim": 1}
    bounded = import_run(study(objective={"metric": "psnr", "mode": "max", "constraints": ["psnr >= 31"]}), record)
    assert [event.status for event in bounded.events if isinstance(event, TrialEnded)] == ["infeasible", "finished"]


def test_other_photographs_are_refused() -> None:
    record = old_run(study(), [1e-3], ["finished"], {"data": {"train photos": {"digest": "a"}, "test x": {"digest": "b"}}})
    assert require_same_data(record, {"train photos": {"digest": "a"}, "validation photos": {"digest": "c"}})
    with pytest.raises(SpecError, match="photographs of train photos") as caught:
        require_same_data(record, {"train photos": {"digest": "other"}})
    assert "--transfer" in caught.value.remedy
    assert not require_same_data(record, {})
    assert not require_same_data(old_run(study(), [1e-3], ["finished"]), {"train photos": {"digest": "a"}})


def test_imported_trials_are_told_to_the_searcher_and_cost_nothing(tmp_path: Any) -> None:
    spec = study(lrs=(5e-3,), budget={"trials": 2, "minutes": 10}, searcher="random")
    found = import_run(spec, old_run(study(), [1e-3, 2e-3, 3e-3], ["finished", "stopped", "finished"]))
    folder = RunFolder.create(tmp_path, "new")
    new_journal(folder.journal, found.events)
    with pytest.raises(FileExistsError):
        new_journal(folder.journal, found.events)
    folder.write_study("", spec.to_data())
    record = open_run(folder.path)
    assert record.missing == ("env.json can't be read: No such file or directory",), "imported trials have no files, and need none"
    assert summary(record).planned == 2 + 3
    assert (summary(record).seconds, summary(record).best.trial) == (0.0, 2)  # type: ignore[union-attr]
    ledger = Ledger(lambda event: None, metric="psnr", mode="max", gpus=1, observers=(), earlier=record.trials)
    limits = Limits(spec.budget, ledger, 1)
    assert (ledger.asked(), ledger.trial_seconds, limits.reached()) == (0, 0.0, "")
    assert ledger.best().trial == 2  # type: ignore[union-attr]
    published = [spec.trial.resolve(one.values) for one in spec.published]
    proposer = Proposer(spec.trial, spec.searcher, spec.goals, 0, published)
    for trial in record.trials:
        proposer.restore(trial)
    assert proposer.suggest(3).role == "published"  # type: ignore[union-attr]
    assert proposer.suggest(4).role == "suggested"  # type: ignore[union-attr]
    told = [trial.values for trial in proposer.study.get_trials(deepcopy=False) if trial.values]
    assert told[:2] == [[30.0], [32.0]]


def test_a_grid_does_not_repeat_what_was_imported() -> None:
    grid: Any = {**TRIAL, "recipe": {**TRIAL["recipe"], "optimizer": {"kind": "adam", "lr": {"choice": [1e-3, 2e-3, 3e-3]}}}}
    spec = study(trial=grid, searcher="grid", budget={"trials": 9})
    trials = replay(import_run(spec, old_run(study(), [2e-3], ["finished"])).events)
    proposer = Proposer(spec.trial, spec.searcher, spec.goals, 0, [], rules=rules_of(spec, Costs()))
    proposer.restore(trials[0])
    found = [proposer.suggest(1), proposer.suggest(2), proposer.suggest(3)]
    assert [None if one is None else one.values["recipe.optimizer.lr"] for one in found] == [1e-3, 3e-3, None]


def test_the_best_of_a_related_run_are_tried_first() -> None:
    record = old_run(study(), [1e-3, 2e-3, 9e-3, 9e-3, 3e-3], ["finished", "failed", "finished", "finished", "finished"])
    related = study(
        trial={**TRIAL, "steps": 400, "recipe": {**TRIAL["recipe"], "optimizer": {"kind": "adam", "lr": {"float": [1e-4, 5e-3]}}}}
    )
    found = transferred(related, record, 2)
    assert [one.values["recipe.optimizer.lr"] for one in found] == [3e-3, 5e-3], "best first, to the nearest end, each once"
    assert found[0].source == "best of run old: trial 4"
    with pytest.raises(SpecError, match="no finished trial"):
        transferred(related, replace(record, trials=()))
