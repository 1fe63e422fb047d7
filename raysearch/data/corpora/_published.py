"""Data sets that others publish: what must be there, and what to say when it is not.

None of the owners publishes checksums of single files, as far as is known here, and copies in other containers (PNG for BMP, WebP
for PNG) are common. So a set is recognised by the number of its photographs, by their names where those are fixed, and by their
sizes in pixels where those are known; and what the first study found is remembered, content and all, so that a later change is
noticed (`raysearch.data.first_seen`). ``raysearch data inspect`` prints the digest of the contents.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from raysearch.data.base import CorpusConfig, Gathered, Photograph, Progress, Split
from raysearch.data.decode import inspect
from raysearch.data.first_seen import refuse_changed
from raysearch.data.listing import find_images, gathered, hold_out, refuse_shared
from raysearch.data.paths import AbsolutePath
from raysearch.errors import DataError, NoSuchSplit

_CUT = 11
"""A side may be so many pixels shorter: many copies are cut to multiples of 2, 3, 4, 8 or 12."""


@dataclass(frozen=True)
class Published:
    """A data set as its owner publishes it.

    Attributes:
        name: what tables call it.
        count: number of its photographs.
        where: where the owner publishes it; raysearch downloads nothing.
        sizes: the (longer side, shorter side) that a photograph may have, in pixels; empty where they vary too much.
        stems: the names that its photographs go by, without suffixes, one complete list for each scheme that is in use.
    """

    name: str
    count: int
    where: str
    sizes: tuple[tuple[int, int], ...] = ()
    stems: tuple[tuple[str, ...], ...] = ()


def find(published: Published, root: Path, include: Sequence[str] = ()) -> list[Photograph]:
    """List the photographs of a set, sorted by name.

    Where the folder holds more than the set, and all names of one of its schemes are there once, these are taken.

    Raises:
        DataError: the folder is missing, photographs are missing, there are too many, or one has another size.
    """
    require_folder(root, published.name, published.where)
    found = find_images([root], include)
    if len(found) > published.count:
        found = _of_one_scheme(published, found)
    if len(found) != published.count:
        raise _incomplete(published, root, found)
    _require_sizes(published, found)
    return found


def require_folder(folder: Path, name: str, where: str) -> None:
    """Refuse a missing folder and say where the set comes from.

    Raises:
        DataError: there is no such folder.
    """
    if not folder.is_dir():
        raise DataError(
            f"the data set {name} is not there: no such folder",
            place=str(folder),
            remedy=f"get it from its owner ({where}; raysearch downloads nothing) and unpack it there, or correct the path",
        )


def inside(root: Path, name: str) -> Path:
    """Return the sub-folder ``name`` of a root, or the root itself where it has none (some copies lack that level)."""
    return root / name if (root / name).is_dir() else root


def no_such_split(name: str, split: Split, remedy: str) -> NoSuchSplit:
    """Make the error of a set that has nothing for a split."""
    return NoSuchSplit(f"{name} has no {split} photographs", remedy=remedy)


def _of_one_scheme(published: Published, found: list[Photograph]) -> list[Photograph]:
    for stems in published.stems:
        chosen = [photograph for photograph in found if _stem(photograph) in stems]
        if sorted(map(_stem, chosen)) == sorted(stems):
            return chosen
    return found


def _stem(photograph: Photograph) -> str:
    return photograph.path.stem


def _incomplete(published: Published, root: Path, found: list[Photograph]) -> DataError:
    have = {_stem(photograph) for photograph in found}
    nearest = max(published.stems, key=lambda stems: len(have & set(stems)), default=())
    missing = [stem for stem in nearest if stem not in have] if have & set(nearest) else []
    named = f"; missing are {', '.join(missing[:5])}{' and others' if len(missing) > 5 else ''}" if missing else ""
    return wrong_number(published, root, len(found), "photographs", named)


def wrong_number(published: Published, root: Path, found: int, what: str, missing: str = "") -> DataError:
    """Make the error of a set that is not complete, or of a folder that holds more than the set."""
    more = "name the folder that holds the set alone, or choose files by `include` where the kind has it"
    less = f"complete the folder (the owner's place: {published.where}): numbers on a part don't compare with published ones"
    return DataError(
        f"{published.name} has {published.count} {what}, and {found} were found{missing}",
        place=str(root),
        remedy=f"{more if found > published.count else less}; the corpora 'folder' and 'pairs' take any photographs",
    )


def _require_sizes(published: Published, found: list[Photograph]) -> None:
    if not published.sizes:
        return
    for photograph in found:
        header = inspect(photograph.path)
        longer, shorter = max(header.width, header.height), min(header.width, header.height)
        if not any(0 <= a - longer <= _CUT and 0 <= b - shorter <= _CUT for a, b in published.sizes):
            expected = " or ".join(f"{a} x {b}" for a, b in published.sizes[:4])
            raise DataError(
                f"this photograph has {longer} x {shorter} pixels, and those of {published.name} have {expected}",
                place=str(photograph.path),
                remedy="use the photographs in their full size, as the owner publishes them",
            )


class PublishedConfig(CorpusConfig, ABC):
    """A published set in one folder; its content is remembered and must stay the same."""

    root: AbsolutePath
    """The folder that holds it."""

    def verify(self, cache: Path, progress: Progress) -> None:
        """Compare the contents of all files with what the first study found.

        Raises:
            DataError: they have changed.
        """
        refuse_changed(self, cache, progress)


class TestSetConfig(PublishedConfig, ABC):
    """A set that is only tested on. To train, name it in the corpus ``mix`` beside sets to train and validate on."""

    __test__ = False  # no test of pytest

    published: ClassVar[Published]
    """What must be there."""

    include: tuple[str, ...] = ()
    """Patterns of which a file must match one (``"*_HR.png"``), where the folder holds other images too."""

    def gather(self, split: Split) -> tuple[Gathered, ...]:
        """List the photographs to test on, as one set.

        Raises:
            NoSuchSplit: for train and validation.
            DataError: the set is not complete, or a file is unreadable.
        """
        return test_split(self.published, self.root, self.include, split)


def test_split(published: Published, root: Path, include: Sequence[str], split: Split) -> tuple[Gathered, ...]:
    """List the photographs of a test set, as one set.

    Raises:
        NoSuchSplit: for train and validation.
        DataError: the set is not complete, or a file is unreadable.
    """
    if split != "test":
        remedy = f"it is a test set; use the corpus 'mix': train and validation from others, test: [{published.name}]"
        raise no_such_split(published.name, split, remedy)
    return (gathered(published.name, find(published, root, include), "refuse"),)


class TrainingSetConfig(PublishedConfig, ABC):
    """A set that is trained on, without a test set of its own."""

    published: ClassVar[Published]
    """What must be there."""

    folder: ClassVar[str] = ""
    """The sub-folder that its archive unpacks to; the root serves where that is missing."""

    validation: int = Field(12, ge=0)
    """How many photographs are held out, spread evenly over the names; 0 for none."""

    def gather(self, split: Split) -> tuple[Gathered, ...]:
        """List the photographs of a split, as one set.

        Raises:
            NoSuchSplit: for test, and for validation where none are held out.
            DataError: the set is not complete, or a file is unreadable.
        """
        return training_split(self.published.name, find(self.published, inside(self.root, self.folder), ()), self.validation, split)


def training_split(name: str, photographs: list[Photograph], validation: int, split: Split) -> tuple[Gathered, ...]:
    """Hold photographs out of a training set and list those of a split.

    Raises:
        NoSuchSplit: for test, and for validation where none are held out.
        DataError: a photograph is in both, a file is unreadable, or nothing would remain to train on.
    """
    if split == "test":
        raise no_such_split(name, split, "it is a training set; use the corpus 'mix' and name test sets there")
    if validation == 0 and split == "validation":
        raise no_such_split(name, split, "hold some out (`validation: 12`), or take another corpus for validation in a 'mix'")
    held, rest = hold_out(photographs, validation) if validation else ([], photographs)
    refuse_shared({"train": rest, "validation": held})
    return (gathered(name, held if split == "validation" else rest, "refuse"),)
