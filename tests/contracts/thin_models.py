"""Every restoration network with few maps per layer, and images for it from the first task that fits it."""

from __future__ import annotations

from functools import cache

import torch
from pydantic import ValidationError
from torch import nn

from raysearch import component
from raysearch.errors import SpecError
from raysearch.models.base import Geometry, ModelConfig
from raysearch.tasks.base import Pair, TaskConfig

KINDS = component.names("raysearch.models")
THIN = {"width": 6, "tail_width": 6, "max_steps": 3}
DEPTH = 9
ENOUGH = 16
"""Side of an image, in pixels, that any task can degrade."""


def model_of(kind: str) -> ModelConfig:
    """The kind with few maps; its depth, and with it its geometry, is the default one, or `DEPTH` where it follows the channels."""
    default = component.find("raysearch.models", kind)
    options = {key: value for key, value in THIN.items() if key in default.model_fields}
    if "depth" in default.model_fields and default.model_fields["depth"].default is None:
        options["depth"] = DEPTH
    config = default.parse(options)
    assert isinstance(config, ModelConfig)
    return config


def all_tasks() -> list[TaskConfig]:
    """Every task at its defaults and, where it can be had for luma, for luma; those that enlarge come first."""
    found = []
    for kind in component.names("raysearch.tasks"):
        task = component.find("raysearch.tasks", kind)
        for options in ({}, {"color": "y"}):
            try:
                found.append(task.parse({"kind": kind, **options}))
            except ValidationError:
                assert options, f"the task {kind} has no defaults"
    return sorted((task for task in found if isinstance(task, TaskConfig)), key=lambda task: -task.scale)


@cache
def task_for(model: ModelConfig) -> TaskConfig:
    """The first task that the network can be built for, and whose images and noise level it accepts (a level, or none)."""
    side = some_size(model.geometry(), ENOUGH)
    generator = torch.Generator().manual_seed(7)
    for task in all_tasks():
        try:
            net = model.build(task.channels_in, task.channels, task.scale).eval()
            clean = torch.rand(1, task.channels_stored, side * task.scale, side * task.scale, generator=generator)
            pair = task.degrade(clean, generator)
            with torch.no_grad():
                net(pair.degraded, pair.sigma_255)
        except SpecError:
            continue
        return task
    raise AssertionError(f"no task fits {model}")


def build(model: ModelConfig, seed: int = 0) -> nn.Module:
    task = task_for(model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return model.build(task.channels_in, task.channels, task.scale)


def pair_for(model: ModelConfig, height: int, width: int, images: int = 2) -> Pair:
    """A pair of this size, cut from a larger one where it is too small for some task."""
    task = task_for(model)
    generator = torch.Generator().manual_seed(7)
    tall, wide = max(height, ENOUGH), max(width, ENOUGH)
    clean = torch.rand(images, task.channels_stored, tall * task.scale, wide * task.scale, generator=generator)
    pair = task.degrade(clean, generator)
    told, hidden = (None if sigma is None else sigma[..., :height, :width] for sigma in (pair.sigma_255, pair.hidden_sigma_255))
    seen = pair.clean[..., : height * task.scale, : width * task.scale]
    return Pair(pair.degraded[..., :height, :width].contiguous(), seen, told, hidden)


def some_size(geometry: Geometry, more: int = 0) -> int:
    """The smallest side that the network takes, enlarged by at least ``more``."""
    side = geometry.smallest + more
    return side + -side % geometry.multiple_of
