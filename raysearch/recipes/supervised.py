"""Supervised training: degrade, restore, compare with the clean image, take one gradient step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field, SerializeAsAny
from torch import Tensor, nn

from raysearch.component import Kind
from raysearch.errors import StateDamaged
from raysearch.losses.base import Compared, LossConfig
from raysearch.models.base import Restoration
from raysearch.optimizers.base import OptimizerConfig
from raysearch.recipes._average import Average
from raysearch.recipes._finite import FiniteCheck, out_of_memory_named
from raysearch.recipes._precision import autocast_dtype
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
        self._config = config
        self._context = context
        self._device_type = context.device.type
        self._dtype = autocast_dtype(context.precision, context.device)
        self._bare = context.net.module if isinstance(context.net, nn.parallel.DistributedDataParallel) else context.net
        if self._bare is context.net:  # the buckets of a wrapped network depend on the layout; wrap a channels-last one
            self._bare.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._parameters = [p for p in self._bare.parameters() if p.requires_grad]
        self._optimizer = config.optimizer.build(self._parameters)
        self._loss = config.loss.build(context.device)
        self._scaler = torch.amp.GradScaler(self._device_type, enabled=self._dtype == torch.float16)
        self._average = None if config.ema is None else Average(self._bare, config.ema)
        self._finite = FiniteCheck(_name(config.loss), context.device)

    def step(self, step: int, pair: Pair, weigh: Callable[[Signals], PixelWeights | None]) -> StepResult:
        """Take the optimisation step number ``step`` (from 0); see `Recipe.step`."""
        with out_of_memory_named(tuple(pair.degraded.shape)):
            lr = self._set_rate(step)
            restored, clean, loss_map = self._forward(pair, step / self._context.steps)
            weights = weigh(Signals(restored.detach(), clean, loss_map.detach()))
            loss = reduce_loss(loss_map, weights)
            shown = self._context.mean_over_ranks(loss.detach())
            self._finite.watch(step, shown, weights)
            skipped = weights is not None and not self._anything_kept(weights)
            if not skipped:
                self._descend(loss)
            return StepResult(shown, skipped, lr)

    def _set_rate(self, step: int) -> float:
        lr = self._config.optimizer.lr * self._config.schedule.factor(step, self._context.steps)
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        return lr

    def _forward(self, pair: Pair, progress: float) -> tuple[Tensor, Tensor, LossMap]:
        """Return the restored image, the clean one cropped likewise (both float32), and the loss of every pixel."""
        net, degraded, margin = self._context.net, pair.degraded, self._context.margin
        if not net.training:
            net.train()
        degraded = degraded.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self._device_type, self._dtype, enabled=self._dtype is not torch.float32):
            output = net(degraded, pair.sigma_255)
        restored, extras = output if isinstance(output, Restoration) else (output, {})
        restored = restored.float().contiguous()
        clean = pair.clean[..., margin:-margin, margin:-margin] if margin else pair.clean
        terms = self._loss.terms(Compared(restored, clean, pair.sigma_255, extras, progress))
        return restored, clean, torch.stack(list(terms.values())).sum(dim=0)

    def _anything_kept(self, weights: PixelWeights) -> bool:
        """Say whether any rank has a weight above 0, so that all ranks skip together. Reads the device."""
        return self._context.mean_over_ranks(weights.sum()).item() > 0

    def _descend(self, loss: Tensor) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(self._scaler.scale(loss))
        if self._config.clip_norm is not None:
            self._scaler.unscale_(self._optimizer)
            nn.utils.clip_grad_norm_(self._parameters, self._config.clip_norm)
        scale_before = self._scaler.get_scale()
        self._scaler.step(self._optimizer)
        self._scaler.update()
        overflow = self._scaler.get_scale() < scale_before  # float16 only: the scaler left the weights alone
        if self._average is not None and not overflow:
            self._average.follow(self._bare)

    def evaluated(self) -> nn.Module:
        """Return the network, or its average where one is kept; never wrapped.

        Raises:
            Diverged: a loss since the last check was not finite.
        """
        self._finite.check()
        return self._bare if self._average is None else self._average.net

    def state_dict(self) -> dict[str, object]:
        """Return the network, the optimizer, the average and the loss scaling.

        Raises:
            Diverged: a loss since the last check was not finite, so the state is worth nothing.
        """
        self._finite.check()
        return {
            "net": dict(self._bare.state_dict()),
            "optimizer": self._optimizer.state_dict(),
            "average": None if self._average is None else self._average.state_dict(),
            "scaler": self._scaler.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue exactly where `state_dict` was taken."""
        net, optimizer, scaler, average = (state[name] for name in ("net", "optimizer", "scaler", "average"))
        if not (isinstance(net, dict) and isinstance(optimizer, dict) and isinstance(scaler, dict)):
            raise StateDamaged("the recipe's state is not one of supervised")
        if (average is None) != (self._average is None):
            raise StateDamaged("the checkpoint and the configuration disagree on whether an average of the weights is kept (`ema`)")
        self._bare.load_state_dict(net)
        self._optimizer.load_state_dict(optimizer)
        if self._scaler.is_enabled():
            self._scaler.load_state_dict(scaler)
        if self._average is not None:
            self._average.load_state_dict(average)


def reduce_loss(loss_map: LossMap, weights: PixelWeights | None) -> Tensor:
    """Return ``sum(weights * loss_map) / b``, 0-dim; without weights the mean. The only place where a loss is reduced."""
    if weights is None:
        return loss_map.mean()
    return (weights * loss_map).sum() / len(loss_map)


def _name(loss: LossConfig) -> str:
    """Return the kind of a loss."""
    return str(loss.model_dump(include={"kind"}).get("kind", type(loss).__name__))
