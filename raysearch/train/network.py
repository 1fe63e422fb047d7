"""A trial's network: built with the initial weights of the trial's seed, or loaded as a trial has trained it.

Initial weights are drawn under ``torch.random.fork_rng`` from the stream ``init`` of the trial's seed.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from pydantic import ValidationError
from torch import nn

from raysearch.component import problems
from raysearch.errors import PreflightError, SpecError, StateDamaged
from raysearch.rng import seed_of
from raysearch.spec.trial import TrialConfig
from raysearch.train import checkpoint
from raysearch.train.files import CHECKPOINTS, CONFIG

_REMEDY = "name a trial's folder, or a file such as step_00000100.pt"


def build_net(trial: TrialConfig) -> nn.Module:
    """Build the trial's network on the CPU with the initial weights of its seed; global generators are left as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed_of(trial.seed, "init"))
        return trial.model.build(trial.task.channels_in, trial.task.channels, trial.task.scale)


def load_network(path: Path) -> tuple[TrialConfig, nn.Module]:
    """Load a trained network: the averaged weights where the recipe keeps an average.

    Args:
        path: a checkpoint, or a trial's folder: its newest checkpoint is taken, or its configuration where that is of a classical
            method, which has nothing to load.

    Returns:
        The trial's configuration, and the network on the CPU in evaluation mode, called as `raysearch.models.base` says.

    Raises:
        PreflightError: there is no checkpoint.
        StateDamaged: it, or the configuration, is damaged.
        SpecError: its configuration names what this raysearch does not have.
    """
    if path.is_dir() and not _checkpoints(path) and (path / CONFIG).is_file():
        return _classical(path)
    state = checkpoint.parse(checkpoint.read(checkpoint_of(path)))
    trial = _trial(state["config"], path)
    net = build_net(trial)
    net.load_state_dict(state["network"], assign=True)  # type: ignore[arg-type]  # keeps the memory format, so equal to the bit
    return trial, net.eval()


def _classical(folder: Path) -> tuple[TrialConfig, nn.Module]:
    """Build what a trial's folder without a checkpoint was about, if it has no weights."""
    try:
        config: object = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except ValueError as error:
        raise StateDamaged(f"{folder / CONFIG} is no JSON: {error}", remedy="make the folder anew") from error
    trial = _trial(config, folder)
    net = build_net(trial)
    if any(True for _ in net.parameters()):
        raise PreflightError(f"{folder} holds no checkpoint", remedy=_REMEDY)
    return trial, net.eval()


def _trial(config: object, path: Path) -> TrialConfig:
    try:
        return TrialConfig.parse(config)
    except ValidationError as error:
        first = problems(error)[0]
        raise SpecError(
            f"the configuration in {path} can't be used: {first.key}: {first.message}",
            remedy="use the raysearch version that wrote it, and --allow-import for components of your own",
        ) from error


def checkpoint_of(path: Path) -> Path:
    """Return the checkpoint that a path names: itself, or the newest one of a trial's folder.

    Raises:
        PreflightError: the folder holds none, or there is no such file.
    """
    if not path.is_dir():
        if not path.exists():
            raise PreflightError(f"there is no checkpoint {path}", remedy=_REMEDY)
        return path
    found = _checkpoints(path)
    if not found:
        raise PreflightError(f"{path} holds no checkpoint", remedy=_REMEDY)
    return found[0]


def _checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of a trial's folder, or of one that holds nothing else; the newest first."""
    return checkpoint.files(folder / CHECKPOINTS) or checkpoint.files(folder)
