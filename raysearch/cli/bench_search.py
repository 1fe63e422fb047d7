"""`bench search`: ways to search on problems whose answers cost nothing."""

from __future__ import annotations

import json
import math
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from raysearch.cli.options import json_option
from raysearch.component import allow_imports, imports_allowed, names

if TYPE_CHECKING:
    from raysearch.search.contest import Standing


@click.command("search")
@click.option("--surrogate", default="restoration", show_default=True, help="A built-in problem, or module:Class.")
@click.option("--method", "chosen", multiple=True, help="Compare these only (repeat); ours is always there.")
@click.option("--seeds", type=click.IntRange(1), default=4, show_default=True, help="Searches of each method.")
@click.option("--first-seed", type=click.IntRange(0), default=0, show_default=True, help="The first of them.")
@click.option(
    "--runs",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A CSV file to add every search to; what it holds is not searched again.",
)
@click.option(
    "--seconds", type=click.FloatRange(0, min_open=True), default=60_000, show_default=True, help="Simulated time of one."
)
@click.option("--workers", type=click.IntRange(1), default=4, show_default=True, help="Simulated workers.")
@click.option("--processes", type=click.IntRange(1), help="Searches at a time; as many as there are processors by default.")
@click.option("--allow-import", is_flag=True, help="Let --surrogate import code from outside raysearch.")
@click.option("--list", "listing", is_flag=True, help="List problems and methods.")
@json_option
def search_command(
    surrogate: str,
    chosen: tuple[str, ...],
    seeds: int,
    first_seed: int,
    path: Path | None,
    seconds: float,
    workers: int,
    processes: int | None,
    allow_import: bool,
    listing: bool,
    as_json: bool,
) -> None:
    """Compare ways to search, ours and others', on a simulated cluster.

    Nothing is trained and Ray is not started. The final value is the noise-free one of the trial that a user would pick. Methods of
    Syne Tune take part where it is installed (pip install raysearch[peers]).
    """
    from raysearch.search.contest import OURS, Run, Setting, methods, race, standings, surrogate_of
    from raysearch.search.race_file import Key, RaceFile

    if allow_import:
        allow_imports()
    if listing:
        return _list(methods())
    problem = surrogate_of(surrogate)
    known = methods(problem)
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is no method here; choose among {', '.join(known)}", param_hint="--method")
    setting = Setting(surrogate, seconds, workers)
    run = [OURS, *(name for name in (chosen or known) if name != OURS)]
    processes = processes or len(os.sched_getaffinity(0))

    file = RaceFile(path) if path else None

    def known_run(name: str, seed: int) -> Run | None:
        return file.get(Key(setting, name, seed)) if file else None

    def told(name: str, seed: int, done: Run) -> None:
        if file:
            file.add(Key(setting, name, seed), done)
        if sys.stderr.isatty():
            click.echo(f"\r{name}: seed {seed}\x1b[K", nl=False, err=True)

    span = range(first_seed, first_seed + seeds)
    runs = race(setting, run, span, processes, imports=imports_allowed(), told=told, known=known_run)
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", nl=False, err=True)
    table = list(standings(runs, problem.mode))
    if as_json:
        every = {name: [asdict(one) for one in each] for name, each in runs.items()}
        data = {"setting": asdict(setting), "seeds": list(span), "targets": problem.targets, "methods": list(map(asdict, table))}
        click.echo(json.dumps(_finite({**data, "runs": every})))
        return None
    for line in _lines(table, problem.targets, "final" if problem.reference is None else "hypervolume"):
        click.echo(line)
    told_of = f"{surrogate}: seeds {span[0]} to {span[-1]}, {seconds:g} simulated seconds, {workers} workers"
    click.echo(f"{told_of}; times are medians, in seconds")
    return None


def _list(known: dict[str, str]) -> None:
    click.echo("problems: " + ", ".join(names("raysearch.search.surrogates")) + ", or module:Class with --allow-import")
    for name, words in known.items():
        click.echo(f"{name:20} {words}")


def _lines(table: list[Standing], targets: tuple[float, ...], title: str) -> list[str]:
    heads = ["method", title, "sd", *(f"s to {target:g}" for target in targets), "trials", "ours better by", "p (Wilcoxon)"]
    rows = [heads, *(_cells(one) for one in sorted(table, key=lambda one: one.gain if math.isfinite(one.gain) else 0.0))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]


def _cells(one: Standing) -> list[str]:
    times = ["-" if math.isinf(time) else f"{time:,.0f}" for time in one.times]
    gain, p = ("", "") if math.isnan(one.gain) else (f"{one.gain:+.3f}", "-" if math.isnan(one.p) else f"{one.p:.2g}")
    return [one.method, f"{one.mean:.3f}", f"{one.deviation:.3f}", *times, f"{one.trials:.0f}", gain, p]


def _finite(data: object) -> object:
    """Put null where JSON has no number."""
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
