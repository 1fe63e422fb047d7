"""Takes out of a run what names a machine or a person: host, folders, commit. For reports that are mailed, reviewed or published.

What remains is what a reader needs to judge the result: versions, hardware, data by hash and count, seeds, the study itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from raysearch.results.events import Leaf
from raysearch.results.record import RunRecord, TrialRecord

HIDDEN = frozenset({"host", "working_directory", "git"})
"""Keys of env.json that are left out whole."""

_FOLDERS = re.compile(r"(?<![\w.~:/])(?:~|[A-Za-z]:)?[/\\](?:[^\s/\\\"'<>|:]+[/\\])+")
"""The folders of an absolute path of any system, up to its last part. Two parts at least, so that ``dB/step`` is none."""


def without_folders(text: str) -> str:
    """Shorten every absolute path in a text to its last part: ``/home/me/runs/x.yaml`` to ``x.yaml``."""
    return _FOLDERS.sub("", text)


def anonymous(record: RunRecord) -> RunRecord:
    """Return the run without host, commit, folders and who holds it."""
    environment = {key: value for key, value in record.environment.items() if key not in HIDDEN}
    return replace(
        record,
        space_text=without_folders(record.space_text),
        spec=_mapping(record.spec),
        environment=_mapping(environment),
        trials=tuple(_trial(trial) for trial in record.trials),
        commands=tuple(tuple(without_folders(word) for word in command) for command in record.commands),
        missing=tuple(without_folders(sentence) for sentence in record.missing),
        holder="",
    )


def _trial(trial: TrialRecord) -> TrialRecord:
    return replace(
        trial,
        values={key: _leaf(value) for key, value in trial.values.items()},
        config=_mapping(trial.config),
        reason=without_folders(trial.reason),
        facts={key: _leaf(value) for key, value in trial.facts.items()},
    )


def _leaf(value: Leaf) -> Leaf:
    return without_folders(value) if isinstance(value, str) else value


def _mapping(data: Mapping[str, object]) -> dict[str, object]:
    return {key: clean(value) for key, value in data.items()}


def clean(value: object) -> object:
    """Shorten the paths in plain data."""
    if isinstance(value, str):
        return without_folders(value)
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, list | tuple):
        return type(value)(clean(item) for item in value)
    return value
