"""The diagnostics of a search: their numbers by loops over the trials, what is left out, and hostile names."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import plausible_study
import pytest
import varied_study
from matplotlib.axes import Axes
from test_escaping import PAYLOADS, poisoned_run, structure

from raysearch.report import axes, svg
from raysearch.report.document import Block, Figure
from raysearch.report.importance import Importances, importances
from raysearch.report.page import write_report
from raysearch.report.sections import diagnostics, distribution, intermediate, pairs, parallel, parameters, timeline
from raysearch.report.view import View, view
from raysearch.results.record import RunRecord, TrialRecord

SHARES = {"recipe.optimizer.lr": 0.5, "model.width": 0.3, "sampler": 0.15, "batch": 0.05}


def with_importances(folder: Path, shares: dict[str, float]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "importance.json").write_text(json.dumps({"method": "PED-ANOVA", "parameters": shares}))
    return folder


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> View:
    folder = with_importances(tmp_path_factory.mktemp("run") / "a", SHARES)
    return view(varied_study.record(search=40), folder, "r1")


def figure(blocks: list[Block], name: str) -> Figure:
    return next(block for block in blocks if isinstance(block, Figure) and block.name == name)


def texts(found: Figure) -> list[tuple[str, ...]]:
    return [tuple(cell.text for cell in row) for row in found.data.rows]


def full(run: RunRecord) -> list[TrialRecord]:
    return [trial for trial in run.trials if trial.phase == "search" and trial.status == "finished"]


def ranked(run: RunRecord) -> list[TrialRecord]:
    return sorted(full(run), key=lambda trial: -(trial.value or 0))


def test_the_section_is_folded_and_holds_every_figure(varied: View) -> None:
    section = diagnostics.section(varied)
    assert section is not None
    assert section.folded
    names = [block.name for block in section.blocks if isinstance(block, Figure)]
    assert names == ["search-curves", "early", "slices", "contour", "ranks", "parallel", "edf", "timeline"]
    assert diagnostics.section(view(replace(varied.record, trials=()), varied.folder, "r1")) is None


@pytest.mark.recomputes("slices-data")
def test_slices_are_ordered_by_importance_and_list_every_trial(varied: View) -> None:
    found = figure(parameters.slice_blocks(varied), "slices")
    titles = [column.title for column in found.data.columns[3:]]
    assert titles[:4] == list(SHARES)
    assert len(found.panels) == len(titles) == 7
    valued = [trial for trial in varied.record.trials if trial.phase == "search" and trial.value is not None]
    assert [row[:3] for row in texts(found)] == [(str(t.number), t.status, f"{t.value:.4f}") for t in valued]
    assert [row[4] for row in texts(found)] == [str(t.values["model.width"]) for t in valued]


def test_places_on_axes(varied: View) -> None:
    found = {axis.name: axis for axis in axes.searched_axes(varied, full(varied.record), importances(varied))}
    rate, width, sampler, batch = (found[name] for name in SHARES)
    assert (rate.logarithmic, width.logarithmic, batch.logarithmic) == (True, True, False)
    assert sampler.options == ("uniform", "gradient", "hard_negative", "patchnet")
    assert width.shares([8, 16, 32, 64]).tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert batch.shares([8, 16, 32]).tolist() == pytest.approx([0, 1 / 3, 1])
    trial = next(trial for trial in full(varied.record) if trial.values["sampler"] == "patchnet")
    assert sampler.place(trial) == 3
    assert found["sampler.gradient.keep"].place(trial) is None


@pytest.mark.parametrize(("mode", "sign"), [("max", 1), ("min", -1)])
def test_far_values_on_the_wrong_side_do_not_set_the_range(varied: View, mode: str, sign: int) -> None:
    goal = view(
        replace(varied.record, spec=varied.record.spec | {"objective": {"metric": "psnr", "mode": mode}}), varied.folder, "r"
    )
    values = [sign * value for value in (28.0, 28.1, 28.2, 28.3, 28.4, 28.5, 12.0, 28.6)]
    span = axes.span_of(goal, values)
    assert span is not None
    low, high = sorted(sign * end for end in span)
    assert 26 < low < 28
    assert 28.6 < high < 29
    widened = axes.span_of(goal, values, sign * 20.0)
    assert widened is not None
    assert min(sign * end for end in widened) < 20
    assert axes.span_of(goal, []) is None


def test_values_beyond_the_range_stand_at_its_edge(varied: View) -> None:
    trials = [replace(varied.search[0], number=i, value=value) for i, value in enumerate((28.0, 12.0, 28.5))]
    drawn: list[list[list[float]]] = []

    def paint(panel: Axes) -> None:
        axes.paint_values(panel, [(float(trial.number), trial) for trial in trials], (27.0, 29.0))
        drawn.extend(part.get_offsets().tolist() for part in panel.collections if len(part.get_offsets()))
        assert panel.get_ylim() == (27.0, 29.0)

    svg.panel("p", "title", "words", paint)
    assert drawn == [[[0, 28.0], [2, 28.5]], [[1, 27.0]]]


def test_thinning_keeps_both_ends() -> None:
    assert list(axes.thinned(range(5), 5)) == [0, 1, 2, 3, 4]
    chosen = list(axes.thinned(range(1001), 101))
    assert chosen == list(range(0, 1001, 10))


@pytest.mark.recomputes("search-curves-data")
def test_rungs_and_curves(varied: View) -> None:
    assert intermediate.rungs(varied) == (200,)
    found = figure(intermediate.blocks(varied), "search-curves")
    assert "Dotted: after 200 steps trials were stopped." in found.caption
    shown = {row[0] for row in texts(found)}
    assert shown == {str(t.number) for t in varied.search if len(t.reports) > 1}
    trial = varied.search[5]
    assert [row[2] for row in texts(found) if row[0] == "5"] == [f"{p.metrics['psnr']:.4f}" for p in trial.reports]
    best, drawn = intermediate._chosen(varied, [(t, c) for t in varied.search if (c := intermediate.curve("x", [t], "psnr"))])
    assert best is not None
    assert best.number == max(full(varied.record), key=lambda t: t.value or 0).number
    assert len(drawn) == 40


@pytest.mark.recomputes("edf-data")
def test_shares_that_reach_a_value(varied: View) -> None:
    rows = texts(figure(distribution.blocks(varied), "edf"))
    groups = defaultdict(list)
    for trial in full(varied.record):
        groups[trial.values["sampler"]].append(trial.value or 0.0)
    said = {
        "uniform": "uniform sampling",
        "gradient": "gradient mining",
        "hard_negative": "hard-negative mining",
        "patchnet": "PatchNet",
    }
    expected = [
        (said[str(kind)], f"{value:.4f}", f"{sum(other >= value for other in groups[kind]) / len(groups[kind]):.4f}")
        for kind in said
        for value in sorted(groups[kind])
    ]
    assert rows == expected


def test_shares_of_an_error_count_from_below(varied: View) -> None:
    goal = view(
        replace(varied.record, spec=varied.record.spec | {"objective": {"metric": "l1", "mode": "min"}}), varied.folder, "r"
    )
    assert distribution.reached(goal, [1.0, 2.0, 2.0, 5.0]) == [0.25, 0.75, 0.75, 1.0]
    assert distribution.reached(varied, [1.0, 2.0, 2.0, 5.0]) == [1.0, 0.75, 0.75, 0.25]


@pytest.mark.recomputes("timeline-data")
def test_times_of_trials(varied: View) -> None:
    found = figure(timeline.blocks(varied), "timeline")
    zero = min(trial.started for trial in varied.record.trials)
    expected = [
        (str(t.number), f"{t.started - zero:.1f}", f"{(t.ended or 0) - zero:.1f}", str(t.retries)) for t in varied.record.trials
    ]
    assert [(row[0], *row[2:]) for row in texts(found)] == expected
    assert "Stars: 1 trial started again." in found.caption


def test_a_running_trial_ends_now_and_an_imported_one_ran_elsewhere(varied: View) -> None:
    first, second, *rest = varied.record.trials
    trials = (replace(first, status=None, ended=None), replace(second, origin="other/3"), *rest)
    found = timeline.bars(view(replace(varied.record, trials=trials), varied.folder, "r1"))
    assert [bar.trial.number for bar in found[:2]] == [0, 2]
    assert found[0].end == varied.record.updated - first.started


def test_many_bars_keep_what_was_lost(varied: View) -> None:
    many = [replace(varied.search[0], number=i, started=1e9 + i, ended=1e9 + i + 1) for i in range(1000)]
    many[500] = replace(many[500], status="failed")
    many[501] = replace(many[501], retries=2)
    drawn = timeline._drawn(timeline.bars(view(replace(varied.record, trials=tuple(many)), varied.folder, "r1")))
    assert len(drawn) == 300
    assert {500, 501} <= {bar.trial.number for bar in drawn}


@pytest.mark.recomputes("parallel-data")
def test_lines_pass_where_trials_lie(varied: View) -> None:
    found = figure(parallel.blocks(varied), "parallel")
    order = [trial.number for trial in ranked(varied.record)]
    assert [int(row[0]) for row in texts(found)] == order
    assert f"the best, trial {order[0]};" in found.caption
    axis = next(a for a in axes.searched_axes(varied, full(varied.record), importances(varied)) if a.name == "recipe.optimizer.lr")
    rates = {trial.number: float(str(trial.values[axis.name])) for trial in full(varied.record)}
    low, high = math.log(min(rates.values())), math.log(max(rates.values()))
    expected = {number: (math.log(rate) - low) / (high - low) for number, rate in rates.items()}
    assert parallel._places(axis, full(varied.record)) == pytest.approx(expected)


def test_the_surface_goes_through_the_means_of_its_places(varied: View) -> None:
    rate, width = (a for a in axes.searched_axes(varied, full(varied.record), importances(varied)) if a.name in list(SHARES)[:2])
    doubled = [*full(varied.record), replace(full(varied.record)[0], number=99, value=31.0)]
    mesh = pairs._mesh(doubled, (rate, width))
    assert mesh is not None
    values = defaultdict(list)
    for trial in doubled:
        values[trial.values[rate.name], trial.values[width.name]].append(trial.value)
    found = {(x, y): value for x, y, value in zip(mesh[0].x, mesh[0].y, mesh[1], strict=True)}
    assert found == pytest.approx({place: np.mean(some) for place, some in values.items()})
    line = [replace(trial, values=trial.values | {width.name: 8}) for trial in doubled]
    assert pairs._mesh(line, (rate, width)) is None


@pytest.mark.recomputes("contour-data")
def test_two_choices_are_a_table_of_means(varied: View, tmp_path: Path) -> None:
    folder = with_importances(tmp_path / "b", {"sampler": 0.6, "batch": 0.4})
    found = figure(pairs.blocks(view(varied.record, folder, "r1")), "contour")
    groups = defaultdict(list)
    for trial in full(varied.record):
        groups[str(trial.values["sampler"]), str(trial.values["batch"])].append(trial.value)
    expected = {(*key, f"{np.mean(values):.4f}", str(len(values))) for key, values in groups.items()}
    assert set(texts(found)) == expected
    assert [column.title for column in found.data.columns] == ["sampler", "batch", "Mean", "Trials"]


@pytest.mark.recomputes("ranks-data")
def test_ranks_are_those_of_the_values(varied: View) -> None:
    found = figure(pairs.blocks(varied), "ranks")
    assert len(found.panels) == 3
    assert [int(row[0]) for row in texts(found)] == [trial.number for trial in ranked(varied.record)]
    assert [column.title for column in found.data.columns[3:]] == list(SHARES)


def test_what_says_nothing_is_left_out(run: RunRecord, folder: Path) -> None:
    few = view(replace(run, trials=run.trials[:3]), folder, "r1")
    for blocks in (pairs.blocks, parallel.blocks, distribution.blocks, timeline.blocks):
        assert blocks(few) == []
    one = view(replace(run, trials=tuple(replace(t, values={"batch": 8}) for t in run.trials)), folder, "r1")
    assert parameters.slice_blocks(one) == []
    assert Importances({}).of("batch") == 0.0


def test_a_search_for_the_smallest_ranks_the_smallest_first(varied: View) -> None:
    goal = view(
        replace(varied.record, spec=varied.record.spec | {"objective": {"metric": "psnr", "mode": "min"}}), varied.folder, "r"
    )
    numbers = [trial.number for trial in parallel.best_first(goal, full(varied.record))]
    assert numbers == [trial.number for trial in reversed(ranked(varied.record))]


def test_hostile_names_stay_text_in_every_figure(tmp_path: Path) -> None:
    text = "".join(PAYLOADS[i] for i in (0, 2, 5, 7, 8))

    def poisoned(trial: TrialRecord) -> TrialRecord:
        points = (replace(p, metrics=p.metrics | {f"loss/{text}": 0.1}) for p in trial.reports)
        values = trial.values | {f"sampler.{text}": float(trial.number)}
        return replace(trial, values=values, reports=tuple(points))

    run = varied_study.record(search=16)
    honest = structure(write_report([run], [tmp_path / "none"], tmp_path / "honest.html"))
    hostile = poisoned_run(replace(run, trials=tuple(map(poisoned, run.trials))), text)
    folder = with_importances(tmp_path / "run", {f"recipe.optimizer.lr{text}": 0.5, f"model.width{text}": 0.4})
    page = write_report([hostile], [folder], tmp_path / "page.html")
    tags, attributes, scripts = structure(page)
    assert set(tags) <= set(honest[0])
    assert attributes <= honest[1]
    assert tags["script"] == 2
    assert scripts[1] == honest[2][1]
    drawn = ("strategies", "losses", "slices", "contour", "ranks", "parallel", "edf", "timeline")
    written = page.read_text(encoding="utf-8")
    assert [name for name in drawn if f'id="r1-{name}"' not in written] == []


def test_trials_without_times_have_no_timeline() -> None:
    assert timeline.bars(view(plausible_study.record(), Path("nowhere"), "r1")) == ()
