"""Super-resolution networks: sizes and costs of the sources, and what distinguishes each."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from weightless import on_meta, silent

from raysearch.bicubic import resize
from raysearch.models import carn, edsr, falsr, oisr, srresnet, vdsr, zssr
from raysearch.models._count import macs, parameters
from raysearch.models._upscaling import div2k_mean
from raysearch.models.base import ModelConfig

LARGE = edsr.Config(blocks=32, width=256, residual_scaling=0.1)
DEEP = edsr.Config(blocks=128)
PLAIN = srresnet.Config(variant="msrresnet")
MOBILE = carn.Config(mobile_groups=4)

SIZES = [
    (edsr.Config(), 3, {2: 1_369_859, 3: 1_554_499, 4: 1_517_571, 8: 1_665_283}),
    (LARGE, 3, {2: 40_729_603, 3: 43_680_003, 4: 43_089_923, 8: 45_450_243}),
    (DEEP, 3, {2: 9_641_731}),
    (oisr.Config(), 3, {2: 1_371_915, 3: 1_556_555, 4: 1_519_627, 8: 1_667_339}),
    (srresnet.Config(), 3, {2: 1_401_749, 3: 1_586_389, 4: 1_549_462, 8: 1_697_175}),
    (PLAIN, 3, {2: 1_369_859, 3: 1_554_499, 4: 1_517_571, 8: 1_665_283}),
    (vdsr.Config(), 1, {2: 664_704, 3: 664_704, 4: 664_704, 8: 664_704}),
    (vdsr.Config(bias=True), 1, {2: 665_921}),
    (vdsr.Config(), 3, {2: 667_008}),
    (vdsr.Config(bias=True), 3, {2: 668_227}),
    (carn.Config(), 3, {2: 964_163, 3: 1_148_803, 4: 1_111_875, 8: 1_259_587}),
    (MOBILE, 3, {2: 257_027, 3: 303_427, 4: 294_147, 8: 331_267}),
    (falsr.Config(), 1, {2: 1_021_401}),
    (zssr.Config(), 3, {2: 0}),
]

HD = 1280 * 720
COSTS = [  # GMAC, for so many pixels of the result
    (edsr.Config(), 3, 2, HD, 316.25),
    (edsr.Config(), 3, 3, HD, 160.06),
    (edsr.Config(), 3, 4, HD, 114.23),
    (DEEP, 3, 2, HD, 2218.8),
    (LARGE, 3, 2, HD, 9384.7),
    (oisr.Config(), 3, 2, HD, 316.25),
    (oisr.Config(), 3, 4, HD, 114.23),
    (carn.Config(), 3, 2, HD, 222.8),
    (carn.Config(), 3, 3, HD, 118.6),
    (carn.Config(), 3, 4, HD, 90.9),
    (MOBILE, 3, 2, HD, 91.2),
    (falsr.Config(), 1, 2, HD, 235.0),
    (vdsr.Config(), 1, 2, HD, 612.59),
    (vdsr.Config(), 1, 4, HD, 612.59),
    (srresnet.Config(), 3, 4, 96**2, 1.278),
    (srresnet.Config(), 3, 4, 120**2, 1.996),
    (PLAIN, 3, 4, 96**2, 1.461),
    (zssr.Config(), 3, 2, 128**2, 3.681),
]


@pytest.mark.parametrize(("config", "channels", "expected"), SIZES, ids=str)
def test_parameters(config: ModelConfig, channels: int, expected: dict[int, int]) -> None:
    assert {scale: parameters(on_meta(config, channels, scale)) for scale in expected} == expected


@pytest.mark.parametrize(("config", "channels", "scale", "pixels", "gmacs"), COSTS, ids=str)
def test_multiply_accumulates(config: ModelConfig, channels: int, scale: int, pixels: int, gmacs: float) -> None:
    side = 24
    counted = macs(on_meta(config, channels, scale), channels, side, sigma=False)
    assert counted * pixels / (side * scale) ** 2 / 1e9 == pytest.approx(gmacs, rel=0.005)


SMALL: list[tuple[ModelConfig, int]] = [
    (edsr.Config(blocks=1, width=4), 3),
    (oisr.Config(blocks=1, width=4), 3),
    (srresnet.Config(blocks=1, width=4), 3),
    (srresnet.Config(blocks=1, width=4, variant="msrresnet"), 3),
    (vdsr.Config(depth=3, width=4), 1),
    (vdsr.Config(depth=3, width=4, bias=True), 3),
    (carn.Config(width=8), 3),
    (carn.Config(width=8, mobile_groups=4), 3),
]


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize(("config", "channels"), SMALL, ids=str)
def test_every_scale_and_variant_restores_and_learns(
    config: ModelConfig, channels: int, scale: int, generator: torch.Generator
) -> None:
    torch.manual_seed(0)
    net = config.build(channels, channels, scale)
    restored = net(torch.rand(2, channels, 7, 5, generator=generator), None)
    assert restored.shape == (2, channels, 7 * scale, 5 * scale)
    restored.square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def enlarged(image: Tensor, scale: int) -> Tensor:
    return resize(image, image.shape[-2] * scale, image.shape[-1] * scale)


def mean_colour(image: Tensor, scale: int) -> Tensor:
    height, width = image.shape[-2:]
    return div2k_mean().expand(len(image), 3, height * scale, width * scale)


WITHOUT_WEIGHTS: list[tuple[ModelConfig, int, Callable[[Tensor], Tensor]]] = [
    (edsr.Config(blocks=1, width=4), 3, lambda x: mean_colour(x, 3)),
    (oisr.Config(blocks=1, width=4), 3, lambda x: mean_colour(x, 3)),
    (carn.Config(width=4), 3, lambda x: mean_colour(x, 3)),
    (srresnet.Config(blocks=1, width=4), 3, lambda x: torch.full_like(enlarged(x, 3), 0.5)),
    (SMALL[3][0], 3, lambda x: functional.interpolate(x, scale_factor=3, mode="bilinear", align_corners=False)),
    (vdsr.Config(depth=3, width=4), 1, lambda x: enlarged(x, 3)),
]


@pytest.mark.parametrize(
    ("config", "channels", "expected"), WITHOUT_WEIGHTS, ids=["edsr", "oisr", "carn", "srresnet", "msrresnet", "vdsr"]
)
def test_what_silent_layers_leave(
    config: ModelConfig, channels: int, expected: Callable[[Tensor], Tensor], generator: torch.Generator
) -> None:
    seen = torch.rand(2, channels, 6, 9, generator=generator)
    torch.testing.assert_close(silent(config.build(channels, channels, 3))(seen, None), expected(seen))


# SRResNet


def test_msrresnet_starts_near_the_bilinear_image(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    net = PLAIN.build(3, 3, 4)
    seen = torch.rand(1, 3, 12, 12, generator=generator)
    base = functional.interpolate(seen, scale_factor=4, mode="bilinear", align_corners=False)
    with torch.no_grad():
        assert float((net(seen, None) - base).abs().max()) < 0.02


def test_srresnet_normalises_in_every_block() -> None:
    net = srresnet.Config().build(3, 3, 4)
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in net.modules()) == 33
    assert [p.numel() for layer in net.modules() if isinstance(layer, nn.PReLU) for p in layer.parameters()] == [1] * 19


@torch.no_grad()
def test_the_branches_of_srresnet_start_faint(generator: torch.Generator) -> None:
    """In training mode every block adds a tenth to maps whose own scale is that of the image: colours pass."""
    torch.manual_seed(0)
    net = srresnet.Config().build(3, 3, 4).train()
    maps = net.entry(torch.rand(4, 3, 12, 12, generator=generator))
    for block in (*net.blocks, net.body_end):
        after = block(maps)
        added = after if block is net.body_end else after - maps
        assert float(added.std()) == pytest.approx(0.1, rel=0.02)
        maps = after


# VDSR


def test_vdsr_has_the_same_weights_at_every_scale(generator: torch.Generator) -> None:
    two, four = (vdsr.Config(depth=4, width=4).build(1, 1, scale) for scale in (2, 4))
    four.load_state_dict(two.state_dict())
    seen = torch.rand(1, 1, 6, 7, generator=generator)
    torch.testing.assert_close(four(seen, None), enlarged(seen, 4) + two.details(enlarged(seen, 4)))


def test_vdsr_reaches_less_far_at_larger_scales() -> None:
    config = vdsr.Config(depth=6, width=3)
    for scale in (2, 3, 4, 8):
        net = config.build(1, 1, scale).double()
        with torch.no_grad():
            for p in net.parameters():
                p.abs_()
        seen = torch.rand(1, 1, 25, 25, dtype=torch.float64).requires_grad_()
        net(seen, None)[0, 0, 12 * scale : 13 * scale, 12 * scale].sum().backward()
        assert seen.grad is not None
        assert int((seen.grad[0, 0].nonzero() - 12).abs().max()) <= config.geometry().halo
