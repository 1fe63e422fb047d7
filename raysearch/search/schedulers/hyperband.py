"""Hyperband: several ASHA brackets that begin to stop trials at different lengths."""

from __future__ import annotations

from typing import Literal

from raysearch.search.schedulers._rungs import HalvingConfig, Rungs
from raysearch.search.schedulers.asha import Asha
from raysearch.search.schedulers.base import Scheduler, Scores


class Config(HalvingConfig):
    """Asynchronous Hyperband in the stopping form of `raysearch.search.schedulers.asha`.

    Li et al., "Hyperband: a novel bandit-based approach to hyperparameter optimization", JMLR 18, 2018; asynchronous as in section
    3.3 of the ASHA paper. Bracket k has the rungs of ASHA without the first k, and trials are compared within their bracket.
    A safeguard against early rungs that mislead, where ASHA has the check alone; it costs time where they don't.

    Decided here: of three brackets, say, the shares of trials are about 9 : 3 : 1 times their number of rungs over three, so that
    each gets about the same time, as in Hyperband; a trial's number decides on its bracket, no random state.
    """

    kind: Literal["hyperband"] = "hyperband"

    def build(self, steps: int) -> Scheduler:
        """Build the brackets with empty rungs."""
        rungs = self.rungs(steps)
        brackets = [Asha(Rungs(rungs[skipped:], steps, check=self.check), self.reduction) for skipped in range(max(1, len(rungs)))]
        return _Hyperband(brackets, _turns(len(brackets), self.reduction))


class _Hyperband(Scheduler):
    """See `Config`.

    Args:
        turns: the bracket of each trial, repeated for ever.
    """

    def __init__(self, brackets: list[Asha], turns: list[int]) -> None:
        self._brackets = brackets
        self._turns = turns

    def report(self, trial: int, step: int, scores: Scores) -> bool:
        """Ask the trial's bracket."""
        return self._brackets[self._turns[trial % len(self._turns)]].report(trial, step, scores)

    def telling(self) -> tuple[int, ...]:
        """Return the rungs that predict the end in every bracket that has them."""
        return tuple(
            rung for rung in self._brackets[0].rungs if all(rung in one.telling() for one in self._brackets if rung in one.rungs)
        )


def _turns(brackets: int, reduction: int) -> list[int]:
    """Return an order of brackets in which bracket k appears in proportion to its weight, spread evenly."""
    weights = [reduction ** (brackets - 1 - k) * brackets / (brackets - k) for k in range(brackets)]
    counts = [max(1, round(weight / min(weights))) for weight in weights]
    places = [((turn + 0.5) / count, bracket) for bracket, count in enumerate(counts) for turn in range(count)]
    return [bracket for _, bracket in sorted(places)]
