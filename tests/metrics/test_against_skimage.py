"""PSNR and SSIM equal scikit-image's for every protocol."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from raysearch.metrics import _apply
from raysearch.metrics.protocol import Protocol
from raysearch.metrics.psnr import psnr
from raysearch.metrics.ssim import ssim

PROTOCOLS = [
    Protocol(space=space, crop=crop, quantize=quantize)
    for space in ("rgb", "y_studio", "gray")
    for crop in (0, 2, 7)
    for quantize in (False, True)
]


def images(protocol: Protocol, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Smooth photographs-like content with noise that leaves [0, 1]; odd, unequal sides."""
    channels = 1 if protocol.space == "gray" else 3
    coarse = torch.rand(2, channels, 6, 7, generator=generator)
    clean = torch.nn.functional.interpolate(coarse, size=(41, 52), mode="bilinear")
    clean = (clean * 255).round() / 255
    return clean + 0.08 * torch.randn(clean.shape, generator=generator), clean


def expected_form(image: torch.Tensor, protocol: Protocol) -> np.ndarray:
    """The protocol once more, on a single image, with numpy and scikit-image alone."""
    array = image.permute(1, 2, 0).numpy().astype(np.float64).clip(0, 1)
    if protocol.quantize:
        array = np.rint(array * 255) / 255
    if protocol.space == "y_studio":
        array = rgb2ycbcr(array)[..., :1] / 255
    edge = protocol.crop
    return array[edge : array.shape[0] - edge, edge : array.shape[1] - edge]


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.label)
def test_psnr(protocol: Protocol, generator: torch.Generator) -> None:
    restored, clean = images(protocol, generator)
    for value, r, c in zip(psnr(restored, clean, protocol), restored, clean, strict=True):
        expected = peak_signal_noise_ratio(expected_form(c, protocol), expected_form(r, protocol), data_range=1)
        assert float(value) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.label)
def test_ssim(protocol: Protocol, generator: torch.Generator) -> None:
    restored, clean = images(protocol, generator)
    for value, r, c in zip(ssim(restored, clean, protocol), restored, clean, strict=True):
        expected = structural_similarity(
            expected_form(c, protocol),
            expected_form(r, protocol),
            data_range=1,
            channel_axis=2,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        assert float(value) == pytest.approx(expected, abs=1e-6)


def test_psnr_is_the_textbook_formula() -> None:
    clean = torch.full((1, 3, 8, 8), 0.5)
    assert float(psnr(clean + 0.1, clean, Protocol())) == pytest.approx(20.0, abs=1e-5)
    assert float(psnr(clean, clean, Protocol())) == math.inf


def test_the_channels_share_one_error() -> None:
    clean = torch.zeros(1, 3, 4, 4)
    restored = clean.clone()
    restored[:, 0] = 0.3
    assert float(psnr(restored, clean, Protocol())) == pytest.approx(-10 * math.log10(0.09 / 3), abs=1e-5)


def test_ssim_of_a_perfect_copy_is_one(generator: torch.Generator) -> None:
    clean = torch.rand(1, 3, 11, 11, generator=generator)
    assert float(ssim(clean, clean, Protocol())) == pytest.approx(1.0, abs=1e-12)


def test_white_is_235_and_black_16_in_the_studio_range() -> None:
    black_and_white = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 3, 4, 4)
    luma, _ = _apply.apply(black_and_white, black_and_white, Protocol(space="y_studio"), smallest=1)
    torch.testing.assert_close(luma[:, 0, 0, 0] * 255, torch.tensor([16.0, 235.0]).double())


def test_images_that_differ_in_shape_are_refused_where_shapes_are_not_checked() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        _apply.apply(torch.rand(1, 3, 8, 8), torch.rand(1, 1, 8, 8), Protocol(), smallest=1)
