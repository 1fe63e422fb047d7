"""Steps that go wrong: losses, terms and weights that are not finite, a lack of memory, other errors."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from small_recipe import CPU, config, context, net, nothing, pair, plain, recipe

from raysearch.errors import Diverged, OutOfMemory
from raysearch.losses.base import Compared, Loss, LossConfig
from raysearch.recipes import _finite
from raysearch.recipes._finite import FiniteCheck
from raysearch.recipes.supervised import Config
from raysearch.shapes import LossMap
from raysearch.tasks.base import Pair


def test_a_loss_that_is_not_finite_is_named_before_it_spoils_the_weights() -> None:
    module = net()
    built = recipe(module)
    bad = Pair(pair().degraded * torch.inf, pair().clean, None)
    with pytest.raises(Diverged, match="the loss `l2` became NaN or infinite in step 3") as caught:
        built.step(3, bad, plain)
    assert caught.value.place == "recipe.loss"
    assert torch.equal(module.conv.weight, net().conv.weight)


class Bad(LossConfig):
    """Two losses, of which one breaks at the third step."""

    kind: Literal["bad"] = "bad"

    def build(self, device: torch.device) -> Loss:
        return BadLoss()


class BadLoss(Loss):
    def terms(self, compared: Compared) -> dict[str, LossMap]:
        error = (compared.restored - compared.clean).abs().mean(1, keepdim=True)
        return {"good": error, "broken": error / (0.0 if compared.progress >= 0.3 else 1.0)}


def test_the_term_that_went_wrong_is_named() -> None:
    built = Config(loss=Bad(), optimizer=config().optimizer, schedule=config().schedule).build(context(net()))
    for step in range(3):
        result = built.step(step, pair(step), plain)
        assert list(result.terms) == ["good", "broken"]
        torch.testing.assert_close(sum(result.terms.values()), result.loss)
    with pytest.raises(Diverged, match="the term `broken` of the loss `bad` became NaN or infinite in step 3"):
        built.step(3, pair(), plain)


def test_the_first_bad_term_is_kept_until_the_device_is_read() -> None:
    check = FiniteCheck("sum", CPU)
    check._every = 4  # as on a GPU
    good, nan = torch.tensor(1.0), torch.tensor(torch.nan)
    check.watch(0, good, None, {"a": good, "b": good})
    check.watch(1, nan, None, {"a": good, "b": nan})
    check.watch(2, nan, None, {"a": nan, "b": nan})
    with pytest.raises(Diverged, match="the term `b` of the loss `sum` became NaN or infinite in step 1"):
        check.watch(3, nan, None, {"c": nan})
    check = FiniteCheck("sum", CPU)
    with pytest.raises(Diverged, match="the loss `sum` became NaN"):
        check.watch(0, torch.tensor(torch.inf), None, {"a": good, "b": good})


def test_a_loss_that_is_not_finite_is_found_where_the_sampler_keeps_nothing() -> None:
    with pytest.raises(Diverged, match="the loss"):
        recipe(net()).step(0, Pair(pair().degraded * torch.nan, pair().clean, None), nothing)


def test_weights_that_are_not_finite_are_named() -> None:
    with pytest.raises(Diverged, match="weights that the sampler gave") as caught:
        recipe(net()).step(0, pair(), lambda signals: torch.full_like(signals.loss_map, torch.nan))
    assert caught.value.place == "sampler"


def test_a_device_is_read_every_so_many_steps_and_when_state_is_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_finite, "EVERY", 3)
    check = FiniteCheck("l1", torch.device("meta"))
    assert check._every == 3
    check = FiniteCheck("l1", CPU)
    check._every = 3  # as on a GPU
    check.watch(0, torch.tensor(1.0), None)
    check.watch(1, torch.tensor(torch.nan), None)
    with pytest.raises(Diverged, match="in step 1"):
        check.watch(2, torch.tensor(torch.inf), None)
    check = FiniteCheck("l1", CPU)
    check._every = 3
    check.watch(7, torch.tensor(torch.nan), None)
    with pytest.raises(Diverged, match="in step 7"):
        check.check()


def test_a_lack_of_memory_is_named() -> None:
    module = net()

    def device(degraded: torch.Tensor, sigma: torch.Tensor | None) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB\nmore")

    def host(degraded: torch.Tensor, sigma: torch.Tensor | None) -> torch.Tensor:
        return torch.empty(2**60)

    for forward in (device, host):
        module.forward = forward  # type: ignore[method-assign]
        with pytest.raises(OutOfMemory, match=r"batch of shape \(4, 3, 8, 8\)") as caught:
            recipe(module).step(0, pair(), plain)
        assert "lower `batch`" in caught.value.remedy


def test_other_errors_pass_unchanged() -> None:
    module = net()

    def broken(degraded: torch.Tensor, sigma: torch.Tensor | None) -> torch.Tensor:
        return torch.ones(2) + torch.ones(3)

    module.forward = broken  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="size of tensor"):
        recipe(module).step(0, pair(), plain)
