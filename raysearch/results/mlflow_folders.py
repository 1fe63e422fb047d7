"""A run in the folders of MLflow's file store, which ``mlflow ui --backend-store-uri FOLDER`` and other readers show.

::

    EXPERIMENT/meta.yaml                 the run of raysearch
    EXPERIMENT/RUN/meta.yaml             a trial: its name, state and times
    EXPERIMENT/RUN/params/NAME           a searched value, as text
    EXPERIMENT/RUN/metrics/NAME          a line for each evaluation: milliseconds, value, step
    EXPERIMENT/RUN/tags/NAME
    EXPERIMENT/RUN/artifacts/config.yaml

Written without MLflow. Decided here: a ``/`` or another letter that MLflow does not know in a name becomes a dot, so that names
are files and never folders. Trials that were stopped early or interrupted are ``KILLED``, those without a value ``FAILED``; the tag
``raysearch.status`` tells more.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from raysearch.errors import SpecError
from raysearch.results.events import Leaf, Status
from raysearch.results.record import RunRecord, TrialRecord
from raysearch.results.yaml_text import to_yaml
from raysearch.train.atomic import write_atomically

_RUNNING, _FINISHED, _FAILED, _KILLED = 1, 3, 4, 5
_STATES: Mapping[Status, int] = {"finished": _FINISHED, "infeasible": _FINISHED, "stopped": _KILLED}
_UNKNOWN = re.compile(r"[^A-Za-z0-9_.: -]")
_LOCAL = 4
"""MLflow's number for a run that was started on this machine."""


def write_mlflow(record: RunRecord, folder: Path) -> int:
    """Write a run as an experiment of MLflow's file store; return how many trials it has.

    Args:
        folder: of the store.

    Raises:
        SpecError: the store has an experiment of this run already.
        StorageError: the disk refuses.
    """
    experiment = str(int(_digest(record.name, str(record.began)), 16) % 10**18)
    place = folder.resolve() / experiment
    if place.exists():
        raise SpecError(f"run {record.name} is in this store already", place=str(place), remedy="name another folder, or delete it")
    place.mkdir(parents=True)
    meta = {
        "artifact_location": place.as_uri(),
        "creation_time": _milliseconds(record.began),
        "experiment_id": experiment,
        "last_update_time": _milliseconds(record.updated),
        "lifecycle_stage": "active",
        "name": record.name,
    }
    write_atomically(place / "meta.yaml", to_yaml(meta).encode())
    for trial in record.trials:
        _write_trial(record, trial, place)
    return len(record.trials)


def _write_trial(record: RunRecord, trial: TrialRecord, place: Path) -> None:
    name = _digest(record.name, str(record.began), str(trial.number))
    folder = place / name
    ended = trial.ended is not None
    meta: dict[str, object] = {
        "artifact_uri": (folder / "artifacts").as_uri(),
        "end_time": _milliseconds(trial.ended) if trial.ended is not None else None,
        "entry_point_name": "",
        "experiment_id": place.name,
        "lifecycle_stage": "active",
        "run_id": name,
        "run_name": f"{trial.number:04d}",
        "run_uuid": name,
        "source_name": "raysearch",
        "source_type": _LOCAL,
        "source_version": "",
        "start_time": _milliseconds(trial.started),
        "status": _state(record, trial),
        "tags": [],
        "user_id": "",
    }
    texts = {("params", key): _text(value) for key, value in trial.values.items()}
    texts |= {("params", f"facts.{key}"): _text(value) for key, value in trial.facts.items()}
    texts |= {("tags", key): value for key, value in _tags(record, trial).items()}
    texts |= {("metrics", key): "".join(lines) for key, lines in _metrics(trial, ended).items()}
    for kind in ("params", "tags", "metrics", "artifacts"):
        (folder / kind).mkdir(parents=True)
    write_atomically(folder / "meta.yaml", to_yaml(meta).encode())
    write_atomically(folder / "artifacts" / "config.yaml", to_yaml(trial.config).encode())
    for (kind, key), text in texts.items():
        (folder / kind / _free(folder / kind, key)).write_text(text, encoding="utf-8")


def _state(record: RunRecord, trial: TrialRecord) -> int:
    """Return MLflow's number of a state; a trial that has not ended runs only as long as a driver lives."""
    if trial.status is None:
        return _RUNNING if record.holder else _KILLED
    return _STATES.get(trial.status, _FAILED)


def _metrics(trial: TrialRecord, ended: bool) -> dict[str, list[str]]:
    """Return MLflow's lines of each metric; a value that is no number is written as ``nan`` or ``inf``, which MLflow reads."""
    lines: dict[str, list[str]] = {}
    for point in trial.reports:
        for name, value in point.metrics.items():
            lines.setdefault(name, []).append(f"{_milliseconds(point.time)} {value!r} {point.step}\n")
    if ended:
        lines["trial_seconds"] = [f"{_milliseconds(trial.ended or 0.0)} {trial.seconds!r} {trial.step}\n"]
    return lines


def _tags(record: RunRecord, trial: TrialRecord) -> dict[str, str]:
    told: Iterable[tuple[str, object]] = (
        ("phase", trial.phase),
        ("role", trial.role),
        ("status", trial.status or ("running" if record.holder else "interrupted")),
        ("reason", trial.reason),
        ("seed", trial.seed),
        ("steps", trial.steps),
        ("source", trial.source),
        ("origin", trial.origin),
    )
    tags = {f"raysearch.{name}": str(value) for name, value in told if value not in (None, "")}
    tags["mlflow.runName"] = f"{trial.number:04d}"
    if trial.parent is not None:
        tags["mlflow.parentRunId"] = _digest(record.name, str(record.began), str(trial.parent))
    return tags


def _free(folder: Path, name: str) -> str:
    """Return a file name for a name of a run, which may be anything: one of MLflow's letters, short, not taken, no folder."""
    plain = _UNKNOWN.sub(".", name)[:200]
    plain = plain if plain.strip(". ") else f"name{plain.strip()}"
    return next(free for free in _numbered(plain) if not (folder / free).exists())


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


def _text(value: Leaf) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds) if math.isfinite(seconds) else 0


def _digest(*parts: str) -> str:
    """Return 32 hexadecimal digits that are a function of the parts."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
