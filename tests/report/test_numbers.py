"""Numbers of the page, computed again from the record by another path."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import plausible_study
import pyarrow.compute as pc
import pytest
from recomputing import NAMES, interval, minus, star, tables, values
from scipy import stats

from raysearch.report.compare import answer, outcome, primary_places
from raysearch.report.formats import PSNR, SSIM, fixed, probability, seconds, short, signed
from raysearch.report.page import write_report
from raysearch.report.sections.comparison import marks
from raysearch.report.series import POINTS, curve
from raysearch.report.view import view
from raysearch.results.record import ReportedPoint, RunRecord


@pytest.mark.recomputes("comparison")
def test_comparison(run: RunRecord, page: Path) -> None:
    rows = tables(page)["comparison"]["rows"]
    for row, role in zip(rows, ("baseline", "top1"), strict=True):
        assert row[1] == f"{values(run, role, 'psnr').mean():.2f} / {values(run, role, 'ssim').mean():.4f}"
        assert row[3] == "3"
        assert row[4] == "31,283"
        assert row[5] == "0.51 G"
        assert row[6] == f"{np.mean([t.seconds for t in run.trials if t.role == role]):.1f} s"
    difference, low, high, p = interval(values(run, "top1", "psnr"), values(run, "baseline", "psnr"))
    assert rows[1][2] == minus(f"{difference:+.2f} dB{star(p)}\n[{low:+.2f}, {high:+.2f}], p = {p:.3f}")


def test_memory_has_a_column_where_it_is_recorded(run: RunRecord, folder: Path, tmp_path: Path) -> None:
    trials = tuple(
        replace(t, facts=t.facts | {"peak_memory_mib": 1000.0 + t.number}) if t.role == "top1" else t for t in run.trials
    )
    found = tables(write_report([replace(run, trials=trials)], [folder], tmp_path / "page.html"))["comparison"]
    most = max(1000 + t.number for t in trials if t.role == "top1")
    assert found["columns"][-1] == "Memory"
    assert [row[-1] for row in found["rows"]] == ["\N{EN DASH}", f"{most:,} MiB"]


def test_answer(run: RunRecord, folder: Path) -> None:
    difference, low, high, p = interval(values(run, "top1", "psnr"), values(run, "baseline", "psnr"))
    text, verdict = answer(view(run, folder, "r1"))
    expected = f"PatchNet beats uniform sampling: {difference:+.2f} dB [{low:+.2f}, {high:+.2f}] on 3 held-out photographs, 3 seeds"
    assert text.startswith(minus(expected).replace("held\N{MINUS SIGN}out", "held-out"))
    assert f"(p = {p:.3f})" in text
    assert verdict == "yes"


@pytest.mark.recomputes("per-image")
def test_per_image(run: RunRecord, page: Path) -> None:
    ours, theirs = values(run, "top1", "psnr"), values(run, "baseline", "psnr")
    for row, i in zip(tables(page)["per-image"]["rows"], range(3), strict=True):
        test = stats.ttest_rel(ours[:, i], theirs[:, i]).confidence_interval(0.95)
        shown = (f"{theirs[:, i].mean():.2f}", f"{ours[:, i].mean():.2f}", f"{ours[:, i].mean() - theirs[:, i].mean():+.2f}")
        assert row[0] == NAMES[i]
        assert tuple(row[2:5]) == tuple(map(minus, shown))
        assert row[5] == minus(f"[{test.low:+.2f}, {test.high:+.2f}]")


@pytest.mark.recomputes("ledger")
def test_ledger(run: RunRecord, page: Path) -> None:
    rows = tables(page)["ledger"]["rows"]
    assert sum(int(row[2]) for row in rows) == len(run.trials)
    total = sum(0.02 * t.step + 2 if t.phase == "search" else 19.0 for t in run.trials)
    for phase, status, count, steps, spent, share in rows:
        name = {"Search": "search", "Confirmation": "confirm"}[phase]
        mine = [t for t in run.trials if t.phase == name and t.status == status]
        time = sum(0.02 * t.step + 2 if name == "search" else 19.0 for t in mine)
        done = sum(t.step for t in mine)
        assert [count, steps, spent, share] == [str(len(mine)), f"{done:,}", seconds(time), f"{time / total:.0%}"]


@pytest.mark.recomputes("rungs")
def test_rungs(run: RunRecord, page: Path) -> None:
    """Trials 4 and 9 were stopped at step 200, 6 and 11 lost at step 100; a trial takes 0.02 s a step and 2 s at its end."""
    rows = tables(page)["rungs"]["rows"]
    search = [t for t in run.trials if t.phase == "search"]
    assert [row[0] for row in rows] == ["0 to 200", "200 to 800"]
    assert [row[1:3] for row in rows] == [["12", "2"], ["8", "0"]]
    full = len([t for t in search if t.step == 800])
    first = full * 4.0 + 2 * 6.0 + 2 * 4.0
    total = sum(t.seconds for t in search)
    assert [row[3] for row in rows] == [seconds(first), seconds(total - first)]
    assert [row[4] for row in rows] == [f"{first / total:.0%}", f"{1 - first / total:.0%}"]
    assert [row[5] for row in rows] == [seconds(8.0), "0.0 s"]


def test_what_was_lost_is_said(run: RunRecord, page: Path) -> None:
    total = sum(t.seconds for t in run.trials)
    said = f"Lost: 8.0 s of {seconds(total)} of trial time ({8 / total:.0%}) went to 2 trials that gave no value."
    assert said in " ".join(page.read_text(encoding="utf-8").split())


def _shifted(run: RunRecord, by: float, spread: float = 0.0) -> RunRecord:
    """The run with the winner's PSNRs set to the baseline's plus something."""
    rows = run.images.to_pylist()
    base = {
        (t.seed, row["image"]): row["psnr"] for t in run.trials if t.role == "baseline" for row in rows if row["trial"] == t.number
    }
    seeds = {t.number: t.seed for t in run.trials if t.role == "top1"}
    rng = np.random.default_rng(0)
    for row in rows:
        if row["trial"] in seeds:
            row["psnr"] = base[seeds[row["trial"]], row["image"]] + by + float(rng.normal(0, spread))
    order = ("trial", "split", "dataset", "image", "level", "protocol", "psnr", "ssim")
    return replace(run, images=plausible_study.images([tuple(row[name] for name in order) for row in rows]))


@pytest.mark.parametrize(
    ("by", "spread", "verdict", "words"),
    [
        (0.5, 0.01, "yes", "PatchNet beats uniform sampling: +0.50 dB"),
        (-0.5, 0.01, "no", "PatchNet does not beat uniform sampling: \N{MINUS SIGN}0.50 dB"),
        (0.0, 0.3, "tie", "PatchNet does not measurably beat uniform sampling"),
        (math.inf, 0.0, "unknown", "This study cannot say whether PatchNet beats uniform sampling: a PSNR is infinite."),
    ],
)
def test_verdicts(run: RunRecord, folder: Path, by: float, spread: float, verdict: str, words: str) -> None:
    text, found = answer(view(_shifted(run, by, spread), folder, "r1"))
    assert found == verdict
    assert words in text


def test_identical_trainings_are_called_so_instead_of_an_interval(run: RunRecord, folder: Path, tmp_path: Path) -> None:
    same = _shifted(run, 0.0)
    text, found = answer(view(same, folder, "r1"))
    assert found == "tie"
    assert "the two trainings gave identical results, to the last digit, on 3 held-out photographs and 3 seeds." in text
    assert "[" not in text
    cell = tables(write_report([same], [folder], tmp_path / "page.html"))["comparison"]["rows"][1][2]
    assert cell == "0.00 dB\nthe two trainings gave identical results"
    kept = tuple(
        replace(
            t, reports=(*t.reports[:-1], replace(t.reports[-1], metrics=t.reports[-1].metrics | {"sampler/kept_fraction": 1.0}))
        )
        if t.role == "top1"
        else t
        for t in same.trials
    )
    text, _ = answer(view(replace(same, trials=kept), folder, "r1"))
    assert text.endswith("the winner's sampler had a kept fraction of 1.")


def test_a_tie_shares_the_mark(run: RunRecord, folder: Path) -> None:
    for by, spread, second in ((0.5, 0.01, "second"), (0.01, 0.3, "best")):
        shifted = view(_shifted(run, by, spread), folder, "r1")
        found = marks(shifted, shifted.methods, primary_places(shifted), PSNR)
        assert found == {"top1": "best", "baseline": second}


def test_levels_of_a_photograph_count_once(run: RunRecord, folder: Path) -> None:
    rows = run.images.to_pylist()
    doubled = [tuple({**row, "level": level}.values()) for row in rows for level in ("sigma 15", "sigma 50")]
    order = list(rows[0])
    assert order == ["trial", "split", "dataset", "image", "level", "protocol", "psnr", "ssim"]
    one, two = view(run, folder, "r1"), view(replace(run, images=plausible_study.images(doubled)), folder, "r1")
    results = [outcome(v, v.methods[1], v.methods[0], PSNR, primary_places(v)).numbers for v in (one, two)]
    assert results[0] is not None
    assert results[1] is not None
    assert results[0].low == pytest.approx(results[1].low)
    assert results[1].n_images == 3


def with_levels(run: RunRecord, shifts: dict[str, float]) -> RunRecord:
    """The run with each test row at several levels, the winner's PSNRs of each shifted by another amount and some noise."""
    rng = np.random.default_rng(1)
    ours = {t.number for t in run.trials if t.role == "top1"}
    rows = [
        (r["trial"], r["split"], r["dataset"], r["image"], level, r["protocol"], r["psnr"] + shift, r["ssim"])
        for r in run.images.to_pylist()
        for level, by in shifts.items()
        for shift in [float(rng.normal(by, 0.05)) if r["trial"] in ours else 0.0]
    ]
    return replace(run, images=plausible_study.images(rows))


