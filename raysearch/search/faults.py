"""What a study does about trials that can't go on: the section ``faults`` of its file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from raysearch.component import Config


class Faults(Config):
    """What becomes of trials that can't go on, and of machines and disks on which they can't.

    A trial that diverges ends. One whose process is lost goes on from its newest checkpoint, up to ``max_retries`` times. One whose
    process is asked to leave its machine (SIGTERM: a preemption) writes a checkpoint at the next step and goes on elsewhere, which
    counts as no failure. Photographs that can't be used stop the study, which can be resumed.
    """

    on_oom: Literal["end", "half_batch"] = "end"
    """When memory does not suffice. ``end``: the trial is over, with an answer (out of memory) that the searcher learns from.
    ``half_batch``: it goes on from its checkpoint with half of the batch in the network at a time and the gradients of both halves
    added up, then a quarter, then an eighth. The effective batch stays the same; batch normalisation sees the pieces. Memory that
    the loss or a discriminator takes is not spared."""

    stall_minutes: float | None = Field(60, gt=0)
    """A trial without a sign of life (a step, an evaluated image, a decoded photograph) for so long is killed; where each of its
    threads stood is written to its log. Null waits for ever."""

    on_stall: Literal["retry", "end"] = "retry"
    """``retry``: a stalled trial goes on from its checkpoint and counts as lost; ``end``: it is over."""

    quarantine: int | None = Field(3, ge=1)
    """After so many trials in a row failed on one machine within a minute, for one cause, trials avoid that machine, as long as
    there is another. Null never does."""

    storage_minutes: float = Field(10, ge=0)
    """How long a disk that refuses (full, gone, failing) is asked again before the study stops; it can be resumed then."""
