"""Opens a run for reading: whole, half finished, damaged, or made by somebody who means harm.

Nothing in the folder is executed or unpickled; links and special files are passed over; sizes are bounded. What can't be read is
said in `RunRecord.missing`, and the rest is returned.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from raysearch.errors import RunLocked, SpecError, StateDamaged
from raysearch.results.events import BudgetChanged, limits_of
from raysearch.results.folder import RunFolder
from raysearch.results.journal import JournalReader
from raysearch.results.record import RunRecord, TrialRecord
from raysearch.results.replay import Replay
from raysearch.spec import yaml
from raysearch.train.files import IMAGES, IMAGES_FILE, is_images_schema

RUN_IMAGES = pa.schema([pa.field("trial", pa.int64(), nullable=False), *IMAGES])
"""Schema of `RunRecord.images`."""

_TEXT_LIMIT = 4 * 2**20
_ROW_LIMIT = 1_000_000


def open_run(path: Path) -> RunRecord:
    """Read a run's folder.

    Args:
        path: the folder.

    Raises:
        SpecError: there is no such folder.
    """
    if not path.is_dir():
        raise SpecError("there is no such folder", place=str(path), remedy="give the folder of a run, as raysearch ls shows it")
    folder = RunFolder(path)
    missing: list[str] = []
    merged, damaged = _replayed(folder.journal, missing)
    trials = merged.trials()
    holder = _holder(folder, missing)
    return RunRecord(
        name=folder.name,
        space_text=_text(folder.space, missing),
        spec=_with_budget(_spec(folder.resolved, missing), merged.budget),
        environment=_environment(folder.environment, missing),
        trials=trials,
        images=read_images(folder, trials, missing),
        ended=dict(merged.phases),
        drivers=len(merged.commands),
        commands=tuple(merged.commands),
        missing=tuple(missing),
        began=merged.began,
        updated=merged.updated,
        stopped=merged.stopped,
        holder=holder,
        breaks=merged.breaks,
        damaged=damaged,
        changes=tuple(merged.changes),
        looks=tuple(merged.looks),
        incidents=tuple(merged.incidents),
    )


def _replayed(journal: Path, missing: list[str]) -> tuple[Replay, bool]:
    """Return what the journal tells, and whether it is damaged (a torn tail is none, nor is a file that isn't there)."""
    merged, damaged = Replay(), False
    contradictions: list[str] = []
    refused = _refused(journal, None)
    if refused:
        missing.append(refused)
        return merged, False
    reader = JournalReader(journal)
    try:
        for event in reader:
            try:
                merged.add(event)
            except StateDamaged as error:
                contradictions.append(error.cause)
    except StateDamaged as error:
        missing.append(f"{journal.name}: {error.cause}")
        damaged = True
    if reader.torn:
        missing.append(f"{journal.name}: the last record was never completed ({reader.torn} bytes are left out)")
    if contradictions:
        missing.append(f"{journal.name}: {len(contradictions)} records contradict the ones before, the first: {contradictions[0]}")
    return merged, damaged or bool(contradictions)


def _refused(path: Path, limit: int | None) -> str:
    """Say in a sentence why a file is not read; empty if it may be."""
    try:
        status = path.lstat()
    except OSError as error:
        return f"{path.name} can't be read: {error.strerror}"
    if not stat.S_ISREG(status.st_mode):
        return f"{path.name} is not read: it is no plain file"
    if limit is not None and status.st_size > limit:
        return f"{path.name} is not read: it has {status.st_size} bytes, {limit} are the limit"
    return ""


def _text(path: Path, missing: list[str]) -> str:
    refused = _refused(path, _TEXT_LIMIT)
    if refused:
        missing.append(refused)
        return ""
    try:
        return path.read_bytes().decode()
    except OSError as error:
        missing.append(f"{path.name} can't be read: {error.strerror}")
    except UnicodeDecodeError as error:
        missing.append(f"{path.name} is no UTF-8 text: {error.reason} at byte {error.start}")
    return ""


def _spec(path: Path, missing: list[str]) -> dict[str, object]:
    text = _text(path, missing)
    if not text:
        return {}
    try:
        return _mapping(yaml.parse(text, path.name).data, path, missing)
    except SpecError as error:
        missing.append(f"{path.name} can't be understood: {error.cause}")
        return {}


def _with_budget(spec: dict[str, object], changed: BudgetChanged | None) -> dict[str, object]:
    """Put the budget that a user has given the run since in the place of the study's."""
    if changed is None:
        return spec
    before = spec.get("budget")
    return {**spec, "budget": {**(before if isinstance(before, dict) else {}), **limits_of(changed)}}


def _environment(path: Path, missing: list[str]) -> dict[str, object]:
    text = _text(path, missing)
    if not text:
        return {}
    try:
        return _mapping(json.loads(text), path, missing)
    except (ValueError, RecursionError) as error:
        missing.append(f"{path.name} can't be understood: {error}")
        return {}


def _mapping(data: object, path: Path, missing: list[str]) -> dict[str, object]:
    if isinstance(data, dict):
        return data
    missing.append(f"{path.name} holds no mapping")
    return {}


def read_images(folder: RunFolder, trials: Iterable[TrialRecord], missing: list[str] | None = None) -> pa.Table:
    """Put the per-image tables of trials into one; a trial without one is only missed when it has finished here.

    Args:
        missing: takes a sentence for each table that could not be read.
    """
    missing = [] if missing is None else missing
    tables = [RUN_IMAGES.empty_table()]
    for trial in trials:
        path = folder.trial(trial.number) / IMAGES_FILE
        if trial.origin or (not path.exists() and trial.status != "finished"):
            continue
        place = f"trial {trial.number}: "
        refused = _linked(path.parent) or _refused(path, None)
        try:
            table, refused = (None, refused) if refused else _read_images(path)
        except (pa.ArrowException, OSError, ValueError) as error:
            table, refused = None, f"{path.name} can't be read: {str(error).splitlines()[0][:200]}"
        if table is None:
            missing.append(place + refused)
        else:
            tables.append(table.add_column(0, RUN_IMAGES.field(0), pa.array([trial.number] * len(table), pa.int64())))
    return pa.concat_tables(tables, promote_options="default")  # a metric that a trial lacks is null


def _linked(folder: Path) -> str:
    return f"the folder {folder.name} is not read: it is a link" if folder.is_symlink() else ""


def _read_images(path: Path) -> tuple[pa.Table | None, str]:
    """Read one table if it has the right columns and a bounded number of rows; else say why not."""
    with path.open("rb") as source, pq.ParquetFile(source) as file:
        if file.metadata.num_rows > _ROW_LIMIT:
            return None, f"{path.name} is not read: it has {file.metadata.num_rows} rows, {_ROW_LIMIT} are the limit"
        if not is_images_schema(file.schema_arrow):
            return None, f"{path.name} has other columns than this version of raysearch writes"
        return file.read(use_threads=False).replace_schema_metadata(), ""


def _holder(folder: RunFolder, missing: list[str]) -> str:
    try:
        holder = folder.holder()
    except RunLocked as error:
        missing.append(f"{folder.lock_file.name}: {error.cause}")
        return ""
    return "" if holder is None or holder.life == "dead" else str(holder)
