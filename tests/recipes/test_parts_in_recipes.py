"""A batch in pieces: the same loss, gradient and statistics as far as they can be, and less memory."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from raysearch.component import find
from raysearch.models.base import Restoration
from raysearch.recipes._parts import InParts, bare


class WithExtras(nn.Module):
    """Returns a second output, and reads the level of each image."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 3, 3, padding=1)

    def forward(self, degraded: Tensor, sigma_255: Tensor | None) -> Restoration:
        assert sigma_255 is not None
        seen = self.first(degraded) * (1 + sigma_255 / 255)
        return Restoration(self.second(torch.relu(seen)), {"seen": seen})


def gradients(net: nn.Module, degraded: Tensor, sigma_255: Tensor | None, weights: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Loss and gradients under weights that tie the images of the batch to each other, as a sampler's do."""
    net.zero_grad()
    output = net(degraded, sigma_255)
    image = output.image if isinstance(output, Restoration) else output
    extra = output.extras["seen"].square().mean() if isinstance(output, Restoration) else torch.zeros(())
    loss = (weights * (image - 0.5).square().mean((1, 2, 3))).sum() * image.abs().mean() + extra
    loss.backward()
    return loss.detach(), [p.grad.clone() for p in net.parameters() if p.grad is not None]


@pytest.mark.parametrize("parts", [2, 3, 8])
@pytest.mark.parametrize("levels", ["each", "one"])
def test_loss_and_gradients_are_those_of_the_whole_batch(generator: torch.Generator, parts: int, levels: str) -> None:
    net = WithExtras()
    degraded = torch.rand(6, 3, 12, 12, generator=generator)
    sigma = 50 * torch.rand(6 if levels == "each" else 1, 1, 1, 1, generator=generator)
    weights = torch.rand(6, generator=generator)
    whole, expected = gradients(net, degraded, sigma, weights)
    loss, found = gradients(InParts(net, parts), degraded, sigma, weights)
    assert torch.allclose(loss, whole, rtol=1e-6)
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-7)
    with torch.no_grad():
        assert torch.allclose(InParts(net, parts)(degraded, sigma).image, net(degraded, sigma).image, atol=1e-6)


def test_running_statistics_see_each_piece_once(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    net = find("raysearch.models", "dncnn").parse({"kind": "dncnn", "depth": 4, "width": 4}).build(3, 3, 1)
    degraded = torch.rand(4, 3, 12, 12, generator=generator)
    one_by_one = copy.deepcopy(net)
    for piece in degraded.chunk(2):
        one_by_one(piece, None)
    InParts(net, 2)(degraded, None).square().mean().backward()
    for (name, here), there in zip(net.named_buffers(), one_by_one.buffers(), strict=True):
        assert torch.equal(here, there), name


def test_what_is_inside_is_found(generator: torch.Generator) -> None:
    net = WithExtras()
    assert bare(InParts(net, 2)) is net
    assert bare(net) is net


def test_only_one_piece_is_in_memory() -> None:
    kept: list[int] = []

    class Counting(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            kept.append(len(x))
            return super().forward(x)

    net = nn.Sequential(Counting(3, 8, 3, padding=1), nn.ReLU(), Counting(8, 3, 3, padding=1))

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = net

        def forward(self, x: Tensor, sigma: Tensor | None) -> Tensor:
            return self.body(x)

    saved: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        saved.append(tensor)
        return tensor

    degraded = torch.rand(8, 3, 16, 16)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        InParts(Net(), 4)(degraded, None)
    assert kept == [2] * 8
    inputs = degraded.untyped_storage().data_ptr()
    assert {tensor.untyped_storage().data_ptr() for tensor in saved if tensor.dim() == 4} <= {inputs}, "only the input is kept"
