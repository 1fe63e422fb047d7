"""Sample images for the report: ``<dataset>/<level>/<image>/{input,clean,restored}.png``, 8 bit.

All three show the same pixels (a valid network's margin is cut from all). Images are clipped to [0, 1] and rounded. A Bayer mosaic
is shown in its colours, dark where nothing was measured; luma is shown as a grey image. The input of super-resolution is as small
as it is; but where a margin is cut, its pixels are repeated to the size of the others first. Names become folder names by
`raysearch.train.files.folder_name`.
"""

from __future__ import annotations

from pathlib import Path

from raysearch.shapes import Image
from raysearch.spec.trial import TrialConfig
from raysearch.tasks.base import Pair
from raysearch.train import png
from raysearch.train.evaluate import Unit, central
from raysearch.train.files import folder_name


class SampleWriter:
    """A witness of the evaluation that keeps evenly spread photographs of each set.

    Args:
        folder: where the images go.
        trial: says how many photographs of each set are kept.
    """

    def __init__(self, folder: Path, trial: TrialConfig) -> None:
        self._folder = folder
        self._count = trial.evaluate.samples
        self._margin = trial.model.geometry().margin
        self._scale = trial.task.scale

    def wants(self, unit: Unit) -> bool:
        """Whether the photograph is one of those kept; equal on all ranks."""
        return unit.number in spread(len(unit.images.names), self._count)

    def see(self, unit: Unit, pair: Pair, restored: Image) -> None:
        """Write the three images."""
        folder = self._folder.joinpath(*map(folder_name, (unit.images.dataset, unit.level, unit.images.names[unit.number])))
        folder.mkdir(parents=True, exist_ok=True)
        degraded = pair.degraded
        if self._margin:
            degraded = central(degraded.repeat_interleave(self._scale, 2).repeat_interleave(self._scale, 3), self._margin)
        for name, image in (("input", degraded), ("clean", central(pair.clean, self._margin)), ("restored", restored)):
            (folder / f"{name}.png").write_bytes(png.encode(image[0], 8))


def spread(available: int, wanted: int) -> frozenset[int]:
    """Return ``wanted`` of the numbers 0..available-1, evenly spread (all of them when there are no more)."""
    if wanted >= available:
        return frozenset(range(available))
    return frozenset((2 * i + 1) * available // (2 * wanted) for i in range(wanted))
