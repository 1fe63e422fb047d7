"""The network that a recipe trains: its forward pass, its descent, the average of its weights, and their state."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from raysearch.errors import StateDamaged
from raysearch.models.base import Restoration
from raysearch.optimizers.base import OptimizerConfig
from raysearch.recipes._average import Average
from raysearch.recipes._descent import Descent
from raysearch.recipes._parts import bare
from raysearch.recipes._precision import autocast_dtype
from raysearch.recipes.base import RecipeContext
from raysearch.schedules.base import ScheduleConfig
from raysearch.shapes import Image
from raysearch.tasks.base import Pair


class Trained:
    """A restoration network in training.

    Args:
        clip_norm: see `Descent`.
        ema: decay of the average of the weights; None keeps none.
    """

    def __init__(
        self,
        context: RecipeContext,
        optimizer: OptimizerConfig,
        schedule: ScheduleConfig,
        clip_norm: float | None,
        ema: float | None,
    ) -> None:
        self._context = context
        self._device_type = context.device.type
        self._dtype = autocast_dtype(context.precision, context.device)
        self.bare = bare(context.net)
        wrapped = isinstance(context.net, nn.parallel.DistributedDataParallel)
        if not wrapped:  # the buckets of a wrapped network depend on the layout; wrap a channels-last one
            self.bare.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        scaler = torch.amp.GradScaler(self._device_type, enabled=self._dtype == torch.float16)
        parameters = [p for p in self.bare.parameters() if p.requires_grad]
        self._descent = Descent(parameters, optimizer, schedule, context.steps, clip_norm, scaler)
        self._average = None if ema is None else Average(self.bare, ema)

    def set_rate(self, step: int) -> float:
        """Set the learning rate of the step and return it."""
        return self._descent.set_rate(step)

    def restore(self, pair: Pair, *, training: bool = True) -> Restoration:
        """Return the network's outputs in training mode, or in evaluation mode; the image in float32."""
        net = self._context.net
        if net.training != training:
            net.train(training)
        return self._run(net, pair)

    def restored_by(self, frozen: nn.Module, pair: Pair) -> Image:
        """Return what another network restores, in the same arithmetic and without gradient."""
        with torch.no_grad():
            return self._run(frozen, pair).image

    def _run(self, net: nn.Module, pair: Pair) -> Restoration:
        degraded = pair.degraded.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self._device_type, self._dtype, enabled=self._dtype is not torch.float32):
            output = net(degraded, pair.sigma_255)
        restored, extras = output if isinstance(output, Restoration) else (output, {})
        return Restoration(restored.float().contiguous(), extras)

    def clean(self, pair: Pair) -> Image:
        """Return the clean image, cropped like the restored one."""
        margin = self._context.margin
        return pair.clean[..., margin:-margin, margin:-margin] if margin else pair.clean

    def descend(self, loss: Tensor) -> None:
        """Take one step down the loss; the average follows where the weights moved."""
        moved = self._descent.descend(loss)
        if self._average is not None and moved:
            self._average.follow(self.bare)

    def evaluated(self) -> nn.Module:
        """Return the network, or its average where one is kept; never wrapped."""
        return self.bare if self._average is None else self._average.net

    def state_dict(self) -> dict[str, object]:
        """Return the network, the optimizer, the average and the loss scaling."""
        average = None if self._average is None else self._average.state_dict()
        return {"net": dict(self.bare.state_dict()), "average": average, **self._descent.state_dict()}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue exactly where `state_dict` was taken."""
        net, average = state["net"], state["average"]
        if not isinstance(net, dict):
            raise StateDamaged("the recipe's state does not hold a network")
        if (average is None) != (self._average is None):
            raise StateDamaged("the checkpoint and the configuration disagree on whether an average of the weights is kept (`ema`)")
        self.bare.load_state_dict(net)
        self._descent.load_state_dict(state)
        if self._average is not None:
            self._average.load_state_dict(average)
