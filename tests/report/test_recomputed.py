"""Every table of the page has a test that computes its numbers by another path; those that no other file covers are in here.

A test says which tables it computes again: ``@pytest.mark.recomputes("ledger", "rungs")``; a name may end in a star. Numbers of a
figure are a table of its name with ``-data``.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch
from html import unescape
from pathlib import Path

import numpy as np
import plausible_study
import pytest
from scipy import stats

from raysearch.report import page as page_module
from raysearch.report.formats import seconds, short
from raysearch.results.record import RunRecord, TrialRecord

WORDS_ONLY = {"space"}
"""Tables without a measured number: the search space is printed as the study's file has it (see test_page)."""

TESTS = Path(__file__).parents[1]


def tables(page: Path) -> dict[str, list[list[str]]]:
    """The rows of every table of the page, by name, as text."""
    found = {}
    text = page.read_text(encoding="utf-8")
    for name, body in re.findall(r'<table id="r1-([\w-]+)".*?<tbody>(.*?)</tbody>', text, re.DOTALL):
        rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
        cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
        found[name] = [[unescape(re.sub(r"<[^>]+>", "", cell)) for cell in row] for row in cells]
    return found


@pytest.fixture(scope="module")
def shown(page: Path) -> dict[str, list[list[str]]]:
    return tables(page)


