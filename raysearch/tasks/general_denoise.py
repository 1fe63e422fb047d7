"""General denoising: one network for white noise, for enlarged images, and for JPEG: the training of DnCNN-3.

Zhang et al., "Beyond a Gaussian denoiser", IEEE Trans. Image Processing 26(7), 2017, arXiv:1608.03981. Input: a grey image,
nominally in [0, 1], after one of three degradations; output: the image before, in [0, 1]. Each image of a batch gets one of them:

- white Gaussian noise of sigma 0 to 55 (of 255), not clipped (`raysearch.tasks.gaussian_denoise`);
- made smaller by 2, 3 or 4 and enlarged again, both bicubically as MATLAB's ``imresize`` does, neither rounded nor clipped
  (`raysearch.bicubic`);
- JPEG of quality 5 to 99 (`raysearch.tasks.jpeg_deblock`).

Networks keep the size and are told neither which nor how strong. DnCNN-3 is ``{kind: dncnn, depth: 20}``, on patches of 50 pixels.

With ``color: y`` photographs are RGB, and the luma alone is degraded and restored (BT.601 in studio range, rounded to 8 bit), as
the paper tests super-resolution and JPEG of colour images; it tests noise on grey photographs. Its protocols are ``dn-gray-u8`` for
noise, ``sr-y-float-crop<n>`` and ``jpeg-y-u8``; a trial has one, ``raysearch eval --protocol`` gives the others.

Decided here: the degradations are equally likely, and so are the factors. In training a patch whose side is no multiple of a factor
is made smaller to the next whole pixel; in evaluation images are cropped to multiples.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field, field_validator, model_validator

from raysearch.bicubic import resize
from raysearch.shapes import Image
from raysearch.tasks._jpeg import compress, through_files
from raysearch.tasks._luma import luma
from raysearch.tasks._noise import Level, Levels, add
from raysearch.tasks._range import Range, Within, draw, draw_quality
from raysearch.tasks.base import Pair, TaskConfig

Factors = tuple[Literal[2, 3, 4, 8], ...]


class Config(TaskConfig):
    """One of several degradations for each image; null, or an empty list, leaves one out."""

    kind: Literal["general_denoise"] = "general_denoise"
    color: Literal["gray", "y"] = "gray"
    """Grey photographs, or the luma of RGB photographs (studio range)."""

    sigma_255: Level | None = Range(low=0, high=55)
    """Standard deviation of the noise in training, on the 0..255 scale: a number, or ``{low: ..., high: ...}`` drawn per image."""

    factors: Factors = (2, 3, 4)
    """How many times smaller an image is made before it is enlarged again, one of these; also in evaluation."""

    quality: Annotated[float | Range, Within(1.0, 100.0)] | None = Range(low=5, high=99)
    """Quality of JPEG in training: a number, or a range drawn per image and rounded to an integer."""

    evaluate_sigma_255: Levels = (15.0, 25.0, 50.0)
    """Noise levels at which a model is evaluated, on the 0..255 scale."""

    evaluate_quality: Annotated[tuple[Annotated[int, Field(ge=1, le=100)], ...], Field(min_length=1)] = (10, 20, 30, 40)
    """Qualities at which a model is evaluated."""

    codec: Literal["torch", "pillow"] = "torch"
    """JPEG in training. ``torch``: on the device; ``pillow``: real files, on the CPU and slower. Evaluation always uses files."""

    @field_validator("evaluate_sigma_255", "factors", "evaluate_quality")
    @classmethod
    def _distinct(cls, values: tuple[int | float, ...]) -> tuple[int | float, ...]:
        if len(set(values)) < len(values):
            raise ValueError("a value is listed twice")
        return values

    @model_validator(mode="after")
    def _something(self) -> Config:
        if self.sigma_255 is None and not self.factors and self.quality is None:
            raise ValueError("nothing is degraded: give sigma_255, factors or quality")
        return self

    @property
    def channels(self) -> int:
        """One."""
        return 1

    @property
    def channels_in(self) -> int:
        """One."""
        return 1

    @property
    def channels_stored(self) -> int:
        """Three where the luma is computed from RGB."""
        return 1 if self.color == "gray" else 3

    @property
    def scale(self) -> int:
        """One: an image that was made smaller is enlarged again."""
        return 1

    @property
    def multiple_of(self) -> int:
        """The factor where it is the only degradation, else one: any size."""
        alone = self.sigma_255 is None and self.quality is None and len(self.factors) == 1
        return self.factors[0] if alone else 1

    @property
    def gives_sigma(self) -> bool:
        """No: not every image has noise, and networks are to find out."""
        return False

    def levels(self) -> dict[str, TaskConfig]:
        """Return one task for each noise level (``sigma 15``), factor (``x2``) and quality (``q10``) of evaluation."""
        none: dict[str, object] = {"sigma_255": None, "factors": (), "quality": None, "codec": "pillow"}
        found: dict[str, dict[str, object]] = {}
        if self.sigma_255 is not None:
            found |= {f"sigma {s:g}": {"sigma_255": s, "evaluate_sigma_255": (s,)} for s in self.evaluate_sigma_255}
        found |= {f"x{factor}": {"factors": (factor,)} for factor in self.factors}
        if self.quality is not None:
            found |= {f"q{q}": {"quality": float(q), "evaluate_quality": (q,)} for q in self.evaluate_quality}
        return {label: self.model_copy(update=none | changes) for label, changes in found.items()}

    def degrade(self, clean: Image, generator: torch.Generator) -> Pair:
        """Draw a degradation for every image and apply it."""
        target: Image = (luma(clean) * 255).round() / 255 if self.color == "y" else clean
        ways = []
        if self.sigma_255 is not None:
            ways.append(add(target, draw(self.sigma_255, len(target), generator), generator))
        if self.factors:
            ways.append(_one_of([_enlarged(target, factor) for factor in self.factors], generator))
        if self.quality is not None:
            code = compress if self.codec == "torch" else through_files
            ways.append(code(target, draw_quality(self.quality, len(target), generator), "4:2:0"))
        return Pair(_one_of(ways, generator), target, None)


def _enlarged(image: Image, factor: int) -> Image:
    """Make an image smaller, then as large as it was."""
    height, width = image.shape[-2:]
    small = resize(image, -(-height // factor), -(-width // factor))
    return resize(small, height, width)


def _one_of(ways: list[Image], generator: torch.Generator) -> Image:
    """Take each image of a batch from one of several versions of the batch, drawn with equal chances."""
    images = torch.arange(len(ways[0]), device=generator.device)
    drawn = torch.randint(len(ways), (len(images),), generator=generator, device=generator.device)
    return torch.stack(ways)[drawn, images]
