"""From a study's file to a run, and from a run to its report: what `run`, `resume`, `fork`, `retry` and `extend` share."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TaskID

from raysearch.cli.confirmed import headline
from raysearch.cli.console import Screen, StudyView, duration
from raysearch.cli.options import Driving
from raysearch.errors import RunExists, SpecError
from raysearch.results.events import Event
from raysearch.results.folder import RunFolder
from raysearch.results.journal import JournalReader, new_journal
from raysearch.results.run import open_run
from raysearch.results.summary import summary
from raysearch.results.tables import tables_of

if TYPE_CHECKING:
    from raysearch.data.base import Split
    from raysearch.search.options import Outcome
    from raysearch.search.orders import Order
    from raysearch.search.progress import Summary
    from raysearch.search.session import Session
    from raysearch.search.study import StudySpec
    from raysearch.spec.findings import Finding
    from raysearch.spec.trial import TrialConfig


def print_findings(findings: Iterable[Finding]) -> None:
    """Print what was found wrong with a study."""
    for finding in findings:
        colour = "yellow" if finding.severity == "warning" else "red"
        click.secho("warning: " if finding.severity == "warning" else "error: ", fg=colour, bold=True, err=True, nl=False)
        click.echo(str(finding), err=True)


@dataclass(frozen=True)
class WarmStart:
    """Runs that a new one learns from: see `raysearch.search.importing`; None where there is none."""

    imported: str | None = None
    transfer: str | None = None


def start(
    ctx: click.Context,
    space: Path,
    name: str | None,
    profile: str | None,
    settings: Sequence[str],
    if_exists: Literal["fail", "resume", "new"],
    warm: WarmStart,
    driving: Driving,
) -> int:
    """Examine a study, make its run, and drive it to its end."""
    from raysearch.results.environment import capture

    spec = _examined(space, profile, settings, driving)
    if warm.transfer is not None:
        spec = _with_transferred(spec, RunFolder.open(warm.transfer, driving.runs))
    name = spec.name if name is None else name
    there = RunFolder(driving.runs / name)
    if if_exists == "resume" and there.is_run:
        _refuse_another_study(there, spec)
        return drive(there, ctx, driving)
    environment = capture(sys.argv, Path.cwd())
    free = if_exists == "new" or not there.path.exists()
    if driving.local and free:  # a cluster decodes where its trials run; a taken name is refused below
        environment["data"] = _prepare(spec, driving.cache)
    events = _imported(spec, RunFolder.open(warm.imported, driving.runs), environment) if warm.imported and free else ()
    folder = RunFolder.create(driving.runs, name, if_exists="new" if if_exists == "new" else "fail")
    if events:
        new_journal(folder.journal, events)  # before the study: a run without one can't be resumed, and then not without these
    folder.write_study(space.read_bytes(), spec.to_data())
    folder.write_environment(environment)
    if driving.local:
        _write_thumbnails(spec, driving.cache, folder)
    return drive(folder, ctx, driving)


def fetched(name: str, uri: str, root: Path) -> RunFolder:
    """Fetch a run from its storage, whose trials then fetch their checkpoints themselves.

    Raises:
        RunExists: a run of that name is here.
        PreflightError: it is not in the storage.
    """
    from raysearch.results.storage import Storage, fetch_run

    storage = Storage.open(uri).child(name)
    folder = RunFolder.create(root, name)
    try:
        fetch_run(storage, folder.path)
    except BaseException:
        shutil.rmtree(folder.path)
        raise
    click.echo(f"fetched {storage.uri}")
    return folder


def forget_driver(folder: RunFolder) -> None:
    """Remove the lock of a driver that is gone from the run's storage."""
    from raysearch.search.remote import take_over

    storage = open_run(folder.path).spec.get("storage")
    if not isinstance(storage, str):
        raise SpecError(f"run {folder.name} has no storage", place="--take-over", remedy="leave it out")
    take_over(folder, storage)


def _examined(space: Path, profile: str | None, settings: Sequence[str], driving: Driving) -> StudySpec:
    """Return a study in which nothing was found wrong; print warnings."""
    from raysearch.search.capacity import ANY_CAPACITY
    from raysearch.search.preflight import examine
    from raysearch.spec.findings import refuse

    # What a remote cluster holds is known once it is connected; the driver refuses what does not fit then.
    capacity = None if driving.local else ANY_CAPACITY
    examination = examine(space, profile, settings, capacity=capacity, runs=driving.runs)
    print_findings(f for f in examination.findings if f.severity == "warning")
    refuse(examination.findings)
    if examination.study is None:
        raise AssertionError("a study without findings is valid")
    return examination.study.spec


def _with_transferred(spec: StudySpec, folder: RunFolder) -> StudySpec:
    """Return a study that tries the best configurations of another run after those that it publishes itself."""
    from raysearch.search.importing import transferred

    found = transferred(spec, open_run(folder.path))
    click.echo(f"transfer: {len(found)} configurations of run {folder.name} are tried first")
    return spec.model_copy(update={"published": (*spec.published, *found)})


def _imported(spec: StudySpec, folder: RunFolder, environment: Mapping[str, object]) -> Sequence[Event]:
    """Return the events of the trials that a study takes over from another run; say which it does not, and why."""
    from raysearch.search.importing import described, import_run, require_same_data

    record = open_run(folder.path)
    data = environment.get("data")
    if not require_same_data(record, data if isinstance(data, Mapping) else {}):
        click.echo(f"note: the photographs of run {folder.name} were not recorded; only configurations are compared", err=True)
    found = import_run(spec, record)
    click.echo(f"import: {found.taken} trials of run {folder.name}")
    for reason in described(found.refused):
        click.echo(f"  not taken: {reason}")
    return found.events


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

    def on_trouble(self, text: str) -> None:
        """Show what the study waits for."""
        with suppress(OSError):  # the terminal may be gone, and the study waits all the same
            self.screen.say(text)

    def on_event(self, event: Event, summary: Summary) -> None:
        """Show an event."""
        self.screen.on_event(event)


def drive(folder: RunFolder, ctx: click.Context, driving: Driving, orders: tuple[Order, ...] = ()) -> int:
    """Run or resume a study in its folder, after what the user orders of it; show it, and write its report."""
    from raysearch.search.driver import resume_study
    from raysearch.search.options import DriverOptions

    view = StudyView.of(open_run(folder.path))
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
            orders=orders,
            accept_changes=driving.accept_changes,
        )
        outcome = resume_study(folder, options)
    return _conclude(folder, outcome, report=driving.report, seconds=time.monotonic() - started)


def _conclude(folder: RunFolder, outcome: Outcome, *, report: bool, seconds: float) -> int:
    if outcome.status == "interrupted":
        click.echo(f"interrupted; everything is kept. Go on with: raysearch resume {folder.path}", err=True)
        return outcome.exit_code
    if report:
        from raysearch.report.page import write_report

        record = open_run(folder.path)
        tables_of(record).write(folder.tables)
        path = write_report([record], [folder.path], folder.report)
        click.echo(f"report: {path}; its tables as Parquet and CSV: {folder.tables}")
        if isinstance(storage := record.spec.get("storage"), str):
            from raysearch.search.remote import copy_report

            copy_report(folder, storage)
    if outcome.problem is not None:
        raise outcome.problem
    if outcome.best is not None:
        click.echo(f"{headline(summary(open_run(folder.path)))}; raysearch best {folder.path} prints the winner's configuration")
    click.echo(f"done in {duration(seconds)}")
    return 0
