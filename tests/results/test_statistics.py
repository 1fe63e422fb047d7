from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from raysearch.results.ranking import best_group
from raysearch.results.statistics import holm, mean_interval, paired_difference, spearman


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.mark.parametrize("n", [2, 3, 10])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_mean_interval_is_the_t_interval_of_scipy(rng: np.random.Generator, n: int, confidence: float) -> None:
    values = rng.normal(30, 2, n)
    found = mean_interval(values, confidence)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (found.mean, found.deviation, found.n) == pytest.approx((np.mean(values), stats.tstd(values), n))


def test_one_value_has_a_mean_and_no_interval() -> None:
    found = mean_interval([3.0])
    assert found.mean == 3.0
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_with_one_seed_the_difference_is_the_paired_t_test_over_images(rng: np.random.Generator) -> None:
    a, b = rng.normal(1, 1, (2, 12))
    found = paired_difference(a[None], b[None])
    reference = stats.ttest_rel(a, b)
    low, high = reference.confidence_interval(0.95)
    assert (found.difference, found.p, found.low, found.high) == pytest.approx((np.mean(a - b), reference.pvalue, low, high))
    assert found.freedom == pytest.approx(11)
    assert found.effect.d == pytest.approx(reference.statistic / math.sqrt(12))
    assert (found.covers, found.n_images, found.n_seeds, found.wins) == ("images", 12, (1, 1), int((a > b).sum()))


def test_with_one_image_the_difference_is_welchs_test_over_seeds(rng: np.random.Generator) -> None:
    a, b = rng.normal(1, 1, 5), rng.normal(0, 3, 7)
    found = paired_difference(a[:, None], b[:, None])
    reference = stats.ttest_ind(a, b, equal_var=False)
    low, high = reference.confidence_interval(0.95)
    assert (found.p, found.low, found.high, found.freedom) == pytest.approx((reference.pvalue, low, high, reference.df))
    assert (found.covers, found.n_seeds) == ("seeds", (5, 7))
    assert math.isnan(found.effect.d)


def test_both_sources_add_up_as_documented(rng: np.random.Generator) -> None:
    a, b = rng.normal(1, 1, (3, 4)), rng.normal(0, 1, (5, 4))
    images = [np.mean([a[s, i] for s in range(3)]) - np.mean([b[s, i] for s in range(5)]) for i in range(4)]
    errors = [stats.sem(images), stats.sem([row.mean() for row in a]), stats.sem([row.mean() for row in b])]
    squared = [e**2 for e in errors]
    freedom = sum(squared) ** 2 / (squared[0] ** 2 / 3 + squared[1] ** 2 / 2 + squared[2] ** 2 / 4)
    t = stats.t(freedom, loc=np.mean(images), scale=math.sqrt(sum(squared)))
    found = paired_difference(a, b)
    assert (found.low, found.high) == pytest.approx(t.interval(0.95))
    assert found.p == pytest.approx(2 * min(t.cdf(0), t.sf(0)))
    assert found.covers == "images and seeds"


def _two_way(d: np.ndarray) -> tuple[float, float, float]:
    """Mean squares of images, seeds and rest by sums over single cells: an independent route to the analysis of variance."""
    seeds, images = d.shape
    total = float(np.mean(d))
    of_image = seeds * sum((np.mean(d[:, i]) - total) ** 2 for i in range(images))
    of_seed = images * sum((np.mean(d[s]) - total) ** 2 for s in range(seeds))
    rest = sum((d[s, i] - total) ** 2 for s in range(seeds) for i in range(images)) - of_image - of_seed
    return of_image / (images - 1), of_seed / (seeds - 1), rest / ((images - 1) * (seeds - 1))


@pytest.mark.parametrize("case", ["both", "images", "seeds", "neither"])
def test_with_the_same_seeds_the_difference_is_the_two_way_random_effects_model(rng: np.random.Generator, case: str) -> None:
    for _ in range(2000):
        a, b = rng.normal(1, 1, (4, 5)), rng.normal(0, 1, (4, 5))
        image, seed, rest = _two_way(a - b)
        if {(True, True): "both", (True, False): "images", (False, True): "seeds"}.get(
            (image > rest, seed > rest), "neither"
        ) == case:
            break
    else:
        raise AssertionError("no such data set was drawn")
    squared, freedom = {
        "both": (image + seed - rest, (image + seed - rest) ** 2 / (image**2 / 4 + seed**2 / 3 + rest**2 / 12)),
        "images": (image, 4),
        "seeds": (seed, 3),
        "neither": (np.var(a - b, ddof=1), 19),
    }[case]
    t = stats.t(freedom, loc=np.mean(a - b), scale=math.sqrt(squared / 20))
    found = paired_difference(a, b, seeds=((1, 2, 3, 4), (1, 2, 3, 4)))
    assert (found.low, found.high) == pytest.approx(t.interval(0.95))
    assert found.p == pytest.approx(2 * min(t.cdf(0), t.sf(0)))
    assert (found.freedom, found.paired, found.covers) == (pytest.approx(freedom), True, "images and seeds")


