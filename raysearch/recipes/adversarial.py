"""Adversarial training: a loss against a target, plus a discriminator that learns to tell restored images from clean ones.

Goodfellow et al.: "Generative adversarial nets", NIPS 2014 (``vanilla``); Mao et al.: "Least squares generative adversarial
networks", ICCV 2017 (``least_squares``, CycleGAN's). One step of the restoring network, then one of the discriminator on the
same images, as in SRGAN (Ledig et al., CVPR 2017).

    restoring network:  loss(restored, target) + weight * adversarial term
    discriminator:      vanilla        -log D(clean) - log(1 - D(restored)),         adversarial term -log D(restored)
                        least_squares  ((D(clean) - 1)**2 + D(restored)**2) / 2,     adversarial term (D(restored) - 1)**2

Means over images and, for a discriminator of patches, over patches; images in [0, 1]. The clean images that the discriminator
sees are those of the pair (`Pair.clean`, cropped like the restored ones).

**Two-stage training with surrogate ground truth.** Stage 1 trains on synthetic pairs with any recipe. Stage 2 starts from its
checkpoint and trains on real degraded images, for which there is no clean one: take a task whose pairs hold a real image as
``degraded`` and any *unpaired* clean image as ``clean``, and set ``target: surrogate``. The target is then what a frozen copy of
the network, taken before the first step, restores from the same degraded image, and the discriminator's clean samples are the
unpaired ones. As published: ``loss: l2``, ``gan: vanilla``, ``weight: 1e-3``, Adam at 1e-4 (faces) or 1e-5 (moire) for both
networks, 10,000 steps on batches of 32. The network stays in evaluation mode (batch norms frozen), so the first loss is exactly 0
and only the adversarial term moves it; a network with more outputs gives its image only. Later stages are the same with the
checkpoint of the one before; the discriminator starts anew in each.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field, SerializeAsAny, model_validator
from torch import Tensor, nn

from raysearch.component import Kind
from raysearch.discriminators.base import DiscriminatorConfig
from raysearch.errors import StateDamaged
from raysearch.losses.base import Compared, LossConfig
from raysearch.optimizers.base import OptimizerConfig
from raysearch.recipes._finite import Blame, FiniteCheck, out_of_memory_named
from raysearch.recipes._judge import Gan, Judge
from raysearch.recipes._reduction import anything_kept, reduce_loss, shown_of_all_ranks
from raysearch.recipes._trained import Trained
from raysearch.recipes.base import Recipe, RecipeConfig, RecipeContext, StepResult
from raysearch.samplers.base import Signal, Signals
from raysearch.schedules.base import ScheduleConfig
from raysearch.schedules.constant import Config as Constant
from raysearch.shapes import Image, LossMap, PixelWeights
from raysearch.tasks.base import Pair

_DECEIVED, _JUDGED = "adversarial", "discriminator"  # names of terms
_BLAME = Blame(
    "recipe.discriminator", "lower `recipe.discriminator_optimizer.lr`, or give `recipe.discriminator_schedule` some `warmup_steps`"
)
_BLAMES = {_DECEIVED: _BLAME, _JUDGED: _BLAME}


class Config(RecipeConfig):
    """A network and its discriminator, each with its own optimizer. Precision and layout are as in ``supervised``."""

    kind: Literal["adversarial"] = "adversarial"

    loss: Annotated[SerializeAsAny[LossConfig], Kind("raysearch.losses")]
    optimizer: Annotated[SerializeAsAny[OptimizerConfig], Kind("raysearch.optimizers")]
    schedule: Annotated[SerializeAsAny[ScheduleConfig], Kind("raysearch.schedules")]

    gan: Gan = "vanilla"
    """The two networks' losses; see the module's docstring."""

    weight: float = Field(1e-3, gt=0)
    """Factor of the adversarial term."""

    discriminator: Annotated[SerializeAsAny[DiscriminatorConfig], Kind("raysearch.discriminators")]
    discriminator_optimizer: Annotated[SerializeAsAny[OptimizerConfig], Kind("raysearch.optimizers")]
    discriminator_schedule: Annotated[SerializeAsAny[ScheduleConfig], Kind("raysearch.schedules")] = Constant()
    """Schedule of the discriminator's learning rate."""

    target: Literal["clean", "surrogate"] = "clean"
    """What the loss compares with: the pair's clean image, or what the network restored before the first step."""

    clip_norm: float | None = Field(None, gt=0)
    """Largest norm of the gradient of the restoring network's weights together; null leaves it as it is."""

    ema: float | None = Field(None, gt=0, lt=1)
    """Decay of an exponential moving average of the restoring network's weights, which is then what is evaluated; see
    ``supervised``."""

    @property
    def gives(self) -> frozenset[Signal]:
        """Everything; ``clean`` is the target, and the map of the loss has no adversarial term, which belongs to no pixel."""
        return frozenset({"restored", "clean", "loss_map"})

    @property
    def reads(self) -> frozenset[str]:
        """What the loss needs."""
        return self.loss.reads

    @property
    def compares_pixels(self) -> bool:
        """Not with the surrogate as the target: the clean images may be unrelated then."""
        return self.target == "clean"

    @property
    def continues(self) -> bool:
        """With the surrogate as the target: what random weights restore teaches nothing."""
        return self.target == "surrogate"

    @model_validator(mode="after")
    def _surrogates_are_images(self) -> Config:
        extras = self.loss.reads - {"sigma_255"}
        if self.target == "surrogate" and extras:
            raise ValueError(f"target: surrogate compares images only, but the loss reads {', '.join(sorted(extras))}")
        return self

    def build(self, context: RecipeContext) -> Recipe:
        """Build the recipe in its initial state.

        Raises:
            SpecError: the patch is too small for the discriminator.
        """
        return Adversarial(self, context)


