"""What becomes of a trial whose process was lost: it starts again where it may, and keeps away from bad machines.

A trial goes on as a new job of the same number, which finds the trial's newest checkpoint; so it does after the driver itself was
killed. Ray Tune retries nothing by itself.
"""

from __future__ import annotations

import json
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from raysearch.results.events import Cause, MachineAvoided
from raysearch.search.faults import Faults
from raysearch.search.job import Ended, Job
from raysearch.search.ledger import Ledger
from raysearch.search.quarantine import Quarantine

MOST_PARTS = 8
"""Pieces of a batch, beyond which lack of memory is taken for a trial's end."""


class Attempts:
    """Starts lost trials again.

    Args:
        max_retries: how often a trial may be lost to one driver.
        machines: returns the machines that are there, with their addresses by id.
        machine_of: returns the machine on which an actor runs or ran, by their ids; empty where it is not known.
    """

    def __init__(
        self,
        ledger: Ledger,
        faults: Faults,
        max_retries: int,
        machines: Callable[[], Mapping[str, str]],
        machine_of: Callable[[str], str],
    ) -> None:
        self._ledger = ledger
        self._faults = faults
        self._max_retries = max_retries
        self._quarantine = Quarantine(faults.quarantine)
        self._machines = machines
        self._machine_of = machine_of
        self._begun: dict[int, tuple[str, float]] = {}
        self._lost: Counter[int] = Counter()
        self._waiting: deque[Job] = deque()

    def started(self, number: int, actor: str) -> None:
        """Take note that a process has begun with a trial.

        Args:
            actor: id of its actor; empty for a trial of several workers, of whom nobody knows which one was lost.
        """
        self._begun[number] = (actor, time.monotonic())

    def next(self) -> Job | None:
        """Return a trial that is to be started again, None when there is none."""
        return self._waiting.popleft() if self._waiting else None

    def prepared(self, job: Job) -> Job:
        """Return a job as it is started now: away from bad machines, and with what is known of the memory that it needs."""
        avoid = self._quarantine.avoided(self._machines().keys()) if self._quarantine.bad else ()
        return replace(job, parts=self._ledger.entries[job.trial].parts, avoid=avoid)

    def again(self, job: Job, cause: Cause, reason: str) -> bool:
        """Start a trial again, if its kind of loss and what has happened to it before allow that; return whether they do."""
        if cause != "preempted":
            self._blame(job.trial, reason.split(":")[0] if cause == "lost" else cause)
        if not self._may(job, cause):
            return False
        self._ledger.retried(job.trial, reason, cause)
        self._waiting.append(job)
        return True

    def ended(self, number: int, end: Ended) -> None:
        """Take note that a trial has ended by itself or was stopped."""
        if end.status == "failed":
            self._blame(number, end.reason.split(":")[0])
        elif self._quarantine.suspects and (actor := self._begun[number][0]):
            self._quarantine.succeeded(self._machine_of(actor))

    def _blame(self, number: int, cause: str) -> None:
        """Count a failure against the machine on which it happened."""
        actor, began = self._begun.get(number, ("", 0.0))
        node = self._machine_of(actor) if actor else ""
        if node and self._quarantine.failed(node, cause, time.monotonic() - began):
            address = self._machines().get(node, "")
            self._ledger.write(MachineAvoided(time=time.time(), machine=node, address=address, reason=cause))

    def _may(self, job: Job, cause: Cause) -> bool:
        if cause == "preempted":
            return True
        if cause == "out_of_memory":
            pieces = 2 * self._ledger.entries[job.trial].parts
            share = int(json.loads(job.config)["batch"]) // job.workers
            return self._faults.on_oom == "half_batch" and pieces <= min(MOST_PARTS, share)
        if cause == "stalled" and self._faults.on_stall == "end":
            return False
        self._lost[job.trial] += 1
        return self._lost[job.trial] <= self._max_retries
