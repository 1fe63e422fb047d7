"""The stages of a driver beside the search: longer trainings that a user ordered, and the confirmation with its seed race."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from raysearch.results.events import ContendersChosen, Phase, RaceLooked
from raysearch.results.folder import RunFolder
from raysearch.results.goals import Goals
from raysearch.results.journal import JournalReader
from raysearch.results.racing import RaceRule, compare
from raysearch.results.record import TrialRecord
from raysearch.results.replay import BASELINE, FORMER, Replay
from raysearch.results.run import read_images
from raysearch.results.storage import Storage
from raysearch.search.attempts import Attempts
from raysearch.search.callbacks import DriverCallback
from raysearch.search.entries import NewTrial
from raysearch.search.interrupt import Interrupt
from raysearch.search.ledger import Ledger
from raysearch.search.options import DriverOptions
from raysearch.search.phase import Layout, run_phase
from raysearch.search.remote import collect
from raysearch.search.schedulers.fifo import Config as Fifo
from raysearch.search.searcher import TrialSource
from raysearch.search.sources import ConfirmSource, JobMaker, confirm_seeds, plan_confirmation, seeded
from raysearch.search.study import StudySpec
from raysearch.search.tune_scheduler import TuneScheduler
from raysearch.search.verdicts import Verdicts


@dataclass(frozen=True)
class Run:
    """What all stages of a driver share; ``replay`` is what the journal told when the driver began."""

    spec: StudySpec
    folder: RunFolder
    options: DriverOptions
    replay: Replay
    ledger: Ledger
    jobs: JobMaker
    layout: Layout
    interrupt: Interrupt
    attempts: Attempts
    storage: Storage | None = None

    def records(self, phase: Phase) -> list[TrialRecord]:
        """Return the trials of earlier drivers in a phase."""
        return [record for record in self.replay.trials() if record.phase == phase]

    def stopped(self) -> bool:
        """Whether the user wants the study to end."""
        return bool(self.interrupt)

    def go_through(self, source: TrialSource, verdicts: Verdicts) -> None:
        """Run the trials of a source, as far as the user lets it.

        Raises:
            DataError, StorageError: photographs or a disk are not what they should be, and the run has to end.
        """
        callback = DriverCallback(self.ledger, source, self.attempts, self.interrupt.halt, trains=self.layout.trains)
        run_phase(source, self.attempts, callback, TuneScheduler(verdicts, source), self.layout, self.folder.path / "driver.log")
        if self.interrupt.error is not None:
            raise self.interrupt.error
        if self.storage is not None:
            collect(self.storage, self.folder, replayed(self.folder).trials())

    def longest(self, records: Sequence[TrialRecord]) -> int:
        """Return the most steps that a trial of the study, or one of these, can have."""
        steps = [self.spec.trial.bind(corner, 0).steps for corner in self.spec.trial.corners()]
        return max([*steps, *(record.steps for record in records)])

    def to_the_end(self, records: Sequence[TrialRecord]) -> Verdicts:
        """Return the verdicts of a stage that stops no trial."""
        return Verdicts(Fifo().build(self.longest(records)), Goals((self.spec.goals.headline,)))


def replayed(folder: RunFolder) -> Replay:
    """Return what a run's journal tells.

    Raises:
        StateDamaged: it can't be trusted.
    """
    replay = Replay()
    for event in JournalReader(folder.journal):
        replay.add(event)
    return replay


def extend(run: Run) -> None:
    """Train the trials longer that a user ordered, and that have not ended."""
    records = run.records("extend")
    waiting = [record for record in records if record.status is None]
    if waiting:
        run.ledger.phase, run.ledger.planned = "extend", len(records)
        source = ConfirmSource([], run.ledger, run.jobs, waiting, run.stopped, "validation")
        run.go_through(source, run.to_the_end(records))


def confirm(run: Run) -> None:
    """Train baseline and winners with fresh seeds; then, in a race, those again that are not decided, one seed at a time."""
    if "confirm" in run.replay.phases or run.spec.confirm.top == 0:
        return
    run.ledger.phase = "confirm"
    _choose(run)
    while planned := _planned(run):
        records = [record for record in replayed(run.folder).trials() if record.phase == "confirm"]
        source = ConfirmSource(planned, run.ledger, run.jobs, records, run.stopped)
        run.ledger.planned = len(records) + len(source)
        run.go_through(source, run.to_the_end(records))
        if run.interrupt:
            return
    run.ledger.end_phase("decided" if _all_decided(run) else "trials")


def _choose(run: Run) -> None:
    """Say what the contenders are, where earlier trials of the confirmation were about others."""
    present = replayed(run.folder)
    planned = plan_confirmation(run.spec, present.trials(), _ranking(run))
    chosen = {trial.role: trial.source for trial in planned if trial.source is not None}
    before = present.contenders or {one.role: one.source for one in run.records("confirm") if one.source is not None}
    if any(chosen.get(role) != source for role, source in before.items()):
        run.ledger.write(ContendersChosen(time=time.time(), contenders=chosen))


def _ranking(run: Run) -> list[int]:
    return [entry.number for entry in run.ledger.ranking()]


def _planned(run: Run) -> list[NewTrial]:
    """Return the trials that are to be run next: those of the first seeds, then those that the race asks for; none at its end."""
    present = replayed(run.folder)
    records = [record for record in present.trials() if record.phase == "confirm"]
    first = plan_confirmation(run.spec, present.trials(), _ranking(run))
    if _open(first, records):
        return first
    rule = RaceRule.of(run.spec.to_data())
    if rule is None:
        return []
    for seeds in range(rule.first, rule.last + 1):
        undecided = _undecided(run, rule, seeds)
        if not undecided or seeds == rule.last:
            return []
        wave = further_seed(first, undecided, race_seeds(run.spec, present.trials(), rule.last)[seeds])
        if _open(wave, records):
            return wave
    return []


def race_seeds(spec: StudySpec, records: Sequence[TrialRecord], count: int) -> tuple[int, ...]:
    """Return the seeds of a race in their order; the first are those of the confirmation."""
    return confirm_seeds(spec.seed, count, frozenset(record.seed for record in records if record.phase == "search"))


def _open(planned: Sequence[NewTrial], records: Sequence[TrialRecord]) -> bool:
    """Whether some of these trials have not ended."""
    ended = {(record.role, record.seed) for record in records if record.status is not None}
    return any((trial.role, trial.seed) not in ended for trial in planned)


def further_seed(first: Sequence[NewTrial], roles: Sequence[str], seed: int) -> list[NewTrial]:
    """Return the trials of another seed: the baseline and the contenders that are not decided."""
    wave = []
    for trial in {trial.role: trial for trial in first}.values():
        if trial.role in (BASELINE, *roles):
            wave.append(seeded(trial, seed))
    return wave


def _undecided(run: Run, rule: RaceRule, seeds: int) -> list[str]:
    """Look at every contender that has its first ``seeds`` seeds, write down what is seen, and return who needs more."""
    present = replayed(run.folder)
    allowed = set(race_seeds(run.spec, present.trials(), rule.last)[:seeds])
    finished = [t for t in present.trials() if t.phase == "confirm" and t.status == "finished" and t.seed in allowed]
    baseline = [trial for trial in finished if trial.role == BASELINE]
    decided = {look.role for look in present.looks if look.decided}
    roles = {t.role: None for t in finished if t.role != BASELINE and not t.role.startswith(FORMER) and t.role not in decided}
    looked = {(look.role, look.seeds) for look in present.looks}
    for role in [role for role in roles if (role, seeds) not in looked]:
        contender = [trial for trial in finished if trial.role == role]
        images = read_images(run.folder, [*contender, *baseline])
        found = compare(images, contender, baseline, run.spec.objective.metric, rule)
        if found is None or found.covers != "images and seeds":
            continue
        run.ledger.write(
            RaceLooked(
                time=time.time(),
                role=role,
                seeds=seeds,
                difference=found.difference,
                low=found.low,
                high=found.high,
                decided=found.decided,
            )
        )
        if found.decided:
            decided.add(role)
    return [role for role in roles if role not in decided]


def _all_decided(run: Run) -> bool:
    present = replayed(run.folder)
    roles = {t.role for t in present.trials() if t.phase == "confirm" and t.role != BASELINE and not t.role.startswith(FORMER)}
    return bool(roles) and roles <= {look.role for look in present.looks if look.decided}
