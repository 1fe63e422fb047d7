"""Your own photographs: these folders are train, these are validation, these are test.

::

    data:
      kind: folder
      train: [photos/city, photos/forest]
      validation: photos/park              # or `hold_out: 12`: so many of train, spread evenly over their names
      test:
        set5: sets/set5
        nights: {folders: photos/all, include: ["night/**"], split_file: nights.txt}

PNG, JPEG, WebP, TIFF and BMP files, 8 or 16 bit, grey or colour, in nested folders; what decoding does with them stands in
`raysearch.data.decode`, and how they are named and chosen in `raysearch.data.listing`. The same photograph in two splits is
refused. A path is relative to where the command is started.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from raysearch.component import Config as Base
from raysearch.data.base import CorpusConfig, Gathered, Photograph, Split
from raysearch.data.listing import Policy, choose_listed, find_images, gathered, hold_out, refuse_shared
from raysearch.data.paths import AbsolutePath
from raysearch.errors import DataError, NoSuchSplit

SetName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""Name of a test set, as tables show it and folders are called."""


class FolderSet(Base):
    """One set of photographs; a path or a list of paths is short for ``{folders: ...}``."""

    model_config = ConfigDict(strict=False)  # strict tuples and paths refuse what the validators below let through

    folders: tuple[AbsolutePath, ...] = Field(min_length=1)
    """Where the photographs lie; nested folders are searched too. One path is fine as it is."""

    include: tuple[str, ...] = ()
    """Patterns of which a file must match one (``"*.png"``, ``"indoor/**"``); none stand for all image files."""

    exclude: tuple[str, ...] = ()
    """Patterns of which a file may match none."""

    split_file: AbsolutePath | None = None
    """A text file with one photograph a line; only these are used."""

    @model_validator(mode="before")
    @classmethod
    def _from_paths(cls, value: object) -> object:
        return {"folders": value} if isinstance(value, str | Path | list | tuple) else value

    @field_validator("folders", mode="before")
    @classmethod
    def _one_path(cls, value: object) -> object:
        return [value] if isinstance(value, str | Path) else value

    @property
    def name(self) -> str:
        """The folders' own names."""
        return "+".join(folder.name for folder in self.folders)

    def photographs(self) -> list[Photograph]:
        """List the photographs, sorted by name.

        Raises:
            DataError: a folder or the split file is missing, or there is no photograph.
        """
        found = find_images(self.folders, self.include, self.exclude)
        if self.split_file is not None:
            found = choose_listed(found, self.split_file)
        if not found:
            patterns = " that the patterns let through" if self.include or self.exclude else ""
            raise DataError(f"there is no image file{patterns}", place=", ".join(map(str, self.folders)))
        return found


class Config(CorpusConfig):
    """Folders of photographs, split by the user."""

    kind: Literal["folder"] = "folder"

    train: FolderSet | None = None
    """The photographs to train on; a part of a ``mix`` may do without."""

    validation: FolderSet | None = None
    """The photographs that a search selects by; with ``train`` either this or ``hold_out``."""

    hold_out: int | None = Field(None, ge=1)
    """Take so many photographs out of ``train`` for validation, always the same ones."""

    test: dict[SetName, FolderSet] = Field(default_factory=dict)
    """The photographs that only the confirmation sees, by the name of each set."""

    unreadable: Policy = "refuse"
    """What a file that can't be read does: ``refuse`` the whole set, or ``skip`` it and have it listed."""

    @model_validator(mode="after")
    def _one_validation(self) -> Self:
        if self.train is None and self.hold_out is not None:
            raise ValueError("`hold_out` takes photographs out of `train`, which is not given")
        if self.train is not None and (self.validation is None) == (self.hold_out is None):
            raise ValueError("give either `validation` (folders) or `hold_out` (a number of training photographs)")
        if self.train is None and self.validation is None and not self.test:
            raise ValueError("give at least one of `train`, `validation` and `test`")
        return self

    def gather(self, split: Split) -> tuple[Gathered, ...]:
        """List the photographs of a split; test has one set per name, sorted by name.

        Raises:
            NoSuchSplit: no folders are named for this split.
            DataError: a folder or a photograph is missing, a file is unreadable, or a photograph is in two splits.
        """
        sets = self._sets()
        refuse_shared({name: [p for photographs in chosen.values() for p in photographs] for name, chosen in sets.items()})
        if split == "test" and not self.test:
            raise NoSuchSplit("no test set is named", place="data.test", remedy="name one: `test: {my_set: path/to/folder}`")
        if not sets[split]:
            raise NoSuchSplit(
                f"no folder of {split} photographs is named", place=f"data.{split}", remedy=f"name one: `{split}: path`"
            )
        return tuple(gathered(name, photographs, self.unreadable) for name, photographs in sets[split].items())

    def _sets(self) -> dict[Split, dict[str, Sequence[Photograph]]]:
        sets: dict[Split, dict[str, Sequence[Photograph]]] = {"train": {}, "validation": {}, "test": {}}
        if self.train is not None:
            train = self.train.photographs()
            if self.hold_out is not None:
                sets["validation"][self.train.name], train = hold_out(train, self.hold_out)
            sets["train"][self.train.name] = train
        if self.validation is not None:
            sets["validation"][self.validation.name] = self.validation.photographs()
        sets["test"].update({name: self.test[name].photographs() for name in sorted(self.test)})
        return sets
