"""Comparisons of runs and of values at an equal budget, computed again from the records by another path."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import plausible_study
import plausible_trials
import pyarrow.compute as pc
import pytest
from compared_runs import DATA, by, compared, crossed, longer, psnr, seen
from scipy import stats

from raysearch.report.budgets import reached
from raysearch.report.sections.contrasts import notes, table
from raysearch.report.sides import sides_by
from raysearch.results.record import ReportedPoint, RunRecord


def test_winners_of_two_runs_on_their_test_photographs(first: RunRecord, second: RunRecord) -> None:
    found = compared(first, second)
    (row,) = found.rows
    assert (row.basis, row.problem, found.budget) == ("test", "", "pixels")
    assert row.limit == 800 * 16 * 64 * 64
    assert "3 test photographs, 3 seeds in pairs" in row.how
    d = psnr(second, "top1") - psnr(first, "top1")
    error, freedom, p = crossed(d)
    assert row.numbers is not None
    low, high = stats.t.interval(0.95, freedom, loc=d.mean(), scale=error)
    assert (row.numbers.difference, row.numbers.low, row.numbers.high) == pytest.approx((d.mean(), low, high))
    assert row.numbers.p == pytest.approx(p)
    assert row.numbers.corrected == row.numbers.p
    by_image = d.mean(0)
    assert row.numbers.effect.d == pytest.approx(by_image.mean() / by_image.std(ddof=1))
    shift = row.numbers.effect.low * by_image.std(ddof=1) / error
    assert stats.nct.cdf(d.mean() / error, freedom, shift) == pytest.approx(0.975, abs=1e-3)


def test_values_of_a_setting_in_the_confirmation_are_the_reports_headline(first: RunRecord) -> None:
    found = by("trial.sampler.kind", first)
    (row,) = found.rows
    assert (row.reference.name, row.side.name, row.basis) == ("uniform", "patchnet", "test")
    d = psnr(first, "top1") - psnr(first, "baseline")
    assert row.numbers is not None
    assert row.numbers.difference == pytest.approx(d.mean())
    assert row.numbers.p == pytest.approx(crossed(d)[2])


def test_trials_of_a_search_are_cut_where_all_of_them_got(first: RunRecord) -> None:
    """Trials 4 and 9 were stopped at step 200: all others are taken at that step too; two that failed are left out."""
    found = by("sampler.kind", first, phase="search", budget="steps")
    assert [row.side.name for row in found.rows] == ["gradient", "hard_negative", "patchnet"]
    assert found.rows[0].reference.name == "uniform"
    at = {
        t.number: next(p.metrics["psnr"] for p in t.reports if p.step == 200) for t in first.trials[:12] if t.number not in (6, 11)
    }
    groups = {kind: [at[n] for n in at if n % 4 == i] for i, kind in enumerate(plausible_trials.SAMPLERS)}
    raw = []
    for row in found.rows:
        test = stats.ttest_ind(groups[row.side.name], groups["uniform"], equal_var=False)
        assert (row.basis, row.limit) == ("validation", 200)
        assert row.numbers is not None
        assert row.numbers.p == pytest.approx(test.pvalue)
        interval = test.confidence_interval(0.95)
        assert (row.numbers.low, row.numbers.high) == pytest.approx((interval.low, interval.high))
        assert any("cut at the largest budget that all reached" in note for note in row.notes)
        raw.append(test.pvalue)
    order, largest = np.argsort(raw), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (3 - rank) * raw[i]))
        numbers = found.rows[i].numbers
        assert numbers is not None
        assert numbers.corrected == pytest.approx(largest)
    assert any("Not compared, since they did not end with a value: 1 of hard_negative" in note for note in found.rows[1].notes)


@pytest.mark.parametrize("budget", ["steps", "pixels", "seconds"])
def test_unequal_lengths_are_compared_at_the_largest_common_one(first: RunRecord, second: RunRecord, budget: str) -> None:
    (row,) = compared(first, longer(second), budget=budget).rows
    limit = {"steps": 800, "pixels": 800 * 16 * 64 * 64, "seconds": 16.0}[budget]
    assert (row.basis, row.limit) == ("validation", limit)
    ends = [
        {t.seed: next(p.metrics["psnr"] for p in t.reports if p.step == 800) for t in run.trials if t.role == "top1"}
        for run in (second, first)
    ]
    test = stats.ttest_rel([ends[0][seed] for seed in ends[0]], [ends[1][seed] for seed in ends[0]])
    assert row.numbers is not None
    assert row.numbers.p == pytest.approx(test.pvalue)
    assert row.how == "3 pairs by seed"
    assert any("whose learning rate falls" in note for note in row.notes)


def test_a_grid_is_paired_by_the_rest_of_the_configuration(first: RunRecord) -> None:
    trials = [trial for trial in first.trials if trial.status == "finished" and trial.phase == "search"]
    model, effects, made = trials[0], {"uniform": 0.0, "gradient": 0.3}, []
    rng = np.random.default_rng(0)
    for kind, gain in effects.items():
        for place, rate in enumerate((1e-3, 2e-3, 4e-3)):
            config = plausible_trials.config({"sampler": kind, "recipe.optimizer.lr": rate, "batch": 16}, 100 + len(made))
            value = 30 + place + gain + float(rng.normal(0, 0.02))
            points = (replace(model.reports[-1], metrics=model.reports[-1].metrics | {"psnr": value}),)
            made.append(replace(model, number=len(made), config=config, seed=100 + len(made), reports=points, value=value))
    grid = replace(first, trials=tuple(made))
    (row,) = by("trial.sampler", grid).rows
    test = stats.ttest_rel(*([t.value for t in made[part]] for part in (slice(3, 6), slice(0, 3))))
    assert row.how == "3 pairs by the rest of its configuration"
    assert row.numbers is not None
    assert row.numbers.p == pytest.approx(test.pvalue)


def test_different_seeds_are_not_paired(first: RunRecord, second: RunRecord) -> None:
    apart = replace(second, trials=tuple(replace(t, seed=t.seed + 50) if t.phase == "confirm" else t for t in second.trials))
    (row,) = compared(first, apart).rows
    assert row.how == "3 test photographs, 3 and 3 seeds, not paired"
    some = tuple(replace(t, seed=77) if t.phase == "confirm" and t.seed == 9000 else t for t in second.trials)
    (row,) = compared(first, replace(second, trials=some)).rows
    assert row.how == "3 test photographs, 2 seeds in pairs"


def test_without_confirmations_the_best_of_the_searches_have_no_interval(first: RunRecord, second: RunRecord) -> None:
    searched = [replace(r, trials=r.trials[:12], images=plausible_study.images([])) for r in (first, second)]
    found = compared(*searched)
    (row,) = found.rows
    best = [max(t.value or 0 for t in r.trials if t.status == "finished") for r in searched]
    assert row.numbers is not None
    assert row.numbers.difference == pytest.approx(best[1] - best[0])
    assert math.isnan(row.numbers.low)
    assert not row.numbers.whole
    assert any("optimistic" in note for note in notes(found))
    assert table(found).rows[0][1].note == "no interval"


def test_identical_trainings_are_called_so(first: RunRecord) -> None:
    found = compared(first, replace(first, name="again"))
    assert found.rows[0].numbers is not None
    assert found.rows[0].numbers.identical
    assert table(found).rows[0][1].note == "identical"


def test_numbers_that_rarely_repeat_are_in_thirds(first: RunRecord) -> None:
    sides = sides_by([seen(first)], "recipe.optimizer.lr", "search")
    assert len(sides) == 3
    assert all(" to " in side.name for side in sides)
    assert sum(len(side.trainings) for side in sides) == 10


def test_seconds_within_a_twentieth_are_equal(first: RunRecord, second: RunRecord) -> None:
    def timed(record: RunRecord, factor: float) -> RunRecord:
        def one(point: ReportedPoint) -> ReportedPoint:
            return replace(point, metrics=point.metrics | {"train_seconds": point.metrics["train_seconds"] * factor})

        return replace(record, trials=tuple(replace(t, reports=tuple(map(one, t.reports))) for t in record.trials))

    assert compared(first, timed(second, 1.04), budget="seconds").rows[0].basis == "test"
    assert compared(first, timed(second, 1.2), budget="seconds").rows[0].basis == "validation"


def test_an_evaluation_beyond_the_budget_does_not_count(first: RunRecord) -> None:
    trial = first.trials[0]
    assert reached(trial, "steps", 150, "psnr") == trial.reports[0].metrics["psnr"]
    assert reached(trial, "steps", 99, "psnr") is None


def test_configurations_of_one_seed_are_averaged() -> None:
    record = replace(plausible_study.record("two", top=2), environment={"data": DATA})
    both = {t.number for t in record.trials if t.role in ("top1", "top2")}
    trials = tuple(replace(t, config=t.config | {"batch": 99}) if t.number in both else t for t in record.trials)
    (row,) = by("batch", replace(record, trials=trials)).rows
    d = (psnr(record, "top1") + psnr(record, "top2")) / 2 - psnr(record, "baseline")
    assert row.how == "3 test photographs, 3 seeds in pairs"
    assert row.numbers is not None
    assert row.numbers.difference == pytest.approx(d.mean())
    assert row.numbers.p == pytest.approx(crossed(d)[2])
    assert any("differ also in" in note for note in row.notes)


def test_what_an_equal_budget_took_else_is_told(first: RunRecord, second: RunRecord) -> None:
    assert not any("took" in note for note in notes(compared(first, second)))
    slow = tuple(
        replace(t, reports=tuple(replace(p, metrics=p.metrics | {"train_seconds": 0.06 * p.step}) for p in t.reports))
        for t in second.trials
    )
    said = notes(compared(first, replace(second, trials=slow)))
    assert "At this budget a training of second (and of first) took 48.0 s (and 16.0 s) on average." in said


def test_a_seed_race_widens_the_interval(first: RunRecord, second: RunRecord) -> None:
    raced = replace(second, spec=second.spec | {"confirm": {"top": 1, "seeds": 3, "race": {"seeds": 8}}})
    plain_row, row = compared(first, second).rows[0], compared(first, raced).rows[0]
    assert row.numbers is not None
    assert plain_row.numbers is not None
    assert row.numbers.p == pytest.approx(min(1.0, 12 * plain_row.numbers.p))
    assert row.numbers.low < plain_row.numbers.low
    assert any("corrected for 6 looks" in note for note in row.notes)


def test_photographs_that_not_all_were_measured_on_are_left_out(first: RunRecord, second: RunRecord) -> None:
    fewer = replace(second, images=second.images.filter(pc.not_equal(second.images["image"], "coffee")))
    (row,) = compared(first, fewer).rows
    assert row.how == "2 test photographs, 3 seeds in pairs; 1 photograph that not all were measured on left out"
    d = (psnr(second, "top1") - psnr(first, "top1"))[:, :2]
    assert row.numbers is not None
    assert row.numbers.difference == pytest.approx(d.mean())
