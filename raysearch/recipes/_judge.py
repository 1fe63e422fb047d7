"""The second network of adversarial training: the discriminator, what it tells the first network, and its own descent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from raysearch.discriminators.base import DiscriminatorConfig
from raysearch.errors import StateDamaged
from raysearch.optimizers.base import OptimizerConfig
from raysearch.recipes._descent import Descent
from raysearch.recipes._precision import autocast_dtype
from raysearch.recipes.base import RecipeContext
from raysearch.rng import seed_of
from raysearch.schedules.base import ScheduleConfig
from raysearch.shapes import Image

Gan = Literal["vanilla", "least_squares"]
"""How logits become losses; see `deceiving` and `judging`."""


def deceiving(gan: Gan, restored: Tensor) -> Tensor:
    """Return the loss of the restoring network: ``-log D`` (the form that does not saturate), or ``(D - 1)**2``; the mean.

    Args:
        restored: logits of restored images, of any shape.
    """
    if gan == "vanilla":
        return softplus(-restored.float()).mean()
    return (restored.float() - 1).square().mean()


def judging(gan: Gan, clean: Tensor, restored: Tensor) -> Tensor:
    """Return the loss of the discriminator: ``-log D(clean) - log(1 - D(restored))``, or half of the sum of squares; the mean.

    Args:
        clean: logits of clean images.
        restored: logits of restored images.
    """
    if gan == "vanilla":
        return softplus(-clean.float()).mean() + softplus(restored.float()).mean()
    return ((clean.float() - 1).square().mean() + restored.float().square().mean()) / 2


class Judge:
    """A discriminator in training. All workers start from the same weights and average its gradients."""

    def __init__(
        self,
        context: RecipeContext,
        gan: Gan,
        discriminator: DiscriminatorConfig,
        optimizer: OptimizerConfig,
        schedule: ScheduleConfig,
    ) -> None:
        self._context = context
        self._gan: Gan = gan
        self._device_type = context.device.type
        self._dtype = autocast_dtype(context.precision, context.device)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed_of(context.seed, "discriminator"))
            self._net = discriminator.build(context.channels, context.patch)
        self._net.to(context.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._parameters = list(self._net.parameters())
        scaler = torch.amp.GradScaler(self._device_type, enabled=self._dtype == torch.float16)
        self._descent = Descent(self._parameters, optimizer, schedule, context.steps, None, scaler)

    def deceived_by(self, restored: Image) -> Tensor:
        """Return the adversarial term of the restoring network; its gradient does not reach the discriminator's weights."""
        self._open(False)
        return deceiving(self._gan, self._logits(restored))

    def judged(self, clean: Image, restored: Image) -> Tensor:
        """Return the discriminator's own loss; its gradient does not reach the restoring network."""
        self._open(True)
        return judging(self._gan, self._logits(clean), self._logits(restored.detach()))

    def learn(self, step: int, loss: Tensor) -> None:
        """Take one step down a loss from `judged`."""
        self._descent.set_rate(step)
        self._descent.descend(loss, self._share)

    def _logits(self, images: Image) -> Tensor:
        images = images.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self._device_type, self._dtype, enabled=self._dtype is not torch.float32):
            logits: Tensor = self._net(images)
        return logits

    def _open(self, learning: bool) -> None:
        for parameter in self._parameters:
            parameter.requires_grad_(learning)

    def _share(self, parameters: Sequence[nn.Parameter]) -> None:
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad = self._context.mean_over_ranks(parameter.grad)

    def state_dict(self) -> dict[str, object]:
        """Return the network, the optimizer and the loss scaling."""
        return {"net": dict(self._net.state_dict()), **self._descent.state_dict()}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue exactly where `state_dict` was taken."""
        net = state["net"]
        if not isinstance(net, dict):
            raise StateDamaged("the recipe's state does not hold a discriminator")
        self._net.load_state_dict(net)
        self._descent.load_state_dict(state)
