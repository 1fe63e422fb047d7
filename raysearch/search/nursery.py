"""The trials of a population: founders from the searcher, then children of others, each written to the journal before it runs.

Whose children, and with which values, follows from the study's seed and the child's number; what is left of donors' checkpoints is
what may still be needed.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from raysearch.results.events import Leaf, Status
from raysearch.results.goals import CONFIG_FACTS
from raysearch.results.record import TrialRecord
from raysearch.rng import seed_of
from raysearch.search.entries import Entry, NewTrial
from raysearch.search.job import Job
from raysearch.search.ledger import Ledger
from raysearch.search.perturbing import child_of
from raysearch.search.schedulers.base import Breeder
from raysearch.search.schedulers.pbt import Config
from raysearch.search.study import StudySpec
from raysearch.spec.trial import TrialConfig
from raysearch.train import checkpoint
from raysearch.train.files import CHECKPOINTS


@dataclass(frozen=True)
class _Member:
    """A trial of the search: its values and its configuration."""

    values: dict[str, Leaf]
    config: TrialConfig


class Nursery:
    """Fills the free places of a population.

    Args:
        spec: the study, whose scheduler is ``config``.
        breeder: the running scheduler.
        trials: the folder of the trials' folders, for the checkpoints in them.
        earlier: the search's trials of earlier drivers.
    """

    def __init__(
        self, spec: StudySpec, config: Config, breeder: Breeder, ledger: Ledger, trials: Path, earlier: Iterable[TrialRecord]
    ) -> None:
        self._spec = spec
        self._config = config
        self._breeder = breeder
        self._ledger = ledger
        self._trials = trials
        self._members: dict[int, _Member] = {}
        self._origins: dict[int, tuple[int, int]] = {}
        self._resting: dict[int, int] = {}
        for record in earlier:
            self._members[record.number] = _Member(record.values, TrialConfig.parse(record.config))
            if record.parent is not None:
                self._origins[record.number] = (record.parent, record.parent_step)
            if record.status is None:
                self._resting[record.number] = record.reports[-1].step if record.reports else -1

    @property
    def wants_founder(self) -> bool:
        """Whether the searcher is to propose another member."""
        founders = (e for e in self._ledger.of("search") if e.parent is None and not e.imported)
        return sum(1 for _ in founders) < self._config.population

    def child(self) -> NewTrial | None:
        """Return the next child, not yet started; None when no place is free that has a donor."""
        vacancy = self._breeder.vacancy()
        if vacancy is None:
            return None
        seed = seed_of(self._spec.seed, "child", self._ledger.next_number())
        parent = random.Random(seed).choice(vacancy.donors)
        donor = self._members[parent]
        space, settings = self._spec.trial, self._config
        values = child_of(space, donor.values, donor.config, settings.factors, settings.resample, seed_of(seed, "values"))
        config = space.bind(values, donor.config.seed)
        data = config.model_dump(mode="json")
        known = self._ledger.entries[parent].facts
        facts = {name: known[name] for name in CONFIG_FACTS if name in known}  # the network is the donor's
        return NewTrial("child", None, values, data, config.seed, config.steps, facts, parent, vacancy.step)

    def started(self, number: int, trial: NewTrial) -> None:
        """Take that a member was written to the journal."""
        self._members[number] = _Member(trial.values, TrialConfig.parse(trial.config))
        if trial.parent is not None:
            self._origins[number] = (trial.parent, trial.parent_step)
            self._breeder.born(number, trial.parent_step)

    def equipped(self, job: Job) -> Job:
        """Return the job of a member with what it begins from, and which checkpoints it keeps."""
        config = self._members[job.trial].config
        job = replace(job, keep_every=self._config.interval(config.steps))
        if job.trial not in self._origins:
            return job
        parent, step = self._origins[job.trial]
        return replace(job, start=str(self._checkpoint(parent, step)), start_key=self._members[parent].config.key)

    def rests(self, number: int, step: int, *, founders: bool) -> bool:
        """Return whether a member that has come to ``step`` is to leave its worker to others, who are behind it.

        Args:
            founders: some have yet to be proposed.
        """
        if step not in self._config.rungs(self._members[number].config.steps):
            return False
        vacancy = self._breeder.vacancy()
        behind = any((at, other) < (step, number) for other, at in self._resting.items())
        if founders or behind or (vacancy is not None and vacancy.step < step):
            self._resting[number] = step
            return True
        return False

    def is_resting(self, number: int) -> bool:
        """Return whether a member was sent to rest."""
        return number in self._resting

    def interrupted(self) -> int | None:
        """Return a member that did not rest when its driver ended, None without one; it is running again."""
        found = (n for n, step in self._resting.items() if step not in self._config.rungs(self._members[n].config.steps))
        return self._awake(next(found, None))

    def next(self) -> int | None:
        """Return the resting member that is furthest behind, unless a free place lies further behind; it is running again."""
        number = min(self._resting, key=lambda n: (self._resting[n], n), default=None)
        vacancy = self._breeder.vacancy()
        if number is not None and vacancy is not None and vacancy.step < self._resting[number]:
            return None
        return self._awake(number)

    def _awake(self, number: int | None) -> int | None:
        if number is not None:
            del self._resting[number]
        return number

    def gives_way(self, number: int) -> bool:
        """Return whether a member that has rested is to be stopped instead of going on."""
        return self._breeder.gives_way(number)

    def ended(self, number: int, status: Status) -> None:
        """Take the end of a member."""
        self._breeder.ended(number, status)

    def config(self, number: int) -> dict[str, object]:
        """Return the configuration of a member as plain data."""
        return self._members[number].config.model_dump(mode="json")

    def tidy(self) -> None:
        """Remove checkpoints that were kept for children and that no child can begin from any more."""
        needed = {self._checkpoint(donor, step) for step in self._exchanges() for donor in self._breeder.donors(step)}
        needed |= {self._checkpoint(*self._origins[e.number]) for e in self._running() if e.number in self._origins and e.step < 0}
        for number in self._members:
            for path in checkpoint.files(self._folder(number))[checkpoint.KEEP :]:
                if path not in needed:
                    path.unlink(missing_ok=True)

    def _exchanges(self) -> list[int]:
        """Return the exchanges at which a child may still begin."""
        steps = next(iter(self._members.values())).config.steps if self._members else 0
        first = min([*(max(e.step, 0) for e in self._running()), *self._breeder.open()], default=steps)
        return [step for step in self._config.rungs(steps) if step >= (0 if self.wants_founder else first)]

    def _running(self) -> list[Entry]:
        return [entry for entry in self._ledger.of("search") if entry.status is None]

    def _folder(self, number: int) -> Path:
        return self._trials / f"{number:04d}" / CHECKPOINTS

    def _checkpoint(self, number: int, step: int) -> Path:
        return checkpoint.path_of(self._folder(number), step)
