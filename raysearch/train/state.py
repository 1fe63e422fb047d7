"""Everything of a trial that changes while it is trained: what a checkpoint holds, and how it comes back.

Initial weights: `raysearch.train.network`. The augmentation and the noise have generators of their own, which live on the training
device and are saved with the rest; the sampler gets the seed of the stream ``sampler``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from raysearch.data.index import PatchIndex
from raysearch.errors import DataError, SpecError
from raysearch.models.base import Geometry
from raysearch.recipes.base import Recipe, RecipeContext, StepResult
from raysearch.rng import seed_of, torch_generator
from raysearch.samplers.base import Sampler, SamplerContext
from raysearch.spec.pairing import pairing_fault
from raysearch.spec.trial import TrialConfig
from raysearch.train import checkpoint
from raysearch.train.files import CHECKPOINTS
from raysearch.train.initial import InitialNetwork
from raysearch.train.patch_loss import score_columns, static_scores
from raysearch.train.usage import UsageMaps
from raysearch.train.world import World, agree_on_bytes


@dataclass(frozen=True)
class TrialIO:
    """Where and with what a trial runs; nothing in here changes its result but for rounding.

    Attributes:
        folder: the trial's folder, see `raysearch.train.files`; written by rank 0.
        cache: the folder of decoded photographs and patch tables, shared by all trials of a machine.
        world: the workers.
        device: where this worker computes.
        split: what is evaluated last. ``validation`` during a search; ``test`` in a confirmation: validation while training, then
            the test sets once.
        threads: torch threads of this worker.
    """

    folder: Path
    cache: Path
    world: World
    device: torch.device
    split: Literal["validation", "test"]
    threads: int = 1


@dataclass
class Clock:
    """What has been done, since the start (saved) and since the last report (not saved: checkpoints stand at reports)."""

    train_seconds: float = 0.0
    pixels_seen: int = 0
    recent_seconds: float = 0.0
    recent_steps: int = 0
    recent_skips: int = 0
    recent_losses: dict[str, Tensor] = field(default_factory=dict)
    lr: float = 0.0

    def add_losses(self, result: StepResult) -> None:
        """Add a step's loss as ``loss`` and its terms as ``loss/<term>``; a term that a step lacks counts as 0 in it."""
        for name, value in {"loss": result.loss, **{f"loss/{term}": part for term, part in result.terms.items()}}.items():
            self.recent_losses[name] = self.recent_losses[name] + value if name in self.recent_losses else value

    def state_dict(self) -> dict[str, object]:
        """Return the totals."""
        return {"train_seconds": self.train_seconds, "pixels_seen": self.pixels_seen, "lr": self.lr}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue from saved totals."""
        self.train_seconds = float(state["train_seconds"])  # type: ignore[arg-type]
        self.pixels_seen = int(state["pixels_seen"])  # type: ignore[call-overload]
        self.lr = float(state["lr"])  # type: ignore[arg-type]

    def begin_interval(self) -> None:
        """Forget what was counted since the last report."""
        self.recent_seconds, self.recent_steps, self.recent_skips, self.recent_losses = 0.0, 0, 0, {}


@dataclass
class TrainState:
    """A trial between two steps.

    Attributes:
        step: optimisation steps done.
        init_sha256: of the checkpoint that the network started from; empty without one.
        reported: the metrics of the last report; empty before the first one.
    """

    index: PatchIndex
    geometry: Geometry
    sampler: Sampler
    recipe: Recipe
    generators: dict[str, torch.Generator]
    usage: UsageMaps
    init_sha256: str = ""
    step: int = 0
    clock: Clock = field(default_factory=Clock)
    reported: dict[str, float] = field(default_factory=dict)

    def state_dict(self) -> dict[str, object]:
        """Return everything as tensors and plain values."""
        return {
            "step": self.step,
            "data": self.index.digest,
            "init_sha256": self.init_sha256,
            "recipe": self.recipe.state_dict(),
            "sampler": self.sampler.state_dict(),
            "generators": {name: generator.get_state() for name, generator in self.generators.items()},
            "usage": self.usage.state_dict(),
            "clock": self.clock.state_dict(),
            "reported": dict(self.reported),
        }

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue exactly where `state_dict` was taken.

        Raises:
            DataError: the training photographs are not those that the state was trained on.
        """
        if state["data"] != self.index.digest:
            raise DataError(
                "the training photographs have changed since the trial's checkpoint was written",
                remedy="put them back, or start the trial in a new folder",
            )
        self.recipe.load_state_dict(_mapping(state["recipe"]))
        self.sampler.load_state_dict(_mapping(state["sampler"]))
        for name, saved in _mapping(state["generators"]).items():
            self.generators[name].set_state(saved)  # type: ignore[arg-type]
        self.usage.load_state_dict(_mapping(state["usage"]))
        self.clock.load_state_dict(_mapping(state["clock"]))
        self.reported = {name: float(value) for name, value in _mapping(state["reported"]).items()}  # type: ignore[arg-type]
        self.init_sha256 = str(state["init_sha256"])
        self.step = int(state["step"])  # type: ignore[call-overload]


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"a checkpoint holds {type(value).__name__} where a mapping belongs")
    return value


