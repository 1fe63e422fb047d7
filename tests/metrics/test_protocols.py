"""Every named protocol against its own few lines of numpy; luma images against RGB ones; labels and refusals."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from raysearch.metrics import _apply
from raysearch.metrics.protocol import Protocol
from raysearch.metrics.protocol.named import NAMES
from raysearch.metrics.psnr import psnr
from raysearch.metrics.ssim import ssim

Array = NDArray[np.float64]


def luma(rgb: Array) -> Array:
    """From 0..255, as MATLAB's rgb2ycbcr."""
    return 16 + (65.481 * rgb[0] + 128.553 * rgb[1] + 24.966 * rgb[2]) / 255


def inner(image: Array, border: int) -> Array:
    return image[..., border : image.shape[-2] - border, border : image.shape[-1] - border]


def u8(image: Array) -> Array:
    return np.clip(image, 0, 255).round()


def cut(image: Array) -> Array:
    return np.floor(np.clip(image, 0, 255))


EXPECTED: dict[str, tuple[int, Callable[[Array, Array], tuple[Array, Array]]]] = {
    "sr-y-crop2": (3, lambda r, c: (inner(luma(u8(r)), 2), inner(luma(c), 2))),
    "sr-y-crop4": (3, lambda r, c: (inner(luma(u8(r)), 4), inner(luma(c), 4))),
    "sr-y-float-crop3": (3, lambda r, c: (inner(luma(np.clip(r, 0, 255)), 3), inner(luma(c), 3))),
    "sr-y-trunc-crop2": (3, lambda r, c: (inner(luma(cut(r)), 2), inner(luma(c), 2))),
    "sr-rgb-trunc-crop3": (3, lambda r, c: (inner(cut(r), 3), inner(c, 3))),
    "ntire17": (3, lambda r, c: (inner(u8(r), 8), inner(c, 8))),
    "dn-rgb-u8": (3, lambda r, c: (u8(r), c)),
    "dn-gray-u8": (1, lambda r, c: (u8(r), c)),
    "dn-gray-float": (1, lambda r, c: (np.clip(r, 0, 255), c)),
    "dn-gray-crop20": (1, lambda r, c: (inner(r, 20), inner(c, 20))),
    "jpeg-y-u8": (3, lambda r, c: (luma(u8(r)), luma(c))),
    "jdd-rgb": (3, lambda r, c: (np.clip(r, 0, 255), c)),
    "jdd-rgb-crop16": (3, lambda r, c: (inner(np.clip(r, 0, 255), 16), inner(c, 16))),
    "loss-study-rgb": (3, lambda r, c: (np.clip(r, 0, 255), c)),
    "rgb-raw": (3, lambda r, c: (r, c)),
}
SCALE = 2


def images(channels: int) -> tuple[torch.Tensor, torch.Tensor]:
    random = np.random.default_rng(0)
    clean = random.integers(0, 256, (1, channels, 60, 66))
    restored = clean / 255 + random.normal(0, 0.05, clean.shape)
    return torch.tensor(restored, dtype=torch.float32), torch.tensor(clean / 255, dtype=torch.float32)


def test_every_name_is_tested() -> None:
    assert {re.sub(r"crop\d+$", "crop<n>", name) if name != "dn-gray-crop20" else name for name in EXPECTED} == set(NAMES)


@pytest.mark.parametrize("name", EXPECTED)
def test_psnr_under_a_named_protocol(name: str) -> None:
    channels, form = EXPECTED[name]
    restored, clean = images(channels)
    first, second = form(restored[0].double().numpy() * 255, (clean[0].double().numpy() * 255).round())
    expected = 10 * np.log10(255**2 / np.mean((first - second) ** 2))
    protocol = Protocol.parse(name).at(SCALE)
    assert float(psnr(restored, clean, protocol)) == pytest.approx(expected, abs=1e-5)
    assert protocol.label.startswith(f"{name}: ")
    assert Protocol.parse(Protocol.parse(name).model_dump(mode="json")) == Protocol.parse(name)


def test_names_and_mappings_mean_the_same() -> None:
    values = Protocol(space="y_studio", crop=2, quantize=True)
    assert values.label == "Y studio, crop 2, 8 bit"
    assert Protocol.parse("sr-y-crop2").label == f"sr-y-crop2: {values.label}"
    restored, clean = images(3)
    assert torch.equal(psnr(restored, clean, values), psnr(restored, clean, Protocol.parse("sr-y-crop2")))


def test_the_border_that_depends_on_the_scale() -> None:
    protocol = Protocol.parse("ntire17")
    assert protocol.label == "ntire17: RGB, crop 6 + scale, 8 bit"
    assert [protocol.at(scale).crop for scale in (2, 3, 4)] == [8, 9, 10]
    assert Protocol().at(4) == Protocol()
    restored, clean = images(3)
    with pytest.raises(ValueError, match="depends on a scale"):
        psnr(restored, clean, protocol)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("sr-y-crp2", "there is no protocol 'sr-y-crp2'; did you mean 'sr-y-crop<n>'.*have: .*jdd-rgb"),
        ("sr-y-crop", "there is no protocol"),
        ({"name": "dn-rgb-u8", "space": "rgb"}, "not the values of 'dn-rgb-u8'"),
        ({"quantize": True, "clip": False}, "8 bit hold no values outside"),
        ({"quantize": "floor"}, "quantize"),
    ],
)
def test_what_is_no_protocol_is_refused(given: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Protocol.parse(given)


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_luma_images_compare_like_the_luma_of_rgb_images(measure: Callable[..., torch.Tensor]) -> None:
    restored, clean = images(3)
    restored = restored.clamp(0, 1)
    protocol = Protocol(space="y_studio", crop=2)
    from_rgb = _apply.apply(restored, clean, Protocol(space="y_studio"), smallest=1)
    from_luma = measure(from_rgb[0].float(), from_rgb[1].float(), protocol)
    torch.testing.assert_close(from_luma, measure(restored, clean, protocol), rtol=0, atol=1e-5)
    rounded = Protocol(space="y_studio", crop=2, quantize=True)
    torch.testing.assert_close(
        measure(from_rgb[0].float(), from_rgb[1].float(), rounded), measure(restored, clean, rounded), rtol=0, atol=0.02
    )


def test_every_8_bit_value_is_its_own_truncation() -> None:
    levels = (torch.arange(256) / 255).view(1, 1, 16, 16)
    assert float(psnr(levels, levels, Protocol(space="gray", quantize="truncate"))) == np.inf
    assert float(psnr(levels + 0.9 / 255, levels, Protocol(space="gray", quantize="truncate"))) == np.inf
