"""The size of an image's gradient, by two 3x3 kernels."""

from __future__ import annotations

from jaxtyping import Float64
from torch import Tensor
from torch.nn import functional


def gradient(image: Float64[Tensor, "b 1 h w"], smooth: tuple[float, float, float]) -> Float64[Tensor, "b 1 h w"]:
    """Return the gradient's size at every pixel.

    Args:
        image: zeros are taken beyond the border.
        smooth: weights across the direction of each difference ``f(x + 1) - f(x - 1)``: thirds are Prewitt's kernel.
    """
    padded = functional.pad(image, (1, 1, 1, 1))
    across = _smoothed(padded, 2, smooth)
    down = _smoothed(padded, 3, smooth)
    return ((across[..., 2:] - across[..., :-2]).square() + (down[..., 2:, :] - down[..., :-2, :]).square()).sqrt()


def _smoothed(padded: Tensor, direction: int, weights: tuple[float, float, float]) -> Tensor:
    size = padded.shape[direction] - 2
    before, middle, after = (weight * padded.narrow(direction, i, size) for i, weight in enumerate(weights))
    return before + middle + after
