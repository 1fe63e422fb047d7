"""PatchNet: the network's size, Eq. 4, and what each objective learns."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from raysearch.errors import Diverged
from raysearch.rng import torch_generator
from raysearch.samplers import _trainability
from raysearch.samplers._cells import CellGrid, plain_grid, shifted_grid
from raysearch.samplers._patchnet_net import PatchNet, bounded, log_trainability
from raysearch.samplers._trainability import Guard, objective_of, rank_correlation, shares_of, statistics_of
from raysearch.samplers.base import Sampler, SamplerContext, Signals
from raysearch.samplers.patchnet import Config

CPU = torch.device("cpu")
SIDE, BATCH = 64, 8


def context(steps: int = 300, count: int = 64, channels: int = 3) -> SamplerContext:
    return SamplerContext(count, {}, steps, SIDE, channels, 0, CPU)


def difficulty(seed: int) -> tuple[Signals, torch.Tensor]:
    """Images of which one half is smooth with small losses and the other rough with large ones; the mask of the hard half."""
    generator = torch.Generator().manual_seed(seed)
    hard = torch.zeros(BATCH, 1, SIDE, SIDE)
    for image, where in enumerate(torch.randint(4, (BATCH,), generator=generator).tolist()):
        view = hard[image, 0] if where < 2 else hard[image, 0].T
        view[slice(0, SIDE // 2) if where % 2 else slice(SIDE // 2, SIDE)] = 1.0
    texture = torch.rand(BATCH, 3, SIDE, SIDE, generator=generator)
    restored = 0.5 + 0.4 * (texture - 0.5) * hard
    level = 0.002 + 0.02 * hard
    loss_map = level * (0.5 + torch.rand(BATCH, 1, SIDE, SIDE, generator=generator))
    return Signals(restored, restored, loss_map), hard


def train(sampler: Sampler, steps: int) -> torch.Tensor:
    """Return the mean share of the total weight that the hard half of unseen images gets."""
    for step in range(steps):
        sampler.update(sampler.suggest(BATCH), difficulty(step)[0])
    shares = []
    for step in range(10_000, 10_004):
        signals, hard = difficulty(step)
        weights = sampler.update(sampler.suggest(BATCH), signals)
        assert weights is not None
        shares.append((weights * hard).sum() / BATCH)
    return torch.stack(shares).mean()


@pytest.mark.parametrize(
    ("size", "head", "last", "parameters", "gmacs"),
    [
        ("tiny", 1, 1, 2_372_353, 0.0561),
        ("large", 1, 1, 6_080_129, 0.1586),
        ("tiny", 3, 1, 2_374_403, 0.0561),
        ("large", 3, 1, 6_082_179, 0.1586),
        ("tiny", 1, 3, 5_829_377, 0.148),
        ("large", 1, 3, 16_483_969, 0.444),
    ],
)
def test_parameters_and_multiply_adds_are_those_of_the_layer_table(size, head, last, parameters, gmacs) -> None:
    with torch.device("meta"):
        net = Config(size=size, head_channels=head, last_kernel=last).network(3).eval()
        assert sum(p.numel() for p in net.parameters()) == parameters
        with FlopCounterMode(display=False) as counter:
            assert net(torch.zeros(1, 3, 64, 64)).shape == (1, head, 1, 1)
    assert counter.get_total_flops() / 2e9 == pytest.approx(gmacs, abs=5e-5 if last == 1 else 5e-4)


@pytest.mark.parametrize("cell", [16, 32, 64, 128])
def test_every_cell_size_gives_one_logit_per_cell_and_keeps_the_convolutions(cell: int) -> None:
    with torch.device("meta"):
        net = PatchNet(3, "tiny", 64, cell, 1, 1)
        assert net(torch.zeros(2, 3, 2 * cell, 3 * cell)).shape == (2, 1, 2, 3)
    parameters = sum(p.numel() for p in net.parameters())
    if cell < 128:
        assert parameters == 2_372_353
    else:  # one more block of 1024 channels: 2 * 1024 * 256 + 9 * 256 * 256 and its batch normalisations
        assert parameters == 2_372_353 + 2 * 1024 * 256 + 9 * 256**2 + 2 * (256 + 256 + 1024)


def test_all_cells_start_with_the_same_trainability() -> None:
    config = Config(cell=16, width=4, grid="fixed")
    weights = config.build(context()).update(torch.arange(BATCH), difficulty(0)[0])
    assert weights is not None
    torch.testing.assert_close(weights, torch.full_like(weights, 1 / SIDE**2))


@pytest.mark.parametrize("border_cells", ["whole", "by_area"])
@pytest.mark.parametrize("cell", [16, 32])
def test_weights_sum_to_one_in_every_image_at_every_phase(cell: int, border_cells: str) -> None:
    sampler = Config.parse({"cell": cell, "width": 4, "lr": 1e-2, "border_cells": border_cells}).build(context())
    for step in range(20):
        weights = sampler.update(torch.arange(BATCH), difficulty(step)[0])
        assert weights is not None
        torch.testing.assert_close(weights.sum((1, 2, 3)), torch.ones(BATCH))
        assert weights.min() > 0


def test_equal_t_by_area_is_the_plain_mean_at_every_phase() -> None:
    sampler = Config(cell=16, width=4, lr=1e-12, border_cells="by_area").build(context())
    for step in range(5):
        weights = sampler.update(torch.arange(BATCH), difficulty(step)[0])
        assert weights is not None
        torch.testing.assert_close(weights, torch.full_like(weights, 1 / SIDE**2), rtol=1e-4, atol=0)


def test_equal_t_with_whole_border_cells_is_the_plain_mean_over_cells() -> None:
    sampler = Config(cell=16, width=4, lr=1e-12, border_cells="whole").build(context())
    phases = torch_generator(context().seed, "patchnet", "grid")
    for step in range(5):
        signals = difficulty(step)[0]
        weights = sampler.update(torch.arange(BATCH), signals)
        means = list(_cell_means(signals.loss_map, shifted_grid(16, SIDE, SIDE, phases)))
        expected = torch.stack(means).mean(0)
        assert weights is not None
        torch.testing.assert_close((weights * signals.loss_map).sum((1, 2, 3)), expected)


def _cell_means(maps: torch.Tensor, grid: CellGrid) -> Iterator[torch.Tensor]:
    """Yield the means of the cells that hold pixels, by slicing."""
    for row in range(grid.rows):
        for column in range(grid.columns):
            y, x = row * 16 - grid.top, column * 16 - grid.left
            part = maps[:, 0, max(0, y) : max(0, y + 16), max(0, x) : max(0, x + 16)]
            if part.numel():
                yield part.mean((1, 2))


def test_shares_follow_equation_4() -> None:
    t = torch.rand(3, 1, 2, 4, generator=torch.Generator().manual_seed(0)) + 0.01
    losses = torch.rand(3, 1, 2, 4, generator=torch.Generator().manual_seed(1))
    votes = torch.ones(1, 1, 2, 4)
    printed = torch.stack([(t[i] * losses[i]).sum() / t[i].sum() for i in range(3)])
    torch.testing.assert_close((shares_of(t.log(), votes) * losses).sum((1, 2, 3)), printed)
    torch.testing.assert_close(shares_of((0.3 * t).log(), votes), shares_of(t.log(), votes))
    torch.testing.assert_close(shares_of(torch.zeros_like(t), votes), torch.full_like(t, 1 / 8))
    votes[..., 0] = 0.0
    assert not shares_of(t.log(), votes)[..., 0].any()
    torch.testing.assert_close(shares_of(t.log(), votes).sum((1, 2, 3)), torch.ones(3))


def test_shares_survive_trainabilities_that_underflow() -> None:
    log_t = log_trainability(torch.tensor([-400.0, -401.0]).view(1, 1, 1, 2), 2.0)
    shares = shares_of(log_t, torch.ones(1, 1, 1, 2))
    torch.testing.assert_close(shares.flatten(), torch.tensor([1.0, math.exp(-2.0)]) / (1 + math.exp(-2.0)))


def test_the_trainability_is_a_sigmoid_of_temperature_times_bounded_logit() -> None:
    logits = torch.tensor([-50.0, -1.0, 0.0, 2.0, 50.0]).view(1, 1, 1, 5)
    expected = 1 / (1 + (-2.0 * 3 * (logits / 3).tanh()).exp())
    torch.testing.assert_close(log_trainability(bounded(logits, 3.0), 2.0).exp(), expected)
    three = torch.tensor([-1.0, 0.0, 2.0]).view(1, 3, 1, 1)
    torch.testing.assert_close(log_trainability(three, 2.0).exp().flatten(), torch.sigmoid(2.0 * three).mean().view(1))


@pytest.mark.parametrize(("objective", "sign"), [("adversarial", -1.0), ("literal_min", 1.0)])
def test_the_gradient_on_t_has_the_sign_of_the_sheet(objective, sign) -> None:
    """dJ/dt_q = (L_q - J) / sum(t), here over the image's mean loss."""
    t = (torch.rand(1, 1, 2, 3, generator=torch.Generator().manual_seed(0)) + 0.1).requires_grad_()
    losses = torch.rand(1, 1, 2, 3, generator=torch.Generator().manual_seed(1))
    valid = torch.ones(1, 1, 2, 3, dtype=torch.bool)
    shares = shares_of(t.log(), valid.float())
    objective_of(objective, t, t.log(), shares, losses, valid, 0.0, 0.5).backward()
    j = (t * losses).sum() / t.sum()
    torch.testing.assert_close(t.grad, sign * ((losses - j) / t.sum() / losses.mean()).detach())


