"""What holds after every fault, whatever it was.

I1: no trial that had ended runs again. I2: a running one loses at most one report interval. I3: trials are numbered densely, each
started and ended once. I4: the result is that of an undisturbed run with the same seed (serial: the same configurations to the
bit). I5: exit code and message are right, nothing is left running, the lock is free. I6: a report can be made, of the damaged run
and of the mended one.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import fake_fit
from drivers import alive

from raysearch.report.page import write_report
from raysearch.results.events import TrialEnded, TrialReported, TrialRetried, TrialStarted
from raysearch.results.folder import RunFolder
from raysearch.results.journal import JournalReader
from raysearch.results.record import RunRecord, TrialRecord
from raysearch.results.run import open_run


def check_nothing_lost(folder: RunFolder, *earlier: RunRecord) -> RunRecord:
    """I1 to I3, against what the run's journal told at earlier moments; returns what it tells now."""
    run = open_run(folder.path)
    for before in earlier:
        for trial in before.trials:
            _check_trial(folder, trial, run.trials[trial.number])
    assert [trial.number for trial in run.trials] == list(range(len(run.trials))), "I3: numbers are dense"
    _check_story(folder)
    return run


def _check_trial(folder: RunFolder, before: TrialRecord, after: TrialRecord) -> None:
    starts = [int(str(note["start"])) for note in fake_fit.life(folder.trial(before.number)) if "start" in note]
    assert (after.values, after.config, after.seed) == (before.values, before.config, before.seed), "I3: it is the same trial"
    assert after.reports[: len(before.reports)] == before.reports, "what was reported stands"
    if before.status is not None:
        assert after == before, f"I1: trial {before.number} had ended"
        assert max(starts, default=0) <= before.step, f"I1: trial {before.number} ran again"
    elif before.reports and after.status in ("finished", "stopped") and after.step > before.reports[-1].step:
        last = before.reports[-1].step
        assert any(start >= last for start in starts), f"I2: trial {before.number} lost more than an interval (started at {starts})"


def _check_story(folder: RunFolder) -> None:
    """Each trial starts once, ends once, and reports each step once, in order."""
    started: Counter[int] = Counter()
    ended: Counter[int] = Counter()
    steps: dict[int, int] = {}
    for event in JournalReader(folder.journal):
        if isinstance(event, TrialStarted):
            started[event.trial] += 1
        elif isinstance(event, TrialRetried):
            assert event.trial in started
        elif isinstance(event, TrialReported):
            assert event.step > steps.get(event.trial, -1), "no step is told twice, none after its end"
            assert ended[event.trial] == 0
            steps[event.trial] = event.step
        elif isinstance(event, TrialEnded):
            ended[event.trial] += 1
    assert set(started.values()) <= {1}, "I3: each trial starts once"
    assert set(ended.values()) <= {1}, "I3: each trial ends once"
    assert list(started) == list(range(len(started))), "I3: in the order of their numbers"


def check_complete(folder: RunFolder, statuses: Iterable[str] = ("finished", "stopped")) -> None:
    """Every trial of the run has ended well."""
    allowed = set(statuses)
    for trial in open_run(folder.path).trials:
        assert trial.status in allowed, (trial.number, trial.status, trial.reason)


def check_same_result(run: RunRecord, reference: RunRecord) -> None:
    """I4: as if nothing had happened."""
    assert [told(trial) for trial in run.trials] == [told(trial) for trial in reference.trials]
    assert run.ended == reference.ended


def told(trial: TrialRecord) -> tuple[object, ...]:
    """What a trial is and gave, without times and attempts."""
    curve = tuple((point.step, point.metrics["psnr"]) for point in trial.reports)
    values = tuple(sorted((name, repr(value)) for name, value in trial.values.items()))
    return (trial.number, trial.phase, trial.role, values, trial.seed, trial.status, trial.step, trial.value, curve)


def check_released(folder: RunFolder, processes: Iterable[int] = (), seconds: float = 30.0) -> None:
    """I5: the lock is free and none of these processes is left."""
    end = time.monotonic() + seconds
    while left := [pid for pid in processes if alive(pid)]:
        assert time.monotonic() < end, f"processes {left} are still there"
        time.sleep(0.1)
    holder = folder.holder()
    assert holder is None or holder.life == "dead"


def check_report(folder: RunFolder, target: Path) -> str:
    """I6: a report can be made of what is there."""
    text = write_report([open_run(folder.path)], [folder.path], target).read_text(encoding="utf-8")
    assert text.rstrip().endswith("</html>")
    return text
