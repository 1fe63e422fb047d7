"""Per-image metrics of trials, read out of the run's Arrow table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raysearch.report import plain

_PLACES = ("trial", "split", "dataset", "level", "image", "protocol")
_METRICS = ("psnr", "ssim")
_COLUMNS = (*_PLACES, *_METRICS)


@dataclass(frozen=True, order=True)
class Place:
    """Where a metric was measured: one test set at one level of degradation, under one protocol."""

    dataset: str
    level: str
    protocol: str

    @property
    def title(self) -> str:
        """The set and the level, without the protocol."""
        return ", ".join(part for part in (self.dataset, self.level) if part)


class Scores:
    """Test metrics by trial, place and image.

    Args:
        table: `RunRecord.images`; a table that lacks columns is taken as empty, see ``problem``.

    Attributes:
        others: names of the metrics beside PSNR and SSIM.
    """

    def __init__(self, table: pa.Table) -> None:
        self._rows: dict[int, dict[tuple[Place, str], dict[str, float]]] = {}
        self.others = tuple(field.name for field in table.schema if field.name not in _COLUMNS and pa.types.is_floating(field.type))
        absent = [name for name in _COLUMNS if name not in table.column_names]
        self.problem = f"the table of per-image metrics has no column {', '.join(absent)}" if absent else ""
        if not absent:
            self._read(table)

    def _read(self, table: pa.Table) -> None:
        odd = 0
        names = (*_METRICS, *self.others)
        for trial, split, dataset, level, image, protocol, *values in zip(
            *(table.column(name).to_pylist() for name in (*_PLACES, *names)), strict=True
        ):
            if split != "test":
                continue
            if not isinstance(trial, int) or not all(map(_measured, values[: len(_METRICS)])):
                odd += 1
                continue
            place = Place(plain.line(dataset, 80), plain.line(level, 80), plain.line(protocol, 80))
            measured = {name: float(value) for name, value in zip(names, values, strict=True) if _measured(value)}
            self._rows.setdefault(trial, {})[(place, plain.line(image, 120))] = measured
        if odd:
            self.problem = f"{odd} rows of the table of per-image metrics hold no number and are left out"

    def has(self, trial: int) -> bool:
        """Say whether a trial was evaluated on test photographs."""
        return trial in self._rows

    def places(self, trials: Iterable[int]) -> tuple[Place, ...]:
        """List where any of the trials was measured."""
        return tuple(sorted({place for trial in trials for place, _ in self._rows.get(trial, {})}))

    def images(self, trials: Sequence[int], place: Place) -> tuple[str, ...]:
        """List the images that all of the trials have at a place."""
        common = [{image for where, image in self._rows.get(trial, {}) if where == place} for trial in trials]
        return tuple(sorted(set.intersection(*common))) if common else ()

    def value(self, trial: int, place: Place, image: str, metric: str) -> float | None:
        """Return one image's metric, or None."""
        return self._rows.get(trial, {}).get((place, image), {}).get(metric)

    def matrix(self, trials: Sequence[int], cells: Sequence[tuple[Place, str]], metric: str) -> NDArray[np.float64]:
        """Return metrics of shape (trials, cells); NaN where a trial lacks the metric."""
        values = [[self.value(trial, place, image, metric) for place, image in cells] for trial in trials]
        return np.asarray(values, dtype=np.float64).reshape(len(trials), len(cells))


def photographs(cells: Sequence[tuple[Place, str]]) -> tuple[tuple[str, str], ...]:
    """List the different photographs of some cells: test set and image."""
    return tuple(sorted({(place.dataset, image) for place, image in cells}))


def by_photograph(values: NDArray[np.float64], cells: Sequence[tuple[Place, str]]) -> NDArray[np.float64]:
    """Average the levels of each photograph: (trials, cells) becomes (trials, photographs)."""
    groups = [[i for i, (place, image) in enumerate(cells) if (place.dataset, image) == one] for one in photographs(cells)]
    return np.stack([values[:, group].mean(axis=1) for group in groups], axis=1)


def _measured(value: object) -> bool:
    """Tell a number, which may be infinite for a perfect copy, from everything else."""
    return isinstance(value, float | int) and not isinstance(value, bool) and not math.isnan(value)
