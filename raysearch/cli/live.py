"""`watch --html`: a report that is written again while its study runs, each time whole and at once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from raysearch.results.folder import RunFolder
from raysearch.results.run import open_run
from raysearch.results.summary import summary


def follow_page(
    folder: RunFolder, page: Path, every: int, *, once: bool, as_json: bool, sleep: Callable[[float], object] = time.sleep
) -> None:
    """Write a run's report whenever its journal has grown, until its driver stops, is gone or is not watched any more.

    The last page is the report as `raysearch report` writes it: it does not load itself again.

    Args:
        page: the file; what was there is replaced at once.
        every: seconds between two looks, and between two loads of the page.
        once: write the last page now.
    """
    seen: tuple[int, int] | None = None
    try:
        while not once:
            before = _size(folder)
            if before != seen:
                seen = before
                if not _write(folder, page, every, as_json=as_json):
                    break
            elif not open_run(folder.path).holder:
                break
            sleep(every)
    finally:  # also when it is interrupted: nobody writes the page again, so it must not load itself again
        _write(folder, page, None, as_json=as_json)


def _size(folder: RunFolder) -> tuple[int, int]:
    try:
        found = folder.journal.stat()
    except OSError:
        return (0, 0)
    return found.st_size, found.st_mtime_ns


def _write(folder: RunFolder, page: Path, every: int | None, *, as_json: bool) -> bool:
    """Write the page as it is now; return whether it is a live one: asked for, and a driver works on the run."""
    from raysearch.report.page import Live, write_report

    record = open_run(folder.path)
    live = every is not None and bool(record.holder) and not record.stopped
    if every is not None and not live:
        return False  # the last page follows at once
    updated = datetime.fromtimestamp(record.updated, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if record.updated > 0 else "none yet"
    write_report([record], [folder.path], page, live=Live(every, updated) if every is not None else None)
    run = summary(record)
    if as_json:
        click.echo(json.dumps({"page": str(page), "live": live, "ended": run.ended, "planned": run.planned, "state": run.state}))
    else:
        kind = f"live, {run.ended} of {run.planned or len(record.trials)} trials ended" if live else f"last, {run.state}"
        click.echo(f"{time.strftime('%H:%M:%S')} wrote {page} ({kind})")
    return live
