"""The main job through the command line, as a user meets it: a tiny study on real photographs, its readers and its network."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from raysearch.results.events import TrialEnded, TrialReported, TrialStarted
from raysearch.results.journal import read_journal

pytestmark = pytest.mark.ray

SMOKE = Path(__file__).parents[2] / "search_spaces" / "smoke.yaml"


def raysearch(*arguments: str | Path, cwd: Path, timeout: float = 240) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "raysearch", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the smoke study was run."""
    folder = tmp_path_factory.mktemp("main-job")
    done = raysearch("run", SMOKE, "--cache", folder / "cache", "--cpus", "2", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ray dashboard: http://127.0.0.1:" in done.stdout
    assert "tensorboard --logdir" in done.stdout
    return folder


def test_the_run_leaves_what_it_promises(finished: Path) -> None:
    run = finished / "runs" / "smoke"
    assert (run / "space.yaml").read_bytes() == SMOKE.read_bytes()
    assert {"resolved.yaml", "env.json", "journal.jsonl", "report.html", "trials"} <= {p.name for p in run.iterdir()}
    started = [e for e in read_journal(run / "journal.jsonl") if isinstance(e, TrialStarted)]
    assert [(e.phase, e.role) for e in started] == [
        ("search", "suggested"), ("search", "suggested"), ("confirm", "baseline"), ("confirm", "top1"),
    ]  # fmt: skip
    searched, confirmed = ({e.seed for e in started if e.phase == phase} for phase in ("search", "confirm"))
    assert not searched & confirmed, "confirmation needs fresh seeds"
    trials = pq.read_table(run / "tables" / "trials.parquet").to_pylist()
    assert [t["trial"] for t in trials] == [0, 1, 2, 3]
    assert (run / "tables" / "images.csv").read_text().count("astronaut") == 2
    page = (run / "report.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "Smoke test" in page


def test_readers_agree_with_the_journal(finished: Path) -> None:
    (listed,) = json.loads(raysearch("ls", "--json", cwd=finished).stdout)
    assert listed["state"] == "done"
    trials = json.loads(raysearch("ls", "@last", "--json", cwd=finished).stdout)
    ended = [e for e in read_journal(finished / "runs" / "smoke" / "journal.jsonl") if isinstance(e, TrialEnded)]
    assert {t["trial"]: t["value"] for t in trials} == {e.trial: e.value for e in ended}
    watched = raysearch("watch", "smoke", "--plain", cwd=finished)
    assert watched.stdout.count(" finished at step 20 ") == 4
    shown = json.loads(raysearch("show", "smoke", "--trial", "0", "--json", cwd=finished).stdout)
    assert [p["step"] for p in shown["reports"]] == [10, 20]


def test_the_same_name_twice_is_refused_before_anything_starts(finished: Path) -> None:
    before = (finished / "runs" / "smoke" / "journal.jsonl").read_bytes()
    done = raysearch("run", SMOKE, "--cache", finished / "cache", cwd=finished)
    assert done.returncode == 6
    assert "resume" in done.stderr
    assert "Traceback" not in done.stderr
    assert (finished / "runs" / "smoke" / "journal.jsonl").read_bytes() == before


def test_the_best_configuration_trains_to_the_same_bits_without_ray(finished: Path) -> None:
    (best,) = json.loads(raysearch("best", "smoke", "--json", cwd=finished).stdout)
    assert raysearch("best", "smoke", "-o", "best.yaml", cwd=finished).returncode == 0
    arguments = ("train", "best.yaml", "--out", "trained", "--no-test", "--cache", finished / "cache", "--json")
    trained = json.loads(raysearch(*arguments, cwd=finished).stdout)
    assert trained["metrics"]["psnr"] == best["value"]


def test_a_checkpoint_evaluates_and_restores(finished: Path) -> None:
    trial = finished / "runs" / "smoke" / "trials" / "0003"
    rows = json.loads(raysearch("eval", trial, "--cache", finished / "cache", "--json", cwd=finished).stdout)
    value = next(t["value"] for t in json.loads(raysearch("ls", "smoke", "--json", cwd=finished).stdout) if t["trial"] == 3)
    assert np.mean([row["psnr"] for row in rows]) == pytest.approx(value, abs=1e-9)
    source = finished / "photographs"
    source.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (41, 57, 3), dtype=np.uint8)).save(source / "noise.png")
    (source / "broken.png").write_bytes(b"not a picture")
    done = raysearch("restore", trial, source, finished / "restored", "--degrade", cwd=finished)
    assert done.returncode == 0, done.stderr
    assert "broken.png: left out" in done.stdout
    with Image.open(finished / "restored" / "noise.png") as restored:
        assert (restored.size, restored.mode) == ((57, 41), "RGB")


