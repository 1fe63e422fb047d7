"""Blurs with a kernel of its own for every image of a batch, one direction after the other; borders are repeated."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from raysearch.shapes import Image

Profiles = Float[Tensor, "b taps"]
"""Each image's kernel in one direction: an odd number of taps that sum to 1."""


def blur(image: Image, profiles: Profiles) -> Image:
    """Filter every image over rows and columns with its own profile."""
    reach = profiles.shape[1] // 2
    return filtered(functional.pad(image, (reach, reach, reach, reach), mode="replicate"), profiles, 1)


def filtered(image: Image, profiles: Profiles, step: int) -> Float[Tensor, "b c hf wf"]:
    """Filter likewise where the profile lies inside the image, at every ``step``-th place of both directions."""
    images, channels, height, width = image.shape
    taps = profiles.repeat_interleave(channels, dim=0)[:, None, :]
    planes = image.reshape(1, images * channels, height, width)
    planes = functional.conv2d(planes, taps[..., None], stride=(step, 1), groups=images * channels)
    planes = functional.conv2d(planes, taps[:, :, None], stride=(1, step), groups=images * channels)
    return planes.reshape(images, channels, *planes.shape[-2:])


def gaussian(sigma: Float[Tensor, " b"], reach: int, power: int = 2) -> Profiles:
    """Return exp(-|x / sigma|^power / 2) at the pixels x = -reach..reach, over its sum.

    A power above 2 has a flat top. A sigma of 0 leaves the image as it is.
    """
    place = torch.arange(-reach, reach + 1, device=sigma.device)
    profile = torch.exp(-((place / sigma.clamp_min(1e-3)[:, None]).abs() ** power) / 2)
    return profile / profile.sum(dim=1, keepdim=True)
