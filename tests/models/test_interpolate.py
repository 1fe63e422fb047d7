"""Interpolation between two networks of one configuration."""

from __future__ import annotations

import pytest
import torch

from raysearch.errors import SpecError
from raysearch.models import dncnn
from raysearch.models._interpolate import interpolate


def state(seed: int, **options: object) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    net = dncnn.Config.parse({"depth": 3, "width": 4, **options}).build(1, 1, 1)
    for _ in range(seed):
        net(torch.rand(2, 1, 8, 8), None)
    return dict(net.state_dict())


def test_the_ends_are_the_networks_to_the_bit() -> None:
    first, second = state(1), state(3)
    for alpha, end in ((1.0, first), (0.0, second)):
        found = interpolate(first, second, alpha)
        assert found.keys() == end.keys()
        assert all(torch.equal(found[name], end[name]) for name in end)
        assert not any(found[name].data_ptr() == end[name].data_ptr() for name in end)


def test_every_floating_point_tensor_is_mixed_and_counters_are_the_nearer_ones() -> None:
    first, second = state(1), state(3)
    for alpha, counter in ((0.25, 3), (0.5, 1), (0.75, 1)):
        found = interpolate(first, second, alpha)
        for name, value in found.items():
            if value.is_floating_point():
                torch.testing.assert_close(value, alpha * first[name] + (1 - alpha) * second[name])
            else:
                assert value.item() == counter
    dncnn.Config(depth=3, width=4).build(1, 1, 1).load_state_dict(found)


def test_half_precision_keeps_its_type() -> None:
    one, other = {"a": torch.ones(2, dtype=torch.float16)}, {"a": torch.zeros(2, dtype=torch.float16)}
    assert torch.equal(interpolate(one, other, 0.5)["a"], torch.full((2,), 0.5, dtype=torch.float16))


def test_networks_that_do_not_belong_together_are_refused_in_words() -> None:
    first = state(1)
    with pytest.raises(SpecError, match=r"alpha is 1.5, outside \[0, 1\]"):
        interpolate(first, first, 1.5)
    with pytest.raises(SpecError, match="alpha is nan"):
        interpolate(first, first, float("nan"))
    with pytest.raises(SpecError, match=r"\d tensors are in one of them only, such as 'noise.* of the (first|second)"):
        interpolate(first, state(1, depth=4), 0.5)
    with pytest.raises(SpecError, match=r"'noise.0.weight' is \(4, 1, 3, 3\) float32 in the first and \(5, 1, 3, 3\)"):
        interpolate(first, state(1, width=5), 0.5)
    with pytest.raises(SpecError, match="float64 in the second"):
        interpolate(first, {name: value.double() for name, value in first.items()}, 0.5)
