"""Checkpoints that nobody trained here: of published weights, put where they belong, and between two trained networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from raysearch import tensor_files
from raysearch.data.sealed import sha256_of_file
from raysearch.errors import SpecError
from raysearch.models._interpolate import interpolate
from raysearch.spec.trial import TrialConfig
from raysearch.tensor_files import TensorFile
from raysearch.train import checkpoint
from raysearch.train.matching import Matching, match
from raysearch.train.network import build_net, checkpoint_of, load_network


@dataclass(frozen=True)
class Import:
    """Weights that were read and matched, and not yet written.

    Attributes:
        trial: the configuration.
        file: what was published.
        matching: which tensor goes where.
        rearranged: whether the network's kind knew the published arrangement and changed it into its own.
    """

    trial: TrialConfig
    file: TensorFile
    matching: Matching
    rearranged: bool
    _network: Mapping[str, Tensor]

    @property
    def network(self) -> dict[str, Tensor]:
        """The network's state with the weights in it; what is missing has its initial value."""
        state = dict(self._network)
        for own, theirs in self.matching.pairs:
            state[own] = self.file.tensors[theirs].to(state[own].dtype).contiguous()
        return state

    def write(self, target: Path, *, partial: bool = False) -> None:
        """Write a checkpoint that is evaluated, applied and started from like a trained one.

        Args:
            target: the file; its folder is made when needed.
            partial: accept a match that leaves something out or could be read otherwise.

        Raises:
            SpecError: the match is not certain, and ``partial`` is not set.
        """
        if not (self.matching.certain or (partial and self.matching.pairs)):
            raise SpecError(_why_not(self.matching), place="FILE", remedy=_remedy(self.matching))
        target.parent.mkdir(parents=True, exist_ok=True)
        source = {"sha256": self.file.sha256, "key": self.file.key, "by": self.matching.by, "partial": not self.matching.certain}
        content = {"config": self.trial.model_dump(mode="json"), "network": self.network, "step": 0, "imported": source}
        checkpoint.write(target, self.trial.key, content)


def read_published(path: Path, trial: TrialConfig, key: str | None = None) -> Import:
    """Read published weights and find where they belong in the trial's network.

    Args:
        path: a state dict of torch, a safetensors file or an npz; see `raysearch.tensor_files`.
        trial: the configuration that the checkpoint will hold.
        key: which mapping of tensors in the file, where there are several.

    Raises:
        DataError: the file can't be used.
        SpecError: the network can't be built, or tensors of the same name have other shapes.
    """
    file = tensor_files.read(path, key)
    adopted = trial.model.adopt(file.tensors)
    if adopted is not None:
        file = replace(file, tensors=dict(adopted))
    network = build_net(trial).state_dict()
    return Import(trial, file, match(file, network), adopted is not None, network)


def write_between(first: Path, second: Path, alpha: float, target: Path) -> None:
    """Write the network between two trained ones, with the configuration of the first; see `raysearch.models._interpolate`.

    Args:
        first: a checkpoint or a trial's folder.
        second: another, of the same network.
        alpha: share of the first, in [0, 1].
        target: the file; its folder is made when needed.

    Raises:
        SpecError: the networks differ.
        PreflightError: a checkpoint is missing.
        StateDamaged: it is damaged.
    """
    trial, net = load_network(first)
    _, other = load_network(second)
    between = interpolate(net.state_dict(), other.state_dict(), alpha)
    source = {"first": sha256_of_file(checkpoint_of(first)), "second": sha256_of_file(checkpoint_of(second)), "alpha": alpha}
    target.parent.mkdir(parents=True, exist_ok=True)
    content = {"config": trial.model_dump(mode="json"), "network": between, "step": 0, "interpolated": source}
    checkpoint.write(target, trial.key, content)


def _why_not(matching: Matching) -> str:
    if not matching.pairs:
        return "no tensor of the file fits the network"
    said = []
    if matching.missing:
        said.append(f"nothing for {len(matching.missing)} of the network's tensors ({_some(matching.missing)})")
    if matching.unused:
        said.append(f"no place for {len(matching.unused)} of the file's ({_some(matching.unused)})")
    if matching.doubt:
        said.append(matching.doubt)
    return f"the weights don't fit for certain: {'; '.join(said)}"


def _remedy(matching: Matching) -> str:
    if not matching.pairs:
        return "give the model that the weights belong to, with its depth, width and channels"
    return "correct the model, or accept what is listed with --partial"


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
