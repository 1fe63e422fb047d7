from __future__ import annotations

import time

import pytest
import torch
from torch import nn

from raysearch.train import latency


class Sleeper(nn.Module):
    """Takes its time, other times in every pass; notes what it is given."""

    def __init__(self, seconds: list[float]) -> None:
        super().__init__()
        self.seconds = seconds
        self.seen: list[tuple[torch.Size, bool, bool]] = []

    def forward(self, image: torch.Tensor, sigma: torch.Tensor | None) -> torch.Tensor:
        self.seen.append((image.shape, sigma is not None, self.training))
        time.sleep(self.seconds[len(self.seen) - 1])
        return image


def test_the_median_counts_after_a_pass_that_does_not() -> None:
    net = Sleeper([0.2, 0.01, 0.05, 0.15]).train()
    assert 50 <= latency.latency_ms(net, 3, 16, True, torch.device("cpu")) < 150
    assert net.seen == [(torch.Size([1, 3, 16, 16]), True, False)] * 4
    assert net.training


def test_a_long_pass_stands_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "_LONG_S", 0.01)
    net = Sleeper([0.02])
    assert latency.latency_ms(net, 1, 8, False, torch.device("cpu")) >= 20
    assert net.seen == [(torch.Size([1, 1, 8, 8]), False, False)]
