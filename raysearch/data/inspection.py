"""What is in a corpus: counts, sizes and digests of its sets, photographs of two splits that look alike, scores of its patches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from raysearch.data.base import CorpusConfig, Gathered, Progress, Split
from raysearch.data.decode import inspect
from raysearch.data.first_seen import content_digest, present
from raysearch.data.index import PatchIndex
from raysearch.data.lookalikes import Lookalike, lookalikes
from raysearch.data.scores import SCORES, Score

BINS = 24
"""Bars of a histogram."""

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
"""Which quantiles of a score are told."""


@dataclass(frozen=True)
class SetFacts:
    """One set of photographs, from the headers of its files.

    Attributes:
        split: where it is used.
        dataset: its name in tables.
        photographs: how many.
        bytes: size of all files together (of pairs both images).
        megapixels: of all clean images together.
        smallest: (width, height) of the photograph with the fewest pixels, as stored; likewise ``largest``.
        bits: number of files by bits a sample.
        formats: number of files by suffix, in lower case.
        digest: of the contents, see `raysearch.data.first_seen`.
        refused: files that are left out, with the reason.
    """

    split: Split
    dataset: str
    photographs: int
    bytes: int
    megapixels: float
    smallest: tuple[int, int]
    largest: tuple[int, int]
    bits: Mapping[int, int]
    formats: Mapping[str, int]
    digest: str
    refused: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ScoreFacts:
    """How a score is distributed over the patches.

    Attributes:
        name: which score.
        mean: over all patches.
        quantiles: values at `QUANTILES`.
        edges: borders of the histogram's bars, evenly spaced in the logarithm above zero, (bars + 1,).
        counts: patches in each bar.
        zeros: patches with a score of exactly zero, which have no bar.
    """

    name: Score
    mean: float
    quantiles: tuple[float, ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    zeros: int


@dataclass(frozen=True)
class PatchFacts:
    """The patches of one set.

    Attributes:
        dataset: which set.
        size: side of a patch, in pixels.
        count: how many.
        scores: all static scores.
        samples: for each score patches from the lowest to the highest value, (n, channels, size, size), uint8 or uint16.
    """

    dataset: str
    size: int
    count: int
    scores: tuple[ScoreFacts, ...]
    samples: Mapping[Score, NDArray[np.integer]]


def set_facts(corpus: CorpusConfig, cache: Path) -> list[SetFacts]:
    """Describe every set of a corpus.

    Raises:
        DataError: photographs are missing or can't be read.
    """
    return [_facts(split, gathered, cache) for split, gathered in present(corpus)]


def _facts(split: Split, gathered: Gathered, cache: Path) -> SetFacts:
    files = [path for photograph in gathered.photographs for path in photograph.files]
    headers = {path: inspect(path) for path in files}
    sizes = [(headers[p.path].width, headers[p.path].height) for p in gathered.photographs]
    by_area = sorted(sizes, key=lambda size: size[0] * size[1])
    return SetFacts(
        split=split,
        dataset=gathered.dataset,
        photographs=len(sizes),
        bytes=sum(path.stat().st_size for path in headers),
        megapixels=round(sum(width * height for width, height in sizes) / 1e6, 3),
        smallest=by_area[0],
        largest=by_area[-1],
        bits=dict(sorted(Counter(header.bits for header in headers.values()).items())),
        formats=dict(sorted(Counter(path.suffix.lower() for path in headers).items())),
        digest=content_digest(files, cache),
        refused=tuple((str(path), reason) for path, reason in gathered.refused),
    )


def alike_across_splits(corpus: CorpusConfig, cache: Path, progress: Progress) -> list[tuple[Split, Split, Lookalike]]:
    """List photographs of two splits that look alike, the most alike first; those of an owner's own splits too.

    Raises:
        DataError: a photograph can't be read.
    """
    found = [
        (one, other, pair)
        for (one, first), (other, second) in combinations(present(corpus), 2)
        if one != other
        for pair in lookalikes(first.photographs, second.photographs, cache, progress)
    ]
    return sorted(found, key=lambda entry: -entry[2].likeness)


def patch_facts(
    corpus: CorpusConfig, cache: Path, progress: Progress, *, size: int, stride: int, channels: int, samples: int
) -> PatchFacts:
    """Cut the training photographs (of a corpus without: those of its first set) into patches and describe their scores.

    Args:
        cache: folder of cached files, shared by all runs.
        progress: called while photographs are decoded and cut.
        size: side of a patch, in pixels.
        stride: distance of neighbouring patches, in pixels.
        channels: 1 (grey) or 3 (RGB).
        samples: patches of each score that are shown.

    Raises:
        DataError: a photograph can't be read, or is smaller than a patch.
    """
    gathered = next(gathered for _, gathered in present(corpus))
    index = PatchIndex.open(
        gathered,
        cache,
        channels=channels,
        size=size,
        stride=stride,
        multiple_of=1,
        scores=frozenset(SCORES),
        progress=partial(progress, f"scoring the patches of {gathered.dataset}"),
    )
    facts: list[ScoreFacts] = []
    shown: dict[Score, NDArray[np.integer]] = {}
    for name in SCORES:
        values = index.scores(name)
        facts.append(_score_facts(name, values))
        order = np.argsort(values, kind="stable")
        places = np.linspace(0, len(order) - 1, samples).round().astype(int)
        shown[name] = index.read(torch.from_numpy(order[places])).numpy()
    return PatchFacts(gathered.dataset, size, index.count, tuple(facts), shown)


def _score_facts(name: Score, values: NDArray[np.float32]) -> ScoreFacts:
    positive = values[values > 0].astype(np.float64)
    low, high = (float(positive.min()), float(positive.max())) if len(positive) else (1.0, 1.0)
    edges = np.geomspace(low, high, BINS + 1) if low < high else np.array([low, low * (1 + 1e-6)])
    edges[0], edges[-1] = min(low, edges[0]), max(high, edges[-1])  # rounding must lose no patch
    counts, _ = np.histogram(positive, edges)
    return ScoreFacts(
        name=name,
        mean=float(values.astype(np.float64).mean()),
        quantiles=tuple(float(value) for value in np.quantile(values, QUANTILES)),
        edges=tuple(edges.tolist()),
        counts=tuple(int(count) for count in counts),
        zeros=int((values == 0).sum()),
    )
