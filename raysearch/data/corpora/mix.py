"""Several corpora as one: what to train on from some, what to select by from one, and test sets from others.

::

    data:
      kind: mix
      train:
        - {corpus: {kind: div2k, root: sets/DIV2K}, repeat: 20}   # its patches count twenty times in an epoch
        - {kind: vimeo90k, root: sets/vimeo_septuplet}
      validation: {kind: div2k, root: sets/DIV2K}
      test:
        - {kind: urban100, root: sets/Urban100}
        - {kind: cbsd68, root: sets/BSDS500}

Each corpus gives what it has for the purpose: its training photographs under ``train``, its held-out ones under ``validation``,
its test sets under ``test``. Without ``validation`` the held-out photographs of all training corpora select together. A
photograph of several training corpora is named after its corpus (``div2k/0001``). PatchNet's authors repeat DIV2K twenty times
beside Vimeo-90k.

What is trained on or selected by must not be tested on, nor trained on and selected by. Refused are, unless ``leaks: allow``:

- the same file in two splits, whatever its name;
- Berkeley's test photographs under their numbers (``101085``, of 481 x 321 pixels) in training or validation beside BSD100, CBSD68
  or BSD68, under whatever names these have;
- photographs of different corpora in two splits that look alike (`raysearch.data.lookalikes`): compared once, before a study.

Two splits of one corpus are its owner's affair; their pictures are not compared (Vimeo-90k trains and tests on the same videos).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SerializeAsAny, model_validator

from raysearch.component import Config as Base
from raysearch.component import Kind
from raysearch.data.base import SPLITS, CorpusConfig, Gathered, Photograph, Progress, Split
from raysearch.data.corpora._bsd import BSD100, CBSD68
from raysearch.data.corpora._published import PublishedConfig
from raysearch.data.decode import inspect
from raysearch.data.listing import refuse_shared
from raysearch.data.lookalikes import lookalikes
from raysearch.errors import DataError, NoSuchSplit

Corpus = Annotated[SerializeAsAny[CorpusConfig], Kind("raysearch.data.corpora")]

_MEMBERS: dict[str, tuple[str, ...]] = {"bsd100": BSD100, "cbsd68": CBSD68, "bsd68": CBSD68}
_CONSENT = "what is trained on or selected by must not be tested on; leave it out, or accept it with `leaks: allow`"


class Part(Base):
    """A corpus that is trained on; the corpus alone is short for ``{corpus: ...}``."""

    corpus: Corpus
    """Which one."""

    repeat: int = Field(1, ge=1, le=1000)
    """How often its patches count in an epoch."""

    @model_validator(mode="before")
    @classmethod
    def _from_corpus(cls, value: object) -> object:
        return (
            {"corpus": value} if isinstance(value, str | CorpusConfig) or (isinstance(value, dict) and "kind" in value) else value
        )


class Config(CorpusConfig):
    """Train, validation and test photographs of several corpora."""

    kind: Literal["mix"] = "mix"

    train: tuple[Part, ...] = Field(min_length=1)
    """The corpora to train on."""

    validation: Corpus | None = None
    """The corpus whose validation photographs select; those of all training corpora when it is not given."""

    test: tuple[Corpus, ...] = ()
    """The corpora to test on, each of which may have several sets."""

    leaks: Literal["refuse", "allow"] = "refuse"
    """What happens to a photograph that is in two splits."""

    @property
    def paired(self) -> bool:
        """Whether all of its corpora have pairs."""
        return all(corpus.paired for corpus in self._corpora())

    @property
    def related(self) -> bool:
        """Whether the pairs of all of its corpora show the same."""
        return all(corpus.related for corpus in self._corpora())

    def gather(self, split: Split) -> tuple[Gathered, ...]:
        """List the photographs of a split; the test split has the sets of all test corpora, in their order.

        Raises:
            NoSuchSplit: no test corpus is named, or a corpus has nothing for its purpose.
            DataError: see the corpora; or a photograph is in two splits; or two test sets have one name.
        """
        parts = {name: self._parts(name) if name == split else self._parts_if_any(name) for name in SPLITS}
        sets = {name: [found for _, found in chosen] for name, chosen in parts.items()}
        if self.leaks == "refuse":
            refuse_shared({name: _photographs(chosen) for name, chosen in sets.items()}, _CONSENT)
            _refuse_known(sets)
        return _distinct(sets["test"]) if split == "test" else (_joined(sets[split]),)

    def verify(self, cache: Path, progress: Progress) -> None:
        """Verify each corpus, and compare the pictures of different corpora in different splits.

        Raises:
            DataError: a corpus has changed, or photographs of two splits look alike.
        """
        for corpus in self._corpora():
            corpus.verify(cache, progress)
        if self.leaks == "allow":
            return
        parts = {name: self._parts_if_any(name) for name in SPLITS}
        for one, other in combinations(SPLITS, 2):
            for (ours, first), (theirs, second) in product(parts[one], parts[other]):
                if not _same_owner(ours, theirs):
                    _refuse_lookalikes(first, one, second, other, cache, progress)

    def _corpora(self) -> list[CorpusConfig]:
        chosen = [] if self.validation is None else [self.validation]
        return [*(part.corpus for part in self.train), *chosen, *self.test]

    def _parts(self, split: Split) -> list[tuple[CorpusConfig, Gathered]]:
        if split == "train":
            return [(part.corpus, _repeated(found, part.repeat)) for part in self.train for found in part.corpus.gather("train")]
        chosen = [part.corpus for part in self.train] if self.validation is None else [self.validation]
        corpora = self.test if split == "test" else chosen
        return [(corpus, found) for corpus in corpora for found in corpus.gather(split)]

    def _parts_if_any(self, split: Split) -> list[tuple[CorpusConfig, Gathered]]:
        try:
            return self._parts(split)
        except NoSuchSplit:
            return []  # who asks for this split is told


def _repeated(found: Gathered, repeat: int) -> Gathered:
    return replace(found, photographs=tuple(replace(p, repeat=repeat * p.repeat) for p in found.photographs))


def _photographs(sets: Iterable[Gathered]) -> list[Photograph]:
    return [photograph for found in sets for photograph in found.photographs]


def _joined(sets: Sequence[Gathered]) -> Gathered:
    """Make one set of several, whose photographs are named after them."""
    if len(sets) == 1:
        return sets[0]
    _distinct(sets)
    named = [replace(p, name=f"{found.dataset}/{p.name}") for found in sets for p in found.photographs]
    refused = tuple(entry for found in sets for entry in found.refused)
    return Gathered("+".join(found.dataset for found in sets), tuple(sorted(named, key=lambda p: p.name)), refused)


def _distinct(sets: Sequence[Gathered]) -> tuple[Gathered, ...]:
    if not sets:
        raise NoSuchSplit("no test set is named", place="data.test", remedy="name some: `test: [{kind: urban100, root: ...}]`")
    names = [found.dataset for found in sets]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(
            f"two sets are called {twice!r}", place="data", remedy="name each once; the corpus 'folder' names test sets"
        )
    return tuple(sets)


def _same_owner(one: CorpusConfig, other: CorpusConfig) -> bool:
    """Whether two corpora are one published set, maybe with other settings, or exactly the same."""
    return one == other or (type(one) is type(other) and isinstance(one, PublishedConfig))


def _refuse_known(parts: dict[Split, list[Gathered]]) -> None:
    """Refuse Berkeley's test photographs, known by their numbers, where they are tested on.

    Raises:
        DataError: names the first one.
    """
    tested = {number for found in parts["test"] for number in _MEMBERS.get(found.dataset, ())}
    for split in SPLITS[:2]:
        for photograph in _photographs(parts[split]):
            number = photograph.path.stem
            if number in tested and _is_berkeley(photograph):
                raise DataError(
                    f"the photograph {photograph.name} of {split} is number {number} of Berkeley's test photographs",
                    place=str(photograph.path),
                    remedy=_CONSENT,
                )


def _is_berkeley(photograph: Photograph) -> bool:
    header = inspect(photograph.path)
    return 470 <= max(header.width, header.height) <= 481 and 310 <= min(header.width, header.height) <= 321


def _refuse_lookalikes(first: Gathered, one: str, second: Gathered, other: str, cache: Path, progress: Progress) -> None:
    found = lookalikes(first.photographs, second.photographs, cache, progress)
    if found:
        pair = found[0]
        raise DataError(
            f"a photograph of {one} ({pair.first.path}) looks like one of {other} ({pair.second.path}), "
            f"likeness {pair.likeness:.2f}; {len(found)} such pairs are in {first.dataset} and {second.dataset}",
            place="data",
            remedy=f"look at them (`raysearch data inspect`): {_CONSENT}",
        )
