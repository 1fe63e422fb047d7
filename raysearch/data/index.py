"""The table of training patches: where each lies, and how much there is to see in it.

Patches stand on a plain grid: the first at (0, 0), neighbours ``stride`` apart, none that would reach over the border and none
shifted inward to cover it. So the counts are those of the papers (a photograph of 2040 x 1356 pixels has 17 x 11 patches of 96 at a
stride of 120), and what lies beyond the last whole patch is not trained on. Where the stride does not keep the phase of a Bayer
mosaic, positions are rounded down to the next multiple.

A photograph may count several times (`raysearch.data.base.Photograph.repeat`): its patches then stand in the table as often, one
round after another.

The table is an Arrow file in the cache, memory-mapped: columns image, y, x, size (int32) and one float32 column per score.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raysearch.data.base import Gathered
from raysearch.data.parallel import in_order
from raysearch.data.scores import Score, patch_scores
from raysearch.data.sealed import Facts, cached, digest_of
from raysearch.data.store import PixelStore, Progress, Stored
from raysearch.errors import DataError, SpecError
from raysearch.shapes import Rows

_VERSION = 1  # of the table's layout and of the scores' formulas


class PatchIndex:
    """Patches of a set of photographs; made by `PatchIndex.open`.

    Attributes:
        store: the photographs' pixels.
        size: side of a patch, in pixels.
        table: the memory-mapped Arrow table, one row per patch, photograph by photograph in reading order.
        digest: 64 hexadecimal digits that name the pixels and the cut (not the scores).
    """

    def __init__(self, store: PixelStore, path: Path, size: int, digest: str) -> None:
        self.store = store
        self.size = size
        self.digest = digest
        with pa.memory_map(str(path)) as file:
            self.table: Any = pa.ipc.open_file(file).read_all().combine_chunks()
        self._image, self._y, self._x = (self._column(name) for name in ("image", "y", "x"))

    @staticmethod
    def open(
        gathered: Gathered,
        cache: Path,
        *,
        channels: int,
        size: int,
        stride: int,
        multiple_of: int,
        scores: frozenset[Score],
        progress: Progress | None = None,
    ) -> PatchIndex:
        """Map the patches of these photographs, decoding and cutting first where that has not been done.

        Args:
            gathered: one split of a corpus.
            cache: folder of cached files, shared by all runs.
            channels: 1 (grey) or 3 (RGB); 2 or 6 for pairs, which are scored by their clean image.
            size: side of a square patch, in pixels.
            stride: distance of neighbouring patches, in pixels.
            multiple_of: first rows and columns are multiples of this (2 for a Bayer mosaic).
            scores: the score columns that are wanted.
            progress: called as (done, total) while something is built; every photograph counts twice (decoded, cut).

        Raises:
            DataError: a photograph can't be read, or is smaller than a patch.
            SpecError: ``size`` is no multiple of ``multiple_of``.
        """
        if size % multiple_of:
            raise SpecError(f"patch size {size} is no multiple of {multiple_of}", remedy=f"choose {size - size % multiple_of}")
        count = len(gathered.photographs)
        decoding = None if progress is None else lambda done, _: progress(done, 2 * count)
        store = PixelStore.open(gathered.photographs, cache, channels, decoding)
        _require_room(store, size)
        repeats = [photograph.repeat for photograph in gathered.photographs]
        digest = digest_of([_VERSION, store.digest, size, stride, multiple_of, *([repeats] if set(repeats) != {1} else [])])
        path = cache / "patches" / f"{digest[:24]}{''.join(f'.{name}' for name in sorted(scores))}.arrow"

        def build(draft: Path) -> Facts:
            cutting = None if progress is None else lambda done: progress(count + done, 2 * count)
            table = pa.concat_tables(_cut(store, repeats, size, stride, multiple_of, sorted(scores), cutting)).combine_chunks()
            with pa.OSFile(str(draft), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)
            return {"digest": digest, "patches": table.num_rows}

        cached(path, build)
        return PatchIndex(store, path, size, digest)

    @property
    def count(self) -> int:
        """Number of patches."""
        return len(self._image)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the photographs, by the number that the column ``image`` holds."""
        return self.store.names

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """(height, width) of each photograph, in pixels."""
        return self.store.sizes

    def scores(self, name: Score) -> NDArray[np.float32]:
        """Return a copy of a score column, (count,), float32; the formulas are in `raysearch.data.scores`.

        Raises:
            DataError: the index was opened without this score.
        """
        if name not in self.table.column_names:
            raise DataError(f"the patch index has no score {name!r} (columns: {', '.join(self.table.column_names)})")
        return self._column(name).copy()

    def read(self, rows: Rows) -> Stored:
        """Copy patches out of the store: (b, channels, size, size), uint8 or uint16, on the CPU."""
        image, y, x = self.locate(rows)
        return self.store.crops(image, y, x, self.size)

    def locate(self, rows: Rows) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """Return the photograph's number, first row and first column (pixels) of patches, each (b,), int32.

        Raises:
            IndexError: a row is not in [0, count).
        """
        at = rows.cpu().numpy()
        if len(at) and (at.min() < 0 or at.max() >= self.count):
            raise IndexError(f"rows must be in [0, {self.count}), got {at.min()} to {at.max()}")
        return self._image[at], self._y[at], self._x[at]

    def _column(self, name: str) -> NDArray[Any]:
        values = self.table.column(name).chunk(0)
        dtype = np.float32 if pa.types.is_float32(values.type) else np.int32
        return np.frombuffer(values.buffers()[1], dtype, len(values), values.offset * 4)  # to_numpy() would import pandas: 27 MiB


def grid(height: int, width: int, size: int, stride: int, multiple_of: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first rows and the first columns of the patches of one photograph, in pixels."""
    rows, columns = (
        np.unique(np.arange(0, side - size + 1, stride, dtype=np.int64) // multiple_of * multiple_of) for side in (height, width)
    )
    return rows, columns


def _cut(
    store: PixelStore, repeats: list[int], size: int, stride: int, multiple_of: int, scores: list[Score], cutting: Any
) -> Iterator[Any]:
    def work(image: int) -> Any:
        ys, xs = grid(*store.sizes[image], size, stride, multiple_of)
        shape = (len(ys), len(xs))
        columns: dict[str, NDArray[Any]] = {
            "image": np.full(shape, image, np.int32),
            "y": np.broadcast_to(ys[:, None], shape).astype(np.int32),
            "x": np.broadcast_to(xs[None, :], shape).astype(np.int32),
            "size": np.full(shape, size, np.int32),
        }
        for name in scores:
            columns[name] = patch_scores(store.view(image)[: store.clean_channels], ys, xs, size, name)
        table = pa.table({name: values.ravel() for name, values in columns.items()})
        return pa.concat_tables([table] * repeats[image])

    for done, table in enumerate(in_order(work, range(len(store.sizes))), 1):
        yield table
        if cutting is not None:
            cutting(done)


def _require_room(store: PixelStore, size: int) -> None:
    small = [(name, h, w) for name, (h, w) in zip(store.names, store.sizes, strict=True) if min(h, w) < size]
    if small:
        name, height, width = min(small, key=lambda entry: min(entry[1:]))
        others = f" (and {len(small) - 1} more photographs are too small)" if len(small) > 1 else ""
        raise DataError(
            f"photograph {name!r} has {height} x {width} pixels (height x width), less than a patch of {size} x {size}{others}",
            remedy=f"set patch.size to at most {min(height, width)}, or leave the photograph out",
        )
