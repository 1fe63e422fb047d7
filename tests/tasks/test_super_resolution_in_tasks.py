from __future__ import annotations

import pytest
import torch

from raysearch.bicubic import resize, resize_8bit, subsample
from raysearch.tasks._luma import luma
from raysearch.tasks.super_resolution import Config

FACTORS = (2, 3, 4, 8)


def stored(factor: int, channels: int = 3) -> torch.Tensor:
    """Two 8-bit images."""
    values = torch.randint(0, 256, (2, channels, 5 * factor, 7 * factor), generator=torch.Generator().manual_seed(factor))
    return values.float() / 255


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("kernel", ["bicubic", "bilinear"])
def test_training_gets_floats_and_evaluation_8_bit(factor: int, kernel: str, generator: torch.Generator) -> None:
    task = Config.parse({"kind": "super_resolution", "factor": factor, "kernel": kernel})
    clean = stored(factor)
    exact = task.degrade(clean, generator).degraded
    torch.testing.assert_close(exact, resize(clean, 5, 7, task.kernel))  # type: ignore[arg-type]
    ((label, level),) = task.levels().items()
    assert label == f"x{factor} {kernel}, 8 bit"
    rounded = level.degrade(clean, generator).degraded
    expected = resize_8bit((clean * 255).round().byte(), 5, 7, task.kernel)  # type: ignore[arg-type]
    assert torch.equal((rounded * 255).round().byte(), expected)
    assert (rounded - exact.clamp(0, 1)).abs().max() * 255 < 1.2


def test_floats_can_be_evaluated_too(generator: torch.Generator) -> None:
    ((label, level),) = Config(evaluate_rounding="float").levels().items()
    assert label == "x2 bicubic, float"
    clean = stored(2)
    assert torch.equal(level.degrade(clean, generator).degraded, resize(clean, 5, 7))


@pytest.mark.parametrize("factor", FACTORS)
def test_luma_is_made_smaller_alone(factor: int, generator: torch.Generator) -> None:
    task = Config.parse({"kind": "super_resolution", "factor": factor, "color": "y"})
    assert (task.channels, task.channels_in, task.channels_stored) == (1, 1, 3)
    clean = stored(factor)
    expected = (luma(clean) * 255).round() / 255
    ((label, level),) = task.levels().items()
    assert label == f"x{factor} bicubic, float", "as the papers on luma are tested"
    for one in (task, level):
        pair = one.degrade(clean, generator)
        torch.testing.assert_close(pair.clean, expected)
        torch.testing.assert_close(pair.degraded, resize(expected, 5, 7))


def test_luma_can_be_rounded_too(generator: torch.Generator) -> None:
    ((label, level),) = Config(color="y", evaluate_rounding="8bit").levels().items()
    assert label == "x2 bicubic, 8 bit"
    pair = level.degrade(stored(2), generator)
    assert torch.equal((pair.degraded * 255).round().byte(), resize_8bit((pair.clean * 255).round().byte(), 5, 7))


def test_luma_has_known_values() -> None:
    colours = torch.tensor([[0.0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    found = luma(colours[:, :, None, None])[:, 0, 0, 0] * 255
    torch.testing.assert_close(found, torch.tensor([16, 235, 81.481, 144.553, 40.966]))


def test_blur_keeps_the_brightness_and_the_label_names_its_width(generator: torch.Generator) -> None:
    task = Config(factor=3, kernel="blur", blur_sigma=1.6)
    assert list(task.levels()) == ["x3 blur 1.6, 8 bit"]
    narrow = Config(factor=3, kernel="blur", blur_sigma=1.6, blur_radius=3)
    assert list(narrow.levels()) == ["x3 blur 1.6 (7 pixels), 8 bit"]
    assert torch.equal(narrow.degrade(stored(3), generator).degraded, subsample(stored(3), 3, 1.6, 3))
    flat = torch.full((1, 3, 12, 15), 0.4)
    torch.testing.assert_close(task.degrade(flat, generator).degraded, torch.full((1, 3, 4, 5), 0.4))
    (level,) = task.levels().values()
    values = level.degrade(stored(3), generator).degraded * 255
    torch.testing.assert_close(values, values.round())
