"""The report on the golden run: the same bytes twice, and numbers that the journal gives by another path."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from scipy import stats

from raysearch.results.journal import read_journal
from tests.golden import make

MINUS, NONE = "\N{MINUS SIGN}", "\N{EN DASH}"
AGAIN = "make reports/golden.html again: python -m tests.golden.make --again"
TEXTS = {".jsonl", ".json", ".yaml"}

Data = dict[str, Any]


def data_of(page: Path) -> Data:
    """The JSON that the page holds for programs."""
    found = re.search(r'id="raysearch-data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return json.loads(found[1])["runs"][0]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    page = tmp_path_factory.mktemp("golden") / "golden.html"
    make.report(make.KEPT, page)
    return page


@pytest.fixture(scope="module")
def trials() -> dict[int, Data]:
    """By number what the lines of the journal say of each trial: its start, its end, its evaluations."""
    found: dict[int, Data] = {}
    for line in (make.KEPT / "journal.jsonl").read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "trial_started":
            found[event["trial"]] = event | {"reports": {}}
        elif event["event"] == "trial_reported":
            found[event["trial"]]["reports"][event["step"]] = event["metrics"]
        elif event["event"] == "trial_ended":
            found[event["trial"]]["end"] = event
    return found


def measured(trials: dict[int, Data], role: str, metric: str) -> tuple[np.ndarray, list[str]]:
    """A metric of (seeds, photographs), seeds ascending, and the photographs' names."""
    numbers = sorted((n for n, t in trials.items() if t["role"] == role), key=lambda n: trials[n]["seed"])
    rows = []
    for number in numbers:
        table = pq.read_table(make.KEPT / "trials" / f"{number:04d}" / "images.parquet").to_pylist()
        rows.append({row["image"]: row[metric] for row in table if row["split"] == "test"})
    names = sorted(rows[0])
    return np.array([[row[name] for name in names] for row in rows]), names


def interval(d: np.ndarray) -> tuple[float, float, float, float]:
    """Mean, ends of its 95 % interval and p of a table of differences whose rows and columns are random."""
    seeds, images = d.shape
    of_image, of_seed = seeds * np.var(d.mean(0), ddof=1), images * np.var(d.mean(1), ddof=1)
    rest = ((d - d.mean(0) - d.mean(1)[:, None] + d.mean()) ** 2).sum() / ((seeds - 1) * (images - 1))
    if of_image > rest and of_seed > rest:
        square = of_image + of_seed - rest
        parts = (of_image**2 / (images - 1), of_seed**2 / (seeds - 1), rest**2 / (images - 1) / (seeds - 1))
        freedom = square**2 / sum(parts)
    elif max(of_image, of_seed) > rest:
        square, freedom = (of_image, images - 1) if of_image > rest else (of_seed, seeds - 1)
    else:
        square, freedom = np.var(d, ddof=1), d.size - 1
    error = math.sqrt(square / d.size)
    low, high = stats.t.interval(0.95, freedom, loc=d.mean(), scale=error)
    return float(d.mean()), float(low), float(high), float(2 * stats.t.sf(abs(d.mean()) / error, freedom))


def signed(value: float, decimals: int = 2) -> str:
    text = f"{value:+.{decimals}f}"
    return (text[1:] if float(text) == 0 else text).replace("-", MINUS)


def check_answer(data: Data, trials: dict[int, Data]) -> None:
    ours, names = measured(trials, "top1", "psnr")
    theirs, _ = measured(trials, "baseline", "psnr")
    difference, low, high, p = interval(ours - theirs)
    chance = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    for shown in (f"{signed(difference)} dB", f"[{signed(low)}, {signed(high)}]", chance):
        assert shown in data["answer"], AGAIN
    assert f"{len(names)} held-out photographs, {len(ours)} seeds" in data["answer"], AGAIN


def check_comparison(data: Data, trials: dict[int, Data]) -> None:
    rows = data["tables"]["comparison"]["rows"]
    for row, role in zip(rows, ("baseline", "top1"), strict=True):
        psnr, ssim = (measured(trials, role, metric)[0].mean() for metric in ("psnr", "ssim"))
        assert f"{psnr:.2f} / {ssim:.4f}" in row, AGAIN


def check_photographs(data: Data, trials: dict[int, Data]) -> None:
    ours, names = measured(trials, "top1", "psnr")
    theirs, _ = measured(trials, "baseline", "psnr")
    rows = {row[0]: "\n".join(row) for row in data["tables"]["per-image"]["rows"]}
    for i, name in enumerate(names):
        ends = stats.ttest_rel(ours[:, i], theirs[:, i]).confidence_interval(0.95)
        means = (theirs[:, i].mean(), ours[:, i].mean())
        shown = [*(f"{mean:.2f}" for mean in means), signed(means[1] - means[0]), f"[{signed(ends.low)}, {signed(ends.high)}]"]
        assert all(text in rows[name] for text in shown), AGAIN


