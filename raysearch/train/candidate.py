"""A network as the command line names it: a kind, a kind with its settings, a trial's configuration, or a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
from pydantic import SerializeAsAny
from torch import nn

from raysearch.component import Config, Kind
from raysearch.errors import SpecError
from raysearch.models.base import ModelConfig
from raysearch.rng import seed_of
from raysearch.spec.document import Document, Mark
from raysearch.spec.parsing import parsed
from raysearch.spec.trial import TrialConfig
from raysearch.spec.yaml import parse_value, read
from raysearch.tasks.base import TaskConfig
from raysearch.train import tiles
from raysearch.train.network import build_net, load_network


@dataclass(frozen=True)
class Candidate:
    """A network to be measured.

    Attributes:
        name: as it was asked for.
        model: its configuration.
        task: what it restores; its own where a trial or a checkpoint was named.
        net: on the CPU, in evaluation mode, channels-last.
        trained: whether the weights are those of a checkpoint.
    """

    name: str
    model: ModelConfig
    task: TaskConfig
    net: nn.Module
    trained: bool

    def taken(self, height: int, width: int) -> tuple[int, int]:
        """Return the least size of an input, in pixels, that the network and its task take and that is not smaller."""
        phase = max(1, self.task.multiple_of // self.task.scale)
        tiling = tiles.Tiling(self.model.geometry(), self.task.scale, max(height, width), phase)
        return tiling.padded(height), tiling.padded(width)


class _Asked(Config):
    task: Annotated[SerializeAsAny[TaskConfig], Kind("raysearch.tasks")]
    model: Annotated[SerializeAsAny[ModelConfig], Kind("raysearch.models")]


def candidate(name: str, task: str, seed: int = 0) -> Candidate:
    """Return a network by name.

    Args:
        name: a checkpoint or a trial's folder; the YAML or JSON file of a trial's configuration; the kind of a model (``dncnn``);
            or YAML with its settings (``{kind: dncnn, depth: 20}``).
        task: kind or YAML of the task for a kind of model; files bring their own.
        seed: of the initial weights of a kind of model.

    Raises:
        SpecError: there is no such kind, a setting is wrong, or the network does not exist for the task.
        PreflightError: there is no such checkpoint.
        StateDamaged: the checkpoint can't be trusted.
    """
    path = Path(name)
    if path.is_dir() or path.suffix == ".pt":
        trial, net = load_network(path)
        return _candidate(name, trial.model, trial.task, net, trained=True)
    if path.suffix in (".yaml", ".yml", ".json"):
        trial = trial_of(read(path))
        return _candidate(name, trial.model, trial.task, build_net(trial), trained=False)
    given = {"task": parse_value(task, "--task"), "model": parse_value(name, name)}
    asked = parsed(_Asked, Document(given, {(): Mark("the command line", 0, 0)}, "", "the command line"))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed_of(seed, "init"))
        net = asked.model.build(asked.task.channels_in, asked.task.channels, asked.task.scale)
    return _candidate(name, asked.model, asked.task, net, trained=False)


def _candidate(name: str, model: ModelConfig, task: TaskConfig, net: nn.Module, trained: bool) -> Candidate:
    return Candidate(name, model, task, net.eval().to(memory_format=torch.channels_last), trained)  # type: ignore[call-overload]


def trial_of(document: Document) -> TrialConfig:
    """Return the one configuration that a document is: config.json of a trial, or a YAML that `raysearch best` wrote.

    Raises:
        SpecError: it is none.
    """
    if isinstance(document.data, dict) and "trial" in document.data:
        raise SpecError(
            "this is a study, not the configuration of one trial",
            place=document.file,
            remedy="start it with `raysearch run`; `raysearch best RUN` then writes the configuration of its best trial",
        )
    return parsed(TrialConfig, document)
