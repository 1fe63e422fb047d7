"""What a data set contained when it was first used, and whether it still does.

The digest of a set's content is the SHA-256 of its files' own SHA-256 digests, one a line, sorted; so names, folders and order
don't count, and anyone can verify it::

    sha256sum FILES | cut -c 1-64 | LC_ALL=C sort | sha256sum

It is remembered in the cache under the corpus's settings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from raysearch.data.base import SPLITS, CorpusConfig, Gathered, Progress, Split
from raysearch.data.sealed import digest_of, file_hashes
from raysearch.errors import DataError, NoSuchSplit, StateDamaged

_VERSION = 1


def present(corpus: CorpusConfig) -> Iterator[tuple[Split, Gathered]]:
    """Yield the sets of all splits that a corpus has.

    Raises:
        DataError: see `CorpusConfig.gather`.
    """
    for split in SPLITS:
        try:
            sets = corpus.gather(split)
        except NoSuchSplit:
            continue
        yield from ((split, gathered) for gathered in sets)


def content_digest(files: Sequence[Path], cache: Path) -> str:
    """Return the digest of the files' contents, 64 hexadecimal digits."""
    lines = sorted(file_hashes(files, cache))
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def refuse_changed(corpus: CorpusConfig, cache: Path, progress: Progress) -> None:
    """Remember what every set of a corpus contains, or compare it with what is remembered.

    Raises:
        DataError: a set has changed since then; says how to accept the change.
        StateDamaged: what was remembered can't be read.
    """
    settings = [_VERSION, type(corpus).__module__, corpus.model_dump(mode="json")]
    record = cache / "first_seen" / f"{digest_of(settings)[:24]}.json"
    sets = list(present(corpus))
    found: dict[str, dict[str, object]] = {}
    for done, (split, gathered) in enumerate(sets):
        progress(f"comparing {gathered.dataset} with what was first seen", done, len(sets))
        files = [path for photograph in gathered.photographs for path in photograph.files]
        found[f"{split}/{gathered.dataset}"] = {"files": len(files), "digest": content_digest(files, cache)}
    if not record.exists():
        record.parent.mkdir(parents=True, exist_ok=True)
        draft = record.with_suffix(".draft")
        draft.write_text(json.dumps({"seen": datetime.now(UTC).isoformat(timespec="seconds"), "settings": settings, "sets": found}))
        draft.replace(record)
        return
    before = _read(record)
    changed = [name for name in found if before.get(name) != found[name]]
    if changed:
        raise DataError(
            f"{', '.join(changed)}: the photographs are not those that were first seen there (contents or number have changed)",
            place=str(record),
            remedy="put them back; if the change is meant, remove the file named above and start again",
        )


def _read(record: Path) -> dict[str, dict[str, object]]:
    try:
        return dict(json.loads(record.read_text())["sets"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise StateDamaged(f"{record} can't be read: {error}", remedy="remove it") from error
