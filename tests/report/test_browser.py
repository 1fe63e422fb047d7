from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import chromium
import pytest
from test_escaping import PAYLOADS, poisoned_run

from raysearch.report.page import write_report
from raysearch.results.record import RunRecord

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine (apt-get install chromium)"),
]

WIDER = """[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, pre, svg, .skip')
  && e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.tagName + '.' + e.className)"""
CONTRAST = """(() => {
  const rgb = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = c => { const [r, g, b] = rgb(c).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const under = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)$/.test(c)) return c; } return 'rgb(255,255,255)'; };
  const low = [];
  for (const e of document.querySelectorAll('body *:not(script)')) {
    const inSvg = e.tagName === 'text';
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || (e.closest('svg') && !inSvg)) continue;
    const style = getComputedStyle(e), a = light(inSvg ? style.fill : style.color), b = light(under(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) low.push([e.tagName, e.className.baseVal ?? e.className, e.textContent.slice(0, 20), ratio]);
  }
  return low;
})()"""

AXE = """axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']}).then(found => ({
  passes: found.passes.length,
  violations: found.violations.map(one => [one.id, one.help, one.nodes.map(node => node.html.slice(0, 200))])}))"""
THIRD_POINT = """(() => {
  const drawing = document.querySelector('#r1-curves svg');
  drawing.scrollIntoView({behavior: 'instant', block: 'center'});
  const told = JSON.parse(drawing.querySelector('metadata').textContent).s[0], box = drawing.getBoundingClientRect();
  const scale = box.width / drawing.viewBox.baseVal.width;
  return [box.left + scale * told[1][2], box.top + scale * told[2][2]];
})()"""


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Browser]:
    program = chromium.find()
    assert program is not None
    with chromium.Browser(program) as opened:
        yield opened


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 400, 1400])
def test_quiet_alone_and_not_too_wide(browser: chromium.Browser, page: Path, width: int, dark: bool) -> None:
    browser.open(page, width, dark)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate(WIDER) == []
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith("data:")] == [page.as_uri()]


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_has_contrast(browser: chromium.Browser, page: Path, dark: bool) -> None:
    browser.open(page, 1400, dark)
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(22, 22, 24)" if dark else "rgb(255, 255, 255)"
    )
    assert browser.evaluate(CONTRAST) == []


def test_drawings_follow_the_theme(browser: chromium.Browser, page: Path) -> None:
    fill = "getComputedStyle(document.querySelector('.panel text')).fill"
    browser.open(page, 1400)
    light = browser.evaluate(fill)
    browser.open(page, 1400, dark=True)
    assert light == "rgb(27, 27, 26)"
    assert browser.evaluate(fill) == "rgb(236, 235, 230)"


@pytest.mark.parametrize("way", ["click", "key"])
def test_tables_sort(browser: chromium.Browser, page: Path, way: str) -> None:
    browser.open(page, 1400)
    values = "[...document.querySelectorAll('#r1-trials tbody tr')].map(row => row.cells[3].dataset.sort ?? null)"
    button = "document.querySelectorAll('#r1-trials thead tr:last-child th')[3].firstChild"
    browser.evaluate("document.querySelector('#r1-diagnostics > details').open = true")
    for order in ("ascending", "descending"):
        if way == "click":
            browser.evaluate(f"{button}.click()")
        else:
            browser.evaluate(f"{button}.focus()")
            browser.press("Enter")
        found = browser.evaluate(values)
        assert isinstance(found, list)
        numbers = [float(value) for value in found if value is not None]
        assert numbers == sorted(numbers, reverse=order == "descending")
        assert found[len(numbers) :] == [None] * (len(found) - len(numbers))
        assert browser.evaluate(f"{button}.parentElement.ariaSort") == order
    assert browser.evaluate("document.querySelectorAll('#r1-trials [aria-sort]').length") == 1


