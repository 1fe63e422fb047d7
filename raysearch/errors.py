"""Every error that raysearch raises on purpose.

::

    RaysearchError                 exit 1   something unexpected that still has a sentence of its own
    ├── SpecError                  exit 2   the YAML file, an option or a name is wrong: correct it and start again
    ├── PreflightError             exit 3   data, disk, workers or ports are missing: the remedy names what to provide
    │   └── DataError              exit 3   an image or an index can't be used
    │       └── NoSuchSplit        exit 3   a data set has no photographs for this use: a test set has none to train on
    ├── TooManyFailed              exit 4   the study ended, but more trials failed than `budget.max_failed` allows
    ├── NoFeasibleTrial            exit 5   the study ended without one finished trial
    ├── RunExists                  exit 6   the run's name is taken
    ├── RunLocked                  exit 6   another driver holds the run
    ├── StateDamaged               exit 7   a journal or a checkpoint can't be trusted
    ├── ClusterError               exit 3   Ray can't be reached or can't hold what is asked
    ├── StorageError               exit 3   a disk refuses to be written or read: full, gone or failing
    └── TrialError                          an outcome of one trial; the study goes on
        ├── Diverged                        a loss or metric is not finite: told to the searcher as infeasible, not retried
        ├── OutOfMemory                     told to the searcher as infeasible, not retried as it was
        └── Preempted                       asked to leave its machine: goes on elsewhere

A message has up to three parts, one line each: what is wrong, where, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar


class RaysearchError(Exception):
    """Base of the tree.

    Args:
        cause: one sentence that says what is wrong, with the value.
        place: ``file:line`` or a dotted key; empty when there is none.
        remedy: one sentence that says what to do; empty when the cause says it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, cause: str, *, place: str = "", remedy: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.place = place
        self.remedy = remedy

    def __str__(self) -> str:
        parts = [self.cause]
        if self.place:
            parts.append(f"  at:  {self.place}")
        if self.remedy:
            parts.append(f"  fix: {self.remedy}")
        return "\n".join(parts)

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the trip between processes with the keyword fields."""
        return (_rebuild, (type(self), self.cause, self.place, self.remedy))


def _rebuild(kind: type[RaysearchError], cause: str, place: str, remedy: str) -> RaysearchError:
    return kind(cause, place=place, remedy=remedy)


class SpecError(RaysearchError):
    """The user's file or option is wrong. Never retried."""

    exit_code = 2


class PreflightError(RaysearchError):
    """Something the study needs is not there. Found before any trial starts."""

    exit_code = 3


class DataError(PreflightError):
    """An image, a folder or an index can't be used."""


class NoSuchSplit(DataError):
    """A corpus has no photographs of a split, by its nature or because none were named; its other splits may be fine."""


class ClusterError(RaysearchError):
    """Ray can't be reached, or has less than what is asked."""

    exit_code = 3


class StorageError(RaysearchError):
    """A disk refuses. Nothing is lost: what was there before is whole, and the study can be resumed."""

    exit_code = 3


class TooManyFailed(RaysearchError):
    """The study finished, and too many of its trials failed."""

    exit_code = 4


class NoFeasibleTrial(RaysearchError):
    """The study finished, and no trial gave a finite value."""

    exit_code = 5


class RunExists(RaysearchError):
    """The run's name is taken: choose another, or resume."""

    exit_code = 6


class RunLocked(RaysearchError):
    """Another driver works on this run."""

    exit_code = 6


class StateDamaged(RaysearchError):
    """A journal or checkpoint fails its checksum or has an unknown version."""

    exit_code = 7


class TrialError(RaysearchError):
    """One trial ended badly; the study records it and goes on."""


class Diverged(TrialError):
    """A loss or a metric is NaN or infinite. The same configuration would diverge again."""


class OutOfMemory(TrialError):
    """The device or the host ran out of memory. The same configuration would do so again."""


class Preempted(TrialError):
    """The process was asked to leave its machine. The trial's checkpoint stands at the step that it had reached."""


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'? (have: ...)"`` for the nearest of ``choices``, and ``" (there are none)"`` without any."""
    have = sorted(choices)
    if not have:
        return " (there are none)"
    near = get_close_matches(name, have, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{hint} (have: {', '.join(have)})"
