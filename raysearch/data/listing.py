"""Finding photographs in folders: patterns, names, split files, held-out photographs, and the guard against leaks."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Literal

from raysearch.data.base import Gathered, Photograph
from raysearch.data.decode import SUFFIXES, decode, inspect, refusal
from raysearch.data.planes import unequal
from raysearch.data.sealed import sha256_of_file
from raysearch.errors import DataError

Policy = Literal["refuse", "skip"]
"""What happens to a file that can't be read: the whole set is refused, or the file is left out and listed."""


def find_images(folders: Sequence[Path], include: Sequence[str] = (), exclude: Sequence[str] = ()) -> list[Photograph]:
    """List the image files below some folders, sorted by name.

    A photograph is named by its path below the folder without the suffix (``indoor/0012``), with the folder's own name before it
    when there are several folders, and with the suffix where two files would have the same name. Files and folders whose name
    begins with a dot are left out; links are followed.

    Args:
        folders: where to look.
        include: patterns of which a file must match one; none stand for all image files. A pattern without ``/`` is compared with
            the file's name, one with ``/`` with its path below the folder, where ``**`` stands for any folders.
        exclude: patterns of which a file may match none.

    Raises:
        DataError: a folder is missing, or two files would have the same name.
    """
    wanted, unwanted = [_regex(p) for p in include], [_regex(p) for p in exclude]
    found: list[tuple[PurePosixPath, Path]] = []
    for folder in folders:
        for below in _walk(folder):
            text = f"/{below.as_posix()}"
            if (not wanted or any(p.fullmatch(text) for p in wanted)) and not any(p.fullmatch(text) for p in unwanted):
                found.append((folder.name / below if len(folders) > 1 else below, folder / below))
    return sorted(_named(found), key=lambda photograph: photograph.name)


