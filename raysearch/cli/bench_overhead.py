"""`bench overhead`: what a study costs beside its training."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from raysearch.cli.options import json_option, runs_option

if TYPE_CHECKING:
    from raysearch.search.overhead import Load, Pair

Part = Literal["trials", "journal", "load"]
PARTS: tuple[Part, ...] = ("trials", "journal", "load")
REPORTS = (1, 20)
"""Reports of an empty trial."""


@click.command("overhead")
@click.option("--part", "chosen", type=click.Choice(PARTS), multiple=True, help="Measure this part only (repeat).")
@click.option("--pairs", type=click.IntRange(1), default=3, show_default=True, help="Comparisons with Ray Tune; medians are shown.")
@click.option("--trials", type=click.IntRange(1), default=40, show_default=True, help="Empty trials on each side of a comparison.")
@click.option("--seconds", type=click.IntRange(5), default=30, show_default=True, help="Reports of each trial under load.")
@runs_option
@json_option
def overhead_command(chosen: tuple[Part, ...], pairs: int, trials: int, seconds: int, runs: Path, as_json: bool) -> None:
    """Measure what a study costs: empty trials against bare Ray Tune and Optuna, the journal, a resume, the driver.

    trials: one at a time, with 1 and with 20 reports, in reused processes. journal: appends on the disk of the runs, and 10,000
    trials read back. load: 16 trials that report once a second each. Ray is started several times; that takes minutes.
    """
    runs.mkdir(parents=True, exist_ok=True)
    parts = chosen or PARTS
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix=".overhead-", dir=runs) as place:
        folder = Path(place)
        for part, measure in (("journal", _journal), ("trials", _trials), ("load", _load)):
            if part in parts:
                found[part], lines = measure(folder, pairs, trials, seconds)
                if not as_json:
                    click.echo("\n".join(lines))
    if as_json:
        click.echo(json.dumps(found))


def _journal(folder: Path, pairs: int, trials: int, seconds: int) -> tuple[dict[str, object], list[str]]:
    from raysearch.search.journal_speed import appends, replayed

    once = appends(folder)
    back = [replayed(folder, reports=reports) for reports in REPORTS]
    lines = [f"journal: a record is on the disk after {once.median_ms:.2f} ms (median; 95 % within {once.p95_ms:.2f} ms)"]
    for one in back:
        memory = "" if one.memory_mb is None else f", {one.memory_mb:.0f} MiB of memory"
        size, work = f"{one.records:,} records, {one.mb:.0f} MB", f" ({one.cpu_seconds:.2f} s of a processor)"
        lines.append(
            f"journal: {one.trials:,} trials with {_reports(one.reports)} ({size}) read in {one.seconds:.2f} s{work}{memory}"
        )
    return {"append": asdict(once), "replay": [asdict(one) for one in back]}, lines


def _trials(folder: Path, pairs: int, trials: int, seconds: int) -> tuple[dict[str, object], list[str]]:
    from raysearch.search import overhead

    measured: dict[str, object] = {}
    lines = [f"trials: seconds for each of {trials} empty trials, one at a time (median of {pairs} pairs)"]
    for reports in REPORTS:
        both = overhead.pairs(pairs, trials, reports, folder, _said)
        bare = overhead.with_optuna(trials, reports)
        measured[str(reports)] = {"pairs": [asdict(pair) | {"ratio": pair.ratio} for pair in both], "optuna": bare}
        lines.append(_compared(both, bare, reports))
    return measured, lines


def _said(pair: Pair) -> None:
    """Show that something goes on; the numbers on the terminal's other stream are not part of the result."""
    line = f"{_reports(pair.reports)}: Ray Tune {pair.tune:.3f} s, raysearch {pair.raysearch:.3f} s, {pair.ratio:.2f} times"
    click.echo(line, err=True)


def _compared(both: Sequence[Pair], bare: float, reports: int) -> str:
    tune, ours, ratio = (
        statistics.median(values) for values in ([p.tune for p in both], [p.raysearch for p in both], [p.ratio for p in both])
    )
    return f"  {_reports(reports):>10}: raysearch {ours:.3f}, Ray Tune {tune:.3f}, Optuna {bare:.4f}; {ratio:.2f} times Ray Tune"


def _load(folder: Path, pairs: int, trials: int, seconds: int) -> tuple[dict[str, object], list[str]]:
    from raysearch.search.overhead import load, load_of_tune

    ours, tune = load(folder, seconds=seconds), load_of_tune(folder, seconds=seconds)
    what = f"{ours.trials} trials, {ours.reports_per_second:.1f} reports a second for {ours.seconds:.0f} s"
    lines = [f"load: {what}: the driver takes {_burden(ours)}", f"      the same in bare Ray Tune: {_burden(tune)}"]
    return {"raysearch": asdict(ours), "tune": asdict(tune)}, lines


def _burden(found: Load) -> str:
    memory = ""
    if found.memory_mb is not None and found.grown_mb is not None:
        memory = f", {found.memory_mb:.0f} MiB of memory, {found.grown_mb:+.1f} MiB meanwhile"
    return f"{100 * found.cpu_share:.1f} % of a processor{memory}"


def _reports(count: int) -> str:
    return f"{count} report{'s' if count > 1 else ''}"
