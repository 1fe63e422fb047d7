"""CARN and FALSR-A: which parts share weights, and which outputs are joined."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional
from weightless import on_meta

from raysearch.errors import SpecError
from raysearch.models import carn, falsr
from raysearch.models._count import parameters

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
