"""NN3D: the non-local filter against loops, and how it alternates with a denoiser."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from raysearch.component import problems
from raysearch.errors import SpecError
from raysearch.models import nn3d
from raysearch.models._nonlocal import collaborate, match
from raysearch.models.base import Geometry

SMALL: dict[str, object] = {"block": 4, "group": 4, "step": 2, "window": 7}


def small(**options: object) -> nn3d.Config:
    return nn3d.Config.parse({"denoiser": {"kind": "ffdnet", "depth": 3, "width": 4}, **SMALL, **options})


def test_matches_equal_a_search_by_loops(generator: torch.Generator) -> None:
    image = torch.rand(2, 36, 14, generator=generator).double()
    block, step, radius, count = 4, 2, 3, 5
    found = match(image, block, step, radius, count)
    references = [(y, x) for y in range(0, 33, step) for x in range(0, 11, step)]
    assert found.shape == (len(references), count)
    for (y, x), group in zip(references, found.tolist(), strict=True):
        costs = {
            v * 14 + u: float((image[:, y : y + 4, x : x + 4] - image[:, v : v + 4, u : u + 4]).square().sum())
            for v in range(max(0, y - radius), min(32, y + radius) + 1)
            for u in range(max(0, x - radius), min(10, x + radius) + 1)
        }
        assert group == sorted(costs, key=costs.__getitem__)[:count]


def test_a_reference_block_is_in_its_group_even_where_all_are_alike() -> None:
    found = match(torch.zeros(1, 12, 12), 4, 2, 3, 4)
    assert found[:, 0].tolist() == [y * 12 + x for y in range(0, 9, 2) for x in range(0, 9, 2)]
    flat = torch.full((1, 12, 12), 0.25)
    torch.testing.assert_close(collaborate(flat, found, torch.zeros(25), 4), flat)


def haar(count: int) -> torch.Tensor:
    """The orthonormal Haar matrix, its first row the mean."""
    if count == 1:
        return torch.ones(1, 1, dtype=torch.float64)
    half = haar(count // 2)
    sums = torch.kron(half, torch.tensor([[1.0, 1.0]], dtype=torch.float64))
    details = torch.kron(torch.eye(count // 2, dtype=torch.float64), torch.tensor([[1.0, -1.0]], dtype=torch.float64))
    return torch.cat([sums, details]) / math.sqrt(2)


def test_the_filter_equals_its_definition_by_loops(generator: torch.Generator) -> None:
    image = torch.rand(2, 12, 10, generator=generator).double()
    groups = match(image, 4, 2, 3, 8)
    tau = torch.rand(len(groups), generator=generator).double()
    total, weight, transform = torch.zeros_like(image), torch.zeros_like(image), haar(8)
    assert torch.allclose(transform @ transform.T, torch.eye(8, dtype=torch.float64))
    for group, strength in zip(groups.tolist(), tau, strict=True):
        corners = [(at // 10, at % 10) for at in group]
        for channel in range(2):
            stack = torch.stack([image[channel, y : y + 4, x : x + 4] for y, x in corners]).flatten(1)
            q = transform @ stack
            factor = q.square() / (q.square() + strength.square())
            factor[0] = 1
            back = (transform.T @ (factor * q)).view(8, 4, 4)
            trust = 1 / factor.square().sum()
            for (y, x), part in zip(corners, back, strict=True):
                total[channel, y : y + 4, x : x + 4] += trust * part
                weight[channel, y : y + 4, x : x + 4] += trust
    torch.testing.assert_close(collaborate(image, groups, tau, 4), total / weight)


def test_without_strength_nothing_changes_and_with_much_the_means_of_the_groups_remain(generator: torch.Generator) -> None:
    image = torch.rand(1, 12, 12, generator=generator)
    groups = match(image, 4, 2, 3, 4)
    torch.testing.assert_close(collaborate(image, groups, torch.zeros(len(groups)), 4), image)
    blurred = collaborate(image, groups, torch.full((len(groups),), 1e6), 4)
    assert blurred.var() < 0.3 * image.var()


class Spy(nn.Module):
    """Returns its input and remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[tuple[torch.Tensor, torch.Tensor]] = []

    def forward(self, degraded: torch.Tensor, sigma_255: torch.Tensor) -> torch.Tensor:
        self.given.append((degraded, sigma_255))
        return degraded * 1.0


