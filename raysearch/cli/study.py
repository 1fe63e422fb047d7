"""`init`, `check`, `run`, `resume`: from a YAML file to a report."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Literal

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TaskID

from raysearch.cli.console import Screen, StudyView
from raysearch.cli.options import Driving, driving_options, json_option, profile_option, run_argument, runs_option, set_option
from raysearch.errors import RunExists
from raysearch.results.events import Event
from raysearch.results.folder import RunFolder
from raysearch.results.journal import JournalReader, repair
from raysearch.results.run import open_run
from raysearch.results.summary import summary
from raysearch.results.tables import tables_of

if TYPE_CHECKING:
    from raysearch.data.base import Split
    from raysearch.search.options import Outcome
    from raysearch.search.progress import Summary
    from raysearch.search.session import Session
    from raysearch.search.study import StudySpec
    from raysearch.spec.findings import Finding
    from raysearch.spec.trial import TrialConfig

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


def _print_findings(findings: Iterable[Finding]) -> None:
    for finding in findings:
        colour = "yellow" if finding.severity == "warning" else "red"
        click.secho("warning: " if finding.severity == "warning" else "error: ", fg=colour, bold=True, err=True, nl=False)
        click.echo(str(finding), err=True)


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
    _print_findings(examination.findings)
    if examination.exit_code == 0:
        click.echo(f"{space}: fine; {examination.configurations} configurations were built")
        if examination.needed is not None:
            click.echo(str(examination.needed))
    return examination.exit_code


class _Progress:
    """Passes a driver's events on to a `Screen`."""

    def __init__(self, screen: Screen, folder: RunFolder) -> None:
        self.screen = screen
        self.folder = folder

    def on_session(self, session: Session) -> None:
        """Say where the study can be watched."""
        if session.dashboard is not None:
            token = f" (its token: {session.token_hint})" if session.token_hint else ""
            self.screen.say(f"Ray dashboard: {session.dashboard}{token}")
        self.screen.say(f"TensorBoard:   tensorboard --logdir {self.folder.path / 'tensorboard'}")
        for warning in session.warnings:
            self.screen.say(f"note: {warning}")

    def on_event(self, event: Event, summary: Summary) -> None:
        """Show an event."""
        self.screen.on_event(event)


@click.command("run")
@space_argument
@click.option("--name", default=None, help="Name of the run (default: the study's).")
@profile_option
@set_option
@click.option("--trials", type=click.IntRange(1), default=None, help="Short for --set budget.trials=N.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), default=None, help="Short for --set budget.minutes=M.")
@click.option("--if-exists", type=click.Choice(["fail", "resume", "new"]), default="fail", show_default=True)
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
    if_exists: Literal["fail", "resume", "new"],
    driving: Driving,
) -> int:
    """Search SPACE.yaml, confirm the winner on photographs that the search never saw, and write an HTML report."""
    from raysearch.results.environment import capture
    from raysearch.search.capacity import ANY_CAPACITY
    from raysearch.search.preflight import examine
    from raysearch.spec.findings import refuse

    short = [f"budget.{key}={value}" for key, value in (("trials", trials), ("minutes", minutes)) if value is not None]
    # What a remote cluster holds is known once it is connected; the driver refuses what does not fit then.
    capacity = None if driving.local else ANY_CAPACITY
    examination = examine(space, profile, [*settings, *short], capacity=capacity, runs=driving.runs)
    _print_findings(f for f in examination.findings if f.severity == "warning")
    refuse(examination.findings)
    if examination.study is None:
        raise AssertionError("a study without findings is valid")
    spec = examination.study.spec
    name = spec.name if name is None else name
    there = RunFolder(driving.runs / name)
    if if_exists == "resume" and there.is_run:
        _refuse_another_study(there, spec)
        return _drive(there, ctx, driving)
    environment = capture(sys.argv, Path.cwd())
    free = if_exists == "new" or not there.path.exists()
    if driving.local and free:  # a cluster decodes where its trials run; a taken name is refused below
        environment["data"] = _prepare(spec, driving.cache)
    folder = RunFolder.create(driving.runs, name, if_exists="new" if if_exists == "new" else "fail")
    folder.write_study(space.read_bytes(), spec.to_data())
    folder.write_environment(environment)
    if driving.local:
        _write_thumbnails(spec, driving.cache, folder)
    return _drive(folder, ctx, driving)


