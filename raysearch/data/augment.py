"""Flips and quarter turns of a batch, on its own device, and their inverse for maps that belong to it.

Each sample has its own operation, a number of three bits: 1 mirrors left and right, 2 mirrors top and bottom, 4 transposes (before
the mirrors). The eight numbers are the eight symmetries of a square; ``flips`` draws from the first four, which suit any shape,
``flips_and_rotations`` from all eight, which need square samples.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Int64, Shaped, UInt
from torch import Tensor

from raysearch.shapes import Image

Mode = Literal["none", "flips", "flips_and_rotations"]
Batch = Shaped[Tensor, "b c h w"]
Operations = Int64[Tensor, " b"]

_OPERATIONS: dict[Mode, int] = {"none": 1, "flips": 4, "flips_and_rotations": 8}
_ACROSS, _DOWN, _TRANSPOSE = 1, 2, 4


def augment(batch: Batch, mode: Mode, generator: torch.Generator) -> tuple[Batch, Operations]:
    """Apply a random operation to every sample.

    Args:
        batch: (b, c, h, w) of any type.
        mode: which operations may be drawn, all equally often.
        generator: draws them; it may live on another device than the batch.

    Returns:
        The batch and the operations (b,), int64 on the batch's device, for `undo`.

    Raises:
        ValueError: the samples are not square and the mode is ``flips_and_rotations``.
    """
    count = _OPERATIONS[mode]
    operations = torch.randint(count, (batch.shape[0],), generator=generator, device=generator.device).to(batch.device)
    return apply(batch, operations, square=count > 4) if count > 1 else batch, operations


def apply(batch: Batch, operations: Operations, *, square: bool = True) -> Batch:
    """Apply given operations; ``square=False`` promises that none of them transposes."""
    if square:
        _require_square(batch)
    plain = _as_movable(batch)
    if plain.device.type == "cpu" and not plain.requires_grad:
        return _copied(plain, operations).view(batch.dtype)
    if square:
        plain = _transpose(plain, operations)
    plain = _mirror(_mirror(plain, operations, _ACROSS), operations, _DOWN)
    return plain.view(batch.dtype)


def undo(maps: Batch, operations: Operations) -> Batch:
    """Turn maps that were computed from an augmented batch back, so that they lie as the patches lie in the photograph.

    Args:
        maps: (b, c, h, w) of any size (one value per pixel, or per cell).
        operations: as `augment` returned them.

    Raises:
        ValueError: the maps are not square and an operation transposes.
    """
    square = maps.shape[-1] == maps.shape[-2] or bool((operations & _TRANSPOSE).any())
    plain = _mirror(_mirror(_as_movable(maps), operations, _ACROSS), operations, _DOWN)
    if square:
        _require_square(maps)
        plain = _transpose(plain, operations)
    return plain.view(maps.dtype)


def to_float(batch: UInt[Tensor, "b c h w"]) -> Image:
    """Scale a stored batch to float32 in [0, 1]: uint8 by 255, uint16 by 65535."""
    return batch.to(torch.float32).div_(torch.iinfo(batch.dtype).max)


def _copied(batch: Batch, operations: Operations) -> Batch:
    """Apply operations sample by sample: on a CPU one copy of each is several times faster than three choices for all."""
    result = torch.empty_like(batch)
    source, target = batch.numpy(), result.numpy()
    for sample, operation in enumerate(operations.tolist()):
        turned = source[sample].swapaxes(-1, -2) if operation & _TRANSPOSE else source[sample]
        across, down = -1 if operation & _ACROSS else 1, -1 if operation & _DOWN else 1
        target[sample] = turned[:, ::down, ::across]
    return result


def _as_movable(batch: Batch) -> Batch:
    """View uint16 as int16: torch moves the bits of both alike, but knows no flip of the former."""
    return batch.view(torch.int16) if batch.dtype == torch.uint16 else batch


def _where(operations: Operations, bit: int, changed: Batch, same: Batch) -> Batch:
    return torch.where((operations & bit).bool()[:, None, None, None], changed, same)


def _mirror(batch: Batch, operations: Operations, bit: int) -> Batch:
    return _where(operations, bit, batch.flip(-1 if bit == _ACROSS else -2), batch)


def _require_square(batch: Batch) -> None:
    if batch.shape[-1] != batch.shape[-2]:
        raise ValueError(f"only square samples can be turned, these are {batch.shape[-2]} x {batch.shape[-1]}; use mode 'flips'")


def _transpose(batch: Batch, operations: Operations) -> Batch:
    return _where(operations, _TRANSPOSE, batch.transpose(-1, -2), batch)
