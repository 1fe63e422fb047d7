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
        workers, cpus, gpus: workers of the trial and what each of them has.
        fit: the training function, ``module:name``; called like `raysearch.train.loop.fit`.
        allow_imports: components from outside the tree may be imported.
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

    def to_json(self) -> str:
        """Return the JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Parse what `to_json` wrote."""
        return cls(**json.loads(text))


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


Message = Reported | Ended


def message_to_json(message: Message) -> str:
    """Return the JSON text of a message."""
    kind = "reported" if isinstance(message, Reported) else "ended"
    return json.dumps({"kind": kind, **asdict(message)})


def message_from_json(text: str) -> Message:
    """Parse what `message_to_json` wrote."""
    data: dict[str, Any] = json.loads(text)
    return Reported(**data) if data.pop("kind") == "reported" else Ended(**data)


def to_result(message: Message) -> dict[str, object]:
    """Return a message as a Ray Tune result: one text, so that Tune neither flattens nor averages what is in it."""
    text = message_to_json(message)
    return {"message": text, "done": True} if isinstance(message, Ended) else {"message": text}
