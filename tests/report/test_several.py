"""Pages over several runs: the table and the figure before the reports, and the page that lists all runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import chromium
import html5lib
import plausible_study
import pytest
from test_escaping import PAYLOADS, poisoned_run, structure
from test_page import CASES, _without
from written_runs import events, written

from raysearch.errors import SpecError
from raysearch.report.document import Cell, Figure, Missing, Table
from raysearch.report.index import moment, write_index
from raysearch.report.page import Live, together, write_report
from raysearch.report.paper import write_paper
from raysearch.report.sections import overview
from raysearch.report.view import View, view
from raysearch.results.record import RunRecord

SPACE = "{http://www.w3.org/1999/xhtml}"


def views(*records: RunRecord) -> list[View]:
    return [view(record, Path("nowhere"), f"r{i}") for i, record in enumerate(records, 1)]


@pytest.fixture(scope="module")
def pair() -> tuple[RunRecord, RunRecord]:
    return plausible_study.record("first", search=4, seeds=2), plausible_study.record("second", seed=5, search=4, seeds=2)


@pytest.fixture(scope="module")
def joint(pair: tuple[RunRecord, RunRecord], tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("several")
    return write_report(pair, [home / "a", home / "b"], home / "page.html", by=("trial.sampler.kind",))


def tree(page: Path) -> object:
    return html5lib.HTMLParser(strict=True).parse(page.read_text(encoding="utf-8"))


@pytest.mark.recomputes("overview")
def test_the_page_begins_with_a_table_over_the_runs(pair: tuple[RunRecord, RunRecord], joint: Path) -> None:
    found = re.search(r'id="raysearch-data">(.*?)</script>', joint.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    rows = data["together"]["tables"]["overview"]["rows"]
    assert [row[1] for row in rows] == ["first", "second"]
    for row, one in zip(rows, data["runs"], strict=True):
        difference, interval = row[3].split("\n")
        assert difference in one["answer"]
        assert interval.split(", p")[0] in one["answer"]
        assert row[4].startswith("8 trials of 800 steps\n")
    assert {"overview", "compared-table", "by-1-table"} == set(data["together"]["tables"])
    order = [element.get("id") for element in tree(joint).iter(f"{SPACE}section")]  # type: ignore[attr-defined]
    assert order[:3] == ["all-runs", "all-compared", "all-by-1"]


def test_the_page_is_well_formed(joint: Path) -> None:
    whole = tree(joint)
    ids = [element.get("id") for element in whole.iter() if element.get("id")]  # type: ignore[attr-defined]
    assert len(ids) == len(set(ids))
    levels = [int(e.tag[-1]) for e in whole.iter() if re.fullmatch(rf"{re.escape(SPACE)}h[1-6]", str(e.tag))]  # type: ignore[attr-defined]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    numbers = [
        int(number)
        for caption in whole.iter(f"{SPACE}caption")  # type: ignore[attr-defined]
        for number in re.findall(r"^Table (\d+)\.", "".join(caption.itertext()))
    ]
    assert numbers == list(range(1, len(numbers) + 1))


def test_its_tables_and_figures_are_exported_too(pair: tuple[RunRecord, RunRecord], tmp_path: Path) -> None:
    write_paper([together(views(*pair), [])], tmp_path)
    assert (tmp_path / "tables" / "overview.csv").read_text().startswith("Study,Run,Winner")
    assert (tmp_path / "tables" / "compared-table.tex").exists()
    assert {"joint.pdf", "compared-forest.svg"} <= {path.name for path in (tmp_path / "figures").iterdir()}


def test_a_setting_is_compared_in_the_report_of_one_run(pair: tuple[RunRecord, RunRecord], tmp_path: Path) -> None:
    page = write_report(pair[:1], [tmp_path / "a"], tmp_path / "page.html", by=("sampler.kind",))
    order = [element.get("id") for element in tree(page).iter(f"{SPACE}section")]  # type: ignore[attr-defined]
    assert order.index("r1-by-1") == order.index("r1-results") + 1
    with pytest.raises(SpecError, match="no trial has a setting 'nothing'"):
        write_report(pair[:1], [tmp_path / "a"], tmp_path / "page.html", by=("nothing",))


def joint_rows(records: Sequence[RunRecord], name: str, what: str) -> list[tuple[Cell, ...]]:
    (figure,) = (block for block in overview.section(views(*records)).blocks if isinstance(block, Figure))
    return [row for row in figure.data.rows if row[0].text == name and row[2].text == what]


@pytest.mark.recomputes("joint-data")
def test_the_joint_figure_holds_the_winners_means(pair: tuple[RunRecord, RunRecord]) -> None:
    for record in pair:
        winners = [trial for trial in record.trials if trial.role == "top1"]
        found = joint_rows(pair, record.name, "megapixels seen")
        assert len(found) == len(winners[0].reports)
        for row, *points in zip(found, *(trial.reports for trial in winners), strict=True):
            values = [point.metrics["psnr"] for point in points]
            assert row[1].sort == points[0].metrics["pixels_seen"] / 1e6
            assert [cell.sort for cell in row[3:]] == pytest.approx([sum(values) / len(values), min(values), max(values)])


def test_the_joint_figure_holds_the_best_of_each_search_so_far(pair: tuple[RunRecord, RunRecord]) -> None:
    """Trial 0 ends last; what was stopped or failed takes time and counts for nothing."""
    order = {0: 9.0, 1: 1.0, 2: 2.0, 3: 3.0}
    ended = [replace(r, trials=tuple(replace(t, ended=order.get(t.number)) for t in r.trials)) for r in pair]
    found = joint_rows(ended, "first", "minutes of trial time")
    times = [ended[0].trials[number].seconds for number in (1, 2, 3, 0)]
    values = [ended[0].trials[number].value for number in (1, 2, 3, 0)]
    assert [row[1].sort for row in found] == pytest.approx([sum(times[:i]) / 60 for i in range(1, 5)])
    assert [row[3].sort for row in found] == [max(v for v in values[:i] if v is not None) for i in range(1, 5)]


@pytest.mark.parametrize("what", CASES)
def test_a_missing_piece_of_one_run_does_not_hide_the_other(pair: tuple[RunRecord, RunRecord], what: str) -> None:
    whole = plausible_study.record("whole")
    damaged, _ = _without(whole, what)
    for order in ((whole, damaged), (damaged, whole)):
        found = together(views(*order), [])
        assert len(found.sections) == 2
        (table,) = (block for block in found.sections[0].blocks if isinstance(block, Table))
        assert len(table.rows) == 2


def test_hostile_text_of_several_runs_stays_text(pair: tuple[RunRecord, RunRecord], joint: Path, tmp_path: Path) -> None:
    hostile = poisoned_run(pair[0], " ".join(PAYLOADS))
    page = write_report([hostile, hostile], [tmp_path / "a", tmp_path / "b"], tmp_path / "page.html", max_mb=0.5)
    tags, attributes, scripts = structure(page)
    known, names, _ = structure(joint)
    assert set(tags) <= set(known)
    assert (tags["script"], tags["meta"], tags["h1"]) == (2, known["meta"], 1)
    assert attributes <= names
    assert "<" not in scripts[0]


DIGESTS = {"test": {"split": "test", "dataset": "photos", "digest": "a" * 64}}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"spec": {"objective": {"metric": "ssim", "mode": "max"}}}, "the objectives differ: PSNR, largest and SSIM, largest"),
        (
            {"environment": {"data": {"test": DIGESTS["test"] | {"digest": "b" * 64}}}},
            "the test photographs differ: photos aaaaaaaaaaaa",
        ),
        ({"trials": ()}, "fewer than two of the runs have values to draw"),
    ],
)
def test_no_joint_figure_where_runs_do_not_measure_the_same(
    pair: tuple[RunRecord, RunRecord], changes: dict[str, object], why: str
) -> None:
    known = replace(pair[0], environment={"data": DIGESTS})
    blocks = overview.section(views(known, replace(pair[1], **changes))).blocks  # type: ignore[arg-type]
    assert not any(isinstance(block, Figure) for block in blocks)
    (missing,) = (block for block in blocks if isinstance(block, Missing))
    assert why in missing.text


HOSTILE = "javascript:alert(1) <img src=x onerror=alert(1)>&\"'%2e"


@pytest.fixture(scope="module")
def index(pair: tuple[RunRecord, RunRecord], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    done = written(root, "done", events(pair[0]))
    done.report.write_text("a report")
    written(root, HOSTILE, events(pair[0]), title="<script>alert(1)</script>").report.write_text("a report")
    torn = written(root, "torn", events(pair[1], stopped=False))
    lines = torn.journal.read_bytes().splitlines(keepends=True)
    torn.journal.write_bytes(b"".join(lines[:3]) + lines[3].replace(b"psnr", b"pnsr") + b"".join(lines[4:]))
    half = written(root, "half", events(pair[1], stopped=False)[:-3])
    half.report.symlink_to(done.report)
    (root / "link").symlink_to(done.path)
    (root / "empty").mkdir()
    (root / "notes.txt").write_text("no run")
    return write_index(root, root / "index.html")


def rows(page: Path) -> dict[str, list[str]]:
    found = re.search(r'id="raysearch-data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return {row[0].split("\n")[0]: row for row in json.loads(found[1])["together"]["tables"]["runs"]["rows"]}


def test_every_run_is_listed_with_how_it_stands(index: Path) -> None:
    found = rows(index)
    assert set(found) == {"done", HOSTILE, "torn", "half", "link"}
    assert found["done"][:2] == ["done\nA study", "done\nnot all could be read"]
    assert found["torn"][1].startswith("damaged")
    assert found["half"][1].startswith("interrupted")
    assert found["link"][1] == "not read"
    assert found["done"][-1] == "2023-11-14\n22:13"
    wrong = {
        "".join(div.find(f"{SPACE}dt").itertext()): [" ".join("".join(dd.itertext()).split()) for dd in div.iter(f"{SPACE}dd")]
        for div in tree(index).iter(f"{SPACE}div")  # type: ignore[attr-defined]
        if div.find(f"{SPACE}dt") is not None
    }
    assert "env.json can't be read: No such file or directory" in wrong["done"]
    assert any(line.startswith("journal.jsonl: the journal is damaged") for line in wrong["torn"])
    assert wrong["link"] == ["the folder is a link, which is not followed"]


def test_it_links_to_reports_beside_it_and_to_nothing_else(index: Path) -> None:
    links = [e.get("href") for e in tree(index).iter(f"{SPACE}a") if not e.get("href").startswith("#")]  # type: ignore[attr-defined]
    assert len(links) == 2
    assert all(link.startswith("./") and link.endswith("/report.html") for link in links)
    assert "./done/report.html" in links
    assert not any(character in link for link in links for character in "<>\"': ")
    text = index.read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "default-src 'none'" in text.replace("&#39;", "'")


def test_the_index_is_the_same_when_made_again_and_may_lie_elsewhere(index: Path, tmp_path: Path) -> None:
    before = index.read_bytes()
    assert write_index(index.parent, index).read_bytes() == before
    other = write_index(index.parent, tmp_path / "pages" / "all.html")
    links = re.findall(r'href="(\./[^"]*)"', other.read_text(encoding="utf-8"))
    assert {(other.parent / unquote(link)).resolve() for link in links} == {
        index.parent / name / "report.html" for name in ("done", HOSTILE)
    }


def test_a_folder_without_runs_has_a_page_too(tmp_path: Path) -> None:
    assert "There is no run in this folder." in write_index(tmp_path, tmp_path / "index.html").read_text()
    assert "There is no run in this folder." in write_index(tmp_path / "absent", tmp_path / "index.html").read_text()


@pytest.mark.parametrize(("seconds", "shown"), [(0.0, "\N{EN DASH}"), (1e300, "\N{EN DASH}"), (60.0, "1970-01-01 00:01")])
def test_times(seconds: float, shown: str) -> None:
    assert moment(seconds) == shown


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Browser]:
    program = chromium.find()
    if program is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    with chromium.Browser(program) as opened:
        yield opened


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1400])
@pytest.mark.parametrize("which", ["joint", "index"])
def test_quiet_alone_and_not_too_wide(browser: chromium.Browser, which: str, width: int, request: pytest.FixtureRequest) -> None:
    page = request.getfixturevalue(which)
    browser.open(page, width)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith("data:")] == [page.as_uri()]
    if which == "index":
        browser.evaluate("document.querySelectorAll('#all-runs thead button')[0].click()")
        names = browser.evaluate("[...document.querySelectorAll('#all-runs tbody th')].map(e => e.firstChild.textContent)")
        assert names == sorted(names, key=str.casefold)  # type: ignore[type-var]


@pytest.mark.browser
def test_a_live_page_asks_for_itself_alone_and_stays_where_it_was_read(
    browser: chromium.Browser, pair: tuple[RunRecord, RunRecord], tmp_path: Path
) -> None:
    last = write_report(pair[:1], [tmp_path / "a"], tmp_path / "last.html", max_mb=0.5)
    page = write_report(pair[:1], [tmp_path / "a"], tmp_path / "live.html", max_mb=0.5, live=Live(2, "now"))
    browser.open(page, 1400)
    browser.evaluate("scrollTo({top: 700, behavior: 'instant'})")
    place = "document.querySelector('#r1-space').getBoundingClientRect().top"
    before = browser.evaluate(place)
    last.replace(page)
    browser.loaded(2)
    assert browser.evaluate("document.querySelector('meta[http-equiv=refresh]')") is None
    after = browser.evaluate(f"new Promise(done => setTimeout(() => done({place}), 300))", wait=True)
    assert after == pytest.approx(before, abs=2), "what was read is where it was, although the line about the live page is gone"
    assert {url for url in browser.requests() if not url.startswith("data:")} == {page.as_uri()}
    assert browser.complaints() == []
