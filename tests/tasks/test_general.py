"""One of three degradations for each image: DnCNN-3's."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from raysearch.bicubic import resize
from raysearch.tasks._jpeg import compress, through_files
from raysearch.tasks._luma import luma
from raysearch.tasks.general_denoise import Config


def smooth(images: int, channels: int = 1) -> torch.Tensor:
    y, x = torch.meshgrid(torch.linspace(0, 3, 24), torch.linspace(0, 4, 36), indexing="ij")
    image = ((0.5 + 0.4 * torch.sin(x * y)) * 255).round() / 255
    return image.expand(images, channels, -1, -1).contiguous()


def test_every_image_gets_one_of_the_three_equally_often(generator: torch.Generator) -> None:
    clean = smooth(1500)
    task = Config(sigma_255=25.0, factors=(2, 3), quality=10.0)
    pair = task.degrade(clean, generator)
    assert torch.equal(pair.clean, clean)
    assert pair.sigma_255 is None
    one = clean[:1]
    enlarged = [resize(resize(one, 24 // f, 36 // f), 24, 36) for f in (2, 3)]
    known = [*enlarged, compress(one, torch.tensor([10]), "4:2:0")]
    same = torch.stack([(pair.degraded - version).abs().amax(dim=(1, 2, 3)) < 1e-5 for version in known])
    counts = same.sum(dim=1)
    noisy = pair.degraded[~same.any(dim=0)] - one
    assert abs(len(noisy) - 500) < 100, "5.5 standard deviations"
    assert (counts - torch.tensor([250, 250, 500])).abs().max() < 100
    assert float(noisy.std()) == pytest.approx(25 / 255, rel=0.01)


@pytest.mark.parametrize("color", ["gray", "y"])
def test_levels_are_those_of_the_paper(color: str, generator: torch.Generator) -> None:
    task = Config.parse({"kind": "general_denoise", "color": color})
    levels = task.levels()
    assert list(levels) == ["sigma 15", "sigma 25", "sigma 50", "x2", "x3", "x4", "q10", "q20", "q30", "q40"]
    assert [level.multiple_of for level in levels.values()] == [1, 1, 1, 2, 3, 4, 1, 1, 1, 1]
    clean = smooth(1, task.channels_stored)
    target = clean if color == "gray" else (luma(clean) * 255).round() / 255
    seen = {label: level.degrade(clean, generator).degraded for label, level in levels.items()}
    assert torch.equal(seen["x3"], resize(resize(target, 8, 12), 24, 36))
    assert torch.equal(seen["q20"], through_files(target, torch.tensor([20]), "4:2:0"))
    assert float((seen["sigma 50"] - target).std()) == pytest.approx(50 / 255, rel=0.1)
    assert (task.luma_only, task.scale) == (color == "y", 1)


def test_what_is_left_out_is_not_drawn(generator: torch.Generator) -> None:
    clean = smooth(20)
    only = Config(sigma_255=None, factors=(2,), quality=None)
    assert (only.multiple_of, list(only.levels())) == (2, ["x2"])
    torch.testing.assert_close(only.degrade(clean, generator).degraded, resize(resize(clean, 12, 18), 24, 36))
    two = Config(sigma_255=None, factors=(2, 4), quality=None)
    assert two.multiple_of == 1
    uneven = clean[..., :23, :35]
    assert two.degrade(uneven, generator).degraded.shape == uneven.shape
    with pytest.raises(ValidationError, match="nothing is degraded"):
        Config(sigma_255=None, factors=(), quality=None)
    with pytest.raises(ValidationError, match="listed twice"):
        Config(factors=(2, 2))
