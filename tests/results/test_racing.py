from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from raysearch.report.compare import outcome
from raysearch.report.view import view
from raysearch.results.racing import CHANCE, RaceRule, compare, photograph_values
from raysearch.results.record import RunRecord, TrialRecord
from raysearch.results.run import RUN_IMAGES
from raysearch.results.statistics import paired_difference

RULE = RaceRule(3, 8)


def effects(rng: np.random.Generator, images: float, seeds: float, rest: float, shift: float = 0.0) -> NDArray[np.float64]:
    """Draw differences (seeds, photographs) with random effects of both."""
    return shift + (
        images * rng.normal(size=(1, 12)) + seeds * rng.normal(size=(RULE.last, 1)) + rest * rng.normal(size=(RULE.last, 12))
    )


def decided_after(differences: NDArray[np.float64], confidence: float) -> int | None:
    """Run a race; return the seeds at which it was decided."""
    for count in range(RULE.first, RULE.last + 1):
        seeds = range(count)
        if paired_difference(differences[:count], np.zeros((count, 12)), confidence, seeds=(seeds, seeds)).decided:
            return count
    return None


@pytest.mark.parametrize("mixture", [(0.1, 0.1, 0.1), (0.0, 0.1, 0.1), (0.1, 0.0, 0.1), (0.0, 0.0, 0.1), (0.02, 0.2, 0.1)])
def test_equal_methods_are_called_different_in_less_than_one_race_of_twenty(mixture: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(3)
    races = 400
    errors = sum(decided_after(effects(rng, *mixture), RULE.confidence) is not None for _ in range(races))
    assert errors <= CHANCE * races


def test_looking_without_the_correction_would_err_too_often() -> None:
    rng = np.random.default_rng(4)
    errors = sum(decided_after(effects(rng, 0.0, 0.1, 0.1), 0.95) is not None for _ in range(400))
    assert errors > 2 * CHANCE * 400


def test_a_clear_difference_ends_the_race_early() -> None:
    rng = np.random.default_rng(5)
    ends = [decided_after(effects(rng, 0.03, 0.03, 0.03, shift=0.3), RULE.confidence) for _ in range(50)]
    assert all(end is not None and end < RULE.last for end in ends)


def test_the_rule_is_read_from_the_study() -> None:
    assert RaceRule.of({"confirm": {"seeds": 3, "race": {"seeds": 8}}}) == RULE
    assert RULE.looks == 6
    assert math.isclose(RULE.confidence, 1 - 0.025 / 6)
    assert RULE.corrected(0.004) == pytest.approx(0.048)
    assert RULE.corrected(0.5) == 1.0
    for spec in ({}, {"confirm": None}, {"confirm": {"seeds": 3, "race": None}}, {"confirm": {"seeds": 3, "race": {"seeds": "8"}}}):
        assert RaceRule.of(spec) is None


def trial(number: int, role: str, seed: int) -> TrialRecord:
    config: dict[str, object] = {"sampler": {"kind": "uniform" if role == "baseline" else "gradient"}}
    return TrialRecord(number, "confirm", role, 0, {}, config, seed, 40, "finished", 40, 30.0, 1.0, "", 0, {}, (), 0.0)


def table(trials: list[TrialRecord], rng: np.random.Generator) -> pa.Table:
    rows: list[dict[str, Any]] = []
    for one in trials:
        for dataset, image, level, protocol in [
            ("a", "1", "sigma 15", "RGB"),
            ("a", "1", "sigma 25", "RGB"),
            ("a", "2", "sigma 15", "RGB"),
            ("b", "1", "sigma 15", "RGB"),
            ("c", "1", "sigma 15", "Y"),
        ]:
            place = {"split": "test", "dataset": dataset, "image": image, "level": level, "protocol": protocol}
            rows.append({"trial": one.number, **place, "psnr": 30 + rng.normal(), "ssim": 0.9})
        rows.append({**rows[-1], "split": "validation", "dataset": "v"})
    return pa.Table.from_pylist(rows, schema=RUN_IMAGES)


def test_the_race_sees_what_the_report_shows() -> None:
    seeds = (5, 9, 7)
    trials = [trial(2 * i + j, role, seed) for i, seed in enumerate(seeds) for j, role in enumerate(("baseline", "top1"))]
    images = table(trials, np.random.default_rng(1))
    baseline, contender = trials[::2], trials[1::2]
    found = compare(images, contender, baseline, "psnr", RULE)
    assert found is not None
    assert (found.n_images, found.n_seeds, found.paired) == (3, (3, 3), True)
    spec: dict[str, object] = {"objective": {"metric": "psnr", "mode": "max"}, "confirm": {"seeds": 3, "race": {"seeds": 8}}}
    record = RunRecord("r", "", spec, {}, tuple(trials), images, {}, 1, (), ())
    seen = view(record, Path("nowhere"), "r")
    shown = outcome(
        seen, seen.methods[1], seen.methods[0], seen.metric, tuple(p for p in seen.scores.places(range(6)) if p.protocol == "RGB")
    )
    assert shown.numbers is not None
    assert shown.numbers == found


def test_seeds_that_only_one_of_them_has_are_left_out() -> None:
    trials = [trial(0, "baseline", 1), trial(1, "baseline", 2), trial(2, "baseline", 3), trial(3, "top1", 2), trial(4, "top1", 1)]
    images = table(trials, np.random.default_rng(2))
    found = compare(images, trials[3:], trials[:3], "psnr", RULE)
    assert found is not None
    assert found.n_seeds == (2, 2)
    assert found.paired
    assert compare(images, trials[3:], [trial(0, "baseline", 77)], "psnr", RULE) is None
    assert compare(RUN_IMAGES.empty_table(), trials[3:], trials[:3], "psnr", RULE) is None
    assert compare(images, trials[3:], trials[:3], "fsim", RULE) is None


def test_levels_of_a_photograph_are_averaged() -> None:
    trials = [trial(0, "baseline", 1)]
    images = table(trials, np.random.default_rng(3))
    values = photograph_values(images, [0], "psnr")
    first, second = images.column("psnr").to_pylist()[:2]
    assert values.shape == (1, 3)
    assert values[0, 0] == pytest.approx((first + second) / 2)
