"""The seed race: contenders get more seeds until their difference to the baseline is decided, or the seeds are used up.

Each contender is compared with the baseline on the test photographs after the first seeds, and again after every further one.
Whoever looks several times and stops at the first interval that excludes zero errs more often than the interval says. Therefore
the confidence of every look is ``1 - 0.025 / looks``: Bonferroni's correction for all looks that the race may take, whether it
takes them or not, from half of the usual 5 %, since with three seeds the interval itself covers a little less than it says so far
out. The report uses the same intervals. Who the winner is does not depend on the race: the search has chosen it before, without a
look at the test photographs. For several contenders the report corrects the p values on top, by Holm's method.

Both are compared over the seeds that both have, in pairs (`raysearch.results.statistics.paired_difference`). Of 2,000 simulated
races between equal methods, from 3 to 8 or to 5 seeds over 3, 12 or 100 photographs, with effects of photographs and seeds or
without, 0.4 to 4.8 % end with a decision (``tests/results/test_racing.py`` keeps a shorter form). With the 95 % interval at every
look it is up to 17 %.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from raysearch.results.record import TrialRecord
from raysearch.results.statistics import Comparison, SeedLists, paired_difference

CHANCE = 0.05
"""Of calling equal methods different, over all looks of a contender: not more than this."""


@dataclass(frozen=True)
class RaceRule:
    """How long a race may go on.

    Attributes:
        first: seeds at the first look.
        last: seeds at the last one.
    """

    first: int
    last: int

    @staticmethod
    def of(spec: Mapping[str, object]) -> RaceRule | None:
        """Read the rule of a resolved study; None where it has no race."""
        confirm = spec.get("confirm")
        race = confirm.get("race") if isinstance(confirm, Mapping) else None
        first, last = (
            (confirm.get("seeds"), race.get("seeds")) if isinstance(confirm, Mapping) and isinstance(race, Mapping) else (0, 0)
        )
        return RaceRule(first, last) if isinstance(first, int) and isinstance(last, int) and 3 <= first < last else None

    @property
    def looks(self) -> int:
        """How often a contender is looked at, at most."""
        return self.last - self.first + 1

    @property
    def confidence(self) -> float:
        """Confidence of the interval of each look."""
        return 1 - CHANCE / 2 / self.looks

    def corrected(self, p: float) -> float:
        """Return a p value that takes all looks into account."""
        return p if math.isnan(p) else min(1.0, 2 * p * self.looks)

    def difference(self, ours: ArrayLike, others: ArrayLike, seeds: SeedLists) -> Comparison:
        """Return `raysearch.results.statistics.paired_difference` with an interval and a p value for all looks."""
        found = paired_difference(ours, others, self.confidence, seeds=seeds)
        return replace(found, p=self.corrected(found.p))


def compare(
    images: pa.Table, contender: Sequence[TrialRecord], baseline: Sequence[TrialRecord], metric: str, rule: RaceRule
) -> Comparison | None:
    """Compare a contender with the baseline over the seeds and test photographs that both have.

    Args:
        images: `raysearch.results.record.RunRecord.images`, of at least these trials.
        contender: finished trials of the confirmation, one per seed.
        baseline: likewise.
        metric: the objective.

    Returns:
        None where nothing can be compared: no common seed, photograph or finite value.
    """
    theirs = {trial.seed: trial.number for trial in baseline}
    seeds = [trial.seed for trial in contender if trial.seed in theirs]
    numbers = [trial.number for trial in contender if trial.seed in theirs], [theirs[seed] for seed in seeds]
    values = photograph_values(images, [*numbers[0], *numbers[1]], metric)
    if not seeds or values.size == 0 or not np.isfinite(values).all():
        return None
    return rule.difference(values[: len(seeds)], values[len(seeds) :], (seeds, seeds))


def photograph_values(images: pa.Table, trials: Sequence[int], metric: str) -> NDArray[np.float64]:
    """Return a metric of trials on the test photographs that all of them have: (trials, photographs), levels averaged.

    Of several protocols, the one with the most test sets and levels counts, as in the report.
    """
    cells = _cells(images, frozenset(trials), metric)
    common = set.intersection(*(set(cells.get(trial, {})) for trial in trials)) if trials else set()
    photographs = sorted({(dataset, image) for dataset, _, image in common})
    values = np.empty((len(trials), len(photographs)))
    for column, photograph in enumerate(photographs):
        levels = sorted(cell for cell in common if (cell[0], cell[2]) == photograph)
        values[:, column] = [np.mean([cells[trial][cell] for cell in levels]) for trial in trials]
    return values


def _cells(images: pa.Table, trials: Collection[int], metric: str) -> dict[int, dict[tuple[str, str, str], float]]:
    """Return values by trial and (data set, level, image), under the protocol that counts."""
    columns = ("trial", "split", "protocol", "dataset", "level", "image", metric)
    if any(name not in images.column_names for name in columns):
        return {}
    rows = [row for row in zip(*(images.column(name).to_pylist() for name in columns), strict=True) if row[0] in trials]
    rows = [row for row in rows if row[1] == "test" and row[6] is not None]
    places = {(protocol, dataset, level) for _, _, protocol, dataset, level, _, _ in rows}
    counts = {protocol: sum(place[0] == protocol for place in places) for protocol, _, _ in places}
    chosen = min(counts, key=lambda protocol: (-counts[protocol], protocol), default="")
    found: dict[int, dict[tuple[str, str, str], float]] = {}
    for trial, _, protocol, dataset, level, image, value in rows:
        if protocol == chosen:
            found.setdefault(trial, {})[(dataset, level, image)] = value
    return found