def fresh(trial: TrialConfig, io: TrialIO, initial: InitialNetwork) -> TrainState:
    """Build the state before the first step.

    Args:
        initial: the network, which is moved to the device.
    """
    task, geometry = trial.task, trial.model.geometry()
    seen = trial.patch.size - 2 * geometry.margin
    _require_fit(trial, seen)
    (gathered,) = trial.data.gather("train")
    index = PatchIndex.open(
        gathered,
        io.cache,
        channels=task.channels_stored,
        size=trial.patch.size,
        stride=trial.patch.step,
        multiple_of=task.multiple_of,
        scores=static_scores(trial.sampler),
    )
    sampler = trial.sampler.build(
        SamplerContext(
            count=index.count,
            scores=score_columns(trial.sampler, index, io.cache, io.device),
            steps=trial.steps,
            patch=seen,
            channels=task.channels,
            seed=seed_of(trial.seed, "sampler"),
            device=io.device,
        )
    )
    recipe = trial.recipe.build(
        RecipeContext(
            net=io.world.wrap(initial.net.to(io.device)),
            steps=trial.steps,
            device=io.device,
            precision=trial.precision,
            margin=geometry.margin,
            channels=task.channels,
            patch=seen,
            seed=seed_of(trial.seed, "recipe"),
            mean_over_ranks=io.world.mean,
        )
    )
    generators = {name: torch_generator(trial.seed, name, device=io.device) for name in ("augment", "noise")}
    usage = UsageMaps(index, seen, geometry.margin, io.device)
    return TrainState(index, geometry, sampler, recipe, generators, usage, initial.sha256)


def _require_fit(trial: TrialConfig, seen: int) -> None:
    """Refuse parts that don't fit each other, for those who start a trial without a study's checks.

    Raises:
        SpecError: says which two.
    """
    if seen < trial.sampler.smallest_patch:
        raise SpecError(
            f"the sampler needs {trial.sampler.smallest_patch} pixels and the loss sees {seen} of a patch of {trial.patch.size}",
            place="patch.size",
            remedy=f"use patches of at least {trial.sampler.smallest_patch + trial.patch.size - seen}, or smaller cells",
        )
    missing = trial.sampler.needs - trial.recipe.gives
    if missing:
        raise SpecError(f"the sampler needs {', '.join(sorted(missing))}, which the recipe does not measure", place="sampler")
    if trial.lacking:
        raise SpecError(
            f"the loss reads {', '.join(sorted(trial.lacking))}, which neither the network nor the task gives",
            place="recipe.loss",
            remedy="choose a network or a task that gives it, or another loss",
        )
    if (fault := pairing_fault(trial)) is not None:
        raise fault


def save(state: TrainState, trial: TrialConfig, io: TrialIO) -> None:
    """Write the checkpoint of this moment; on rank 0 only, the other ranks return at once."""
    if io.world.rank != 0:
        return
    content = state.state_dict() | {
        "config": trial.model_dump(mode="json"),
        "network": state.recipe.evaluated().state_dict(),  # shares storage with the recipe's, so it costs no space
    }
    checkpoint.save(io.folder / CHECKPOINTS, trial.key, state.step, content)


def resume(state: TrainState, trial: TrialConfig, io: TrialIO) -> bool:
    """Load the newest usable checkpoint of the trial's folder into a fresh state; every rank gets the file that rank 0 reads.

    Returns:
        Whether there was one.
    """
    blob = checkpoint.newest(io.folder / CHECKPOINTS, trial.key) if io.world.rank == 0 else None
    blob = agree_on_bytes(io.world, blob)
    if blob is None:
        return False
    state.load_state_dict(checkpoint.parse(blob))
    return True
