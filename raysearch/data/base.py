"""What a corpus is: photographs in three splits. No decoding happens here; see `raysearch.data.store`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from raysearch.component import Config

Progress = Callable[[str, int, int], None]
"""Called as (what, done, total) while something long is done."""

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Photograph:
    """A photograph that a corpus names, or a pair of them: a real degraded image and its clean counterpart.

    Attributes:
        name: unique within its corpus and split, stable, shown in reports (``rocket``; ``indoor/0012``).
        path: where the file lies; of a pair, the clean one.
        degraded: the degraded image of a pair, which only a task with `raysearch.tasks.base.TaskConfig.paired` reads.
        related: the two images of a pair show the same scene, pixel by pixel. False: they have nothing to do with each other, and
            both are cut to the size that they have in common.
        repeat: how often each of its patches stands in an epoch of training.
    """

    name: str
    path: Path
    degraded: Path | None = None
    related: bool = True
    repeat: int = 1

    @property
    def files(self) -> tuple[Path, ...]:
        """Its one or two files, the clean one first."""
        return (self.path,) if self.degraded is None else (self.path, self.degraded)


@dataclass(frozen=True)
class Gathered:
    """The photographs of one split.

    Attributes:
        dataset: the name that tables show for this set (``photos``, ``urban100``). A test split may hold several sets.
        photographs: sorted by name.
        refused: files that can't be read, with the reason.
    """

    dataset: str
    photographs: tuple[Photograph, ...]
    refused: tuple[tuple[Path, str], ...]


class CorpusConfig(Config, ABC):
    """Where photographs come from and how they are split. No photograph may appear in two splits."""

    @property
    def paired(self) -> bool:
        """Whether its photographs are pairs of a degraded and a clean image."""
        return False

    @property
    def related(self) -> bool:
        """Whether the two images of every pair show the same; False where those of the training pairs don't."""
        return True

    @abstractmethod
    def gather(self, split: Split) -> tuple[Gathered, ...]:
        """List the photographs of a split, one `Gathered` per set: exactly one for train and for validation.

        Raises:
            NoSuchSplit: the corpus has no such split; others may be fine.
            DataError: a folder or file is missing, a split is empty, or a file is unreadable and the policy is to refuse.
        """

    def verify(self, cache: Path, progress: Progress) -> None:
        """Check what takes too long for every `gather`; called once, before a study's first trial.

        Args:
            cache: folder of cached files, where what was found is remembered.
            progress: called while photographs are read.

        Raises:
            DataError: the photographs are not what they should be.
        """
