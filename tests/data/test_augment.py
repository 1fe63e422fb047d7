"""The eight symmetries of a square: all reached, all undone, equal to numpy's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from raysearch.data.augment import apply, augment, to_float, undo

COUNTS = {"none": 1, "flips": 4, "flips_and_rotations": 8}
DTYPES = [torch.uint8, torch.uint16, torch.float32]


def batch(dtype: torch.dtype, count: int = 64, height: int = 6, width: int = 6) -> torch.Tensor:
    values = np.random.default_rng(0).integers(0, 256, (count, 3, height, width))
    return torch.from_numpy(values).to(dtype)


@pytest.mark.parametrize("mode", COUNTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_undo_of_augment_is_the_identity_and_every_operation_is_reached(
    mode: str, dtype: torch.dtype, generator: torch.Generator
) -> None:
    patches = batch(dtype)
    augmented, operations = augment(patches, mode, generator)
    assert augmented.dtype == dtype
    assert operations.dtype == torch.int64
    assert set(operations.tolist()) == set(range(COUNTS[mode]))
    assert torch.equal(undo(augmented, operations), patches)


def test_operations_are_drawn_equally_often(generator: torch.Generator) -> None:
    _, operations = augment(torch.zeros(80_000, 1, 1, 1), "flips_and_rotations", generator)
    counts = torch.bincount(operations, minlength=8).double()
    assert ((counts - 10_000).square() / 10_000).sum() < 45  # chi-square with 7 degrees of freedom, alarm rate 1e-7


def test_the_eight_operations_are_the_symmetries_of_a_square() -> None:
    sample = batch(torch.uint8, count=1)
    results = apply(sample.repeat(8, 1, 1, 1), torch.arange(8)).numpy()
    image = sample[0].numpy()
    turned = [np.rot90(image, k, axes=(1, 2)) for k in range(4)]
    symmetries = turned + [np.flip(t, axis=2) for t in turned]
    for result in results:
        assert sum(np.array_equal(result, symmetry) for symmetry in symmetries) == 1
    assert len({result.tobytes() for result in results}) == 8


def test_all_channels_of_a_sample_turn_alike(generator: torch.Generator) -> None:
    plane = batch(torch.uint8)[:, :1]
    augmented, _ = augment(plane.repeat(1, 3, 1, 1), "flips_and_rotations", generator)
    assert torch.equal(augmented, augmented[:, :1].repeat(1, 3, 1, 1))


def test_maps_of_cells_follow_their_patches(generator: torch.Generator) -> None:
    patches = batch(torch.float32)
    augmented, operations = augment(patches, "flips_and_rotations", generator)
    cells = torch.nn.functional.avg_pool2d(augmented, 2)
    assert torch.equal(undo(cells, operations), torch.nn.functional.avg_pool2d(patches, 2))


def test_rectangles_can_be_mirrored_but_not_turned(generator: torch.Generator) -> None:
    patches = batch(torch.uint8, height=4)
    augmented, operations = augment(patches, "flips", generator)
    assert torch.equal(undo(augmented, operations), patches)
    with pytest.raises(ValueError, match="4 x 6; use mode 'flips'"):
        augment(patches, "flips_and_rotations", generator)
    with pytest.raises(ValueError, match="only square"):
        undo(patches, torch.full((64,), 4))


def test_same_generator_state_same_operations() -> None:
    first, second = (augment(batch(torch.uint8), "flips", torch.Generator().manual_seed(3))[1] for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize(("dtype", "white"), [(torch.uint8, 255), (torch.uint16, 65535)])
def test_to_float_maps_black_to_0_and_white_to_1(dtype: torch.dtype, white: int) -> None:
    values = torch.tensor([0, 1, white]).to(dtype).reshape(1, 1, 1, 3)
    expected = torch.tensor([0, 1 / white, 1], dtype=torch.float32).reshape(1, 1, 1, 3)
    assert torch.equal(to_float(values), expected)


def test_the_copying_path_of_cpus_equals_the_choosing_path_of_devices(generator: torch.Generator) -> None:
    patches = torch.rand(32, 3, 6, 6, generator=generator)
    operations = torch.arange(32) % 8
    chosen = apply(patches.clone().requires_grad_(), operations)  # a graph is built, so nothing is copied by hand
    assert torch.equal(chosen, apply(patches, operations))
