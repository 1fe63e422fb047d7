"""Where the time went, and what went wrong, grouped by cause."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from raysearch.report import plain
from raysearch.report.document import Block, Cell, Column, Prose, Section, Table
from raysearch.report.formats import NONE, plural, seconds
from raysearch.report.sections import lengths
from raysearch.report.view import View
from raysearch.results.record import TrialRecord

_BAD = ("failed", "stalled", "diverged", "out_of_memory")
_WHY = {
    "lost": "its process was lost",
    "stalled": "it gave no sign of life and was killed",
    "out_of_memory": "memory did not suffice, and it went on in smaller pieces of a batch",
    "preempted": "its process was asked to leave its machine",
    "asked": "a user gave it another attempt",
}
_NUMBER = re.compile(r"\d+(\.\d+)?")
_GROUPS = 50


def section(view: View) -> Section:
    """Write the section."""
    blocks: list[Block] = []
    if view.record.trials:
        blocks += [_ledger(view.record.trials), *lengths.blocks(view)]
    bad = [trial for trial in view.record.trials if trial.status in _BAD]
    blocks.append(_causes(bad) if bad else Prose(("No trial failed.",)))
    sentences = [*_again(view.record.trials), *(f"{text[:1].upper()}{text[1:]}." for text in view.record.incidents)]
    if view.record.drivers > 1:
        sentences.append(f"The run was started {view.record.drivers} times: it was interrupted and resumed.")
    open_trials = [str(trial.number) for trial in view.record.trials if trial.status is None]
    if open_trials:
        sentences.append(f"Still running, or interrupted: trials {', '.join(open_trials[:20])}.")
    if sentences:
        blocks.append(Prose(tuple(sentences)))
    return Section("failures", "Budget and failures", tuple(blocks))


def _again(trials: Sequence[TrialRecord]) -> Iterator[str]:
    """Say how often trials were started again from their checkpoints, by cause."""
    for cause, words in _WHY.items():
        some = [trial for trial in trials if cause in trial.causes]
        if some:
            times = sum(trial.causes.count(cause) for trial in some)
            numbers = ", ".join(str(trial.number) for trial in some[:20]) + (", …" if len(some) > 20 else "")
            yield f"{plural(times, 'time')} a trial went on from its checkpoint because {words} (trials {numbers})."


def _ledger(trials: Sequence[TrialRecord]) -> Table:
    total = sum(trial.seconds for trial in trials)
    rows = []
    for phase in ("search", "confirm"):
        for status in ("finished", "stopped", "infeasible", *_BAD, None):
            some = [trial for trial in trials if trial.phase == phase and trial.status == status]
            if not some:
                continue
            spent = sum(trial.seconds for trial in some)
            share = f"{spent / total:.0%}" if total > 0 else NONE
            name = "not finished" if status is None else status.replace("_", " ")
            title = "Search" if phase == "search" else "Confirmation"
            steps = sum(trial.step for trial in some)
            cells = (Cell(str(len(some)), len(some)), Cell(f"{steps:,}", steps), Cell(seconds(spent), spent), Cell(share))
            rows.append((Cell(title), Cell(name), *cells))
    numbers = (Column("Trials"), Column("Steps"), Column("Trial time"), Column("Share"))
    caption = f"Where {seconds(total)} of trial time went (training and evaluation, without waiting)."
    return Table("ledger", caption, (Column("Phase", align="text"), Column("Status", align="text"), *numbers), tuple(rows))


def _causes(bad: Sequence[TrialRecord]) -> Table:
    groups: dict[tuple[str, str], list[TrialRecord]] = {}
    for trial in bad:
        reason = plain.line(trial.reason, 300) if trial.reason else "no reason recorded"
        groups.setdefault((str(trial.status), _NUMBER.sub("#", reason)), []).append(trial)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    rows = []
    for (status, _), some in ordered[:_GROUPS]:
        example = plain.line(some[0].reason, 300) if some[0].reason else "no reason recorded"
        numbers = ", ".join(str(trial.number) for trial in some[:20]) + (", …" if len(some) > 20 else "")
        lost = sum(trial.seconds for trial in some)
        count = Cell(str(len(some)), len(some))
        rows.append((Cell(example), Cell(status.replace("_", " ")), count, Cell(numbers), Cell(seconds(lost), lost)))
    columns = (
        Column("Cause", align="text"),
        Column("Status", align="text"),
        Column("Trials"),
        Column("Numbers", align="text"),
        Column("Time lost"),
    )
    notes = ["Reasons that differ only in numbers are one cause; the first is printed."]
    if len(ordered) > _GROUPS:
        notes.append(f"The {_GROUPS} most frequent of {len(ordered)} causes.")
    return Table("causes", "Trials that gave no value, by cause.", columns, tuple(rows), tuple(notes))
