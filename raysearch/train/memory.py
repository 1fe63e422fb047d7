"""The most memory that was needed since a moment: by the tensors on a GPU, or, on a CPU, by the whole process (on Linux only).

A process holds more than tensors: the interpreter, torch, and the photographs of the store that it looked at, which all trials of
a machine share. What one network costs more than another is in either number.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch

_RESET = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


def forget_peak(device: torch.device) -> bool:
    """Begin anew, since a process may train one trial after another; returns False where the system does not let it."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return True
    if not os.access(_RESET, os.W_OK):
        return False
    _RESET.write_text("5")  # the peak starts again from what is resident now
    return True


def peak_bytes(device: torch.device) -> int | None:
    """Return the most since `forget_peak`; None where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return _status("VmHWM") if os.access(_RESET, os.W_OK) else None


def resident_bytes() -> int:
    """Return what of this process is in memory now, on Linux."""
    return _status("VmRSS")


def _status(name: str) -> int:
    lines = _STATUS.read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
