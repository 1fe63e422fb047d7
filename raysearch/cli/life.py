"""`fork`, `retry`, `extend`, `stop`, `gc`: the life of a run after its first driver."""

from __future__ import annotations

import json
import time
from contextlib import nullcontext
from pathlib import Path

import click

from raysearch.cli.driving import WarmStart, drive, start
from raysearch.cli.options import (
    Driving,
    driving_options,
    json_option,
    profile_option,
    run_argument,
    runs_option,
    set_option,
)
from raysearch.errors import RunLocked, SpecError, StateDamaged, StorageError
from raysearch.results.events import Status
from raysearch.results.folder import RunFolder
from raysearch.results.garbage import Garbage, find_garbage
from raysearch.results.record import RunRecord
from raysearch.results.run import open_run
from raysearch.results.stop_request import ask_to_stop, wait_for_end
from raysearch.results.storage import Storage


@click.command("fork")
@run_argument
@click.option(
    "--space", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="The study with its new space."
)
@click.option("--name", default=None, help="Name of the new run (default: the study's, numbered if it is taken).")
@profile_option
@set_option
@driving_options
@click.pass_context
def fork_command(
    ctx: click.Context, run: str, space: Path, name: str | None, profile: str | None, settings: tuple[str, ...], driving: Driving
) -> int:
    """Start a new run in another space that takes over every trial of RUN which fits it; RUN stays as it is.

    A trial fits when the new study would have the very same configuration: data, protocol, task, network and length included.
    """
    return start(ctx, space, name, profile, settings, "fail" if name else "new", WarmStart(imported=run), driving)


@click.command("retry")
@run_argument
@click.option("--failed", is_flag=True, help="Trials that failed or hung.")
@click.option("--oom", is_flag=True, help="Trials whose memory did not suffice, e.g. on larger machines.")
@click.option("--trial", "numbers", type=click.IntRange(0), multiple=True, help="Only this one; may be repeated.")
@driving_options
@click.pass_context
def retry_command(ctx: click.Context, run: str, failed: bool, oom: bool, numbers: tuple[int, ...], driving: Driving) -> int:
    """Give trials of RUN another attempt under their number: from their last checkpoint, or anew; then go on with RUN."""
    from raysearch.search.orders import Retry

    if not (failed or oom):
        raise SpecError("nothing says which ends are tried again", place="retry", remedy="add --failed, --oom or both")
    statuses: set[Status] = set()
    statuses |= {"failed", "stalled"} if failed else set()
    statuses |= {"out_of_memory"} if oom else set()
    return drive(RunFolder.open(run, driving.runs), ctx, driving, (Retry(frozenset(statuses), frozenset(numbers)),))


@click.command("extend")
@run_argument
@click.option("--trial", "number", type=click.IntRange(0), required=True, help="The trial.")
@click.option("--steps", type=click.IntRange(1), required=True, help="Optimisation steps in all.")
@click.option(
    "--anew/--continue",
    "anew",
    default=None,
    help="From the first step, or from the checkpoint (default: from the checkpoint, unless a schedule depends on the length).",
)
@driving_options
@click.pass_context
def extend_command(ctx: click.Context, run: str, number: int, steps: int, anew: bool | None, driving: Driving) -> int:
    """Train one trial of RUN longer, as a trial of its own; the search, its ranking and the confirmation stay as they are.

    A cosine schedule has ended with the trial: by default the training begins anew with the cosine stretched over all steps, as a
    study with these steps would have done. With --continue the rate jumps up to where the longer cosine is (a warm restart).
    """
    from raysearch.search.orders import Extend

    return drive(RunFolder.open(run, driving.runs), ctx, driving, (Extend(number, steps, anew),))


@click.command("stop")
@run_argument
@click.option("--now", is_flag=True, help="At once: running trials go on from their last checkpoint when the run is resumed.")
@click.option("--wait", type=click.FloatRange(0), default=60.0, show_default=True, help="Seconds to wait for the driver to leave.")
@runs_option
def stop_command(run: str, now: bool, wait: float, runs: Path) -> int:
    """Ask the driver of RUN, also one on another host, to end: after its running trials, or at once; RUN can be resumed."""
    folder = RunFolder.open(run, runs)
    holder = ask_to_stop(folder, now=now)
    if holder is None:
        click.echo(f"no driver works on {folder.name}")
        return 0
    click.echo(f"asked {holder} to end" + ("" if now else " when its running trials have ended; --now does not wait for them"))
    if wait_for_end(folder, holder, wait):
        click.echo(f"it has left; go on with: raysearch resume {folder.path}")
        return 0
    if now:
        raise RunLocked(
            f"{holder} has not left within {wait:g} s",
            place=str(folder.lock_file),
            remedy=f"on its host: kill -INT {holder.process.pid}",
        )
    click.echo("it still works; the request stands")
    return 0


@click.command("gc")
@run_argument
@click.option("--keep-top", type=click.IntRange(0), required=True, help="Keep the checkpoints of so many of the best trials.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@runs_option
@json_option
def gc_command(run: str, keep_top: int, dry_run: bool, runs: Path, as_json: bool) -> None:
    """Delete the checkpoints of RUN but those of its best trials, its confirmation, and whatever has not ended; samples stay."""
    folder = RunFolder.open(run, runs)
    with nullcontext() if dry_run else folder.lock(time.time()):
        record = open_run(folder.path)
        if record.damaged:
            raise StateDamaged(
                f"the journal of {folder.name} is damaged, so nobody knows its best trials",
                remedy=f"raysearch resume --repair {folder.path}",
            )
        try:
            storage = _storage_of(record)
            found = find_garbage(record, folder, keep_top, storage)
            if not dry_run:
                found.delete(storage)
        except OSError as error:
            raise StorageError(f"{folder.name}: {error}", remedy="what is deleted is deleted; try again for the rest") from error
    _tell(found, dry_run, as_json)


def _storage_of(record: RunRecord) -> Storage | None:
    uri = record.spec.get("storage")
    return Storage.open(uri).child(record.name) if isinstance(uri, str) else None


def _tell(found: Garbage, dry_run: bool, as_json: bool) -> None:
    if as_json:
        names = {"files": [str(path) for path in found.files], "copies": list(found.copies)}
        click.echo(json.dumps({**names, "bytes": found.bytes, "deleted": not dry_run}))
        return
    would = "would delete" if dry_run else "deleted"
    click.echo(f"{would} {len(found.files) + len(found.copies)} checkpoints, {found.bytes} bytes ({found.bytes / 2**20:.1f} MiB)")
    click.echo(f"kept those of {len(found.kept)} trials")
