"""Copies of a run in another place: a folder, S3 or Google Cloud Storage, through pyarrow's file systems.

The journal's home is the driver's disk, which can append and synchronise; what stands in the storage is a copy that is made again
and again. Checkpoints and results are put there by the processes of the trials, wherever they run. A storage is named by a path or
a URI (``/mnt/copies``, ``s3://bucket/folder?region=eu-west-1``, ``gs://bucket/folder``); credentials come from the environment in
the way of the cloud's own tools. A run lies in a folder of its name below it, laid out as `raysearch.results.folder` says.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pyarrow as pa
from pyarrow import fs

from raysearch.errors import PreflightError, SpecError
from raysearch.train.atomic import write_atomically
from raysearch.train.files import CHECKPOINTS

STUDY_FILES = ("space.yaml", "resolved.yaml", "env.json")
"""What a run cannot be resumed without, beside its journal."""

_LATER = ("importance.json", "report.html", "journal.jsonl")
_CHUNK = 2**20
_OBJECT_STORES = ("s3", "gcs", "abfs")
_PASSING = ("ray_train",)
"""Folders of a trial that nobody needs afterwards."""


@dataclass(frozen=True)
class Storage:
    """A folder in a storage; nothing is done before a method is called. Methods raise `OSError` when the storage refuses."""

    filesystem: fs.FileSystem
    base: str
    uri: str

    @classmethod
    def open(cls, uri: str) -> Storage:
        """Open a storage by path or URI.

        Raises:
            SpecError: it is neither, or of a kind that this pyarrow does not know.
        """
        try:
            filesystem, base = fs.FileSystem.from_uri(uri if "://" in uri else str(Path(uri).absolute()))
            if not base.strip("/"):
                raise ValueError("it names no folder")
        except (pa.ArrowException, OSError, ValueError) as error:
            raise SpecError(
                f"{uri!r} names no storage: {error}",
                place="storage",
                remedy="write a folder, s3://BUCKET/FOLDER or gs://BUCKET/FOLDER",
            ) from error
        return cls(filesystem, base.rstrip("/"), uri)

    def child(self, *names: str) -> Storage:
        """Return a folder inside this one."""
        place, mark, options = self.uri.partition("?")
        return Storage(self.filesystem, "/".join((self.base, *names)), "/".join((place.rstrip("/"), *names)) + mark + options)

    def files(self) -> dict[str, int]:
        """Return the sizes of all files below, by their path from here; names that leave the folder are passed over."""
        found = self.filesystem.get_file_info(fs.FileSelector(self.base, recursive=True, allow_not_found=True))
        sizes = {one.path.removeprefix(self.base).removeprefix("/"): one.size for one in found if one.type == fs.FileType.File}
        return {name: size for name, size in sizes.items() if _is_inside(name)}

    def put(self, local: Path, name: str) -> None:
        """Copy a file to the storage, whole or not at all."""
        with local.open("rb") as source:
            self._write(name, lambda target: shutil.copyfileobj(source, target, _CHUNK))

    def put_bytes(self, content: bytes, name: str) -> None:
        """Write a file, whole or not at all."""
        self._write(name, lambda target: target.write(content))

    def _write(self, name: str, fill: Callable[[pa.NativeFile], object]) -> None:
        target = f"{self.base}/{name}"
        whole_at_once = self.filesystem.type_name in _OBJECT_STORES  # an object is there when its stream is closed
        place = target if whole_at_once else f"{target}.part"
        if not whole_at_once:
            self.filesystem.create_dir(target.rpartition("/")[0], recursive=True)
        with self.filesystem.open_output_stream(place) as stream:
            fill(stream)
        if not whole_at_once:
            self.filesystem.move(place, target)

    def get(self, name: str, local: Path) -> None:
        """Copy a file from the storage, whole or not at all."""
        local.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(local, self.read(name))

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            FileNotFoundError: it is not there.
        """
        with self.filesystem.open_input_stream(f"{self.base}/{name}") as stream:
            content: bytes = stream.read()
        return content

    def delete(self, name: str) -> None:
        """Delete a file; one that is not there is no error."""
        try:
            self.filesystem.delete_file(f"{self.base}/{name}")
        except FileNotFoundError:
            return


