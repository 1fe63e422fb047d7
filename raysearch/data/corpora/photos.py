"""The colour photographs that scikit-image ships inside its package: a demonstration set that needs no download.

Nine photographs, split by photograph: the two pictures of the stereo pair ``motorcycle`` are both in the training set. Drawings,
logos and microscope details of under 0.1 megapixels are left out. Far too small to compare methods for publication.

Source: van der Walt et al., scikit-image: image processing in Python, PeerJ 2014; the licence of each picture is in that
package's ``data/README.txt``.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from raysearch.data.base import CorpusConfig, Gathered, Photograph, Split
from raysearch.data.listing import gathered
from raysearch.errors import DataError

FILES: dict[Split, tuple[str, ...]] = {
    "train": ("hubble_deep_field.jpg", "ihc.png", "motorcycle_left.png", "motorcycle_right.png", "retina.jpg"),
    "validation": ("rocket.jpg",),
    "test": ("astronaut.png", "chelsea.png", "coffee.png"),
}
"""The files of each split, sorted."""


class Config(CorpusConfig):
    """The demonstration set; it has no settings."""

    kind: Literal["photos"] = "photos"

    def gather(self, split: Split) -> tuple[Gathered, ...]:
        """List the photographs of a split, as one set named ``photos``.

        Raises:
            DataError: the installed scikit-image lacks one of them.
        """
        folder = _folder()
        photographs = [Photograph(Path(name).stem, folder / name) for name in FILES[split]]
        for photograph in photographs:
            if not photograph.path.is_file():
                raise DataError(
                    f"the installed scikit-image lacks the photograph {photograph.path.name!r}",
                    place=str(folder),
                    remedy="install scikit-image 0.25 or 0.26 from its wheel, or use the corpus 'folder'",
                )
        return (gathered("photos", photographs, "refuse"),)


def _folder() -> Path:
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise DataError(
            "scikit-image is not installed, and 'photos' are the photographs inside it", remedy="pip install scikit-image"
        )
    return Path(spec.origin).parent / "data"
