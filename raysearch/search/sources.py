"""Where the trials of each phase come from: interrupted ones first, then new ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from raysearch.results.events import Status
from raysearch.results.folder import RunFolder
from raysearch.results.record import TrialRecord
from raysearch.rng import seed_of
from raysearch.search.budget import Limits
from raysearch.search.job import Job
from raysearch.search.ledger import Ledger, NewTrial
from raysearch.search.proposals import Proposer
from raysearch.search.study import StudySpec
from raysearch.spec.trial import TrialConfig

_SEED_BITS = 2**31


def trial_seed(study_seed: int, number: int) -> int:
    """Return the seed of a search trial."""
    return seed_of(study_seed, "trial", number) % _SEED_BITS


def confirm_seeds(study_seed: int, count: int, used: frozenset[int]) -> tuple[int, ...]:
    """Return ``count`` seeds for the confirmation, none of them among ``used``."""
    found: list[int] = []
    draw = 0
    while len(found) < count:
        seed = seed_of(study_seed, "confirm", draw) % _SEED_BITS
        if seed not in used and seed not in found:
            found.append(seed)
        draw += 1
    return tuple(found)


@dataclass(frozen=True)
class JobMaker:
    """Makes jobs of configurations; what all jobs of a run have in common."""

    spec: StudySpec
    folder: RunFolder
    cache: str
    fit: str
    allow_imports: bool

    def make(self, number: int, config: dict[str, object], split: Literal["validation", "test"]) -> Job:
        """Return the job of a trial."""
        resources = self.spec.resources
        return Job(
            trial=number,
            config=json.dumps(config),
            folder=str(self.folder.trial(number).absolute()),
            cache=self.cache,
            split=split,
            metric=self.spec.objective.metric,
            workers=resources.workers,
            cpus=resources.cpus_per_worker,
            gpus=resources.gpus_per_worker,
            fit=self.fit,
            allow_imports=self.allow_imports,
        )


class SearchSource:
    """The trials of the search: a `raysearch.search.searcher.TrialSource`."""

    def __init__(
        self,
        spec: StudySpec,
        proposer: Proposer,
        ledger: Ledger,
        jobs: JobMaker,
        limits: Limits,
        interrupted: Sequence[TrialRecord],
        stop: Callable[[], bool],
    ) -> None:
        self._spec = spec
        self._proposer = proposer
        self._ledger = ledger
        self._jobs = jobs
        self._limits = limits
        self._interrupted = list(interrupted)
        self._stop = stop
        self._reason = ""

    @property
    def reason(self) -> str:
        """Why there are no more trials."""
        return self._reason

    def next(self) -> Job | None:
        """Return an interrupted trial, or propose one, unless a limit is reached."""
        if self._stop():
            return None
        if self._interrupted:
            record = self._interrupted.pop(0)
            return self._jobs.make(record.number, record.config, "validation")
        self._reason = self._limits.reached()
        return None if self._reason else self._propose()

    def _propose(self) -> Job | None:
        number = self._ledger.next_number()
        proposal = self._proposer.suggest(number)
        if proposal is None:
            self._reason = "exhausted"
            return None
        trial = self._spec.trial.bind(proposal.values, trial_seed(self._spec.seed, number))
        config = trial.model_dump(mode="json")
        self._ledger.start(NewTrial(proposal.role, None, proposal.values, config, trial.seed, trial.steps))
        return self._jobs.make(number, config, "validation")

    def report(self, number: int, step: int, value: float) -> None:
        """Tell the searcher."""
        self._proposer.report(number, step, value)

    def tell(self, number: int, status: Status, value: float | None) -> None:
        """Tell the searcher."""
        self._proposer.tell(number, status, value)


class ConfirmSource:
    """The trials of the confirmation, seed by seed, so that what was confirmed when it is interrupted can be compared."""

    def __init__(
        self,
        planned: Sequence[NewTrial],
        ledger: Ledger,
        jobs: JobMaker,
        earlier: Sequence[TrialRecord],
        stop: Callable[[], bool],
    ) -> None:
        self._ledger = ledger
        self._jobs = jobs
        started = {(record.role, record.seed) for record in earlier}
        self._planned = [trial for trial in planned if (trial.role, trial.seed) not in started]
        self._interrupted = [record for record in earlier if record.status is None]
        self._stop = stop

    @property
    def reason(self) -> str:
        """The confirmation ends when its list does."""
        return "trials"

    def next(self) -> Job | None:
        """Return an interrupted trial or the next of the list."""
        if self._stop():
            return None
        if self._interrupted:
            record = self._interrupted.pop(0)
            return self._jobs.make(record.number, record.config, "test")
        if not self._planned:
            return None
        trial = self._planned.pop(0)
        return self._jobs.make(self._ledger.start(trial), trial.config, "test")

    def report(self, number: int, step: int, value: float) -> None:
        """Do nothing: nobody searches."""

    def tell(self, number: int, status: Status, value: float | None) -> None:
        """Do nothing: nobody searches."""


def plan_confirmation(spec: StudySpec, records: Sequence[TrialRecord], ranking: Sequence[int]) -> list[NewTrial]:
    """Return the trials that confirm the best of a search: baseline and winners, for each of the fresh seeds.

    Args:
        records: all trials of the run by number.
        ranking: numbers of the finished search trials, best first.

    Raises:
        SpecError: the baseline is no valid configuration.
    """
    tops = [records[number] for number in ranking[: spec.confirm.top]]
    if not tops:
        return []
    winner = TrialConfig.parse(tops[0].config)
    contenders = [
        (f"top{rank}", record.number, record.values, TrialConfig.parse(record.config)) for rank, record in enumerate(tops, 1)
    ]
    contenders.insert(0, ("baseline", tops[0].number, {}, spec.confirm.baseline_of(winner)))
    used = frozenset(record.seed for record in records if record.phase == "search")
    planned = []
    for seed in confirm_seeds(spec.seed, spec.confirm.seeds, used):
        for role, source, values, config in contenders:
            data = config.model_copy(update={"seed": seed}).model_dump(mode="json")
            planned.append(NewTrial(role, source, dict(values), data, seed, config.steps))
    return planned
