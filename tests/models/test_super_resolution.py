"""Super-resolution networks: sizes and costs of the sources, and what distinguishes each."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional

from raysearch.bicubic import resize
from raysearch.errors import SpecError
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


def on_meta(config: ModelConfig, channels: int, scale: int) -> nn.Module:
    with torch.device("meta"):
        return config.build(channels, channels, scale)


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


def silent(net: nn.Module) -> nn.Module:
    """The network with all weights 0."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
    return net.eval()


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


# EDSR and OISR


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


# CARN


def test_carn_of_scale_2_touches_no_weight_of_other_scales(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    net = carn.Config(width=4, upsamplers="all").build(3, 3, 2)
    assert sum(p.numel() for p in on_meta(carn.Config(upsamplers="all"), 3, 2).parameters()) == 1_591_939
    assert sum(p.numel() for p in on_meta(carn.Config(upsamplers="all", mobile_groups=4), 3, 2).parameters()) == 414_787
    seen = torch.rand(1, 3, 6, 6, generator=generator)
    before = net(seen, None)
    others = [net.upsamplers[scale] for scale in ("3", "4")]
    with torch.no_grad():
        for other in others:
            for p in other.parameters():
                p.fill_(torch.nan)
    torch.testing.assert_close(net(seen, None), before)
    net(seen, None).square().mean().backward()
    assert all(p.grad is None for other in others for p in other.parameters())
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters() if p.requires_grad)
    assert parameters(net) == parameters(carn.Config(width=4).build(3, 3, 2))


def test_carn_of_all_scales_keeps_its_weights_when_the_scale_changes() -> None:
    config = carn.Config(width=4, upsamplers="all")
    two, three = config.build(3, 3, 2), config.build(3, 3, 3)
    three.load_state_dict(two.state_dict())
    assert three(torch.rand(1, 3, 4, 5), None).shape == (1, 3, 12, 15)
    with pytest.raises(SpecError, match="scale 2, 3 or 4, but the task has 3 to 3 channels at scale 8"):
        config.build(3, 3, 8)


def test_a_cascade_hands_on_the_raw_outputs_of_its_units(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    cascade = carn.Config(width=4).build(3, 3, 2).cascade.units[0]
    maps = torch.randn(1, 4, 6, 6, generator=generator)
    (b1, b2, b3), (c1, c2, c3) = cascade.units, cascade.fusions
    r1 = b1(maps)
    o1 = c1(torch.cat([maps, r1], 1))
    r2 = b2(o1)
    o2 = c2(torch.cat([maps, r1, r2], 1))
    torch.testing.assert_close(cascade(maps), c3(torch.cat([maps, r1, r2, b3(o2)], 1)))


def test_carn_m_shares_one_residual_block_in_a_cascading_block() -> None:
    net = carn.Config(width=8, mobile_groups=4).build(3, 3, 2)
    assert [len(block.units) for block in net.cascade.units] == [1, 1, 1]
    assert sum(value.numel() for value in net.state_dict().values()) == parameters(net)
    grouped = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d) and layer.groups == 4]
    assert len(grouped) == 2 * 3 + 1
    with pytest.raises(ValidationError, match="mobile_groups: 4 does not divide width: 6"):
        carn.Config(width=6, mobile_groups=4)


# FALSR-A


def test_falsr_joins_what_the_frozen_graph_joins(generator: torch.Generator) -> None:
    net = falsr.Config().build(1, 1, 2)
    seen: dict[str, int] = {}
    for name, part in {**{str(i): cell for i, cell in enumerate(net.cells)}, "exit": net.merge}.items():
        part.register_forward_pre_hook(lambda _, given, name=name: seen.update({name: given[0].shape[1]}))
    net(torch.rand(1, 1, 5, 6, generator=generator), None)
    assert seen == {"0": 32, "1": 64, "2": 48, "3": 112, "4": 144, "5": 64, "6": 208, "exit": 464}


def test_falsr_computes_what_its_table_says(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    net = falsr.Config().build(1, 1, 2)
    rest = iter(net.parameters())
    layers = {}
    for part, count in (("entry", 1), (0, 4), (1, 1), (2, 4), (3, 4), (4, 4), (5, 4), (6, 4), ("merge", 1), ("exit", 1)):
        layers[part] = [(next(rest), next(rest)) for _ in range(count)]

    def chain(part: str | int, *given: Tensor) -> list[Tensor]:
        maps = [torch.cat(given, 1)]
        for weight, bias in layers[part]:
            maps.append(functional.conv2d(maps[-1], weight, bias, padding=weight.shape[-1] // 2).relu())
        return maps[1:]

    def skipped(part: int, *given: Tensor) -> Tensor:
        found = chain(part, *given)
        return found[0] + found[3]

    seen = torch.rand(1, 1, 9, 8, generator=generator)
    n0 = chain("entry", seen)[-1]
    zero = skipped(0, n0)
    one = chain(1, zero)[-1]
    two = skipped(2, one)
    three = skipped(3, one, two)
    four = skipped(4, n0, one, three)
    five = chain(5, four)[-1]
    six = skipped(6, n0, one, four, five)
    merged = chain("merge", n0, zero, one, two, three, four, five, six)[-1] + n0
    ((weight, bias),) = layers["exit"]
    expected = functional.conv2d(functional.pixel_shuffle(merged, 2), weight, bias, padding=1)
    torch.testing.assert_close(net(seen, None), expected)


def test_falsr_starts_in_the_range_of_images(generator: torch.Generator) -> None:
    for seed in range(3):
        torch.manual_seed(seed)
        with torch.no_grad():
            restored = falsr.Config().build(1, 1, 2)(0.3 + 0.3 * torch.rand(1, 1, 24, 24, generator=generator), None)
        assert 0.02 < float(restored.std()) < 0.7


def test_falsr_is_for_luma() -> None:
    with pytest.raises(SpecError, match="'falsr' keeps 1 channel and exists at scale 2, but the task has 3 to 3 channels"):
        falsr.Config().build(3, 3, 2)
