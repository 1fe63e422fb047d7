"""`ls`, `show`, `watch`, `best`: what a run's folder tells. Neither torch nor Ray is loaded."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from raysearch.cli.confirmed import SELECTED, confirmation_lines, further_lines, headline, worth
from raysearch.cli.console import Screen, StudyView, duration, metric_text, value_text, values_text
from raysearch.cli.early import early_line, early_warning, rungs_of
from raysearch.cli.front import Pick, front_lines, picked, score_text
from raysearch.cli.live import follow_page
from raysearch.cli.options import json_option, run_argument, runs_option
from raysearch.errors import NoFeasibleTrial, SpecError
from raysearch.results.events import DriverStopped, Event
from raysearch.results.folder import RunFolder, list_runs
from raysearch.results.journal import JournalReader
from raysearch.results.record import RunRecord, TrialRecord
from raysearch.results.run import open_run
from raysearch.results.rungs import agreements
from raysearch.results.summary import summary
from raysearch.results.yaml_text import to_yaml


def _ranked(record: RunRecord) -> list[TrialRecord]:
    """Finished search trials, best first."""
    done = [t for t in record.trials if t.phase == "search" and t.status == "finished" and t.value is not None]
    return sorted(done, key=lambda t: t.value or 0.0, reverse=summary(record).mode == "max")


def _warn(record: RunRecord) -> None:
    for sentence in record.missing:
        click.echo(f"note: {sentence}", err=True)


def _trial_data(trial: TrialRecord) -> dict[str, object]:
    names = ("phase", "role", "status", "step", "steps", "value", "seconds", "seed", "values", "reason", "retries", "facts")
    return {"trial": trial.number} | {name: getattr(trial, name) for name in names}


@click.command("ls")
@click.argument("run", required=False)
@runs_option
@json_option
def ls_command(run: str | None, runs: Path, as_json: bool) -> None:
    """List all runs, or the trials of RUN."""
    if run is None:
        records = [open_run(folder.path) for folder in list_runs(runs)]
        if as_json:
            click.echo(json.dumps([asdict(summary(record)) for record in records]))
        elif not records:
            click.echo(f"no run in {runs}; start one: raysearch run search_spaces/patchnet.yaml")
        else:
            _print_runs(records)
        return
    record = open_run(RunFolder.open(run, runs).path)
    _warn(record)
    if as_json:
        click.echo(json.dumps([_trial_data(t) for t in record.trials]))
    else:
        _print_trials(record)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, no_wrap=name != "values")
    return table


def _print_runs(records: list[RunRecord]) -> None:
    table = _table("run", "state", "trials", "value", "time", "trial time")
    for record in records:
        run = summary(record)
        best = headline(run)
        if run.front:
            best += f", front of {len(run.front)}, knee {run.knee:04d}"
        trials = f"{run.ended}/{run.planned or len(record.trials)}"
        table.add_row(run.name, run.state, trials, best, duration(run.wall_seconds), duration(run.seconds))
    Console().print(table)


def _print_trials(record: RunRecord) -> None:
    table = _table("trial", "phase", "role", "state", "step", summary(record).metric, "time", "values")
    for t in record.trials:
        value = metric_text(t.value)
        shown = values_text(t.values) + (f"  {t.reason}" if t.reason else "")
        step = f"{t.step}/{t.steps}"
        table.add_row(f"{t.number:04d}", t.phase, t.role, t.status or "unfinished", step, value, duration(t.seconds), shown)
    Console().print(table)


@click.command("show")
@run_argument
@click.option("--trial", "number", type=click.IntRange(0), default=None, help="One trial with its configuration and curve.")
@runs_option
@json_option
def show_command(run: str, number: int | None, runs: Path, as_json: bool) -> None:
    """Show RUN: its state, its best trials, its confirmation; or one trial."""
    record = open_run(RunFolder.open(run, runs).path)
    _warn(record)
    if number is not None:
        _show_trial(record, number, as_json)
        return
    study = summary(record)
    if as_json:
        click.echo(json.dumps(asdict(study) | {"best_trials": [_trial_data(t) for t in _ranked(record)[:5]]}))
        return
    counts = ", ".join(f"{count} {status}" for status, count in study.counts.items())
    click.echo(f"{study.name}: {study.state}; {counts or 'no trial yet'}; {duration(study.wall_seconds)}")
    for line in confirmation_lines(record, study):
        click.echo(line)
    best = _ranked(record)[:5]
    if best:
        click.echo(f"  best of the search, {SELECTED}:")
    for t in best:
        click.echo(f"  trial {t.number:04d}  {study.metric} {metric_text(t.value)}  {values_text(t.values)}")
    for line in front_lines(record):
        click.echo(line)
    for notice in study.notices:
        click.echo(f"  warning: {notice}")
    found = agreements(record.trials, study.metric, rungs_of(record.spec))
    if line := early_warning(found) or early_line(found):
        click.echo(f"  {line}")
    for line in further_lines(record, study):
        click.echo(line)
    for failure in study.failures:
        click.echo(f"  {len(failure.trials)} x {failure.status}: {failure.reason}")


def _show_trial(record: RunRecord, number: int, as_json: bool) -> None:
    trial = next((t for t in record.trials if t.number == number), None)
    if trial is None:
        raise SpecError(f"run {record.name} has no trial {number}", remedy=f"it has trials 0 to {len(record.trials) - 1}")
    if as_json:
        curve = [{"step": p.step, **p.metrics} for p in trial.reports]
        click.echo(json.dumps(_trial_data(trial) | {"config": trial.config, "reports": curve}))
        return
    state = f"{trial.status or 'unfinished'} {trial.reason}".rstrip()
    click.echo(f"trial {trial.number:04d} of {record.name}: {trial.phase} {trial.role}, {state}")
    for name, value in trial.values.items():
        click.echo(f"  {name} = {value_text(value)}")
    for point in trial.reports:
        click.echo(f"  step {point.step:>7}  " + "  ".join(f"{k} {v:.4g}" for k, v in sorted(point.metrics.items())))
    click.echo(to_yaml(trial.config))


@click.command("best")
@run_argument
@click.option("-k", "count", type=click.IntRange(1), default=1, show_default=True, help="How many, best first, as YAML documents.")
@click.option(
    "--pick",
    type=click.Choice(["headline", "knee", "front"]),
    default="headline",
    show_default=True,
    help="With several objectives: the best by the first one, the knee of the Pareto front, or all of the front.",
)
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Write to a file instead.")
@runs_option
@json_option
def best_command(run: str, count: int, pick: Pick, out: Path | None, runs: Path, as_json: bool) -> None:
    """Print the best configuration of RUN's search as YAML that `raysearch train` accepts."""
    record = open_run(RunFolder.open(run, runs).path)
    _warn(record)
    best = picked(record, pick, _ranked(record))
    best = best if pick == "front" else best[:count]
    if not best:
        raise NoFeasibleTrial(
            f"run {record.name} has no finished trial yet", remedy="raysearch watch shows it; raysearch resume goes on"
        )
    if as_json:
        text = json.dumps([_trial_data(t) | {"config": t.config} for t in best]) + "\n"
    else:
        run_summary = summary(record)
        metric = run_summary.metric
        parts = [
            f"# trial {t.number} of run {record.name}: "
            f"{score_text(record, t, metric)}\n# {worth(run_summary, t)}\n{to_yaml(t.config)}"
            for t in best
        ]
        text = "---\n".join(parts)
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text)
        click.echo(f"wrote {out}")


