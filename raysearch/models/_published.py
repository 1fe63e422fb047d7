"""Weights as some repositories publish them, whose layers neither names nor their order lead to those of the networks here."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from raysearch.models._upscaling import div2k_mean

_SHIFTS = ("sub_mean.", "add_mean.")


def without_mean_shift(published: Mapping[str, Tensor], span: float) -> Mapping[str, Tensor] | None:
    """Leave out the fixed layers that subtract and add DIV2K's mean colour (EDSR, CARN): here the mean is a constant.

    Args:
        published: tensors by their published names.
        span: value of white in that network, 255 or 1.

    Returns:
        None where there are no such layers, or they hold something else: then the network would compute another thing.
    """
    shifts = {name: tensor for name, tensor in published.items() if name.startswith(_SHIFTS)}
    if not shifts or not all(_is_mean_shift(name, tensor, span) for name, tensor in shifts.items()):
        return None
    return {name: tensor for name, tensor in published.items() if name not in shifts}


def _is_mean_shift(name: str, tensor: Tensor, span: float) -> bool:
    mean = span * div2k_mean().flatten()
    expected = {
        "weight": torch.eye(3).view(3, 3, 1, 1),
        "bias": -mean if name.startswith("sub_mean.") else mean,
    }.get(name.rpartition(".")[2])
    return expected is not None and tensor.shape == expected.shape and torch.allclose(tensor.float(), expected, atol=1e-3 * span)


def out_of_lists(published: Mapping[str, Tensor]) -> Mapping[str, Tensor] | None:
    """Bring the DnCNNs of the bias-free study, which keep convolutions and norms in two lists, into the order of their layers.

    Args:
        published: tensors by their published names, with or without ``module.``.

    Returns:
        The names of one sequence called ``noise`` of convolution, ReLU, then convolution, norm, ReLU again and again, and a last
        convolution; None where there are no such lists.
    """
    given = {name.removeprefix("module."): tensor for name, tensor in published.items()}
    count = sum(name.startswith("hidden_layer_list.") and name.endswith(".weight") for name in given)
    if not count or "first_layer.weight" not in given or "last_layer.weight" not in given:
        return None
    places = {"first_layer": 0, "last_layer": 3 * count + 2}
    for number in range(count):
        places |= {f"hidden_layer_list.{number}": 3 * number + 2, f"bn_layer_list.{number}": 3 * number + 3}
    parts = {name: name.rpartition(".") for name in given}
    if any(layer not in places for layer, _, _ in parts.values()):
        return None
    return {f"noise.{places[layer]}.{part}": given[name] for name, (layer, _, part) in parts.items()}
