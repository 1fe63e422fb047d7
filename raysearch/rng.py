"""Named random generators derived from one seed; nothing in raysearch seeds a global generator.

``seed_of(3, "noise")`` is a fixed function of its arguments (SHA-256), so a new stream never shifts the existing ones, and the
streams of different names, trials or ranks are independent.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def seed_of(seed: int, *names: str | int) -> int:
    """Fold names, trial numbers or ranks into ``seed``; the result is in [0, 2**63)."""
    text = "/".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def torch_generator(seed: int, *names: str | int, device: str | torch.device = "cpu") -> torch.Generator:
    """Return a torch generator on ``device`` for the stream ``names``."""
    import torch

    generator = torch.Generator(device=device)
    generator.manual_seed(seed_of(seed, *names))
    return generator
