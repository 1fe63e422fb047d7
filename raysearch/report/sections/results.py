"""The confirmed comparison: methods trained again with fresh seeds, on photographs that the search never saw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from raysearch.report import plain
from raysearch.report.compare import Outcome, against_baseline
from raysearch.report.document import Block, Cell, Column, Mark, Missing, Prose, Section, Table
from raysearch.report.formats import NONE, PSNR, SSIM, Metric, count, metric_named, plural, probability, seconds
from raysearch.report.scores import Place
from raysearch.report.sections import per_image
from raysearch.report.view import BASELINE, Method, View
from raysearch.results.ranking import best_group


def section(view: View) -> Section:
    """Write the section."""
    methods = [method for method in view.methods if method.trials]
    if not methods:
        text = "No configuration was confirmed on held-out photographs, so there is no comparison to print."
        return Section("results", "Confirmed comparison", (Missing(text),))
    blocks: list[Block] = [_table(view, methods), *_further(view, methods)]
    lost = [f"{plural(method.lost, 'seed')} of {method.title}" for method in view.methods if method.lost]
    if lost:
        blocks.append(Missing(f"Not in the table, since they did not finish or have no test metrics: {', '.join(lost)}."))
    if view.baseline is None:
        blocks.append(Missing("The baseline has no finished trial, so no difference can be computed."))
    else:
        blocks += per_image.blocks(view, view.baseline)
    blocks.append(_optimism(view))
    return Section("results", "Confirmed comparison", tuple(blocks))


def _mean(view: View, method: Method, place: Place, metric: Metric) -> float | None:
    images = view.scores.images(method.numbers, place)
    if not images:
        return None
    return float(view.scores.matrix(method.numbers, [(place, image) for image in images], metric.name).mean())


def marks(view: View, methods: Sequence[Method], places: tuple[Place, ...], metric: Metric) -> dict[str, Mark]:
    """Mark the best and what its interval can't tell from it as best, then the second, by the images that all methods have."""
    trials = [number for method in methods for number in method.numbers]
    cells = [(place, image) for place in places for image in view.scores.images(trials, place)]
    if not cells:
        return {}
    values = [view.scores.matrix(method.numbers, cells, metric.name) for method in methods]
    if not all(np.isfinite(rows).all() for rows in values):
        sign = 1 if metric.larger_is_better else -1
        means = [sign * float(rows.mean()) for rows in values]
        return {method.role: "best" for method, mean in zip(methods, means, strict=True) if mean == max(means)}
    group = best_group(values, "max" if metric.larger_is_better else "min", seeds=[method.seeds for method in methods])
    found: dict[str, Mark] = {methods[row].role: "best" for row in group.bold}
    if group.second is not None:
        found[methods[group.second].role] = "second"
    return found


def _table(view: View, methods: Sequence[Method]) -> Table:
    places = view.scores.places([number for method in methods for number in method.numbers])
    columns = [Column("Method", align="text"), *_score_columns(places, (PSNR, SSIM))]
    columns += [Column(f"Δ {view.metric.title} to baseline [95\N{NO-BREAK SPACE}%], p"), Column("Seeds")]
    columns += [Column("Params"), Column(f"MACs{_size(methods)}"), Column("Train time")]
    compared = against_baseline(view)
    scores = _score_rows(view, methods, places, (PSNR, SSIM))
    rows = [(*row, *_facts(view, method, compared)) for method, row in zip(methods, scores, strict=True)]
    return Table("comparison", _caption(view, places), tuple(columns), tuple(rows), _notes(view, methods))


def _further(view: View, methods: Sequence[Method]) -> list[Block]:
    """Print the metrics beside PSNR and SSIM in a table of their own, where there are any."""
    metrics = tuple(map(metric_named, view.scores.others))
    if not metrics:
        return []
    places = view.scores.places([number for method in methods for number in method.numbers])
    columns = (Column("Method", align="text"), *_score_columns(places, metrics))
    rows = tuple(_score_rows(view, methods, places, metrics))
    lower = [metric.title for metric in metrics if not metric.larger_is_better]
    smaller = f"; less is better for {', '.join(lower)}" if lower else ""
    caption = f"Further metrics of the same restorations, means over photographs and seeds{smaller}. Best bold, second underlined."
    return [Table("metrics", caption, columns, rows)]


