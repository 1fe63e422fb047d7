"""Which tensor of a published file belongs where in a network: by name, else by order and shape.

Tensors of the same name and shape belong together. Where names differ, both sides are laid out as sequences (a weight before its
bias, then the statistics of a batch norm) and the network's is sought in the file's, shape by shape and role by role; a layer whose
shapes occur once on both sides is found wherever it stands. Only a match that can't be read otherwise is taken for granted: every
tensor of the network found, every one of the file used, in an order that the file really keeps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from raysearch.errors import SpecError
from raysearch.tensor_files import TensorFile

ROLES = ("weight", "bias", "running_mean", "running_var")
"""Last parts of names that say what a tensor is, in the order in which torch keeps them."""

_WRAPPERS = ("module.", "_orig_mod.", "net.", "model.", "network.", "generator.")
_COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class Matching:
    """What was found.

    Attributes:
        pairs: (name in the network, name in the file).
        by: whether names or the order decided.
        missing: names in the network that the file has nothing for.
        unused: names in the file that the network has no place for.
        doubt: why another reading is possible; empty when none is.
    """

    pairs: tuple[tuple[str, str], ...]
    by: Literal["name", "order"]
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    doubt: str = ""

    @property
    def certain(self) -> bool:
        """Whether everything has its place and there is no doubt."""
        return bool(self.pairs) and not (self.missing or self.unused or self.doubt)


def match(file: TensorFile, target: Mapping[str, Tensor]) -> Matching:
    """Find a place for every tensor of a file.

    Args:
        file: what was published.
        target: the state of the network. Counters of batches are left out on both sides.

    Raises:
        SpecError: a tensor has the name of one of the network's, but another shape.
    """
    wanted = {name: tensor for name, tensor in target.items() if not name.endswith(_COUNTER)}
    given = {name: tensor for name, tensor in file.tensors.items() if not name.endswith(_COUNTER)}
    by_name = _by_name(given, wanted)
    return by_name if by_name is not None else _by_order(given, wanted, file.ordered)


def _by_name(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Matching | None:
    """Match equal names, a wrapper's prefix apart; None when there are hardly any."""
    bare = {_unwrapped(name, wanted): name for name in given}
    common = [name for name in wanted if name in bare]
    if 2 * len(common) <= len(wanted):
        return None
    for name in common:
        have, need = tuple(given[bare[name]].shape), tuple(wanted[name].shape)
        if have != need:
            raise SpecError(
                f"{bare[name]} has the shape {_shape(have)} in the file and {_shape(need)} in the network",
                place="model",
                remedy="give the model the depth, width and channels of the published one",
            )
    used = {bare[name] for name in common}
    missing = tuple(name for name in wanted if name not in bare)
    return Matching(tuple((name, bare[name]) for name in common), "name", missing, tuple(n for n in given if n not in used))


def _unwrapped(name: str, wanted: Mapping[str, Tensor]) -> str:
    while name not in wanted:
        prefix = next((prefix for prefix in _WRAPPERS if name.startswith(prefix)), None)
        if prefix is None:
            break
        name = name.removeprefix(prefix)
    return name


def _by_order(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor], ordered: bool) -> Matching:
    """Match sequences: the best over the orders in which the file can be read."""
    targets = [_Entry.of(name, tensor) for name, tensor in wanted.items()]
    readings = list(_readings([_Entry.of(name, tensor) for name, tensor in given.items()], ordered))
    found = [_aligned(sources, targets, doubt) for sources, doubt in readings]
    best = max(found, key=lambda matching: (matching.certain, len(matching.pairs), not matching.doubt))
    others = {matching.pairs for matching in found if matching.certain}
    if len(others) > 1:
        return _doubted(best, "the order of the file and that of the numbers in its names disagree")
    return best


def _doubted(matching: Matching, doubt: str) -> Matching:
    return Matching(matching.pairs, matching.by, matching.missing, matching.unused, doubt)


@dataclass(frozen=True)
class _Entry:
    """A tensor as a member of a sequence."""

    name: str
    shape: tuple[int, ...]
    role: str

    @staticmethod
    def of(name: str, tensor: Tensor) -> _Entry:
        role = name.rpartition(".")[2]
        return _Entry(name, tuple(tensor.shape), role if role in ROLES else "")

    def fits(self, other: _Entry) -> bool:
        return self.shape == other.shape and (not self.role or not other.role or self.role == other.role)

    @property
    def series(self) -> str:
        """The name without its numbers and its role; the members of one numbered series of layers share it."""
        return re.sub(r"\d+", "#", self.name.removesuffix(self.role))

    @property
    def place(self) -> tuple[tuple[int, ...], int]:
        """Where the tensor stands in its series."""
        numbers = tuple(int(found) for found in re.findall(r"\d+", self.name))
        return numbers, ROLES.index(self.role) if self.role else len(ROLES)