class Adversarial(Recipe):
    """See `Config`.

    The sampler's weights apply to the loss, not to the adversarial term. A step in which all weights are 0 moves neither network.
    Whether the three losses are finite is checked as in ``supervised``, each before it moves any weight.
    """

    def __init__(self, config: Config, context: RecipeContext) -> None:
        self._config = config
        self._context = context
        self._net = Trained(context, config.optimizer, config.schedule, config.clip_norm, config.ema)
        schedule = config.discriminator_schedule
        self._judge = Judge(context, config.gan, config.discriminator, config.discriminator_optimizer, schedule)
        self._loss = config.loss.build(context.device)
        self._before: nn.Module | None = None
        if config.target == "surrogate":
            self._before = copy.deepcopy(self._net.bare).eval().requires_grad_(False)
        self._finite = FiniteCheck(str(getattr(config.loss, "kind", "loss")), context.device, _BLAMES)
        self._judge_finite = FiniteCheck(_JUDGED, context.device, _BLAMES)

    def step(self, step: int, pair: Pair, weigh: Callable[[Signals], PixelWeights | None]) -> StepResult:
        """Take the optimisation step number ``step`` (from 0); see `Recipe.step`."""
        with out_of_memory_named(tuple(pair.degraded.shape)):
            lr = self._net.set_rate(step)
            restored, target, maps = self._compare(step, pair)
            loss_map = torch.stack(list(maps.values())).sum(dim=0)
            weights = weigh(Signals(restored.detach(), target, loss_map.detach()))
            deception = self._config.weight * self._judge.deceived_by(restored)
            loss = reduce_loss(loss_map, weights) + deception
            shown, terms = shown_of_all_ranks(loss, maps, weights, self._context)
            terms[_DECEIVED] = self._context.mean_over_ranks(deception.detach())
            self._finite.watch(step, shown, weights, terms)
            skipped = weights is not None and not anything_kept(weights, self._context)
            if not skipped:
                self._net.descend(loss)
                terms[_JUDGED] = self._teach(step, self._net.clean(pair), restored)
            return StepResult(shown, skipped, lr, terms)

    def _compare(self, step: int, pair: Pair) -> tuple[Image, Image, dict[str, LossMap]]:
        """Return the restored images, what they are compared with, and the terms of every pixel's loss."""
        restored, extras = self._net.restore(pair, training=self._before is None)
        target = self._net.clean(pair) if self._before is None else self._net.restored_by(self._before, pair)
        progress = step / self._context.steps
        return restored, target, self._loss.terms(Compared(restored, target, pair.loss_sigma_255, extras, progress))

    def _teach(self, step: int, clean: Image, restored: Image) -> Tensor:
        """Take the discriminator's step and return its loss."""
        loss = self._judge.judged(clean, restored)
        shown = self._context.mean_over_ranks(loss.detach())
        self._judge_finite.watch(step, shown, None)
        self._judge.learn(step, loss)
        return shown

    def evaluated(self) -> nn.Module:
        """Return the restoring network, or its average where one is kept; never wrapped.

        Raises:
            Diverged: a loss since the last check was not finite.
        """
        self._finite.check()
        self._judge_finite.check()
        return self._net.evaluated()

    def state_dict(self) -> dict[str, object]:
        """Return both networks, their optimizers, the average, the loss scaling and the surrogates' network.

        Raises:
            Diverged: a loss since the last check was not finite, so the state is worth nothing.
        """
        self._finite.check()
        self._judge_finite.check()
        before = None if self._before is None else dict(self._before.state_dict())
        return {**self._net.state_dict(), "discriminator": self._judge.state_dict(), "before": before}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue exactly where `state_dict` was taken."""
        judge, before = state.get("discriminator"), state.get("before")
        if not isinstance(judge, dict):
            raise StateDamaged("the recipe's state is not one of adversarial")
        if isinstance(before, dict) != (self._before is not None):
            raise StateDamaged("the checkpoint and the configuration disagree on the recipe's `target`")
        self._net.load_state_dict(state)
        self._judge.load_state_dict(judge)
        if self._before is not None and isinstance(before, dict):
            self._before.load_state_dict(before)
