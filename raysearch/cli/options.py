"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import platformdirs

DEFAULT_CACHE = Path(platformdirs.user_cache_dir("raysearch"))

runs_option = click.option(
    "--runs", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), show_default=True, help="Folder of all runs."
)
cache_option = click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_CACHE,
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