def test_seeds_are_aligned_by_name_and_unequal_ones_are_independent(rng: np.random.Generator) -> None:
    a, b = rng.normal(1, 1, (3, 4)), rng.normal(0, 1, (3, 4))
    same = paired_difference(a, b, seeds=((7, 8, 9), (7, 8, 9)))
    assert paired_difference(a[[2, 0, 1]], b[[1, 2, 0]], seeds=((9, 7, 8), (8, 9, 7))) == same
    for seeds in (((7, 8, 9), (7, 8, 10)), ((7, 7, 8), (7, 7, 8))):
        assert paired_difference(a, b, seeds=seeds) == paired_difference(a, b)
    assert not paired_difference(a, b[:2], seeds=((7, 8, 9), (7, 8))).paired
    with pytest.raises(ValueError, match="2 and 3 seeds are named for 3 and 3 rows"):
        paired_difference(a, b, seeds=((7, 8), (7, 8, 9)))


def test_one_image_or_one_seed_with_the_same_seeds_is_the_paired_t_test(rng: np.random.Generator) -> None:
    a, b = rng.normal(1, 1, (2, 6))
    for shape, seeds, covers in (((6, 1), range(6), "seeds"), ((1, 6), range(1), "images")):
        found = paired_difference(a.reshape(shape), b.reshape(shape), seeds=(seeds, seeds))
        low, high = stats.ttest_rel(a, b).confidence_interval(0.95)
        assert (found.low, found.high, found.covers) == (pytest.approx(low), pytest.approx(high), covers)


def test_what_did_the_very_same_has_no_uncertainty(rng: np.random.Generator) -> None:
    a = rng.normal(30, 3, (3, 3))
    found = paired_difference(a, a[[1, 2, 0]], seeds=((1, 2, 3), (2, 3, 1)))
    assert (found.difference, found.low, found.high, found.p, found.identical) == (0, 0, 0, 1.0, True)
    assert not paired_difference(a, a + np.eye(3) * 1e-9, seeds=((1, 2, 3), (1, 2, 3))).identical
    assert not paired_difference(a, a).identical


def test_swapping_the_sides_swaps_the_sign(rng: np.random.Generator) -> None:
    a, b = rng.normal(0, 1, (3, 4)), rng.normal(0, 1, (3, 4))
    there, back = paired_difference(a, b), paired_difference(b, a)
    assert (there.low, there.high, there.p) == pytest.approx((-back.high, -back.low, back.p))


def test_nothing_that_varies_and_nothing_to_compare() -> None:
    certain = paired_difference(np.full((3, 3), 2.0), np.full((3, 3), 1.5))
    assert (certain.low, certain.difference, certain.high, certain.p) == (0.5, 0.5, 0.5, 0.0)
    assert certain.decided
    equal = paired_difference(np.ones((3, 3)), np.ones((3, 3)))
    assert (equal.difference, equal.p, equal.decided) == (0.0, 1.0, False)
    single = paired_difference([[1.0]], [[2.0]])
    assert (single.difference, single.covers, single.decided) == (-1.0, "nothing", False)
    assert math.isnan(single.low)
    assert math.isnan(single.p)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.ones((3, 2)), np.ones((3, 4)), "2 images and B 4"),
        (np.array([[1.0, np.inf]]), np.ones((1, 2)), r"value at \(0, 1\) is inf"),
        (np.ones(3), np.ones(3), "2 dimension"),
        (np.ones((0, 3)), np.ones((3, 3)), "non-empty"),
    ],
)
def test_what_can_not_be_compared_is_refused(a: np.ndarray, b: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        paired_difference(a, b)


MIXTURES = [(1, 0.05, 0.05), (1, 0.3, 0.3), (1, 1, 0.3), (0.3, 1, 0.3), (0.05, 1, 0.05), (0.3, 0.3, 1), (0, 0, 1)]


@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 12)], ids=str)
@pytest.mark.parametrize("mixture", MIXTURES, ids=str)
def test_the_interval_covers_the_truth_as_often_as_documented(shape: tuple[int, int], mixture: tuple[float, float, float]) -> None:
    """Images, seeds and residual vary by ``mixture``; the true difference is 0.2. 1,200 repetitions, fixed seed.

    The documented coverage is 0.93 or more; 1,200 repetitions scatter by 0.0074, so 0.905 is more than three deviations below.
    """
    seeds, images = shape
    of_image, of_seed, rest = mixture
    rng = np.random.default_rng(11)
    hits = wrong_p = 0
    for _ in range(1200):
        a = 0.2 + rng.normal(0, of_seed, (seeds, 1)) + rng.normal(0, rest, shape) + rng.normal(0, of_image, (1, images))
        b = rng.normal(0, of_seed, (seeds, 1)) + rng.normal(0, rest, shape)
        found = paired_difference(a, b)
        hits += found.low <= 0.2 <= found.high
        wrong_p += found.decided != (found.p < 0.05)
    assert hits / 1200 > 0.905
    assert wrong_p == 0, "the test and the interval agree"


