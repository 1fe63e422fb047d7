"""JPEG on the device against Pillow's codec, and the task that uses both."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from pydantic import ValidationError
from skimage import data

from raysearch.tasks._jpeg import Subsampling, compress, through_files
from raysearch.tasks._range import Range
from raysearch.tasks.jpeg_deblock import Config

SIZES = [(144, 160), (101, 87), (40, 56), (35, 64), (64, 35), (17, 5), (3, 2), (1, 9), (1, 1)]
QUALITIES = torch.tensor([1, 10, 20, 40, 49, 50, 75, 95, 100])


def photograph(height: int, width: int, channels: int) -> torch.Tensor:
    pixels = torch.from_numpy(data.chelsea()[50 : 50 + height, 60 : 60 + width]).permute(2, 0, 1)
    return pixels[None, :channels].float() / 255


def by_pillow(image: torch.Tensor, quality: int, subsampling: int) -> torch.Tensor:
    """Pillow alone, from arrays, with its own numbers for the subsampling."""
    pixels = (image[0] * 255).round().byte().permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Pillow.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0]).save(
        file, "JPEG", quality=quality, subsampling=subsampling
    )
    back = np.array(Pillow.open(file)).reshape(pixels.shape)
    return torch.from_numpy(back).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize(("channels", "subsampling", "number"), [(3, "4:2:0", 2), (3, "4:4:4", 0), (1, "4:2:0", 0)])
def test_files_are_those_of_pillow(channels: int, subsampling: Subsampling, number: int) -> None:
    for size in SIZES:
        image = photograph(*size, channels)
        assert torch.equal(through_files(image, torch.tensor([37]), subsampling), by_pillow(image, 37, number))


@pytest.mark.parametrize(("channels", "subsampling"), [(3, "4:2:0"), (3, "4:4:4"), (1, "4:4:4")])
@pytest.mark.parametrize("size", SIZES)
def test_the_device_equals_the_files(channels: int, subsampling: Subsampling, size: tuple[int, int]) -> None:
    image = photograph(*size, channels).expand(len(QUALITIES), -1, -1, -1)
    fast, real = compress(image, QUALITIES, subsampling), through_files(image, QUALITIES, subsampling)
    assert torch.equal((fast * 255).round(), (real * 255).round())
    torch.testing.assert_close(fast, real, rtol=0, atol=1e-7)


def test_noise_of_any_size_equals_the_files(generator: torch.Generator) -> None:
    """Values that are in no photograph, and sides of every remainder by 16: blocks and chroma end anywhere."""
    quality = torch.tensor([2, 25, 50, 80, 100])
    for side in range(1, 34):
        for height, width in ((side, 24), (16, side), (side, side)):
            image = torch.rand(5, 3, height, width, generator=generator)
            fast, real = compress(image, quality, "4:2:0"), through_files(image, quality, "4:2:0")
            torch.testing.assert_close(fast, real, rtol=0, atol=1e-7)


def test_every_grey_at_every_quality_equals_the_files() -> None:
    levels = torch.arange(256).view(256, 1, 1, 1).expand(-1, 1, 8, 8) / 255
    for quality in range(1, 101, 3):
        at = torch.full((256,), quality)
        assert torch.equal(compress(levels, at, "4:4:4"), through_files(levels, at, "4:4:4"))


def test_lower_quality_keeps_less() -> None:
    image = photograph(96, 96, 3).expand(4, -1, -1, -1)
    lost = (compress(image, torch.tensor([10, 20, 40, 90]), "4:2:0") - image).square().mean(dim=(1, 2, 3))
    assert (lost.diff() < 0).all()


def test_the_gradient_passes() -> None:
    image = photograph(24, 40, 3).clone().requires_grad_()
    restored = compress(image, torch.tensor([50]), "4:2:0")
    (restored * torch.linspace(0, 1, 40)).sum().backward()
    assert image.grad is not None
    assert image.grad.isfinite().all()
    assert 0.5 < image.grad[..., 20:].mean() / torch.linspace(0, 1, 40)[20:].mean() < 1.5, "a step of all values is kept"


def test_images_of_a_batch_do_not_see_each_other() -> None:
    images = torch.rand(5, 3, 33, 18, generator=torch.Generator().manual_seed(0))
    quality = torch.tensor([5, 30, 60, 90, 100])
    together = compress(images, quality, "4:2:0")
    for i in range(5):
        torch.testing.assert_close(together[i : i + 1], compress(images[i : i + 1], quality[i : i + 1], "4:2:0"))


def test_training_draws_from_the_range_on_the_device_and_evaluation_uses_files(generator: torch.Generator) -> None:
    levels = Config().levels()
    assert list(levels) == ["q10", "q20", "q30", "q40"]
    image = photograph(50, 61, 3)
    drawn = Config(quality=Range(low=7, high=8)).degrade(image.expand(40, -1, -1, -1), generator).degraded
    for one in drawn:
        assert any(torch.equal(one[None], compress(image, torch.tensor([quality]), "4:2:0")) for quality in (7, 8))
    assert drawn.unique(dim=0).shape[0] == 2
    assert torch.equal(levels["q20"].degrade(image, generator).degraded, by_pillow(image, 20, 2))


def test_luma_is_restored_as_a_grey_file(generator: torch.Generator) -> None:
    rgb = photograph(40, 40, 3)
    pair = Config(color="y", evaluate_at=(30,)).levels()["q30"].degrade(rgb, generator)
    expected = (65.481 * rgb[:, 0] + 128.553 * rgb[:, 1] + 24.966 * rgb[:, 2] + 16).round() / 255
    torch.testing.assert_close(pair.clean[:, 0], expected)
    assert torch.equal(pair.degraded, by_pillow(pair.clean, 30, 0))


@pytest.mark.parametrize(
    ("quality", "message"), [(0, "1..100"), (101, "1..100"), (True, "1..100"), ({"low": 5, "high": 4}, "above"), ("x", "1..100")]
)
def test_a_wrong_quality_is_refused(quality: object, message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Config.parse({"kind": "jpeg_deblock", "quality": quality})
    assert message in str(refused.value) or message in str(refused.value.errors())
