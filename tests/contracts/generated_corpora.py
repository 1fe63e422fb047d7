"""Settings for every corpus, with generated images where it needs some."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from published_layouts import LAYOUTS


def write(path: Path, count: int, seed: int, side: int = 8) -> Path:
    path.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(path / f"{number:03}.png")
    return path


def photos(_: Path) -> dict[str, object]:
    return {}


def folder(root: Path) -> dict[str, object]:
    sets = {"one": write(root / "test one", 2, 3), "two": write(root / "test two", 3, 4)}
    data = {"train": write(root / "train", 5, 1), "validation": write(root / "validation", 2, 2)}
    return {**{split: str(path) for split, path in data.items()}, "test": {name: str(path) for name, path in sets.items()}}


def bsds500(root: Path) -> dict[str, object]:
    for seed, (name, count) in enumerate({"train": 10, "test": 10, "val": 100}.items()):
        write(root / name, count, seed)
    (root / "cbsd68.txt").write_text("\n".join(f"{number:03}" for number in range(68)))
    return {"root": str(root), "validation": 3}


def pair_set(root: Path, count: int, seed: int) -> dict[str, object]:
    return {"degraded": str(write(root / "degraded", count, seed)), "clean": str(write(root / "clean", count, seed + 50))}


def pairs(root: Path) -> dict[str, object]:
    return {"train": pair_set(root / "train", 6, 1), "hold_out": 2, "test": {"one": pair_set(root / "test", 2, 2)}}


def unpaired(root: Path) -> dict[str, object]:
    train = {"degraded": str(write(root / "real", 3, 1)), "clean": str(write(root / "good", 5, 2))}
    return {**train, "validation": pair_set(root / "validation", 2, 3), "test": {"one": pair_set(root / "test", 2, 4)}}


SETTINGS: dict[str, Callable[[Path], dict[str, object]]] = {
    "photos": photos,
    "folder": folder,
    "bsds500": bsds500,
    "pairs": pairs,
    "unpaired": unpaired,
    **LAYOUTS,
}