@pytest.mark.recomputes("gains")
def test_differences_by_level(run: RunRecord, folder: Path, tmp_path: Path) -> None:
    shifts = {"sigma 15": -0.1, "sigma 25": 0.0, "sigma 50": -0.6}
    several = with_levels(run, shifts)
    found = tables(write_report([several], [folder], tmp_path / "page.html"))["gains"]
    assert found["columns"] == ["Method", *(f"photos: {level}" for level in shifts)]
    measured = []
    for level in shifts:
        part = replace(several, images=several.images.filter(pc.equal(several.images["level"], level)))
        measured.append(interval(values(part, "top1", "psnr"), values(part, "baseline", "psnr")))
    order = sorted(range(3), key=lambda i: measured[i][3])
    corrected, largest = {}, 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (3 - rank) * measured[i][3]))
        corrected[i] = largest
    for i, cell in enumerate(found["rows"][0][1:]):
        difference, low, high, _ = measured[i]
        assert cell == minus(f"{difference:+.2f} dB{star(corrected[i])}\n[{low:+.2f}, {high:+.2f}]")


def test_infinite_values_are_printed(run: RunRecord, folder: Path, tmp_path: Path) -> None:
    page = write_report([_shifted(run, math.inf)], [folder], tmp_path / "page.html")
    found = tables(page)
    assert found["comparison"]["rows"][1][1].startswith("∞ / 0.")
    assert found["comparison"]["rows"][1][2] == "a PSNR is infinite"
    assert found["per-image"]["rows"][0][3] == "∞"


