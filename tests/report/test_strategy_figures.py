"""Numbers of the patch strategies, counted patches, costs and losses: what is drawn of them, by another path."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import varied_study
from scipy import stats

from raysearch.report.document import Block, Figure
from raysearch.report.sections import costs, strategies, training
from raysearch.report.view import View, view
from raysearch.results.record import RunRecord, TrialRecord

SHARES = (0.25, 0.5, 0.75)


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> View:
    return view(varied_study.record(search=40), tmp_path_factory.mktemp("run"), "r1")


@pytest.fixture(scope="module")
def grid(varied: View) -> View:
    """The same with three shares of kept patches."""

    def on_grid(trial: TrialRecord) -> TrialRecord:
        if "sampler.gradient.keep" not in trial.values:
            return trial
        share = SHARES[trial.number // 4 % 3]
        values = trial.values | {"sampler.gradient.keep": share}
        return replace(trial, values=values, config=trial.config | {"sampler": {"kind": "gradient", "keep": share}})

    return view(replace(varied.record, trials=tuple(map(on_grid, varied.record.trials))), varied.folder, "r1")


def figure(blocks: list[Block], name: str) -> Figure:
    return next(block for block in blocks if isinstance(block, Figure) and block.name == name)


def texts(found: Figure) -> list[tuple[str, ...]]:
    return [tuple(cell.text for cell in row) for row in found.data.rows]


def full(run: RunRecord) -> list[TrialRecord]:
    return [trial for trial in run.trials if trial.phase == "search" and trial.status == "finished"]


@pytest.mark.recomputes("strategies-data")
def test_each_number_of_a_strategy_has_a_panel(varied: View) -> None:
    found = figure(strategies.blocks(varied), "strategies")
    assert len(found.panels) == 3
    rows = texts(found)
    expected = []
    for title, name, said in (
        ("share of the patches that is kept", "sampler.gradient.keep", "gradient mining"),
        ("threshold, dB", "sampler.hard_negative.threshold_db", "hard-negative mining"),
        ("temperature T", "sampler.patchnet.temperature", "PatchNet"),
    ):
        mine = [trial for trial in full(varied.record) if name in trial.values]
        mine.sort(key=lambda trial: (trial.values[name], trial.number))
        expected += [(title, said, str(trial.number), f"{trial.value:.4f}") for trial in mine]
    assert [(row[0], row[1], row[3], row[4]) for row in rows] == expected
    uniform = [t.value for t in full(varied.record) if t.values["sampler"] == "uniform" and t.value is not None]
    assert f"uniform sampling, the mean of {len(uniform)} trials, {np.mean(uniform):.2f}." in found.caption


def test_levels_have_means_with_intervals(grid: View) -> None:
    groups = defaultdict(list)
    for trial in full(grid.record):
        if trial.values["sampler"] == "gradient":
            groups[trial.values["sampler.gradient.keep"]].append(trial.value)
    rows = [row for row in texts(figure(strategies.blocks(grid), "strategies")) if row[1] == "gradient mining"]
    assert len(rows) == sum(map(len, groups.values()))
    for row in rows:
        values = groups[float(row[2])]
        low, high = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
        assert row[5:] == (f"{np.mean(values):.4f}", f"{low:.4f}", f"{high:.4f}")


@pytest.mark.recomputes("patches-data")
def test_patches_are_counted_where_a_strategy_keeps_whole_ones(grid: View) -> None:
    rows = texts(figure(strategies.blocks(grid), "patches"))
    expected = {}
    for trial in full(grid.record):
        kind = trial.values["sampler"]
        if kind in ("uniform", "gradient"):
            share = trial.values["sampler.gradient.keep"] if kind == "gradient" else 1
            expected[str(trial.number)] = str(round(1403 * float(str(share))))
    assert {row[3]: row[2] for row in rows} == expected
    unknown = tuple(replace(t, facts={k: v for k, v in t.facts.items() if k != "patches"}) for t in grid.record.trials)
    found = strategies.blocks(view(replace(grid.record, trials=unknown), grid.folder, "r1"))
    assert [block.name for block in found if isinstance(block, Figure)] == ["strategies"]


def test_one_number_of_two_strategies_shares_a_panel(grid: View) -> None:
    def both(trial: TrialRecord) -> TrialRecord:
        if trial.values["sampler"] != "patchnet":
            return trial
        values = {k: v for k, v in trial.values.items() if not k.startswith("sampler.")}
        values |= {"sampler": "random_subset", "sampler.random_subset.keep": 0.5}
        return replace(trial, values=values, config=trial.config | {"sampler": {"kind": "random_subset", "keep": 0.5}})

    shared = view(replace(grid.record, trials=tuple(map(both, grid.record.trials))), grid.folder, "r1")
    found = figure(strategies.blocks(shared), "strategies")
    assert len(found.panels) == 2
    assert {row[1] for row in texts(found) if row[0].startswith("share")} == {"gradient mining", "a random subset"}


@pytest.mark.recomputes("costs-data")
def test_costs_and_their_line(varied: View) -> None:
    found = figure(costs.blocks(varied), "costs")
    titles = [column.title for column in found.data.columns]
    assert titles == [
        *("Trial", "Value", "Parameters", "Multiply-adds, G"),
        *("Training time, device seconds", "Peak memory of a training, MiB"),
    ]
    trials = {str(trial.number): trial for trial in full(varied.record)}
    assert {row[0].text for row in found.data.rows} == set(trials)
    spent = {
        2: lambda t: t.facts["parameters"],
        3: lambda t: t.facts["macs_g"],
        4: lambda t: 2 * t.reports[-1].metrics["train_seconds"],
        5: lambda t: t.facts["peak_memory_mib"],
    }
    for row in found.data.rows:
        mine = trials[row[0].text]
        assert row[1].text == f"{mine.value:.4f}"
        for place, cost in spent.items():
            assert row[place].sort == pytest.approx(cost(mine))
            beaten = any(
                (t.value >= mine.value and cost(t) <= cost(mine)) and (t.value > mine.value or cost(t) < cost(mine))  # type: ignore[operator]
                for t in trials.values()
            )
            assert (row[place].mark == "best") is not beaten


def test_what_costs_the_same_is_not_drawn(run: RunRecord, folder: Path) -> None:
    assert costs.blocks(view(run, folder, "r1")) == []


def test_an_objective_is_not_drawn_twice(varied: View) -> None:
    goals = [{"metric": "psnr", "mode": "max"}, {"metric": "macs_g", "mode": "min"}]
    spec = {key: value for key, value in varied.record.spec.items() if key != "objective"} | {"objectives": goals}
    found = figure(costs.blocks(view(replace(varied.record, spec=spec), varied.folder, "r1")), "costs")
    assert "Multiply-adds, G" not in [column.title for column in found.data.columns]


@pytest.mark.recomputes("costs-test-data")
def test_confirmed_methods_over_their_costs(tmp_path: Path) -> None:
    def own(trial: TrialRecord) -> TrialRecord:
        return replace(trial, facts=trial.facts | {"parameters": 1000 * (1 + ["baseline", "top1", "top2"].index(trial.role))})

    run = varied_study.record(search=12, top=2)
    run = replace(run, trials=tuple(own(t) if t.phase == "confirm" else t for t in run.trials))
    found = figure(costs.blocks(view(run, tmp_path, "r1")), "costs-test")
    numbers = {row["trial"]: [] for row in run.images.to_pylist()}
    for row in run.images.to_pylist():
        numbers[row["trial"]].append(row["psnr"])
    means = [np.mean([numbers[t.number] for t in run.trials if t.role == role]) for role in ("baseline", "top1", "top2")]
    rows = sorted(found.data.rows, key=lambda row: row[2].sort or 0)
    assert [row[1].text for row in rows] == [f"{mean:.4f}" for mean in means]
    assert [row[2].text for row in rows] == ["1,000", "2,000", "3,000"]


@pytest.mark.recomputes("losses-data")
def test_terms_of_the_loss(varied: View) -> None:
    (found,) = training._losses(varied)
    assert isinstance(found, Figure)
    assert len(found.panels) == 3
    expected = []
    for title, name in (("the whole loss", "loss"), ("l1", "loss/l1"), ("tv", "loss/tv")):
        for method in varied.methods:
            for i, point in enumerate(method.trials[0].reports):
                values = [trial.reports[i].metrics[name] for trial in method.trials]
                numbers = (f"{number:.4f}" for number in (np.mean(values), min(values), max(values)))
                expected.append((f"{title}, {method.title}", str(point.step), *numbers, "3"))
    assert texts(found) == expected


def test_a_loss_of_one_term_is_drawn_once(run: RunRecord, folder: Path) -> None:
    def plain_loss(trial: TrialRecord) -> TrialRecord:
        points = (replace(p, metrics=p.metrics | {"loss/l2": p.metrics["loss"]}) for p in trial.reports)
        return replace(trial, reports=tuple(points))

    single = view(replace(run, trials=tuple(map(plain_loss, run.trials))), folder, "r1")
    (found,) = training._losses(single)
    assert isinstance(found, Figure)
    assert len(found.panels) == 1
    assert training._losses(view(run, folder, "r1")) == []
