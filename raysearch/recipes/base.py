"""What a recipe is: everything that one optimisation step does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from raysearch.component import Config

if TYPE_CHECKING:
    import torch
    from torch import nn

    from raysearch.samplers.base import Signal, Signals
    from raysearch.shapes import PixelWeights
    from raysearch.tasks.base import Pair

Precision = Literal["auto", "float32", "bfloat16", "float16"]
"""Arithmetic of the forward pass; ``auto`` is bfloat16 on a GPU that has it, else float16 on a GPU, else float32."""


@dataclass(frozen=True)
class RecipeContext:
    """What a recipe is built from.

    Attributes:
        net: the network on its device, already wrapped for several workers where there are several.
        steps: optimisation steps of the whole trial.
        device: where it runs.
        precision: arithmetic of the forward pass.
        margin: pixels that the network loses on each side; the clean image is cropped likewise.
        channels: channels of a restored image.
        patch: side of a restored training patch, in pixels, after the margin is cut.
        seed: of what the recipe draws at random itself (initial weights of a discriminator).
        mean_over_ranks: averages a tensor over the workers.
    """

    net: nn.Module
    steps: int
    device: torch.device
    precision: Precision
    margin: int
    channels: int
    patch: int
    seed: int
    mean_over_ranks: Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class StepResult:
    """What one step did.

    Attributes:
        loss: the loss that was descended, averaged over ranks; 0-dim, detached, on the device (not synchronised).
        skipped: the sampler kept nothing, so the weights did not change.
        lr: the learning rate of the step.
        terms: the parts that ``loss`` is the sum of, by name, like it averaged over ranks, detached and on the device; a recipe
            that trains a second network adds that network's loss.
    """

    loss: torch.Tensor
    skipped: bool
    lr: float
    terms: Mapping[str, torch.Tensor] = field(default_factory=dict)


class Recipe(ABC):
    """A running recipe: it owns the optimizers, the averaged weights and their state."""

    @abstractmethod
    def step(self, step: int, pair: Pair, weigh: Callable[[Signals], PixelWeights | None]) -> StepResult:
        """Take the optimisation step number ``step`` (from 0).

        Args:
            weigh: answers, for this rank's part of the batch, with the sampler's weights (see `raysearch.samplers.base`).

        Raises:
            Diverged: the loss is not finite; the message names the term. Checked without a device synchronisation in every step.
            OutOfMemory: the device's memory did not suffice.
        """

    @abstractmethod
    def evaluated(self) -> nn.Module:
        """Return the network to evaluate: the averaged weights where an average is kept. Not wrapped."""

    @abstractmethod
    def state_dict(self) -> dict[str, object]:
        """Return networks, optimizers, averages and loss scaling as tensors and plain values."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue exactly where `state_dict` was taken."""


class RecipeConfig(Config, ABC):
    """How a network is trained."""

    @property
    @abstractmethod
    def gives(self) -> frozenset[Signal]:
        """The signals that a sampler can rely on."""

    @property
    def reads(self) -> frozenset[str]:
        """What its losses need beside the two images; see `raysearch.losses.base.LossConfig.reads`."""
        return frozenset()

    @property
    def compares_pixels(self) -> bool:
        """Whether it compares the restored image with the clean one pixel by pixel, so that both must show the same."""
        return True

    @property
    def continues(self) -> bool:
        """Whether it makes sense only for a network that was trained before, so that a trial must name its `init`."""
        return False

    @abstractmethod
    def build(self, context: RecipeContext) -> Recipe:
        """Build the recipe in its initial state."""
