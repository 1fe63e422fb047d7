"""PolyU: a hundred crops of 512 x 512 pixels of real camera noise beside means of many shots.

Xu et al., Real-world Noisy Image Denoising: A New Benchmark, 2018, arXiv:1804.02603. The root (or its folder ``CroppedImages``)
holds ``Canon5D2_5_160_3200_chair_11_real.JPG`` and ``..._mean.JPG``; copies that have the two in the folders ``real`` and
``mean``, under one name, serve too. For research.

The mean stands for the clean image. Papers test on all hundred, as is done by default; ``use: split`` trains on them instead and
holds whole scenes out (the word before the last number: ``chair``), under whatever camera. JPEG files: the clean images are not
free of it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from raysearch.data.base import Gathered, Photograph, Split
from raysearch.data.corpora._published import Published, inside, no_such_split, require_folder, wrong_number
from raysearch.data.corpora._scenes import ScenesConfig, by_scene
from raysearch.data.listing import find_images, gathered
from raysearch.data.pair_set import PairSet
from raysearch.errors import DataError

_POLYU = Published("polyu", 100, "https://github.com/csjunxu/PolyU-Real-World-Noisy-Images-Dataset")


class Config(ScenesConfig):
    """The hundred pairs: all to test on, or split by scene."""

    kind: Literal["polyu"] = "polyu"

    use: Literal["test", "split"] = "test"
    """``test``: all are the test set. ``split``: they are trained on, but for the scenes of ``validation`` and ``test``."""

    def gather(self, split: Split) -> tuple[Gathered, ...]:
        """List the pairs of a split, as one set; names are ``Canon5D2_5_160_3200_chair_11``.

        Raises:
            NoSuchSplit: there is nothing for this split.
            DataError: the set is not complete, a file is unreadable, or too many scenes are held out.
        """
        if self.use == "split":
            return by_scene(self, "polyu", self._pairs(), r"_([A-Za-z]+)_\d+$", split)
        if split != "test":
            raise no_such_split("polyu", split, "set `use: split` to train on it, or name it as a test set in the corpus 'mix'")
        return (gathered("polyu", self._pairs(), "refuse"),)

    def _pairs(self) -> list[Photograph]:
        require_folder(self.root, "polyu", _POLYU.where)
        folder = inside(self.root, "CroppedImages")
        if (folder / "real").is_dir() and (folder / "mean").is_dir():
            found = PairSet(degraded=folder / "real", clean=folder / "mean").photographs()
        else:
            files = {p.path: p for p in find_images([folder], ("*_real.*", "*_mean.*"))}
            found = [_pair(path, files) for path in sorted(files) if path.stem.endswith("_mean")]
        if len(found) != _POLYU.count:
            raise wrong_number(_POLYU, self.root, len(found), "pairs")
        return sorted(found, key=lambda pair: pair.name)


def _pair(path: Path, files: dict[Path, Photograph]) -> Photograph:
    noisy = path.with_name(re.sub(r"_mean(\.[^.]+)$", r"_real\1", path.name))
    if noisy not in files:
        raise DataError("this image has no noisy counterpart", place=str(path), remedy="fetch the whole set")
    return Photograph(path.stem.removesuffix("_mean"), path, noisy)