def claims() -> set[str]:
    """The names that tests claim to compute again."""
    texts = [path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py")]
    marks = [mark for text in texts for mark in re.findall(r"@pytest\.mark\.recomputes\(([^)]*)\)\s*(?:@.*\n)*def test_", text)]
    return {name for mark in marks for name in re.findall(r'"([^"]+)"', mark)}


def written() -> set[str]:
    """The names in the sections' sources, also of tables that this page does not have; ``beside-{name}`` as it stands."""
    sources = (Path(page_module.__file__).parent / "sections").glob("*.py")
    return {name for path in sources for name in re.findall(r'\bTable\(\s*f?"(\w[\w{}-]*)"', path.read_text(encoding="utf-8"))}


def test_no_table_is_without_a_recomputation(shown: dict[str, list[list[str]]]) -> None:
    names, every = claims(), set(shown) | written()
    assert len(every) > 25
    missing = {name for name in every if not any(fnmatch(name, claim) for claim in names)} - WORDS_ONLY
    assert not missing, (
        f"tables whose numbers no test computes again (see the docstring of {Path(__file__).name}): {sorted(missing)}"
    )


def minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")


def finished(run: RunRecord) -> list[TrialRecord]:
    return [t for t in run.trials if t.phase == "search" and t.status == "finished"]


@pytest.mark.recomputes("trials")
def test_trials(run: RunRecord, shown: dict[str, list[list[str]]]) -> None:
    names = list(dict.fromkeys(name for trial in run.trials for name in trial.values))
    for row, trial in zip(shown["trials"], run.trials, strict=True):
        last = trial.reports[-1].metrics["psnr"]
        value = f"{last:.2f}" if trial.status in ("finished", "stopped") else "\N{EN DASH}"
        assert row[:2] == [str(trial.number), trial.role]
        assert row[3:7] == [value, f"{trial.step} / 800", f"{trial.seconds:.1f} s", str(trial.retries)]
        assert row[-1] == str(trial.seed)
        for name, cell in zip(names, row[7:-1], strict=True):
            have = trial.values.get(name)
            assert cell == ("\N{EN DASH}" if have is None else have if isinstance(have, str) else short(float(have)))


@pytest.mark.recomputes("causes")
def test_causes(run: RunRecord, shown: dict[str, list[list[str]]]) -> None:
    bad = {t.reason: t for t in run.trials if t.status in ("failed", "diverged")}
    assert {row[0] for row in shown["causes"]} == set(bad)
    for reason, status, count, numbers, lost in shown["causes"]:
        trial = bad[reason]
        assert [status, count, numbers, lost] == [trial.status, "1", str(trial.number), seconds(0.02 * trial.step + 2)]


@pytest.mark.recomputes("history-data")
def test_history(run: RunRecord, shown: dict[str, list[list[str]]]) -> None:
    search = [t for t in run.trials if t.phase == "search"]
    for i, (row, trial) in enumerate(zip(shown["history-data"], search, strict=True)):
        known = [t.value for t in search[: i + 1] if t.status == "finished" and t.value is not None]
        value = f"{trial.value:.4f}" if trial.value is not None else "\N{EN DASH}"
        assert row == [str(trial.number), str(trial.status), value, f"{max(known):.4f}"]


@pytest.mark.recomputes("early-data")
def test_early(folder: Path, tmp_path: Path) -> None:
    """Controls are trial 0 and, from 7 on, those one below a power of two; four of them need more trials than `run` has."""
    longer = plausible_study.record(search=40)
    controls = [longer.trials[number] for number in (0, 7, 15, 31)]
    curves = [{point.step: point.metrics["psnr"] for point in trial.reports} for trial in controls]
    rows = tables(page_module.write_report([longer], [folder], tmp_path / "page.html"))["early-data"]
    assert [int(row[0]) for row in rows] == list(range(100, 800, 100))
    for row in rows:
        early = [curve[int(row[0])] for curve in curves]
        assert row[1] == minus(f"{stats.spearmanr(early, [curve[800] for curve in curves]).statistic:.2f}")
        assert row[4] == "4"
        assert row[5] == ("yes" if int(row[0]) == 200 else "\N{EN DASH}")


@pytest.mark.recomputes("importance-data")
def test_importances_are_those_of_the_file(shown: dict[str, list[list[str]]]) -> None:
    assert shown["importance-data"] == [["recipe.optimizer.lr", "0.6100"], ["sampler", "0.3100"], ["batch", "0.0800"]]


def averaged(trials: list[TrialRecord], metric: str) -> list[list[str]]:
    table = np.array([[point.metrics[metric] for point in trial.reports] for trial in trials])
    columns = zip(table.mean(0), table.min(0), table.max(0), strict=True)
    steps = [point.step for point in trials[0].reports]
    return [
        [str(step), *(minus(f"{value:.4f}") for value in three), str(len(trials))]
        for step, three in zip(steps, columns, strict=True)
    ]


@pytest.mark.recomputes("curves-data")
def test_curves(run: RunRecord, shown: dict[str, list[list[str]]]) -> None:
    expected = [row for role in ("baseline", "top1") for row in averaged([t for t in run.trials if t.role == role], "psnr")]
    assert [row[1:] for row in shown["curves-data"]] == expected


@pytest.mark.recomputes("sampler-data")
def test_sampler_statistics(run: RunRecord, shown: dict[str, list[list[str]]]) -> None:
    patchnet = averaged([t for t in run.trials if t.role == "top1"], "sampler/spearman")
    mine = [row[1:] for row in shown["sampler-data"] if row[0] == "rank correlation with the loss, PatchNet"]
    assert mine == patchnet
    best = max((t for t in finished(run) if t.values["sampler"] == "hard_negative"), key=lambda t: t.value or 0.0)
    mine = [row[1:] for row in shown["sampler-data"] if row[0] == "threshold, dB, hard-negative mining"]
    assert mine == averaged([best], "sampler/threshold_db")


@pytest.mark.recomputes("differences-data")
def test_differences(run: RunRecord, shown: dict[str, list[list[str]]]) -> None:
    rows = run.images.to_pylist()

    def of(role: str, image: str) -> list[float]:
        seeds = {t.number: t.seed for t in run.trials if t.role == role}
        mine = [(seeds[row["trial"]], row["psnr"]) for row in rows if row["trial"] in seeds and row["image"] == image]
        return [value for _, value in sorted(mine)]

    gains = []
    for image, *numbers in shown["differences-data"]:
        ours, theirs = of("top1", image), of("baseline", image)
        ends = stats.ttest_rel(ours, theirs).confidence_interval(0.95)
        gains.append(float(np.mean(ours) - np.mean(theirs)))
        assert numbers == [minus(f"{value:.4f}") for value in (gains[-1], ends.low, ends.high)]
    assert gains == sorted(gains)
