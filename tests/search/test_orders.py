"""What a user orders of a run that is there: more budget, another attempt, a longer training. No Ray."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from small_study import study

from raysearch.errors import SpecError, StateDamaged
from raysearch.results.events import (
    BudgetChanged,
    ContendersChosen,
    DriverStarted,
    DriverStopped,
    Event,
    PhaseEnded,
    TrialEnded,
    TrialReported,
    TrialRetried,
    TrialStarted,
)
from raysearch.results.folder import RunFolder
from raysearch.results.replay import Replay
from raysearch.search.orders import Amount, Extend, MoreBudget, Retry, budget_of, with_budget
from raysearch.search.study import StudySpec
from raysearch.spec.trial import TrialConfig
from raysearch.train import checkpoint
from raysearch.train.files import CHECKPOINTS

HERE = RunFolder(Path("nowhere"))
BEGAN = 1000.0


def events_of(spec: StudySpec, statuses: Sequence[str], reason: str = "trials", phase: str = "search") -> list[Event]:
    """Return the events of a run whose trials ended so, 60 seconds each, one after another."""
    found: list[Event] = [DriverStarted(time=BEGAN, attempt=0, command=("raysearch",), versions={}, host="here")]
    for number, status in enumerate(statuses):
        values = spec.trial.complete({})
        trial = spec.trial.bind(values, number)
        start = {"trial": number, "phase": phase, "role": "suggested", "source": None, "values": values, "seed": number}
        config = trial.model_dump(mode="json")
        found.append(TrialStarted.model_validate({"time": BEGAN + 60.0 * number, **start, "config": config, "steps": trial.steps}))
        found.append(
            TrialReported(time=BEGAN + 60.0 * number + 30, trial=number, step=20, metrics={"psnr": 30.0, "train_seconds": 30.0})
        )
        if status != "running":
            value = 30.0 + number if status == "finished" else None
            end = {"trial": number, "status": status, "step": 40 if status == "finished" else 20, "value": value, "seconds": 60.0}
            found.append(TrialEnded.model_validate({"time": BEGAN + 60.0 * number + 60, **end, "reason": "", "facts": {}}))
    if reason:
        found.append(PhaseEnded.model_validate({"time": BEGAN + 60.0 * len(statuses), "phase": phase, "reason": reason}))
        found.append(DriverStopped(time=BEGAN + 60.0 * len(statuses), reason="done", message=""))
    return found


def replay_of(events: Sequence[Event]) -> Replay:
    merged = Replay()
    for event in events:
        merged.add(event)
    return merged


def order(order: Any, spec: StudySpec, replay: Replay, folder: RunFolder = HERE) -> list[Event]:
    found = list(order.events(spec, folder, replay))
    for event in found:
        replay.add(event)
    return found


def test_budgets_add_up_and_open_the_search_again() -> None:
    spec = study(budget={"trials": 2, "minutes": 60})
    merged = replay_of(events_of(spec, ["finished", "finished"]))
    assert merged.phases == {"search": "trials"}
    (changed,) = order(MoreBudget(trials=Amount(3, more=True)), spec, merged)
    assert isinstance(changed, BudgetChanged)
    assert (changed.trials, changed.minutes, changed.gpu_hours) == (5, 60, None)
    assert merged.phases == {}
    order(MoreBudget(trials=Amount(20, more=False), minutes=Amount(30, more=True)), spec, merged)
    order(MoreBudget(trials=Amount(1, more=True)), spec, merged)
    now = budget_of(spec, merged)
    assert (now.trials, now.minutes) == (21, 90)
    assert with_budget(spec, merged).budget == now
    assert with_budget(spec, replay_of([])) is spec
    assert len(merged.changes) == 3


def test_a_limit_that_there_was_not_counts_from_what_is_used() -> None:
    spec = study(budget={"trials": 2}, resources={"workers": 2, "gpus_per_worker": 0.5})
    merged = replay_of(events_of(spec, ["finished", "finished"]))
    order(MoreBudget(trials=Amount(1, more=True), minutes=Amount(10, more=True), gpu_hours=Amount(1, more=True)), spec, merged)
    now = budget_of(spec, merged)
    assert (now.trials, now.minutes, now.gpu_hours) == (3, 12, pytest.approx(1 + 2 / 60))


@pytest.mark.parametrize(
    ("reason", "more", "said"),
    [
        ("trials", {"minutes": Amount(60, more=True)}, "--trials"),
        ("time", {"trials": Amount(5, more=True)}, "--time"),
        ("exhausted", {"trials": Amount(5, more=True)}, "fork"),
        ("failed", {"trials": Amount(5, more=True)}, "retry"),
        ("trials", {"trials": Amount(2, more=False)}, "+N"),
    ],
)
def test_more_budget_that_would_change_nothing_is_refused(reason: str, more: dict[str, Any], said: str) -> None:
    spec = study(budget={"trials": 2, "minutes": 1})
    with pytest.raises(SpecError) as caught:
        order(MoreBudget(**more), spec, replay_of(events_of(spec, ["finished", "finished"], reason)))
    assert said in caught.value.remedy


def test_failed_trials_run_again_under_their_numbers() -> None:
    spec = study()
    merged = replay_of(events_of(spec, ["finished", "failed", "diverged", "out_of_memory", "failed"]))
    found = order(Retry(frozenset({"failed", "stalled"})), spec, merged)
    assert [(event.trial, event.attempt, event.cause) for event in found if isinstance(event, TrialRetried)] == [
        (1, 1, "asked"),
        (4, 1, "asked"),
    ]
    assert [trial.status for trial in merged.trials()] == ["finished", None, "diverged", "out_of_memory", None]
    assert merged.trials()[1].reports, "what it reported stays"
    assert merged.phases == {}, "the search is open again"
    with pytest.raises(SpecError, match="no trial of the run ended as failed"):
        order(Retry(frozenset({"failed"})), spec, merged)
    with pytest.raises(SpecError, match="trial 0 is finished"):
        order(Retry(frozenset({"failed"}), frozenset({0})), spec, merged)
    with pytest.raises(SpecError, match="no trial 9"):
        order(Retry(frozenset({"failed"}), frozenset({9})), spec, merged)
    (only,) = order(Retry(frozenset({"out_of_memory"}), frozenset({3})), spec, merged)
    assert isinstance(only, TrialRetried)
    assert only.trial == 3


def test_what_a_user_orders_is_no_driver_s_time() -> None:
    events = events_of(study(), ["failed"])
    merged = replay_of(events)
    merged.add(TrialRetried(time=5000.0, trial=0, attempt=1, reason="asked", cause="asked"))
    merged.add(DriverStarted(time=5001.0, attempt=1, command=(), versions={}, host="here"))
    assert merged.breaks == 5001.0 - (BEGAN + 60.0)


def test_roles_follow_the_contenders() -> None:
    spec = study(confirm={"top": 2, "seeds": 2})
    merged = replay_of(events_of(spec, ["finished"] * 3))

    def confirm(number: int, role: str, source: int) -> TrialStarted:
        config = spec.trial.bind(spec.trial.complete({}), number).model_dump(mode="json")
        data = {"time": 5000.0, "trial": number, "phase": "confirm", "role": role, "source": source, "values": {}, "config": config}
        return TrialStarted.model_validate({**data, "seed": number, "steps": 40})

    for number, (role, source) in enumerate([("baseline", 2), ("top1", 2), ("top2", 1)], 3):
        merged.add(confirm(number, role, source))
    assert [trial.role for trial in merged.trials()[3:]] == ["baseline", "top1", "top2"]
    merged.add(ContendersChosen(time=6000.0, contenders={"baseline": 0, "top1": 0, "top2": 2}))
    merged.add(confirm(6, "baseline", 0))
    assert [trial.role for trial in merged.trials()[3:]] == ["former-baseline-2", "top2", "former-1", "baseline"]


@pytest.fixture
def trained(tmp_path: Path) -> Callable[..., RunFolder]:
    """Make a run whose trial 0 has a checkpoint at a step."""

    def make(spec: StudySpec, step: int = 40) -> RunFolder:
        folder = RunFolder.create(tmp_path / "runs", "t")
        trial = spec.trial.bind(spec.trial.complete({}), 0)
        folder.trial(0).mkdir()
        checkpoint.save(folder.trial(0) / CHECKPOINTS, trial.key, step, {"step": step, "config": trial.model_dump(mode="json")})
        return folder

    return make


def with_schedule(schedule: Any) -> StudySpec:
    spec = study()
    template: Any = spec.to_data()
    template["trial"]["recipe"]["schedule"] = schedule
    return StudySpec.from_data(template)


@pytest.mark.parametrize(
    ("schedule", "anew", "role"),
    [
        ("constant", None, "continued"),
        ({"kind": "cosine", "warmup_steps": 3}, None, "anew"),
        ({"kind": "cosine"}, False, "continued"),
        ("constant", True, "anew"),
    ],
)
def test_a_trial_is_trained_longer(trained: Callable[..., RunFolder], schedule: Any, anew: bool | None, role: str) -> None:
    spec = with_schedule(schedule)
    folder, merged = trained(spec), replay_of(events_of(spec, ["finished", "finished"]))
    (start,) = order(Extend(0, 100, anew), spec, merged, folder)
    assert isinstance(start, TrialStarted)
    assert (start.phase, start.role, start.source, start.trial, start.steps) == ("extend", role, 0, 2, 100)
    extended = TrialConfig.parse(start.config)
    assert extended == TrialConfig.parse(merged.trials()[0].config).model_copy(update={"steps": 100})
    assert extended.seed == start.seed == 0
    assert merged.phases == {"search": "trials"}, "the search stays as it is"
    found = checkpoint.newest(folder.trial(2) / CHECKPOINTS, extended.key)
    assert (found is not None) == (role == "continued")
    if found is not None:
        state = checkpoint.parse(found)
        assert state["step"] == 40
        assert state["config"] == start.config
    assert checkpoint.newest(folder.trial(0) / CHECKPOINTS, TrialConfig.parse(merged.trials()[0].config).key) is not None


def test_a_stopped_trial_goes_on_to_its_full_length_whatever_its_schedule(trained: Callable[..., RunFolder]) -> None:
    spec = with_schedule({"kind": "cosine"})
    merged = replay_of(events_of(spec, ["stopped"]))
    (start,) = order(Extend(0, 40), spec, merged, trained(spec, 20))
    assert isinstance(start, TrialStarted)
    assert start.role == "continued"


@pytest.mark.parametrize(
    ("statuses", "number", "steps", "said"),
    [
        (["finished"], 0, 40, "was trained for 40 steps"),
        (["finished"], 5, 80, "no trial 5"),
        (["running"], 0, 80, "has not ended"),
        (["diverged"], 0, 80, "is diverged"),
    ],
)
def test_what_can_not_be_extended(statuses: list[str], number: int, steps: int, said: str) -> None:
    spec = study()
    with pytest.raises(SpecError, match=said):
        order(Extend(number, steps), spec, replay_of(events_of(spec, statuses, reason="")))


def test_without_a_checkpoint_nothing_is_continued(trained: Callable[..., RunFolder]) -> None:
    spec = study()
    merged = replay_of(events_of(spec, ["finished", "finished"]))
    with pytest.raises(StateDamaged, match="no checkpoint") as caught:
        order(Extend(1, 80), spec, merged, trained(spec))
    assert "--anew" in caught.value.remedy
    assert len(merged.trials()) == 2