@click.command("watch")
@run_argument
@click.option("--plain", is_flag=True, help="Lines instead of a live table.")
@click.option("--once", is_flag=True, help="Show what there is and stop.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Write the report to a file instead, again and again; the page loads itself anew until the study ends.",
)
@click.option("--every", type=click.IntRange(1), default=5, show_default=True, help="Seconds between two pages of --html.")
@runs_option
@json_option
def watch_command(run: str, plain: bool, once: bool, html: Path | None, every: int, runs: Path, as_json: bool) -> None:
    """Follow RUN until its driver stops; reads its folder only, so it works from anywhere and disturbs nothing."""
    folder = RunFolder.open(run, runs)
    if html is not None:
        follow_page(folder, html, every, once=once, as_json=as_json)
        return
    if as_json:
        for event in _follow(folder, once=once):
            click.echo(event.model_dump_json())
        return
    view = StudyView.of(open_run(folder.path))
    with Screen(view, folder, plain=plain) as screen:
        for event in _follow(folder, once=once):
            screen.on_event(event)
    if not once and folder.holder() is not None:
        click.echo(f"its driver is gone; go on with: raysearch resume {folder.path}")


def _follow(folder: RunFolder, *, once: bool) -> Iterator[Event]:
    """Give out a run's events as they are written, until its driver has stopped or is gone."""
    reader = JournalReader(folder.journal)
    while True:
        stopped = False
        holder = folder.holder()  # asked before reading: what a driver wrote before it died is read
        for event in reader:
            yield event
            stopped = isinstance(event, DriverStopped)
        if once or stopped or holder is None or holder.life == "dead":
            return
        time.sleep(0.5)
