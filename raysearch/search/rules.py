"""What may be tried, beyond what the space itself says: costs that a configuration decides, and configurations that were tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from raysearch.results.events import Leaf
from raysearch.search.costs import Costs
from raysearch.search.study import StudySpec

Values = Mapping[str, Leaf]


def _always(values: Values) -> bool:
    return True


@dataclass(frozen=True)
class Rules:
    """Rules for assignments; without any, everything may be tried, again and again.

    Attributes:
        admits: whether a configuration may be tried at all.
        again: whether one that was tried may be tried again.
    """

    admits: Callable[[Values], bool] = _always
    again: Callable[[Values], bool] = _always


def rules_of(study: StudySpec, costs: Costs) -> Rules:
    """Return the rules of a study.

    A constraint on parameters or multiply-adds is decided here, on a network that is built and not trained. A configuration that
    was tried is tried again with ``duplicates: allow``, and with ``new_seed`` where a seed makes a difference: where there is
    something to train.
    """

    def facts(values: Values) -> dict[str, Leaf]:
        return costs.of(study.trial.bind(values, 0))

    def admits(values: Values) -> bool:
        known = study.goals.only_known
        return not known.bounds or not known.violated({}, facts(values))

    def again(values: Values) -> bool:
        if study.duplicates == "new_seed":
            return facts(values)["parameters"] != 0
        return study.duplicates == "allow"

    return Rules(admits, again)
