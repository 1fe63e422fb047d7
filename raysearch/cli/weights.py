"""`weights`: published checkpoints of others, looked at and turned into checkpoints of raysearch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from raysearch.cli.options import json_option, set_option
from raysearch.errors import SpecError

if TYPE_CHECKING:
    from torch import Tensor

    from raysearch.spec.trial import TrialConfig
    from raysearch.tensor_files import TensorFile
    from raysearch.train.published import Import

_file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_key_option = click.option("--key", default=None, help="Which set of tensors, where the file holds several, e.g. params_ema.")
_out_option = click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The checkpoint to write.")


@click.group("weights")
def weights_command() -> None:
    """Inspect, import and interpolate weights of networks.

    Reads state dicts of PyTorch, safetensors and npz; only tensors are loaded, and nothing that a file holds is run.
    """


@weights_command.command("inspect")
@_file_argument
@_key_option
@json_option
def inspect_command(file: Path, key: str | None, as_json: bool) -> None:
    """List the tensors in FILE by name, shape and type."""
    from raysearch import tensor_files

    found = tensor_files.read_all(file) if key is None else (tensor_files.read(file, key),)
    if as_json:
        sets = {one.key: {name: {"shape": list(t.shape), "type": _type(t)} for name, t in one.tensors.items()} for one in found}
        click.echo(json.dumps({"sha256": found[0].sha256, "ordered": found[0].ordered, "sets": sets}))
        return
    click.echo(f"sha256 {found[0].sha256}{'' if found[0].ordered else ', keeps no order'}")
    for one in found:
        click.echo(f"{one.key or '(top)'}: {len(one.tensors)} tensors, {_numbers(one):,} numbers")
    if len(found) > 1:
        click.echo("list the tensors of one set with --key")
        return
    width = max(map(len, found[0].tensors))
    for name, tensor in found[0].tensors.items():
        click.echo(f"  {name:<{width}}  {_shape(tensor):<20} {_type(tensor)}")


def _numbers(file: TensorFile) -> int:
    return sum(tensor.numel() for tensor in file.tensors.values())


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "one number"


def _type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


@weights_command.command("import")
@_file_argument
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="The configuration to go with them: a trial's config.json, or a YAML of `raysearch best`.",
)
@click.option("--model", default=None, help="The network, e.g. '{kind: dncnn, norm: none}'; laid over the configuration's.")
@click.option("--task", default=None, help="The task, e.g. '{kind: gaussian_denoise, color: gray}'; laid over the configuration's.")
@set_option
@_key_option
@click.option("--partial", is_flag=True, help="Accept a match that leaves tensors out, or that could be read otherwise.")
@_out_option
@json_option
def import_command(
    file: Path,
    config: Path | None,
    model: str | None,
    task: str | None,
    settings: tuple[str, ...],
    key: str | None,
    partial: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Turn published weights in FILE into a checkpoint for `eval`, `restore` and `init`.

    Tensors are matched by name, else by order and shape; the mapping is printed. A match that is not certain is refused.
    """
    from raysearch.train.published import read_published

    given = [f"{name}={value}" for name, value in (("model", model), ("task", task)) if value is not None]
    trial = _trial(config, [*given, *settings])
    found = read_published(file, trial, key)
    if as_json:
        click.echo(json.dumps(_plain(found)))
    else:
        _print_mapping(found)
    found.write(out, partial=partial)
    if not as_json:
        click.echo(f"{len(found.matching.pairs)} tensors by {found.matching.by}; written to {out}")


_SHOWN = 12
"""Names of one sort that are listed; --json has them all."""

_BASE = {
    "data": "photos",
    "sampler": "uniform",
    "recipe": {"kind": "supervised", "loss": "l2", "optimizer": "adam", "schedule": "constant"},
}
"""What stands in a configuration that nobody has written; none of it is used before somebody trains."""


def _trial(config: Path | None, settings: list[str]) -> TrialConfig:
    """Return the configuration: that of a file, or a plain one, with settings laid over it."""
    from raysearch.metrics.protocol import fitting
    from raysearch.spec.document import Document, Mark
    from raysearch.spec.overlay import with_setting
    from raysearch.spec.yaml import read
    from raysearch.train.candidate import trial_of

    document = Document(dict(_BASE), {(): Mark("the options", 0, 0)}, "", "the options") if config is None else read(config)
    for setting in settings:
        document = with_setting(document, setting)
    for part in ("model", "task"):
        if isinstance(document.data, dict) and part not in document.data:
            raise SpecError(f"no {part} is given", place=f"--{part}", remedy=f"say which with --{part}, or give a --config")
    trial = trial_of(document)
    if config is None and not any(setting.startswith("evaluate.protocol") for setting in settings):
        plain = fitting(trial.task.channels, luma=trial.task.luma_only)
        trial = trial.model_copy(update={"evaluate": trial.evaluate.model_copy(update={"protocol": plain})})
    trial.evaluate.protocol.require_channels(trial.task.channels, luma=trial.task.luma_only)
    return trial


def _plain(found: Import) -> dict[str, object]:
    matching = found.matching
    return {
        "by": matching.by,
        "certain": matching.certain,
        "doubt": matching.doubt,
        "pairs": dict(matching.pairs),
        "missing": list(matching.missing),
        "unused": list(matching.unused),
        "rearranged": found.rearranged,
        "sha256": found.file.sha256,
        "key": found.file.key,
    }


def _print_mapping(found: Import) -> None:
    matching, network = found.matching, found.network
    if found.rearranged:
        click.echo("the published layers are known, and were rearranged into the network's own")
    width = max((len(own) for own, _ in matching.pairs), default=0)
    for own, theirs in matching.pairs:
        click.echo(f"{own:<{width}} <- {theirs}  {_shape(network[own])}")
    if matching.pairs:
        _print_rest(matching.missing, "nothing in the file, keeps its initial value")
        _print_rest(matching.unused, "no place in the network, left out")


def _print_rest(names: tuple[str, ...], what: str) -> None:
    for name in names[:_SHOWN]:
        click.echo(f"{name}: {what}")
    if len(names) > _SHOWN:
        click.echo(f"and {len(names) - _SHOWN} more: {what}")


@weights_command.command("interpolate")
@click.argument("first", type=click.Path(exists=True, path_type=Path))
@click.argument("second", type=click.Path(exists=True, path_type=Path))
@click.option("--alpha", type=click.FloatRange(0, 1), required=True, help="Share of FIRST: 1 is FIRST itself, 0 is SECOND.")
@_out_option
def interpolate_command(first: Path, second: Path, alpha: float, out: Path) -> None:
    """Write the network between two checkpoints, or trials' folders: deep network interpolation.

    It works where one was fine-tuned from the other. The configuration is that of FIRST.
    """
    from raysearch.train.published import write_between

    write_between(first, second, alpha, out)
    click.echo(f"{alpha:g} of {first} and {1 - alpha:g} of {second}; written to {out}")
