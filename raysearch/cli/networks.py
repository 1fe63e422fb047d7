"""`train`, `eval`, `restore`: one network, without Ray."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from rich.console import Console
from rich.progress import Progress

from raysearch.cli.options import cache_option, json_option
from raysearch.errors import DataError, RunExists, SpecError

if TYPE_CHECKING:
    import torch

    from raysearch.train.reporter import Report

device_option = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
threads_option = click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Torch threads on a CPU.")
checkpoint_argument = click.argument("checkpoint", type=click.Path(exists=True, path_type=Path))


def device_of(name: str) -> torch.device:
    """Return the device that an option names.

    Raises:
        SpecError: there is no such device here.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise SpecError(f"device {name!r} can't be used: {reason}", place="--device", remedy="use cpu or auto") from error
    return device


class _Lines:
    """Prints a line for each report."""

    def report(self, report: Report) -> None:
        """Print step, PSNR, loss and speed."""
        m = report.metrics
        speed = m.get("patches_per_second", 0.0)
        click.echo(f"step {report.step}/{report.steps}  psnr {m['psnr']:.3f} dB  ssim {m['ssim']:.4f}  {speed:.0f} patches/s")


@click.command("train")
@click.argument("config", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder of the result; goes on if it is there."
)
@click.option("--seed", type=click.IntRange(0), default=None, help="Another seed than the configuration's.")
@click.option("--steps", type=click.IntRange(1), default=None, help="Another length than the configuration's.")
@click.option("--test/--no-test", default=True, show_default=True, help="Evaluate the test photographs at the end.")
@cache_option
@device_option
@threads_option
@json_option
def train_command(
    config: Path, out: Path, seed: int | None, steps: int | None, test: bool, cache: Path, device: str, threads: int, as_json: bool
) -> None:
    """Train CONFIG (a YAML of `raysearch best`, or a trial's config.json) without Ray.

    Goes on from the newest checkpoint in --out.
    """
    from raysearch.spec.yaml import read
    from raysearch.train.candidate import trial_of
    from raysearch.train.files import CONFIG
    from raysearch.train.loop import fit
    from raysearch.train.reporter import ListReporter
    from raysearch.train.state import TrialIO
    from raysearch.train.world import SingleWorld

    trial = trial_of(read(config))
    changes = {key: value for key, value in (("seed", seed), ("steps", steps)) if value is not None}
    trial = trial.model_copy(update=changes)
    out.mkdir(parents=True, exist_ok=True)
    text = trial.model_dump_json(indent=1)
    written = out / CONFIG
    begun = any(entry.name != CONFIG for entry in out.iterdir())  # a configuration alone was refused before it trained
    if begun and written.exists() and written.read_text() != text:
        raise RunExists(f"{out} holds the training of another configuration", place=str(written), remedy="choose another --out")
    written.write_text(text)
    split: Literal["validation", "test"] = "test" if test else "validation"
    io = TrialIO(folder=out, cache=cache, world=SingleWorld(), device=device_of(device), split=split, threads=threads)
    result = fit(trial, io, ListReporter() if as_json else _Lines())
    if as_json:
        click.echo(json.dumps(asdict(result)))
        return
    others = "".join(f", {name} {result.metrics[name]:.4g}" for name in trial.evaluate.metrics if name not in ("psnr", "ssim"))
    shown = f"psnr {result.metrics['psnr']:.3f} dB, ssim {result.metrics['ssim']:.4f}{others} ({trial.protocol.label})"
    click.echo(f"{result.status} at step {result.step} on {io.split} photographs: {shown}; results in {out}")


@click.command("eval")
@checkpoint_argument
@click.option(
    "--images", type=click.Path(exists=True, file_okay=False, path_type=Path), default=None, help="A folder of clean images."
)
@click.option(
    "--degraded",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=None,
    help="With --images: a folder of their real degraded counterparts, of the same names; nothing is degraded then.",
)
@click.option(
    "--split", type=click.Choice(["validation", "test"]), default="test", show_default=True, help="Of the trial's own corpus."
)
@click.option(
    "--sigma",
    type=click.FloatRange(0, 255),
    default=None,
    help="With --degraded: the noise level of the images, on the 0..255 scale.",
)
@click.option("--protocol", default=None, help="Another protocol than the trial's, by name, e.g. sr-y-crop2.")
@click.option("--metric", "metrics", multiple=True, help="Measured beside PSNR and SSIM, e.g. fsim; repeatable.")
@cache_option
@device_option
@json_option
def eval_command(
    checkpoint: Path,
    images: Path | None,
    degraded: Path | None,
    split: Literal["validation", "test"],
    sigma: float | None,
    protocol: str | None,
    metrics: tuple[str, ...],
    cache: Path,
    device: str,
    as_json: bool,
) -> None:
    """Evaluate CHECKPOINT (a file, or a trial's folder) on photographs: its own corpus, a folder of clean images, or real pairs."""
    from raysearch.cli.scores import lines_of, plain
    from raysearch.metrics.protocol import named
    from raysearch.train.restore import evaluate_checkpoint

    rows = evaluate_checkpoint(
        checkpoint,
        images,
        split,
        cache,
        device=device_of(device),
        protocol=None if protocol is None else named(protocol),
        metrics=metrics,
        degraded=degraded,
        sigma_255=sigma,
    )
    if as_json:
        click.echo(json.dumps(plain(rows), allow_nan=False))
        return
    for line in lines_of(rows):
        click.echo(line)


@click.command("restore")
@checkpoint_argument
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@click.option("--degrade", is_flag=True, help="SOURCE holds clean photographs: degrade each by the trial's task first.")
@click.option("--level", default=None, help="With --degrade: which of the task's levels, e.g. 'sigma 15' or q10.")
@click.option("--sigma", type=click.FloatRange(0, 255), default=None, help="Noise level of the images, on the 0..255 scale.")
@device_option
def restore_command(
    checkpoint: Path, source: Path, target: Path, degrade: bool, level: str | None, sigma: float | None, device: str
) -> None:
    """Restore every image in SOURCE with CHECKPOINT (a file, or a trial's folder) and write PNGs to TARGET.

    Without --degrade the images are degraded ones: for demosaicing, one-channel raw mosaics; for super-resolution, small images. A
    network that was trained on luma restores the luma of colour images and keeps their chroma (enlarged bicubically in
    super-resolution); one that was trained on grey images makes them grey.
    """
    from raysearch.train.restore import restore_folder

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("restoring", total=None)
        files = restore_folder(
            checkpoint,
            source,
            target,
            degrade=degrade,
            level=level,
            sigma_255=sigma,
            device=device_of(device),
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    for file in files:
        click.echo(f"{file.source} -> {file.target}" if file.target else f"{file.source}: left out: {file.reason}")
    if not any(file.target for file in files):
        raise DataError("no image could be restored", place=str(source), remedy="see the reasons above")
