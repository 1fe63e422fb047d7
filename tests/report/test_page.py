from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import html5lib
import plausible_study
import pytest
import varied_study

from raysearch.errors import SpecError
from raysearch.report import plain
from raysearch.report.page import SECTIONS, write_report
from raysearch.results.record import RunRecord

SPACE = "{http://www.w3.org/1999/xhtml}"


def parsed(page: Path) -> object:
    """The page as a tree; any parse error fails."""
    return html5lib.HTMLParser(strict=True).parse(page.read_text(encoding="utf-8"))


def text_of(page: Path) -> str:
    return " ".join("".join(parsed(page).itertext()).split())  # type: ignore[attr-defined]


def test_it_is_valid_html(page: Path) -> None:
    tree = parsed(page)
    ids = [element.get("id") for element in tree.iter() if element.get("id")]  # type: ignore[attr-defined]
    assert len(ids) == len(set(ids))
    for figure in tree.iter(f"{SPACE}figure"):  # type: ignore[attr-defined]
        captions = [i for i, child in enumerate(figure) if child.tag == f"{SPACE}figcaption"]
        assert captions in ([0], [len(figure) - 1])
    for element in tree.iter():  # type: ignore[attr-defined]
        for name in ("aria-labelledby", "aria-describedby", "href"):
            for reference in (element.get(name) or "").split():
                if name != "href" or reference.startswith("#"):
                    assert reference.removeprefix("#") in ids


