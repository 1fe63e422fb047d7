"""`export`: a run in the forms that other programs read. Torch and Ray are not loaded."""

from __future__ import annotations

import json
from pathlib import Path

import click

from raysearch.cli.options import json_option, run_argument, runs_option
from raysearch.results.folder import RunFolder
from raysearch.results.record import RunRecord
from raysearch.results.run import open_run


@click.command("export")
@run_argument
@click.option("--format", "form", type=click.Choice(["parquet", "csv", "mlflow", "optuna"]), required=True, help="What to write.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A folder; for optuna a file.")
@runs_option
@json_option
def export_command(run: str, form: str, out: Path, runs: Path, as_json: bool) -> None:
    """Write RUN for other programs.

    \b
    parquet, csv   tables of trials, steps and images, to a folder
    mlflow         an experiment in a folder of MLflow's file store (mlflow ui --backend-store-uri FOLDER)
    optuna         a study in a journal file (optuna-dashboard FILE)
    """
    record = open_run(RunFolder.open(run, runs).path)
    for sentence in record.missing:
        click.echo(f"note: {sentence}", err=True)
    trials = _write(record, form, out)
    click.echo(json.dumps({"out": str(out), "trials": trials}) if as_json else f"wrote {trials} trials to {out}")


def _write(record: RunRecord, form: str, out: Path) -> int:
    if form == "optuna":
        from raysearch.search.optuna_file import write_optuna

        return write_optuna(record, out)
    if form == "mlflow":
        from raysearch.results.mlflow_folders import write_mlflow

        return write_mlflow(record, out)
    from raysearch.results.tables import tables_of

    tables_of(record).write(out, ("parquet",) if form == "parquet" else ("csv",))
    return len(record.trials)