@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 12)], ids=str)
@pytest.mark.parametrize("mixture", MIXTURES, ids=str)
def test_the_paired_interval_covers_the_truth_as_often_as_documented(
    shape: tuple[int, int], mixture: tuple[float, float, float]
) -> None:
    """The same with equal seeds, whose effects on A and B differ by ``mixture``; what they share must cancel."""
    seeds, images = shape
    of_image, of_seed, rest = mixture
    rng = np.random.default_rng(11)
    hits = wrong_p = 0
    names = range(seeds)
    for _ in range(1200):
        b = rng.normal(30, 3, shape)
        effects = rng.normal(0, of_image, (1, images)) + rng.normal(0, of_seed, (seeds, 1)) + rng.normal(0, rest, shape)
        found = paired_difference(b + 0.2 + effects, b, seeds=(names, names))
        hits += found.low <= 0.2 <= found.high
        wrong_p += found.decided != (found.p < 0.05)
    assert 0.905 < hits / 1200 < 0.995
    assert wrong_p == 0, "the test and the interval agree"


def _closed_testing(p_values: list[float]) -> list[float]:
    """Holm's procedure as the closure of Bonferroni tests: an independent definition, exponential in the number of tests."""
    indices = range(len(p_values))
    subsets = [s for size in range(1, len(p_values) + 1) for s in itertools.combinations(indices, size)]
    return [max(min(1.0, len(s) * min(p_values[j] for j in s)) for s in subsets if i in s) for i in indices]


def test_holm_is_the_closure_of_bonferroni(rng: np.random.Generator) -> None:
    for count in range(1, 7):
        for _ in range(20):
            values = [float(v) for v in rng.uniform(0, 0.3, count).round(2)]
            assert holm(values) == pytest.approx(_closed_testing(values))
    assert holm([]) == ()


@pytest.mark.parametrize("n", [3, 4, 5, 30])
def test_spearman_is_that_of_scipy_with_ties(rng: np.random.Generator, n: int) -> None:
    for _ in range(20):
        x, y = rng.integers(0, 6, n).astype(float), rng.normal(0, 1, n)
        y[: n // 2] += x[: n // 2]
        if np.ptp(x) == 0:
            continue
        found, reference = spearman(x, y), stats.spearmanr(x, y)
        assert (found.rho, found.p) == pytest.approx((reference.statistic, reference.pvalue), abs=1e-9)
        if n >= 4 and abs(found.rho) < 1:
            z = stats.norm(math.atanh(found.rho), math.sqrt((1 + found.rho**2 / 2) / (n - 3)))
            assert (found.low, found.high) == pytest.approx(np.tanh(z.interval(0.95)))


def test_spearman_without_an_answer() -> None:
    assert math.isnan(spearman([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]).rho)
    assert math.isnan(spearman([1.0], [1.0]).rho)
    perfect = spearman([1, 2, 3, 4, 5], [5, 4, 3, 2, 1])
    assert (perfect.rho, perfect.low, perfect.high, perfect.p) == (-1.0, -1.0, -1.0, 0.0)
    with pytest.raises(ValueError, match="2 values and y 3"):
        spearman([1, 2], [1, 2, 3])


def test_spearman_interval_covers_the_truth() -> None:
    """Normal pairs with Pearson 0.6 have a rank correlation of 6/pi asin(0.3) = 0.582; 1,000 repetitions scatter by 0.007."""
    rng = np.random.default_rng(3)
    truth, hits = 6 / math.pi * math.asin(0.3), 0
    for _ in range(1000):
        x, e = rng.normal(0, 1, (2, 40))
        found = spearman(x, 0.6 * x + 0.8 * e)
        hits += found.low <= truth <= found.high
    assert hits / 1000 == pytest.approx(0.95, abs=0.025)


@pytest.mark.parametrize(("mode", "best", "second"), [("max", 1, 3), ("min", 2, 3)])
def test_bold_are_the_best_and_those_that_can_not_be_told_from_it(
    rng: np.random.Generator, mode: str, best: int, second: int
) -> None:
    image = rng.normal(30, 3, (1, 8))
    means = [5.0, 5.001, -5.0, 0.0]
    rows = [image + mean + rng.normal(0, 0.05, (3, 8)) for mean in means]
    rows[0] -= rows[0].mean() - rows[1].mean() + 0.001
    found = best_group(rows, mode)  # type: ignore[arg-type]
    assert (found.best, found.second) == (best, second)
    assert found.bold == ((0, 1) if mode == "max" else (2,))
    assert found.comparisons[best] is None
    raw = [c.p for c in found.comparisons if c is not None]
    assert [p for p in found.adjusted if p is not None] == pytest.approx(_closed_testing(raw))


def test_a_table_of_one_row_and_a_table_without_intervals() -> None:
    alone = best_group([np.ones((3, 3))])
    assert (alone.best, alone.bold, alone.second) == (0, (0,), None)
    unsure = best_group([[[1.0]], [[2.0]]])
    assert (unsure.best, unsure.bold, unsure.second, unsure.adjusted) == (1, (0, 1), None, (None, None))
    with pytest.raises(ValueError, match="without rows"):
        best_group([])
