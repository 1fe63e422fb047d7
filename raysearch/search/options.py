"""What a driver is given, and what it gives back."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from raysearch.errors import RaysearchError
from raysearch.search.job import DEFAULT_FIT
from raysearch.search.orders import Order
from raysearch.search.progress import Best, NoProgress, Progress


@dataclass(frozen=True)
class DriverOptions:
    """How to run a study; nothing in here but orders changes its result.

    Attributes:
        cache: folder of decoded photographs and patch tables.
        address: see `raysearch.search.session.open_session`.
        cpus, gpus: what a local Ray hands out; all of the machine's when None.
        dashboard: whether a local Ray has a dashboard.
        tensorboard: whether scalars are written for TensorBoard.
        progress: shows the study.
        command: the command line, for the record.
        fit: the training function as ``module:name``; another one than raysearch's is for tests and benchmarks.
        allow_imports: trials may import components from outside the tree.
        accept_changes: go on with a run that was driven with other code, packages or study until now.
        orders: what a user orders of a run that is there already, before it goes on.
    """

    cache: Path
    address: str | None = None
    cpus: int | None = None
    gpus: int | None = None
    dashboard: bool = True
    tensorboard: bool = True
    progress: Progress = field(default_factory=NoProgress)
    command: tuple[str, ...] = field(default_factory=lambda: tuple(sys.argv))
    fit: str = DEFAULT_FIT
    allow_imports: bool = False
    orders: tuple[Order, ...] = ()
    accept_changes: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a study ended.

    Attributes:
        status: ``interrupted`` when a signal ended it; it can be resumed.
        best: the best finished trial of the search.
        problem: `NoFeasibleTrial` or `TooManyFailed`, when that is how it ended.
        signal: number of the signal that interrupted it.
    """

    status: Literal["done", "interrupted"]
    best: Best | None
    problem: RaysearchError | None = None
    signal: int | None = None

    @property
    def exit_code(self) -> int:
        """The exit code of the command line: 0, 4, 5, or 128 plus the signal's number."""
        if self.signal is not None:
            return 128 + self.signal
        return 0 if self.problem is None else self.problem.exit_code
