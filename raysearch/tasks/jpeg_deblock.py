"""JPEG deblocking: restore an image from what a JPEG file left of it.

Input: the decoded file, multiples of 1/255 in [0, 1]; output: the image. Qualities 10, 20, 30 and 40 are those of Dong et al.,
"Compression artifacts reduction by a deep convolutional network", ICCV 2015, arXiv:1504.06993; the range of training, 5 to 99, is
that of DnCNN-3 (Zhang et al., "Beyond a Gaussian denoiser", IEEE Trans. Image Processing 26(7), 2017).

Quality counts as in the Independent JPEG Group's codec, which Pillow uses; MATLAB's ``imwrite`` does so too. Training compresses on
the device (`raysearch.tasks._jpeg`), and every value equals that of Pillow's file; evaluation writes and reads real files with
Pillow. An image of 16 bits is rounded to 8 for the file. Measured here, the files of classic5 (grey) at these qualities have a PSNR
of 27.82, 30.12, 31.48 and 32.43 dB.

With ``color: y`` photographs are RGB, and their luma (BT.601 in studio range, rounded to 8 bit, as MATLAB's ``rgb2ycbcr`` gives
it) is compressed as a grey image and restored: the protocol of LIVE1 in the papers above.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field, field_validator

from raysearch.shapes import Image
from raysearch.tasks._jpeg import Subsampling, compress, through_files
from raysearch.tasks._luma import luma
from raysearch.tasks._range import Range, Within, draw_quality
from raysearch.tasks.base import Pair, TaskConfig


class Config(TaskConfig):
    """An image after JPEG."""

    kind: Literal["jpeg_deblock"] = "jpeg_deblock"
    color: Literal["rgb", "gray", "y"] = "rgb"
    """Colour files; grey files of grey photographs; or grey files of the luma of RGB photographs (studio range)."""

    quality: Annotated[float | Range, Within(1.0, 100.0)] = Range(low=5, high=99)
    """Quality in training, 1 to 100: a number, or ``{low: ..., high: ...}`` drawn per image; rounded to an integer."""

    evaluate_at: Annotated[tuple[Annotated[int, Field(ge=1, le=100)], ...], Field(min_length=1)] = (10, 20, 30, 40)
    """Qualities at which a model is evaluated."""

    subsampling: Subsampling = "4:2:0"
    """Chroma of colour files: at half the size in both directions, as most files have it, or at full size."""

    codec: Literal["torch", "pillow"] = "torch"
    """In training. ``torch``: on the device; ``pillow``: real files, on the CPU and slower. Evaluation always uses files."""

    @field_validator("evaluate_at")
    @classmethod
    def _distinct(cls, qualities: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(qualities)) < len(qualities):
            raise ValueError("a quality is listed twice")
        return qualities

    @property
    def channels(self) -> int:
        """Three for RGB, one for grey and luma."""
        return 3 if self.color == "rgb" else 1

    @property
    def channels_in(self) -> int:
        """As many as the restored image has."""
        return self.channels

    @property
    def channels_stored(self) -> int:
        """Three where the luma is computed from RGB."""
        return 1 if self.color == "gray" else 3

    @property
    def scale(self) -> int:
        """One."""
        return 1

    @property
    def multiple_of(self) -> int:
        """One: any size."""
        return 1

    @property
    def gives_sigma(self) -> bool:
        """No: the quality is not told."""
        return False

    def levels(self) -> dict[str, TaskConfig]:
        """Return one task of fixed quality and real files for each evaluation quality, e.g. ``q10``."""
        return {
            f"q{quality}": self.model_copy(update={"quality": float(quality), "evaluate_at": (quality,), "codec": "pillow"})
            for quality in self.evaluate_at
        }

    def degrade(self, clean: Image, generator: torch.Generator) -> Pair:
        """Draw a quality for every image and compress it."""
        target: Image = (luma(clean) * 255).round() / 255 if self.color == "y" else clean
        code = compress if self.codec == "torch" else through_files
        return Pair(code(target, draw_quality(self.quality, len(clean), generator), self.subsampling), target, None)
