"""Optuna by ask and tell: where the configurations of a search come from. Knows nothing of Ray.

Before each question the sampler is built afresh from a seed that belongs to the proposal's number; a proposal is therefore a
function of the study's seed, its number and what was told before it (`raysearch.search.history`), also across a resume. What a
searcher proposes and may not be tried (a constraint, a configuration whose value is known) is asked for again and costs no trial.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import optuna
from optuna.trial import TrialState

from raysearch.errors import SpecError, StateDamaged
from raysearch.results.events import Leaf, Status
from raysearch.results.goals import Goals, metrics_of
from raysearch.results.record import TrialRecord
from raysearch.rng import seed_of
from raysearch.search.history import History, Values
from raysearch.search.rules import Rules
from raysearch.search.searchers._flat import asked
from raysearch.search.searchers.base import SearcherConfig
from raysearch.spec.space import Assignment, Space

DRAWS = 4000
"""Random draws for one proposal, before the search counts as exhausted."""


@dataclass(frozen=True)
class Proposal:
    """Values of the space's domains to try.

    Attributes:
        role: ``published`` for values that the study file gives, ``repeated`` for a configuration that was tried before, else
            ``suggested``.
        source: of a repeated one: the first trial of that configuration.
    """

    role: Literal["published", "suggested", "repeated"]
    values: dict[str, Leaf]
    source: int | None = None


class Proposer:
    """Asks a searcher for configurations and tells it what became of them, each trial known by its number.

    Args:
        goals: the objectives, and the constraints on the outcome.
        published: full assignments that are proposed first.
        telling: returns the steps, below the full length, whose values the scheduler compares trials by and believes.
        rules: what may be tried, and tried again.

    Raises:
        SpecError: the searcher can't search this space, or not for several objectives.
    """

    def __init__(
        self,
        space: Space,
        searcher: SearcherConfig,
        goals: Goals,
        seed: int,
        published: Sequence[Mapping[str, Leaf]],
        telling: Callable[[], Sequence[int]] = tuple,
        rules: Rules | None = None,
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        if goals.several and not searcher.several:
            raise SpecError("the searcher looks for one objective only", remedy="use searcher: {kind: tpe}, gp or nsga2")
        self._space = space
        self._searcher = searcher
        self._goals = goals
        self._seed = seed
        self._published = [dict(values) for values in published]
        self._rules = rules or Rules()
        self._history = History(space, searcher, goals, telling)
        self._given = {"published": 0, "suggested": 0, "repeated": 0}
        self._trials: dict[str, list[int]] = {}  # by configuration
        self._imported: set[str] = set()  # configurations of another run's trials
        self._list: Iterator[Assignment] | None = None
        searcher.build(space, seed_of(seed, "searcher", "start"))  # a searcher that can't search this space says so now

    @property
    def study(self) -> optuna.Study:
        """Optuna's view of the trials at the length that the searcher learns from now, for reading."""
        return self._history.study

    @property
    def length(self) -> int | None:
        """Steps of the length that the searcher learns from now; None for the full one."""
        return self._history.length

    def suggest(self, number: int) -> Proposal | None:
        """Propose values for the trial ``number``; None when the searcher has no more, or finds none that may be tried."""
        if self._given["published"] < len(self._published):
            proposal = Proposal("published", dict(self._published[self._given["published"]]))
            self._history.enter(number, proposal.values)
        else:
            found = self._next_listed(number) if self._is_listed else self._asked(number)
            if found is None:
                return None
            before = self._before(found)
            proposal = Proposal("repeated", found, before[0]) if before else Proposal("suggested", found)
        self._note(number, proposal.role, proposal.values)
        return proposal

    def restore(self, record: TrialRecord) -> None:
        """Take a trial of an earlier driver: an ended one is told, one that was interrupted is running again.

        Call it for all trials, in the order of their numbers, before the first `suggest`.

        Raises:
            StateDamaged: the trial's values are not in the search space.
        """
        if not self._space.fits(record.values):
            raise StateDamaged(
                f"trial {record.number} has values that are not in the run's search space",
                remedy="restore resolved.yaml of the run",
            )
        self._history.enter(record.number, record.values)
        self._note(record.number, record.role, record.values)
        for point in record.reports:
            self.report(record.number, point.step, self._goals.raw(point.metrics, record.facts))
        if record.status is not None:
            metrics = metrics_of(record, self._goals)
            full = record.status in ("finished", "infeasible")
            values = self._goals.raw(metrics, record.facts) if full else None
            self.tell(record.number, record.status, values, self._goals.excesses(metrics, record.facts))

    def report(self, number: int, step: int, values: float | Values) -> None:
        """Tell intermediate values of a running trial: of each objective, or of the only one."""
        self._history.entries[number].points[step] = _tuple(values)

    def tell(self, number: int, status: Status, values: float | Values | None, excesses: Mapping[str, float] | None = None) -> None:
        """Tell how a trial ended.

        Args:
            values: see `report`.
            excesses: by how much each constraint on the outcome is missed, see `raysearch.results.goals.Goals.excesses`.
        """
        self._history.end(number, status, None if values is None else _tuple(values), excesses or {})

    @property
    def _is_listed(self) -> bool:
        if self._list is None:
            listed = self._searcher.listed(self._space, seed_of(self._seed, "searcher", "list"))
            if listed is None:
                return False
            self._list = self._admitted(listed)
            for _ in range(self._given["suggested"] + self._given["repeated"]):  # by earlier drivers
                next(self._list, None)
        return True

    def _admitted(self, listed: Iterator[Assignment]) -> Iterator[Assignment]:
        """Leave out of a list what may not be tried: a function of the list and of what was tried before any of it."""
        seen = {_key(values) for values in self._published} | self._imported
        idle = 0
        for values in listed:
            again = _key(values) in seen and not self._rules.again(values)
            idle = idle + 1 if again else 0
            if idle > DRAWS:
                return  # an endless sequence over a finite space
            if not again and self._rules.admits(values):
                seen.add(_key(values))
                yield values

    def _next_listed(self, number: int) -> Assignment | None:
        assert self._list is not None
        values = next(self._list, None)
        if values is not None:
            self._history.enter(number, values)
        return values

    def _asked(self, number: int) -> Assignment | None:
        """Ask the searcher until it proposes something that may be tried; what it proposed before is told as running until then."""
        study, refused = self._history.study, []
        found: Assignment | None = None
        for question in range(self._searcher.questions):
            parts = (number, question) if question else (number,)
            study.sampler = self._searcher.build(self._space, seed_of(self._seed, "searcher", *parts), len(study.directions))
            trial = study.ask()
            values = asked(self._space, trial, whole=self._searcher.whole)
            if self._may_be_tried(values):
                found = values
                break
            refused.append(trial)
        if found is not None and not self._searcher.whole:
            self._history.enter_asked(number, trial)
        elif found is not None:  # what was asked for domains that do not exist is not kept
            refused.append(trial)
            self._history.enter(number, found)
        for trial in refused:
            study.tell(trial, state=TrialState.FAIL)
        return self._drawn(number) if found is None else found

    def _drawn(self, number: int) -> Assignment | None:
        draws = self._space.draws(DRAWS, seed=seed_of(self._seed, "searcher", number, "draws"))
        values = next(filter(self._may_be_tried, _distinct(draws)), None)
        if values is not None:
            self._history.enter(number, values)
        return values

    def _may_be_tried(self, values: Assignment) -> bool:
        new = not self._before(values) or self._rules.again(values)
        return new and self._space.allows(values) and self._rules.admits(values)

    def _before(self, values: Assignment) -> list[int]:
        """Return the trials of a configuration that are running or have said something about it; lost ones have not."""
        entries = self._history.entries
        return [number for number in self._trials.get(_key(values), ()) if entries[number].status not in ("failed", "stalled")]

    def _note(self, number: int, role: str, values: Mapping[str, Leaf]) -> None:
        if role in self._given:
            self._given[role] += 1
        if role == "imported":
            self._imported.add(_key(values))
        self._trials.setdefault(_key(values), []).append(number)


def _distinct(drawn: Iterator[Assignment]) -> Iterator[Assignment]:
    seen: set[str] = set()
    for values in drawn:
        if _key(values) not in seen:
            seen.add(_key(values))
            yield values


def _key(values: Mapping[str, Leaf]) -> str:
    return repr(sorted(values.items()))


def _tuple(values: float | Values) -> Values:
    return values if isinstance(values, tuple) else (values,)