def test_it_asks_nothing_of_the_network(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for element in parsed(page).iter():  # type: ignore[attr-defined]
        for name, value in element.attrib.items():
            if name in ("src", "href", "action", "data", "poster", "srcset") or name.endswith("}href"):
                assert value.startswith(("#", "data:image/png;base64,")), (element.tag, value[:80])
            assert not name.startswith("on")
            assert name != "style"
            assert "url(" not in value or re.fullmatch(r"url\(#[\w-]+\)", value)
    assert not re.search(r"@import|url\(\s*['\"]?(?!#)", text.split("</style>")[0])


def test_the_policy_allows_this_style_and_this_script_only(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].replace("&#39;", "'").split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    style = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(style) == len(scripts) == 1
    for rule, content in (("style-src", style[0]), ("script-src", scripts[0])):
        assert rules[rule] == f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def test_headings_descend_and_tables_have_heads(page: Path) -> None:
    tree = parsed(page)
    levels = [int(element.tag[-1]) for element in tree.iter() if re.fullmatch(rf"{re.escape(SPACE)}h[1-6]", str(element.tag))]  # type: ignore[attr-defined]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for table in tree.iter(f"{SPACE}table"):  # type: ignore[attr-defined]
        assert table.find(f"{SPACE}caption") is not None
        heads = list(table.iter(f"{SPACE}th"))
        assert heads
        assert all(head.get("scope") in ("row", "col", "colgroup") for head in heads)
        widths = {sum(int(cell.get("colspan", "1")) for cell in row) for row in table.iter(f"{SPACE}tr")}
        assert len(widths) == 1


def test_every_figure_has_words_and_numbers(page: Path) -> None:
    tree = parsed(page)
    svgs = [element for element in tree.iter() if str(element.tag).endswith("}svg")]  # type: ignore[attr-defined]
    assert len(svgs) > 15
    for svg in svgs:
        assert svg.get("role") == "img"
        assert svg.get("aria-label") or svg.get("aria-labelledby")
    charts = [element for element in tree.iter(f"{SPACE}figure") if "chart" in (element.get("class") or "")]  # type: ignore[attr-defined]
    assert len(charts) >= 6
    for chart in charts:
        assert len(list(chart.iter(f"{SPACE}tr"))) > 1
    for image in tree.iter(f"{SPACE}img"):  # type: ignore[attr-defined]
        assert image.get("alt")


def test_what_is_asked_of_the_report_is_in_it(page: Path) -> None:
    text = text_of(page)
    for words in (
        "Which patches should a demosaicing network be trained on?",
        "sampler.patchnet.temperature",
        "0.1 to 2, logarithmic",
        "RGB, crop 8, float",
        "raysearch run search_spaces/patchnet.yaml",
        "9f2c11d0aa",
        "Equal budget",
        "Limits.",
        "Winner's curse",
        "PED-ANOVA",
        "loss l1 is not finite at step 143",
        "rank correlation with the loss",
        "kept fraction",
        "Largest gain",
        "Where each strategy trained",
    ):
        assert words in text, words


def test_the_data_element_holds_the_tables(page: Path) -> None:
    found = re.search(r'<script type="application/json" id="raysearch-data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found is not None
    tables = json.loads(found[1])["runs"][0]["tables"]
    assert {"space", "comparison", "per-image", "trials", "ledger", "causes"} <= set(tables)
    assert len(tables["trials"]["rows"]) == 18


MAKE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import plausible_study
from raysearch.report.page import write_report
write_report([plausible_study.record()], [Path(sys.argv[2])], Path(sys.argv[3]))
heavy = [name for name in ("torch", "ray", "optuna", "matplotlib.pyplot") if name in sys.modules]
assert not heavy, heavy
"""


@pytest.mark.parametrize("hash_seed", ["1", "77"])
def test_another_process_writes_the_same_bytes_without_torch(page: Path, folder: Path, tmp_path: Path, hash_seed: str) -> None:
    arguments = [sys.executable, "-W", "error", "-c", MAKE, str(Path(__file__).parent), str(folder), str(tmp_path / "again.html")]
    subprocess.run(arguments, check=True, env={**os.environ, "PYTHONHASHSEED": hash_seed})
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_size_and_what_is_left_out(run: RunRecord, folder: Path, page: Path, tmp_path: Path) -> None:
    small = write_report([run], [folder], tmp_path / "small.html", max_mb=0.0)
    assert small.stat().st_size < 1_000_000
    assert text_of(small).count("Left out to keep the page small") == 5
    limit = 0.5 * (small.stat().st_size + page.stat().st_size)
    middle = write_report([run], [folder], tmp_path / "middle.html", max_mb=limit / 1e6)
    assert small.stat().st_size < middle.stat().st_size <= limit


def test_a_hundred_trials_stay_small(tmp_path: Path) -> None:
    many = varied_study.record(search=100, top=5)
    plausible_study.write_files(replace(many, trials=tuple(t for t in many.trials if t.phase == "confirm")), tmp_path)
    text = write_report([many], [tmp_path], tmp_path / "page.html").read_text(encoding="utf-8")
    pictures = sum(map(len, re.findall(r"data:image/png;base64,[^\"]*", text)))
    assert pictures > 100_000
    assert len(text.encode()) < 8_000_000
    assert len(text.encode()) - pictures < 1_000_000


THOUSAND = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import varied_study
run = varied_study.record(search=1000, top=3)
start = time.process_time()
from raysearch.report.page import write_report
write_report([run], [Path(sys.argv[2])], Path(sys.argv[2]) / "page.html")
print(time.process_time() - start)
assert not [name for name in ("torch", "ray", "optuna", "matplotlib.pyplot") if name in sys.modules]
"""


def test_a_thousand_trials_are_reported_in_ten_seconds_of_processor_time(tmp_path: Path) -> None:
    arguments = [sys.executable, "-W", "error", "-c", THOUSAND, str(Path(__file__).parent), str(tmp_path)]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    assert float(done.stdout) < 10


def test_several_runs_share_a_page(run: RunRecord, folder: Path, tmp_path: Path) -> None:
    other = plausible_study.record("other", seed=5)
    page = write_report([run, other], [folder, tmp_path / "nothing"], tmp_path / "page.html")
    tree = parsed(page)
    ids = [element.get("id") for element in tree.iter() if element.get("id")]  # type: ignore[attr-defined]
    assert len(ids) == len(set(ids))
    assert "2 studies" in text_of(page)
    levels = [int(element.tag[-1]) for element in tree.iter() if re.fullmatch(rf"{re.escape(SPACE)}h[1-6]", str(element.tag))]  # type: ignore[attr-defined]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_no_run_is_refused(tmp_path: Path, run: RunRecord) -> None:
    with pytest.raises(SpecError):
        write_report([], [], tmp_path / "page.html")
    with pytest.raises(SpecError):
        write_report([run], [], tmp_path / "page.html")


def _without(run: RunRecord, what: str) -> tuple[RunRecord, str]:
    none = plausible_study.images([])
    trials = run.trials
    cases: dict[str, tuple[RunRecord, str]] = {
        "everything": (
            replace(run, spec={}, environment={}, space_text="", trials=(), images=none, ended={}, commands=()),
            "no trial has been recorded",
        ),
        "confirmation": (replace(run, trials=trials[:12], images=none), "No configuration was confirmed"),
        "baseline": (replace(run, trials=tuple(t for t in trials if t.role != "baseline")), "The baseline has no finished trial"),
        "winner": (replace(run, trials=tuple(t for t in trials if t.role != "top1")), "The winner has no finished trial"),
        "images": (replace(run, images=none), "No configuration was confirmed"),
        "columns": (replace(run, images=run.images.drop_columns(["psnr"])), "has no column psnr"),
        "environment": (replace(run, environment={}), "no record of its environment"),
        "reports": (replace(run, trials=tuple(replace(t, reports=()) for t in trials)), "there are no curves"),
        "facts": (replace(run, trials=tuple(replace(t, facts={}) for t in trials)), "Not recorded in this run: machine"),
        "values": (replace(run, trials=tuple(replace(t, value=None) for t in trials)), "no history to draw"),
        "running": (replace(run, trials=tuple(replace(t, status=None, value=None) for t in trials)), "Still running"),
        "one seed": (
            replace(run, trials=tuple(t for t in trials if t.phase == "search" or t.seed == 9000)),
            "one seed of a method gives no interval",
        ),
        "spec of lists": (replace(run, spec={"objective": [], "trial": [1], "published": {"a": 1}, "budget": 3}), "PSNR"),
        "odd config": (replace(run, trials=tuple(replace(t, config={"sampler": 3, "task": [None]}) for t in trials)), "Baseline"),
        "told missing": (replace(run, missing=("journal.jsonl: the last line was torn",)), "the last line was torn"),
    }
    return cases[what]


CASES = [
    "everything",
    "confirmation",
    "baseline",
    "winner",
    "images",
    "columns",
    "environment",
    "reports",
    "facts",
    "values",
    "running",
    "one seed",
    "spec of lists",
    "odd config",
    "told missing",
]


@pytest.mark.parametrize("what", CASES)
@pytest.mark.usefixtures("sketched")
def test_a_missing_piece_is_said(run: RunRecord, tmp_path: Path, what: str) -> None:
    damaged, sentence = _without(run, what)
    page = write_report([damaged], [tmp_path / "nothing"], tmp_path / "page.html")
    assert sentence in text_of(page)


def test_damaged_files_are_said(run: RunRecord, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    plausible_study.write_files(run, folder)
    (folder / "importance.json").write_text("{")
    for trial in run.trials:
        usage = folder / "trials" / f"{trial.number:04d}" / "usage.npz"
        if usage.exists():
            usage.write_bytes(b"PK\x03\x04 no archive")
    for image in folder.rglob("restored.png"):
        image.write_bytes(b"\x89PNG\r\n\x1a\n torn")
    text = text_of(write_report([run], [folder], tmp_path / "page.html"))
    assert "importances can't be read" in text
    assert "restored.png can't be read as PNG" in text
    assert "usage.npz can't be read" in text


def test_sections_have_names_of_their_own() -> None:
    assert len({write.__module__ for write in SECTIONS}) == len(SECTIONS)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\nb", "a b"),
        ("\u202eevil", "\ufffdevil"),
        ("\ud800", "\ufffd"),
        (None, "none"),
        (True, "yes"),
        ({"a": [1]}, '{"a": [1]}'),
    ],
)
def test_lines_are_plain(value: object, shown: str) -> None:
    assert plain.line(value) == shown