def choose_listed(photographs: Sequence[Photograph], split_file: Path) -> list[Photograph]:
    """Keep the photographs that a split file names, in the order of their names.

    The file holds one name a line, with or without the file's suffix; empty lines and lines that begin with ``#`` don't count.

    Raises:
        DataError: the file can't be read, or a name in it has no photograph.
    """
    try:
        lines = [line.strip() for line in split_file.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the split file can't be read: {error}", place=str(split_file)) from error
    wanted = {line.removeprefix("./") for line in lines if line and not line.startswith("#")}
    if not wanted:
        raise DataError("the split file names no photograph", place=str(split_file), remedy="write one name a line")
    known: dict[str, Photograph] = {}
    for photograph in photographs:
        known.setdefault(photograph.name + photograph.path.suffix, photograph)
        known[photograph.name] = photograph
    missing = sorted(wanted - set(known))
    if missing:
        near = sorted(n for n in known if n.startswith(f"{missing[0]}.")) or get_close_matches(missing[0], known, n=1)
        raise DataError(
            f"{len(missing)} of {len(wanted)} listed photographs are missing, the first is {missing[0]!r}",
            place=str(split_file),
            remedy=f"did you mean {near[0]!r}?" if near else "check the folder, and that names are relative to it",
        )
    chosen = {known[name].name for name in wanted}
    return [photograph for photograph in photographs if photograph.name in chosen]


def hold_out(photographs: Sequence[Photograph], count: int) -> tuple[list[Photograph], list[Photograph]]:
    """Split photographs into ``count`` that are spread evenly over the list, and the rest; always the same ones.

    Raises:
        DataError: nothing would remain.
    """
    if count >= len(photographs):
        raise DataError(f"{count} of {len(photographs)} photographs can't be held out for validation: none would remain")
    places = {(2 * k + 1) * len(photographs) // (2 * count) for k in range(count)}
    held = [photograph for place, photograph in enumerate(photographs) if place in places]
    return held, [photograph for place, photograph in enumerate(photographs) if place not in places]


def gathered(dataset: str, photographs: Sequence[Photograph], policy: Policy) -> Gathered:
    """Make a `Gathered` of the readable photographs.

    With ``refuse`` the headers are read here, and damage behind a header is reported when the photographs are decoded into their
    store. With ``skip`` every file is decoded here, once per process, so that damaged ones are known. The images of a related pair
    must have one size.

    Raises:
        DataError: there are no (readable) photographs, or the policy is to refuse and some are unreadable (all are named).
    """
    kept, damaged = [], []
    for photograph in photographs:
        problem = next((found for path in photograph.files if (found := _problem(path, policy))), None) or _mismatch(photograph)
        if problem is None:
            kept.append(photograph)
        else:
            damaged.append(problem)
    if damaged and policy == "refuse":
        raise refusal(damaged)
    if not kept:
        raise DataError(f"the set {dataset!r} has no readable photograph", remedy="check its folders and patterns")
    return Gathered(dataset, tuple(kept), tuple((Path(error.place), error.cause) for error in damaged))


SHARED = "remove it from one of the splits: what is trained on or selected by must not be tested on"
"""The usual remedy for a photograph in two splits."""


def refuse_shared(splits: Mapping[str, Sequence[Photograph]], remedy: str = SHARED) -> None:
    """Refuse a photograph that is in two splits, recognised by the bytes of its files. Unreadable files are left to `gathered`.

    Args:
        splits: the photographs of each split.
        remedy: what the error tells to do.

    Raises:
        DataError: names both files.
    """
    everything = {(split, path): None for split, photographs in splits.items() for p in photographs for path in p.files}
    readable = [(split, path) for split, path in everything if path.is_file() and os.access(path, os.R_OK)]
    same_size = _alike(readable, lambda path: path.stat().st_size)
    shared = _alike(_alike(same_size, _sha256_of_start), sha256_of_file)
    if shared:
        first, second = shared[0], next(entry for entry in shared if entry[0] != shared[0][0])
        raise DataError(
            f"the same photograph is in {first[0]} ({first[1]}) and in {second[0]} ({second[1]}); {len(shared)} files are affected",
            remedy=remedy,
        )


def _alike(entries: Sequence[tuple[str, Path]], key: Callable[[Path], object]) -> list[tuple[str, Path]]:
    """Keep the entries whose key also occurs in another split, group by group."""
    groups: defaultdict[object, list[tuple[str, Path]]] = defaultdict(list)
    for entry in entries:
        groups[key(entry[1])].append(entry)
    return [entry for group in groups.values() if len({split for split, _ in group}) > 1 for entry in group]


def _sha256_of_start(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.sha256(file.read(1 << 12)).hexdigest()


def _walk(folder: Path) -> Iterator[PurePosixPath]:
    """Yield the image files below a folder, relative to it; a link to a folder that is already being walked is not followed."""
    if not folder.is_dir():
        raise DataError("there is no such folder", place=str(folder), remedy="correct the path; it is relative to where you start")
    seen: set[str] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = PurePosixPath(os.path.relpath(place, folder).replace(os.sep, "/"))
        yield from (below / name for name in sorted(files) if _is_image(name))


def _is_image(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES


def _named(found: Sequence[tuple[PurePosixPath, Path]]) -> list[Photograph]:
    short = Counter(below.with_suffix("") for below, _ in found)
    photographs = [
        Photograph(str(below if short[below.with_suffix("")] > 1 else below.with_suffix("")), path) for below, path in found
    ]
    by_name: dict[str, Path] = {}
    for photograph in photographs:
        other = by_name.setdefault(photograph.name, photograph.path)
        if other != photograph.path:
            raise DataError(
                f"two photographs would be named {photograph.name!r}: {other} and {photograph.path}",
                remedy="rename one, or give the folders different names",
            )
    return list({photograph.name: photograph for photograph in photographs}.values())


def _regex(pattern: str) -> re.Pattern[str]:
    """Translate a pattern; it is compared with ``/`` + the path below the folder."""
    text = pattern.removeprefix("./").removeprefix("/")
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", text if "/" in text else f"**/{text}")
    meaning = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("/" + "".join(meaning.get(part, re.escape(part)) for part in parts), re.IGNORECASE)


def _problem(path: Path, policy: Policy) -> DataError | None:
    try:
        if policy == "refuse":
            inspect(path)
        else:
            status = path.stat()
            return _damage(path, status.st_size, status.st_mtime_ns)
    except DataError as error:
        return error
    except OSError as error:
        return DataError(f"can't be read: {error.strerror}", place=str(path))
    return None


def _mismatch(photograph: Photograph) -> DataError | None:
    """Compare the headers of a related pair; an EXIF orientation may swap height and width, which the store sees."""
    if photograph.degraded is None or not photograph.related:
        return None
    clean, degraded = (inspect(path) for path in photograph.files)
    if sorted((clean.height, clean.width)) == sorted((degraded.height, degraded.width)):
        return None
    return unequal(photograph, (clean.height, clean.width), (degraded.height, degraded.width))


@lru_cache(maxsize=1 << 16)
def _damage(path: Path, size: int, modified_ns: int) -> DataError | None:
    """Decode a file and return what is wrong with it; size and time make a changed file another one."""
    try:
        decode(path)
    except DataError as error:
        return error
    return None
