"""The supervised recipe, step by step against plain torch."""

from __future__ import annotations

import copy
import gc
from pathlib import Path
from typing import Literal

import pytest
import torch
from small_recipe import CPU, Net, config, context, net, nothing, pair, plain, recipe
from torch import nn

from raysearch.errors import Diverged, StateDamaged
from raysearch.losses.base import PixelLossConfig
from raysearch.recipes.base import Precision, RecipeContext
from raysearch.recipes.supervised import Config, reduce_loss
from raysearch.samplers.base import Signals
from raysearch.shapes import Image, LossMap
from raysearch.tasks.base import Pair


class Square(PixelLossConfig):
    """Squared error."""

    kind: Literal["square"] = "square"

    def per_pixel(self, restored: Image, clean: Image) -> LossMap:
        return (restored - clean).square().mean(1, keepdim=True)


def state_of(module: nn.Module) -> dict[str, torch.Tensor]:
    return copy.deepcopy(module.state_dict())


def test_steps_equal_a_plain_loop_of_torch() -> None:
    ours, theirs = net(), net()
    built = recipe(ours)
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    for step in range(10):
        result = built.step(step, pair(step), plain)
        loss = nn.functional.mse_loss(theirs(pair(step).degraded, None), pair(step).clean)
        optimizer.zero_grad()
        loss.backward()
        assert result.lr == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
        torch.testing.assert_close(result.loss, loss.detach(), rtol=1e-4, atol=1e-6)
    for name, value in state_of(theirs).items():
        torch.testing.assert_close(ours.state_dict()[name], value, rtol=1e-3, atol=1e-5)


def test_weights_that_sum_to_one_in_every_image_give_the_mean() -> None:
    loss_map = torch.rand(4, 1, 8, 8)
    torch.testing.assert_close(reduce_loss(loss_map, torch.full_like(loss_map, 1 / 64)), reduce_loss(loss_map, None))
    weights = torch.zeros(4, 1, 8, 8)
    weights[1, 0, 2, 3] = 2.0
    torch.testing.assert_close(reduce_loss(loss_map, weights), loss_map[1, 0, 2, 3] * 2 / 4)


def test_only_weighted_pixels_train() -> None:
    ours, theirs = net(), net()

    def corner(signals: Signals) -> torch.Tensor:
        weights = torch.zeros_like(signals.loss_map)
        weights[..., :4, :4] = 1 / 16
        return weights

    result = recipe(ours).step(0, pair(), corner)
    out = theirs(pair().degraded, None)
    loss = nn.functional.mse_loss(out[..., :4, :4], pair().clean[..., :4, :4])
    torch.testing.assert_close(result.loss, loss.detach())
    loss.backward()
    assert theirs.conv.weight.grad is not None
    before = net().conv.weight
    torch.testing.assert_close(ours.conv.weight, before - 0.1 * theirs.conv.weight.grad)


def test_a_skipped_step_leaves_weights_optimizer_and_average() -> None:
    module = net()
    built = recipe(module, ema=0.5)
    built.step(0, pair(), plain)
    before = copy.deepcopy(built.state_dict())
    result = built.step(1, pair(2), nothing)
    assert result.skipped
    assert result.loss.item() == 0.0
    after = built.state_dict()
    parameters = {name for name, _ in module.named_parameters()}
    for name in parameters:
        assert torch.equal(before["net"][name], after["net"][name])  # type: ignore[index]
        assert torch.equal(before["average"]["net"][name], after["average"]["net"][name])  # type: ignore[index]
    assert before["average"]["updates"] == after["average"]["updates"] == 1  # type: ignore[index]
    momenta = [state["optimizer"]["state"][0]["momentum_buffer"] for state in (before, after)]  # type: ignore[index]
    assert torch.equal(*momenta)


def test_the_gradient_is_clipped_over_all_weights() -> None:
    module = net()
    built = recipe(module, clip_norm=1e-3, optimizer={"kind": "sgd", "lr": 1.0, "momentum": 0.0}, schedule="constant")
    built.step(0, pair(), plain)
    moved = [(new - old).square().sum() for new, old in zip(module.parameters(), net().parameters(), strict=True)]
    assert torch.stack(moved).sum().sqrt().item() == pytest.approx(1e-3, rel=1e-2)


