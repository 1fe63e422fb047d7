"""Each schedule against its formula."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError

from raysearch.schedules import constant, cosine, multistep


def test_constant() -> None:
    assert [constant.Config().factor(step, 3) for step in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("final", [0.0, 0.1])
def test_cosine_equals_torch(final: float) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20, eta_min=final)
    for step in range(20):
        assert cosine.Config(final=final).factor(step, 20) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-9)
        optimizer.step()
        theirs.step()


def test_cosine_is_half_a_cycle_over_the_steps_after_the_warm_up() -> None:
    config = cosine.Config(warmup_steps=10)
    assert config.factor(60, 110) == pytest.approx(0.5)
    assert config.factor(109, 110) == pytest.approx((1 + math.cos(math.pi * 0.99)) / 2)


def test_multistep_drops_at_each_milestone() -> None:
    config = multistep.Config(milestones=(0.5, 0.75), gamma=0.1)
    factors = [config.factor(step, 8) for step in range(8)]
    assert factors == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01])
    assert multistep.Config(milestones=()).factor(7, 8) == 1.0


@pytest.mark.parametrize("milestones", [[0.8, 0.5], [0.5, 0.5], [0.0], [1.0], ["0.5"]])
def test_bad_milestones_are_refused(milestones: list[object]) -> None:
    with pytest.raises(ValidationError):
        multistep.Config.parse({"milestones": milestones})