def test_the_iterations_mix_and_weaken_as_published(generator: torch.Generator) -> None:
    noisy, level = torch.rand(2, 1, 14, 14, generator=generator), torch.tensor([12.0, 48.0]).view(2, 1, 1, 1)
    spy = Spy()
    net = nn3d.Nn3d(small(iterations=3), spy).eval()
    restored = net(noisy, level)
    groups = [match(image, 4, 2, 3, 4) for image in noisy]
    estimate = noisy
    for k in (1, 2, 3):
        mixed = noisy / k + (1 - 1 / k) * estimate
        torch.testing.assert_close(spy.given[k - 1][0], mixed)
        torch.testing.assert_close(spy.given[k - 1][1], level / k)
        strengths = (level / k / 4 / 255).flatten()
        estimate = torch.stack(
            [collaborate(one, group, tau.expand(len(group)), 4) for one, group, tau in zip(mixed, groups, strengths, strict=True)]
        )
    assert len(spy.given) == 3
    torch.testing.assert_close(restored, estimate)


def test_a_map_of_levels_filters_each_place_with_its_own(generator: torch.Generator) -> None:
    noisy, level = torch.rand(1, 1, 21, 14, generator=generator), torch.full((1, 1, 21, 14), 20.0)
    net = nn3d.Nn3d(small(iterations=1), Spy()).eval()
    torch.testing.assert_close(net(noisy, level), net(noisy, torch.full((1, 1, 1, 1), 20.0)))
    level[..., 14:, :] = 0
    half = net(noisy, level)
    assert not torch.allclose(half[..., :8, :], noisy[..., :8, :])
    with_none = net(noisy, torch.zeros(1, 1, 1, 1))
    torch.testing.assert_close(with_none, noisy)


def test_a_repeated_texture_is_denoised_by_the_filter_alone(generator: torch.Generator) -> None:
    stripes = (torch.arange(48) % 4 < 2).float().expand(1, 1, 48, 48) * 0.5 + 0.25
    noisy = stripes + 25 / 255 * torch.randn(1, 1, 48, 48, generator=generator)
    restored = nn3d.Nn3d(nn3d.Config(iterations=1), Spy()).eval()(noisy, torch.full((1, 1, 1, 1), 400.0))
    assert (restored - stripes).square().mean() < 0.15 * (noisy - stripes).square().mean()


def test_training_runs_the_denoiser_alone_and_shares_its_weights(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    net = small().build(3, 3, 1).train()
    noisy, level = torch.rand(2, 3, 16, 16, generator=generator), torch.full((2, 1, 1, 1), 25.0)
    assert torch.equal(net(noisy, level), net.denoiser(noisy, level))
    assert not torch.equal(net.eval()(noisy, level), net.denoiser(noisy, level))
    assert {name.split(".")[0] for name in net.state_dict()} == {"denoiser"}


def test_any_denoiser_serves_and_its_sizes_count() -> None:
    assert nn3d.Config().geometry() == Geometry(halo=0, multiple_of=1, smallest=15, whole=True)
    assert small(denoiser="cbdnet").geometry().multiple_of == 4
    assert small(denoiser="cbdnet").extras == {"sigma"}
    assert small(denoiser={"kind": "nn3d", **SMALL}).geometry().whole
    net = small(denoiser={"kind": "dncnn", "depth": 3, "width": 4}).build(1, 1, 1).eval()
    assert net(torch.rand(1, 1, 16, 17), torch.full((1, 1, 1, 1), 25.0)).shape == (1, 1, 16, 17)
    with pytest.raises(SpecError, match="must be told the noise level"):
        net(torch.rand(1, 1, 16, 16), None)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"group": 12}, "power of two, not 12"),
        ({"window": 8}, "must be odd, not 8"),
        ({"window": 3, "group": 8}, "a window of 3 has 4 blocks in a corner, fewer than a group"),
        ({"step": 5}, "with a step of 5, blocks of 4 leave pixels out"),
        ({"denoiser": "deepjdd"}, "loses a border"),
    ],
)
def test_settings_that_do_not_fit_are_refused_in_words(wrong: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        small(**wrong)


def test_a_mistake_inside_is_told_with_its_full_name() -> None:
    with pytest.raises(ValidationError) as caught:
        small(denoiser={"kind": "dncnn", "depth": 1})
    assert [problem.key for problem in problems(caught.value)] == ["denoiser.depth"]


def test_weights_of_the_denoiser_are_adopted_under_their_names_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    config = small()
    monkeypatch.setattr(type(config.denoiser), "adopt", lambda self, published: {"a": published["b"]} if published else None)
    value = torch.ones(1)
    assert config.adopt({"b": value}) == {"denoiser.a": value}
    assert config.adopt({}) is None