def _refuse_another_study(folder: RunFolder, spec: StudySpec) -> None:
    """Refuse to resume a run under a file or settings that say something else than it was started with."""
    from raysearch.search.study import StudySpec
    from raysearch.spec import yaml

    before, now = StudySpec.from_data(yaml.read(folder.resolved).data).to_data(), spec.to_data()
    differing = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
    if differing:
        raise RunExists(
            f"run {folder.name} was started with another study: {', '.join(differing)} differ",
            place=str(folder.resolved),
            remedy=f"raysearch resume {folder.path} goes on as it was; --name or --if-exists new starts another",
        )


def _first_trial(spec: StudySpec) -> TrialConfig:
    return spec.trial.bind(spec.trial.complete({}), 0)


def _prepare(spec: StudySpec, cache: Path) -> dict[str, object]:
    """Decode the photographs of the study's first configuration with a progress bar; return what was found, for env.json."""
    from raysearch.train.prepare import prepare

    splits: tuple[Split, ...] = ("train", "validation", "test") if spec.confirm.top else ("train", "validation")
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done)

        sets = prepare(_first_trial(spec), cache, splits, show)
    return {f"{one.split} {one.dataset}": {k: v for k, v in asdict(one).items() if v is not None} for one in sets}


def _write_thumbnails(spec: StudySpec, cache: Path, folder: RunFolder) -> None:
    from raysearch.train.prepare import write_thumbnails

    write_thumbnails(_first_trial(spec), cache, folder.path / "photographs")


@click.command("resume")
@run_argument
@driving_options
@click.option("--repair", "mend", is_flag=True, help="Cut a damaged journal back to its valid part (a copy is kept), then go on.")
@click.pass_context
def resume_command(ctx: click.Context, run: str, driving: Driving, mend: bool) -> int:
    """Go on with RUN: no finished trial runs again, and a running one loses at most one report interval."""
    folder = RunFolder.open(run, driving.runs)
    if mend:
        with folder.lock(time.time()):
            done = repair(folder.journal)
        click.echo(f"kept {done.kept} records, cut {done.dropped} bytes off; the journal as it was: {done.copy}")
        for moved in done.moved:
            click.echo(f"set aside: {moved}")
    return _drive(folder, ctx, driving)


def _drive(folder: RunFolder, ctx: click.Context, driving: Driving) -> int:
    """Run or resume a study in its folder, show it, and write its report."""
    from raysearch.search.driver import resume_study
    from raysearch.search.options import DriverOptions

    view = StudyView.of(summary(open_run(folder.path)))
    if folder.journal.exists():
        for event in JournalReader(folder.journal):
            view.feed(event)
        view.resume_here()
    started = time.monotonic()
    with Screen(view, folder, plain=driving.plain) as screen:
        options = DriverOptions(
            cache=driving.cache,
            address=driving.address,
            cpus=driving.cpus,
            progress=_Progress(screen, folder),
            command=tuple(sys.argv),
            allow_imports=bool(ctx.obj["allow_import"]),
        )
        outcome = resume_study(folder, options)
    return _conclude(folder, outcome, report=driving.report, seconds=time.monotonic() - started)


def _conclude(folder: RunFolder, outcome: Outcome, *, report: bool, seconds: float) -> int:
    from raysearch.cli.console import duration

    if outcome.status == "interrupted":
        click.echo(f"interrupted; everything is kept. Go on with: raysearch resume {folder.path}", err=True)
        return outcome.exit_code
    if report:
        from raysearch.report.page import write_report

        record = open_run(folder.path)
        tables_of(record).write(folder.tables)
        path = write_report([record], [folder.path], folder.report)
        click.echo(f"report: {path}; its tables as Parquet and CSV: {folder.tables}")
    if outcome.problem is not None:
        raise outcome.problem
    if outcome.best is not None:
        click.echo(f"best search trial: {outcome.best.trial:04d}; raysearch best {folder.path} prints its configuration")
    click.echo(f"done in {duration(seconds)}")
    return 0
