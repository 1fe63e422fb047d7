"""What travels between the driver and a trial's process: a job one way, messages the other. Plain JSON, no Ray, no torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from raysearch.results.events import Leaf, Status

DEFAULT_FIT = "raysearch.train.loop:fit"
"""The training function as ``module:name``."""


@dataclass(frozen=True)
class Job:
    """One trial to run.

    Attributes:
        trial: number of the trial.
        config: the `TrialConfig` as JSON text.
        folder: the trial's folder, absolute.
        cache: folder of the pixel stores, absolute.
        split: photographs of the final evaluation.
        metric: name of the objective.
        others: further metrics without which, or without a finite value of which, a trial is of no use.
        tuned: searched places of the configuration, as dotted paths.
        workers, cpus, gpus: workers of the trial and what each of them has.
        fit: the training function, ``module:name``; called like `raysearch.train.loop.fit`.
        allow_imports: components from outside the tree may be imported.
        parts: pieces in which each worker takes its share of a batch through the network, one after another; more than one after
            memory did not suffice for the whole.
        avoid: ids of machines on which trials fail.
        stall_s: seconds without a sign of life after which the trial's process is killed; None never kills it.
        start, start_key: checkpoint of another trial that this one begins from, and the key of its configuration; empty without.
        keep_every: checkpoints at multiples of this many steps stay; 0 keeps none of them.
        earlier: configurations, as JSON text, that the trial goes through first, each with the step at which it ends.
        patience_s: seconds for which a disk that refuses to be written is asked again.
        storage: where copies of the run go, see `raysearch.results.storage`; empty without.
    """

    trial: int
    config: str
    folder: str
    cache: str
    split: Literal["validation", "test"]
    metric: str
    workers: int
    cpus: int
    gpus: float
    fit: str = DEFAULT_FIT
    allow_imports: bool = False
    parts: int = 1
    avoid: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    tuned: tuple[str, ...] = ()
    stall_s: float | None = None
    patience_s: float = 0.0
    start: str = ""
    start_key: str = ""
    keep_every: int = 0
    earlier: tuple[tuple[int, str], ...] = ()
    storage: str = ""

    def to_json(self) -> str:
        """Return the JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Parse what `to_json` wrote."""
        data: dict[str, Any] = json.loads(text)
        lists = {name: tuple(data[name]) for name in ("avoid", "others", "tuned")}
        earlier = tuple((until, config) for until, config in data["earlier"])
        return cls(**{**data, **lists, "earlier": earlier})


def train_storage(job: Job) -> Path:
    """Return where Ray Train keeps its notes while the trial runs; nothing in there is needed afterwards."""
    return Path(job.folder) / "ray_train"


@dataclass(frozen=True)
class Reported:
    """An evaluation during the trial: `raysearch.train.reporter.Report`, and the seconds since its process began with it."""

    step: int
    steps: int
    metrics: dict[str, float]
    seconds: float


@dataclass(frozen=True)
class Ended:
    """How the trial ended in its own process: the fields of `raysearch.results.events.TrialEnded`."""

    status: Status
    step: int
    value: float | None
    seconds: float
    reason: str
    facts: dict[str, Leaf]
    unread: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "unread", tuple(self.unread))  # JSON gives a list


@dataclass(frozen=True)
class GaveUp:
    """The process can't go on, but the trial is not over; it starts again from its checkpoint, in another process or later.

    Attributes:
        kind: ``preempted``: the process was asked to leave its machine. ``out_of_memory``: the whole batch was too much.
            ``data``: the photographs are not what they should be. ``storage``: a disk refuses. The last two stop the run.
        cause, place, remedy: see `raysearch.errors.RaysearchError`.
    """

    kind: Literal["preempted", "out_of_memory", "data", "storage"]
    cause: str
    place: str = ""
    remedy: str = ""


Message = Reported | Ended | GaveUp

_KINDS: dict[str, type[Reported] | type[Ended] | type[GaveUp]] = {"reported": Reported, "ended": Ended, "gave_up": GaveUp}


def message_to_json(message: Message) -> str:
    """Return the JSON text of a message."""
    name = next(name for name, kind in _KINDS.items() if type(message) is kind)
    return json.dumps({"message": name, **asdict(message)})


def message_from_json(text: str) -> Message:
    """Parse what `message_to_json` wrote."""
    data: dict[str, Any] = json.loads(text)
    return _KINDS[data.pop("message")](**data)


def to_result(message: Message) -> dict[str, object]:
    """Return a message as a Ray Tune result: one text, so that Tune neither flattens nor averages what is in it."""
    text = message_to_json(message)
    return {"message": text, "done": True} if isinstance(message, Ended) else {"message": text}
