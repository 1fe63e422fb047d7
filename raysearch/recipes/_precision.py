"""The arithmetic of a forward pass."""

from __future__ import annotations

import torch

from raysearch.recipes.base import Precision

_DTYPES: dict[str, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def autocast_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """Return the type that a precision means on a device; see `Precision` for ``auto``."""
    if precision != "auto":
        return _DTYPES[precision]
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
