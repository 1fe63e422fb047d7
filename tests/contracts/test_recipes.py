"""What every recipe promises."""

from __future__ import annotations

import io

import pytest
import torch
from torch import nn

from raysearch.component import find, names
from raysearch.recipes.base import Recipe, RecipeConfig, RecipeContext
from raysearch.samplers.base import Signals
from raysearch.tasks.base import Pair

KINDS = names("raysearch.recipes")
SMALL: dict[str, dict[str, object]] = {
    "adversarial": {
        "loss": "l2",
        "optimizer": {"kind": "adam", "lr": 1e-2},
        "schedule": "constant",
        "ema": 0.9,
        "discriminator": {"kind": "patchgan", "width": 4, "layers": 1},
        "discriminator_optimizer": {"kind": "adam", "lr": 1e-3},
    },
    "supervised": {"loss": "l2", "optimizer": {"kind": "adam", "lr": 1e-2}, "schedule": "constant", "ema": 0.9},
}
"""Settings of each kind; a new kind adds its own."""

STEPS = 60


class Net(nn.Module):
    """Two convolutions with a batch normalisation between them."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1))

    def forward(self, degraded: torch.Tensor, sigma_255: torch.Tensor | None) -> torch.Tensor:
        out: torch.Tensor = self.layers(degraded)
        return out


def config_of(kind: str) -> RecipeConfig:
    config = find("raysearch.recipes", kind).parse({"kind": kind, **SMALL[kind]})
    assert isinstance(config, RecipeConfig)
    return config


def build(kind: str, seed: int = 0) -> Recipe:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = Net()
    return config_of(kind).build(RecipeContext(net, STEPS, torch.device("cpu"), "float32", 0, 3, 8, 0, lambda value: value))


def pair() -> Pair:
    generator = torch.Generator().manual_seed(1)
    clean = torch.rand(8, 3, 16, 16, generator=generator)
    return Pair(clean + 0.1 * torch.randn(clean.shape, generator=generator), clean, None)


def uniform(signals: Signals) -> None:
    return None


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_falls_on_eight_patches(kind: str) -> None:
    recipe = build(kind)
    losses = [recipe.step(step, pair(), uniform).loss.item() for step in range(STEPS)]
    assert losses[-1] < 0.3 * losses[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_recipe_continues_to_the_bit(kind: str) -> None:
    recipe = build(kind)
    for step in range(5):
        recipe.step(step, pair(), uniform)
    file = io.BytesIO()
    torch.save(recipe.state_dict(), file)
    file.seek(0)
    other = build(kind, seed=7)
    other.load_state_dict(torch.load(file, weights_only=True))
    for step in range(5, 10):
        assert torch.equal(recipe.step(step, pair(), uniform).loss, other.step(step, pair(), uniform).loss)
    ours, theirs = recipe.evaluated().state_dict(), other.evaluated().state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_is_detached_and_signals_too(kind: str) -> None:
    seen: list[Signals] = []

    def weigh(signals: Signals) -> torch.Tensor:
        seen.append(signals)
        return torch.full_like(signals.loss_map, 1 / signals.loss_map[0].numel())

    result = build(kind).step(0, pair(), weigh)
    assert result.loss.shape == ()
    assert not result.loss.requires_grad
    assert not result.skipped
    assert result.lr > 0
    for tensor in vars(seen[0]).values():
        assert not tensor.requires_grad
        assert tensor.dtype == torch.float32
    assert seen[0].restored.shape == seen[0].clean.shape == (8, 3, 16, 16)
    assert seen[0].loss_map.shape == (8, 1, 16, 16)


@pytest.mark.parametrize("kind", KINDS)
def test_a_config_round_trips(kind: str) -> None:
    config = config_of(kind)
    assert type(config).parse(config.model_dump(mode="json")) == config
    assert config.gives <= {"restored", "clean", "loss_map"}
