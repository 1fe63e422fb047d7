"""Lines of trials: population based training lets a trial begin from another one's checkpoint, under other settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from raysearch.results.record import TrialRecord


@dataclass(frozen=True)
class Ancestor:
    """A trial on the way to another one, and the step at which the next trial of the line began."""

    trial: TrialRecord
    until: int


def ancestors(number: int, records: Iterable[TrialRecord]) -> tuple[Ancestor, ...]:
    """Return the trials from which a trial comes, the first one first; none for a trial that began from nothing.

    A line that a damaged journal broke off or closed to a circle ends there.
    """
    known = {record.number: record for record in records}
    line: list[Ancestor] = []
    record = known.get(number)
    while record is not None and record.parent is not None and record.parent < record.number:
        parent = known.get(record.parent)
        if parent is not None:
            line.append(Ancestor(parent, record.parent_step))
        record = parent
    return tuple(reversed(line))
