"""What every optimizer promises."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from raysearch.component import find, names
from raysearch.optimizers.base import OptimizerConfig

KINDS = names("raysearch.optimizers")


def config_of(kind: str, **changes: object) -> OptimizerConfig:
    config = find("raysearch.optimizers", kind).parse({"kind": kind, **changes})
    assert isinstance(config, OptimizerConfig)
    return config


@pytest.mark.parametrize("kind", KINDS)
def test_it_finds_the_least_of_a_parabola(kind: str) -> None:
    weight = torch.nn.Parameter(torch.tensor([3.0, -2.0]))
    optimizer = config_of(kind, lr=0.05, weight_decay=0.0).build([weight])
    for _ in range(300):
        optimizer.zero_grad()
        torch.autograd.backward(weight.square().sum())
        optimizer.step()
    assert weight.abs().max() < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_the_rate_is_the_peak_and_can_be_moved(kind: str) -> None:
    optimizer = config_of(kind, lr=0.25).build([torch.nn.Parameter(torch.ones(1))])
    assert [group["lr"] for group in optimizer.param_groups] == [0.25]


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_with_rate_zero_changes_nothing(kind: str) -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = config_of(kind, weight_decay=0.1).build([weight])
    optimizer.param_groups[0]["lr"] = 0.0
    torch.autograd.backward(weight.square().sum())
    optimizer.step()
    assert torch.equal(weight.detach(), torch.ones(3))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", [{"lr": 0}, {"lr": -1}, {"lr": "1e-3"}, {"weight_decay": -1}, {"speed": 1}])
def test_bad_settings_are_refused(kind: str, change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        config_of(kind, **change)


@pytest.mark.parametrize("kind", KINDS)
def test_a_config_round_trips(kind: str) -> None:
    config = config_of(kind, lr=1e-4)
    assert type(config).parse(config.model_dump(mode="json")) == config
