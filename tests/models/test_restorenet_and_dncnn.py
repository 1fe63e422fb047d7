"""What distinguishes RestoreNet and DnCNN."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from raysearch.errors import SpecError
from raysearch.models import dncnn, restorenet
from raysearch.tasks._bayer import Phase, mosaic


def test_a_restorenet_block_has_the_size_of_the_source() -> None:
    block = restorenet.Config(depth=1).build(3, 3, 1).blocks[0]
    assert sum(p.numel() for p in block.parameters()) == 213_504


@pytest.mark.parametrize("depth", [4, 16])
def test_restorenet_starts_with_faint_outputs(depth: int, generator: torch.Generator) -> None:
    """Fainter than images, whatever the depth: a strong pattern of the mosaic at the start takes long to unlearn."""
    torch.manual_seed(0)
    net = restorenet.Config(width=64, depth=depth).build(3, 3, 1)
    clean = torch.rand(1, 3, 48, 48, generator=generator)
    with torch.no_grad():
        assert 0.02 < float(net(mosaic(clean, "grbg"), None).std()) < float(clean.std())


def test_restorenet_needs_the_noise_level_that_it_was_built_for() -> None:
    net = restorenet.Config(width=8, depth=1, sigma_channel=True).build(3, 3, 1)
    with pytest.raises(SpecError, match="sigma_channel"):
        net(torch.zeros(1, 3, 8, 8), None)
    assert net(torch.zeros(1, 3, 8, 8), torch.full((1, 1, 1, 1), 5.0)).shape == (1, 3, 8, 8)


@pytest.mark.parametrize("phase", ["rggb", "grbg", "gbrg", "bggr"])
def test_restorenet_learns_every_phase(phase: Phase, generator: torch.Generator) -> None:
    """A few steps on one image lower the error, whatever the phase is."""
    torch.manual_seed(0)
    net = restorenet.Config(width=16, depth=2, tail_width=16).build(3, 3, 1)
    clean = torch.rand(1, 3, 24, 24, generator=generator) * 0.2 + 0.4
    seen = mosaic(clean, phase)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    losses = []
    for _ in range(60):
        loss = (net(seen, None) - clean).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


def test_dncnn_subtracts_what_it_predicts(generator: torch.Generator) -> None:
    net = dncnn.Config(depth=3, width=4).build(1, 1, 1).eval()
    noisy = torch.rand(1, 1, 9, 7, generator=generator)
    torch.testing.assert_close(net(noisy, None), noisy - net.noise(noisy))
    with torch.no_grad():
        net.noise[-1].weight.zero_()
    assert torch.equal(net(noisy, torch.full((1, 1, 1, 1), 25.0)), noisy), "a network that predicts no noise is the identity"


def test_dncnn_layers_and_initial_weights() -> None:
    torch.manual_seed(0)
    net = dncnn.Config().build(3, 3, 1)
    convolutions = [layer for layer in net.noise if isinstance(layer, nn.Conv2d)]
    norms = [layer for layer in net.noise if isinstance(layer, nn.BatchNorm2d)]
    assert (len(convolutions), len(norms)) == (17, 15)
    assert [layer.bias is not None for layer in convolutions] == [True, *[False] * 15, True]
    weights = torch.cat([layer.weight.detach().flatten() for layer in convolutions])
    assert float(weights.var()) == pytest.approx(2 / (9 * 64), rel=0.02)
    scales = torch.cat([layer.weight.detach() for layer in norms])
    assert float(scales.abs().min()) == pytest.approx(0.025)
    assert 0.3 < float((scales < 0).float().mean()) < 0.7, "scales keep their sign"
    assert all(layer.running_var is not None and (layer.running_var == 0.01).all() for layer in norms)


def test_dncnn_keeps_channels() -> None:
    with pytest.raises(SpecError, match=r"keeps channels \(1 or 3\) and size"):
        dncnn.Config().build(3, 1, 1)
