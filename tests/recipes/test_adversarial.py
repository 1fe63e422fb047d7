"""The adversarial recipe, step by step against plain torch."""

from __future__ import annotations

import copy
import gc
import io
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from pydantic import ValidationError
from torch import Tensor, multiprocessing, nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from raysearch.component import problems
from raysearch.errors import Diverged, SpecError, StateDamaged
from raysearch.recipes._judge import deceiving, judging
from raysearch.recipes.adversarial import Adversarial, Config
from raysearch.recipes.base import Precision, RecipeContext
from raysearch.samplers.base import Signals
from raysearch.tasks.base import Pair
from raysearch.train.world import DistributedWorld

CPU = torch.device("cpu")
SIDE = 32


class Net(nn.Module):
    """One convolution and a batch normalisation, near the identity."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, degraded: Tensor, sigma_255: Tensor | None) -> Tensor:
        return degraded + 0.1 * self.norm(self.conv(degraded))


def config(**changes: object) -> Config:
    base: dict[str, object] = {
        "loss": "l2",
        "optimizer": {"kind": "sgd", "lr": 0.1},
        "schedule": "cosine",
        "discriminator": {"kind": "patchgan", "width": 4},
        "discriminator_optimizer": {"kind": "sgd", "lr": 0.05},
    }
    return Config.parse(base | changes)


def net(seed: int = 0) -> Net:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Net()


def context(module: nn.Module, precision: Precision = "float32", seed: int = 5) -> RecipeContext:
    return RecipeContext(module, 10, CPU, precision, 0, 3, SIDE, seed, lambda value: value)


def recipe(module: nn.Module, precision: Precision = "float32", **changes: object) -> Adversarial:
    built = config(**changes).build(context(module, precision))
    assert isinstance(built, Adversarial)
    return built


def pair(seed: int = 1, count: int = 4) -> Pair:
    generator = torch.Generator().manual_seed(seed)
    clean = torch.rand(count, 3, SIDE, SIDE, generator=generator)
    return Pair(clean + 0.1 * torch.randn(clean.shape, generator=generator), clean, None)


def plain(signals: Signals) -> None:
    return None


def nothing(signals: Signals) -> Tensor:
    return torch.zeros_like(signals.loss_map)


def flat(state: object) -> list[Tensor]:
    if isinstance(state, Tensor):
        return [state]
    if isinstance(state, dict):
        return [tensor for key in sorted(state, key=str) for tensor in flat(state[key])]
    return [tensor for part in state for tensor in flat(part)] if isinstance(state, list | tuple) else []


def test_both_losses_of_both_kinds_against_their_definitions(generator: torch.Generator) -> None:
    clean, restored = 3 * torch.randn(2, 4, 1, 5, 5, generator=generator)
    ones, zeros = torch.ones_like(clean), torch.zeros_like(clean)
    torch.testing.assert_close(deceiving("vanilla", restored), cross_entropy(restored, ones))
    expected = cross_entropy(clean, ones) + cross_entropy(restored, zeros)
    torch.testing.assert_close(judging("vanilla", clean, restored), expected)
    torch.testing.assert_close(deceiving("least_squares", restored), ((restored - 1) ** 2).mean())
    torch.testing.assert_close(judging("least_squares", clean, restored), ((clean - 1) ** 2 + restored**2).mean() / 2)


def test_an_undecided_judge_costs_two_log_two() -> None:
    zeros = torch.zeros(3, 1)
    torch.testing.assert_close(judging("vanilla", zeros, zeros), 2 * torch.tensor(2.0).log())
    assert judging("least_squares", zeros, zeros) == 0.5


@pytest.mark.parametrize("gan", ["vanilla", "least_squares"])
def test_steps_equal_a_plain_loop_of_torch(gan: str) -> None:
    ours, theirs = net(), net()
    built = recipe(ours, gan=gan, weight=0.3)
    judge = copy.deepcopy(built._judge._net)
    first = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9)
    second = torch.optim.SGD(judge.parameters(), lr=0.05, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(first, 10)
    for step in range(6):
        result = built.step(step, pair(step), plain)
        restored = theirs(pair(step).degraded, None)
        loss = nn.functional.mse_loss(restored, pair(step).clean) + 0.3 * deceiving(gan, judge(restored))  # type: ignore[arg-type]
        first.zero_grad()
        loss.backward()
        first.step()
        second.zero_grad()
        judging(gan, judge(pair(step).clean), judge(restored.detach())).backward()  # type: ignore[arg-type]
        second.step()
        schedule.step()
        torch.testing.assert_close(result.loss, loss.detach(), rtol=1e-4, atol=1e-6)
    for mine, other in ((ours, theirs), (built._judge._net, judge)):
        for name, value in other.state_dict().items():
            torch.testing.assert_close(mine.state_dict()[name], value, rtol=1e-3, atol=1e-5)


def test_every_part_of_the_loss_is_told() -> None:
    result = recipe(net(), weight=0.3).step(0, pair(), plain)
    assert set(result.terms) == {"l2", "adversarial", "discriminator"}
    torch.testing.assert_close(result.terms["l2"] + result.terms["adversarial"], result.loss)
    judge = recipe(net())._judge
    torch.testing.assert_close(result.terms["discriminator"], judge.judged(pair().clean, net()(pair().degraded, None)).detach())


def test_a_judge_starts_from_the_seed_and_leaves_global_generators_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first, same = recipe(net()), recipe(net())
    assert torch.equal(before, torch.get_rng_state())
    other = config().build(context(net(), seed=6))
    assert all(torch.equal(a, b) for a, b in zip(flat(first.state_dict()), flat(same.state_dict()), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(flat(first.state_dict()), flat(other.state_dict()), strict=True))


def test_the_judge_has_its_own_schedule() -> None:
    built = recipe(net(), discriminator_schedule={"kind": "multistep", "milestones": [0.5], "gamma": 0.1}, schedule="constant")
    for step in (0, 5):
        assert built.step(step, pair(), plain).lr == 0.1
        rates = [group["lr"] for group in built.state_dict()["discriminator"]["optimizer"]["param_groups"]]  # type: ignore[index]
        assert rates == [pytest.approx(0.05 if step == 0 else 0.005)]


def test_a_skipped_step_moves_neither_network() -> None:
    built = recipe(net())
    before = [tensor.clone() for tensor in flat(built.state_dict()["discriminator"])]
    weights = built.evaluated().state_dict()["conv.weight"].clone()
    assert built.step(0, pair(), nothing).skipped
    assert torch.equal(weights, built.evaluated().state_dict()["conv.weight"])
    parameters = dict(built._judge._net.named_parameters())
    after = built.state_dict()["discriminator"]["net"]  # type: ignore[index]
    assert all(torch.equal(after[name], parameters[name]) for name in parameters)
    assert all(torch.equal(a, b) for a, b in zip(before, flat(built.state_dict()["discriminator"]), strict=True))


def test_weights_apply_to_the_loss_and_not_to_the_adversarial_term() -> None:
    def doubled(signals: Signals) -> Tensor:
        return torch.full_like(signals.loss_map, 2 / SIDE**2)

    once, twice = recipe(net()).step(0, pair(), plain).loss, recipe(net()).step(0, pair(), doubled).loss
    restored = net()(pair().degraded, None)
    torch.testing.assert_close(twice - once, nn.functional.mse_loss(restored, pair().clean).detach())


def test_the_surrogate_is_what_the_network_restored_at_first() -> None:
    """Stage 2 of two-stage training: the loss starts at exactly 0, and batch norms stay as they are."""
    ours, start = net(), net().eval()
    unpaired = Pair(pair(1).degraded, pair(2).clean, None)
    built = recipe(ours, target="surrogate", loss="l2", weight=1e-3)
    seen: list[Signals] = []

    def weigh(signals: Signals) -> None:
        seen.append(signals)

    for step in range(3):
        built.step(step, unpaired, weigh)
    assert not seen[0].loss_map.any()
    assert seen[1].loss_map.any()
    for signals in seen:
        torch.testing.assert_close(signals.clean, start(unpaired.degraded, None).detach())
    assert torch.equal(ours.norm.running_mean, start.norm.running_mean)  # type: ignore[arg-type]
    assert not torch.equal(ours.conv.weight, start.conv.weight)


def test_a_saved_stage_two_goes_on_with_the_same_surrogates() -> None:
    built = recipe(net(), target="surrogate")
    for step in range(3):
        built.step(step, pair(step), plain)
    file = io.BytesIO()
    torch.save(built.state_dict(), file)
    file.seek(0)
    other = recipe(net(9), target="surrogate")
    state = torch.load(file, weights_only=True)
    other.load_state_dict(state)
    for step in range(3, 6):
        assert torch.equal(built.step(step, pair(step), plain).loss, other.step(step, pair(step), plain).loss)
    with pytest.raises(StateDamaged, match="target"):
        recipe(net()).load_state_dict(state)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_low_precision_trains_both_networks(precision: Precision) -> None:
    module = net()
    built = recipe(module, precision, ema=0.5, clip_norm=1.0, optimizer={"kind": "adam", "lr": 3e-2})
    before = [tensor.clone() for tensor in flat(built._judge._net.state_dict())]
    losses = [built.step(step, pair(), plain).loss.item() for step in range(10)]
    assert losses[-1] < losses[0]
    assert not all(torch.equal(a, b) for a, b in zip(before, flat(built._judge._net.state_dict()), strict=True))
    scalers = [state["scaler"] for state in (built.state_dict(), built.state_dict()["discriminator"])]  # type: ignore[index]
    assert [bool(scaler) for scaler in scalers] == [precision == "float16"] * 2
    built.load_state_dict(built.state_dict())


def test_a_term_that_is_not_finite_is_named() -> None:
    with pytest.raises(Diverged, match="`l2`, `adversarial` of the loss `l2` became NaN") as both:
        recipe(net()).step(0, Pair(pair().degraded * torch.nan, pair().clean, None), plain)
    assert "`recipe.optimizer.lr`" in both.value.remedy
    broken = recipe(net())
    with torch.no_grad():
        next(iter(broken._judge._net.parameters())).fill_(torch.nan)
    with pytest.raises(Diverged, match="the term `adversarial` of the loss `l2` became NaN or infinite in step 4") as blamed:
        broken.step(4, pair(), plain)
    unpaired = Pair(pair().degraded, pair().clean * torch.nan, None)
    with pytest.raises(Diverged, match="`discriminator` became NaN") as judged:
        recipe(net(), target="surrogate").step(0, unpaired, plain)
    for caught in (blamed, judged):
        assert caught.value.place == "recipe.discriminator"
        assert "discriminator_optimizer.lr" in caught.value.remedy


def test_parts_that_do_not_fit_are_refused_in_words() -> None:
    with pytest.raises(SpecError, match="'patchgan' needs restored patches of at least 24 x 24 pixels, not 8 x 8"):
        config().build(RecipeContext(net(), 10, CPU, "float32", 0, 3, 8, 0, lambda value: value))
    with pytest.raises(ValidationError) as caught:
        config(discriminator_schedule={"kind": "multistep", "gamma": 3.0})
    assert [problem.key for problem in problems(caught.value)] == ["discriminator_schedule.gamma"]
    with pytest.raises(ValidationError, match="compares images only, but the loss reads sigma"):
        config(target="surrogate", loss="asymmetric")
    with pytest.raises(StateDamaged, match="adversarial"):
        recipe(net()).load_state_dict({"net": {}})


def start(rank: int, root: Path) -> None:
    torch.set_num_threads(1)
    limit = timedelta(seconds=60)
    dist.init_process_group("gloo", init_method=f"file://{root}/rendezvous", rank=rank, world_size=2, timeout=limit)
    try:
        train_half(rank, root)
    finally:
        gc.collect()  # a wrapper that outlives its group waits, with the interpreter locked, for the group's thread: for ever
        dist.destroy_process_group()


def train_half(rank: int, root: Path) -> None:
    world = DistributedWorld(CPU)
    module = world.wrap(plain_net())
    built = config(weight=0.3).build(RecipeContext(module, 10, CPU, "float32", 0, 3, SIDE, 5, world.mean))
    for step in range(4):
        built.step(step, halves(step)[rank], plain)
    torch.save(built.state_dict(), root / f"state{rank}")


def plain_net() -> nn.Module:
    """Without batch statistics, which differ between one worker and two."""
    module = net()
    module.norm = nn.Identity()  # type: ignore[assignment]
    return module


def halves(step: int) -> list[Pair]:
    whole = pair(step)
    return [Pair(whole.degraded[part], whole.clean[part], None) for part in (slice(0, 2), slice(2, 4))]


@pytest.mark.timeout(120)
def test_two_workers_give_the_weights_of_one(tmp_path: Path) -> None:
    multiprocessing.spawn(start, args=(tmp_path,), nprocs=2, join=True)
    alone = config(weight=0.3).build(context(plain_net()))
    for step in range(4):
        alone.step(step, pair(step), plain)
    states = [torch.load(tmp_path / f"state{rank}", weights_only=True) for rank in (0, 1)]
    assert all(torch.equal(a, b) for a, b in zip(flat(states[0]), flat(states[1]), strict=True))
    for part in ("net", "discriminator"):
        for got, expected in zip(flat(states[0][part]), flat(alone.state_dict()[part]), strict=True):
            torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-6)
