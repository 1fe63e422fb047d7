"""What every task keeps."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
import torch
from jaxtyping import TypeCheckError

from raysearch import component
from raysearch.tasks.base import TaskConfig

KINDS = component.names("raysearch.tasks")
MOVED = {"moire"}
"""Tasks whose clean image is the stored one seen from elsewhere."""


def task_of(kind: str) -> TaskConfig:
    config = component.find("raysearch.tasks", kind)()
    assert isinstance(config, TaskConfig)
    return config


def clean_for(task: TaskConfig, images: int = 3, blocks: int = 12) -> torch.Tensor:
    side = blocks * task.multiple_of
    return torch.rand(images, task.channels_stored, side, side + 2 * task.multiple_of, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_range_and_type(kind: str, generator: torch.Generator) -> None:
    task = task_of(kind)
    clean = clean_for(task)
    pair = task.degrade(clean, generator)
    assert pair.clean.shape == (3, task.channels, *clean.shape[2:])
    assert pair.clean.min() >= 0
    assert pair.clean.max() <= 1
    if task.channels_stored == task.channels and kind not in MOVED:
        assert torch.equal(pair.clean, clean)
    if task.paired:
        assert torch.equal(torch.cat([pair.clean, pair.degraded], dim=1), clean)
    assert task.gives_sigma == (pair.sigma_255 is not None)
    size = (clean.shape[2] // task.scale, clean.shape[3] // task.scale)
    assert pair.degraded.shape == (3, task.channels_in, *size)
    assert pair.degraded.dtype == torch.float32
    assert pair.degraded.isfinite().all()
    assert pair.degraded.abs().max() < 3
    assert task.gives_loss_sigma == (pair.loss_sigma_255 is not None)
    assert pair.sigma_255 is None or pair.hidden_sigma_255 is None
    if pair.loss_sigma_255 is not None:
        assert pair.loss_sigma_255.dtype == torch.float32
        assert pair.loss_sigma_255.shape in {(3, 1, 1, 1), (3, 1, *size)}
        assert pair.loss_sigma_255.min() >= 0
        assert pair.loss_sigma_255.max() <= 255


@pytest.mark.parametrize("kind", KINDS)
def test_the_clean_batch_is_not_written_to(kind: str, generator: torch.Generator) -> None:
    task = task_of(kind)
    clean = clean_for(task)
    before = clean.clone()
    task.degrade(clean, generator)
    assert torch.equal(clean, before)


@pytest.mark.parametrize("kind", KINDS)
def test_the_generator_is_the_only_randomness(kind: str) -> None:
    task = task_of(kind)
    clean = clean_for(task)
    torch.manual_seed(0)
    first = task.degrade(clean, torch.Generator().manual_seed(3))
    state = torch.get_rng_state()
    torch.manual_seed(1)
    second = task.degrade(clean, torch.Generator().manual_seed(3))
    assert torch.equal(first.degraded, second.degraded)
    torch.manual_seed(0)
    assert torch.equal(state, torch.get_rng_state()), "the global generator was used"


@pytest.mark.parametrize("kind", KINDS)
def test_channels_last_gives_the_same(kind: str) -> None:
    task = task_of(kind)
    clean = clean_for(task)
    first = task.degrade(clean, torch.Generator().manual_seed(3))
    second = task.degrade(clean.contiguous(memory_format=torch.channels_last), torch.Generator().manual_seed(3))
    assert torch.equal(first.degraded, second.degraded)


@pytest.mark.parametrize("kind", KINDS)
def test_levels_are_fixed_tasks_of_the_same_shape(kind: str, generator: torch.Generator) -> None:
    task = task_of(kind)
    levels = task.levels()
    assert levels
    for name, level in levels.items():
        assert name.strip()
        assert level.levels() == {name: level}, "a level evaluated at its own levels is itself"
        assert (level.channels, level.channels_in, level.scale) == (task.channels, task.channels_in, task.scale)
        assert level.multiple_of % task.multiple_of == 0, "what a level needs is cropped where it is evaluated"
        sigma_255 = level.degrade(clean_for(task), generator).sigma_255
        assert sigma_255 is None or sigma_255.unique().numel() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_json_round_trip(kind: str) -> None:
    task = task_of(kind)
    for config in (task, *task.levels().values()):
        assert type(config).parse(config.model_dump(mode="json")) == config


@pytest.mark.parametrize("kind", KINDS)
def test_the_docstring_says_range_and_source(kind: str) -> None:
    text = import_module(f"raysearch.tasks.{kind}").__doc__ or ""
    assert re.search(r"\b(19|20)\d\d\b", text), "no source"
    assert "[0, 1]" in text, "no range of values"


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_shape_is_caught_in_tests(kind: str, generator: torch.Generator) -> None:
    with pytest.raises(TypeCheckError):
        task_of(kind).degrade(torch.rand(3, 8, 8), generator)
