"""Takes out of a run what names a machine or a person: host, user, folders, addresses, commit. For reports that are sent around.

What a field is for does not matter: every text of the run is searched, errors, logs and command lines too. What remains is what a
reader needs to judge the result: versions, hardware, data by hash and count, seeds, the study itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pyarrow as pa

from raysearch.report import plain
from raysearch.results.events import Leaf
from raysearch.results.record import RunRecord, TrialRecord

HIDDEN = frozenset({"host", "working_directory", "git", "user"})
"""Keys of env.json that are left out whole."""

_FOLDERS = re.compile(r"(?<![\w.~:/])(?:~|[A-Za-z]:|\.\.(?=[/\\]))?[/\\](?:[^\s/\\\"'<>|:]+[/\\])+")
"""The folders of a path that leads out of the working folder, up to its last part. Two parts at least: ``dB/step`` is none."""

_STORES = re.compile(r"\b(?P<scheme>s3|gs|gcs|abfs|hdfs|ssh|sftp|file)://(?:[^\s/\"'<>|]+/)*")
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
_HOMES = re.compile(r"(?:[/\\](?:home|Users)[/\\]|~)(?P<user>[\w.-]+)")
_ANYBODY = frozenset({"root", "user", "users", "admin", "home", "ubuntu", "runner", "localhost", "shared", "public", "default"})
_SHORTEST = 3
_COMMIT = 7

Text = Callable[[str], str]


def without_folders(text: str) -> str:
    """Shorten every path that leads out of the working folder to its last part: ``/home/me/runs/x.yaml`` to ``x.yaml``."""
    return _FOLDERS.sub("", _STORES.sub(lambda match: f"{match['scheme']}://", text))


def anonymous(record: RunRecord) -> RunRecord:
    """Return the run without host, user, commit, addresses, folders and who holds it."""
    clean = _cleaner(record)
    environment = {key: value for key, value in record.environment.items() if key not in HIDDEN}
    return replace(
        record,
        name=clean(record.name),
        space_text=clean(record.space_text),
        spec=_mapping(clean, record.spec),
        environment=_mapping(clean, environment),
        trials=tuple(_trial(clean, trial) for trial in record.trials),
        images=_images(clean, record.images),
        ended={phase: clean(reason) for phase, reason in record.ended.items()},
        commands=tuple(tuple(map(clean, command)) for command in record.commands),
        missing=tuple(map(clean, record.missing)),
        changes=tuple(map(clean, record.changes)),
        incidents=tuple(map(clean, record.incidents)),
        holder="",
    )


def cleaner(record: RunRecord) -> Callable[[object], object]:
    """Return what cleans plain data of this run, an event of its journal for instance, as `anonymous` cleans the run."""
    clean = _cleaner(record)
    return lambda value: _cleaned(clean, value)


def _cleaner(record: RunRecord) -> Text:
    """Return what cleans a text of this run: it knows the run's own host, user and commit."""
    names = {name.lower(): name for name in _names(record) if len(name) >= _SHORTEST and name.lower() not in _ANYBODY}
    known = "|".join(re.escape(name) for name in sorted(names.values(), key=lambda name: (-len(name), name)))
    commit = plain.at(record.environment, "git.commit")
    some = re.compile(rf"(?<![0-9A-Za-z])(?:{known})(?![0-9A-Za-z])", re.IGNORECASE) if known else None
    digest = (
        re.compile(rf"\b{re.escape(commit[:_COMMIT])}[0-9a-f]*\b") if isinstance(commit, str) and len(commit) >= _COMMIT else None
    )

    def clean(text: str) -> str:
        found = _ADDRESS.sub("[address]", without_folders(text))
        found = some.sub("[name]", found) if some is not None else found
        return digest.sub("[commit]", found) if digest is not None else found

    return clean


def _names(record: RunRecord) -> Iterator[str]:
    """List the names of the run's machine and of the users whose home folders it mentions."""
    host = plain.at(record.environment, "host")
    if isinstance(host, str):
        yield host
        yield host.partition(".")[0]
    user = plain.at(record.environment, "user")
    if isinstance(user, str):
        yield user
    texts = [record.space_text, plain.str_of(record.environment), *(word for command in record.commands for word in command)]
    texts += [*record.missing, *record.changes, *record.incidents, *(trial.reason for trial in record.trials)]
    for text in texts:
        yield from (match["user"] for match in _HOMES.finditer(text.replace("\\\\", "\\")))


def _trial(clean: Text, trial: TrialRecord) -> TrialRecord:
    return replace(
        trial,
        role=clean(trial.role),
        values={clean(key): _leaf(clean, value) for key, value in trial.values.items()},
        config=_mapping(clean, trial.config),
        reason=clean(trial.reason),
        facts={key: _leaf(clean, value) for key, value in trial.facts.items()},
        origin=clean(trial.origin),
        unread=tuple(map(clean, trial.unread)),
    )


def _images(clean: Text, table: pa.Table) -> pa.Table:
    """Clean the names of test sets and photographs, which may be paths."""
    for i, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            column = [value if value is None else clean(value) for value in table.column(i).to_pylist()]
            table = table.set_column(i, field, pa.array(column, field.type))
    return table


def _leaf(clean: Text, value: Leaf) -> Leaf:
    return clean(value) if isinstance(value, str) else value


def _mapping(clean: Text, data: Mapping[str, object]) -> dict[str, object]:
    return {clean(key): _cleaned(clean, value) for key, value in data.items()}


def _cleaned(clean: Text, value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return _mapping(clean, value)
    if isinstance(value, list | tuple):
        return type(value)(_cleaned(clean, item) for item in value)
    return value
