"""What distinguishes CBDNet, the class-aware network, RED-Net, DM-Net, the 9-5-5 network and the forms of DnCNN."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from raysearch.bicubic import resize
from raysearch.errors import SpecError
from raysearch.models import cbdnet, class_aware, dm_net, dncnn, pl4nn, red_net
from raysearch.models._mosaic import bilinear
from raysearch.models.base import ModelConfig, Restoration
from raysearch.tasks._bayer import mosaic
from raysearch.train.tiles import Tiling, restore


def zeroed(net: nn.Module) -> nn.Module:
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
    return net.eval()


@pytest.mark.parametrize(
    "config",
    [
        class_aware.Config(width=8),
        red_net.Config(width=4),
        dm_net.Config(width=4, blocks=2),
        cbdnet.Config(width=4),
        dncnn.Config(width=4),
    ],
    ids=lambda config: config.kind,
)
def test_a_network_that_adds_nothing_gives_its_input(config: ModelConfig, generator: torch.Generator) -> None:
    image = torch.rand(2, 3, 16, 12, generator=generator)
    assert torch.equal(zeroed(config.build(3, 3, 1))(image, None), image)


@pytest.mark.parametrize("config", [cbdnet.Config(), red_net.Config(), dm_net.Config()], ids=lambda config: config.kind)
def test_training_starts_near_the_input(config: ModelConfig, generator: torch.Generator) -> None:
    torch.manual_seed(0)
    net = config.build(3, 3, 1).eval()
    image = torch.rand(1, 3, 32, 32, generator=generator)
    with torch.no_grad():
        assert 1e-4 < float((net(image, None) - image).square().mean().sqrt()) < 0.2


def test_cbdnet_estimates_a_level_of_the_images_scale(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    net = cbdnet.Config().build(3, 3, 1)
    image = torch.rand(2, 3, 32, 32, generator=generator)
    restored = net.train()(image, None)
    assert isinstance(restored, Restoration)
    sigma = restored.extras["sigma"]
    assert sigma.shape == image.shape
    assert sigma.min() >= 0
    assert all((sigma - 0.1).abs().amax(dim=(0, 2, 3)) < 0.05), "training starts at a level of 25"
    torch.testing.assert_close(restored.image, image + net.denoiser(torch.cat([image, sigma], dim=1)))
    torch.testing.assert_close(net.eval()(image, None), restored.image)


def test_class_aware_layers_by_hand(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    net = class_aware.Config(depth=4, width=8).build(1, 1, 1).eval()
    image = torch.rand(1, 1, 9, 7, generator=generator)
    first, second, third, fourth = net.layers
    one = first(image - 0.5)
    two = second(torch.relu(one[:, 1:]))
    three = third(torch.relu(two[:, 1:]))
    four = fourth(three[:, 1:])
    assert four.shape[1] == 1
    torch.testing.assert_close(net(image, None), image + (one[:, :1] + two[:, :1] + three[:, :1] + four) / 10)
    assert all((layer.bias == 0.01).all() for layer in net.layers)


def red_net_by_hand(net: red_net.REDNet, image: Tensor, skips: dict[int, int]) -> Tensor:
    encoded = [image]
    for layer in net.encoder:
        encoded.append(torch.relu(layer(encoded[-1])))
    maps = encoded[-1]
    for number, layer in enumerate(net.decoder, start=1):
        maps = layer(maps) + (encoded[skips[number]] if number in skips else 0)
        maps = torch.relu(maps) if number < len(net.decoder) else maps
    return image + maps


@pytest.mark.parametrize(
    ("depth", "skips"),
    [(10, {1: 4, 3: 2}), (20, {2: 8, 4: 6, 6: 4, 8: 2}), (30, {1: 14, 3: 12, 5: 10, 7: 8, 9: 6, 11: 4, 13: 2})],
)
def test_red_net_skips(depth: int, skips: dict[int, int], generator: torch.Generator) -> None:
    torch.manual_seed(0)
    net = red_net.Config(depth=depth, width=4).build(1, 1, 1)
    image = torch.rand(1, 1, 11, 9, generator=generator)
    torch.testing.assert_close(net(image, None), red_net_by_hand(net, image, skips))


def test_the_strided_red_net_works_at_half_size_and_gives_nothing_negative(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    net = red_net.Config(depth=10, width=4, variant="strided").build(1, 1, 1)
    image = torch.rand(1, 1, 12, 10, generator=generator) - 0.5
    assert net.encoder[0](image).shape[-2:] == (6, 5)
    expected = torch.relu(red_net_by_hand(net, image, {1: 4, 3: 2}))
    torch.testing.assert_close(net(image, None), expected)
    assert (expected == 0).any()
    with pytest.raises(SpecError, match="divisible by 2"):
        net(image[..., :9], None)


@pytest.mark.parametrize(
    ("config", "channels", "scale"),
    [
        (red_net.Config(width=4, depth=10, variant="strided"), 3, 1),
        (cbdnet.Config(width=4, downsample="strided"), 3, 1),
        (pl4nn.Config(width=4, input="mosaic"), 3, 1),
        (pl4nn.Config(width=4, input="small"), 3, 2),
        (pl4nn.Config(width=4, input="small", padding="same"), 1, 3),
    ],
)
def test_tiles_of_the_variants_equal_the_whole(config: ModelConfig, channels: int, scale: int, generator: torch.Generator) -> None:
    torch.manual_seed(0)
    net = config.build(channels, channels, scale).double().eval()
    image = mosaic(torch.rand(1, 3, 100, 84, generator=generator, dtype=torch.float64), "rggb")[:, :channels]
    with torch.no_grad():
        tiled = restore(net, image, None, Tiling(config.geometry(), scale, 16, 2))
        torch.testing.assert_close(tiled, net(image, None), rtol=1e-12, atol=1e-13)


def test_dm_net_restores_a_quarter_first(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    net = dm_net.Config(width=4, blocks=2, depth=3).build(3, 3, 1)
    image = torch.rand(1, 3, 32, 24, generator=generator)
    restored = net.train()(image, None)
    assert isinstance(restored, Restoration)
    small = resize(image, 8, 6)
    maps = net.blocks(net.entry(small))
    torch.testing.assert_close(restored.extras["coarse"], small + net.exit(maps))
    enlarged = functional.pixel_shuffle(functional.pixel_shuffle(net.enlarge[0](maps), 2), 2)
    assert enlarged.shape == (1, 4, 32, 24)
    torch.testing.assert_close(restored.image, image + net.exit(net.full(torch.cat([enlarged, image], dim=1))))


@pytest.mark.parametrize("options", [{}, {"width": 24, "blocks": 4, "depth": 6}], ids=["default", "thin"])
def test_dm_net_starts_from_the_image(options: dict[str, int], generator: torch.Generator) -> None:
    """Its output is nearly what it is given, and its full-size layers see that more than what is enlarged."""
    torch.manual_seed(0)
    net = dm_net.Config.parse(options).build(3, 3, 1).eval()
    assert isinstance(net, nn.Module)
    image = torch.rand(1, 3, 48, 48, generator=generator)
    with torch.no_grad():
        assert float((net(image, None) - image).square().mean().sqrt()) < 0.01
        assert float(net.enlarge(net.blocks(net.entry(resize(image, 12, 12)))).std()) < float(image.std())


def test_the_nine_five_five_network_loses_eight_pixels() -> None:
    net = pl4nn.Config().build(3, 3, 1)
    assert net(torch.rand(1, 3, 31, 31), None).shape == (1, 3, 15, 15)
    assert [layer.kernel_size[0] for layer in net.layers if isinstance(layer, nn.Conv2d)] == [9, 5, 5]


def test_the_nine_five_five_network_interpolates_what_it_is_given(generator: torch.Generator) -> None:
    net = pl4nn.Config(width=4, input="mosaic").build(3, 3, 1)
    seen = mosaic(torch.rand(1, 3, 32, 32, generator=generator), "rggb")
    torch.testing.assert_close(net(seen, None), net.layers(bilinear(seen)))
    net = pl4nn.Config(width=4, input="small").build(3, 3, 2)
    small = torch.rand(1, 3, 16, 16, generator=generator)
    restored = net(small, None)
    assert restored.shape == (1, 3, 16, 16)
    torch.testing.assert_close(restored, net.layers(resize(small, 32, 32, "bilinear")))


@pytest.mark.parametrize(
    ("config", "task"),
    [
        (pl4nn.Config(), (3, 3, 2)),
        (pl4nn.Config(input="mosaic"), (1, 1, 1)),
        (pl4nn.Config(input="mosaic"), (3, 3, 2)),
        (pl4nn.Config(input="small"), (3, 3, 1)),
    ],
)
def test_the_nine_five_five_network_refuses_other_tasks(config: pl4nn.Config, task: tuple[int, int, int]) -> None:
    with pytest.raises(SpecError, match="pl4nn"):
        config.build(*task)


@pytest.mark.parametrize(("norm", "norms", "biases"), [("batch", 3, 2), ("batch_with_bias", 3, 5), ("none", 0, 5)])
def test_forms_of_dncnn(norm: str, norms: int, biases: int) -> None:
    net = dncnn.Config(depth=5, width=4, norm=norm).build(1, 1, 1)
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in net.noise) == norms
    assert sum(isinstance(layer, nn.Conv2d) and layer.bias is not None for layer in net.noise) == biases


def test_a_batch_norm_merged_into_the_convolutions_gives_the_same(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    net = dncnn.Config(depth=5, width=4).build(1, 1, 1)
    net.train()(torch.rand(4, 1, 16, 16, generator=generator), None)
    net.eval()
    merged = dncnn.Config(depth=5, width=4, norm="none").build(1, 1, 1).eval()
    convolutions = [layer for layer in net.noise if isinstance(layer, nn.Conv2d)]
    norms = [None, *(layer for layer in net.noise if isinstance(layer, nn.BatchNorm2d)), None]
    targets = [layer for layer in merged.noise if isinstance(layer, nn.Conv2d)]
    with torch.no_grad():
        for source, norm, target in zip(convolutions, norms, targets, strict=True):
            scale = torch.ones(target.out_channels) if norm is None else norm.weight / (norm.running_var + norm.eps).sqrt()
            target.weight.copy_(source.weight * scale.view(-1, 1, 1, 1))
            target.bias.copy_(source.bias if norm is None else norm.bias - norm.running_mean * scale)
    image = torch.rand(1, 1, 9, 7, generator=generator)
    torch.testing.assert_close(merged(image, None), net(image, None), rtol=1e-4, atol=1e-5)
