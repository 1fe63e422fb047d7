"""Published tensors and where they belong."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from raysearch.errors import SpecError
from raysearch.models import dncnn, vdsr
from raysearch.tensor_files import TensorFile
from raysearch.train.matching import match


def file_of(tensors: dict[str, torch.Tensor], ordered: bool = True) -> TensorFile:
    return TensorFile(tensors, "", ordered, "")


def network(norm: str = "batch") -> dict[str, torch.Tensor]:
    with torch.random.fork_rng():
        return dict(dncnn.Config.parse({"depth": 5, "width": 4, "norm": norm}).build(1, 1, 1).state_dict())


def series(names: list[str], tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return dict(zip(names, tensors.values(), strict=True))


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "model.module.", "net."])
def test_names_decide_whatever_wraps_them(prefix: str) -> None:
    target = network()
    given = {prefix + name: tensor for name, tensor in reversed(target.items()) if not name.endswith("num_batches_tracked")}
    found = match(file_of(given, ordered=False), target)
    assert found.certain
    assert found.by == "name"
    assert all(theirs == prefix + own for own, theirs in found.pairs)


def test_an_equal_name_with_another_shape_is_refused() -> None:
    target = network()
    given = target | {"noise.0.weight": torch.zeros(8, 1, 3, 3)}
    with pytest.raises(SpecError, match=r"noise.0.weight has the shape 8 x 1 x 3 x 3 in the file and 4 x 1 x 3 x 3 in the network"):
        match(file_of(given), target)


def test_a_file_with_some_of_the_names_is_partial() -> None:
    target = network()
    found = match(file_of({n: t for n, t in target.items() if n != "noise.0.bias"} | {"extra": torch.zeros(1)}), target)
    assert not found.certain
    assert found.missing == ("noise.0.bias",)
    assert found.unused == ("extra",)


def kair(count: int) -> list[str]:
    return [f"model.{2 * i}.{role}" for i in range(count) for role in ("weight", "bias")]


def test_order_and_shape_decide_where_names_differ() -> None:
    target = network("none")
    names = [f"layer{i}.{role}" for i in (1, 2, 3, 4, 12) for role in ("weight", "bias")]
    found = match(file_of(series(names, target)), target)
    assert found.certain
    assert found.by == "order"
    assert [theirs for _, theirs in found.pairs] == names
    assert [own for own, _ in found.pairs] == list(target)


def test_weights_first_and_biases_last_is_one_series() -> None:
    target = network("none")
    names = kair(5)
    given = series(names, target)
    sorted_by_role = {name: given[name] for role in ("weight", "bias") for name in names if name.endswith(role)}
    found = match(file_of(sorted_by_role), target)
    assert found.certain
    assert [theirs for _, theirs in found.pairs] == names


def test_a_file_without_order_is_read_by_its_numbers() -> None:
    target = dict(dncnn.Config(depth=12, width=4, norm="none").build(1, 1, 1).state_dict())
    given = series(kair(12), target)
    found = match(file_of(dict(sorted(given.items())), ordered=False), target)  # model.10 before model.2
    assert found.certain
    assert [theirs for _, theirs in found.pairs] == kair(12)


def test_a_file_in_alphabetical_order_is_no_order() -> None:
    target = dict(dncnn.Config(depth=14, width=4, norm="none").build(1, 1, 1).state_dict())
    given = dict(sorted(series(kair(14), target).items()))
    assert [theirs for _, theirs in match(file_of(given), target).pairs] == kair(14)
    mixed = {("tail." if name.startswith("model.26") else "") + name: tensor for name, tensor in given.items()}
    found = match(file_of(mixed), target)
    assert not found.certain


def test_several_series_without_order_are_in_doubt() -> None:
    net = nn.ModuleDict({"encode": nn.Conv2d(2, 2, 1), "decode": nn.Conv2d(2, 2, 1)})
    given = {f"{part}.{role}": torch.zeros(shape) for part in "ab" for role, shape in (("weight", (2, 2, 1, 1)), ("bias", (2,)))}
    assert match(file_of(given), net.state_dict()).certain
    found = match(file_of(given, ordered=False), net.state_dict())
    assert not found.certain
    assert "keeps no order" in found.doubt


def test_roles_are_not_mixed_up() -> None:
    target = network()
    names = [name.replace("noise", "layers") for name in target]
    found = match(file_of(series(names, target)), target)
    assert found.certain
    assert all(own.rpartition(".")[2] == theirs.rpartition(".")[2] for own, theirs in found.pairs)
    swapped = {name: tensor for name, tensor in series(names, target).items() if not name.endswith("running_mean")}
    assert not match(file_of(swapped), target).certain


def test_a_layer_too_few_or_too_many_is_in_doubt() -> None:
    target = network("none")
    longer = dict(dncnn.Config(depth=6, width=4, norm="none").build(1, 1, 1).state_dict())
    too_many = match(file_of(series(kair(6), longer)), target)
    assert too_many.missing == ()
    assert len(too_many.unused) == 2
    assert "several places fit" in too_many.doubt
    too_few = match(file_of(series(kair(5), target)), longer)
    assert len(too_few.missing) == 2
    assert not too_few.certain


def test_one_layer_more_that_fits_nowhere_leaves_no_doubt_about_the_rest() -> None:
    target = network("none")
    given = {"mean.weight": torch.zeros(3, 3, 1, 1)} | series(kair(5), target)
    found = match(file_of(given), target)
    assert (found.unused, found.missing, found.doubt) == (("mean.weight",), (), "")
    assert not found.certain


@pytest.mark.parametrize("bias", [False, True])
def test_a_layer_of_shapes_of_its_own_is_found_wherever_it_stands(bias: bool) -> None:
    """The usual port of VDSR keeps its first and last layer behind the others."""
    state = vdsr.Config(depth=5, width=4, bias=bias).build(1, 1, 2).state_dict()
    target = {name: torch.randn(tensor.shape) for name, tensor in state.items()}
    layers = {f"details.{2 * i}": f"residual_layer.{i - 1}.conv" for i in range(1, 4)}
    layers |= {"details.0": "input", "details.8": "output"}
    given = {
        f"{theirs}.{part}": target[f"{own}.{part}"] for own, theirs in layers.items() for part in ("weight", "bias")[: 1 + bias]
    }
    found = match(file_of(given), target)
    assert found.certain
    assert list(target) == [own for own, _ in found.pairs]
    assert all(torch.equal(target[own], given[theirs]) for own, theirs in found.pairs)
    twice = given | {"other.weight": torch.zeros(4, 1, 3, 3)}
    assert not match(file_of(twice), target).certain


def test_nothing_fits() -> None:
    found = match(file_of({"a.weight": torch.zeros(7, 7)}), network())
    assert found.pairs == ()
    assert not found.certain
