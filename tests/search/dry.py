"""A driver without Ray: everything of ours is real (journal, lock, ledger, searcher, what trials do but for their processes), and
trials run one after another where they are asked for. What takes Ray seconds takes milliseconds here, so a fault can be tried
everywhere.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from ray.tune.schedulers import TrialScheduler

from raysearch.results.events import Event
from raysearch.results.journal import Journal
from raysearch.results.journal_format import encode
from raysearch.search import driver, stages
from raysearch.search.attempts import Attempts
from raysearch.search.callbacks import DriverCallback
from raysearch.search.capacity import Capacity, Node
from raysearch.search.job import Job, Message, to_result
from raysearch.search.searcher import TrialSource
from raysearch.search.session import Session
from raysearch.search.trainable import run_job
from raysearch.train.world import SingleWorld


class Killed(BaseException):
    """SIGKILL: nothing catches it."""


class _Stopped(BaseException):
    """The scheduler ends a trial."""


@contextmanager
def _session(*arguments: object, **options: object) -> Iterator[Session]:
    yield Session(Capacity((Node(2.0, 0.0),)), True, None, "", ())


class _NoMetrics:
    def __init__(self, metric: str) -> None:
        pass

    def __enter__(self) -> _NoMetrics:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def on_event(self, event: Event, summary: object) -> None:
        pass


def _phase(
    source: TrialSource, attempts: Attempts, callback: DriverCallback, scheduler: TrialScheduler, layout: object, log: Path
) -> None:
    """What Ray Tune does for a phase, in its order; on SIGUSR1 the trial that runs is left where it is."""
    told = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: told.append(number))
    try:
        while not told and (job := attempts.next() or source.next()):
            with TemporaryDirectory() as place:
                _trial(attempts.prepared(job), callback, scheduler, lambda: bool(told), Path(place) / "error.txt")
    finally:
        signal.signal(signal.SIGUSR1, before)


def _trial(job: Job, callback: DriverCallback, scheduler: Any, halted: Callable[[], bool], error_file: Path) -> None:
    actor = SimpleNamespace(_actor_id=SimpleNamespace(hex=lambda: "actor"))
    trial: Any = SimpleNamespace(
        config={"trial": job.trial, "job": job.to_json()},
        trial_id=f"t{job.trial}",
        error_file=str(error_file),
        temporary_state=SimpleNamespace(ray_actor=actor),
    )

    def send(message: Message) -> None:
        result = to_result(message)
        verdict = scheduler.on_trial_result(None, trial, result)
        try:
            callback.on_trial_result(0, [], trial, result)
        except Exception as error:  # the driver's, not the trial's
            if not halted():
                raise Killed from error
        if halted() or verdict == TrialScheduler.STOP:
            raise _Stopped

    callback.on_trial_start(0, [], trial)
    try:
        run_job(job, SingleWorld(), torch.device("cpu"), send)
    except _Stopped:
        if halted():
            return
    except Exception as error:
        error_file.write_text(f"Failure # 1\n{type(error).__name__}: {error}\n", encoding="utf-8")
        callback.on_trial_error(0, [], trial)
        return
    callback.on_trial_complete(0, [], trial)


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let drivers in this process run without Ray, on a disk that is quick."""
    monkeypatch.setattr(driver, "open_session", _session)
    monkeypatch.setattr(driver, "RayMetrics", _NoMetrics)
    monkeypatch.setattr(driver, "machines", lambda: {"here": "127.0.0.1"})
    monkeypatch.setattr(driver, "node_of_actor", lambda actor: "here")
    monkeypatch.setattr(stages, "run_phase", _phase)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


class Fuse:
    """Kills the driver at one of its journal's records; put in the place of `Journal.append`.

    Args:
        at: which append of this driver, from 0; or says whether it is this event's.
        way: ``before`` the record is written, when half of it is (``torn``), or ``after`` it.
    """

    def __init__(self, at: int | Callable[[Event], bool], way: str) -> None:
        self.count = 0
        self._at = at
        self._way = way
        self._dead = False
        self._append = Journal.append

    def __get__(self, journal: Journal | None, kind: type | None = None) -> Callable[[Event], int]:
        return lambda event: self(journal, event)

    def __call__(self, journal: Any, event: Event) -> int:
        if self._dead:
            raise Killed  # the dead write nothing
        self.count += 1
        if not (self._at(event) if callable(self._at) else self.count - 1 == self._at):
            return self._append(journal, event)
        self._dead = True
        if self._way == "after":
            self._append(journal, event)
        elif self._way == "torn":
            line = encode(event, journal.count)
            os.write(journal._descriptor, line[: len(line) // 2])
        raise Killed
