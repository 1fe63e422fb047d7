"""SIDD-Medium: 320 pairs of smartphone photographs with real noise, a training set of real denoising.

Abdelhamed et al., A High-Quality Denoising Dataset for Smartphone Cameras, CVPR 2018. The root holds ``Data``, with one folder
for each of 160 scene instances (``0001_001_S6_00100_00060_3200_L``: instance, scene, phone, ISO, shutter, illuminant, brightness)
that has ``..._GT_SRGB_010.PNG`` and ``..._NOISY_SRGB_010.PNG``, and the same with ``011``, as the archive of the sRGB images
unpacks. For research and commercial use under the owner's licence.

The ten scenes are the same in SIDD's own validation and benchmark blocks. Those blocks are MATLAB files, which are not read here:
write the validation blocks as images and name them by the corpus ``pairs``; the benchmark's clean images are not public, its
server scores. Here whole scenes are held out.
"""

from __future__ import annotations

import re
from typing import Literal

from raysearch.data.base import Gathered, Photograph, Split
from raysearch.data.corpora._published import Published, inside, require_folder, wrong_number
from raysearch.data.corpora._scenes import ScenesConfig, by_scene
from raysearch.data.listing import find_images
from raysearch.errors import DataError

_SIDD = Published("sidd", 320, "https://abdokamel.github.io/sidd/")


class Config(ScenesConfig):
    """The 320 pairs, split by scene."""

    kind: Literal["sidd"] = "sidd"

    def gather(self, split: Split) -> tuple[Gathered, ...]:
        """List the pairs of a split, as one set; names are ``0001_001_S6_00100_00060_3200_L/010``.

        Raises:
            NoSuchSplit: no scene is held out for this split.
            DataError: the folder, an image or a counterpart is missing, a file is unreadable, or too many scenes are held out.
        """
        return by_scene(self, "sidd", self._pairs(), r"^\d+_(\d+)_", split)

    def _pairs(self) -> list[Photograph]:
        require_folder(self.root, "sidd", _SIDD.where)
        files = {p.path: p for p in find_images([inside(self.root, "Data")], ("*_GT_SRGB_*", "*_NOISY_SRGB_*"))}
        clean = [path for path in sorted(files) if "_GT_SRGB_" in path.name]
        found = []
        for path in clean:
            noisy = path.with_name(path.name.replace("_GT_SRGB_", "_NOISY_SRGB_"))
            if noisy not in files:
                raise DataError("this image has no noisy counterpart", place=str(path), remedy="unpack the whole archive")
            shot = re.sub(r".*_SRGB_", "", path.stem)
            found.append(Photograph(f"{path.parent.name}/{shot}", path, noisy))
        if len(found) != _SIDD.count:
            raise wrong_number(_SIDD, self.root, len(found), "pairs")
        return sorted(found, key=lambda pair: pair.name)
