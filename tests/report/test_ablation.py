"""One factor a row: means, differences and p values against scipy, from a grid and from a search."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from raysearch.report.document import Missing, Table
from raysearch.report.sections import ablation
from raysearch.report.view import view
from raysearch.results.record import ReportedPoint, RunRecord, TrialRecord

MINUS = "\N{MINUS SIGN}"


def trial(like: TrialRecord, number: int, values: dict[str, object], value: float, pixels: float = 1e6) -> TrialRecord:
    points = tuple(
        ReportedPoint(
            step, {"psnr": value - (800 - step) / 400, "pixels_seen": pixels * step / 800, "train_seconds": step / 50}, 0.0
        )
        for step in (200, 400, 800)
    )
    return replace(
        like, number=number, values=values, value=value, status="finished", step=800, reports=points, seconds=16.0 + number
    )  # type: ignore[arg-type]


def grid(run: RunRecord, sizes: dict[int, float] | None = None) -> RunRecord:
    """Three samplers, one with a value of its own, by three batches; ``sizes``: patch sizes with their pixels instead."""
    rng = np.random.default_rng(3)
    samplers = [{"sampler": "uniform"}, *({"sampler": "gradient", "sampler.gradient.keep": keep} for keep in (0.25, 0.5))]
    samplers.append({"sampler": "hard_negative"})
    others: list[dict[str, object]] = (
        [{"patch.size": size} for size in sizes] if sizes else [{"batch": batch} for batch in (8, 16, 32)]
    )
    trials = [
        trial(
            run.trials[0],
            number,
            {**sampler, **other},
            28 + 0.3 * (sampler["sampler"] == "gradient") + float(rng.normal(0, 0.1)),
            sizes[int(str(other["patch.size"]))] if sizes else 1e6,
        )
        for number, (sampler, other) in enumerate(itertools.product(samplers, others))
    ]
    return replace(run, trials=tuple(trials), spec={**run.spec, "searcher": {"kind": "grid"}})


def table(run: RunRecord) -> Table:
    (block,) = ablation.blocks(view(run, Path("nowhere"), "r1"))
    assert isinstance(block, Table)
    return block


def rows_of(block: Table) -> dict[tuple[str, str], dict[str, str]]:
    titles = [column.title for column in block.columns]
    return {
        (row[0].text, row[1].text): {title: f"{cell.text}\n{cell.note}".strip() for title, cell in zip(titles, row, strict=True)}
        for row in block.rows
    }


def by(run: RunRecord, **wanted: object) -> list[TrialRecord]:
    return [t for t in run.trials if all(t.values.get(name.replace("__", ".")) == value for name, value in wanted.items())]


def holm(values: dict[object, float]) -> dict[object, float]:
    found, largest = {}, 0.0
    for rank, key in enumerate(sorted(values, key=lambda key: values[key])):
        largest = max(largest, min(1.0, (len(values) - rank) * values[key]))
        found[key] = largest
    return found


def shown(difference: float, low: float, high: float, p: float, pairs: int | None) -> str:
    star = "*" * sum(p < limit for limit in (0.05, 0.01, 0.001))
    chance = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    tail = f", {pairs} pairs" if pairs else ""
    return f"{difference:+.2f} dB{star}\n[{low:+.2f}, {high:+.2f}], {chance}{tail}".replace("-", MINUS)


def test_a_grid_is_compared_in_pairs(run: RunRecord) -> None:
    made = grid(run)
    found = rows_of(table(made))
    batches = (8, 16, 32)
    value = {
        kind: [np.mean([t.value or 0.0 for t in by(made, sampler=kind, batch=batch)]) for batch in batches]
        for kind in ("uniform", "gradient", "hard_negative")
    }
    keep = {k: [by(made, sampler__gradient__keep=k, batch=batch)[0].value for batch in batches] for k in (0.25, 0.5)}
    whole: dict[int, list[float]] = {}
    for batch in batches:
        whole[batch] = [t.value or 0.0 for t in by(made, batch=batch)]
    tests = {
        ("sampler", "gradient"): stats.ttest_rel(value["gradient"], value["uniform"]),
        ("sampler", "hard_negative"): stats.ttest_rel(value["hard_negative"], value["uniform"]),
        ("sampler.gradient.keep", "0.5"): stats.ttest_rel(keep[0.5], keep[0.25]),
        ("batch", "16"): stats.ttest_rel(whole[16], whole[8]),
        ("batch", "32"): stats.ttest_rel(whole[32], whole[8]),
    }
    corrected = holm({key: float(test.pvalue) for key, test in tests.items()})
    pairs = {key: 4 if key[0] == "batch" else 3 for key in tests}
    means = {
        ("sampler", "gradient"): np.mean(value["gradient"]) - np.mean(value["uniform"]),
        ("sampler", "hard_negative"): np.mean(value["hard_negative"]) - np.mean(value["uniform"]),
        ("sampler.gradient.keep", "0.5"): np.mean(keep[0.5]) - np.mean(keep[0.25]),
        ("batch", "16"): np.mean(whole[16]) - np.mean(whole[8]),
        ("batch", "32"): np.mean(whole[32]) - np.mean(whole[8]),
    }
    for key, test in tests.items():
        low, high = test.confidence_interval(0.95)
        assert found[key]["Δ"] == shown(float(means[key]), low, high, corrected[key], pairs[key])
    assert found["sampler", "uniform"]["Δ"] == "reference"
    assert len(found) == 8


def test_means_have_t_intervals(run: RunRecord) -> None:
    made = grid(run)
    found = rows_of(table(made))
    values = [t.value or 0.0 for t in by(made, sampler="gradient")]
    low, high = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
    cell = found["sampler", "gradient"]
    assert cell["PSNR, dB [95\N{NO-BREAK SPACE}%]"] == f"{np.mean(values):.2f}\n[{low:.2f}, {high:.2f}]"
    assert cell["Trials"] == "6"
    assert cell["Pixels seen"] == "1.00 M"
    assert cell["Trial time"] == f"{np.mean([t.seconds for t in by(made, sampler='gradient')]):.1f} s"


@pytest.mark.recomputes("ablation")
def test_a_search_is_compared_as_two_samples_and_says_what_that_is(run: RunRecord) -> None:
    rng = np.random.default_rng(5)
    trials = []
    for number in range(18):
        values: dict[str, object] = {
            "sampler": ("uniform", "gradient")[number % 2],
            "recipe.optimizer.lr": float(rng.uniform(1e-4, 1e-2)),
        }
        trials.append(trial(run.trials[0], number, values, 28 + 0.4 * (number % 2) + float(rng.normal(0, 0.2))))
    made = replace(run, trials=tuple(trials))
    block = table(made)
    found = rows_of(block)
    rates = [level for factor, level in found if factor == "recipe.optimizer.lr"]
    assert len(rates) == 3
    ours, theirs = ([t.value for t in by(made, sampler=kind)] for kind in ("gradient", "uniform"))
    test = stats.ttest_ind(ours, theirs, equal_var=False)
    low, high = test.confidence_interval(0.95)
    cell = found["sampler", "gradient"]["Δ"]
    assert cell.split(", p")[0].replace("*", "") == minus(f"{np.mean(ours) - np.mean(theirs):+.2f} dB\n[{low:+.2f}, {high:+.2f}]")
    assert any("a hint, not a test" in note for note in block.notes)
    assert any("Equal budget: a trial took 800 steps, 1.00 M pixels and 16.0 s to 33.0 s." in note for note in block.notes)


def minus(text: str) -> str:
    return text.replace("-", MINUS)


def test_unequal_budgets_are_compared_at_the_smallest(run: RunRecord) -> None:
    made = grid(run, {32: 1e6, 64: 4e6})
    block = table(made)
    found = rows_of(block)
    assert any(note.startswith("Unequal budget: a trial took 800 steps, 1.00 M to 4.00 M pixels") for note in block.notes)
    small = [t.value or 0.0 for t in by(made, patch__size=32)]
    large = [t.reports[0].metrics["psnr"] for t in by(made, patch__size=64)]
    assert found["patch.size", "64"]["Δ at equal pixels"].startswith(minus(f"{np.mean(large) - np.mean(small):+.2f} dB"))
    assert "Δ at equal time" not in found["patch.size", "64"]
    assert found["patch.size", "64"]["Pixels seen"] == "4.00 M"


def test_the_baseline_s_level_is_the_reference(run: RunRecord) -> None:
    made = grid(run)
    spec = {**made.spec, "confirm": {"baseline": {"sampler": {"kind": "hard_negative"}, "batch": 32}}}
    found = rows_of(table(replace(made, spec=spec)))
    assert found["sampler", "hard_negative"]["Δ"] == "reference"
    assert found["batch", "32"]["Δ"] == "reference"


@pytest.mark.parametrize("what", ["nothing finished", "one value"])
def test_without_levels_there_is_no_table(run: RunRecord, what: str) -> None:
    failed = what == "nothing finished"
    trials = tuple(replace(t, status="failed", value=None) if failed else replace(t, values={"batch": 8}) for t in run.trials)
    found = ablation.blocks(view(replace(run, trials=trials), Path("nowhere"), "r1"))
    assert found == [] if failed else isinstance(found[0], Missing)