def _is_inside(name: str) -> bool:
    return bool(name) and not name.endswith(".part") and all(part not in ("", ".", "..") for part in name.split("/"))


@dataclass
class Mirror:
    """A folder on the disk and its copy in a storage.

    Attributes:
        sent: size and time of change of each file as the copy has it.
    """

    folder: Path
    storage: Storage
    sent: dict[str, tuple[int, int]] = field(default_factory=dict)

    def push(self, names: Iterable[str]) -> int:
        """Copy the files that have changed since they were copied; return how many."""
        count = 0
        for name in names:
            path = self.folder / name
            try:
                stamp = _stamp(path)
            except OSError:
                continue  # gone meanwhile
            if self.sent.get(name) != stamp:
                self.storage.put(path, name)
                self.sent[name] = stamp
                count += 1
        return count

    def push_trial(self) -> int:
        """Copy what has changed in a trial's folder, and delete checkpoints there that this copy has sent and the disk has not."""
        present = trial_files(self.folder)
        count = self.push(present)
        for name in [name for name in self.sent if _is_checkpoint(name) and name not in present]:
            self.storage.delete(name)
            del self.sent[name]
        return count

    def pull(self, wanted: Callable[[str], bool]) -> int:
        """Fetch the files that are not on the disk; return how many."""
        count = 0
        for name in filter(wanted, self.storage.files()):
            path = self.folder / name
            if not path.exists():
                self.storage.get(name, path)
                count += 1
            self.sent[name] = _stamp(path)
        return count


def trial_files(folder: Path) -> list[str]:
    """Return what a trial's folder holds for others: no links, no files in the making."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        if not hidden and name.parts[0] not in _PASSING and path.is_file() and not path.is_symlink():
            found.append(name.as_posix())
    return found


def _is_checkpoint(name: str) -> bool:
    return PurePosixPath(name).parts[0] == CHECKPOINTS


def is_result(name: str) -> bool:
    """Whether a file of a trial is no checkpoint."""
    return not _is_checkpoint(name)


def anything(name: str) -> bool:
    """Want every file."""
    return True


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def fetch_run(storage: Storage, folder: Path) -> None:
    """Fetch a run's study and journal, and the results of its trials without their checkpoints.

    Args:
        storage: of the run.
        folder: of the run, which is there and empty.

    Raises:
        PreflightError: there is no such run in the storage, or it can't be reached.
    """
    try:
        names = storage.files()
        lacking = [name for name in (*STUDY_FILES[1:], "journal.jsonl") if name not in names]
        if lacking:
            raise PreflightError(
                f"{storage.uri} holds no run: {', '.join(lacking)} is not there",
                place="--storage",
                remedy="name the storage that the run was started with",
            )
        Mirror(folder, storage).pull(_belongs_to_run)
    except OSError as error:
        raise PreflightError(f"{storage.uri} can't be read: {error}", place="--storage") from error


def _belongs_to_run(name: str) -> bool:
    """Whether a file of a run's copy is wanted: what the driver copies, and the results of trials."""
    if name.startswith("trials/"):
        return f"/{CHECKPOINTS}/" not in name
    return name in (*STUDY_FILES, *_LATER) or name.startswith("tables/")


def run_files(folder: Path) -> list[str]:
    """Return the files of a run's folder that the driver copies; the journal last, so that it never knows more than the rest."""
    tables = [path.relative_to(folder).as_posix() for path in sorted((folder / "tables").glob("*")) if path.is_file()]
    names = [*STUDY_FILES, *tables, *_LATER]
    return [name for name in names if (folder / name).is_file() and not (folder / name).is_symlink()]
