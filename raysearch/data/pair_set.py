"""Sets of pairs in folders, and their split by scene."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from raysearch.component import Config as Base
from raysearch.data.base import Photograph
from raysearch.data.listing import choose_listed, find_images
from raysearch.data.paths import AbsolutePath
from raysearch.errors import DataError


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    return pattern


ScenePattern = Annotated[str, AfterValidator(_compiles)]
"""A regular expression that finds the scene in a photograph's name: its first group, or the whole match where it has none."""


class PairSet(Base):
    """A folder of degraded and a folder of clean images; the two of a pair have the same name (suffixes may differ)."""

    degraded: AbsolutePath
    """The folder of degraded images; nested ones are searched too."""

    clean: AbsolutePath
    """The folder of their clean counterparts."""

    include: tuple[str, ...] = ()
    """Patterns of which the files of a pair must match one (``"canon_*"``); none stand for all pairs."""

    exclude: tuple[str, ...] = ()
    """Patterns of which they may match none."""

    split_file: AbsolutePath | None = None
    """A text file with one name a line; only these pairs are used."""

    @model_validator(mode="after")
    def _two_folders(self) -> Self:
        if self.degraded == self.clean:
            raise ValueError("degraded and clean are the same folder")
        return self

    @property
    def name(self) -> str:
        """The name of the folder that holds the two, or of the degraded images' folder."""
        return self.degraded.parent.name if self.degraded.parent == self.clean.parent else self.degraded.name

    def photographs(self) -> list[Photograph]:
        """List the pairs, sorted by name.

        Raises:
            DataError: a folder or the split file is missing, there is no pair, or an image has no counterpart.
        """
        degraded, clean = (self._found(folder) for folder in (self.degraded, self.clean))
        names = sorted(degraded.keys() & clean.keys())
        alone = sorted(degraded.keys() ^ clean.keys())
        if alone:
            has, lacks = (self.degraded, self.clean) if alone[0] in degraded else (self.clean, self.degraded)
            raise DataError(
                f"{len(alone)} of {len(alone) + len(names)} images have no counterpart, the first is {alone[0]!r} of {has}",
                place=str(lacks),
                remedy="give both images of a pair the same name, or choose pairs by include, exclude or split_file",
            )
        if not names:
            raise DataError("there is no pair of images", place=str(self.degraded))
        return [Photograph(name, clean[name].path, degraded[name].path) for name in names]

    def _found(self, folder: AbsolutePath) -> dict[str, Photograph]:
        found = find_images([folder], self.include, self.exclude)
        if self.split_file is not None:
            found = choose_listed(found, self.split_file)
        return {photograph.name: photograph for photograph in found}


def scene_of(name: str, pattern: str | None) -> str:
    """Return the scene that a photograph's name tells; without a pattern every photograph is a scene of its own.

    Raises:
        DataError: the pattern does not match.
    """
    if pattern is None:
        return name
    match = re.search(pattern, name)
    if match is None:
        raise DataError(f"the pattern of scenes {pattern!r} does not match {name!r}", remedy="correct `scene`")
    return match.group(1 if match.re.groups else 0)


def hold_out_scenes(
    photographs: Sequence[Photograph], count: int, pattern: str | None
) -> tuple[list[Photograph], list[Photograph]]:
    """Split photographs into those of ``count`` scenes, spread evenly over the sorted scenes, and the rest; always the same ones.

    Raises:
        DataError: nothing would remain.
    """
    scenes = sorted({scene_of(photograph.name, pattern) for photograph in photographs})
    if count >= len(scenes):
        raise DataError(f"{count} of {len(scenes)} scenes can't be held out: none would remain", remedy="hold out fewer")
    held = {scenes[(2 * k + 1) * len(scenes) // (2 * count)] for k in range(count)}
    return (
        [photograph for photograph in photographs if scene_of(photograph.name, pattern) in held],
        [photograph for photograph in photographs if scene_of(photograph.name, pattern) not in held],
    )


def refuse_shared_scenes(splits: Mapping[str, Sequence[str]], pattern: str | None) -> None:
    """Refuse a scene that is in two splits.

    Args:
        splits: names of photographs by split.
        pattern: finds the scene in a name; without one nothing is checked.

    Raises:
        DataError: names the scene and the two splits.
    """
    if pattern is None:
        return
    seen: dict[str, str] = {}
    for split, names in splits.items():
        for scene in sorted({scene_of(name, pattern) for name in names}):
            other = seen.setdefault(scene, split)
            if other != split:
                raise DataError(
                    f"photographs of the scene {scene!r} are in {other} and in {split}",
                    remedy="choose whole scenes by include and exclude: crops of one scene look alike",
                )
