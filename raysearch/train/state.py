"""Everything of a trial that changes while it is trained: what a checkpoint holds, and how it comes back.

Initial weights: `raysearch.train.network`. The augmentation and the noise have generators of their own, which live on the training
device and are saved with the rest; the sampler gets the seed of the stream ``sampler``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch

from raysearch.data.index import PatchIndex
from raysearch.errors import DataError, SpecError
from raysearch.models.base import Geometry
from raysearch.recipes._parts import InParts
from raysearch.recipes.base import Recipe, RecipeContext
from raysearch.rng import seed_of, torch_generator
from raysearch.samplers.base import Sampler, SamplerContext
from raysearch.spec.pairing import pairing_fault
from raysearch.spec.trial import TrialConfig
from raysearch.train import checkpoint
from raysearch.train.clock import Clock
from raysearch.train.files import CHECKPOINTS
from raysearch.train.initial import InitialNetwork
from raysearch.train.moments import Glance, Moments
from raysearch.train.patch_loss import score_columns, static_scores
from raysearch.train.patience import persistently
from raysearch.train.usage import UsageMaps
from raysearch.train.world import World, agree_on_bytes


def _silent() -> None:
    """Nobody waits for signs of life."""


def _never() -> bool:
    """Nobody asks this process to leave."""
    return False


@dataclass(frozen=True)
class Start:
    """Another trial's checkpoint, from which a trial begins; see `raysearch.train.takeover`.

    Attributes:
        checkpoint: the file.
        key: the configuration that it must belong to (`raysearch.spec.trial.TrialConfig.key`).
    """

    checkpoint: Path
    key: str


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
        start: what the trial begins from, where it does not begin from nothing.
        keep_every: checkpoints at multiples of this many steps stay, for trials that begin from them; 0 keeps none of them.
        parts: pieces in which a batch goes through the network; see `raysearch.recipes._parts`.
        patience_s: seconds for which a disk that refuses a checkpoint is asked again.
        alive: called at every sign of life: a step, an evaluated image, a decoded photograph.
        asked_to_leave: whether this process was asked to leave its machine: then it writes a checkpoint and ends.
    """

    folder: Path
    cache: Path
    world: World
    device: torch.device
    split: Literal["validation", "test"]
    threads: int = 1
    start: Start | None = None
    keep_every: int = 0
    parts: int = 1
    patience_s: float = 0.0
    alive: Callable[[], None] = _silent
    asked_to_leave: Callable[[], bool] = _never


@dataclass
class TrainState:
    """A trial between two steps.

    Attributes:
        step: optimisation steps done.
        init_sha256: of the checkpoint that the network started from; empty without one.
        reported: the metrics of the last report; empty before the first one.
        reported_at: the step of the last report.
    """

    index: PatchIndex
    geometry: Geometry
    sampler: Sampler
    recipe: Recipe
    generators: dict[str, torch.Generator]
    usage: UsageMaps
    moments: Moments
    init_sha256: str = ""
    step: int = 0
    clock: Clock = field(default_factory=Clock)
    reported: dict[str, float] = field(default_factory=dict)
    reported_at: int = 0

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
            "moments": self.moments.state_dict(),
            "clock": self.clock.state_dict(),
            "reported": dict(self.reported),
            "reported_at": self.reported_at,
        }

    def load_state_dict(self, state: Mapping[str, object], *, other_settings: bool = False) -> None:
        """Continue exactly where `state_dict` was taken.

        Args:
            other_settings: the state is of another configuration, which differs in what may change while a network is trained.

        Raises:
            DataError: the training photographs are not those that the state was trained on.
        """
        if state["data"] != self.index.digest:
            raise DataError(
                "the training photographs have changed since the trial's checkpoint was written",
                remedy="put them back, or start the trial in a new folder",
            )
        self.recipe.load_state_dict(_mapping(state["recipe"]))
        (self.sampler.take_over if other_settings else self.sampler.load_state_dict)(_mapping(state["sampler"]))
        for name, saved in _mapping(state["generators"]).items():
            self.generators[name].set_state(saved)  # type: ignore[arg-type]
        self.usage.load_state_dict(_mapping(state["usage"]))
        if "moments" in state:  # checkpoints of older versions have none
            self.moments.load_state_dict(_mapping(state["moments"]))
        self.clock.load_state_dict(_mapping(state["clock"]))
        self.reported = {name: float(value) for name, value in _mapping(state["reported"]).items()}  # type: ignore[arg-type]
        self.reported_at = int(state["reported_at"])  # type: ignore[call-overload]
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

    def alive(done: int, total: int) -> None:
        io.alive()

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
        progress=alive,
    )
    sampler = trial.sampler.build(
        SamplerContext(
            count=index.count,
            scores=score_columns(trial.sampler, index, io.cache, io.device, alive),
            steps=trial.steps,
            patch=seen,
            channels=task.channels,
            seed=seed_of(trial.seed, "sampler"),
            device=io.device,
        )
    )
    recipe = trial.recipe.build(
        RecipeContext(
            net=io.world.wrap(initial.net.to(io.device) if io.parts == 1 else InParts(initial.net.to(io.device), io.parts)),
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
    return TrainState(index, geometry, sampler, recipe, generators, usage, Moments(trial, index), initial.sha256)


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


def glance(state: TrainState, trial: TrialConfig, io: TrialIO) -> Glance:
    """Return a look at patches through network and sampler as they are; as many at once as this worker trains on."""
    at_once = max(1, trial.batch // (io.parts * io.world.size))
    return Glance(state.recipe.evaluated(), state.sampler, state.index, trial, io.device, at_once)


def save(state: TrainState, trial: TrialConfig, io: TrialIO) -> None:
    """Write the checkpoint of this moment; on rank 0 only, the other ranks return at once."""
    if io.world.rank != 0:
        return
    content = state.state_dict() | {
        "config": trial.model_dump(mode="json"),
        "network": state.recipe.evaluated().state_dict(),  # shares storage with the recipe's, so it costs no space
    }
    folder = io.folder / CHECKPOINTS
    persistently(io, lambda: checkpoint.save(folder, trial.key, state.step, content, keep_every=io.keep_every))


def resume(state: TrainState, trial: TrialConfig, io: TrialIO) -> bool:
    """Load the newest usable checkpoint of the trial's folder into a fresh state; every rank gets the file that rank 0 reads.

    Returns:
        Whether there was one.
    """
    before = None if io.start is None else io.start.key
    blob = checkpoint.newest(io.folder / CHECKPOINTS, trial.key, before) if io.world.rank == 0 else None
    blob = agree_on_bytes(io.world, blob)
    if blob is None:
        return False
    state.load_state_dict(checkpoint.parse(blob))
    return True
