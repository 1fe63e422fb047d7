"""The confirmed comparison: methods trained again with fresh seeds, on photographs that the search never saw."""

from __future__ import annotations

import numpy as np

from raysearch.report import plain
from raysearch.report.document import Block, Missing, Prose, Section
from raysearch.report.formats import plural
from raysearch.report.sections import comparison, per_image
from raysearch.report.view import View


def section(view: View) -> Section:
    """Write the section."""
    methods = [method for method in view.methods if method.trials]
    if not methods:
        text = "No configuration was confirmed on held-out photographs, so there is no comparison to print."
        return Section("results", "Confirmed comparison", (Missing(text),))
    blocks: list[Block] = comparison.blocks(view, methods)
    lost = [f"{plural(method.lost, 'seed')} of {method.title}" for method in view.methods if method.lost]
    if lost:
        blocks.append(Missing(f"Not in the table, since they did not finish or have no test metrics: {', '.join(lost)}."))
    if view.baseline is None:
        blocks.append(Missing("The baseline has no finished trial, so no difference can be computed."))
    else:
        blocks += per_image.blocks(view, view.baseline)
    blocks.append(_optimism(view))
    return Section("results", "Confirmed comparison", tuple(blocks))


def _optimism(view: View) -> Block:
    winner = view.winner
    best = next((t for t in view.search if winner is not None and t.number == winner.source), None)
    if winner is None or best is None or best.value is None:
        return Missing(
            "What selection on validation costs can't be told: the winner's search trial or its confirmation is missing."
        )
    last = [trial.reports[-1].metrics.get(view.metric.name) for trial in winner.trials if trial.reports]
    values = [value for value in map(plain.number, last) if value is not None]
    if not values:
        return Prose(("The confirmation trials report no validation value, so what selection costs can't be told.",))
    again = float(np.mean(values))
    shown, later = (" ".join(filter(None, (view.metric.show(value), view.metric.unit))) for value in (best.value, again))
    return Prose(
        (
            f"Winner's curse: in the search, trial {best.number} reached {shown} on validation, the best of "
            f"{plural(len(view.search), 'trial')}; trained again with {plural(len(values), 'fresh seed')} the same configuration "
            f"reached {later} ({view.metric.difference(again - best.value)}).",
        )
    )
