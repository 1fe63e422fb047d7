"""RENOIR: photographs in low light with real noise beside low-noise ones of the same scene, a training set of CBDNet.

Anaya and Barbu, RENOIR - A Dataset for Real Low-Light Image Noise Reduction, Journal of Visual Communication and Image
Representation 2018, arXiv:1409.8230. The root holds the aligned images of one to three cameras, ``Mi3_Aligned``, ``S90_Aligned``
and ``T3i_Aligned``, each with a folder for every scene (``Batch_001``) that has one ``...Reference.bmp``, noisy ones
(``...Noisy.bmp``) and a second low-noise image (``...full.bmp``), as the owner's archives unpack. For research.

Every noisy image is a pair with the scene's reference; the second low-noise image is not used (others average the two). The paper
counts "over 120 scenes", and no exact number of images is known here; so only a scene that lacks one of the two is refused. A
scene is a folder of one camera.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from raysearch.data.base import Gathered, Photograph, Split
from raysearch.data.corpora._published import require_folder
from raysearch.data.corpora._scenes import ScenesConfig, by_scene
from raysearch.data.listing import find_images
from raysearch.errors import DataError

_WHERE = "http://ani.stat.fsu.edu/~abarbu/Renoir.html"
_CAMERAS = ("Mi3_Aligned", "S90_Aligned", "T3i_Aligned")


class Config(ScenesConfig):
    """The pairs of all cameras whose folders are there, split by scene."""

    kind: Literal["renoir"] = "renoir"

    def gather(self, split: Split) -> tuple[Gathered, ...]:
        """List the pairs of a split, as one set; names are ``Mi3_Aligned/Batch_001/IMG_20160202_015247Noisy``.

        Raises:
            NoSuchSplit: no scene is held out for this split.
            DataError: the folder, an image or a counterpart is missing, a file is unreadable, or too many scenes are held out.
        """
        return by_scene(self, "renoir", self._pairs(), r"^([^/]+/[^/]+)/", split)

    def _pairs(self) -> list[Photograph]:
        require_folder(self.root, "renoir", _WHERE)
        cameras = [camera for camera in _CAMERAS if (self.root / camera).is_dir()]
        if not cameras:
            raise DataError(
                f"there is no folder {', '.join(_CAMERAS[:2])} or {_CAMERAS[2]}",
                place=str(self.root),
                remedy=f"unpack the aligned images of at least one camera there (the owner's place: {_WHERE})",
            )
        folders: dict[Path, list[Path]] = {}
        for camera in cameras:
            for photograph in find_images([self.root / camera], ("*Reference.bmp", "*Noisy.bmp")):
                folders.setdefault(photograph.path.parent, []).append(photograph.path)
        found = [pair for folder, files in folders.items() for pair in self._scene_of(folder, files)]
        return sorted(found, key=lambda pair: pair.name)

    def _scene_of(self, folder: Path, files: list[Path]) -> list[Photograph]:
        clean = [path for path in files if path.stem.lower().endswith("reference")]
        noisy = [path for path in files if path not in clean]
        if len(clean) != 1 or not noisy:
            raise DataError(
                f"a scene needs one reference and noisy images, and this one has {len(clean)} and {len(noisy)}",
                place=str(folder),
                remedy="unpack the camera's archive again",
            )
        return [Photograph(str(path.relative_to(self.root).with_suffix("")), clean[0], path) for path in noisy]
