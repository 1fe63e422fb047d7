"""The perceptual loss against VGG-19 written out in torch's functions, with random weights in the form of the published ones."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import safetensors.torch
import torch
from pydantic import ValidationError
from torch.nn import functional

from raysearch.errors import DataError, SpecError
from raysearch.losses import perceptual
from raysearch.losses.base import Compared, Loss

CPU = torch.device("cpu")
PLAN = [64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512]  # maps of the convolutions up to conv4_1; 0 is a pooling


def published(seed: int = 0) -> dict[str, torch.Tensor]:
    """A state dict with the names of torchvision's, up to conv4_1, and a classifier that nobody reads."""
    generator = torch.Generator().manual_seed(seed)
    state, position, inputs = {"classifier.0.weight": torch.zeros(2, 2)}, 0, 3
    for maps in PLAN:
        if maps:
            state[f"features.{position}.weight"] = torch.randn(maps, inputs, 3, 3, generator=generator) / (9 * inputs) ** 0.5
            state[f"features.{position}.bias"] = torch.randn(maps, generator=generator) * 0.1
            inputs = maps
        position += 2 if maps else 1
    return state


def features(image: torch.Tensor, state: dict[str, torch.Tensor], convolutions: int, *, activated: bool) -> torch.Tensor:
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    maps = (image - mean[:, None, None]) / std[:, None, None]
    position = 0
    for plan in PLAN:
        if not plan:
            maps, position = functional.max_pool2d(maps, 2), position + 1
            continue
        maps = functional.conv2d(maps, state[f"features.{position}.weight"], state[f"features.{position}.bias"], padding=1)
        convolutions -= 1
        if convolutions == 0:
            return functional.relu(maps) if activated else maps
        maps, position = functional.relu(maps), position + 2
    raise AssertionError


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "vgg19.pth"
    torch.save(published(), path)
    return path


def build(weights: Path, **settings: object) -> Loss:
    return perceptual.Config.parse({"weights": str(weights), "layer": "conv3_1", **settings}).build(CPU)


def images(generator: torch.Generator, size: int = 16, channels: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    restored, clean = torch.rand(2, 2, channels, size, size + 4, generator=generator)
    return restored, clean


@pytest.mark.parametrize(("layer", "count", "cell"), [("conv1_1", 1, 1), ("conv2_2", 4, 2), ("conv3_4", 8, 4), ("conv4_1", 9, 8)])
@pytest.mark.parametrize("activated", [True, False])
def test_formula(weights: Path, layer: str, count: int, cell: int, activated: bool, generator: torch.Generator) -> None:
    restored, clean = images(generator)
    state = published()
    difference = features(restored, state, count, activated=activated) - features(clean, state, count, activated=activated)
    for error, expected in (("l2", difference.square()), ("l1", difference.abs())):
        found = build(weights, layer=layer, activated=activated, error=error).terms(Compared(restored, clean))["perceptual"]
        if cell < 8:  # 20 columns are no multiple of 8
            torch.testing.assert_close(found[:, 0, ::cell, ::cell], expected.mean(1), rtol=1e-4, atol=1e-6)
        assert found.shape == (2, 1, 16, 20)
        assert float(found.mean()) == pytest.approx(float(expected.mean()), rel=1e-4 if cell < 8 else 0.2)


def test_a_grey_image_is_three_times_its_channel(weights: Path, generator: torch.Generator) -> None:
    restored, clean = images(generator, channels=1)
    grey = build(weights).terms(Compared(restored, clean))["perceptual"]
    wide = build(weights).terms(Compared(restored.expand(-1, 3, -1, -1), clean.expand(-1, 3, -1, -1)))["perceptual"]
    assert torch.equal(grey, wide)


def test_only_the_restored_image_learns(weights: Path, generator: torch.Generator) -> None:
    restored, clean = (image.requires_grad_() for image in images(generator))
    build(weights).terms(Compared(restored, clean))["perceptual"].sum().backward()
    assert restored.grad is not None
    assert restored.grad.any()
    assert clean.grad is None


def test_safetensors_and_names_without_prefix(tmp_path: Path, weights: Path, generator: torch.Generator) -> None:
    pair = images(generator)
    bare = {name.removeprefix("features."): value for name, value in published().items()}
    safetensors.torch.save_file(bare, tmp_path / "vgg.safetensors")
    one, other = (build(path).terms(Compared(*pair))["perceptual"] for path in (weights, tmp_path / "vgg.safetensors"))
    assert torch.equal(one, other)


def test_the_hash_is_checked_when_it_is_known(tmp_path: Path, weights: Path) -> None:
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    build(weights, sha256=digest)
    build(weights, sha256=digest[:8])
    with pytest.raises(DataError, match=f"have the SHA-256 {digest}, which does not begin with 00000000"):
        build(weights, sha256="00000000")
    good, bad = tmp_path / f"vgg19-{digest[:8]}.pth", tmp_path / "vgg19-dcbb9e9d.pth"
    for path in (good, bad):
        path.write_bytes(weights.read_bytes())
    build(good)
    with pytest.raises(DataError, match="does not begin with dcbb9e9d"):
        build(bad)
    with pytest.raises(ValidationError):
        perceptual.Config.parse({"weights": str(weights), "sha256": "dcbb"})


def test_other_files_are_refused(tmp_path: Path, weights: Path) -> None:
    with pytest.raises(DataError, match="can't be read"):
        build(tmp_path / "none.pth")
    state = published()
    del state["features.7.bias"]
    torch.save(state, tmp_path / "short.pth")
    with pytest.raises(DataError, match=r"holds no VGG-19: features.7.bias is missing"):
        build(tmp_path / "short.pth")
    torch.save(published() | {"features.2.weight": torch.zeros(64)}, tmp_path / "odd.pth")
    with pytest.raises(DataError, match=r"features.2.weight has the shape \(64,\), not \(64, 64, 3, 3\)"):
        build(tmp_path / "odd.pth")


def test_patches_smaller_than_a_feature_are_refused(weights: Path, generator: torch.Generator) -> None:
    with pytest.raises(SpecError, match="at least 8 pixels at layer conv4_1, not 7"):
        build(weights, layer="conv4_1").terms(Compared(*images(generator, size=7)))
