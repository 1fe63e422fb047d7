"""Equal budgets and convergence, computed again with scipy and by loops over the reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import varied_study
from scipy import stats

from raysearch.report.document import Block, Figure, Table
from raysearch.report.formats import seconds
from raysearch.report.sections import budgets, convergence
from raysearch.report.view import View, view
from raysearch.results.record import RunRecord, TrialRecord

Amount = Callable[[TrialRecord, int], float]


def steps(trial: TrialRecord, i: int) -> float:
    return float(trial.reports[i].step)


def device_seconds(trial: TrialRecord, i: int) -> float:
    return trial.reports[i].metrics["train_seconds"] * 2


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> View:
    return view(varied_study.record(search=8), tmp_path_factory.mktemp("run"), "r1")


def of_role(run: RunRecord, role: str) -> list[TrialRecord]:
    return sorted((trial for trial in run.trials if trial.role == role), key=lambda trial: trial.seed)


def at(trial: TrialRecord, amount: Amount, limit: float) -> float:
    """The objective at a budget, on the straight line between the two evaluations around it."""
    for i in range(len(trial.reports) - 1, -1, -1):
        if amount(trial, i) <= limit + 1e-9:
            here, value = amount(trial, i), trial.reports[i].metrics["psnr"]
            if i + 1 == len(trial.reports):
                return value
            there, later = amount(trial, i + 1), trial.reports[i + 1].metrics["psnr"]
            return value + (later - value) * (limit - here) / (there - here)
    raise AssertionError("before the first evaluation")


def minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")


def table(blocks: list[Block], name: str) -> Table:
    return next(block for block in blocks if isinstance(block, Table) and block.name == name)


@pytest.mark.recomputes("budgets")
def test_differences_at_equal_budgets(varied: View) -> None:
    ours, theirs = of_role(varied.record, "top1"), of_role(varied.record, "baseline")
    limit = min(device_seconds(trial, -1) for trial in (*ours, *theirs))
    assert limit < 0.8 * max(device_seconds(trial, -1) for trial in ours)
    tests = []
    for amount, most in ((steps, 800.0), (device_seconds, limit)):
        pairs = [[at(trial, amount, most) for trial in trials] for trials in (ours, theirs)]
        test = stats.ttest_rel(*pairs)
        tests.append((float(np.mean(pairs[0]) - np.mean(pairs[1])), test.confidence_interval(0.95), float(test.pvalue)))
    small, large = sorted(test[2] for test in tests)
    corrected = {small: min(1.0, 2 * small), large: max(min(1.0, 2 * small), large)}
    baseline, winner = table(budgets.blocks(varied), "budgets").rows
    assert [cell.text for cell in baseline[1:4]] == ["800", "52.43 M", seconds(np.mean([device_seconds(t, -1) for t in theirs]))]
    assert [cell.text for cell in baseline[5:]] == ["\N{EN DASH}"] * 2
    for cell, (difference, ends, p) in zip(winner[5:], tests, strict=True):
        stars = "*" * sum(corrected[p] < bound for bound in (0.05, 0.01, 0.001))
        assert cell.text == minus(f"{difference:+.2f} dB{stars}")
        shown = "p < 0.001" if corrected[p] < 0.001 else f"p = {corrected[p]:.3f}"
        assert cell.note == minus(f"[{ends.low:+.2f}, {ends.high:+.2f}]") + f", {shown}"


def test_values_have_an_interval_over_seeds(varied: View) -> None:
    for row, role in zip(table(budgets.blocks(varied), "budgets").rows, ("baseline", "top1"), strict=True):
        values = [trial.reports[-1].metrics["psnr"] for trial in of_role(varied.record, role)]
        low, high = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
        assert (row[4].text, row[4].note) == (f"{np.mean(values):.2f}", f"[{low:.2f}, {high:.2f}]")


def test_other_seeds_are_two_samples(varied: View) -> None:
    trials = tuple(replace(t, seed=t.seed + 500) if t.role == "top1" else t for t in varied.record.trials)
    other = view(replace(varied.record, trials=trials), varied.folder, "r1")
    values = [[t.reports[-1].metrics["psnr"] for t in of_role(varied.record, role)] for role in ("top1", "baseline")]
    test = stats.ttest_ind(*values, equal_var=False)
    ends = test.confidence_interval(0.95)
    cell = table(budgets.blocks(other), "budgets").rows[1][5]
    assert cell.note.startswith(minus(f"[{ends.low:+.2f}, {ends.high:+.2f}]"))


def test_equal_budgets_are_called_so_and_have_one_column(run: RunRecord, folder: Path) -> None:
    found = table(budgets.blocks(view(run, folder, "r1")), "budgets")
    assert [column.whole for column in found.columns if "equal" in column.whole] == ["Δ to baseline at equal: steps"]
    assert found.notes[0] == "Equal budget: all trainings spent the same pixels and device time."


def test_a_single_method_is_compared_with_nothing(run: RunRecord, folder: Path) -> None:
    alone = replace(run, trials=tuple(t for t in run.trials if t.role != "baseline"))
    assert budgets.blocks(view(alone, folder, "r1")) == []


@pytest.mark.recomputes("curves-time-data")
def test_curves_over_device_time(varied: View) -> None:
    found = [block for block in convergence.blocks(varied) if isinstance(block, Figure)]
    assert [figure.name for figure in found] == ["curves", "curves-time"]
    expected = []
    for method in varied.methods:
        for i, point in enumerate(method.trials[0].reports):
            values = [trial.reports[i].metrics["psnr"] for trial in method.trials]
            spent = np.mean([device_seconds(trial, i) for trial in method.trials])
            numbers = (np.mean(values), min(values), max(values))
            expected.append((method.title, str(point.step), f"{spent:.2f}", *(f"{number:.4f}" for number in numbers), "3"))
    for figure, place in zip(found, (1, 2), strict=True):
        rows = [tuple(cell.text for cell in row) for row in figure.data.rows]
        assert rows == [(row[0], row[place], *row[3:]) for row in expected]


def test_without_times_there_is_no_curve_over_them(varied: View) -> None:
    def timeless(trial: TrialRecord) -> TrialRecord:
        points = (replace(p, metrics={k: v for k, v in p.metrics.items() if k != "train_seconds"}) for p in trial.reports)
        return replace(trial, reports=tuple(points))

    bare = view(replace(varied.record, trials=tuple(map(timeless, varied.record.trials))), varied.folder, "r1")
    found = convergence.blocks(bare)
    assert [block.name for block in found if isinstance(block, Figure)] == ["curves"]
    assert [column.title for column in table(found, "budgets").columns if column.group == "Spent by a training"] == [
        "Steps",
        "Pixels",
    ]
