"""`report`, `compare`, `index`: pages and tables about one or several runs. Neither torch nor Ray is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from raysearch.cli.options import json_option, runs_option
from raysearch.errors import SpecError
from raysearch.results.folder import RunFolder
from raysearch.results.record import RunRecord
from raysearch.results.run import open_run

if TYPE_CHECKING:
    from raysearch.report import document
    from raysearch.report.budgets import Budget
    from raysearch.report.contrasts import Contrasts
    from raysearch.report.sides import Phase

REPORT = "report.html"
INDEX = "index.html"

out_option = click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Where to write it.")
runs_argument = click.argument("run", nargs=-1, required=True)


def _opened(names: tuple[str, ...], runs: Path) -> tuple[list[RunFolder], list[RunRecord]]:
    folders = [RunFolder.open(name, runs) for name in names]
    records = [open_run(folder.path) for folder in folders]
    for record in records:
        for sentence in record.missing:
            click.echo(f"note: {sentence}" if len(records) == 1 else f"note: {record.name}: {sentence}", err=True)
    return folders, records


@click.command("report")
@runs_argument
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Default: report.html in the run's folder; of several runs in the folder of all runs.",
)
@click.option(
    "--max-mb", type=click.FloatRange(0.5), default=8.0, show_default=True, help="Leave out crops until it is this small."
)
@click.option(
    "--export",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Also write every table as CSV and LaTeX and every figure as SVG and PDF into this folder.",
)
@click.option("--by", multiple=True, metavar="PATH", help="Also compare the values of a setting (trial.sampler.kind).")
@click.option("--anonymous", "hide", is_flag=True, help="Leave out host, commit and folders.")
@runs_option
@json_option
def report_command(
    run: tuple[str, ...],
    out: Path | None,
    max_mb: float,
    export: Path | None,
    by: tuple[str, ...],
    hide: bool,
    runs: Path,
    as_json: bool,
) -> None:
    """Write the HTML report of one or several runs: one file that needs no network."""
    from raysearch.report.anonymous import anonymous
    from raysearch.report.page import write_report

    folders, records = _opened(run, runs)
    if hide:
        records = [anonymous(record) for record in records]
    target = out or (folders[0].report if len(folders) == 1 else runs / REPORT)
    path = write_report(records, [folder.path for folder in folders], target, max_mb=max_mb, export=export, by=by)
    click.echo(json.dumps({"report": str(path), "export": str(export) if export else None}) if as_json else f"wrote {path}")
    if export is not None and not as_json:
        click.echo(f"wrote tables and figures to {export}")


@click.command("compare")
@runs_argument
@click.option("--by", default=None, metavar="PATH", help="Compare the values of a setting instead: trial.sampler.kind.")
@click.option(
    "--at",
    "budget",
    type=click.Choice(["steps", "pixels", "seconds"]),
    default=None,
    help="What trainings have to have spent alike (default: pixels, or steps where pixels are not recorded).",
)
@click.option(
    "--phase",
    type=click.Choice(["confirm", "search"]),
    default=None,
    help="With --by: which trials (default: those of the confirmation if they differ in it, else of the search).",
)
@click.option(
    "--reference", default=None, metavar="NAME", help="The run or value to compare with (default: the first, the baseline's)."
)
@click.option("--other-training-data", is_flag=True, help="Allow trainings on different photographs.")
@runs_option
@json_option
def compare_command(
    run: tuple[str, ...],
    by: str | None,
    budget: Budget | None,
    phase: Phase | None,
    reference: str | None,
    other_training_data: bool,
    runs: Path,
    as_json: bool,
) -> None:
    """Compare the winners of two or more runs, or the values of a setting in RUN, at an equal budget."""
    from raysearch.report.contrasts import contrasts
    from raysearch.report.sections.contrasts import refusals
    from raysearch.report.sides import referred, sides_by, sides_of_runs
    from raysearch.report.view import view

    if by is None and len(run) < 2:
        raise SpecError(
            "one run can't be compared with nothing", place="RUN", remedy="name another run, or --by a setting of its trials"
        )
    if by is None and phase is not None:
        raise SpecError(
            "--phase is about the trials of a setting", place="--phase", remedy="name the setting: --by trial.sampler.kind"
        )
    folders, records = _opened(run, runs)
    views = [view(record, folder.path, f"r{i}") for i, (record, folder) in enumerate(zip(records, folders, strict=True), 1)]
    sides = sides_of_runs(views) if by is None else sides_by(views, by, phase)
    found = contrasts(referred(sides, reference), by or "", budget, other_training_data=other_training_data)
    refused = refusals(found)
    if all(row.numbers is None for row in found.rows):
        raise SpecError("; ".join(refused), place="RUN", remedy="compare runs of one objective, task, protocol and data")
    if as_json:
        click.echo(json.dumps(_plain(found)))
    else:
        _print(found)


def _print(found: Contrasts) -> None:
    from raysearch.report.sections.contrasts import notes, refusals, table

    laid = table(found)
    console = Console()
    console.print(laid.caption, markup=False, highlight=False)
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in laid.columns:
        shown.add_column(column.title, justify="right" if column.align == "number" else "left")
    for row in laid.rows:
        shown.add_row(*(_cell(cell) for cell in row))
    console.print(shown)
    for line in (*laid.notes, *(f"{one}." for one in refusals(found)), *notes(found)):
        console.print(line, markup=False, highlight=False, style="dim")


def _cell(cell: document.Cell) -> str:
    from rich.markup import escape

    return escape(f"{cell.line}\n{cell.note}" if cell.note else cell.line)


def _plain(found: Contrasts) -> dict[str, object]:
    """Return the comparison as plain data; a number that does not exist is null."""
    from raysearch.report.sections.contrasts import notes

    rows: list[dict[str, object]] = []
    for row in found.rows:
        one: dict[str, object] = {"name": row.side.name, "reference": row.reference.name, "problem": row.problem}
        one |= {"trials": [trial.number for trial in row.side.trials], "reference_trials": [t.number for t in row.reference.trials]}
        if row.numbers is not None:
            numbers = row.numbers
            measured = {"difference": numbers.difference, "low": numbers.low, "high": numbers.high, "p": numbers.p}
            measured |= {
                "p_corrected": numbers.corrected,
                "d": numbers.effect.d,
                "d_low": numbers.effect.low,
                "d_high": numbers.effect.high,
            }
            one |= {key: value if value == value else None for key, value in measured.items()}
            one |= {"identical": numbers.identical, "basis": row.basis, "how": row.how, "budget": row.limit}
        rows.append(one)
    return {"by": found.by, "metric": found.metric.name, "budget": found.budget, "rows": rows, "notes": list(notes(found))}


@click.command("index")
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Default: index.html in the folder of all runs.",
)
@runs_option
@json_option
def index_command(out: Path | None, runs: Path, as_json: bool) -> None:
    """Write a page that lists all runs, with links to their reports: one file that needs no network."""
    from raysearch.report.index import write_index

    path = write_index(runs, out or runs / INDEX)
    click.echo(json.dumps({"index": str(path)}) if as_json else f"wrote {path}")
