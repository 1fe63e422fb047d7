"""DIV2K: 800 photographs of 2K size to train on and 100 to validate on, the training set of super-resolution.

Agustsson and Timofte, NTIRE 2017 Challenge on Single Image Super-Resolution: Dataset and Study, CVPR Workshops 2017. The root
holds ``DIV2K_train_HR`` with ``0001`` to ``0800`` and ``DIV2K_valid_HR`` with ``0801`` to ``0900``; a folder of 900 files does as
well. For research only. Its small versions are not read: the task makes them.

The challenge kept its own test photographs. So of the 100 the first ten (EDSR's choice, 0801 to 0810) select, and the others are
the test set ``div2k_valid``; with ``validation: 0`` all hundred are tested on, and nothing may be selected by them.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from raysearch.data.base import Gathered, Photograph, Split
from raysearch.data.corpora._published import Published, PublishedConfig, find, inside, no_such_split
from raysearch.data.listing import gathered

_WHERE = "https://data.vision.ee.ethz.ch/cvl/DIV2K/"
_TRAIN = Published("div2k", 800, _WHERE, stems=(tuple(f"{k:04}" for k in range(1, 801)),))
_VALID = Published("div2k_valid", 100, _WHERE, stems=(tuple(f"{k:04}" for k in range(801, 901)),))


class Config(PublishedConfig):
    """800 photographs to train on, the first of the next hundred to select by, the others to test on."""

    kind: Literal["div2k"] = "div2k"

    validation: int = Field(10, ge=0, le=99)
    """How many of 0801 to 0900, from the first on, select; the others are tested on."""

    def gather(self, split: Split) -> tuple[Gathered, ...]:
        """List the photographs of a split; names are ``0001`` to ``0900``.

        Raises:
            NoSuchSplit: for validation where it has none.
            DataError: a folder or a photograph is missing, or unreadable.
        """
        if split == "train":
            return (gathered("div2k", self._part(_TRAIN, "DIV2K_train_HR"), "refuse"),)
        if split == "validation" and self.validation == 0:
            raise no_such_split("div2k", split, "set `validation: 10`, or take another corpus for validation in a 'mix'")
        valid = self._part(_VALID, "DIV2K_valid_HR")
        chosen = valid[: self.validation] if split == "validation" else valid[self.validation :]
        return (gathered("div2k_valid", chosen, "refuse"),)

    def _part(self, published: Published, folder: str) -> list[Photograph]:
        return find(published, inside(self.root, folder))
