"""`init`, `check`, `run`, `resume`: from a YAML file to a report."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Literal

import click

from raysearch.cli import amounts
from raysearch.cli.driving import WarmStart, drive, fetched, forget_driver, print_findings, start
from raysearch.cli.options import Driving, driving_options, json_option, profile_option, run_argument, runs_option, set_option
from raysearch.errors import RunExists
from raysearch.results.folder import RunFolder
from raysearch.results.journal import repair

if TYPE_CHECKING:
    from raysearch.search.orders import Amount

TEMPLATE = Path(__file__).parent / "templates" / "study.yaml"
TASKS: Mapping[str, Mapping[str, str]] = {
    "demosaic": {
        "QUESTION": "Which patches should a demosaicing network be trained on?",
        "TITLE": "Patch sampling for demosaicing",
        "TASK": "{kind: demosaic}",
        "MODEL": "{kind: deepjdd, masks: false, padding: same, depth: 7, width: 16}",
    },
    "joint_demosaic_denoise": {
        "QUESTION": "Which patches should a joint demosaicing and denoising network be trained on?",
        "TITLE": "Patch sampling for joint demosaicing and denoising",
        "TASK": "{kind: joint_demosaic_denoise, sigma_255: {low: 0, high: 16}}",
        "MODEL": "{kind: deepjdd, masks: false, padding: same, sigma_channel: true, depth: 7, width: 16}",
    },
    "gaussian_denoise": {
        "QUESTION": "Which patches should a denoising network be trained on?",
        "TITLE": "Patch sampling for Gaussian denoising",
        "TASK": "{kind: gaussian_denoise, color: rgb, sigma_255: 25}",
        "MODEL": "{kind: dncnn, depth: 6, width: 16}",
    },
}

space_argument = click.argument("space", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.command("init")
@click.option("--task", type=click.Choice(sorted(TASKS)), default="demosaic", show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=Path("study.yaml"), show_default=True)
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
def init_command(task: str, out: Path, force: bool) -> None:
    """Write a commented study to start from."""
    if out.exists() and not force:
        raise RunExists(f"{out} is there already", place="--out", remedy="choose another name, or --force to replace it")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(Template(TEMPLATE.read_text()).substitute(TASKS[task], NAME=out.stem))
    click.echo(f"wrote {out}; next: raysearch check {out}")


@click.command("check")
@space_argument
@profile_option
@set_option
@runs_option
@json_option
def check_command(space: Path, profile: str | None, settings: tuple[str, ...], runs: Path, as_json: bool) -> int:
    """Find everything that is wrong with SPACE.yaml before anything starts. Exit code 2: the file; 3: data, disk or machines."""
    from raysearch.search.preflight import examine

    examination = examine(space, profile, settings, runs=runs)
    if as_json:
        found = [asdict(finding) for finding in examination.findings]
        click.echo(
            json.dumps({"findings": found, "configurations": examination.configurations, "exit_code": examination.exit_code})
        )
        return examination.exit_code
    print_findings(examination.findings)
    if examination.exit_code == 0:
        click.echo(f"{space}: fine; {examination.configurations} configurations were built")
        if examination.needed is not None:
            click.echo(str(examination.needed))
    return examination.exit_code


@click.command("run")
@space_argument
@click.option("--name", default=None, help="Name of the run (default: the study's).")
@profile_option
@set_option
@click.option("--trials", type=click.IntRange(1), default=None, help="Short for --set budget.trials=N.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), default=None, help="Short for --set budget.minutes=M.")
@click.option("--storage", default=None, metavar="URI", help="Copy everything there: a folder, s3://BUCKET/FOLDER or gs://...")
@click.option("--if-exists", type=click.Choice(["fail", "resume", "new"]), default="fail", show_default=True)
@click.option("--import", "imported", default=None, metavar="RUN", help="Take over the trials of RUN that fit this study.")
@click.option("--transfer", default=None, metavar="RUN", help="Try the best configurations of RUN, of a related study, first.")
@driving_options
@click.pass_context
def run_command(
    ctx: click.Context,
    space: Path,
    name: str | None,
    profile: str | None,
    settings: tuple[str, ...],
    trials: int | None,
    minutes: float | None,
    storage: str | None,
    if_exists: Literal["fail", "resume", "new"],
    imported: str | None,
    transfer: str | None,
    driving: Driving,
) -> int:
    """Search SPACE.yaml, confirm the winner on photographs that the search never saw, and write an HTML report."""
    short = [f"budget.{key}={value}" for key, value in (("trials", trials), ("minutes", minutes)) if value is not None]
    short += [f"storage={json.dumps(storage)}"] if storage is not None else []
    return start(ctx, space, name, profile, (*settings, *short), if_exists, WarmStart(imported, transfer), driving)


@click.command("resume")
@run_argument
@driving_options
@click.option("--trials", callback=amounts.whole, default=None, help="A new budget: +N for N more trials, N for N in all.")
@click.option(
    "--time", "minutes", callback=amounts.duration, default=None, help="... of time: +4h, +90m, +1h30m; a number is hours."
)
@click.option("--gpu-hours", callback=amounts.number, default=None, help="... of GPU hours.")
@click.option("--storage", default=None, metavar="URI", help="Fetch a run that is not here from where its copies are.")
@click.option("--take-over", is_flag=True, help="The driver whose lock is in the storage is gone for good.")
@click.option("--repair", "mend", is_flag=True, help="Cut a damaged journal back to its valid part (a copy is kept), then go on.")
@click.pass_context
def resume_command(
    ctx: click.Context,
    run: str,
    driving: Driving,
    trials: Amount | None,
    minutes: Amount | None,
    gpu_hours: Amount | None,
    storage: str | None,
    take_over: bool,
    mend: bool,
) -> int:
    """Go on with RUN: no finished trial runs again, and a running one loses at most one report interval.

    With more budget a search that has ended goes on. Its winner is then confirmed again if it is another one; what was confirmed of
    configurations that are still among the best is kept.
    """
    from raysearch.search.orders import MoreBudget

    folder = RunFolder.open(run, driving.runs) if storage is None else fetched(run, storage, driving.runs)
    if take_over:
        forget_driver(folder)
    if mend:
        with folder.lock(time.time()):
            done = repair(folder.journal)
        click.echo(f"kept {done.kept} records, cut {done.dropped} bytes off; the journal as it was: {done.copy}")
        for moved in done.moved:
            click.echo(f"set aside: {moved}")
    more = any(amount is not None for amount in (trials, minutes, gpu_hours))
    return drive(folder, ctx, driving, (MoreBudget(trials, minutes, gpu_hours),) if more else ())
