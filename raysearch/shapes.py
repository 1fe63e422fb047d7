"""Shapes of tensors, in one legend; checked at test time by jaxtyping and beartype.

b batch, c channels, h height, w width (pixels). Images are float32 in [0, 1]; a sigma is on the 0..255 scale and says so
(``sigma_255``).
"""

from __future__ import annotations

from jaxtyping import Float, Int64, UInt8
from torch import Tensor

Image = Float[Tensor, "b c h w"]
"""A batch of images, float32, nominally in [0, 1] (noise may leave the range)."""

Bytes = UInt8[Tensor, "b c h w"]
"""A batch of images as stored: 0..255."""

Restored = Float[Tensor, "b co ho wo"]
"""What a network returns where channels or size differ from its input's: float32, nominally in [0, 1], not clipped."""

LossMap = Float[Tensor, "b 1 h w"]
"""One loss per pixel, already averaged over channels."""

PixelWeights = Float[Tensor, "b 1 h w"]
"""Non-negative weights of the pixels in a batch loss; see `raysearch.samplers.base`."""

Scores = Float[Tensor, " b"]
"""One number per image."""

Sigma = Float[Tensor, "b 1 hs ws"]
"""Noise level on the 0..255 scale, per image (1 x 1) or per pixel (h x w)."""

Rows = Int64[Tensor, " b"]
"""Row numbers of a PatchIndex."""

__all__ = ["Bytes", "Image", "LossMap", "PixelWeights", "Restored", "Rows", "Scores", "Sigma"]
