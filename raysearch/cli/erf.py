"""`erf`: the effective receptive field of a network."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from raysearch.cli.bench import task_option
from raysearch.cli.networks import device_of, device_option, threads_option
from raysearch.cli.options import json_option

if TYPE_CHECKING:
    from raysearch.train.receptive import Extent, ReceptiveField


@click.command("erf")
@click.argument("network")
@task_option
@click.option("--inputs", type=click.IntRange(1), default=20, show_default=True, help="Random images to average over.")
@click.option("--size", type=click.IntRange(3), default=None, help="Side of the input in pixels; as the network needs by default.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Draw the field to this PNG file.")
@device_option
@threads_option
@json_option
def erf_command(
    network: str, task: str, inputs: int, size: int | None, out: Path | None, device: str, threads: int, as_json: bool
) -> None:
    """Measure how far NETWORK really looks: a kind, a kind with settings, a configuration, a checkpoint, or a trial's folder."""
    import torch

    from raysearch.train import png
    from raysearch.train.atomic import write_atomically
    from raysearch.train.receptive import THRESHOLD, picture, receptive_field

    torch.set_num_threads(threads)
    field = receptive_field(network, task, inputs=inputs, side=size, device=device_of(device))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, png.encode(picture(field), 8))
    if as_json:
        click.echo(json.dumps(_plain(field, THRESHOLD)))
        return
    for line in _lines(field, THRESHOLD):
        click.echo(line)
    if out is not None:
        click.echo(f"drawn to {out}: effective field orange, theoretical field blue")


def _plain(field: ReceptiveField, threshold: float) -> dict[str, object]:
    return {
        "network": field.network,
        "theoretical": {"halo": field.halo, "side": field.side},
        "reach": field.reach,
        "effective": asdict(field.effective),
        "beside_centre": asdict(field.beside_centre),
        "threshold": threshold,
        "inputs": field.inputs,
        "size": list(field.values.shape),
    }


def _lines(field: ReceptiveField, threshold: float) -> list[str]:
    theory = "the whole image" if field.halo is None else f"{field.side} x {field.side} pixels (radius {field.halo})"
    height, width = field.values.shape
    return [
        f"theoretical field   {theory}",
        f"measured reach      {field.reach} pixels to each side, on inputs of {height} x {width}",
        f"effective field     {_extent(field.effective)}: above {threshold:.2%} of the largest value",
        f"beside the centre   {_extent(field.beside_centre)}: above {threshold:.2%} of the largest value but the central pixel's",
        f"mean of {field.inputs} random inputs",
    ]


def _extent(extent: Extent) -> str:
    ratio = "" if extent.ratio is None else f", {extent.ratio:.2f} of the theoretical side"
    return f"{extent.pixels} pixels, radius {extent.radius:.1f}{ratio}"