def check_trials(data: Data, trials: dict[int, Data]) -> None:
    table = data["tables"]["trials"]
    columns = {name.split(" ")[0]: place for place, name in enumerate(table["columns"])}
    assert [int(row[columns["Trial"]]) for row in table["rows"]] == sorted(trials), AGAIN
    for row, (_, trial) in zip(table["rows"], sorted(trials.items()), strict=True):
        value = trial["reports"][max(trial["reports"])]["psnr"]
        assert row[columns["Validation"]] == f"{value:.2f}", AGAIN
        assert row[columns["Steps"]] == f"{trial['end']['step']} / {trial['steps']}", AGAIN
        assert row[columns["Status"]] == trial["end"]["status"], AGAIN
        assert row[columns["Seed"]] == str(trial["seed"]), AGAIN


CHECKS = {"answer": check_answer, "comparison": check_comparison, "photographs": check_photographs, "trials": check_trials}


@pytest.mark.parametrize("what", CHECKS)
@pytest.mark.parametrize("which", ["fresh", "kept"])
def test_numbers_are_those_of_the_journal(which: str, what: str, fresh: Path, trials: dict[int, Data]) -> None:
    CHECKS[what](data_of(fresh if which == "fresh" else make.REPORTS / "golden.html"), trials)


def test_the_kept_page_has_the_titles_and_tables_of_a_fresh_one(fresh: Path) -> None:
    old, new = data_of(make.REPORTS / "golden.html"), data_of(fresh)
    assert old["title"] == new["title"], AGAIN
    assert set(old["tables"]) <= set(new["tables"]), AGAIN
    assert all(len(old["tables"][name]["rows"]) == len(new["tables"][name]["rows"]) for name in old["tables"]), AGAIN


def test_another_process_writes_the_same_bytes(fresh: Path, tmp_path: Path) -> None:
    code = (
        f"from pathlib import Path; from tests.golden import make; make.report(make.KEPT, Path({str(tmp_path / 'again.html')!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=make.ROOT, env={**os.environ, "PYTHONHASHSEED": "77"}, check=False)
    assert done.returncode == 0
    assert (tmp_path / "again.html").read_bytes() == fresh.read_bytes()


def test_the_study_is_what_it_is_meant_to_be(trials: dict[int, Data]) -> None:
    """Some trials stopped early, some ran their full length, and two methods with the same three seeds."""
    ends = [trial["end"]["status"] for trial in trials.values() if trial["phase"] == "search"]
    assert ends.count("stopped") >= 2
    assert ends.count("finished") >= 3
    seeds = {role: sorted(t["seed"] for t in trials.values() if t["role"] == role) for role in ("baseline", "top1")}
    assert seeds["baseline"] == seeds["top1"]
    assert len(seeds["top1"]) == 3


def test_the_study_that_is_kept_is_the_one_that_was_run() -> None:
    assert (make.KEPT / "space.yaml").read_text() == make.STUDY.read_text()


def test_what_is_kept_is_small_and_names_no_machine() -> None:
    files = [path for path in make.KEPT.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < make.LIMIT
    environment = json.loads((make.KEPT / "env.json").read_text())
    assert not make.MACHINE & set(environment)
    for event in read_journal(make.KEPT / "journal.jsonl"):
        assert getattr(event, "host", "") == ""
    folders = re.compile(r"""(?<![\w.:/~])(?:~|[A-Za-z]:)?[/\\][\w.-]+[/\\]""")
    for path in files:
        if path.suffix in TEXTS:
            assert folders.findall(path.read_text()) == [], path


def test_what_is_kept_is_what_the_command_keeps(tmp_path: Path) -> None:
    """Nothing was changed by hand: kept again, it is the same, pictures to the last pixel and the rest to the last byte."""
    make.keep(make.KEPT, tmp_path / "golden")

    def content(folder: Path) -> dict[str, object]:
        return {str(path.relative_to(folder)): _content(path) for path in folder.rglob("*") if path.is_file()}

    first, second = content(make.KEPT), content(tmp_path / "golden")
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []


def _content(path: Path) -> object:
    if path.suffix != ".png":
        return path.read_bytes()
    with Image.open(path) as opened:
        return opened.mode, opened.size, opened.tobytes()
