"""EDSR and OISR: what their blocks compute, against the formulas of the papers."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from weightless import silent

from raysearch.models import carn, edsr, oisr
from raysearch.models._count import macs, parameters


def test_edsr_computes_what_its_docstring_says(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    net = edsr.Config(blocks=1, width=5, residual_scaling=0.3).build(3, 3, 2)
    seen = torch.rand(1, 3, 8, 6, generator=generator)
    weights = dict(net.named_parameters())

    def conv(maps: Tensor, name: str) -> Tensor:
        return functional.conv2d(maps, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1)

    mean = torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1)
    first = conv(255 * seen - 255 * mean, "head.0")
    block = first + 0.3 * conv(conv(first, "body.0.body.0").relu(), "body.0.body.2")
    last = first + conv(block, "body.1")
    expected = conv(functional.pixel_shuffle(conv(last, "tail.0.0"), 2), "tail.1") / 255 + mean
    torch.testing.assert_close(net(seen, None), expected)
    assert len(weights) == 12, "names are those of the usual checkpoints"


def test_the_mean_is_no_weight() -> None:
    for config in (edsr.Config(blocks=1, width=4), carn.Config(width=4)):
        net = config.build(3, 3, 2)
        assert set(net.state_dict()) == {name for name, _ in net.named_parameters()}


def test_edsr_at_scale_1_is_a_denoiser_with_a_skip_of_the_image(generator: torch.Generator) -> None:
    net = edsr.Config(blocks=2, width=4).build(3, 3, 1)
    seen = torch.rand(1, 3, 9, 7, generator=generator)
    assert parameters(net) == 3 * 36 + 4 + 5 * (16 * 9 + 4) + 4 * 27 + 3
    assert torch.equal(silent(net)(seen, None), seen)
    assert macs(net, 3, 10, sigma=True) == 100 * 9 * (12 + 5 * 16 + 12)


def test_an_oisr_block_is_a_step_of_heun(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    block = oisr.Config(blocks=1, width=4).build(3, 3, 2).body[0]
    maps = torch.randn(1, 4, 6, 6, generator=generator)
    slopes = [p for p in block.parameters() if p.shape == (4,) and torch.equal(p, torch.full((4,), 0.25))]
    assert len(slopes) == 4
    assert block.step.item() == 0.5
    first = block.first(maps)
    torch.testing.assert_close(block(maps), maps + (first + block.second(maps + first)) / 2)


def test_a_heun_step_is_of_second_order() -> None:
    """With G(y) = h y, one step is the Taylor polynomial of e^h up to h²."""
    block = oisr.Config(blocks=1, width=1).build(3, 3, 2).body[0].double()
    h = 0.1
    with torch.no_grad():
        for slope in (block.first, block.second):
            for layer, scale in ((slope[1], h), (slope[3], 1.0)):
                layer.weight.zero_()
                layer.bias.zero_()
                layer.weight[0, 0, 1, 1] = scale
        grown = block(torch.ones(1, 1, 3, 3, dtype=torch.float64))
    torch.testing.assert_close(grown, torch.full_like(grown, 1 + h + h**2 / 2))
