"""`report` of several runs, `compare`, `index` and `watch --html` as they are called."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from raysearch.cli import main
from raysearch.cli.live import follow_page
from raysearch.results.events import DriverStarted, DriverStopped, Event, PhaseEnded, TrialEnded, TrialReported, TrialStarted
from raysearch.results.folder import RunFolder
from raysearch.results.journal import Journal, new_journal
from raysearch.train.files import IMAGES

SETTINGS = {"task": {"kind": "demosaic"}, "sampler": {"kind": "uniform"}, "evaluate": {"protocol": {"space": "rgb"}}}
STEPS = 100
REFRESH = 'http-equiv="refresh"'


def trial(number: int, phase: str, role: str, kind: str, seed: int, value: float) -> list[Event]:
    config = SETTINGS | {"sampler": {"kind": kind}, "seed": seed}
    start = {"phase": phase, "role": role, "source": None if phase == "search" else 0, "values": {}, "config": config}
    ends = {"status": "finished", "step": STEPS, "value": value, "seconds": 1.0, "reason": "", "facts": {}}
    metrics = {"psnr": value, "pixels_seen": 1e6, "train_seconds": 1.0}
    return [
        TrialStarted(time=1.0, trial=number, seed=seed, steps=STEPS, **start),
        TrialReported(time=1.0, trial=number, step=STEPS, metrics=metrics),
        TrialEnded(time=2.0, trial=number, **ends),
    ]


def make(root: Path, name: str, gain: float, *, stopped: bool = True, digest: str = "a" * 64) -> RunFolder:
    """A run: two trials of the search, then winner and baseline with three seeds on two photographs."""
    folder = RunFolder.create(root, name)
    folder.write_study("name: x\n", {"name": "x", "objective": {"metric": "psnr", "mode": "max"}})
    folder.write_environment({"data": {"test": {"split": "test", "dataset": "photos", "digest": digest}}})
    told: list[Event] = [DriverStarted(time=1.0, attempt=0, command=("raysearch",), versions={}, host="h")]
    told += [*trial(0, "search", "suggested", "gradient", 1, 30.0), *trial(1, "search", "suggested", "uniform", 2, 29.0)]
    for i in range(6):
        role, kind = ("top1", "gradient") if i % 2 else ("baseline", "uniform")
        value = 30.0 + (gain if i % 2 else 0) + 0.01 * (i * i % 5)
        told += trial(2 + i, "confirm", role, kind, 10 + i // 2, value)
        same = {"split": "test", "dataset": "photos", "level": "noise-free", "protocol": "RGB", "ssim": 0.9}
        rows = [same | {"image": image, "psnr": value + 2 * k + 0.01 * (i * k % 3)} for k, image in enumerate(("a", "b"))]
        folder.trial(2 + i).mkdir(parents=True)
        pq.write_table(IMAGES.empty_table().from_pylist(rows, schema=IMAGES), folder.trial(2 + i) / "images.parquet")
    told += [PhaseEnded(time=3.0, phase=phase, reason="trials") for phase in ("search", "confirm")]
    new_journal(folder.journal, [*told, DriverStopped(time=3.0, reason="done", message="")] if stopped else told[:-8])
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    make(root, "one", 0.5)
    make(root, "two", 0.9)
    make(root, "elsewhere", 0.9, digest="b" * 64)
    return root


def call(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.out, said.err


def test_two_runs_are_compared(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(["compare", "one", "two", "--runs", str(runs), "--json"], capsys)
    assert code == 0, err
    found = json.loads(out)
    (row,) = found["rows"]
    assert (row["name"], row["reference"], row["basis"], found["budget"]) == ("two", "one", "test", "pixels")
    assert row["difference"] == pytest.approx(0.4)
    assert row["trials"] == [3, 5, 7]
    code, out, _ = call(["compare", "one", "two", "--runs", str(runs)], capsys)
    assert code == 0
    assert "+0.40 dB" in out
    assert "test photographs" in out


def test_values_of_a_setting_are_compared_with_a_named_one(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["compare", "one", "--by", "trial.sampler.kind", "--reference", "gradient", "--json", "--runs", str(runs)]
    code, out, err = call(arguments, capsys)
    assert code == 0, err
    (row,) = json.loads(out)["rows"]
    assert (row["name"], row["reference"]) == ("uniform", "gradient")
    code, out, _ = call([*arguments[:4], "--phase", "search", "--at", "steps", "--json", "--runs", str(runs)], capsys)
    assert code == 0
    (row,) = json.loads(out)["rows"]
    assert row["difference"] == pytest.approx(-1.0)
    assert row["p"] is None, "one training each"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["compare", "one"], "name another run"),
        (["compare", "one", "two", "--phase", "search"], "--by trial.sampler.kind"),
        (["compare", "one", "elsewhere"], "the test photographs differ: photos aaaaaaaaaaaa and photos bbbbbbbbbbbb"),
        (["compare", "one", "--by", "sampler.knd"], "did you mean 'sampler.kind'"),
    ],
)
def test_what_can_not_be_compared_is_a_usage_error(
    runs: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = call([*arguments, "--runs", str(runs)], capsys)
    assert code == 2
    assert said in err
    assert out == ""


def test_one_that_is_not_comparable_does_not_hide_the_others(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(["compare", "one", "two", "elsewhere", "--runs", str(runs)], capsys)
    assert code == 0
    assert "+0.40 dB" in out
    assert "elsewhere and one are not comparable: the test photographs differ" in " ".join(out.split())


def test_reports_of_one_and_several_runs_have_places_of_their_own(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["report", "one", "--by", "sampler.kind", "--runs", str(runs)], capsys)[0] == 0
    assert "Compared by sampler.kind" in (runs / "one" / "report.html").read_text()
    code, out, _ = call(["report", "one", "two", "--runs", str(runs), "--json"], capsys)
    assert code == 0
    assert json.loads(out)["report"] == str(runs / "report.html")
    assert "2 studies" in (runs / "report.html").read_text()
    code, out, _ = call(["index", "--runs", str(runs), "--json"], capsys)
    assert code == 0
    assert 'href="./one/report.html"' in Path(json.loads(out)["index"]).read_text()


def test_a_live_page_loads_itself_again_until_the_driver_stops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make(tmp_path, "half", 0.5, stopped=False)
    page = tmp_path / "live.html"
    looks: list[str] = []

    with folder.lock(time.time()):

        def later(seconds: float) -> None:
            assert seconds == 7
            looks.append(page.read_text(encoding="utf-8"))
            if len(looks) == 2:
                with Journal.open(folder.journal) as journal:
                    journal.append(DriverStopped(time=9.0, reason="done", message=""))

        follow_page(folder, page, 7, once=False, as_json=True, sleep=later)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["live"] for line in lines] == [True, False], "unchanged, it is not written again"
    assert len(looks) == 2
    assert f'<meta {REFRESH} content="7">' in looks[0]
    assert "loads itself from the same file every" in " ".join(looks[0].split())
    assert "Last event: 1970-01-01 00:00:0" in looks[0]
    last = page.read_text(encoding="utf-8")
    assert REFRESH not in last
    assert "Live:" not in last


def test_an_interrupted_watch_leaves_a_page_that_does_not_load_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make(tmp_path, "half", 0.5, stopped=False)
    page = tmp_path / "live.html"

    def interrupt(seconds: float) -> None:
        assert REFRESH in page.read_text(encoding="utf-8")
        raise KeyboardInterrupt

    with folder.lock(time.time()), pytest.raises(KeyboardInterrupt):
        follow_page(folder, page, 5, once=False, as_json=False, sleep=interrupt)
    assert REFRESH not in page.read_text(encoding="utf-8")
    assert "(live, 6 of" in capsys.readouterr().out


def test_damaged_and_empty_runs_have_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make(tmp_path, "torn", 0.5)
    text = folder.journal.read_bytes()
    folder.journal.write_bytes(text[: len(text) // 2] + b"\0" + text[len(text) // 2 :])
    page = tmp_path / "page.html"
    assert call(["watch", "torn", "--html", str(page), "--runs", str(tmp_path)], capsys)[0] == 0
    assert "What could not be read of this run" in page.read_text()
    folder.journal.unlink()
    os.utime(folder.space)
    code, out, _ = call(["watch", "torn", "--html", str(page), "--once", "--runs", str(tmp_path)], capsys)
    assert code == 0
    assert "(last, interrupted)" in out
    assert "no trial has been recorded" in page.read_text()
