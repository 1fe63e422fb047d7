"""Named arrays as a compressed ``.npz`` without anything pickled; names may be any text (`numpy.savez` reserves some)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raysearch.train.atomic import write_atomically


def save_arrays(arrays: Mapping[str, NDArray[Any]], path: Path) -> None:
    """Write them; the file stands whole or not at all."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, values in arrays.items():
            with archive.open(f"{name}.npy", "w") as entry:
                np.lib.format.write_array(entry, values, allow_pickle=False)
    write_atomically(path, buffer.getvalue())