def _score_columns(places: Sequence[Place], metrics: Sequence[Metric]) -> list[Column]:
    several = len({place.protocol for place in places}) > 1
    groups = [place.title + (f" ({place.protocol})" if several else "") for place in places]
    return [Column(metric.title, group) for group in groups for metric in metrics]


def _score_rows(
    view: View, methods: Sequence[Method], places: Sequence[Place], metrics: Sequence[Metric]
) -> Iterator[tuple[Cell, ...]]:
    """Print each method's name and its means at each place, marked."""
    marked = {(place, metric.name): marks(view, methods, (place,), metric) for place in places for metric in metrics}
    for method in methods:
        row = [Cell(method.title, note=method.detail)]
        for place in places:
            for metric in metrics:
                value = _mean(view, method, place, metric)
                row.append(Cell(metric.show(value), value, marked[place, metric.name].get(method.role, "")))
        yield tuple(row)


def _facts(view: View, method: Method, compared: Mapping[str, tuple[Outcome, float | None]]) -> tuple[Cell, ...]:
    facts = method.trials[0].facts
    macs = plain.number(facts.get("macs_g"))
    spent = [trial.seconds for trial in method.trials]
    return (
        _difference(view, method, compared),
        Cell(str(len(method.trials)), len(method.trials)),
        Cell(count(plain.number(facts.get("parameters"))), plain.number(facts.get("parameters"))),
        Cell(f"{macs:.3g} G" if macs is not None else NONE, macs),
        Cell(seconds(float(np.mean(spent))), float(np.mean(spent))),
    )


def _difference(view: View, method: Method, compared: Mapping[str, tuple[Outcome, float | None]]) -> Cell:
    if method.role not in compared:
        return Cell(NONE)
    result, p = compared[method.role]
    value = result.numbers.difference if result.numbers else None
    shown = probability(p)
    chance = "" if p is None or result.identical else f"p {shown}" if shown.startswith("<") else f"p = {shown}"
    note = ", ".join(part for part in (result.interval(view.metric), chance) if part)
    return Cell(result.difference(view.metric), value, "bad" if result.verdict(view.metric) == "worse" else "", note)


def _size(methods: Sequence[Method]) -> str:
    sizes = {plain.line(trial.facts.get("macs_size"), 12) for method in methods for trial in method.trials} - {"none"}
    return f" @ {' / '.join(f'{size}²' for size in sorted(sizes))}" if sizes else ""


def _caption(view: View, places: tuple[Place, ...]) -> str:
    protocols = sorted({place.protocol for place in places})
    counts = []
    for dataset in sorted({place.dataset for place in places}):
        numbers = [number for method in view.methods for number in method.numbers]
        names = {i for place in places if place.dataset == dataset for n in numbers for i in view.scores.images([n], place)}
        counts.append(f"{dataset}: {plural(len(names), 'photograph')}")
    return (
        f"Methods on test photographs, means over photographs and seeds ({'; '.join(counts)}). "
        f"PSNR in dB and SSIM under the protocol {' and '.join(protocols)}. Best bold, second underlined."
    )


def _notes(view: View, methods: Sequence[Method]) -> tuple[str, ...]:
    notes = [
        "All methods that a 95\N{NO-BREAK SPACE}% interval of the difference can't tell from the best are bold: ties go by the "
        "interval, not by digits.",
        "Differences are means over photographs (levels averaged within each) and seeds; their t intervals account for the choice "
        "of photographs and of seeds, paired over photographs, and over seeds too where both methods have the same ones.",
    ]
    compared = [method for method in methods if method.role != BASELINE]
    if len(compared) > 1:
        notes.append(
            f"The p values of the {len(compared)} comparisons are corrected after Holm; the intervals are not. Only the first "
            "configuration was named by the search as its winner before the test sets were looked at."
        )
    return tuple(notes)


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
