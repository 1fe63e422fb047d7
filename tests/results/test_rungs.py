"""Whether early reports predict the end: against SciPy, and on curves of which it is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from raysearch.results.events import Status
from raysearch.results.record import ReportedPoint, TrialRecord
from raysearch.results.rungs import agreement, agreements, at_step, is_control


def trial(number: int, values: list[float], status: Status = "finished") -> TrialRecord:
    reports = tuple(ReportedPoint(10 * (i + 1), {"psnr": value}, 0.0) for i, value in enumerate(values))
    return TrialRecord(number, "search", "suggested", None, {}, {}, 0, 30, status, 0, values[-1], 0.0, "", 0, {}, reports, 0.0)


def test_controls_get_rarer() -> None:
    assert [n for n in range(300) if is_control(n)] == [0, 7, 15, 31, 63, 127, 255]


def test_the_first_report_at_or_after_a_step_counts() -> None:
    assert at_step({10: 1.0, 20: 2.0}, 11) == 2.0
    assert at_step({10: 1.0, 20: 2.0}, 21) is None


def test_the_correlation_is_spearmans() -> None:
    random = np.random.default_rng(1)
    early = random.normal(size=9)
    late = early + random.normal(size=9)
    found = agreement([{10: float(a), 30: float(b)} for a, b in zip(early, late, strict=True)], 5)
    assert found.correlation.rho == pytest.approx(float(stats.spearmanr(early, late)[0]))
    assert found.correlation.low < found.correlation.rho < found.ceiling < found.correlation.high


@pytest.mark.parametrize(("count", "order", "misleads"), [(3, -1, False), (4, -1, True), (8, 1, False), (8, -1, True)])
def test_a_step_is_believed_until_it_is_known_to_mislead(count: int, order: int, misleads: bool) -> None:
    found = agreement([{10: float(order * i), 30: float(i)} for i in range(count)], 10)
    assert found.misleads == misleads
    assert math.isnan(found.ceiling) == (count < 4)


def test_trials_that_were_selected_do_not_count() -> None:
    """Controls 0, 7, 15 and 31 agree; the ones that a scheduler let through are in reverse order and are passed over."""
    chosen = [trial(n, [float(n), float(n), float(n)]) for n in (0, 7, 15, 31)]
    through = [trial(n, [-float(n), 0.0, float(n)]) for n in (1, 3, 5)]
    stopped = [trial(6, [0.0], "stopped")]
    found = agreements([*chosen, *through, *stopped], "psnr")
    assert [(one.step, one.correlation.rho, one.correlation.n) for one in found] == [(10, 1.0, 4), (20, 1.0, 4)]
    everyone = agreements([*chosen, *through], "psnr", [10])
    assert everyone[0].correlation.n == 7, "without early stopping nobody was selected"
