"""The first steps of each optimizer against its formula."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from raysearch.optimizers import adam, adamw, sgd
from raysearch.optimizers.base import OptimizerConfig


def steps(config: OptimizerConfig, gradients: list[float], start: float = 2.0) -> float:
    weight = torch.nn.Parameter(torch.tensor(start, dtype=torch.float64))
    optimizer = config.build([weight])
    for gradient in gradients:
        weight.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
    return weight.item()


def adam_by_hand(gradients: list[float], lr: float, betas: tuple[float, float], l2: float, decoupled: float) -> float:
    weight, mean, square = 2.0, 0.0, 0.0
    for n, gradient in enumerate(gradients, start=1):
        weight -= lr * decoupled * weight
        gradient += l2 * weight
        mean = betas[0] * mean + (1 - betas[0]) * gradient
        square = betas[1] * square + (1 - betas[1]) * gradient**2
        weight -= lr * (mean / (1 - betas[0] ** n)) / ((square / (1 - betas[1] ** n)) ** 0.5 + 1e-8)
    return weight


def test_adam() -> None:
    config = adam.Config(lr=0.1, betas=(0.8, 0.95), weight_decay=0.3)
    assert steps(config, [1.0, -0.5, 2.0]) == pytest.approx(adam_by_hand([1.0, -0.5, 2.0], 0.1, (0.8, 0.95), 0.3, 0.0))


def test_adamw() -> None:
    config = adamw.Config(lr=0.1, betas=(0.8, 0.95), weight_decay=0.3)
    assert steps(config, [1.0, -0.5, 2.0]) == pytest.approx(adam_by_hand([1.0, -0.5, 2.0], 0.1, (0.8, 0.95), 0.0, 0.3))


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd(nesterov: bool) -> None:
    weight, momentum = 2.0, 0.0
    for n, given in enumerate([1.0, -0.5, 2.0]):
        gradient = given + 0.3 * weight
        momentum = gradient if n == 0 else 0.7 * momentum + gradient
        weight -= 0.1 * (gradient + 0.7 * momentum if nesterov else momentum)
    config = sgd.Config(lr=0.1, momentum=0.7, nesterov=nesterov, weight_decay=0.3)
    assert steps(config, [1.0, -0.5, 2.0]) == pytest.approx(weight)


def test_nesterov_without_momentum_is_refused() -> None:
    with pytest.raises(ValidationError, match="needs a momentum above 0"):
        sgd.Config(momentum=0.0, nesterov=True)


@pytest.mark.parametrize("betas", [[0.9], [0.9, 1.0], [-0.1, 0.9], [0.9, 0.99, 0.999]])
def test_bad_betas_are_refused(betas: list[float]) -> None:
    for module in (adam, adamw):
        with pytest.raises(ValidationError):
            module.Config.parse({"betas": betas})
