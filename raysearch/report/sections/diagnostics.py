"""For those who doubt the search, or want to run it again: what it tried, when, and how far its model of the space holds."""

from __future__ import annotations

from raysearch.report.document import Block, Section
from raysearch.report.sections import distribution, early, intermediate, pairs, parallel, parameters, timeline, trials
from raysearch.report.view import View


def section(view: View) -> Section | None:
    """Write the section; None for a run without trials."""
    blocks: list[Block] = []
    for write in (
        intermediate.blocks,
        early.blocks,
        parameters.slice_blocks,
        pairs.blocks,
        parallel.blocks,
        distribution.blocks,
        timeline.blocks,
        trials.blocks,
    ):
        blocks += write(view)
    return Section("diagnostics", "Search diagnostics", tuple(blocks), folded=True) if blocks else None
