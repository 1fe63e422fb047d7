"""Supervised training: degrade, restore, compare with the clean image, take one gradient step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field, SerializeAsAny
from torch import Tensor, nn

from raysearch.component import Kind
from raysearch.losses.base import Compared, LossConfig
from raysearch.optimizers.base import OptimizerConfig
from raysearch.recipes._finite import FiniteCheck, out_of_memory_named
from raysearch.recipes._reduction import anything_kept, reduce_loss, shown_of_all_ranks
from raysearch.recipes._trained import Trained
from raysearch.recipes.base import Recipe, RecipeConfig, RecipeContext, StepResult
from raysearch.samplers.base import Signal, Signals
from raysearch.schedules.base import ScheduleConfig
from raysearch.shapes import LossMap, PixelWeights
from raysearch.tasks.base import Pair


class Config(RecipeConfig):
    """One network, one loss, one optimizer.

    The network runs in the trial's precision (automatic mixed precision below float32); the loss is computed in float32 from its
    output. Images and weights are channels-last: the layout of tensor cores, and faster on CPUs as well.
    """

    kind: Literal["supervised"] = "supervised"

    loss: Annotated[SerializeAsAny[LossConfig], Kind("raysearch.losses")]
    optimizer: Annotated[SerializeAsAny[OptimizerConfig], Kind("raysearch.optimizers")]
    schedule: Annotated[SerializeAsAny[ScheduleConfig], Kind("raysearch.schedules")]

    clip_norm: float | None = Field(None, gt=0)
    """Largest norm of the gradient of all weights together; null leaves it as it is."""

    ema: float | None = Field(None, gt=0, lt=1)
    """Decay of an exponential moving average of the weights, which is then what is evaluated; null evaluates the weights
    themselves. The first steps use a smaller decay, ``(1 + n) / (10 + n)`` in step n."""

    @property
    def gives(self) -> frozenset[Signal]:
        """Everything."""
        return frozenset({"restored", "clean", "loss_map"})

    @property
    def reads(self) -> frozenset[str]:
        """What the loss needs."""
        return self.loss.reads

    def build(self, context: RecipeContext) -> Recipe:
        """Build the recipe in its initial state."""
        return Supervised(self, context)


class Supervised(Recipe):
    """See `Config`.

    Whether the loss is finite is checked in every step on the CPU; on a GPU the device keeps note and is read every 50 steps, and
    before the state or the network is given out. A step in which all weights are 0 changes neither parameters nor optimizer nor
    average; running statistics of a batch normalisation have seen its forward pass.
    """

    def __init__(self, config: Config, context: RecipeContext) -> None:
        self._context = context
        self._net = Trained(context, config.optimizer, config.schedule, config.clip_norm, config.ema)
        self._loss = config.loss.build(context.device)
        self._finite = FiniteCheck(_name(config.loss), context.device)

    def step(self, step: int, pair: Pair, weigh: Callable[[Signals], PixelWeights | None]) -> StepResult:
        """Take the optimisation step number ``step`` (from 0); see `Recipe.step`."""
        with out_of_memory_named(tuple(pair.degraded.shape)):
            lr = self._net.set_rate(step)
            restored, clean, maps = self._forward(pair, step / self._context.steps)
            loss_map = torch.stack(list(maps.values())).sum(dim=0)
            weights = weigh(Signals(restored.detach(), clean, loss_map.detach()))
            loss = reduce_loss(loss_map, weights)
            shown, terms = shown_of_all_ranks(loss, maps, weights, self._context)
            self._finite.watch(step, shown, weights, terms)
            skipped = weights is not None and not anything_kept(weights, self._context)
            if not skipped:
                self._net.descend(loss)
            return StepResult(shown, skipped, lr, terms)

    def _forward(self, pair: Pair, progress: float) -> tuple[Tensor, Tensor, dict[str, LossMap]]:
        """Return the restored image, the clean one cropped likewise (both float32), and the terms of every pixel's loss."""
        restored, extras = self._net.restore(pair)
        clean = self._net.clean(pair)
        return restored, clean, self._loss.terms(Compared(restored, clean, pair.loss_sigma_255, extras, progress))

    def evaluated(self) -> nn.Module:
        """Return the network, or its average where one is kept; never wrapped.

        Raises:
            Diverged: a loss since the last check was not finite.
        """
        self._finite.check()
        return self._net.evaluated()

    def state_dict(self) -> dict[str, object]:
        """Return the network, the optimizer, the average and the loss scaling.

        Raises:
            Diverged: a loss since the last check was not finite, so the state is worth nothing.
        """
        self._finite.check()
        return self._net.state_dict()

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue exactly where `state_dict` was taken."""
        self._net.load_state_dict(state)


def _name(loss: LossConfig) -> str:
    """Return the kind of a loss."""
    return str(loss.model_dump(include={"kind"}).get("kind", type(loss).__name__))
