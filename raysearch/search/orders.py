"""What a user orders of a run that is there already, as events for its journal: more budget, another attempt, a longer training.

An order is checked against what the journal tells before anything is written. The driver writes its events and then goes on with
whatever the run has left to do. Needs no Ray.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from raysearch.errors import SpecError
from raysearch.results.events import BudgetChanged, Event, Status, TrialRetried, TrialStarted, limits_of
from raysearch.results.folder import RunFolder
from raysearch.results.goals import CONFIG_FACTS
from raysearch.results.record import TrialRecord
from raysearch.results.replay import Replay
from raysearch.search.remote import fetch_checkpoints
from raysearch.search.study import Budget, StudySpec
from raysearch.spec.trial import TrialConfig
from raysearch.train.extension import continue_from, depends_on_length


class Order(Protocol):
    """Something that a user orders."""

    def events(self, spec: StudySpec, folder: RunFolder, replay: Replay) -> Sequence[Event]:
        """Return what is to be written.

        Args:
            spec: the study, as it was started.
            folder: the run, held by the caller.
            replay: what its journal tells.

        Raises:
            RaysearchError: it can't be done, and why; nothing was changed.
        """


@dataclass(frozen=True)
class Amount:
    """A limit as a user gives it: a new one, or so much more than there is."""

    value: float
    more: bool

    def over(self, present: float | None, used: float) -> float:
        """Return the limit that is meant; without a present one it counts from what is used."""
        return self.value + (used if present is None else present) if self.more else self.value


def with_budget(spec: StudySpec, replay: Replay) -> StudySpec:
    """Return a study with the budget that its run has now."""
    return spec if replay.budget is None else spec.model_copy(update={"budget": budget_of(spec, replay)})


def budget_of(spec: StudySpec, replay: Replay) -> Budget:
    """Return the budget that a run has now: the study's, or what a user has put in its place."""
    return spec.budget if replay.budget is None else spec.budget.model_copy(update=limits_of(replay.budget))


@dataclass(frozen=True)
class MoreBudget:
    """The search goes on: with so many trials, minutes or GPU hours more, or up to so many. What is None stays as it is."""

    trials: Amount | None = None
    minutes: Amount | None = None
    gpu_hours: Amount | None = None

    def events(self, spec: StudySpec, folder: RunFolder, replay: Replay) -> Sequence[Event]:
        """Return the new budget; see `Order.events`.

        Raises:
            SpecError: it would change nothing: the limit that ended the search stays, or the searcher has no more proposals.
        """
        present = budget_of(spec, replay)
        changes: dict[str, float] = {
            name: amount.over(getattr(present, name), _used(name, spec, replay))
            for name, amount in (("trials", self.trials), ("minutes", self.minutes), ("gpu_hours", self.gpu_hours))
            if amount is not None
        }
        self._refuse_idle(spec, replay, changes)
        if "trials" in changes:
            changes["trials"] = int(changes["trials"])
        limits = {**limits_of(BudgetChanged(time=0.0, **_limits(present))), **changes}
        return [BudgetChanged(time=time.time(), **limits)]

    def _refuse_idle(self, spec: StudySpec, replay: Replay, changes: Mapping[str, float]) -> None:
        why = replay.phases.get("search", "")
        if why == "exhausted":
            raise SpecError(
                "the searcher has no more configurations: every one of the space was tried",
                remedy="raysearch fork RUN --space NEW.yaml goes on in a wider space",
            )
        if why == "failed":
            raise SpecError("the search ended because too many trials failed", remedy="raysearch retry RUN --failed")
        needed = {"trials": "trials", "time": "minutes", "gpu_hours": "gpu_hours"}.get(why)
        if needed is not None and needed not in changes:
            option = {"trials": "--trials +N", "minutes": "--time +H", "gpu_hours": "--gpu-hours +H"}[needed]
            raise SpecError(f"the search ended because its {why} were used up", remedy=f"add {option}")
        for name, limit in changes.items():
            if limit <= (used := _used(name, spec, replay)):
                raise SpecError(f"{name} = {limit:g} is no more than the {used:g} that are used", remedy="write +N for N more")


def _limits(budget: Budget) -> dict[str, int | float | None]:
    return {"trials": budget.trials, "minutes": budget.minutes, "gpu_hours": budget.gpu_hours}


def _used(name: str, spec: StudySpec, replay: Replay) -> float:
    """Return what the run has used of a limit, as far as its journal tells."""
    own = [trial for trial in replay.trials() if not trial.origin]
    if name == "trials":
        return sum(trial.phase == "search" for trial in own)
    if name == "minutes":
        return max(0.0, replay.updated - replay.began - replay.breaks) / 60
    return sum(trial.seconds for trial in own) / 3600 * spec.resources.workers * spec.resources.gpus_per_worker


