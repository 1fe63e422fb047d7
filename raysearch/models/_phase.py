"""Which colour a Bayer mosaic holds at which pixel, for the networks that keep the measured values."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Bool
from torch import Tensor

from raysearch.errors import SpecError
from raysearch.shapes import Image

Phase = Literal["rggb", "grbg", "gbrg", "bggr"]
"""Colours of the top left 2x2 block, in reading order."""


def measured(kind: str, mosaic: Image, phase: Phase) -> Bool[Tensor, "1 3 h w"]:
    """Return the sites at which each colour was measured.

    Args:
        kind: name of the network, for the message.
        mosaic: three channels with zeros at the missing sites.
        phase: of the mosaic.

    Raises:
        SpecError: the mosaic holds a value where this phase measures none.
    """
    height, width = mosaic.shape[-2:]
    block = torch.tensor([[[phase[2 * row + column] == colour for column in (0, 1)] for row in (0, 1)] for colour in "rgb"])
    sites = block.repeat(1, height // 2 + 1, width // 2 + 1)[None, :, :height, :width].to(mosaic.device)
    if not mosaic.is_meta and bool(((mosaic != 0) & ~sites).any()):
        raise SpecError(
            f"model {kind!r} needs a Bayer mosaic of phase {phase!r}, but its input holds a value where that phase measures none",
            place="model.phase",
            remedy="give model and task the same phase; the tasks are demosaic and joint_demosaic_denoise",
        )
    return sites
