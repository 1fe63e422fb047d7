"""What a transfer is worth, on surrogates: an earlier search on another problem hands its best configurations on.

Both other problems are the surrogate with its answers moved, so that what is best there is known: *related* has the best learning
rate at half of the surrogate's and the best patch 0.7 doublings higher, *misleading* has the best learning rate at a hundredth.
"""

from __future__ import annotations

from collections.abc import Mapping

from raysearch.rng import seed_of
from raysearch.search.importing import TRANSFERRED
from raysearch.search.simulation import Policy, simulate
from raysearch.search.surrogates.base import Course, Surrogate
from raysearch.search.surrogates.restoration import Surface
from raysearch.spec.domains import Leaf
from raysearch.spec.space import Space

EARLIER_SECONDS, EARLIER_WORKERS = 20_000.0, 4
"""How long the earlier search took, and on how many simulated workers. The comparison does not count it."""

RELATED = {"lr": 2.0, "patch": 2**-0.7}
MISLEADING = {"lr": 100.0}


class Elsewhere(Surrogate):
    """Another problem: a surrogate whose answer to a value is the first one's to a multiple of it.

    Args:
        factors: by name of the domain.
    """

    def __init__(self, inner: Surrogate, factors: Mapping[str, float]) -> None:
        self._inner, self._factors = inner, factors

    @property
    def space(self) -> Space:
        """The other's search space."""
        return self._inner.space

    def course(self, values: Mapping[str, Leaf], seed: int) -> Course:
        """Ask the other."""
        moved = {name: float(values[name] or 0) * factor for name, factor in self._factors.items()}
        return self._inner.course({**values, **moved}, seed)


def handed_on(
    problem: Surrogate, policy: Policy, seed: int, seconds: float = EARLIER_SECONDS, count: int = TRANSFERRED
) -> list[Mapping[str, Leaf]]:
    """Search a problem and return the best distinct configurations of full length, as `raysearch run --transfer` takes them."""
    found = simulate(problem, policy, workers=EARLIER_WORKERS, seconds=seconds, seed=seed_of(seed, "earlier run"))
    done = [trial for trial in found.trials if trial.status == "finished"]
    sign = -1 if problem.mode == "max" else 1
    best: list[Mapping[str, Leaf]] = []
    for trial in sorted(done, key=lambda trial: (sign * trial.course.values[-1], trial.number)):
        if trial.values not in best:
            best.append(trial.values)
    return best[:count]


def fits(surrogate: Surrogate) -> bool:
    """Whether the surrogate has what is moved here, and one objective."""
    return isinstance(surrogate, Surface) and surrogate.reference is None