def _readings(entries: list[_Entry], ordered: bool) -> Iterator[tuple[list[_Entry], str]]:
    """Yield the orders in which a file can be read, each with what speaks against it."""
    if ordered:
        yield entries, "" if _rising(entries) else "the numbers in the file's names are out of order"
    if len({entry.series for entry in entries}) == 1:
        yield sorted(entries, key=lambda entry: entry.place), ""
    elif not ordered:
        natural = sorted(entries, key=lambda entry: (entry.series, entry.place))
        yield natural, "the file keeps no order, and its names are several series"


_Shapes = tuple[tuple[str, tuple[int, ...]], ...]
"""Roles and shapes of a layer's tensors."""


def _rising(entries: Sequence[_Entry]) -> bool:
    """Say whether the numbers in names rise along the file, among the names that are alike but for their numbers."""
    last: dict[tuple[str, str], tuple[int, ...]] = {}
    for entry in entries:
        numbers, kind = entry.place[0], (entry.series, entry.role)
        if numbers < last.get(kind, ()):
            return False
        last[kind] = numbers
    return True


def _aligned(sources: list[_Entry], targets: list[_Entry], doubt: str) -> Matching:
    """Seek the targets in the sources, both in their order, as many as possible; layers that one place alone fits, anywhere."""
    alone = _only_ones(sources, targets)
    taken, given = {i for i, _ in alone}, {j for _, j in alone}
    left, open_ = [i for i in range(len(sources)) if i not in taken], [j for j in range(len(targets)) if j not in given]
    rest, wanted = [sources[i] for i in left], [targets[j] for j in open_]
    found = _longest(rest, wanted)
    pairs = sorted([*alone, *((left[i], open_[j]) for i, j in found)], key=lambda pair: pair[1])
    used, placed = {i for i, _ in pairs}, {j for _, j in pairs}
    missing = tuple(target.name for j, target in enumerate(targets) if j not in placed)
    unused = tuple(source.name for i, source in enumerate(sources) if i not in used)
    if (missing or unused) and found and not doubt and _longest(rest[::-1], wanted[::-1]) != _mirrored(found, rest, wanted):
        doubt = "several places fit, since neighbouring layers have the same shapes"
    named = tuple((targets[j].name, sources[i].name) for i, j in pairs)
    return Matching(named, "order", missing, unused, doubt)


def _only_ones(sources: list[_Entry], targets: list[_Entry]) -> list[tuple[int, int]]:
    """Return the pairs of positions of layers whose shapes, of weight and bias and so on, occur once on either side."""
    theirs, ours = _layers(sources), _layers(targets)
    found: list[tuple[int, int]] = []
    for shapes, places in ours.items():
        if len(places) == 1 and len(theirs.get(shapes, ())) == 1:
            found += zip(theirs[shapes][0], places[0], strict=True)
    return found


def _layers(entries: list[_Entry]) -> dict[_Shapes, list[list[int]]]:
    """Return the positions of the tensors of each layer, in the order of their roles, by the roles and shapes of all of them."""
    members: dict[str, list[int]] = {}
    for position, entry in enumerate(entries):
        members.setdefault(entry.name.removesuffix(entry.role), []).append(position)
    found: dict[_Shapes, list[list[int]]] = {}
    for positions in members.values():
        positions.sort(key=lambda position: entries[position].role)
        found.setdefault(tuple((entries[p].role, entries[p].shape) for p in positions), []).append(positions)
    return found


def _mirrored(pairs: list[tuple[int, int]], sources: list[_Entry], targets: list[_Entry]) -> list[tuple[int, int]]:
    return [(len(sources) - 1 - i, len(targets) - 1 - j) for i, j in reversed(pairs)]


def _longest(sources: list[_Entry], targets: list[_Entry]) -> list[tuple[int, int]]:
    """Return the pairs of positions of a longest common subsequence, the earliest of them."""
    rest = [[0] * (len(targets) + 1) for _ in range(len(sources) + 1)]
    for i in reversed(range(len(sources))):
        for j in reversed(range(len(targets))):
            both = rest[i + 1][j + 1] + 1 if sources[i].fits(targets[j]) else 0
            rest[i][j] = max(both, rest[i + 1][j], rest[i][j + 1])
    pairs, i, j = [], 0, 0
    while i < len(sources) and j < len(targets):
        if sources[i].fits(targets[j]) and rest[i][j] == rest[i + 1][j + 1] + 1:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif rest[i + 1][j] >= rest[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "one number"
