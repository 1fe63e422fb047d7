"""A supervised recipe with a network of one convolution, and pairs to train it on."""

from __future__ import annotations

import torch
from torch import nn

from raysearch.recipes.base import Precision, RecipeContext
from raysearch.recipes.supervised import Config, Supervised
from raysearch.samplers.base import Signals
from raysearch.tasks.base import Pair

CPU = torch.device("cpu")


class Net(nn.Module):
    """One valid or padded convolution and a batch normalisation."""

    def __init__(self, padding: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=padding)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, degraded: torch.Tensor, sigma_255: torch.Tensor | None) -> torch.Tensor:
        out: torch.Tensor = self.norm(self.conv(degraded))
        return out


def config(**changes: object) -> Config:
    base: dict[str, object] = {"optimizer": {"kind": "sgd", "lr": 0.1}, "schedule": {"kind": "cosine"}}
    data = base | changes
    loss = data.pop("loss", "l2")
    return Config.parse(data | {"loss": loss})


def net(seed: int = 0, padding: int = 1) -> Net:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Net(padding)


def context(module: nn.Module, precision: Precision = "float32", margin: int = 0) -> RecipeContext:
    return RecipeContext(module, 10, CPU, precision, margin, 3, 8, 0, lambda value: value)


def recipe(module: nn.Module, **changes: object) -> Supervised:
    built = config(**changes).build(context(module))
    assert isinstance(built, Supervised)
    return built


def pair(seed: int = 1, side: int = 8) -> Pair:
    generator = torch.Generator().manual_seed(seed)
    clean = torch.rand(4, 3, side, side, generator=generator)
    return Pair(clean + 0.1 * torch.randn(clean.shape, generator=generator), clean, None)


def plain(signals: Signals) -> None:
    return None


def nothing(signals: Signals) -> torch.Tensor:
    return torch.zeros_like(signals.loss_map)
