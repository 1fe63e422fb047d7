"""Super-resolution: restore an image from a smaller one.

Input: an image ``factor`` times smaller, values nominally in [0, 1] (a bicubic one may leave the range, see `Config.rounding`);
output: the image itself. Kernels: MATLAB's ``imresize`` with antialiasing, bicubic or bilinear, as the test sets of Timofte et al.,
"NTIRE 2017 challenge on single image super-resolution", CVPR workshops 2017, are made; or a Gaussian blur after which one pixel of
each block is kept ("BD" in Zhang et al., "Residual dense network for image super-resolution", CVPR 2018, arXiv:1802.08797, is
``factor: 3, kernel: blur, blur_sigma: 1.6, blur_radius: 3``, a kernel of 7 x 7 pixels).

With ``color: y`` photographs are RGB, and the luma alone is restored: BT.601 in studio range (16/255 to 235/255), rounded to 8 bit,
as MATLAB's ``rgb2ycbcr`` gives it. The luma is made smaller, as in SRCNN (Dong et al., ECCV 2014), VDSR and DnCNN-3. A grey
photograph is taken for RGB of equal channels; those papers take its values as they are, without the studio range, so the PSNR of
that image is 1.3 dB higher here.

Rounding, as published protocols have it: networks on RGB are tested with 8-bit files (``8bit``, the default in evaluation), those
on luma with a small image that is not rounded (``float``, likewise the default). Measured here in luma, bicubic enlargement (the
model `raysearch.models.bicubic`) gives 33.68, 30.40 and 28.43 dB on Set5 and 29.57, 27.21 and 25.96 dB on BSD100 at 2, 3 and 4
(``sr-y-float-crop<n>``). The 8-bit form equals files made by MATLAB at more than 99 % of the pixels; without the rounding after
the first axis it would be about 85 %.

Images are cropped at the bottom and right to multiples of the factor before they are made smaller. Differs from training on
patches of ready-made small images: a training patch is made smaller by itself, so within two small pixels of its border the kernel
sees the patch mirrored where those see its surroundings.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field

from raysearch.bicubic import resize, resize_8bit, subsample
from raysearch.shapes import Image, Restored
from raysearch.tasks._luma import luma
from raysearch.tasks.base import Pair, TaskConfig

Rounding = Literal["float", "8bit"]
"""Whether the small image is rounded to 8 bit."""


class Config(TaskConfig):
    """A smaller image; the defaults are MATLAB's bicubic by 2 in colour."""

    kind: Literal["super_resolution"] = "super_resolution"
    factor: Literal[2, 3, 4, 8] = 2
    """Size of the image over the size of the degraded one."""

    color: Literal["rgb", "y"] = "rgb"
    """Three channels, or the luma of RGB photographs alone (studio range, rounded to 8 bit)."""

    kernel: Literal["bicubic", "bilinear", "blur"] = "bicubic"
    """MATLAB's antialiased bicubic or bilinear, or a Gaussian blur and one pixel of each block."""

    blur_sigma: float = Field(1.6, ge=0.25, le=16)
    """With ``kernel: blur``: standard deviation of the Gaussian, in pixels of the image."""

    blur_radius: int | None = Field(None, ge=1, le=64)
    """With ``kernel: blur``: how far the Gaussian reaches, in pixels of the image; 4 sigma when it is not given."""

    rounding: Rounding = "float"
    """In training. ``float``: the small image stays as computed, neither rounded nor clipped. ``8bit``: the image is rounded to 8
    bit, and the small one after each axis, as MATLAB does with uint8 (blur: once, at the end)."""

    evaluate_rounding: Rounding | None = None
    """The same where a model is evaluated; when it is not given, ``8bit`` in RGB and ``float`` in luma."""

    @property
    def channels(self) -> int:
        """Three for RGB, one for luma."""
        return 3 if self.color == "rgb" else 1

    @property
    def channels_in(self) -> int:
        """As many as the restored image has."""
        return self.channels

    @property
    def channels_stored(self) -> int:
        """Three: luma is computed from RGB."""
        return 3

    @property
    def scale(self) -> int:
        """The factor."""
        return self.factor

    @property
    def multiple_of(self) -> int:
        """The factor."""
        return self.factor

    @property
    def gives_sigma(self) -> bool:
        """No."""
        return False

    def levels(self) -> dict[str, TaskConfig]:
        """Return the task itself with its rounding for evaluation, e.g. ``x2 bicubic, 8 bit``."""
        side = "" if self.blur_radius is None else f" ({2 * self.blur_radius + 1} pixels)"
        kernel = f"blur {self.blur_sigma:g}{side}" if self.kernel == "blur" else self.kernel
        rounding = self.evaluate_rounding or ("8bit" if self.color == "rgb" else "float")
        label = f"x{self.factor} {kernel}, {'8 bit' if rounding == '8bit' else 'float'}"
        return {label: self.model_copy(update={"rounding": rounding, "evaluate_rounding": rounding})}

    def degrade(self, clean: Image, generator: torch.Generator) -> Pair:
        """Make a batch smaller; the generator is not used."""
        target: Image = clean if self.color == "rgb" else _rounded(luma(clean))
        return Pair(degraded=self._smaller(target), clean=target, sigma_255=None)

    def _smaller(self, image: Image) -> Restored:
        height, width = image.shape[2] // self.factor, image.shape[3] // self.factor
        if self.kernel == "blur":
            small: Restored = subsample(image, self.factor, self.blur_sigma, self.blur_radius)
            return small if self.rounding == "float" else _rounded(small)
        if self.rounding == "float":
            return resize(image, height, width, self.kernel)
        stored = (image * 255).round().to(torch.uint8)
        return resize_8bit(stored, height, width, self.kernel).to(image.dtype) / 255


def _rounded(image: Image) -> Image:
    """Round to 8 bit, as an image that was stored."""
    return (image * 255).round().clamp(0, 255) / 255
