"""Gradient descent on one network's weights: the rate of the schedule, loss scaling, clipping, the optimizer's step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from raysearch.errors import StateDamaged
from raysearch.optimizers.base import OptimizerConfig
from raysearch.schedules.base import ScheduleConfig


class Descent:
    """An optimizer with everything around it.

    Args:
        parameters: what it moves.
        optimizer: which one, with its peak rate.
        schedule: factor on the peak rate.
        steps: optimisation steps of the whole trial.
        clip_norm: largest norm of the gradient of all parameters together; None leaves it as it is.
        scaler: scales the loss against underflow in float16; disabled otherwise.
    """

    def __init__(
        self,
        parameters: Sequence[nn.Parameter],
        optimizer: OptimizerConfig,
        schedule: ScheduleConfig,
        steps: int,
        clip_norm: float | None,
        scaler: torch.amp.GradScaler,
    ) -> None:
        self._parameters = parameters
        self._peak = optimizer.lr
        self._optimizer = optimizer.build(parameters)
        self._schedule = schedule
        self._steps = steps
        self._clip_norm = clip_norm
        self._scaler = scaler

    def set_rate(self, step: int) -> float:
        """Set the learning rate of the step and return it."""
        lr = self._peak * self._schedule.factor(step, self._steps)
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        return lr

    def descend(self, loss: Tensor, share: Callable[[Sequence[nn.Parameter]], None] | None = None) -> bool:
        """Take one step down the loss.

        Args:
            share: averages the gradients over the workers; None where the network's wrapper has done so.

        Returns:
            Whether the weights moved; not so in float16 where the scaled gradient overflowed.
        """
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(self._scaler.scale(loss))
        if share is not None:
            share(self._parameters)
        if self._clip_norm is not None:
            self._scaler.unscale_(self._optimizer)
            nn.utils.clip_grad_norm_(self._parameters, self._clip_norm)
        scale_before = self._scaler.get_scale()
        self._scaler.step(self._optimizer)
        self._scaler.update()
        return self._scaler.get_scale() >= scale_before

    def state_dict(self) -> dict[str, object]:
        """Return the state of the optimizer and of the loss scaling."""
        return {"optimizer": self._optimizer.state_dict(), "scaler": self._scaler.state_dict()}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue exactly where `state_dict` was taken; with the settings of this optimizer, should they be others."""
        optimizer, scaler = state["optimizer"], state["scaler"]
        if not (isinstance(optimizer, dict) and isinstance(scaler, dict)):
            raise StateDamaged("the recipe's state does not hold an optimizer")
        own = [{name: value for name, value in group.items() if name != "params"} for group in self._optimizer.param_groups]
        self._optimizer.load_state_dict(optimizer)
        for group, settings in zip(self._optimizer.param_groups, own, strict=True):
            group.update(settings)
        if self._scaler.is_enabled():
            self._scaler.load_state_dict(scaler)
