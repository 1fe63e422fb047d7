"""DeepJDD's topology, and its options together."""

from __future__ import annotations

import itertools

import pytest
import torch
from pydantic import ValidationError

from raysearch.errors import SpecError
from raysearch.models._mosaic import bilinear, crop
from raysearch.models.deepjdd import Config
from raysearch.tasks._bayer import mosaic

OPTIONS = [
    {"variant": variant, "masks": masks, "sigma_channel": sigma, "padding": padding, "skip": skip}
    for variant, masks, sigma, padding, skip in itertools.product(
        ("released", "published"), (True, False), (True, False), ("valid", "same"), ("none", "bilinear")
    )
    if not (variant == "published" and masks)
]


def thin(**options: object) -> Config:
    return Config.parse({"width": 6, "depth": 3, **options})


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(map(str, o.values())))
def test_every_combination_restores_and_learns(options: dict[str, object], generator: torch.Generator) -> None:
    config = thin(**options)
    torch.manual_seed(0)
    net = config.build(3, 3, 1)
    seen = mosaic(torch.rand(2, 3, 24, 28, generator=generator), "rggb")
    restored = net(seen, torch.full((2, 1, 1, 1), 10.0))
    margin = config.geometry().margin
    assert margin == (7 if config.padding == "valid" else 0)
    assert restored.shape == (2, 3, 24 - 2 * margin, 28 - 2 * margin)
    restored.square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_valid_turns_128_into_66() -> None:
    config = Config()
    with torch.no_grad():
        restored = config.build(3, 3, 1)(torch.rand(1, 3, 128, 128), None)
    assert restored.shape == (1, 3, 66, 66)
    assert config.geometry().margin == 31
    assert config.geometry().smallest == 64


@pytest.mark.parametrize("options", [{}, {"variant": "published"}, {"masks": False}, {"sigma_channel": True}])
def test_padded_and_valid_agree_where_no_padding_is_seen(options: dict[str, object], generator: torch.Generator) -> None:
    valid, same = thin(**options), thin(padding="same", **options)
    first, second = valid.build(3, 3, 1).double(), same.build(3, 3, 1).double()
    second.load_state_dict(first.state_dict())
    seen = mosaic(torch.rand(1, 3, 40, 36, generator=generator), "grbg").double()
    sigma_255 = torch.full((1, 1, 1, 1), 12.0)
    margin = valid.geometry().margin
    torch.testing.assert_close(first(seen, sigma_255), crop(second(seen, sigma_255), margin))


def test_masks_follow_the_variant_unless_said() -> None:
    assert Config().masked
    assert not Config(variant="published").masked
    assert not Config(masks=False).masked
    with pytest.raises(ValidationError, match="the published variant has no masks: set masks: false"):
        Config(variant="published", masks=True)


def test_masked_layer_multiplies_its_halves(generator: torch.Generator) -> None:
    layer = thin().build(3, 3, 1).trunk[-1]
    maps = torch.rand(1, 6, 9, 9, generator=generator)
    doubled = torch.relu(layer.conv(maps))
    assert doubled.shape[1] == 12
    torch.testing.assert_close(layer(maps), doubled[:, :6] * doubled[:, 6:])


def test_with_silent_layers_the_skip_is_what_remains(generator: torch.Generator) -> None:
    for padding in ("valid", "same"):
        config = thin(padding=padding, skip="bilinear")
        net = config.build(3, 3, 1)
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.zero_()
        seen = mosaic(torch.rand(1, 3, 24, 24, generator=generator), "bggr")
        torch.testing.assert_close(net(seen, None), crop(bilinear(seen), config.geometry().margin))


def test_with_the_skip_training_starts_near_the_interpolation(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    net = Config(skip="bilinear", padding="same").build(3, 3, 1)
    seen = mosaic(torch.rand(1, 3, 24, 24, generator=generator), "grbg")
    with torch.no_grad():
        assert float((net(seen, None) - bilinear(seen)).square().mean().sqrt()) < 0.02


def test_the_noise_level_is_one_number_or_a_map(generator: torch.Generator) -> None:
    net = thin(sigma_channel=True, padding="same").build(3, 3, 1)
    seen = mosaic(torch.rand(2, 3, 12, 16, generator=generator), "grbg")
    sigma_255 = torch.tensor([5.0, 20.0]).view(2, 1, 1, 1)
    torch.testing.assert_close(net(seen, sigma_255), net(seen, sigma_255.expand(2, 1, 12, 16)))
    assert not torch.equal(net(seen, sigma_255), net(seen, 2 * sigma_255))
    with pytest.raises(SpecError, match="has a sigma channel, but the task gives no noise level"):
        net(seen, None)


def test_without_the_channel_the_noise_level_changes_nothing(generator: torch.Generator) -> None:
    net = thin(padding="same").build(3, 3, 1)
    seen = mosaic(torch.rand(1, 3, 12, 16, generator=generator), "grbg")
    assert torch.equal(net(seen, None), net(seen, torch.full((1, 1, 1, 1), 20.0)))


def test_initial_weights_have_the_variance_of_the_source() -> None:
    torch.manual_seed(0)
    net = Config().build(3, 3, 1)
    middle = net.trunk[5].conv
    assert float(middle.weight.detach().var()) == pytest.approx(2 / (9 * 64), rel=0.05)
    assert float(net.trunk[-1].conv.weight.detach().var()) == pytest.approx(2 / (9 * (64 + 128) / 2), rel=0.05)
    assert all(not p.any() for name, p in net.named_parameters() if name.endswith("bias"))