def test_several_winners_are_corrected(folder: Path, tmp_path: Path) -> None:
    run = plausible_study.record(top=2)
    rows = tables(write_report([run], [tmp_path], tmp_path / "page.html"))["comparison"]["rows"]
    raw = [interval(values(run, role, "psnr"), values(run, "baseline", "psnr"))[3] for role in ("top1", "top2")]
    small, large = sorted(raw)
    corrected = {small: min(1.0, 2 * small), large: max(min(1.0, 2 * small), large)}
    for row, p in zip(rows[1:], raw, strict=True):
        assert row[2].endswith(f"p = {corrected[p]:.3f}")


def test_curves_average_and_thin(run: RunRecord) -> None:
    trials = [t for t in run.trials if t.role == "top1"]
    found = curve("x", trials, "psnr")
    assert found is not None
    assert found.mean[-1] == pytest.approx(np.mean([t.reports[-1].metrics["psnr"] for t in trials]))
    assert found.low[0] == min(t.reports[0].metrics["psnr"] for t in trials)
    points = tuple(ReportedPoint(step, {"psnr": float(step)}, 0.0) for step in range(1, 1001))
    long = curve("x", [replace(trials[0], reports=points)], "psnr")
    assert long is not None
    assert len(long.steps) == POINTS
    assert (long.steps[0], long.steps[-1]) == (1, 1000)
    assert curve("x", trials, "absent") is None


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (fixed(-0.004, 2), "\N{MINUS SIGN}0.00"),
        (signed(-0.004, 2), "0.00"),
        (signed(0.41, 2), "+0.41"),
        (fixed(math.inf, 2), "∞"),
        (fixed(None, 2), "\N{EN DASH}"),
        (short(1e-4), "1e\N{MINUS SIGN}4"),
        (short(0.00112), "0.00112"),
        (short(16.0), "16"),
        (probability(0.0001), "< 0.001"),
        (seconds(7200), "2.0 h"),
        (SSIM.difference(0.01), "+0.0100"),
    ],
)
def test_formats(shown: str, expected: str) -> None:
    assert shown == expected


def test_a_winner_that_is_the_baseline_is_called_so(run: RunRecord, folder: Path) -> None:
    base = next(trial for trial in run.trials if trial.role == "baseline")
    trials = tuple(replace(t, config=base.config | {"seed": t.seed}) if t.role == "top1" else t for t in run.trials)
    text, verdict = answer(view(replace(run, trials=trials), folder, "r1"))
    assert "nothing better than the baseline" in text
    assert verdict == "no"


@pytest.mark.recomputes("published")
def test_published_settings_stand_beside_what_they_gave(run: RunRecord, page: Path) -> None:
    row = tables(page)["published"]["rows"][0]
    assert row[:3] == ["PatchNet, table 4", "sampler = patchnet, sampler.patchnet.temperature = 0.5", "3"]
    assert row[4] == f"{run.trials[3].value:.2f}"
