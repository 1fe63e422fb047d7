"""Mixed distortions: restore an image after blur, noise and JPEG, in groups of severity.

Yu et al., "Crafting a toolchain for image restoration by deep reinforcement learning" (RL-Restore), CVPR 2018, arXiv:1804.03312.
Input: an RGB image in [0, 1], as decoded from a JPEG file; output: the image before, in [0, 1]. In this order:

1. blur with a Gaussian of 21 x 21 pixels, borders repeated, sigma in 0..5 pixels;
2. white Gaussian noise of sigma 0..50 (of 255), clipped to [0, 1];
3. JPEG of quality 100 down to 10, chroma at half size.

Each distortion has ten levels: blur in steps of 0.5, noise in steps of 5, JPEG between 100, 80, 60, 50, 40, 35, 30, 25, 20, 15 and
10. An image gets a combination of levels (i, j, k), each 1 to 10 and each combination of its group equally likely; within a level
the value is uniform. Groups, by i + j + k - 2: ``mild`` 9 to 11 (163 of the 1000 combinations), ``moderate`` 12 to 17 (434) and
``severe`` 18 to 20 (163). Networks are trained on ``moderate``; the other two are unseen until they are tested on.

The source crops 63 x 63 pixels (set ``patch.size``) with a stride of 56 (paper; 96 in the released script), from DIV2K at scales 1,
2/3 and 1/3. Here the quality is rounded to an integer. Which level an image gets in evaluation is drawn, the same for every model.
No single noise level describes the input, so none is given.
"""

from __future__ import annotations

from itertools import product
from typing import Annotated, Literal

import torch
from jaxtyping import Float, Int64
from pydantic import Field, field_validator
from torch import Tensor

from raysearch.shapes import Image
from raysearch.tasks._blur import blur, gaussian
from raysearch.tasks._jpeg import compress, through_files
from raysearch.tasks.base import Pair, TaskConfig

Group = Literal["mild", "moderate", "severe"]
Values = Float[Tensor, " b"]

SUMS: dict[Group, range] = {"mild": range(9, 12), "moderate": range(12, 18), "severe": range(18, 21)}
"""The sums i + j + k - 2 of each group."""

BLUR = tuple(0.5 * i for i in range(11))
"""Borders of the ten levels of blur: sigma in pixels."""

NOISE_255 = tuple(5.0 * i for i in range(11))
"""Borders of the ten levels of noise: sigma on the 0..255 scale."""

QUALITY = (100.0, 80.0, 60.0, 50.0, 40.0, 35.0, 30.0, 25.0, 20.0, 15.0, 10.0)
"""Borders of the ten levels of JPEG: quality."""

_REACH = 10


class Config(TaskConfig):
    """Blur, noise and JPEG, one after the other."""

    kind: Literal["mixed_distortions"] = "mixed_distortions"

    group: Group = "moderate"
    """Severity in training."""

    evaluate_at: Annotated[tuple[Group, ...], Field(min_length=1)] = ("mild", "moderate", "severe")
    """Severities at which a model is evaluated."""

    codec: Literal["torch", "pillow"] = "torch"
    """JPEG in training. ``torch``: on the device; ``pillow``: real files, on the CPU and slower. Evaluation always uses files."""

    @field_validator("evaluate_at")
    @classmethod
    def _distinct(cls, groups: tuple[Group, ...]) -> tuple[Group, ...]:
        if len(set(groups)) < len(groups):
            raise ValueError("a group is listed twice")
        return groups

    @property
    def channels(self) -> int:
        """Three: RGB."""
        return 3

    @property
    def channels_in(self) -> int:
        """Three."""
        return 3

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
        """No: blur and JPEG change the noise."""
        return False

    def levels(self) -> dict[str, TaskConfig]:
        """Return one task for each evaluation group, with real JPEG files."""
        fixed = {"codec": "pillow"}
        return {g: self.model_copy(update={"group": g, "evaluate_at": (g,), **fixed}) for g in self.evaluate_at}

    def degrade(self, clean: Image, generator: torch.Generator) -> Pair:
        """Draw a combination of levels for every image and apply it."""
        levels = _draw_levels(self.group, clean.shape[0], generator)
        sigma, sigma_255, quality = (
            _draw_within(borders, levels[:, i], generator) for i, borders in enumerate((BLUR, NOISE_255, QUALITY))
        )
        blurred = blur(clean, gaussian(sigma, _REACH))
        noise = torch.randn(clean.shape, generator=generator, device=clean.device)
        noisy = (blurred + noise * (sigma_255 / 255)[:, None, None, None]).clamp(0, 1)
        code = compress if self.codec == "torch" else through_files
        return Pair(code(noisy, quality.round().long(), "4:2:0"), clean, None)


def combinations(group: Group) -> Int64[Tensor, "n 3"]:
    """Return the combinations of levels (blur, noise, JPEG) of a group, each 0 to 9."""
    allowed = [levels for levels in product(range(10), repeat=3) if sum(levels) + 1 in SUMS[group]]
    return torch.tensor(allowed)


def _draw_levels(group: Group, images: int, generator: torch.Generator) -> Int64[Tensor, "b 3"]:
    known = combinations(group).to(generator.device)
    return known[torch.randint(len(known), (images,), generator=generator, device=generator.device)]


def _draw_within(borders: tuple[float, ...], levels: Int64[Tensor, " b"], generator: torch.Generator) -> Values:
    """Draw a value uniformly between the two borders of each level."""
    edges = torch.tensor(borders, device=generator.device)
    share = torch.rand(levels.shape, generator=generator, device=generator.device)
    return edges[levels] + (edges[levels + 1] - edges[levels]) * share
