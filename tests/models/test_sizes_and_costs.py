"""Parameter counts equal the sources' to the unit; multiply-accumulates within half a percent."""

from __future__ import annotations

import pytest
import torch

from raysearch.models import bilinear, deepjdd, dncnn, restorenet
from raysearch.models._count import cost, macs, parameters
from raysearch.models.base import ModelConfig

JDD = deepjdd.Config
CHECKS = [
    (JDD(padding="same"), 3, 560_783, 128, 2.337),
    (JDD(padding="same", sigma_channel=True), 3, 564_303, 128, 2.351),
    (JDD(padding="same", variant="published"), 3, 493_071, 128, 2.061),
    (JDD(padding="same", variant="published", sigma_channel=True), 3, 493_647, 128, 2.063),
    (JDD(padding="same", masks=False), 3, 560_783 - 64 * (9 * 64 + 1), 128, 2.337 - 64 * 64 * 9 * 64 * 64 / 1e9),
    (restorenet.Config(sigma_channel=True), 3, 3_434_639, 128, 14.078),
    (restorenet.Config(), 3, 3_432_335, 128, 14.069),
    (dncnn.Config(), 1, 556_097, 256, 36.31),
    (dncnn.Config(), 1, 556_097, 40, 0.887),
    (dncnn.Config(depth=20), 1, 667_073, 256, 43.56),
    (dncnn.Config(depth=20), 3, 669_379, 63, 2.647),
    (bilinear.Config(), 3, 0, 64, 0.0),
]


@pytest.mark.parametrize(("model", "channels", "count", "size", "gmacs"), CHECKS)
def test_check_values(model: ModelConfig, channels: int, count: int, size: int, gmacs: float) -> None:
    net = model.build(channels, channels, 1)
    assert parameters(net) == count
    assert macs(net, channels, size, sigma=True) / 1e9 == pytest.approx(gmacs, rel=0.005)


def test_counting_leaves_the_network_alone() -> None:
    net = dncnn.Config(depth=3, width=4).build(1, 1, 1).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    macs(net, 1, 32, sigma=False)
    assert net.training
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_macs_by_hand() -> None:
    net = dncnn.Config(depth=3, width=4).build(1, 1, 1)
    assert macs(net, 1, 10, sigma=False) == 100 * 9 * (4 + 16 + 4)


def test_frozen_parameters_are_not_trainable() -> None:
    net = dncnn.Config(depth=3, width=4).build(1, 1, 1)
    everything = parameters(net)
    net.noise[0].requires_grad_(False)
    assert parameters(net) == everything - (4 * 9 + 4)


def test_a_label_says_the_input_size() -> None:
    net = JDD(padding="same").build(3, 3, 1)
    assert cost(net, 3, 128, sigma=False).label == "560,783 parameters, 2.337 GMAC at 128 x 128"
    assert cost(net, 3, (64, 256), sigma=False).label == "560,783 parameters, 2.337 GMAC at 64 x 256"
