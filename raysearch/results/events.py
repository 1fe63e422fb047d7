"""What a run's journal tells: one frozen event a line, in the order in which the driver learned of things.

Everything else about a run (tables, searcher, scheduler) is rebuilt from these. Times are seconds since the epoch, for people;
nothing is ordered or budgeted by them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Status = Literal["finished", "stopped", "diverged", "out_of_memory", "failed"]
"""finished: ran its full length. stopped: ended early by the scheduler. The rest: see `raysearch.errors`."""

Phase = Literal["search", "confirm"]
Leaf = bool | int | float | str | None
Number = Annotated[int, Field(ge=0, lt=10**9)]
"""Of a trial."""
Count = Annotated[int, Field(ge=0, lt=2**63)]
"""Fits a 64-bit column."""


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    time: float
    """Wall clock, seconds since the epoch."""


class DriverStarted(_Event):
    """A driver process took the run: at the first start and at every resume."""

    event: Literal["driver_started"] = "driver_started"
    attempt: Count
    command: tuple[str, ...]
    versions: dict[str, str]
    host: str


class TrialStarted(_Event):
    """A configuration was chosen; written before the trial runs. A resumed trial is not started again."""

    event: Literal["trial_started"] = "trial_started"
    trial: Number
    """Dense numbers from 0, over both phases."""
    phase: Phase
    role: str
    """Search: ``suggested`` or ``published`` (enqueued). Confirmation: ``baseline``, ``top1``, ``top2``, ..."""
    source: Number | None
    """Confirmation: the search trial whose configuration is confirmed."""
    values: dict[str, Leaf]
    """The searched values by domain name."""
    config: dict[str, object]
    """The whole `TrialConfig` as JSON."""
    seed: Count
    steps: Count


class TrialReported(_Event):
    """A running trial was evaluated on validation photographs."""

    event: Literal["trial_reported"] = "trial_reported"
    trial: Number
    step: Count
    metrics: dict[str, float]
    """psnr, ssim and the trial's other metrics, loss, lr, patches_per_second, train_seconds, pixels_seen, the loss's terms as
    ``loss/<term>`` (they add up to it), and the sampler's statistics as ``sampler/<name>``."""


class TrialRetried(_Event):
    """A trial's process was lost; it goes on from its checkpoint."""

    event: Literal["trial_retried"] = "trial_retried"
    trial: Number
    attempt: Count
    reason: str


class TrialEnded(_Event):
    """A trial is over."""

    event: Literal["trial_ended"] = "trial_ended"
    trial: Number
    status: Status
    step: Count
    value: float | None
    """The objective at ``step``; None unless finite."""
    seconds: float
    """Training and evaluation time, without waiting."""
    reason: str
    """Empty, or why it did not finish, one line."""
    facts: dict[str, Leaf]
    """parameters, macs_g, macs_size, device, workers."""


class PhaseEnded(_Event):
    """Search or confirmation is over; not written when it was interrupted."""

    event: Literal["phase_ended"] = "phase_ended"
    phase: Phase
    reason: str
    """``trials``, ``time``, ``gpu_hours``, ``failed`` (more than allowed) or ``exhausted`` (a grid)."""


class DriverStopped(_Event):
    """The driver left in an orderly way."""

    event: Literal["driver_stopped"] = "driver_stopped"
    reason: Literal["done", "interrupted", "error"]
    message: str


Event = Annotated[
    DriverStarted | TrialStarted | TrialReported | TrialRetried | TrialEnded | PhaseEnded | DriverStopped,
    Field(discriminator="event"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Parses and prints events."""
