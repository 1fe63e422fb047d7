"""What a searcher learns from: the trials of a search, and Optuna's view of them.

The history is ours; Optuna's study is a view of it, in memory, and never stored. A model that learned from values of trials that
were trained for different lengths would mix up what can't be compared, so the view holds one length: the longest for which there
are enough values (see `raysearch.search.searchers.base.SearcherConfig.least_trials`), which is soon the full one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import TrialState, create_trial

from raysearch.results.events import Leaf, Status
from raysearch.results.goals import Goals
from raysearch.results.rungs import at_step
from raysearch.search.searchers._flat import recorded
from raysearch.search.searchers.base import SearcherConfig
from raysearch.spec.space import Space

Values = tuple[float, ...]
"""The objectives of a trial in the study's order, as they are (no sign is changed)."""

_WITHOUT_VALUE: Mapping[Status, TrialState] = {
    "diverged": TrialState.PRUNED,
    "out_of_memory": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "stalled": TrialState.FAIL,
}
"""How trials without a value are told. Pruned without any report is Optuna's worst: the configuration is to blame. Failed and
stalled are passed over: the machine may be."""


_LARGEST = 1e9
"""Stands for an excess that can't be told, which is infinite."""


@dataclass
class Entry:
    """A trial of the history.

    Attributes:
        params, distributions: what was proposed, in Optuna's terms.
        points: its reports by step, ascending.
        excesses: by how much each constraint on the outcome is missed, at most 0 where it holds; empty until the end.
    """

    params: dict[str, Any]
    distributions: dict[str, BaseDistribution]
    status: Status | None = None
    values: Values | None = None
    points: dict[int, Values] = field(default_factory=dict)
    excesses: dict[str, float] = field(default_factory=dict)

    def told(self, step: int | None) -> tuple[TrialState, Values | None]:
        """Return state and values at a length; None is the full one."""
        if self.status is None:
            return TrialState.RUNNING, None
        if self.status in _WITHOUT_VALUE:
            return _WITHOUT_VALUE[self.status], None
        full = self.values if self.status in ("finished", "infeasible") else None
        values = at_step(self.points, step) if step is not None else full
        return (TrialState.FAIL, None) if values is None else (TrialState.COMPLETE, values)


class History:
    """The trials of a search, each known by its number.

    Args:
        telling: returns the steps, below the full length, whose values the scheduler compares trials by and believes.
    """

    def __init__(self, space: Space, searcher: SearcherConfig, goals: Goals, telling: Callable[[], Sequence[int]]) -> None:
        self._space = space
        self._searcher = searcher
        self._modes = [goal.mode for goal in goals.goals]
        self._bounds = [bound.text for bound in goals.bounds]
        self._telling = telling
        self._length: int | None = None
        self._worst: Values | None = None
        self._study = self._empty()
        self._ranks: dict[int, int] = {}  # of trials in Optuna's study
        self._asked: dict[int, optuna.Trial] = {}  # those that Optuna's study was asked for
        self._untold: list[int] = []
        self.entries: dict[int, Entry] = {}

    @property
    def study(self) -> optuna.Study:
        """Optuna's view of the trials at the length that the searcher learns from now."""
        self._look()
        return self._study

    @property
    def length(self) -> int | None:
        """Steps of the length that the searcher learns from now; None for the full one."""
        self._look()
        return self._length

    def enter(self, number: int, values: Mapping[str, Leaf]) -> None:
        """Take a trial that starts with an assignment that nobody asked Optuna for."""
        known = recorded(self._space, values, whole=self._searcher.whole)
        self.entries[number] = Entry(known.params, known.distributions)

    def enter_asked(self, number: int, trial: optuna.Trial) -> None:
        """Take a trial that starts with what Optuna's study was asked for."""
        self.entries[number] = Entry(trial.params, trial.distributions)
        self._ranks[number], self._asked[number] = trial.number, trial

    def end(self, number: int, status: Status, values: Values | None, excesses: Mapping[str, float]) -> None:
        """Take the end of a trial."""
        entry = self.entries[number]
        entry.status, entry.values, entry.excesses = status, values, dict(excesses)
        self._untold.append(number)

    def _look(self) -> None:
        """Bring Optuna's study up to date; begin a new one when another length, or another worst value, is to be told."""
        length = self._longest_known()
        worst = self._worst_at(length) if self._searcher.by_value else None
        if (length, worst) != (self._length, self._worst):
            self._length, self._worst, self._study = length, worst, self._empty()
            self._ranks.clear()
            self._asked.clear()
        for number in sorted(self._untold):
            if number in self._ranks:
                state, values = self._told(self.entries[number])
                if number in self._asked:
                    trial = self._asked.pop(number)
                    for text, excess in self._constraints(self.entries[number]).items():
                        trial.set_constraint(text, excess)
                self._study.tell(self._ranks[number], values, state=state)
        self._untold.clear()
        for number, entry in self.entries.items():
            if number not in self._ranks:
                self._ranks[number] = len(self._study.get_trials(deepcopy=False))
                self._add(entry)

    def _told(self, entry: Entry) -> tuple[TrialState, Values | None]:
        state, values = entry.told(self._length)
        return (TrialState.COMPLETE, self._worst) if state == TrialState.PRUNED and self._worst is not None else (state, values)

    def _constraints(self, entry: Entry) -> dict[str, float]:
        """Return the excesses to tell of a trial that is told as complete; they are known of full lengths only."""
        if self._length is not None or self._told(entry)[0] != TrialState.COMPLETE:
            return {}
        return {text: min(entry.excesses.get(text, 0.0), _LARGEST) for text in self._bounds}

    def _add(self, entry: Entry) -> None:
        state, values = self._told(entry)
        constraints = self._constraints(entry) or None
        params, distributions = entry.params, entry.distributions
        frozen = create_trial(state=state, values=values, params=params, distributions=distributions, constraints=constraints)
        self._study.add_trial(frozen)

    def _longest_known(self) -> int | None:
        """Return the longest length of which there are enough values; the full one when there is none."""
        least = self._searcher.least_trials
        lengths = sorted(self._telling(), reverse=True) if least is not None else []
        ended = [entry for entry in self.entries.values() if entry.status not in (None, *_WITHOUT_VALUE)] if lengths else []
        for length in (None, *lengths):
            if least is not None and sum(entry.told(length)[1] is not None for entry in ended) >= least:
                return length
        return None

    def _worst_at(self, length: int | None) -> Values | None:
        """Return the worst value of each objective at a length, if a trial without one has to be told with it."""
        told = [entry.told(length) for entry in self.entries.values()]
        known = [values for _, values in told if values is not None]
        if not known or all(state != TrialState.PRUNED for state, _ in told):
            return None
        return tuple(_worst(mode, column) for mode, column in zip(self._modes, zip(*known, strict=True), strict=True))

    def _empty(self) -> optuna.Study:
        return optuna.create_study(directions=["maximize" if mode == "max" else "minimize" for mode in self._modes])


def _worst(mode: str, values: Iterable[float]) -> float:
    return min(values) if mode == "max" else max(values)