def test_the_budget_pulls_the_mean_trainability_to_its_target() -> None:
    logits = torch.zeros(1, 1, 1, 2, requires_grad=True)
    losses, valid = torch.ones(1, 1, 1, 2), torch.ones(1, 1, 1, 2, dtype=torch.bool)
    log_t = log_trainability(logits, 2.0)
    value = objective_of("adversarial", logits, log_t, shares_of(log_t, valid.float()), losses, valid, 4.0, 0.25)
    assert value.item() == pytest.approx(-1.0 + 4.0 * 0.0625)
    value.backward()
    assert logits.grad is not None
    assert (logits.grad > 0).all()  # descending lowers t from 0.5 towards 0.25


@pytest.mark.parametrize("objective", ["adversarial", "regress", "literal_min"])
@pytest.mark.parametrize("grid", ["fixed", "random"])
def test_each_objective_prefers_the_cells_that_it_should(objective: str, grid: str) -> None:
    config = Config.parse({"cell": 16, "width": 4, "objective": objective, "lr": 3e-3, "grid": grid})
    sampler = config.build(context(steps=80))
    hard_share = train(sampler, 60)
    statistics = sampler.statistics()
    if objective == "literal_min":
        assert hard_share < 0.4
        assert statistics["spearman"] < -0.3
    else:
        assert hard_share > 0.6
        assert statistics["spearman"] > 0.3
    assert 0.05 < statistics["mean_t"] < 0.95
    assert statistics["std_t"] > 0.05


