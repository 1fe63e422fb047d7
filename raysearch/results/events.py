"""What a run's journal tells: one frozen event a line, in the order in which the driver learned of things.

Everything else about a run (tables, searcher, scheduler) is rebuilt from these. Times are seconds since the epoch, for people;
nothing is ordered or budgeted by them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Status = Literal["finished", "stopped", "diverged", "out_of_memory", "stalled", "failed", "infeasible"]
"""finished: ran its full length. stopped: ended early by the scheduler. stalled: gave no sign of life. The rest: see
`raysearch.errors`. infeasible: ran its full length, and its outcome does not meet a constraint of the study."""

Cause = Literal["lost", "stalled", "out_of_memory", "preempted", "asked"]
"""Why a trial was started again. lost: its process or machine died, or raised what raysearch has no name for. stalled: it gave no
sign of life and was killed. out_of_memory: it goes on with smaller parts of a batch at a time. preempted: it was asked to leave its
machine; no failure. asked: it had ended badly, and a user gave it another attempt."""

Phase = Literal["search", "confirm", "extend"]
"""extend: single trials of the search trained longer, because somebody asked for it; neither searcher nor ranking sees them."""

Leaf = bool | int | float | str | None
Number = Annotated[int, Field(ge=0, lt=10**9)]
"""Of a trial."""
Count = Annotated[int, Field(ge=0, lt=2**63)]
"""Fits a 64-bit column."""


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    time: float
    """Wall clock, seconds since the epoch."""


class Stage(BaseModel):
    """A configuration that a trial goes through on its way to the one that it ends with."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    until: Count
    """Optimisation steps after which the next one takes its place."""
    config: dict[str, object]
    """The whole `TrialConfig` as JSON."""


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
    """Dense numbers from 0, over all phases."""
    phase: Phase
    role: str
    """Search: ``suggested``, ``published`` (enqueued), ``child`` or ``imported``. Confirmation: ``baseline``, ``top1``, ``top2``,
    ... Extension: ``continued`` from a checkpoint or ``anew``."""
    source: Number | None
    """The search trial whose configuration is confirmed or extended."""
    values: dict[str, Leaf]
    """The searched values by domain name."""
    parent: Number | None = None
    """Population based training: the trial from whose checkpoint this one began; its role is ``child``."""
    parent_step: Count = 0
    """The step of that checkpoint; the child's first report is that step's, and its donor's."""
    earlier: tuple[Stage, ...] = ()
    """Confirmation of a child: the configurations of those before it, which the trial goes through first."""
    facts: dict[str, Leaf] = {}
    """What the study asks for of what the configuration decides by itself: parameters, macs_g, macs_size."""
    config: dict[str, object]
    """The whole `TrialConfig` as JSON."""
    seed: Count
    steps: Count
    origin: str = ""
    """Imported: the run and the number that it had there, ``name/7``. It was trained there, and costs no budget here."""


class TrialReported(_Event):
    """A running trial was evaluated on validation photographs."""

    event: Literal["trial_reported"] = "trial_reported"
    trial: Number
    step: Count
    metrics: dict[str, float]
    """psnr, ssim and the trial's other metrics, loss, lr, patches_per_second, train_seconds, pixels_seen, the loss's terms as
    ``loss/<term>`` (they add up to it), and the sampler's statistics as ``sampler/<name>``."""


class TrialRetried(_Event):
    """A trial's process was lost, or a user asked for another attempt of one that has ended: it goes on from its checkpoint.

    A phase that was over is open again when one of its trials is; so is the confirmation of a search.
    """

    event: Literal["trial_retried"] = "trial_retried"
    trial: Number
    attempt: Count
    reason: str
    cause: Cause = "lost"


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
    """parameters, macs_g, macs_size, device, workers, and others of `raysearch.train.files.TrialResult`."""
    unread: tuple[str, ...] = ()
    """Searched places of the configuration, as dotted paths, that nothing has looked at."""


class PhaseEnded(_Event):
    """Search or confirmation is over; not written when it was interrupted."""

    event: Literal["phase_ended"] = "phase_ended"
    phase: Phase
    reason: str
    """``trials``, ``time``, ``gpu_hours``, ``failed`` (more than allowed), ``exhausted`` (a grid) or ``decided`` (a seed race)."""


class BudgetChanged(_Event):
    """A user gave the run another budget, which takes the place of the study's. Search and confirmation are open again."""

    event: Literal["budget_changed"] = "budget_changed"
    trials: Count | None
    minutes: float | None
    gpu_hours: float | None


class RunImported(_Event):
    """Trials of another run follow, each with its reports and its end."""

    event: Literal["run_imported"] = "run_imported"
    run: str
    """Its name."""
    trials: Count
    """How many are taken."""
    refused: dict[str, Count]
    """How many are not, by reason."""


class ContendersChosen(_Event):
    """What the confirmation is about from here on, where it is not what its trials were started as.

    Their roles follow from this: one whose configuration is no contender any more keeps its values under the role ``former-...``.
    """

    event: Literal["contenders_chosen"] = "contenders_chosen"
    contenders: dict[str, Number]
    """By role (``baseline``, ``top1``, ...) the search trial that it comes from; the baseline comes from the winner."""


class RaceLooked(_Event):
    """The seed race compared a contender with the baseline; see `raysearch.results.racing`."""

    event: Literal["race_looked"] = "race_looked"
    role: str
    seeds: Count
    """Of both, so far."""
    difference: float
    """Contender minus baseline, mean of the objective over test photographs and seeds."""
    low: float
    """Of the interval, whose confidence is corrected for all looks of the race."""
    high: float
    decided: bool
    """Whether the interval excludes zero, so that the contender gets no more seeds."""


class MachineAvoided(_Event):
    """Trials failed on a machine one after another, for one cause; new ones avoid it as long as there is another."""

    event: Literal["machine_avoided"] = "machine_avoided"
    machine: str
    """Ray's id of it."""
    address: str
    reason: str


class DriverStopped(_Event):
    """The driver left in an orderly way."""

    event: Literal["driver_stopped"] = "driver_stopped"
    reason: Literal["done", "interrupted", "error"]
    message: str


Event = Annotated[
    DriverStarted
    | TrialStarted
    | TrialReported
    | TrialRetried
    | TrialEnded
    | PhaseEnded
    | BudgetChanged
    | RunImported
    | ContendersChosen
    | RaceLooked
    | MachineAvoided
    | DriverStopped,
    Field(discriminator="event"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Parses and prints events."""


def limits_of(changed: BudgetChanged) -> dict[str, int | float | None]:
    """Return the limits by the names of the study's ``budget``."""
    return {"trials": changed.trials, "minutes": changed.minutes, "gpu_hours": changed.gpu_hours}
