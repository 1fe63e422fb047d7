"""Where the trials of each phase come from: interrupted ones first, then new ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from raysearch.results.events import Stage
from raysearch.results.folder import RunFolder
from raysearch.results.goals import FACTS
from raysearch.results.lineage import ancestors
from raysearch.results.record import TrialRecord
from raysearch.results.replay import BASELINE, FORMER
from raysearch.results.storage import Storage
from raysearch.rng import seed_of
from raysearch.search.budget import Limits
from raysearch.search.costs import Costs
from raysearch.search.entries import Entry, NewTrial
from raysearch.search.job import Ended, Job, Reported
from raysearch.search.ledger import Ledger
from raysearch.search.proposals import Proposer
from raysearch.search.study import StudySpec
from raysearch.spec.findings import dotted
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

    def make(
        self, number: int, config: dict[str, object], split: Literal["validation", "test"], earlier: Sequence[Stage] = ()
    ) -> Job:
        """Return the job of a trial, which may go through other configurations first."""
        resources, faults = self.spec.resources, self.spec.faults
        searched = [target for entry in self.spec.trial.entries for target in entry.targets] if split == "validation" else []
        return Job(
            trial=number,
            config=json.dumps(config),
            folder=str(self.folder.trial(number).absolute()),
            cache=self.cache,
            split=split,
            metric=self.spec.objective.metric,
            others=tuple(goal.metric for goal in self.spec.goals.goals[1:] if goal.metric not in FACTS),
            workers=resources.workers,
            cpus=resources.cpus_per_worker,
            gpus=resources.gpus_per_worker,
            fit=self.fit,
            allow_imports=self.allow_imports,
            stall_s=None if faults.stall_minutes is None else 60 * faults.stall_minutes,
            patience_s=60 * faults.storage_minutes,
            storage="" if self.spec.storage is None else Storage.open(self.spec.storage).child(self.folder.name).uri,
            tuned=tuple(map(dotted, searched)),
            earlier=tuple((stage.until, json.dumps(stage.config)) for stage in earlier),
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
        costs: Costs,
        started: Callable[[int, NewTrial], object] = lambda number, trial: None,
    ) -> None:
        self._spec = spec
        self._costs = costs
        self._started = started
        self._goals = spec.goals
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
        facts = self._costs.of(trial) if self._goals.needs_config_facts else {}
        new = NewTrial(proposal.role, proposal.source, proposal.values, config, trial.seed, trial.steps, facts)
        self._ledger.start(new)
        self._started(number, new)
        return self._jobs.make(number, config, "validation")

    def report(self, number: int, report: Reported) -> None:
        """Tell the searcher."""
        self._proposer.report(number, report.step, self._goals.raw(report.metrics, self._ledger.entries[number].facts))

    def tell(self, number: int) -> None:
        """Tell the searcher."""
        entry = self._ledger.entries[number]
        assert entry.status is not None, "it was written down"
        metrics = self._metrics(entry, entry.value)
        values = self._goals.raw(metrics, entry.facts) if entry.status in ("finished", "infeasible") else None
        self._proposer.tell(number, entry.status, values, self._goals.excesses(metrics, entry.facts))

    def rests(self, number: int, step: int) -> bool:
        """Return False: nobody takes turns."""
        return False

    def is_resting(self, number: int) -> bool:
        """Return False: nobody takes turns."""
        return False

    def judged(self, number: int, end: Ended) -> Ended:
        """Return an end as it is to be written: one whose outcome does not meet a constraint of the study is infeasible."""
        if end.status != "finished":
            return end
        entry = self._ledger.entries[number]
        broken = self._goals.violated(self._metrics(entry, end.value), {**entry.facts, **end.facts})
        return replace(end, status="infeasible", reason=f"does not meet {broken}") if broken else end

    def _metrics(self, entry: Entry, value: float | None) -> dict[str, float]:
        return entry.metrics if value is None else {**entry.metrics, self._goals.headline.metric: value}


class ConfirmSource:
    """The trials of the confirmation, seed by seed, so that what was confirmed when it is interrupted can be compared.

    Also, with nothing planned and on the ``validation`` split, trials that a user ordered by themselves.
    """

    def __init__(
        self,
        planned: Sequence[NewTrial],
        ledger: Ledger,
        jobs: JobMaker,
        earlier: Sequence[TrialRecord],
        stop: Callable[[], bool],
        split: Literal["validation", "test"] = "test",
    ) -> None:
        self._ledger = ledger
        self._jobs = jobs
        self._split = split
        started = {(record.role, record.seed) for record in earlier}
        self._planned = [trial for trial in planned if (trial.role, trial.seed) not in started]
        unfinished = [record for record in earlier if record.status is None]
        self._interrupted = [record for record in unfinished if not record.role.startswith(FORMER)]
        self._stop = stop

    def __len__(self) -> int:
        """Return how many trials have not been started."""
        return len(self._planned)

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
            return self._jobs.make(record.number, record.config, self._split, record.earlier)
        if not self._planned:
            return None
        trial = self._planned.pop(0)
        return self._jobs.make(self._ledger.start(trial), trial.config, self._split, trial.earlier)

    def report(self, number: int, report: Reported) -> None:
        """Do nothing: nobody searches."""

    def tell(self, number: int) -> None:
        """Do nothing: nobody searches."""

    def rests(self, number: int, step: int) -> bool:
        """Return False: nobody takes turns."""
        return False

    def is_resting(self, number: int) -> bool:
        """Return False: nobody takes turns."""
        return False

    def judged(self, number: int, end: Ended) -> Ended:
        """Return the end as it is: constraints are for the search."""
        return end


def plan_confirmation(spec: StudySpec, records: Sequence[TrialRecord], ranking: Sequence[int]) -> list[NewTrial]:
    """Return the trials that confirm the best of a search: baseline and winners, for each of the fresh seeds.

    A runner-up that is the baseline itself is not trained a second time.

    Args:
        records: all trials of the run by number.
        ranking: numbers of the finished search trials, best first.

    Raises:
        SpecError: the baseline is no valid configuration.
    """
    tops = [records[number] for number in ranking[: spec.confirm.top]]
    if not tops:
        return []
    contenders = [_contender(f"top{rank}", record, records) for rank, record in enumerate(tops, 1)]
    baseline = _baseline(spec, contenders[0])
    contenders = [baseline, contenders[0], *(one for one in contenders[1:] if not _is_same(one, baseline))]
    used = frozenset(record.seed for record in records if record.phase == "search")
    return [seeded(trial, seed) for seed in confirm_seeds(spec.seed, spec.confirm.seeds, used) for trial in contenders]


def _is_same(one: NewTrial, other: NewTrial) -> bool:
    """Say whether two trials are the same training but for the seed."""
    return seeded(one, 0).config == seeded(other, 0).config and seeded(one, 0).earlier == seeded(other, 0).earlier


def _contender(role: str, record: TrialRecord, records: Sequence[TrialRecord]) -> NewTrial:
    """Return a trial that does what led to a trial of the search; for a child, that is a schedule."""
    earlier = tuple(Stage(until=one.until, config=one.trial.config) for one in ancestors(record.number, records))
    return NewTrial(role, record.number, dict(record.values), record.config, record.seed, record.steps, earlier=earlier)


def _baseline(spec: StudySpec, winner: NewTrial) -> NewTrial:
    """Return the trial that the winner is compared with: what the study replaces is replaced in every stage."""

    def replaced(config: Mapping[str, object]) -> dict[str, object]:
        return spec.confirm.baseline_of(TrialConfig.parse(config)).model_dump(mode="json")

    config = replaced(winner.config)
    earlier = tuple(Stage(until=stage.until, config=replaced(stage.config)) for stage in winner.earlier)
    steps = TrialConfig.parse(config).steps
    return replace(winner, role=BASELINE, values={}, config=config, earlier=earlier, steps=steps)


def seeded(trial: NewTrial, seed: int) -> NewTrial:
    """Return a trial with another seed."""
    earlier = tuple(Stage(until=stage.until, config={**stage.config, "seed": seed}) for stage in trial.earlier)
    return replace(trial, config={**trial.config, "seed": seed}, seed=seed, earlier=earlier)
