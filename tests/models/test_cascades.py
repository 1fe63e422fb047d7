"""The demosaicking cascades: Kokkinos's and CDM-CNN."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from raysearch.errors import SpecError
from raysearch.losses.base import Compared
from raysearch.losses.sum import Config as Sum
from raysearch.models import cdm_cnn, kokkinos
from raysearch.models._count import macs, parameters
from raysearch.models._mosaic import bilinear
from raysearch.models._phase import Phase, measured
from raysearch.models.base import Restoration
from raysearch.tasks._bayer import measured as measured_by_task
from raysearch.tasks._bayer import mosaic

PHASES: tuple[Phase, ...] = ("rggb", "grbg", "gbrg", "bggr")


def colours(generator: torch.Generator, side: int = 16, images: int = 2) -> torch.Tensor:
    return torch.rand(images, 3, side, side, generator=generator)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("size", [(6, 8), (5, 7)])
def test_sites_are_those_of_the_task(phase: Phase, size: tuple[int, int]) -> None:
    sites = measured("x", torch.zeros(1, 3, *size), phase)
    assert torch.equal(sites[0], measured_by_task(phase, *size, torch.device("cpu")))


@pytest.mark.parametrize("config", [kokkinos.Config(iterations=2, width=4, blocks=1), cdm_cnn.Config(width=4)])
def test_another_phase_is_refused_in_words(config: kokkinos.Config | cdm_cnn.Config, generator: torch.Generator) -> None:
    net = config.build(3, 3, 1)
    with pytest.raises(SpecError, match="needs a Bayer mosaic of phase 'grbg'") as caught:
        net(mosaic(colours(generator), "rggb"), None)
    assert caught.value.place == "model.phase"


def test_cascade_counts() -> None:
    net = kokkinos.Config().build(3, 3, 1)
    assert parameters(net) == 380_395
    assert parameters(net.denoiser) == 380_355
    short = kokkinos.Config(iterations=2).build(3, 3, 1)
    assert macs(short, 3, 64, sigma=True) / 2e9 == pytest.approx(1.549, rel=0.005)


def test_cdm_counts() -> None:
    net = cdm_cnn.Config().build(3, 3, 1)
    assert parameters(net) == 265_990
    assert macs(net, 3, 128, sigma=False) / 1e9 == pytest.approx(4.341, rel=0.005)


def test_steps_start_as_published() -> None:
    net = kokkinos.Config().build(3, 3, 1)
    assert net.alpha[0].item() == pytest.approx(math.log(2))
    assert net.alpha[-1].item() == 0
    assert net.w[0].exp().item() == net.w[1].exp().item() == pytest.approx(1 / 4)
    assert net.w[19].exp().item() == pytest.approx(19 / 22)


def test_the_data_step_restores_measured_values_exactly(generator: torch.Generator) -> None:
    seen, estimate = 255 * mosaic(colours(generator), "grbg"), 300 * torch.randn(2, 3, 16, 16, generator=generator)
    sites = measured("x", seen, "grbg")
    whole = kokkinos.put_back(estimate, seen, sites)
    assert torch.equal(torch.where(sites, whole, 0.0), seen)
    assert torch.equal(whole[~sites.expand_as(whole)], estimate[~sites.expand_as(whole)])
    torch.testing.assert_close(whole, estimate - (sites * estimate - seen), rtol=1e-4, atol=1e-4)


def test_an_estimate_of_noise_is_kept_inside_the_ball(generator: torch.Generator) -> None:
    noise = torch.randn(2, 3, 10, 10, generator=generator) * torch.tensor([0.5, 20.0]).view(2, 1, 1, 1)
    inside = kokkinos.into_ball(noise, torch.tensor(3.0).view(1, 1, 1, 1))
    assert torch.equal(inside[0], noise[0])
    assert float(inside[1].norm()) == pytest.approx(3 * math.sqrt(299), rel=1e-5)
    torch.testing.assert_close(inside[1] / inside[1].norm(), noise[1] / noise[1].norm())
    assert not kokkinos.into_ball(torch.zeros(1, 3, 4, 4), torch.ones(1, 1, 1, 1)).any()


def test_a_cascade_against_its_formula(generator: torch.Generator) -> None:
    """Three steps written out, with torch's own weight normalisation."""
    config = kokkinos.Config(iterations=3, width=4, blocks=2, zero_mean=False, phase="rggb")
    torch.manual_seed(0)
    net = config.build(3, 3, 1).double()
    with torch.no_grad():
        net.denoiser.exit.weight_g *= 300
    clean = colours(generator).double()
    seen, sigma = mosaic(clean, "rggb"), torch.tensor([2.0, 9.0]).view(2, 1, 1, 1)
    sites = measured("x", seen, "rggb")
    images = [bilinear(255 * seen)]
    for k in range(3):
        ahead = images[-1] + (net.w[k].exp() * (images[-1] - images[-2]) if k else 0)
        z = ahead - (sites * ahead - 255 * seen)
        v = denoised(net.denoiser, z)
        radius = net.alpha[k].exp() * sigma * math.sqrt(3 * 16 * 16 - 1)
        v = torch.stack([one * min(1.0, r.item() / one.norm().item()) for one, r in zip(v, radius, strict=True)])
        images.append((z - v).clamp(0, 255))
    torch.testing.assert_close(net(seen, sigma.float()), images[-1] / 255)


