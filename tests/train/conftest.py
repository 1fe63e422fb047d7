"""A tiny corpus of generated photographs, and a trial that trains on it in a fraction of a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from raysearch.spec.trial import TrialConfig
from raysearch.train.state import TrialIO
from raysearch.train.world import SingleWorld

MakeTrial = Callable[..., TrialConfig]
MakeIO = Callable[..., TrialIO]


def write_photograph(path: Path, height: int, width: int, seed: int) -> None:
    """A smooth colour image with some texture, 8 bit."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / random.uniform(3, 9) + random.uniform(0, 6)) * np.cos(y / random.uniform(3, 9)) for _ in range(3)]
    image = 127 + 90 * np.stack(waves, -1) + random.normal(0, 5, (height, width, 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(image.clip(0, 255).astype(np.uint8)).save(path)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train: 3 photographs; validation: 2, one with odd sides; test: the sets ``near`` (3) and ``far`` (1)."""
    root = tmp_path_factory.mktemp("corpus")
    sizes = {"train": [(72, 88), (64, 90), (80, 80)], "validation": [(48, 40), (37, 51)], "near": [(40, 48)] * 3, "far": [(33, 45)]}
    seed = 0
    for folder, shapes in sizes.items():
        for number, (height, width) in enumerate(shapes):
            seed += 1
            write_photograph(root / folder / f"p{number}.png", height, width, seed)
    return root


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def make_trial(corpus: Path) -> MakeTrial:
    """Build a trial; keyword arguments replace whole top-level fields."""

    def make(**changes: object) -> TrialConfig:
        plain: dict[str, object] = {
            "data": {
                "kind": "folder",
                "train": [str(corpus / "train")],
                "validation": [str(corpus / "validation")],
                "test": {"near": [str(corpus / "near")], "far": [str(corpus / "far")]},
            },
            "patch": {"size": 32, "stride": 10},
            "task": {"kind": "joint_demosaic_denoise", "evaluate_at_255": [5.0, 15.0]},
            "model": {"kind": "deepjdd", "width": 4, "depth": 2, "padding": "same", "sigma_channel": True, "skip": "bilinear"},
            "sampler": "uniform",
            "recipe": {"kind": "supervised", "loss": "l2", "optimizer": {"kind": "adam", "lr": 1e-3}, "schedule": "cosine"},
            "steps": 12,
            "batch": 4,
            "evaluate": {"every": 4, "tile": 32, "samples": 2},
        }
        return TrialConfig.parse(plain | changes)

    return make


@pytest.fixture
def make_io(tmp_path: Path, cache: Path) -> MakeIO:
    def make(name: str = "trial", split: str = "validation") -> TrialIO:
        return TrialIO(tmp_path / name, cache, SingleWorld(), torch.device("cpu"), split)  # type: ignore[arg-type]

    return make