def test_the_average_follows_the_formula_and_is_what_is_evaluated() -> None:
    module = net()
    built = recipe(module, ema=0.25)
    average = state_of(module)
    for step in range(4):
        built.step(step, pair(step), plain)
        decay = min(0.25, (2 + step) / (11 + step))
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                average[name] = decay * average[name] + (1 - decay) * value
            else:
                average[name] = value.clone()
    evaluated = built.evaluated()
    assert evaluated is not module
    for name, value in evaluated.state_dict().items():
        torch.testing.assert_close(value, average[name])
    assert recipe(module).evaluated() is module


def test_the_network_is_set_to_train_after_an_evaluation() -> None:
    module = net()
    built = recipe(module)
    module.eval()
    built.step(0, pair(), plain)
    assert module.training


def test_the_clean_image_is_cropped_to_a_valid_network() -> None:
    seen: list[Signals] = []

    def weigh(signals: Signals) -> None:
        seen.append(signals)

    config().build(context(net(padding=0), margin=1)).step(0, pair(), weigh)
    assert torch.equal(seen[0].clean, pair().clean[..., 1:-1, 1:-1])
    assert seen[0].restored.shape == (4, 3, 6, 6)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_low_precision_trains_and_signals_stay_float32(precision: Precision) -> None:
    module = net()
    seen: list[Signals] = []

    def weigh(signals: Signals) -> None:
        seen.append(signals)

    built = config(optimizer={"kind": "adam", "lr": 1e-2}, ema=0.5, clip_norm=1.0).build(context(module, precision))
    losses = [built.step(step, pair(), weigh).loss.item() for step in range(10)]
    assert losses[-1] < losses[0]
    assert {tensor.dtype for signals in seen for tensor in vars(signals).values()} == {torch.float32}
    assert {p.dtype for p in module.parameters()} == {torch.float32}
    rounded = seen[0].restored.bfloat16().float() if precision == "bfloat16" else seen[0].restored.half().float()
    assert torch.equal(seen[0].restored, rounded)  # the network really ran in it
    state = built.state_dict()
    assert bool(state["scaler"]) == (precision == "float16")
    built.load_state_dict(state)


def test_auto_precision_is_float32_on_the_cpu() -> None:
    one, other = net(), net()
    config().build(context(one, "auto")).step(0, pair(), plain)
    config().build(context(other, "float32")).step(0, pair(), plain)
    assert torch.equal(one.conv.weight, other.conv.weight)


def test_a_wrapped_network_trains_and_is_given_out_unwrapped(tmp_path: Path) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1)
    try:
        check_wrapped()
    finally:
        gc.collect()  # a wrapper that outlives its group waits, with the interpreter locked, for the group's thread: for ever
        torch.distributed.destroy_process_group()


def check_wrapped() -> None:
    module, alone = net(), net()
    built = config(ema=0.5).build(context(nn.parallel.DistributedDataParallel(module)))
    bare = config(ema=0.5).build(context(alone))
    for step in range(3):
        built.step(step, pair(step), plain)
        bare.step(step, pair(step), plain)
    assert isinstance(built.evaluated(), Net)
    for name, value in built.evaluated().state_dict().items():
        torch.testing.assert_close(value, bare.evaluated().state_dict()[name])
    bare.load_state_dict(built.state_dict())


def test_a_checkpoint_with_and_one_without_an_average_do_not_mix() -> None:
    with pytest.raises(StateDamaged, match="ema"):
        recipe(net(), ema=0.9).load_state_dict(recipe(net()).state_dict())


def test_all_ranks_skip_together() -> None:
    """A rank whose part keeps nothing still steps where another rank keeps something."""
    module = net()
    means = iter([torch.tensor([0.5, 0.5]), torch.tensor(0.25)])  # of the loss and its term, then of the weights
    built = config().build(RecipeContext(module, 10, CPU, "float32", 0, 3, 8, 0, lambda value: next(means)))
    result = built.step(0, pair(), nothing)
    assert not result.skipped
    assert result.loss.item() == 0.5


def test_any_loss_config_serves() -> None:
    data = config().model_dump(mode="json") | {"loss": "l1"}
    assert Config.parse(data).loss.model_dump()["kind"] == "l1"
    own = Config(loss=Square(), optimizer=config().optimizer, schedule=config().schedule)
    with pytest.raises(Diverged, match="`square`"):
        own.build(context(net())).step(0, Pair(pair().degraded * torch.nan, pair().clean, None), plain)