def denoised(denoiser: torch.nn.Module, image: torch.Tensor) -> torch.Tensor:
    def conv(layer: torch.nn.Module, maps: torch.Tensor, border: int) -> torch.Tensor:
        weight = torch._weight_norm(layer.weight_v, layer.weight_g, 0)  # type: ignore[arg-type]
        return functional.conv2d(functional.pad(maps, [border] * 4, mode="reflect"), weight, layer.bias)  # type: ignore[arg-type]

    maps = conv(denoiser.entry, image, 2)  # type: ignore[arg-type]
    for number, block in enumerate(denoiser.blocks):  # type: ignore[arg-type]
        found = conv(block.conv2, block.relu2(conv(block.conv1, block.relu1(maps), 1)), 1)
        maps = found if number == 0 else maps + found
    weight = torch._weight_norm(denoiser.exit.weight_v, denoiser.exit.weight_g, 0)  # type: ignore[union-attr,arg-type]
    return functional.conv_transpose2d(maps, weight, denoiser.exit.bias, padding=2)  # type: ignore[union-attr,arg-type]


def test_filters_have_no_mean_unless_it_is_kept() -> None:
    for zero_mean in (True, False):
        layer = kokkinos.Config(width=4, zero_mean=zero_mean).build(3, 3, 1).denoiser.entry
        means = layer.weight(zero_mean).mean(dim=(1, 2, 3)).abs()
        assert bool((means < 1e-6).all()) == zero_mean
        torch.testing.assert_close(layer.weight(zero_mean).flatten(1).norm(dim=1), layer.weight_g.flatten())


def test_a_level_below_one_counts_as_one_and_a_map_by_its_mean_square(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    net = kokkinos.Config(iterations=2, width=4, blocks=1).build(3, 3, 1)
    with torch.no_grad():
        net.denoiser.exit.weight_g *= 3000
    seen = mosaic(colours(generator), "grbg")
    none, zero, one, ten = (net(seen, sigma) for sigma in (None, *(torch.full((2, 1, 1, 1), s) for s in (0.0, 1.0, 10.0))))
    assert torch.equal(none, zero)
    assert torch.equal(none, one)
    assert not torch.equal(one, ten)
    levels = torch.full((2, 1, 16, 16), 14.0)
    levels[..., ::2] = 2.0
    torch.testing.assert_close(net(seen, levels), net(seen, torch.full((2, 1, 1, 1), 10.0)))


def test_the_cascade_may_start_from_the_mosaic(generator: torch.Generator) -> None:
    seen = mosaic(colours(generator), "grbg")
    torch.manual_seed(0)
    first = kokkinos.Config(iterations=2, width=4, blocks=1).build(3, 3, 1)
    second = kokkinos.Config(iterations=2, width=4, blocks=1, start="mosaic").build(3, 3, 1)
    second.load_state_dict(first.state_dict())
    assert not torch.allclose(first(seen, None), second(seen, None), atol=0.05)


def test_cdm_stages_start_near_the_interpolation_and_keep_what_is_measured(generator: torch.Generator) -> None:
    clean = colours(generator)
    seen = mosaic(clean, "gbrg")
    torch.manual_seed(0)
    for keep in (True, False):
        net = cdm_cnn.Config(width=8, phase="gbrg", keep_measured=keep).build(3, 3, 1)
        output = net(seen, None)
        assert isinstance(output, Restoration)
        assert (output.image - bilinear(seen)).abs().max().item() < 0.1
        sites = measured("x", seen, "gbrg").expand_as(seen)
        assert torch.equal(output.image[sites], seen[sites]) == keep
        assert not torch.equal(output.extras["coarse"][sites], seen[sites])


def test_cdm_stages_are_what_their_sum_says(generator: torch.Generator) -> None:
    """Colours inside are red, blue, green; each stage adds to what it is given."""
    torch.manual_seed(0)
    net = cdm_cnn.Config(width=4, keep_measured=False).build(3, 3, 1).eval()
    seen = mosaic(colours(generator), "grbg")
    image = bilinear(seen)[:, [0, 2, 1]]
    first = image + net.stages[0](image)
    torch.testing.assert_close(net(seen, None), (first + net.stages[1](first))[:, [0, 2, 1]])


def test_both_stages_of_cdm_can_be_supervised(generator: torch.Generator) -> None:
    config = Sum.parse({"kind": "sum", "parts": [{"loss": "l2"}, {"loss": {"kind": "coarse", "loss": "l2"}}]})
    assert config.reads == cdm_cnn.Config().extras
    clean = colours(generator)
    output = cdm_cnn.Config(width=4).build(3, 3, 1)(mosaic(clean, "grbg"), None)
    terms = config.build(torch.device("cpu")).terms(Compared(output.image, clean, None, output.extras))
    torch.testing.assert_close(terms["coarse_l2"].mean(), (output.extras["coarse"] - clean).square().mean())