def test_neither_network_trains_through_the_other() -> None:
    restored = torch.rand(BATCH, 3, SIDE, SIDE, requires_grad=True)
    loss_map = restored.square().mean(1, keepdim=True)
    weights = Config(cell=16, width=4).build(context()).update(torch.arange(BATCH), Signals(restored, restored, loss_map))
    assert weights is not None
    assert not weights.requires_grad
    assert restored.grad is None
    (weights * loss_map).sum().backward()  # the restorer's graph is whole
    assert restored.grad is not None


def test_statistics_describe_t_within_images() -> None:
    t = torch.tensor([[0.2, 0.6, 0.8], [0.9, 0.7, 0.1]])
    losses = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    log_t = torch.cat([t, torch.zeros(2, 1)], 1).log().view(2, 1, 2, 2)  # the last cell holds no pixel
    found = statistics_of(log_t, torch.cat([losses, torch.zeros(2, 1)], 1).view(2, 1, 2, 2))
    assert found["mean_t"] == pytest.approx(3.3 / 6)
    assert found["kept_fraction"] == pytest.approx(4 / 6)
    assert found["spearman"] == pytest.approx(0.0)
    assert found["std_t"] == pytest.approx((t.std(1, correction=0).mean()).item())


def test_rank_correlation_equals_scipy_and_is_zero_without_variation() -> None:
    from scipy.stats import spearmanr

    generator = torch.Generator().manual_seed(0)
    one, other = (torch.randint(5, (6, 9), generator=generator).numpy() for _ in range(2))
    expected = sum(spearmanr(one[i], other[i]).statistic for i in range(6)) / 6
    assert rank_correlation(one, other) == pytest.approx(expected)
    assert rank_correlation(one * 0, other) == 0.0


def test_a_flat_t_ends_the_trial_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_trainability, "PATIENCE", 5)
    sampler = Config(cell=16, width=4, lr=1e-9).build(context(count=4))
    with pytest.raises(Diverged, match=r"collapsed.*5 steps"):
        train(sampler, 20)


def test_the_guard_waits_an_epoch_and_one_varied_step_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_trainability, "PATIENCE", 2)
    flat, varied = torch.full((1, 1, 2, 2), 0.5).log(), torch.tensor([0.4, 0.5, 0.6, 0.7]).view(1, 1, 2, 2).log()
    guard = Guard(CPU)
    for log_t in (flat, flat, varied, flat, flat, flat):
        guard.watch(log_t, steps_per_epoch=4)
    other = Guard(CPU)
    other.load_state_dict(guard.state_dict())
    other.watch(flat, steps_per_epoch=4)
    with pytest.raises(Diverged):
        other.watch(flat, steps_per_epoch=4)


def test_trainabilities_that_are_not_numbers_do_not_pass_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_trainability, "PATIENCE", 1)
    with pytest.raises(Diverged):
        Guard(CPU).watch(torch.full((1, 1, 2, 2), torch.nan), steps_per_epoch=1)


def test_a_grey_image_and_one_without_any_loss_are_fine() -> None:
    zeros = torch.zeros(2, 1, SIDE, SIDE)
    for objective in ("adversarial", "regress", "literal_min"):
        sampler = Config.parse({"cell": 32, "width": 4, "objective": objective}).build(context(channels=1))
        for _ in range(2):
            weights = sampler.update(torch.arange(2), Signals(zeros, zeros, zeros))
        assert weights is not None
        assert weights.isfinite().all()
        assert all(math.isfinite(value) for value in sampler.statistics().values())


def test_smallest_patch_is_two_cells() -> None:
    assert Config(cell=32).smallest_patch == 64


def test_the_grid_of_the_sampler_covers_the_image() -> None:
    assert plain_grid(16, SIDE, SIDE).padding == (0, 0, 0, 0)