@pytest.mark.parametrize(("width", "dark"), [(360, False), (1400, True)])
def test_the_rules_of_accessibility_hold(browser: chromium.Browser, page: Path, width: int, dark: bool) -> None:
    browser.open(page, width, dark)
    browser.evaluate(files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8") + "; null")
    browser.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    found = browser.evaluate(AXE, wait=True)
    assert isinstance(found, dict)
    assert found["violations"] == []
    assert found["passes"] > 30


def test_it_prints_black_on_white_and_whole(browser: chromium.Browser, page: Path) -> None:
    browser.open(page, 720, dark=True, media="print")
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    hidden = "['nav', '.tools', '.skip'].map(name => getComputedStyle(document.querySelector(name)).display)"
    assert browser.evaluate(hidden) == ["none"] * 3
    wide = "[...document.querySelectorAll('article table')].filter(e => e.checkVisibility() && e.offsetWidth > 720).map(e => e.id)"
    assert browser.evaluate(wide) == []


def test_the_policy_stops_what_was_put_into_the_file(browser: chromium.Browser, page: Path, tmp_path: Path) -> None:
    smuggled = """<script>document.title = 'owned'</script><img src="data:," onerror="document.title = 'owned'" alt="">
      <p onclick="document.title = 'owned'" id="trap" style="color: red">x</p><iframe src="data:text/html,x"></iframe>"""
    other = tmp_path / "page.html"
    other.write_text(page.read_text(encoding="utf-8").replace("<main", f"{smuggled}<main", 1), encoding="utf-8")
    browser.open(other, 1400)
    browser.evaluate("document.getElementById('trap').click()")
    assert browser.evaluate("document.title") != "owned"
    assert browser.evaluate("getComputedStyle(document.getElementById('trap')).color") != "rgb(255, 0, 0)"
    told = [event for event in browser.complaints() if "Content Security Policy" in str(event)]
    assert len(told) >= 4


def test_a_link_unfolds_the_diagnostics(browser: chromium.Browser, page: Path) -> None:
    fold = "document.querySelector('#r1-diagnostics > details')"
    for dark in (False, True):
        browser.open(page, 360, dark)
        assert browser.evaluate(f"{fold}.open") is False
        browser.evaluate("location.hash = 'r1-diagnostics'")
        until = time.monotonic() + 10
        while not browser.evaluate(f"{fold}.open"):
            assert time.monotonic() < until
        assert browser.evaluate(WIDER) == []
        assert browser.evaluate(CONTRAST) == []
    browser.open(page, 1400)
    browser.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert browser.evaluate(f"{fold}.open") is True


def test_a_hostile_run_runs_nothing(browser: chromium.Browser, run: RunRecord, folder: Path, tmp_path: Path) -> None:
    payload = "".join(PAYLOADS) + "</script><script>document.title='owned'</script>" + "w" * 200
    page = write_report([poisoned_run(run, payload)], [folder], tmp_path / "page.html")
    browser.open(page, 400)
    assert browser.evaluate("document.title") != "owned"
    assert browser.complaints() == []
    assert browser.evaluate(WIDER) == []
    browser.evaluate("document.querySelectorAll('.panel').forEach(one => one.focus())")
    browser.press("ArrowRight")
    assert browser.evaluate("document.querySelectorAll('.tip:not([hidden]) > *').length") >= 2
    assert browser.complaints() == []


def test_a_figure_tells_its_values_under_the_pointer_and_to_the_keyboard(browser: chromium.Browser, page: Path) -> None:
    browser.open(page, 1400)
    at = browser.evaluate(THIRD_POINT)
    assert isinstance(at, list)
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=at[0] + 3, y=at[1] - 2)
    told = (
        "(() => { const t = document.querySelector('.tip'); return t.hidden ? null : [...t.children].map(e => e.textContent); })()"
    )
    shown = browser.evaluate(told)
    assert isinstance(shown, list)
    assert shown[:2] == ["Baseline: uniform sampling", "optimisation steps: 300"]
    assert shown[2].startswith("validation PSNR, dB: 2")
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=2, y=2)
    assert browser.evaluate(told) is None

    browser.evaluate("document.querySelector('#r1-curves .panel').focus()")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        browser.press(key)
    shown = browser.evaluate(told)
    assert isinstance(shown, list)
    assert shown[:2] == ["Top 1: PatchNet", "optimisation steps: 200"]
    assert browser.evaluate("document.querySelector('[role=status]').textContent") == ", ".join(shown)
    browser.press("Escape")
    assert browser.evaluate(told) is None
    assert browser.complaints() == []


def test_a_table_goes_out_as_csv_without_a_request(browser: chromium.Browser, page: Path, tmp_path: Path) -> None:
    browser.open(page, 1400)
    browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    browser.evaluate("document.querySelector('[aria-label=\"Save Table 3 as a CSV file\"]').click()")
    target = tmp_path / "r1-comparison.csv"
    for _ in range(100):
        if target.exists():
            break
        time.sleep(0.1)
    rows = list(csv.reader(target.read_text(encoding="utf-8").splitlines()))
    assert rows[0][:4] == ["Method", "Method, note", "photos: noise-free PSNR, dB", "photos: noise-free SSIM"]
    assert float(rows[2][2]) > 25
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith(("data:", "blob:"))] == [page.as_uri()]
