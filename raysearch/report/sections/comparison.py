"""The tables of methods as papers print them: test sets and levels across, PSNR / SSIM in the cells, the best bold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from raysearch.report import plain
from raysearch.report.compare import Outcome, against_baseline, compared_at, primary_places
from raysearch.report.document import Block, Cell, Column, Mark, Table
from raysearch.report.formats import NONE, PSNR, SSIM, STARS, Metric, count, metric_named, plural, said, seconds, stars
from raysearch.report.scores import Place
from raysearch.report.view import BASELINE, Method, View
from raysearch.results.ranking import best_group

PAIR = (PSNR, SSIM)
_MEMORY = "Memory is the most that a training needed: by its tensors on a GPU, on a CPU by the process as a whole."


def blocks(view: View, methods: Sequence[Method]) -> list[Block]:
    """Write the comparison, the differences by test set and level where there are several, and the further metrics."""
    return [_table(view, methods), *_by_place(view, methods), *_further(view, methods)]


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
    facts = _facts_columns(view, methods)
    several = len({place.protocol for place in places}) > 1
    columns = [Column("Method", align="text")]
    columns += [_place_column(place, several) for place in places]
    columns += [Column(f"Δ {view.metric.title} to baseline [95\N{NO-BREAK SPACE}%], p"), Column("Seeds")]
    columns += [column for column, _ in facts]
    compared = against_baseline(view)
    rows = []
    for i, (method, scores) in enumerate(zip(methods, _score_rows(view, methods, places, PAIR), strict=True)):
        title, *cells = scores
        pairs = [replace(psnr, beside=ssim) for psnr, ssim in zip(cells[::2], cells[1::2], strict=True)]
        seeds = Cell(str(len(method.trials)), len(method.trials))
        rows.append((title, *pairs, _difference(view, method, compared), seeds, *(column[i] for _, column in facts)))
    return Table("comparison", _caption(view, places), tuple(columns), tuple(rows), _notes(view, methods))


def _place_column(place: Place, with_protocol: bool) -> Column:
    group = f"{place.dataset} ({place.protocol})" if with_protocol else place.dataset
    return Column(place.level or "PSNR / SSIM", group, parts=tuple(metric.axis for metric in PAIR))


def _by_place(view: View, methods: Sequence[Method]) -> list[Block]:
    """Print the difference to the baseline at every test set and level, where there is more than one."""
    places, others = primary_places(view), [method for method in methods if method.role != BASELINE]
    if view.baseline is None or len(places) < 2 or not others:
        return []
    found = compared_at(view, view.baseline, others, places)
    rows = [(Cell(method.title), *(_gain(view.metric, *found[method.role, place]) for place in places)) for method in others]
    columns = (Column("Method", align="text"), *(Column(place.level or "all", place.dataset) for place in places))
    caption = (
        f"{view.metric.axis}: difference to {view.baseline.title} by test set and level, with its 95\N{NO-BREAK SPACE}% interval."
    )
    notes = (
        f"p values of all {plural(len(found), 'cell')} are corrected together after Holm ({STARS}); the intervals are not.",
        "Differences are means over photographs and seeds, as in the table above.",
    )
    return [Table("gains", caption, columns, tuple(rows), notes)]


def _gain(metric: Metric, result: Outcome, p: float | None) -> Cell:
    value = result.numbers.difference if result.numbers else None
    mark: Mark = "bad" if result.verdict(metric) == "worse" else ""
    return Cell(f"{result.difference(metric)}{_stars(result, p)}", value, mark, result.interval(metric))


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


def _facts_columns(view: View, methods: Sequence[Method]) -> list[tuple[Column, list[Cell]]]:
    """Print what the methods cost, as far as it is recorded: a column and its cells, one a method."""
    facts = [method.trials[0].facts for method in methods]
    parameters = [plain.number(one.get("parameters")) for one in facts]
    macs = [plain.number(one.get("macs_g")) for one in facts]
    memory = [_most(plain.number(trial.facts.get("peak_memory_mib")) for trial in method.trials) for method in methods]
    latency = [_typical(plain.number(trial.facts.get("latency_ms")) for trial in method.trials) for method in methods]
    spent = [float(np.mean([trial.seconds for trial in method.trials])) for method in methods]
    found = [
        (Column("Params"), [Cell(count(value), value) for value in parameters]),
        (Column(f"MACs{_size(methods)}"), [Cell(f"{value:.3g} G" if value is not None else NONE, value) for value in macs]),
        (Column("Train time"), [Cell(seconds(value), value) for value in spent]),
    ]
    if any(value is not None for value in latency):
        title = f"Latency{_size(methods)}"
        found.insert(2, (Column(title), [Cell(f"{value:.3g} ms" if value is not None else NONE, value) for value in latency]))
    if any(value is not None for value in memory):
        found.append((Column("Memory"), [Cell(f"{value:,.0f} MiB" if value is not None else NONE, value) for value in memory]))
    return found


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _typical(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _difference(view: View, method: Method, compared: Mapping[str, tuple[Outcome, float | None]]) -> Cell:
    if method.role not in compared:
        return Cell(NONE)
    result, p = compared[method.role]
    value = result.numbers.difference if result.numbers else None
    chance = "" if p is None or result.identical else said(p)
    note = ", ".join(part for part in (result.interval(view.metric), chance) if part)
    shown = f"{result.difference(view.metric)}{_stars(result, p)}"
    return Cell(shown, value, "bad" if result.verdict(view.metric) == "worse" else "", note)


def _stars(result: Outcome, p: float | None) -> str:
    """Mark a difference whose interval accounts for photographs and seeds, unless both trainings were the same."""
    return stars(p) if result.whole and not result.identical else ""


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
        f"PSNR in dB / SSIM under the protocol {' and '.join(protocols)}. Best bold, second underlined."
    )


def race_notes(view: View) -> list[str]:
    """Say how a seed race went and what it does to the intervals; nothing without one."""
    rule = view.race
    if rule is None:
        return []
    said = (
        f"Seeds were raced: from {rule.first} on, each method got one more until its difference to the baseline was decided, up to "
        f"{rule.last}. Differences are over the seeds that both have; intervals and p values are corrected for {rule.looks} looks "
        f"(each interval at {100 * rule.confidence:.4g}\N{NO-BREAK SPACE}%), so they hold wherever the race stops."
    )
    last = {look.role: look for look in view.record.looks}
    ends = [
        f"{method.title} {'was decided' if look.decided else 'stayed open'} with {look.seeds} seeds"
        for method in view.methods
        if (look := last.get(method.role)) is not None
    ]
    return [said, *([f"{'; '.join(ends)}."] if ends else [])]


def _notes(view: View, methods: Sequence[Method]) -> tuple[str, ...]:
    notes = [
        "All methods that a 95\N{NO-BREAK SPACE}% interval of the difference can't tell from the best are bold: ties go by the "
        "interval, not by digits.",
        "Differences are means over photographs (levels averaged within each) and seeds; their t intervals account for the choice "
        "of photographs and of seeds, paired over photographs, and over seeds too where both methods have the same ones.",
    ]
    compared = [method for method in methods if method.role != BASELINE]
    notes += [_MEMORY] if any("peak_memory_mib" in t.facts for m in methods for t in m.trials) else []
    notes += race_notes(view)
    if compared:
        notes.append(f"Stars: {STARS}.")
    if len(compared) > 1:
        notes.append(
            f"The p values of the {len(compared)} comparisons are corrected after Holm; the intervals are not. Only the first "
            "configuration was named by the search as its winner before the test sets were looked at."
        )
    return tuple(notes)
