"""Real pairs: a folder of degraded images, and a folder of their clean counterparts under the same names.

::

    data:
      kind: pairs
      train: {degraded: polyu/real, clean: polyu/mean}
      hold_out: 3                          # scenes for validation; or `validation: {degraded: ..., clean: ...}`
      hold_out_test: 4                     # scenes to test on; or `test: {my_set: {degraded: ..., clean: ...}}`
      scene: '_([A-Za-z]+)_\\d+$'           # in a name such as Canon5D2_5_160_3200_chair_11 the scene is `chair`

Crops of one scene look alike, so a scene belongs into one split: ``scene`` finds it in a name, whole scenes are held out, and one
that is in two splits is refused. Without ``scene`` every pair counts as a scene of its own. The images of a pair must have the same
size. Made for the task ``real``; a task that degrades photographs itself uses the clean ones.

Source of the layout: Xu et al., "Real-world noisy image denoising: a new benchmark", 2018, arXiv:1804.02603, whose crops are
published as two folders of the same names. A path is relative to where the command is started.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from raysearch.data.base import CorpusConfig, Gathered, Photograph, Split
from raysearch.data.corpora.folder import SetName
from raysearch.data.listing import Policy, gathered, refuse_shared
from raysearch.data.pair_set import PairSet, ScenePattern, hold_out_scenes, refuse_shared_scenes
from raysearch.errors import NoSuchSplit


class Config(CorpusConfig):
    """Folders of pairs, split by the user or by scene."""

    kind: Literal["pairs"] = "pairs"

    train: PairSet | None = None
    """The pairs to train on; a part of a ``mix`` may do without."""

    validation: PairSet | None = None
    """The pairs that a search selects by; with ``train`` either this or ``hold_out``."""

    hold_out: int | None = Field(None, ge=1)
    """Take so many scenes out of ``train`` for validation, always the same ones."""

    test: dict[SetName, PairSet] = Field(default_factory=dict)
    """The pairs that only the confirmation sees, by the name of each set."""

    hold_out_test: int | None = Field(None, ge=1)
    """Take so many scenes out of ``train`` as the test set, before validation is taken; instead of ``test``."""

    scene: ScenePattern | None = None
    """A regular expression whose first group is the scene in a pair's name; null makes every pair a scene."""

    unreadable: Policy = "refuse"
    """What a file that can't be read does, or a pair of two sizes: ``refuse`` the whole set, or ``skip`` it and have it listed."""

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if self.train is None and (self.hold_out is not None or self.hold_out_test is not None):
            raise ValueError("`hold_out` and `hold_out_test` take scenes out of `train`, which is not given")
        if self.train is not None and (self.validation is None) == (self.hold_out is None):
            raise ValueError("give either `validation` (folders) or `hold_out` (a number of scenes)")
        if self.train is None and self.validation is None and not self.test:
            raise ValueError("give at least one of `train`, `validation` and `test`")
        if self.test and self.hold_out_test is not None:
            raise ValueError("give either `test` (folders) or `hold_out_test` (a number of scenes)")
        return self

    @property
    def paired(self) -> bool:
        """Yes."""
        return True

    def gather(self, split: Split) -> tuple[Gathered, ...]:
        """List the pairs of a split; test has one set per name, sorted by name.

        Raises:
            NoSuchSplit: no folders are named for this split.
            DataError: a folder or the counterpart of an image is missing, a file is unreadable, a pair has two sizes, or a pair or
                a scene is in two splits.
        """
        sets = self._sets()
        everything: dict[str, list[Photograph]] = {s: [p for found in chosen.values() for p in found] for s, chosen in sets.items()}
        refuse_shared(everything)
        refuse_shared_scenes({name: [p.name for p in photographs] for name, photographs in everything.items()}, self.scene)
        if split == "test" and not sets["test"]:
            remedy = "name one: `test: {my_set: {degraded: ..., clean: ...}}`, or hold scenes out: `hold_out_test: 4`"
            raise NoSuchSplit("no test set is named", place="data.test", remedy=remedy)
        if not sets[split]:
            remedy = f"name them: `{split}: {{degraded: ..., clean: ...}}`"
            raise NoSuchSplit(f"no folders of {split} pairs are named", place=f"data.{split}", remedy=remedy)
        return tuple(gathered(name, photographs, self.unreadable) for name, photographs in sets[split].items())

    def _sets(self) -> dict[Split, dict[str, Sequence[Photograph]]]:
        sets: dict[Split, dict[str, Sequence[Photograph]]] = {"train": {}, "validation": {}, "test": {}}
        sets["test"].update({name: self.test[name].photographs() for name in sorted(self.test)})
        if self.train is not None:
            train = self.train.photographs()
            if self.hold_out_test is not None:
                sets["test"][self.train.name], train = hold_out_scenes(train, self.hold_out_test, self.scene)
            if self.hold_out is not None:
                sets["validation"][self.train.name], train = hold_out_scenes(train, self.hold_out, self.scene)
            sets["train"][self.train.name] = train
        if self.validation is not None:
            sets["validation"][self.validation.name] = self.validation.photographs()
        return sets
