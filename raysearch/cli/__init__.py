"""The command line: parse, call one function, print, exit with a code.

Commands are found by name when they are used, so that `raysearch ls` starts without torch and Ray. Exit codes: 0 done,
1 unexpected, 2 usage or an invalid file, 3 data, disk or cluster refused, 4 too many failed trials, 5 no feasible trial, 6 the run
exists or is locked, 7 state damaged, 129, 130 and 143 interrupted and resumable.
"""

from __future__ import annotations

import errno
import importlib
import sys
from pathlib import Path

import click

from raysearch import __version__
from raysearch.component import allow_imports
from raysearch.errors import RaysearchError, StorageError
from raysearch.train.patience import DISK, refusal

COMMANDS = {
    "init": ("study", "Write a commented study to start from."),
    "check": ("study", "Find everything wrong with a study before it starts."),
    "run": ("study", "Search, confirm and report."),
    "resume": ("study", "Go on with an interrupted run, or with more budget."),
    "stop": ("life", "End a run's driver; the run can be resumed."),
    "retry": ("life", "Give failed trials another attempt."),
    "extend": ("life", "Train one trial longer."),
    "fork": ("life", "Go on in another space with the trials that fit it."),
    "gc": ("life", "Delete checkpoints that a run can do without."),
    "ls": ("readers", "List runs, or the trials of a run."),
    "show": ("readers", "Show a run or one of its trials."),
    "watch": ("readers", "Follow a running study."),
    "best": ("readers", "Print the best configuration as YAML."),
    "report": ("reports", "Write the HTML report of one or several runs."),
    "compare": ("reports", "Compare runs, or the values of a setting."),
    "index": ("reports", "Write a page that lists all runs."),
    "export": ("export", "Write a run for other programs: Parquet, CSV, MLflow, Optuna."),
    "train": ("networks", "Train one configuration, without Ray."),
    "eval": ("networks", "Evaluate a checkpoint on photographs."),
    "restore": ("networks", "Restore a folder of images with a checkpoint."),
    "weights": ("weights", "Inspect, import and interpolate weights."),
    "data": ("data", "Look at photographs: counts, scores of patches, leaks."),
    "erf": ("erf", "Measure the effective receptive field of a network."),
    "bench": ("bench", "Measure networks, searches and overhead."),
    "doctor": ("doctor", "Check this machine: versions, disk, ports, GPUs."),
}
"""Every command: the module in `raysearch.cli` that holds it, and its line in the help."""


class Commands(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of a user's day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or None when there is no such name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"raysearch.cli.{COMMANDS[cmd_name][0]}")
        command = getattr(module, f"{cmd_name}_command")
        if not isinstance(command, click.Command):
            raise TypeError(f"{cmd_name} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="raysearch")
@click.option("--debug", is_flag=True, help="Show tracebacks of errors.")
@click.option("--allow-import", is_flag=True, help="Let `kind: package.module` import components from outside raysearch.")
@click.pass_context
def group(ctx: click.Context, debug: bool, allow_import: bool) -> None:
    """Search hyperparameters and patch-sampling strategies for image restoration on Ray.

    RUN is the name of a run, its folder, or @last.
    """
    ctx.obj = {"debug": debug, "allow_import": allow_import}
    if allow_import:
        allow_imports()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit. Errors of the user print one screen, without a traceback."""
    debug = "--debug" in (sys.argv[1:] if arguments is None else arguments)
    try:
        result = group.main(arguments, prog_name="raysearch", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except RaysearchError as error:
        if debug:
            raise
        click.secho("error: ", fg="red", bold=True, err=True, nl=False)
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        if debug or error.errno not in {*DISK, errno.EACCES, errno.EPERM}:
            raise
        click.secho("error: ", fg="red", bold=True, err=True, nl=False)
        click.echo(str(refusal(error, Path(error.filename or "."))), err=True)
        sys.exit(StorageError.exit_code)
    sys.exit(result if isinstance(result, int) else 0)