@dataclass(frozen=True)
class Retry:
    """Trials that ended badly have another attempt under their number: from their last checkpoint, or anew where there is none.

    Attributes:
        statuses: which ends are tried again.
        numbers: only these trials; all when empty.
    """

    statuses: frozenset[Status]
    numbers: frozenset[int] = frozenset()

    def events(self, spec: StudySpec, folder: RunFolder, replay: Replay) -> Sequence[Event]:
        """Return the attempts; see `Order.events`.

        Raises:
            SpecError: there is no such trial, or one of the numbers ended otherwise.
        """
        records = {record.number: record for record in replay.trials()}
        for number in sorted(self.numbers):
            self._refuse_other(number, records)
        chosen = [record for record in records.values() if not self.numbers or record.number in self.numbers]
        chosen = [record for record in chosen if record.status in self.statuses and not record.origin]
        if not chosen:
            raise SpecError(
                f"no trial of the run ended as {' or '.join(sorted(self.statuses))}", remedy="raysearch ls RUN shows them"
            )
        now = time.time()
        return [
            TrialRetried(time=now, trial=one.number, attempt=one.retries + 1, reason="a user asked for it", cause="asked")
            for one in chosen
        ]

    def _refuse_other(self, number: int, records: Mapping[int, TrialRecord]) -> None:
        record = existing(number, records)
        if record.status not in self.statuses:
            raise SpecError(
                f"trial {number} is {record.status or 'unfinished'}, which is not tried again",
                remedy="raysearch resume goes on with unfinished trials"
                if record.status is None
                else "raysearch extend trains longer",
            )


def existing(number: int, records: Mapping[int, TrialRecord]) -> TrialRecord:
    """Return a trial by its number.

    Raises:
        SpecError: there is none, or it was trained in another run.
    """
    if number not in records:
        raise SpecError(f"the run has no trial {number}", remedy=f"it has trials 0 to {len(records) - 1}")
    if records[number].origin:
        raise SpecError(f"trial {number} was imported and has no files here", remedy=f"it is {records[number].origin}: do it there")
    return records[number]


@dataclass(frozen=True)
class Extend:
    """One trial is trained longer, as a trial of its own; the search and its ranking stay as they are.

    Attributes:
        number: of the trial.
        steps: steps in all.
        anew: from the first step; None: from the checkpoint, unless something before it depends on the length of the training (see
            `raysearch.train.extension`).
    """

    number: int
    steps: int
    anew: bool | None = None

    def events(self, spec: StudySpec, folder: RunFolder, replay: Replay) -> Sequence[Event]:
        """Put the checkpoint in its place and return the start of the new trial; see `Order.events`.

        Raises:
            SpecError: there is no such trial, it runs, or it was trained for as many steps.
            StateDamaged: there is no checkpoint to go on from.
        """
        records = {record.number: record for record in replay.trials()}
        record = existing(self.number, records)
        self._refuse(record)
        before = TrialConfig.parse(record.config)
        after = before.model_copy(update={"steps": self.steps})
        anew = record.parent is None and depends_on_length(before, self.steps, record.step) if self.anew is None else self.anew
        new = len(records)
        if not anew:
            fetch_checkpoints(spec.storage, folder, self.number)
            continue_from(folder.trial(self.number), before, folder.trial(new), after)
        start = TrialStarted(
            time=time.time(),
            trial=new,
            phase="extend",
            role="anew" if anew else "continued",
            source=self.number,
            values=record.values,
            config=after.model_dump(mode="json"),
            seed=record.seed,
            steps=self.steps,
            facts={name: fact for name, fact in record.facts.items() if name in CONFIG_FACTS},
        )
        return [start]

    def _refuse(self, record: TrialRecord) -> None:
        if record.status is None:
            raise SpecError(f"trial {self.number} has not ended", remedy="raysearch resume goes on with it")
        if record.status not in ("finished", "stopped"):
            raise SpecError(f"trial {self.number} is {record.status}", remedy="raysearch retry gives it another attempt")
        if record.phase == "confirm":
            raise SpecError(
                f"trial {self.number} is of the confirmation", remedy=f"extend the trial of the search: {record.source}"
            )
        if self.anew and record.parent is not None:
            raise SpecError(f"trial {self.number} began from a checkpoint of trial {record.parent}", remedy="leave --anew out")
        if self.steps <= record.step:
            raise SpecError(
                f"trial {self.number} was trained for {record.step} steps already", place="--steps", remedy="ask for more"
            )
