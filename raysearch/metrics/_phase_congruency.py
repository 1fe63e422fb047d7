"""Phase congruency with log-Gabor wavelets, and the feature similarity that FSIM and FSIMc compute from it.

Kovesi, "Image features from phase congruency", Videre 1(3), 1999, with the parameters of Zhang, Zhang, Mou, Zhang, "FSIM: a feature
similarity index for image quality assessment", IEEE Trans. Image Processing 20(8), 2011: four scales from a wavelength of 6 pixels,
each twice the one before; four orientations; noise is estimated at the finest scale of each orientation.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float64
from torch import Tensor
from torch.nn import functional

from raysearch.metrics._gradient import gradient

Channel = Float64[Tensor, "b 1 h w"]

SMALLEST = 16
"""Least side of an image in pixels; below it the coarser wavelets see nothing."""

_SCALES = 4
_ORIENTATIONS = 4
_FIRST_WAVELENGTH = 6
_BANDWIDTH = 0.55
_SPREAD = math.pi / _ORIENTATIONS / 1.2
_NOISE_DEVIATIONS = 2.0
_NOISE_RESCALING = 1.7
_LOW_PASS, _LOW_PASS_ORDER = 0.45, 15
_EPSILON = 1e-4

_SCHARR = (3 / 16, 10 / 16, 3 / 16)
_T1, _T2 = 0.85, 160.0
_SIDE = 256  # images are made smaller until their shorter side is about this


def reduced(image: Channel) -> Float64[Tensor, "b 1 hr wr"]:
    """Make a large image smaller as the authors do: average over blocks whose side is the shorter side over 256, rounded.

    The blocks are centred on every so many-th pixel, with zeros beyond the border (the authors' convolution).
    """
    factor = max(1, math.floor(min(image.shape[-2:]) / _SIDE + 0.5))
    if factor == 1:
        return image
    before, after = (factor - 1) // 2, factor // 2
    padded = functional.pad(image, (before, after, before, after))
    return functional.avg_pool2d(padded, factor, stride=1)[..., ::factor, ::factor]


def feature_similarity(first: Channel, second: Channel) -> tuple[Channel, Channel]:
    """Return the similarity of phase congruency and gradient at every pixel, and the pixel's weight.

    Args:
        first: luma on the 0..255 scale, already `reduced`.
        second: like ``first``.
    """
    ours, theirs = phase_congruency(first), phase_congruency(second)
    phase = agreement(ours, theirs, _T1)
    edges = agreement(gradient(first, _SCHARR), gradient(second, _SCHARR), _T2)
    return phase * edges, torch.maximum(ours, theirs)


def agreement(first: Channel, second: Channel, constant: float) -> Channel:
    """Return ``(2ab + c) / (a² + b² + c)``."""
    return (2 * first * second + constant) / (first.square() + second.square() + constant)


def phase_congruency(image: Channel) -> Channel:
    """Return the phase congruency at every pixel, in [0, 1]."""
    spectrum = torch.fft.fft2(image[:, 0])
    radial, angles = _radial(image), _angular(image)
    energy, amplitude = torch.zeros_like(image[:, 0]), torch.zeros_like(image[:, 0])
    for angular in angles:
        filters = radial * angular
        responses = torch.fft.ifft2(spectrum[:, None] * filters)  # (b, scales, h, w), even and odd part
        sizes = responses.abs()
        energy += (_energy(responses) - _noise(sizes[:, 0], filters)).clamp_min(0)
        amplitude += sizes.sum(dim=1)
    return (energy / amplitude.clamp_min(torch.finfo(amplitude.dtype).tiny))[:, None]


def _energy(responses: Tensor) -> Tensor:
    """Return the projection of the scales' responses on their mean phase, less what is at right angles to it: (b, h, w)."""
    total = responses.sum(dim=1)
    mean = total / (total.abs() + _EPSILON)
    along = responses * mean.conj()[:, None]
    return (along.real - along.imag.abs()).sum(dim=1)


def _noise(sizes: Tensor, filters: Tensor) -> Tensor:
    """Return the energy below which a response is taken for noise: (b, 1, 1).

    Args:
        sizes: of the responses at the finest scale, (b, h, w); their median tells the power of the noise (a Rayleigh distribution).
        filters: of all scales, (scales, h, w).
    """
    height, width = filters.shape[-2:]
    ordered = sizes.square().flatten(1).sort(dim=1).values
    middle = ordered.shape[1] // 2
    median = ordered[:, middle] if ordered.shape[1] % 2 else (ordered[:, middle - 1] + ordered[:, middle]) / 2
    power = median / math.log(2) / filters[0].square().sum()
    waves = torch.fft.ifft2(filters).real * math.sqrt(height * width)
    deviation: Tensor = (power * waves.sum(dim=0).square().sum()).sqrt()
    threshold = deviation * (math.sqrt(math.pi / 2) + _NOISE_DEVIATIONS * math.sqrt(2 - math.pi / 2)) / _NOISE_RESCALING
    return threshold.view(-1, 1, 1)


def _frequencies(image: Tensor) -> tuple[Tensor, Tensor]:
    """Return the frequency of each coefficient down and across, in cycles per pixel; an odd side's highest is one half.

    Kovesi scales odd sides so (``-(n-1)/2 .. (n-1)/2`` over ``n - 1``), which differs from the transform's own frequencies by 1/n.
    """
    axes = []
    for size in image.shape[-2:]:
        positions = torch.arange(size, dtype=torch.float64, device=image.device) - size // 2
        axes.append(torch.fft.ifftshift(positions / (size - size % 2)))
    down, across = torch.meshgrid(*axes, indexing="ij")
    return down, across


def _radial(image: Tensor) -> Tensor:
    """Return the radial part of the wavelets: (scales, h, w)."""
    down, across = _frequencies(image)
    radius = (down.square() + across.square()).sqrt()
    low_pass = 1 / (1 + (radius / _LOW_PASS) ** (2 * _LOW_PASS_ORDER))
    radius[0, 0] = 1
    found = []
    for scale in range(_SCALES):
        wavelength = _FIRST_WAVELENGTH * 2**scale
        wave = torch.exp(-(radius * wavelength).log().square() / (2 * math.log(_BANDWIDTH) ** 2)) * low_pass
        wave[0, 0] = 0
        found.append(wave)
    return torch.stack(found)


def _angular(image: Tensor) -> Tensor:
    """Return the angular part of the wavelets: (orientations, h, w)."""
    down, across = _frequencies(image)
    theta = torch.atan2(-down, across)
    found = []
    for number in range(_ORIENTATIONS):
        angle = number * math.pi / _ORIENTATIONS
        distance = torch.atan2(torch.sin(theta - angle), torch.cos(theta - angle)).abs()
        found.append(torch.exp(-distance.square() / (2 * _SPREAD**2)))
    return torch.stack(found)
