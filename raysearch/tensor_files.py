"""Files of named tensors, as they are published: PyTorch's, safetensors, NumPy's npz. Nothing that a file holds is ever run.

Of a pickle only tensors and plain containers are built (``torch.load(weights_only=True)``); any other object in it is refused.
Repositories wrap the weights of a network in a mapping (``params``, ``state_dict``, ``model``, ...), with counters and options
beside them: the one mapping of tensors is found, and where there are several the caller must say which.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import pickle
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from raysearch.errors import DataError, did_you_mean

_NPY = ".npy"


@dataclass(frozen=True)
class TensorFile:
    """The tensors of a file.

    Attributes:
        tensors: by name, on the CPU, in the order of the file.
        key: where they stood in the file, dotted; empty at the top.
        ordered: whether that order is the one in which they were written; safetensors files sort theirs.
        sha256: of the whole file.
    """

    tensors: dict[str, Tensor]
    key: str
    ordered: bool
    sha256: str


def read(path: Path, key: str | None = None) -> TensorFile:
    """Read the tensors of a network.

    Args:
        path: the file.
        key: which mapping of tensors, dotted, where there are several (``params_ema``).

    Raises:
        DataError: see `read_all`; or there are several mappings of tensors and no key that names one.
    """
    found = {file.key: file for file in read_all(path)}
    return found[_chosen(found, key, path)]


def read_all(path: Path) -> tuple[TensorFile, ...]:
    """Read every mapping of tensors in a file; what kind of file it is shows in its content.

    Raises:
        DataError: it can't be read, or holds something else than tensors.
    """
    try:
        blob = path.read_bytes()
    except OSError as error:
        raise DataError(f"weights {path} can't be read: {error.strerror or error}", remedy="correct the path") from error
    content, ordered = _parsed(blob, path)
    digest = hashlib.sha256(blob).hexdigest()
    found = tuple(TensorFile(tensors, key, ordered, digest) for key, tensors in _mappings(content, ""))
    if not found:
        raise DataError(f"{path} holds no named tensors", remedy="give a state dict, a safetensors file or an npz")
    return found


def _parsed(blob: bytes, path: Path) -> tuple[object, bool]:
    """Return the content of a file, and whether it keeps an order."""
    try:
        if _is_npz(blob):
            with np.load(io.BytesIO(blob), allow_pickle=False) as arrays:
                return {name: torch.from_numpy(np.array(arrays[name])) for name in arrays.files}, True
        if _is_safetensors(blob):
            return safetensors.torch.load(blob), False
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():  # a namespace of options is inert
            warnings.filterwarnings("ignore", "Detected pickle protocol")
            return torch.load(io.BytesIO(blob), map_location="cpu", weights_only=True), True
    except pickle.UnpicklingError as error:
        found = re.search(r"Unsupported (?:global|class):? (?:GLOBAL )?(\S+)", str(error))
        what = (
            f"holds a Python object ({found[1]}) beside tensors" if found else "is no file of tensors, or holds Python objects too"
        )
        raise DataError(
            f"{path} {what}",
            remedy="nothing but tensors is loaded: ask the author for a plain state dict, or convert the file where you trust it",
        ) from error
    except (ValueError, TypeError, EOFError, RuntimeError, OSError, zipfile.BadZipFile, safetensors.SafetensorError) as error:
        raise DataError(f"{path} is no whole file of tensors: {_first_line(error)}", remedy="fetch it again") from error


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else type(error).__name__


def _is_npz(blob: bytes) -> bool:
    if not zipfile.is_zipfile(io.BytesIO(blob)):
        return False
    with zipfile.ZipFile(io.BytesIO(blob)) as archive:
        return all(name.endswith(_NPY) for name in archive.namelist())


def _is_safetensors(blob: bytes) -> bool:
    """Say whether a file begins with the length of a JSON header, eight bytes, and the header."""
    length = int.from_bytes(blob[:8], "little")
    if not 2 <= length <= len(blob) - 8:
        return False
    try:
        return isinstance(json.loads(blob[8 : 8 + length]), dict)
    except ValueError:
        return False


def _mappings(content: object, key: str) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Find the mappings that hold tensors themselves, at any depth."""
    if isinstance(content, argparse.Namespace):
        return
    items = content.items() if isinstance(content, Mapping) else enumerate(content) if isinstance(content, list | tuple) else ()
    inside = [(str(name), value) for name, value in items]
    if isinstance(content, Mapping):
        tensors = {name: value for name, value in inside if isinstance(value, Tensor)}
        if tensors:
            yield key, tensors
    for name, value in inside:
        if not isinstance(value, Tensor):
            yield from _mappings(value, f"{key}.{name}" if key else name)


def _chosen(found: Mapping[str, TensorFile], key: str | None, path: Path) -> str:
    if key is None and len(found) == 1:
        return next(iter(found))
    if key is None:
        raise DataError(
            f"{path} holds several sets of tensors: {', '.join(name or '(the top)' for name in found)}",
            remedy="say which with the option --key",
        )
    if key not in found:
        raise DataError(f"{path} holds no tensors under {key!r}{did_you_mean(key, found)}")
    return key
