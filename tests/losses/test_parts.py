"""Losses that read more than two images, and losses made of losses, against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from raysearch.bicubic import resize
from raysearch.losses import asymmetric, coarse, switch, tv
from raysearch.losses import sum as sums
from raysearch.losses.base import Compared, Loss, LossConfig
from raysearch.spec.space import Space
from raysearch.spec.trial import TrialConfig

CPU = torch.device("cpu")


def images(generator: torch.Generator, height: int = 8, width: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    restored, clean = torch.rand(2, 2, 3, height, width, generator=generator, dtype=torch.float64)
    return restored, clean


def build(config: LossConfig) -> Loss:
    return config.build(CPU)


def at(progress: float, pair: tuple[torch.Tensor, torch.Tensor]) -> Compared:
    return Compared(*pair, progress=progress)


@pytest.mark.parametrize("power", [1, 2])
def test_total_variation_of_the_image(power: int, generator: torch.Generator) -> None:
    restored, clean = images(generator)
    x = restored.numpy()
    expected = np.zeros_like(x)
    expected[:, :, :-1] += np.abs(x[:, :, 1:] - x[:, :, :-1]) ** power
    expected[..., :-1] += np.abs(x[..., 1:] - x[..., :-1]) ** power
    terms = build(tv.Config.parse({"power": power})).terms(Compared(restored, clean))
    np.testing.assert_allclose(terms["tv"].numpy(), expected.mean(1, keepdims=True), rtol=1e-12)


def test_total_variation_of_an_extra_output(generator: torch.Generator) -> None:
    config = tv.Config(of="sigma", power=2)
    assert config.reads == {"sigma"}
    small = torch.rand(2, 1, 4, 6, generator=generator, dtype=torch.float64)
    terms = build(config).terms(Compared(*images(generator), extras={"sigma": small}))
    alone = build(tv.Config(power=2)).terms(Compared(small, small))["tv"]
    assert torch.equal(terms["tv"], alone.repeat_interleave(2, -1).repeat_interleave(2, -2))
    flat = torch.full((2, 1, 8, 12), 0.1, dtype=torch.float64)
    assert not build(config).terms(Compared(*images(generator), extras={"sigma": flat}))["tv"].any()


def estimate(offset: float) -> torch.Tensor:
    return torch.full((2, 1, 8, 12), 25 / 255 + offset, dtype=torch.float64)


def of_estimate(offset: float, generator: torch.Generator, alpha: float = 0.3) -> torch.Tensor:
    told = torch.full((2, 1, 1, 1), 25.0, dtype=torch.float64)
    compared = Compared(*images(generator), told, {"sigma": estimate(offset)})
    return build(asymmetric.Config(alpha=alpha)).terms(compared)["asymmetric"]


def test_too_low_a_noise_level_costs_seven_thirds_of_too_high_a_one(generator: torch.Generator) -> None:
    low, high = of_estimate(-0.02, generator), of_estimate(0.02, generator)
    assert (low / high).numpy() == pytest.approx(7 / 3, rel=1e-9)
    assert low.numpy() == pytest.approx(0.7 * 0.02**2, rel=1e-9)
    assert not of_estimate(0.0, generator).any()


def test_noise_levels_of_pixels_and_of_colours(generator: torch.Generator) -> None:
    told = 50 * torch.rand(2, 1, 8, 12, generator=generator, dtype=torch.float64)
    guessed = torch.rand(2, 3, 8, 12, generator=generator, dtype=torch.float64) * 0.2
    found = build(asymmetric.Config()).terms(Compared(*images(generator), told, {"sigma": guessed}))["asymmetric"].numpy()
    error = guessed.numpy() - told.numpy() / 255
    expected = (np.abs(0.3 - (error < 0)) * error**2).mean(axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_cbdnets_loss_is_a_sum(generator: torch.Generator) -> None:
    parts = [
        {"loss": "l2"},
        {"loss": "asymmetric", "weight": 0.5},
        {"loss": {"kind": "tv", "of": "sigma", "power": 2}, "weight": 0.05},
    ]
    config = sums.Config.parse({"parts": parts})
    assert config.reads == {"sigma", "sigma_255"}
    restored, clean = images(generator)
    told = torch.full((2, 1, 1, 1), 25.0, dtype=torch.float64)
    sigma = estimate(0.0) + 0.05 * torch.randn(2, 1, 8, 12, generator=generator, dtype=torch.float64)
    terms = build(config).terms(Compared(restored, clean, told, {"sigma": sigma}))
    e, x, y = sigma.numpy(), restored.numpy(), clean.numpy()
    below = e < 25 / 255
    assert float(terms["l2"].mean()) == pytest.approx(np.mean((x - y) ** 2))
    assert float(terms["asymmetric"].mean()) == pytest.approx(0.5 * np.mean(np.where(below, 0.7, 0.3) * (e - 25 / 255) ** 2))
    differences = np.sum(np.diff(e, axis=2) ** 2) + np.sum(np.diff(e, axis=3) ** 2)
    assert float(terms["tv"].mean()) == pytest.approx(0.05 * differences / e.size)


@pytest.mark.parametrize("size", [(2, 3), (3, 5)])
def test_the_coarse_loss_is_the_loss_inside_at_that_size(size: tuple[int, int], generator: torch.Generator) -> None:
    restored, clean = images(generator)
    small = torch.rand(2, 3, *size, generator=generator, dtype=torch.float64)
    config = coarse.Config.parse({"loss": "l2"})
    assert config.reads == {"coarse"}
    terms = build(config).terms(Compared(restored, clean, extras={"coarse": small}))
    assert list(terms) == ["coarse_l2"]
    expected = (small - resize(clean, *size)).square().mean(1)
    found = terms["coarse_l2"][:, 0]
    rows = ((np.arange(8) + 0.5) * size[0] / 8).astype(int)
    columns = ((np.arange(12) + 0.5) * size[1] / 12).astype(int)
    np.testing.assert_allclose(found.numpy(), expected.numpy()[:, rows][:, :, columns], rtol=1e-12)
    if size == (2, 3):
        assert float(found.mean()) == pytest.approx(float(expected.mean()))


def test_a_small_image_has_no_noise_level() -> None:
    with pytest.raises(ValidationError, match="it reads sigma, sigma_255"):
        coarse.Config.parse({"loss": "asymmetric"})


def test_a_sum_weighs_and_keeps_every_term(generator: torch.Generator) -> None:
    parts = [{"loss": "l1", "weight": 2.0}, {"loss": "mix"}, {"loss": "l1", "weight": 0.5}, {"loss": "l2", "weight": 0}]
    config = sums.Config.parse({"parts": parts})
    pair = images(generator)
    terms = build(config).terms(Compared(*pair))
    assert list(terms) == ["l1", "ms_ssim", "l1_2", "l1_3"]
    absolute = (pair[0] - pair[1]).abs().mean(1, keepdim=True)
    torch.testing.assert_close(terms["l1"], 2 * absolute)
    torch.testing.assert_close(terms["l1_3"], absolute / 2)
    with pytest.raises(ValidationError, match="all weights are 0"):
        sums.Config.parse({"parts": [{"loss": "l1", "weight": 0}]})


def test_every_weight_of_a_sum_is_a_leaf_that_a_study_can_search() -> None:
    parts = [
        {"loss": "l1"},
        {"loss": {"kind": "ssim", "sigma": {"choice": [5.0, 9.0]}}, "weight": {"float": [0.01, 1], "log": True}},
    ]
    template = {
        "data": "photos",
        "task": "gaussian_denoise",
        "model": "dncnn",
        "sampler": "uniform",
        "recipe": {"kind": "supervised", "loss": {"kind": "sum", "parts": parts}, "optimizer": "adam", "schedule": "constant"},
    }
    space = Space.parse(template)
    assert set(space.domains) == {"recipe.loss.parts.1.weight", "recipe.loss.parts.1.loss.sigma"}
    values = {"recipe.loss.parts.1.weight": 0.25, "recipe.loss.parts.1.loss.sigma": 9.0}
    assert space.resolve(values) == values
    trial = space.bind(values, seed=1)
    assert isinstance(trial, TrialConfig)
    data = trial.model_dump(mode="json")["recipe"]["loss"]["parts"]
    assert data[1] == {"loss": {"kind": "ssim", "sigma": 9.0}, "weight": 0.25}
    assert data[0] == {"loss": {"kind": "l1"}, "weight": 1.0}


def names_at(config: switch.Config, pair: tuple[torch.Tensor, torch.Tensor]) -> list[list[str]]:
    return [list(build(config).terms(at(progress, pair))) for progress in (0.0, 0.49, 0.5, 0.99)]


def test_a_switch_is_at_once_without_a_blend(generator: torch.Generator) -> None:
    pair = images(generator)
    assert names_at(switch.Config.parse({"first": "l2", "then": "l1"}), pair) == [["l2"], ["l2"], ["l1"], ["l1"]]
    assert names_at(switch.Config.parse({"first": "l1", "then": "l2", "at": 0}), pair) == [["l2"]] * 4
    assert names_at(switch.Config.parse({"first": "l1", "then": "l2", "at": 1}), pair) == [["l1"]] * 4
    found = build(switch.Config.parse({"first": "l2", "then": "l1"})).terms(at(0.75, pair))
    assert torch.equal(found["l1"], (pair[0] - pair[1]).abs().mean(1, keepdim=True))


def test_a_blend_is_linear(generator: torch.Generator) -> None:
    pair = images(generator)
    loss = build(switch.Config.parse({"first": "l2", "then": "l1", "at": 0.25, "blend": 0.5}))
    absolute, squared = ((pair[0] - pair[1]).abs() ** power for power in (1, 2))
    for progress, share in ((0.1, 0.0), (0.25, 0.0), (0.375, 0.25), (0.5, 0.5), (0.75, 1.0), (0.9, 1.0)):
        terms = loss.terms(at(progress, pair))
        assert list(terms) == [name for name, weight in (("l2", 1 - share), ("l1", share)) if weight]
        whole = torch.stack(list(terms.values())).sum(0)
        torch.testing.assert_close(whole, ((1 - share) * squared + share * absolute).mean(1, keepdim=True))


def test_a_blend_of_losses_with_the_same_terms_has_each_once(generator: torch.Generator) -> None:
    pair = images(generator)
    both = switch.Config.parse({"first": {"kind": "mix", "alpha": 0}, "then": {"kind": "mix", "alpha": 1}, "at": 0, "blend": 1})
    terms, plain = build(both).terms(at(0.3, pair)), build(switch.Config.parse({"first": "mix", "then": "mix"}))
    expected = plain.terms(at(0.0, pair))
    torch.testing.assert_close(terms["ms_ssim"], expected["ms_ssim"] / 0.84 * 0.3)
    torch.testing.assert_close(terms["l1"], expected["l1"] / 0.16 * 0.7)


def test_a_blend_ends_with_the_training() -> None:
    with pytest.raises(ValidationError, match=r"at \+ blend is 1.25"):
        switch.Config.parse({"first": "l2", "then": "l1", "at": 0.75, "blend": 0.5})
    assert switch.Config.parse({"first": "l2", "then": "l1", "at": 0.7, "blend": 0.3}).reads == frozenset()
