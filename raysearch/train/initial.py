"""The weights that a trial starts from: those of its seed, or of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from raysearch.data.sealed import sha256_of_file
from raysearch.errors import PreflightError, SpecError
from raysearch.spec.trial import InitConfig, TrialConfig
from raysearch.train import checkpoint
from raysearch.train.network import build_net, checkpoint_of


@dataclass(frozen=True)
class InitialNetwork:
    """A network before its first step.

    Attributes:
        net: on the CPU.
        sha256: of the checkpoint that its weights came from; empty without one.
    """

    net: nn.Module
    sha256: str


def initial_network(trial: TrialConfig) -> InitialNetwork:
    """Build the trial's network, and load the checkpoint that the configuration names, if it names one.

    Raises:
        PreflightError: there is no such checkpoint.
        SpecError: it has another hash, or does not fit the network.
        StateDamaged: it is damaged.
    """
    net = build_net(trial)
    return InitialNetwork(net, "" if trial.init is None else load_into(net, trial.init))


def load_into(net: nn.Module, init: InitConfig) -> str:
    """Load a checkpoint's network into another one and return the file's SHA-256.

    Raises:
        PreflightError, SpecError, StateDamaged: see `initial_network`.
    """
    path = _existing(init.checkpoint)
    digest = sha256_of_file(path)
    if init.sha256 is not None and not digest.startswith(init.sha256):
        raise SpecError(
            f"the checkpoint {path} has the SHA-256 {digest}, which does not begin with {init.sha256}",
            place="init.sha256",
            remedy="put the right file there, or correct the hash",
        )
    given = checkpoint.parse(checkpoint.read(path))["network"]
    assert isinstance(given, Mapping)
    own = net.state_dict()
    fitting = {name: tensor for name, tensor in given.items() if name in own and own[name].shape == tensor.shape}
    _require_fit(path, given, own, partial=init.partial)
    with torch.no_grad():
        net.load_state_dict(fitting, strict=False)
    return digest


def _existing(named: Path) -> Path:
    try:
        return checkpoint_of(named)
    except PreflightError as error:
        remedy = "name a checkpoint of raysearch or a trial's folder; `raysearch weights import` makes one of published weights"
        raise PreflightError(error.cause, place="init.checkpoint", remedy=remedy) from error


def _require_fit(path: Path, given: Mapping[str, Tensor], own: Mapping[str, Tensor], *, partial: bool) -> None:
    """Refuse weights of another network, in words."""
    common = [name for name in own if name in given and given[name].shape != own[name].shape]
    other = [f"{name} is {_shape(given[name])} there and {_shape(own[name])} here" for name in common]
    missing = [f"{name} is missing there" for name in own if name not in given]
    surplus = [f"{name} has no place here" for name in given if name not in own]
    wrong = [*other, *missing, *surplus]
    nothing = len(missing) + len(other) == len(own)
    if not wrong or (partial and not nothing):
        return
    more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    raise SpecError(
        f"the checkpoint {path} is of another network: {'; '.join(wrong[:3])}{more}",
        place="init.checkpoint",
        remedy="use the same model settings" if nothing else "use the same model settings, or write init: {partial: true}",
    )


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "one number"
