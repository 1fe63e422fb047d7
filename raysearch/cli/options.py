"""Options that several commands share."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import platformdirs
from click.core import ParameterSource

from raysearch.errors import PreflightError

DEFAULT_CACHE = Path(platformdirs.user_cache_dir("raysearch"))
CACHE_HERE = Path(".raysearch-cache")
"""In its place where the user's home can't be written, as in many containers and on many clusters."""


def _writable_cache(context: click.Context, option: click.Parameter, cache: Path) -> Path:
    if _writable(cache):
        return cache
    if context.get_parameter_source(option.name or "") is not ParameterSource.DEFAULT:
        raise PreflightError(f"{cache} can't be written", place="--cache", remedy="choose another folder with --cache")
    click.echo(f"warning: {cache} can't be written; decoded photographs go to {CACHE_HERE} in this folder (or --cache)", err=True)
    return CACHE_HERE


def _writable(folder: Path) -> bool:
    """Say whether a folder, or the one in which it would be made, can be written."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if os.path.exists(place))
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


runs_option = click.option(
    "--runs", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), show_default=True, help="Folder of all runs."
)
cache_option = click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_CACHE,
    callback=_writable_cache,
    envvar="RAYSEARCH_CACHE",
    show_envvar=True,
    help="Folder of decoded photographs, shared by all trials of a machine.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
run_argument = click.argument("run")
profile_option = click.option("--profile", default=None, help="Lay a profile of the file over it, e.g. paper.")
set_option = click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Replace a value, e.g. trial.batch=8.")


@dataclass(frozen=True)
class Driving:
    """How `run` and `resume` drive a study; nothing in here changes its result."""

    address: str | None
    cpus: int | None
    runs: Path
    cache: Path
    plain: bool
    report: bool
    accept_changes: bool

    @property
    def local(self) -> bool:
        """Whether Ray is started here and not connected to."""
        return self.address in (None, "local")


_DRIVING = (
    click.option("--address", default=None, help="A running Ray: auto or HOST:PORT (default: a local one is started)."),
    click.option("--cpus", type=click.IntRange(1), default=None, help="CPUs that a local Ray hands out (default: all)."),
    runs_option,
    cache_option,
    click.option("--plain", is_flag=True, help="Lines instead of a live table."),
    click.option("--accept-changes", is_flag=True, help="Go on with a run though code, packages or study have changed since."),
    click.option("--report/--no-report", default=True, show_default=True, help="Write report.html and tables/ at the end."),
)


def driving_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add the options of `Driving` and hand them to the command as one argument ``driving``."""

    @functools.wraps(command)
    def call(
        *arguments: object,
        address: str | None,
        cpus: int | None,
        runs: Path,
        cache: Path,
        plain: bool,
        report: bool,
        accept_changes: bool,
        **rest: object,
    ) -> int:
        return command(*arguments, driving=Driving(address, cpus, runs, cache, plain, report, accept_changes), **rest)

    for option in reversed(_DRIVING):
        call = option(call)
    return call
