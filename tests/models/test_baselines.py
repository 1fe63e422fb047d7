"""Classical methods: what they return, and what they refuse."""

from __future__ import annotations

import pytest
import torch

from raysearch.bicubic import resize
from raysearch.errors import SpecError
from raysearch.models import bicubic, bilinear, identity
from raysearch.tasks.super_resolution import Config as SuperResolution


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("channels", [1, 3])
def test_enlargement_is_imresize(scale: int, channels: int) -> None:
    image = torch.rand(2, channels, 7, 5)
    cubic = bicubic.Config().build(channels, channels, scale)(image, None)
    linear = bilinear.Config().build(channels, channels, scale)(image, None)
    assert torch.equal(cubic, resize(image, 7 * scale, 5 * scale, "bicubic"))
    assert torch.equal(linear, resize(image, 7 * scale, 5 * scale, "bilinear"))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_smooth_images_come_back(scale: int, generator: torch.Generator) -> None:
    """Enlarging undoes the task on a smooth image: nothing is shifted."""
    side = torch.linspace(0, 3, 24 * scale)
    image = (0.5 + 0.3 * torch.sin(side[:, None] + 2 * side[None]))[None, None].expand(1, 3, -1, -1)
    pair = SuperResolution.parse({"kind": "super_resolution", "factor": scale}).degrade(image.contiguous(), generator)
    restored = bicubic.Config().build(3, 3, scale)(pair.degraded, None)
    assert (restored - image)[..., 2 * scale : -2 * scale, 2 * scale : -2 * scale].abs().max() < 2e-3


def test_the_identity_keeps_the_image() -> None:
    image = torch.rand(1, 3, 4, 5)
    restored = identity.Config().build(3, 3, 1)(image, None)
    assert torch.equal(restored, image)
    assert restored.data_ptr() != image.data_ptr()


@pytest.mark.parametrize(
    ("model", "task"),
    [(bicubic.Config(), (3, 3, 1)), (bicubic.Config(), (1, 3, 2)), (bilinear.Config(), (1, 1, 1)), (identity.Config(), (1, 3, 1))],
)
def test_other_tasks_are_refused(model: bicubic.Config | bilinear.Config | identity.Config, task: tuple[int, int, int]) -> None:
    with pytest.raises(SpecError, match=f"model '{model.kind}'"):
        model.build(*task)
