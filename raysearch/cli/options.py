"""Options that several commands share."""

from __future__ import annotations

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