def test_an_interrupted_run_says_how_to_resume_and_does(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "raysearch", "run", str(SMOKE), "--cache", str(tmp_path / "cache"), "--cpus", "1"]
    settings = ["--set", "trial.steps=400", "--set", "trial.evaluate.every=100", "--set", "confirm.top=0", "--no-report"]
    with subprocess.Popen(command + settings, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as driver:
        journal = tmp_path / "runs" / "smoke" / "journal.jsonl"
        _wait(lambda: journal.exists() and any(isinstance(e, TrialReported) for e in read_journal(journal)), driver)
        os.kill(driver.pid, signal.SIGINT)
        _, said = driver.communicate(timeout=90)
    assert driver.returncode == 130, said
    assert "raysearch resume" in said
    before = read_journal(journal)
    done = raysearch("resume", "@last", "--cache", tmp_path / "cache", "--cpus", "1", "--no-report", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    after = read_journal(journal)
    assert after[: len(before)] == before
    for ended in (e for e in before if isinstance(e, TrialEnded)):
        assert not [e for e in after[len(before) :] if isinstance(e, TrialReported) and e.trial == ended.trial]
    assert sorted(e.trial for e in after if isinstance(e, TrialEnded)) == [0, 1]
    assert all(e.status == "finished" and e.step == 400 for e in after if isinstance(e, TrialEnded))


def _wait(condition, process: subprocess.Popen[str], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "nothing was reported in time"
        time.sleep(0.2)


def test_a_run_is_not_resumed_as_another_study(finished: Path) -> None:
    again = ("run", SMOKE, "--if-exists", "resume", "--cache", finished / "cache", "--cpus", "2", "--no-report")
    done = raysearch(*again, "--set", "trial.batch=2", cwd=finished)
    assert done.returncode == 6
    assert "trial differ" in done.stderr
    before = len(read_journal(finished / "runs" / "smoke" / "journal.jsonl"))
    assert raysearch(*again, cwd=finished).returncode == 0
    started = [e for e in read_journal(finished / "runs" / "smoke" / "journal.jsonl")[before:] if isinstance(e, TrialStarted)]
    assert started == []


def test_watching_a_dead_driver_ends(finished: Path, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "smoke"
    shutil.copytree(finished / "runs" / "smoke", run)
    lines = (run / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (run / "journal.jsonl").write_bytes(b"".join(lines[:6]))
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(run)])
    child.wait(timeout=60)
    assert (run / "LOCK").exists(), "a killed driver leaves its lock"
    for arguments in (("watch", "smoke", "--plain"), ("watch", "smoke", "--json")):
        assert raysearch(*arguments, cwd=tmp_path, timeout=60).returncode == 0
    assert "raysearch resume" in raysearch("watch", "smoke", "--plain", cwd=tmp_path, timeout=60).stdout


HOLD = """
import os, signal, sys, time
from pathlib import Path
from raysearch.results.folder import RunFolder

with RunFolder(Path(sys.argv[1])).lock(time.time()):
    os.kill(os.getpid(), signal.SIGKILL)
"""
