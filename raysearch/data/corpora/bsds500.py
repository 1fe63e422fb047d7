"""The Berkeley segmentation photographs as denoising papers use them: 400 to train on, CBSD68 or BSD100 to test on.

Arbelaez et al., Contour Detection and Hierarchical Image Segmentation, IEEE TPAMI 2011. The 400 photographs of its folders
``train`` and ``test`` are the training set of DnCNN (Zhang et al., IEEE TIP 2017); its folder ``val`` holds the 100 photographs of
BSD100, 68 of which are CBSD68 (grey: BSD68). The root folder has the sub-folders ``train``, ``test`` and ``val`` (as
``BSDS500/data/images`` of the owner's archive). The 68 are known by their numbers, unless a file ``cbsd68.txt`` in the root names
them.

A fixed number of the 400, spread evenly over their names, is held out for validation. No setting can put ``val`` into training.
Nothing is downloaded: the photographs' licence is for research.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from raysearch.data.base import Gathered, Photograph, Split
from raysearch.data.corpora._bsd import CBSD68
from raysearch.data.corpora._published import PublishedConfig, require_folder
from raysearch.data.listing import choose_listed, find_images, gathered, hold_out, refuse_shared
from raysearch.errors import DataError

_WHERE = "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html"
_TESTED = {"cbsd68": 68, "bsd100": 100}


class Config(PublishedConfig):
    """Where the photographs lie and which of them are the test set."""

    kind: Literal["bsds500"] = "bsds500"

    validation: int = Field(12, ge=1, le=200)
    """How many of the 400 training photographs are held out."""

    test: Literal["cbsd68", "bsd100"] = "cbsd68"
    """Which photographs of ``val`` are tested on."""

    def gather(self, split: Split) -> tuple[Gathered, ...]:
        """List the photographs of a split; names are ``train/100075``, ``test/100007``, and ``101085`` for the test set.

        Raises:
            DataError: a folder or a photograph is missing, unreadable, or in two splits.
        """
        require_folder(self.root, "bsds500", _WHERE)
        held, rest = hold_out(find_images([self.root / "train", self.root / "test"]), self.validation)
        tested = find_images([self.root / "val"])
        refuse_shared({"train": rest, "validation": held, "test": tested})
        if split == "test":
            return (gathered(self.test, self._tested(tested), "refuse"),)
        return (gathered("bsds500", rest if split == "train" else held, "refuse"),)

    def _tested(self, photographs: list[Photograph]) -> list[Photograph]:
        listed = self.root / "cbsd68.txt"
        if self.test == "bsd100":
            chosen = photographs
        elif listed.exists():
            chosen = choose_listed(photographs, listed)
        else:
            chosen = [photograph for photograph in photographs if photograph.path.stem in CBSD68]
        if len(chosen) != _TESTED[self.test]:
            raise DataError(
                f"{self.test} has {_TESTED[self.test]} photographs, and {len(chosen)} were found",
                place=str(self.root),
                remedy="complete the folder (other sets don't compare with published numbers), or use the corpus 'folder'",
            )
        return chosen
