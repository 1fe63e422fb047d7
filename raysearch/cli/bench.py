"""`bench`: measurements of raysearch itself and of what it trains."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from raysearch.cli.bench_overhead import overhead_command
from raysearch.cli.bench_search import search_command
from raysearch.cli.networks import device_of, device_option, threads_option
from raysearch.cli.options import json_option
from raysearch.errors import OutOfMemory

if TYPE_CHECKING:
    from raysearch.recipes.base import Precision
    from raysearch.train.speed import Speed


def size_of(context: click.Context, parameter: click.Parameter, text: str) -> tuple[int, int]:
    """Return height and width from ``480x320``, or from one number for both."""
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise click.BadParameter(f"{text!r} is no size in pixels; write 256 or 480x320", context, parameter)
    return int(parts[0]), int(parts[-1])


task_option = click.option("--task", default="gaussian_denoise", show_default=True, help="For a kind: the task or its YAML.")


@click.group("bench")
def bench_command() -> None:
    """Measure networks, searches and overhead."""


bench_command.add_command(search_command)
bench_command.add_command(overhead_command)


@bench_command.command("restore")
@click.argument("networks", nargs=-1, required=True, metavar="NETWORK...")
@task_option
@click.option("--size", callback=size_of, default="256x256", show_default=True, help="Of the degraded image, in pixels.")
@click.option("--batch", type=click.IntRange(1), default=1, show_default=True, help="Images at a time.")
@click.option("--warmup", type=click.IntRange(1), default=2, show_default=True, help="Passes that do not count.")
@click.option("--repeats", type=click.IntRange(1), default=10, show_default=True, help="Passes that count; the median is shown.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16", "float16", "auto"]),
    default="float32",
    show_default=True,
    help="Of the arithmetic; auto is what training takes on the device.",
)
@device_option
@threads_option
@json_option
def restore_command(
    networks: tuple[str, ...],
    task: str,
    size: tuple[int, int],
    batch: int,
    warmup: int,
    repeats: int,
    precision: Precision,
    device: str,
    threads: int,
    as_json: bool,
) -> None:
    """Compare NETWORKs: images per second, peak memory, multiply-accumulates, parameters.

    NETWORK is a kind (dncnn), a kind with settings ('{kind: dncnn, depth: 20}'), the file of a configuration, a checkpoint, or a
    trial's folder.
    """
    from raysearch.train.speed import Setting, measure_apart

    setting = Setting(task, *size, batch, str(device_of(device)), precision, threads, warmup, repeats)
    rows: list[Speed] = []
    failed: dict[str, str] = {}
    for name in networks:
        try:
            rows.append(measure_apart(name, setting))
        except OutOfMemory as error:
            failed[name] = error.cause
    if as_json:
        click.echo(json.dumps({"setting": asdict(setting), "networks": [asdict(row) for row in rows], "failed": failed}))
        return
    for line in _lines(rows):
        click.echo(line)
    where = f"{setting.device}, {precision}, batch {batch}" + (f", {threads} thread(s)" if setting.device == "cpu" else "")
    click.echo(f"medians of {repeats} passes after {warmup} that do not count; {where}")
    for row in rows:
        if row.passes < repeats:
            click.echo(f"{row.network}: {row.passes} pass, which trains on the image")
    for name, reason in failed.items():
        click.echo(f"{name}: {reason}")


_TITLES = ("images/s", "ms a pass", "quartiles", "peak MiB", "GMAC an image", "parameters", "input", "network")


def _lines(rows: list[Speed]) -> list[str]:
    """Print a table, the fastest first; the networks' names, of any length, come last."""
    cells = [_TITLES, *(_cells(row) for row in sorted(rows, key=lambda row: -row.images_per_second))]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_TITLES) - 1)]
    return ["  ".join([*(cell.rjust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]) for line in cells]


def _cells(row: Speed) -> tuple[str, ...]:
    return (
        f"{row.images_per_second:.4g}",
        f"{1000 * row.seconds:.2f}",
        f"{1000 * row.seconds_low:.2f}..{1000 * row.seconds_high:.2f}",
        "unknown" if row.peak_bytes is None else f"{row.peak_bytes / 2**20:.1f}",
        f"{row.macs / 1e9:.4g}",
        f"{row.parameters:,}",
        f"{row.height} x {row.width}",
        row.network,
    )
