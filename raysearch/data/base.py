"""What a corpus is: photographs in three splits. No decoding happens here; see `raysearch.data.store`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from raysearch.component import Config

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Photograph:
    """A photograph that a corpus names.

    Attributes:
        name: unique within its corpus and split, stable, shown in reports (``rocket``; ``indoor/0012``).
        path: where the file lies.
    """

    name: str
    path: Path


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

    @abstractmethod
    def gather(self, split: Split) -> tuple[Gathered, ...]:
        """List the photographs of a split, one `Gathered` per set: exactly one for train and for validation.

        Raises:
            DataError: a folder or file is missing, a split is empty, or a file is unreadable and the policy is to refuse.
        """
