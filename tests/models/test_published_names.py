"""Weights under the names of their repositories come to the networks' own places."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from raysearch.models import bf_dncnn, carn, dncnn, edsr, oisr
from raysearch.models._upscaling import div2k_mean
from raysearch.models.base import ModelConfig
from raysearch.tensor_files import TensorFile
from raysearch.train.matching import Matching, match


def state_of(config: ModelConfig, channels: int, scale: int) -> dict[str, Tensor]:
    """A network's state in which no two tensors are alike."""
    state = config.build(channels, channels, scale).state_dict()
    return {name: torch.randn(tensor.shape) if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def matched(published: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> Matching:
    return match(TensorFile(dict(published), "", True, ""), own)


def shifts(span: float, infix: str = "") -> dict[str, Tensor]:
    """The layers of the mean colour; made with another formula than the one that is tested."""
    found = {}
    for name, sign in (("sub_mean", -1), ("add_mean", 1)):
        layer = nn.Conv2d(3, 3, 1)
        with torch.no_grad():
            layer.weight.zero_()
            for channel, mean in enumerate((0.4488, 0.4371, 0.4040)):
                layer.weight[channel, channel, 0, 0] = 1
                layer.bias[channel] = sign * span * mean  # type: ignore[index]
        found |= {f"{name}.{infix}{part}": tensor.detach() for part, tensor in layer.named_parameters()}
    return found


@pytest.mark.parametrize(
    ("config", "span", "infix"),
    [
        (edsr.Config(blocks=2, width=6), 255.0, ""),
        (oisr.Config(blocks=2, width=6), 255.0, ""),
        (carn.Config(width=8, upsamplers="all"), 1.0, "shifter."),
    ],
)
def test_fixed_layers_of_the_mean_colour_are_left_out(config: ModelConfig, span: float, infix: str) -> None:
    own = state_of(config, 3, 2)
    first = shifts(span, infix)
    adopted = config.adopt(first | own)
    assert adopted is not None
    found = matched(adopted, own)
    assert found.certain
    assert all(ours == theirs for ours, theirs in found.pairs)
    for name in first:
        assert config.adopt(first | own | {name: first[name] + 0.01 * span}) is None, "another shift is another network"
    assert config.adopt(own) is None
    assert not div2k_mean().requires_grad


def listed(state: Mapping[str, Tensor], depth: int, prefix: str) -> dict[str, Tensor]:
    """A DnCNN's state as the bias-free study's code keeps it: first layer, all convolutions, all norms, last layer."""
    layers: dict[str, int] = {"first_layer": 0}
    layers |= {f"hidden_layer_list.{i}": 3 * i + 2 for i in range(depth - 2)}
    layers |= {f"bn_layer_list.{i}": 3 * i + 3 for i in range(depth - 2)}
    layers["last_layer"] = 3 * (depth - 2) + 2
    found = {}
    for name, place in layers.items():
        own = {key.removeprefix(f"noise.{place}."): value for key, value in state.items() if key.startswith(f"noise.{place}.")}
        found |= {f"{prefix}{name}.{part}": tensor for part, tensor in own.items()}
    return found


@pytest.mark.parametrize("prefix", ["", "module."])
def test_layers_of_the_bias_free_study_come_into_order(prefix: str) -> None:
    plain, free = dncnn.Config(depth=6, width=5, norm="batch_with_bias"), bf_dncnn.Config(depth=6, width=5)
    own = state_of(plain, 1, 1)
    adopted = plain.adopt(listed(own, 6, prefix))
    assert adopted is not None
    found = matched(adopted, own)
    assert found.certain
    assert all(torch.equal(adopted[theirs], own[ours]) for ours, theirs in found.pairs)

    own = state_of(free, 1, 1)
    unused = {f"noise.{3 * i + 3}.{part}": torch.randn(5) for i in range(4) for part in ("bias", "running_mean")}
    adopted = free.adopt(listed(own | unused, 6, prefix))
    assert adopted is not None
    found = matched(adopted, own)
    assert found.certain
    assert all(torch.equal(adopted[theirs], own[ours]) for ours, theirs in found.pairs)


def test_other_names_are_left_to_the_matching() -> None:
    state = state_of(dncnn.Config(depth=4, width=5), 1, 1)
    assert dncnn.Config(depth=4, width=5).adopt(state) is None
    assert bf_dncnn.Config(depth=4, width=5).adopt(state) is None
    strange = listed(state, 4, "") | {"extra.weight": torch.zeros(1)}
    assert dncnn.Config(depth=4, width=5).adopt(strange) is None
