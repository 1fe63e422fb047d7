"""Whether the parts of a configuration can be built: each network, recipe and sampler of the corners once, on the CPU.

Networks are run on torch's meta device, which computes shapes and no values, so that channels that don't match are found here.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from raysearch.errors import PreflightError, SpecError, StateDamaged
from raysearch.recipes.base import Recipe, RecipeContext
from raysearch.samplers.base import Sampler, SamplerContext
from raysearch.spec.domain_syntax import Fault
from raysearch.spec.findings import MISSING
from raysearch.spec.trial import TrialConfig
from raysearch.train.initial import load_into
from raysearch.train.network import build_net
from raysearch.train.patch_loss import load_scorer

_ROWS = 64  # patches of a pretended index
_MOMENTS = 3  # a sampler's network and the two moments of its optimizer


@dataclass
class Builder:
    """Builds parts, each distinct one once."""

    _nets: dict[str, nn.Module | None] = field(default_factory=dict)
    _tried: set[tuple[str, str]] = field(default_factory=set)
    _sizes: dict[str, int] = field(default_factory=dict)

    @property
    def checkpoint_bytes(self) -> int:
        """Size of the largest checkpoint of what was built, estimated."""
        return sum(self._sizes.values())

    def faults(self, trial: TrialConfig) -> list[Fault]:
        """Build what of ``trial`` was not built before; say what can't be. Paths are those of the configuration."""
        found: list[Fault] = []
        key = _key(trial.task, trial.model, trial.patch)
        if key not in self._nets:
            self._nets[key], found = self._net(trial)
        net = self._nets[key]
        if net is not None and any(True for _ in net.parameters()):  # a classical method is never trained
            found += self._trained(trial, net)
        return found

    def _net(self, trial: TrialConfig) -> tuple[nn.Module | None, list[Fault]]:
        built: list[nn.Module] = []

        def build() -> None:
            built.append(build_net(trial))
            _run(trial, built[0])

        found = _attempt("model", trial, build)
        return (None if found else built[0]), found

    def _trained(self, trial: TrialConfig, net: nn.Module) -> list[Fault]:
        def recipe() -> int:
            moments = 2 * sum(p.numel() * p.element_size() for p in net.parameters())  # of Adam
            return moments + _tensor_bytes(_recipe(trial, net).state_dict())

        def sampler() -> int:
            if trial.sampler.scored_by is not None:
                load_scorer(trial.sampler.scored_by, trial.task.channels_stored, trial.patch.size)
            return _MOMENTS * _tensor_bytes(_sampler(trial).state_dict())

        def initial() -> int:
            if trial.init is not None:
                load_into(copy.deepcopy(net), trial.init)
            return 0

        margin = trial.model.geometry().margin
        if trial.init is not None and (wrong := self._once("init", _key(trial.task, trial.model, trial.init), trial, initial)):
            return wrong
        found = self._once("recipe", _key(trial.task, trial.model, trial.recipe, trial.patch), trial, recipe)
        return found + self._once("sampler", _key(trial.task, trial.sampler, trial.patch) + str(margin), trial, sampler)

    def _once(self, part: str, key: str, trial: TrialConfig, build: Callable[[], int]) -> list[Fault]:
        if (part, key) in self._tried:
            return []
        self._tried.add((part, key))

        def sized() -> None:
            self._sizes[part] = max(self._sizes.get(part, 0), build())

        return _attempt(part, trial, sized)


def _value(trial: TrialConfig, path: tuple[str, ...]) -> object:
    """Return what stands at a place of a configuration; nothing where there is no such place."""
    node: object = trial.model_dump(mode="json")
    for key in path:
        node = node[key] if isinstance(node, dict) and key in node else MISSING
    return node


def _attempt(part: str, trial: TrialConfig, build: Callable[[], None]) -> list[Fault]:
    kind = getattr(trial, part).model_dump(mode="json").get("kind", part)
    whole = (part, "kind") if kind != part else (part,)
    try:
        build()
    except (SpecError, PreflightError, StateDamaged) as error:
        path = tuple(error.place.split(".")) if error.place.split(".")[0] in TrialConfig.model_fields else whole
        value = kind if path == whole else _value(trial, path)
        return [Fault(path, value, error.cause, error.remedy or "choose other values", isinstance(error, PreflightError))]
    except Exception as error:  # whatever a component raises while it is built is what the user must see
        return [Fault(whole, kind, f"can't be built: {type(error).__name__}: {error}", "choose other values")]
    return []


def _run(trial: TrialConfig, net: nn.Module) -> None:
    """Send a patch of unknown values through the network and check the size of what comes out.

    Raises:
        SpecError: it is not what the network's geometry says.
    """
    task, geometry, size = trial.task, trial.model.geometry(), trial.patch.size
    batch = torch.empty(2, task.channels_in, size // task.scale, size // task.scale, device="meta")
    sigma = torch.empty(2, 1, 1, 1, device="meta") if task.gives_sigma else None
    shadow = copy.deepcopy(net).to("meta").eval()
    with torch.no_grad():
        restored = shadow(batch, sigma)
    side = size - 2 * geometry.margin
    if tuple(restored.shape) != (2, task.channels, side, side):
        expected = f"(2, {task.channels}, {side}, {side})"
        raise SpecError(
            f"the network returns {tuple(restored.shape)} for a batch of patches, not {expected}", remedy="correct its geometry"
        )


def _recipe(trial: TrialConfig, net: nn.Module) -> Recipe:
    context = RecipeContext(
        net=net,
        steps=trial.steps,
        device=torch.device("cpu"),
        precision="float32",
        margin=trial.model.geometry().margin,
        channels=trial.task.channels,
        patch=trial.patch.size - 2 * trial.model.geometry().margin,
        seed=0,
        mean_over_ranks=lambda value: value,
    )
    return trial.recipe.build(context)


def _sampler(trial: TrialConfig) -> Sampler:
    scores: dict[str, NDArray[np.float32]] = {name: np.linspace(0, 1, _ROWS, dtype=np.float32) for name in trial.sampler.scores}
    context = SamplerContext(
        count=_ROWS,
        scores=scores,
        steps=trial.steps,
        patch=trial.patch.size - 2 * trial.model.geometry().margin,
        channels=trial.task.channels,
        seed=0,
        device=torch.device("cpu"),
    )
    return trial.sampler.build(context)


def _tensor_bytes(state: object) -> int:
    """Add up the tensors in nested mappings and lists."""
    if isinstance(state, torch.Tensor):
        return state.numel() * state.element_size()
    if isinstance(state, Mapping):
        return sum(map(_tensor_bytes, state.values()))
    return sum(map(_tensor_bytes, state)) if isinstance(state, list | tuple) else 0


def _key(*configs: Any) -> str:
    return json.dumps([[type(config).__module__, config.model_dump(mode="json")] for config in configs])
