"""Information-weighted structural similarity: Wang, Li, "Information content weighting for perceptual image quality assessment",
IEEE Trans. Image Processing 20(5), 2011.

SSIM's contrast and structure on five levels of a Laplacian pyramid (binomial filter, mirrored border) of the luma on the 0..255
scale (RGB in [0, 1] by 0.299, 0.587, 0.114; in the space ``rgb_each`` of each channel, the values averaged), the luminance on the
coarsest, with MS-SSIM's exponents. On all levels but the coarsest the places are weighed with the information that a restored 3x3
neighbourhood shares with the clean one, in a Gaussian scale mixture of the neighbourhood and its parent on the next level, and with
a visual noise of variance 0.4.

Not in the paper: a singular covariance of the clean neighbourhoods (a synthetic image) is inverted where it is not; a level
without any information is weighed evenly.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from raysearch.metrics._apply import apply
from raysearch.metrics._similarity import PYRAMID_SMALLEST, PYRAMID_WEIGHTS, WINDOW, similarity
from raysearch.metrics._yiq import per_image, planes
from raysearch.metrics.base import Metric
from raysearch.metrics.protocol import Protocol
from raysearch.shapes import Image, Scores

_BLOCK = 3
_NOISE = 0.4
_LEAST = 1e-15
_BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def iw_ssim(restored: Image, clean: Image, protocol: Protocol) -> Scores:
    """Return the IW-SSIM of every image, float64, at most 1; NaN where a restored value is NaN.

    Args:
        restored: (b, c, h, w); clipped to [0, 1] unless the protocol says otherwise.
        clean: (b, c, h, w) in [0, 1].

    Raises:
        SpecError: the protocol does not fit the images, or they have less than 161 x 161 pixels.
    """
    first, second = (_pyramid(planes(v, protocol)) for v in apply(restored, clean, protocol, smallest=PYRAMID_SMALLEST))
    total = torch.ones(len(first[0]), dtype=torch.float64, device=restored.device)
    for level, exponent in enumerate(PYRAMID_WEIGHTS):
        luminance, structure = similarity(first[level] / 255, second[level] / 255)
        if level == len(PYRAMID_WEIGHTS) - 1:
            value = (luminance * structure).mean(dim=(1, 2, 3))
        else:
            parent = second[level + 1] if level < len(PYRAMID_WEIGHTS) - 2 else None
            edge = WINDOW // 2 - _BLOCK // 2
            weights = _information(first[level], second[level], parent)[:, :, edge:-edge, edge:-edge]
            even = weights.sum(dim=(1, 2, 3), keepdim=True) == 0
            weights = torch.where(even, torch.ones_like(weights), weights)
            value = (structure * weights).sum(dim=(1, 2, 3)) / weights.sum(dim=(1, 2, 3))
        total = total * value.abs() ** exponent
    return per_image(total, len(restored))


def _pyramid(image: Tensor) -> list[Tensor]:
    """Return the levels of a Laplacian pyramid, the finest first; the last one is what is left.

    The blurred image is doubled from level to level, as the authors' filter of norm 1 does it.
    """
    levels = []
    for _ in PYRAMID_WEIGHTS[1:]:
        smaller = 2 * _filtered(image)[..., ::2, ::2]
        spread = torch.zeros(*image.shape[:2], 2 * smaller.shape[-2], 2 * smaller.shape[-1], dtype=image.dtype, device=image.device)
        spread[..., ::2, ::2] = 2 * smaller
        levels.append(image - _filtered(spread)[..., : image.shape[-2], : image.shape[-1]])
        image = smaller
    return [*levels, image]


def _filtered(image: Tensor) -> Tensor:
    """Blur with the binomial filter, mirrored about the border pixels."""
    reach = len(_BINOMIAL) // 2
    for direction, padding in ((2, (0, 0, reach, reach)), (3, (reach, reach, 0, 0))):
        size = image.shape[direction]
        padded = functional.pad(image, padding, mode="reflect")
        image = torch.stack([w * padded.narrow(direction, i, size) for i, w in enumerate(_BINOMIAL)]).sum(dim=0)
    return image


def _information(restored: Tensor, clean: Tensor, parent: Tensor | None) -> Tensor:
    """Return the shared information in bits of each neighbourhood inside a level: (b, 1, h - 2, w - 2)."""
    gain, rest = _channel(restored, clean)
    samples = functional.unfold(clean, _BLOCK).transpose(1, 2)  # (b, places, 9)
    if parent is not None:
        inner = _enlarged(parent)[..., 1 : clean.shape[-2] - 1, 1 : clean.shape[-1] - 1]
        samples = torch.cat([samples, inner.flatten(2).transpose(1, 2)], dim=2)
    values, vectors = torch.linalg.eigh(samples.transpose(1, 2) @ samples / samples.shape[1])
    positive = values.clamp_min(0)
    kept = positive * (values.sum(dim=1) / positive.sum(dim=1).clamp_min(_LEAST))[:, None]
    inverse = torch.where(kept > _LEAST, 1 / kept.clamp_min(_LEAST), 0.0)
    energy = ((samples @ vectors).square() * inverse[:, None]).sum(dim=2) / samples.shape[2]
    energy = energy.view_as(gain)
    total = torch.zeros_like(gain)
    for number in range(samples.shape[2]):
        power = energy * kept[:, number].view(-1, 1, 1, 1)
        total += torch.log2(1 + ((rest + (1 + gain.square()) * _NOISE) * power + _NOISE * rest) / _NOISE**2)
    return torch.where(total < _LEAST, 0.0, total)


def _channel(restored: Tensor, clean: Tensor) -> tuple[Tensor, Tensor]:
    """Explain each restored neighbourhood by the clean one: return the gain, and the variance that it leaves."""
    mean_r, mean_c, square_r, square_c, product = (
        functional.avg_pool2d(v, _BLOCK, stride=1) for v in (restored, clean, restored**2, clean**2, restored * clean)
    )
    covariance = product - mean_r * mean_c
    variance_r, variance_c = (square_r - mean_r**2).clamp_min(0), (square_c - mean_c**2).clamp_min(0)
    gain = covariance / (variance_c + _LEAST)
    rest = variance_r - gain * covariance
    flat = variance_c < _LEAST
    gain, rest = torch.where(flat, 0.0, gain), torch.where(flat, variance_r, rest)
    flat = variance_r < _LEAST
    return torch.where(flat, 0.0, gain), torch.where(flat, 0.0, rest)


def _enlarged(image: Tensor) -> Tensor:
    """Double a level by bilinear interpolation, continued in a straight line beyond the border: (b, 1, 2h, 2w)."""
    height, width = image.shape[-2:]
    fine = functional.interpolate(image, size=(4 * height - 3, 4 * width - 3), mode="bilinear", align_corners=False)
    for direction in (2, 3):
        size = fine.shape[direction]
        first, second, before, last = (fine.narrow(direction, i, 1) for i in (0, 1, size - 2, size - 1))
        fine = torch.cat([2 * first - second, fine, 2 * last - before], dim=direction)
    return fine[..., ::2, ::2]


METRIC = Metric(iw_ssim, title="IW-SSIM", unit="", decimals=4, better="higher", smallest=PYRAMID_SMALLEST)
