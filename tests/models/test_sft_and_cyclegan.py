"""SFT-Net in its two forms and three conditions, and CycleGAN's generator."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from raysearch.errors import SpecError
from raysearch.models import cyclegan, sft
from raysearch.models._count import macs, parameters
from raysearch.models._sft import SftLayer


def thin(**options: object) -> sft.Config:
    return sft.Config.parse({"width": 4, "blocks": 2, **options})


def test_counts() -> None:
    for form, count in (("shuffle", 1_833_763), ("nearest", 1_612_195)):
        net = sft.Config.parse({"form": form}).build(3, 3, 4)
        assert parameters(net) == count
        assert macs(net, 3, 64, sigma=False) / 1e9 == pytest.approx(11.655, rel=0.005)
    generator = cyclegan.Config().build(3, 3, 1)
    assert parameters(generator) == 11_378_179
    assert macs(generator, 3, 256, sigma=False) / 1e9 == pytest.approx(49.55, rel=0.005)


@pytest.mark.parametrize("around_one", [True, False])
def test_a_layer_scales_and_shifts_each_pixel(around_one: bool, generator: torch.Generator) -> None:
    layer = SftLayer(3, 2, slope=0.1, around_one=around_one)
    maps, condition = torch.rand(1, 2, 4, 5, generator=generator), torch.randn(1, 3, 4, 5, generator=generator)
    scale, shift = layer.scale(condition), layer.shift(condition)
    torch.testing.assert_close(layer(maps, condition), maps * (scale + around_one) + shift)
    assert (layer.scale(condition).mean() + around_one - 1).abs().item() < 0.7, "it starts around 1"


@pytest.mark.parametrize("form", ["shuffle", "nearest"])
@pytest.mark.parametrize("scale", [1, 2, 4])
def test_every_scale_and_condition_restores_and_learns(form: str, scale: int, generator: torch.Generator) -> None:
    for condition, channels in (("uniform", 3), ("channels", 5), ("sigma", 3)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            net = thin(form=form, condition=condition, classes=2).build(channels, 3, scale)
        degraded = torch.rand(2, channels, 6, 7, generator=generator)
        restored = net(degraded, torch.tensor([5.0, 25.0]).view(2, 1, 1, 1))
        assert restored.shape == (2, 3, 6 * scale, 7 * scale)
        restored.square().mean().backward()
        assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_class_maps_modulate_the_pixels_that_they_cover(generator: torch.Generator) -> None:
    net = thin(condition="channels", classes=2).build(5, 3, 2).eval()
    image = torch.rand(1, 3, 40, 12, generator=generator)
    grass, sky = torch.zeros(1, 2, 40, 12), torch.zeros(1, 2, 40, 12)
    grass[:, 0], sky[:, 1] = 1, 1
    mixed = torch.cat([grass[..., :20, :], sky[..., 20:, :]], dim=2)
    with torch.no_grad():
        first, second, both = (net(torch.cat([image, maps], dim=1), None) for maps in (grass, sky, mixed))
    reach = 2 * thin().geometry().halo
    assert torch.equal(both[..., : 40 - reach, :], first[..., : 40 - reach, :])
    assert torch.equal(both[..., 40 + reach :, :], second[..., 40 + reach :, :])
    assert not torch.allclose(first, second)


def test_uniform_is_what_equal_channels_are(generator: torch.Generator) -> None:
    given, none = thin(condition="channels").build(11, 3, 4), thin().build(3, 3, 4)
    none.load_state_dict(given.state_dict())
    image = torch.rand(1, 3, 6, 6, generator=generator)
    torch.testing.assert_close(given(torch.cat([image, torch.full((1, 8, 6, 6), 1 / 8)], dim=1), None), none(image, None))


def test_the_noise_level_controls_each_pixel(generator: torch.Generator) -> None:
    net = thin(condition="sigma").build(3, 3, 1).eval()
    image, level = torch.rand(1, 3, 40, 8, generator=generator), torch.full((1, 1, 40, 8), 10.0)
    torch.testing.assert_close(net(image, level), net(image, torch.full((1, 1, 1, 1), 10.0)))
    more = level.clone()
    more[..., 30:, :] = 50.0
    changed = (net(image, more) != net(image, level)).any(dim=1)[0].any(dim=1)
    assert not changed[: 30 - thin().geometry().halo].any()
    assert changed[30:].all()
    with pytest.raises(SpecError, match="conditioned on the noise level, but the task gives none"):
        net(image, None)


def test_channels_and_scales_that_do_not_fit_are_refused_in_words() -> None:
    with pytest.raises(SpecError, match="with condition 'channels' maps 11 to 3 channels at scale 1, 2 or 4, but the task has 3"):
        sft.Config(condition="channels").build(3, 3, 4)
    with pytest.raises(SpecError, match="at scale 3"):
        sft.Config().build(3, 3, 3)


def test_a_translation_stays_within_the_range_of_images(generator: torch.Generator) -> None:
    net = cyclegan.Config(width=4, blocks=2).build(1, 1, 1)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter *= 50
        translated = net(torch.rand(2, 1, 16, 24, generator=generator), None)
    assert translated.shape == (2, 1, 16, 24)
    assert 0 <= float(translated.min()) < 0.01
    assert 0.99 < float(translated.max()) <= 1


def test_a_translation_sees_images_between_minus_one_and_one() -> None:
    net = cyclegan.Config(width=4, blocks=1).build(3, 3, 1).eval()
    seen: list[torch.Tensor] = []
    net.layers.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    net(torch.stack([torch.zeros(3, 8, 8), torch.ones(3, 8, 8)]), None)
    assert (float(seen[0].min()), float(seen[0].max())) == (-1, 1)
    assert isinstance(net.layers[-1], nn.Tanh)


def test_initial_weights_of_the_generator() -> None:
    torch.manual_seed(0)
    net = cyclegan.Config().build(3, 3, 1)
    layers = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert len(layers) == 2 * 9 + 6
    assert all(float(layer.weight.detach().std()) == pytest.approx(0.02, rel=0.1) for layer in layers)
    assert not any(layer.bias.any() for layer in layers if layer.bias is not None)
