"""A run's folder: where everything of a run stands, by name, and how a run is made, found and held.

::

    runs/NAME/
      space.yaml       the user's file, byte for byte
      resolved.yaml    the whole study after profiles and --set
      env.json         versions, machine, commit, command line: see `raysearch.results.environment`
      journal.jsonl    the truth: see `raysearch.results.journal`
      LOCK             who drives the run now
      STOP             a request to its driver, see `raysearch.results.stop_request`
      trials/0007/     see `raysearch.train.files`
      tables/          Parquet and CSV, made from the journal
      report.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from raysearch.errors import RunExists, SpecError, did_you_mean
from raysearch.results.lock import Holder, RunLock, read_holder
from raysearch.results.yaml_text import to_yaml
from raysearch.train.atomic import write_atomically

LAST = "@last"
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


@dataclass(frozen=True)
class RunFolder:
    """A run's folder; the properties name places and touch nothing."""

    path: Path

    @classmethod
    def create(cls, root: Path, name: str, *, if_exists: Literal["fail", "new"] = "fail") -> RunFolder:
        """Make the folder of a new run.

        Args:
            root: the folder of all runs; made when it isn't there.
            name: 1 to 64 of ``A-Z a-z 0-9 . _ -``.
            if_exists: ``new`` appends -2, -3, ... to a name that is taken.

        Raises:
            SpecError: the name has other characters.
            RunExists: the name is taken.
        """
        _check_name(name)
        root.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            path = root / (name if number == 1 else f"{name[: 63 - len(str(number))]}-{number}")
            try:
                path.mkdir()
            except FileExistsError as error:
                if if_exists == "fail":
                    raise RunExists(
                        f"a run named {name!r} is there already",
                        place=str(path),
                        remedy=f"raysearch resume {path} goes on with it; --if-exists new or --name starts another",
                    ) from error
                number += 1
            else:
                (path / "trials").mkdir()
                return cls(path)

    @classmethod
    def open(cls, run: str, root: Path) -> RunFolder:
        """Find a run.

        Args:
            run: a name under ``root``, a path, or ``@last``: the run that was written to last.
            root: the folder of all runs.

        Raises:
            SpecError: there is no such run.
        """
        if run == LAST:
            found = list_runs(root)
            if not found:
                raise SpecError("there is no run yet", place=str(root), remedy="start one: raysearch run SPACE.yaml")
            return max(found, key=lambda folder: folder.touched)
        places = [root / run] if NAME.match(run) else []
        for path in [*places, Path(run)]:
            if (folder := cls(path)).is_run:
                return folder
        names = [folder.name for folder in list_runs(root)]
        raise SpecError(f"no run {run!r}{did_you_mean(run, names)}", place=str(root), remedy="raysearch ls shows all runs")

    @property
    def name(self) -> str:
        """The run's name."""
        return self.path.resolve().name

    @property
    def space(self) -> Path:
        """The user's YAML."""
        return self.path / "space.yaml"

    @property
    def resolved(self) -> Path:
        """The resolved study."""
        return self.path / "resolved.yaml"

    @property
    def environment(self) -> Path:
        """Versions and machine."""
        return self.path / "env.json"

    @property
    def journal(self) -> Path:
        """The journal."""
        return self.path / "journal.jsonl"

    @property
    def lock_file(self) -> Path:
        """The lock of the driver."""
        return self.path / "LOCK"

    @property
    def stop_file(self) -> Path:
        """The request to the driver to end."""
        return self.path / "STOP"

    @property
    def trials(self) -> Path:
        """The folder of the trials' folders."""
        return self.path / "trials"

    @property
    def tables(self) -> Path:
        """The folder of exported tables."""
        return self.path / "tables"

    @property
    def report(self) -> Path:
        """The report."""
        return self.path / "report.html"

    def trial(self, number: int) -> Path:
        """Return the folder of a trial."""
        return self.trials / f"{number:04d}"

    @property
    def is_run(self) -> bool:
        """Whether this looks like a run, if only what is left of one."""
        return any(path.is_file() for path in (self.journal, self.space, self.resolved))

    @property
    def touched(self) -> float:
        """When the run was last written to, seconds since the epoch."""
        return max(path.stat().st_mtime for path in (self.journal, self.space, self.resolved) if path.is_file())

    def lock(self, now: float) -> RunLock:
        """Hold the run against other drivers: ``with folder.lock(time.time()): ...``.

        Raises:
            RunLocked: another driver holds it, or may hold it.
        """
        return RunLock.take(self.lock_file, now)

    def holder(self) -> Holder | None:
        """Return who holds the run; None if nobody does.

        Raises:
            RunLocked: LOCK can't be read.
        """
        return read_holder(self.lock_file)

    def write_study(self, space: str | bytes, resolved: Mapping[str, object]) -> None:
        """Write the user's YAML as it was and the resolved study as YAML that `raysearch.spec.yaml` reads back equal."""
        write_atomically(self.space, space if isinstance(space, bytes) else space.encode())
        write_atomically(self.resolved, to_yaml(resolved).encode())

    def write_environment(self, environment: Mapping[str, object]) -> None:
        """Write env.json."""
        write_atomically(self.environment, json.dumps(environment, indent=1, allow_nan=False).encode() + b"\n")


def list_runs(root: Path) -> tuple[RunFolder, ...]:
    """Return the runs under a root, by name; empty if the root isn't there."""
    if not root.is_dir():
        return ()
    folders = (RunFolder(path) for path in sorted(root.iterdir()) if NAME.match(path.name) and path.is_dir())
    return tuple(folder for folder in folders if folder.is_run)


def _check_name(name: str) -> None:
    if not NAME.match(name) or name in (".", "..") or name.startswith("-"):
        raise SpecError(
            f"{name!r} can't name a run",
            place="--name",
            remedy="use 1 to 64 letters, digits, dots, underscores and hyphens, and no hyphen first",
        )
