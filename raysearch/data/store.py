"""Photographs decoded once into one memory-mapped file, shared by all processes of a machine.

The file holds the images one after another as planes (channels, height, width) of uint8, or of uint16 when any image of the set has
16 bits a sample (8-bit ones are then multiplied by 257); those of a pair are stacked (`raysearch.data.planes`). It is named by a
digest of the files' bytes and of the decoding rules (`raysearch.data.decode`), so a changed photograph gives another store, and the
same photographs elsewhere give the same digest.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt
from numpy.typing import NDArray

from raysearch.data.base import Photograph
from raysearch.data.decode import RECIPE, Pixels, inspect, refusal
from raysearch.data.parallel import in_order
from raysearch.data.planes import clean_channels, files_read, read_planes
from raysearch.data.sealed import Facts, cached, digest_of, file_hashes
from raysearch.errors import DataError, PreflightError

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)`` while something is built, from the thread that asked for it."""

Stored = UInt[torch.Tensor, "b c h w"]
"""A batch of images as stored: uint8 (0..255) or uint16 (0..65535)."""


class PixelStore:
    """Decoded photographs; made by `PixelStore.open`.

    Attributes:
        names: the photographs' names, in the order of `image`.
        sizes: (height, width) of each, in pixels, upright.
        channels: 1 or 3; 2 or 6 of pairs.
        digest: 64 hexadecimal digits that name the files' content, their names, the channels and the decoding rules.
    """

    def __init__(self, path: Path, facts: Facts) -> None:
        self.path = path
        self.digest = str(facts["digest"])
        self.channels = int(facts["channels"])
        self.names: tuple[str, ...] = tuple(str(entry["name"]) for entry in facts["images"])
        self.sizes: tuple[tuple[int, int], ...] = tuple((int(entry["height"]), int(entry["width"])) for entry in facts["images"])
        dtype = np.dtype(np.uint16 if facts["bits"] == 16 else np.uint8)
        pixels = np.memmap(path, dtype, mode="r")
        self._views = [
            np.asarray(pixels[entry["offset"] : entry["offset"] + self.channels * h * w]).reshape(self.channels, h, w)
            for entry, (h, w) in zip(facts["images"], self.sizes, strict=True)
        ]

    @staticmethod
    def open(photographs: Sequence[Photograph], cache: Path, channels: int, progress: Progress | None = None) -> PixelStore:
        """Map the store of these photographs, decoding them first where that has not been done.

        Args:
            photographs: at least one; their order is kept.
            cache: folder of cached files, shared by all runs.
            channels: 1 (grey) or 3 (RGB); 2 or 6 for the clean and the degraded images of pairs, stacked.
            progress: called with the number of decoded photographs while the store is built.

        Raises:
            DataError: a file can't be read, or a pair has two sizes (all such files are named), or is wanted and is none.
            PreflightError: the disk of ``cache`` is too full.
        """
        if not photographs:
            raise DataError("there are no photographs to decode")
        digest = _digest(photographs, cache, channels)
        path = cache / "pixels" / f"{digest[:24]}.pixels"

        def build(draft: Path) -> Facts:
            return {"digest": digest, **_decode_all(photographs, draft, channels, progress)}

        return PixelStore(path, cached(path, build))

    @property
    def bits(self) -> int:
        """Bits a sample: 8 or 16."""
        return 8 * self._views[0].itemsize

    @property
    def clean_channels(self) -> int:
        """The first so many channels are the photograph; what follows is the degraded image of a pair."""
        return clean_channels(self.channels)

    def image(self, index: int) -> Stored:
        """Return a copy of one photograph, (1, channels, h, w), uint8 or uint16, on the CPU."""
        return torch.from_numpy(self._views[index].copy())[None]

    def view(self, index: int) -> Pixels:
        """Return one photograph as it lies in the file, (channels, h, w), read-only."""
        return self._views[index]

    def crops(self, images: NDArray[np.integer], ys: NDArray[np.integer], xs: NDArray[np.integer], size: int) -> Stored:
        """Copy squares out of the file into one new tensor (b, channels, size, size), uint8 or uint16, on the CPU.

        Args:
            images: positions of the photographs, (b,).
            ys: first row of each square, in pixels, (b,).
            xs: first column of each square, (b,).
            size: side of the squares, in pixels.
        """
        batch = torch.empty((len(images), self.channels, size, size), dtype=torch.uint8 if self.bits == 8 else torch.uint16)
        target = batch.numpy()
        for row, (image, y, x) in enumerate(zip(images.tolist(), ys.tolist(), xs.tolist(), strict=True)):
            target[row] = self._views[image][:, y : y + size, x : x + size]
        return batch


def _digest(photographs: Sequence[Photograph], cache: Path, channels: int) -> str:
    read = [files_read(photograph, channels) for photograph in photographs]
    content = iter(file_hashes([path for paths in read for path in paths], cache))
    named = [[p.name, *(next(content) for _ in paths)] for p, paths in zip(photographs, read, strict=True)]
    return digest_of([RECIPE, channels, named])


def _decode_all(photographs: Sequence[Photograph], draft: Path, channels: int, progress: Progress | None) -> Facts:
    headers = [inspect(path) for photograph in photographs for path in files_read(photograph, channels)]
    bits = max(header.bits for header in headers)
    values = sum(header.width * header.height for header in headers) * clean_channels(channels)
    _require_space(draft.parent, values * bits // 8)

    def work(photograph: Photograph) -> Pixels | DataError:
        try:
            return read_planes(photograph, channels, bits)
        except DataError as error:
            return error

    entries: list[dict[str, str | int]] = []
    damaged: list[DataError] = []
    offset = 0
    with draft.open("wb") as file:
        for done, (photograph, pixels) in enumerate(zip(photographs, in_order(work, photographs), strict=True), 1):
            if isinstance(pixels, DataError):
                damaged.append(pixels)
            elif not damaged:
                file.write(pixels.data)
                _, height, width = pixels.shape
                entries.append({"name": photograph.name, "offset": offset, "height": height, "width": width})
                offset += pixels.size
            if progress is not None:
                progress(done, len(photographs))
    if damaged:
        raise refusal(damaged)
    return {"channels": channels, "bits": bits, "images": entries}


def _require_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + (64 << 20):
        raise PreflightError(
            f"the decoded photographs need {needed / 2**30:.2f} GiB and the disk has {free / 2**30:.2f} GiB free",
            place=str(folder),
            remedy="free some space, or choose a cache folder on another disk",
        )
