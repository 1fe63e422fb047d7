"""FFDNet's packing, its noise level, and images with odd sides."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from raysearch.errors import SpecError
from raysearch.models.ffdnet import Config, FFDNet
from raysearch.train.tiles import Tiling, restore

THIN = {"depth": 3, "width": 4}
LEVEL = torch.full((1, 1, 1, 1), 25.0)


class Seen(nn.Module):
    """Stands for the layers: keeps what it is given and hands the image's planes on."""

    def forward(self, planes: Tensor) -> Tensor:
        self.planes = planes
        return planes[:, :-1]


def spied(channels: int, **options: object) -> tuple[FFDNet, Seen]:
    net, seen = Config(**THIN, **options).build(channels, channels, 1), Seen()  # type: ignore[arg-type]
    net.layers = seen  # type: ignore[assignment]
    return net, seen


ORDERS = {"columns": [(0, 0), (1, 0), (0, 1), (1, 1)], "rows": [(0, 0), (0, 1), (1, 0), (1, 1)]}


@pytest.mark.parametrize("packing", ["columns", "rows"])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_order_of_the_planes(packing: str, channels: int, generator: torch.Generator) -> None:
    net, seen = spied(channels, packing=packing)
    image = torch.rand(2, channels, 6, 10, generator=generator)
    assert torch.equal(net(image, LEVEL.expand(2, 1, 1, 1)), image), "putting together is the inverse of cutting"
    for channel in range(channels):
        for number, (row, column) in enumerate(ORDERS[packing]):
            assert torch.equal(seen.planes[:, 4 * channel + number], image[:, channel, row::2, column::2])
    assert seen.planes.shape == (2, 4 * channels + 1, 3, 5), "one plane of noise, in colour too"
    torch.testing.assert_close(seen.planes[:, -1], torch.full((2, 3, 5), 25 / 255))


def test_an_odd_image_is_completed_by_its_border(generator: torch.Generator) -> None:
    net = Config(**THIN).build(1, 1, 1)
    image = torch.rand(1, 1, 9, 7, generator=generator)
    level = torch.rand(1, 1, 9, 7, generator=generator) * 50
    expected = net(functional.pad(image, (0, 1, 0, 1), mode="replicate"), functional.pad(level, (0, 1, 0, 1), mode="replicate"))
    assert torch.equal(net(image, level), expected[..., :9, :7])


@pytest.mark.parametrize("size", [(37, 52), (64, 41), (75, 33)])
def test_tiles_of_an_odd_image_equal_the_whole(size: tuple[int, int], generator: torch.Generator) -> None:
    config = Config(**THIN)
    net = config.build(3, 3, 1).eval()
    image = torch.rand(1, 3, *size, generator=generator)
    level = torch.rand(1, 1, *size, generator=generator) * 50
    with torch.no_grad():
        for given in (LEVEL, level):
            tiled = restore(net, image, given, Tiling(config.geometry(), 1, 17, 1))
            torch.testing.assert_close(tiled, net(image, given), rtol=1e-5, atol=1e-6)


def test_a_map_of_noise_is_averaged_over_the_planes_pixels(generator: torch.Generator) -> None:
    net, seen = spied(1)
    level = torch.rand(1, 1, 4, 6, generator=generator) * 50
    net(torch.zeros(1, 1, 4, 6), level)
    torch.testing.assert_close(seen.planes[0, -1], level[0, 0].view(2, 2, 3, 2).mean(dim=(1, 3)) / 255)
    flat = torch.full((1, 1, 4, 6), 25.0)
    net(torch.zeros(1, 1, 4, 6), flat)
    torch.testing.assert_close(seen.planes[0, -1], torch.full((2, 3), 25 / 255))


def test_the_level_changes_the_result_and_can_not_be_left_out(generator: torch.Generator) -> None:
    net = Config(**THIN).build(1, 1, 1)
    image = torch.rand(1, 1, 8, 8, generator=generator)
    assert not torch.equal(net(image, LEVEL), net(image, 2 * LEVEL))
    with pytest.raises(SpecError, match=r"ffdnet.*must be told the noise level"):
        net(image, None)


@pytest.mark.parametrize(("channels", "layers", "width"), [(1, 15, 64), (3, 12, 96)])
def test_the_size_follows_the_channels(channels: int, layers: int, width: int) -> None:
    net = Config().build(channels, channels, 1)
    convolutions = [layer for layer in net.layers if isinstance(layer, nn.Conv2d)]
    assert (len(convolutions), convolutions[0].out_channels) == (layers, width)
    assert not [layer for layer in net.layers if isinstance(layer, nn.BatchNorm2d)]
    weight = convolutions[1].weight.detach().flatten(1)
    torch.testing.assert_close(weight @ weight.T, 2 * torch.eye(width), rtol=1e-4, atol=1e-4)


def test_batch_norm_goes_to_the_middle_layers() -> None:
    net = Config(**THIN, norm="batch").build(1, 1, 1)
    assert [type(layer).__name__ for layer in net.layers] == ["Conv2d", "ReLU", "Conv2d", "BatchNorm2d", "ReLU", "Conv2d"]
