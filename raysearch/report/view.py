"""A run as the report sees it: who is compared with whom, what they are called, and what is measured."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from raysearch.report import plain
from raysearch.report.formats import PSNR, Metric, metric_named
from raysearch.report.names import details, distinguish, settings
from raysearch.report.scores import Scores
from raysearch.results.racing import RaceRule
from raysearch.results.record import RunRecord, TrialRecord
from raysearch.results.replay import FORMER

BASELINE = "baseline"


@dataclass(frozen=True)
class Method:
    """A configuration that was confirmed: trained again with fresh seeds and evaluated on the test sets.

    Attributes:
        role: ``baseline``, ``top1``, ...
        words: its name in a sentence: what sets it apart from the other methods, shortly.
        detail: every value that sets it apart, e.g. ``sampler: keep 0.5``.
        trials: one per seed, those that finished and have test metrics.
        lost: how many did not finish.
    """

    role: str
    words: str
    detail: str
    source: int | None
    trials: tuple[TrialRecord, ...]
    lost: int

    @property
    def settings(self) -> dict[str, object]:
        """What it was trained with, by dotted path, without the seed."""
        return settings(self.config)

    @property
    def config(self) -> dict[str, object]:
        """Its configuration with its first seed."""
        return self.trials[0].config if self.trials else {}

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of its trials."""
        return tuple(trial.number for trial in self.trials)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of its trials, in the same order."""
        return tuple(trial.seed for trial in self.trials)

    def over(self, seeds: Collection[int]) -> Method:
        """Return the method with the trials of these seeds only."""
        return replace(self, trials=tuple(trial for trial in self.trials if trial.seed in seeds))

    @property
    def title(self) -> str:
        """Its name in a table."""
        rank = self.role.removeprefix("top")
        place = "Baseline" if self.role == BASELINE else f"Top {rank}" if rank.isdigit() else self.role
        return f"{place}: {self.words}" if self.words else place

    @property
    def short_title(self) -> str:
        """Its name under a picture."""
        return self.words or self.title


@dataclass(frozen=True)
class View:
    """A run with what is derived from it once.

    Attributes:
        record: the run.
        folder: where it lies; files of trials are read from here.
        prefix: begins every id of its part of the page.
        metric: the objective.
        scores: per-image test metrics.
        methods: what was confirmed, the baseline first.
    """

    record: RunRecord
    folder: Path
    prefix: str
    metric: Metric
    scores: Scores
    methods: tuple[Method, ...]

    @property
    def search(self) -> tuple[TrialRecord, ...]:
        """The trials of the search."""
        return tuple(trial for trial in self.record.trials if trial.phase == "search")

    @property
    def confirmation(self) -> tuple[TrialRecord, ...]:
        """The trials of the confirmation."""
        return tuple(trial for trial in self.record.trials if trial.phase == "confirm")

    @property
    def race(self) -> RaceRule | None:
        """The rule of the study's seed race; None without one."""
        return RaceRule.of(self.record.spec)

    @property
    def baseline(self) -> Method | None:
        """The method that the others are compared with."""
        return next((method for method in self.methods if method.role == BASELINE and method.trials), None)

    @property
    def winner(self) -> Method | None:
        """The configuration that the search put first, by its validation value: chosen without a look at the test sets."""
        return next((method for method in self.methods if method.role == "top1" and method.trials), None)

    def trial_folder(self, number: int) -> Path:
        """Return where a trial's files lie."""
        return self.folder / "trials" / f"{number:04d}"

    def best_search_trial(self) -> TrialRecord | None:
        """Return the search trial with the best value among those that ran their full length."""
        done = [trial for trial in self.search if trial.status == "finished" and trial.value is not None]
        if not done:
            return None
        sign = 1 if self.metric.larger_is_better else -1
        return max(done, key=lambda trial: (sign * (trial.value if trial.value is not None else 0.0), -trial.number))


def view(record: RunRecord, folder: Path, prefix: str) -> View:
    """Derive what the sections share."""
    scores = Scores(record.images)
    return View(record, folder, prefix, _metric(record), scores, _methods(record, scores))


def sampler_of(trial: TrialRecord) -> str:
    """Return the kind of a trial's sampling strategy; empty if its configuration does not say."""
    value = plain.at(trial.config, "sampler.kind") or plain.at(trial.config, "sampler")
    return plain.line(value, 40) if isinstance(value, str) else ""


def kinds(trials: Sequence[TrialRecord]) -> tuple[str, ...]:
    """List the sampling strategies of some trials: the known ones first, in their usual order."""
    found = {sampler_of(trial) for trial in trials}
    usual = [kind for kind in ("uniform", "gradient", "hard_negative", "patchnet") if kind in found]
    return (*usual, *sorted(found - set(usual)))


def _metric(record: RunRecord) -> Metric:
    name = plain.at(record.spec, "objective.metric")
    base = metric_named(name) if isinstance(name, str) else PSNR
    larger = plain.at(record.spec, "objective.mode") != "min"
    return Metric(base.name, base.title, base.unit, base.decimals, larger)


def _methods(record: RunRecord, scores: Scores) -> tuple[Method, ...]:
    roles: dict[str, list[TrialRecord]] = {}
    for trial in record.trials:
        if trial.phase == "confirm" and not trial.role.startswith(FORMER):
            roles.setdefault(trial.role, []).append(trial)
    ordered = sorted(roles, key=lambda role: (role != BASELINE, len(role), role))
    configs = [roles[role][0].config for role in ordered]
    words = _unlike(distinguish(configs), [roles[role][0] for role in ordered])
    described = zip(ordered, words, details(configs), strict=True)
    return tuple(_method(role, roles[role], said, detail, scores) for role, said, detail in described)


def _unlike(words: Sequence[str], trials: Sequence[TrialRecord]) -> list[str]:
    """Add the search trial where a description does not tell a configuration from another."""
    found = []
    for said, trial in zip(words, trials, strict=True):
        alone = words.count(said) == 1 or trial.source is None or trial.role == BASELINE
        found.append(said if alone else f"{said} (trial {trial.source})" if said else f"trial {trial.source}")
    return found


def _method(role: str, trials: Sequence[TrialRecord], words: str, detail: str, scores: Scores) -> Method:
    done = tuple(trial for trial in trials if trial.status == "finished" and scores.has(trial.number))
    return Method(plain.line(role, 40), words, detail, trials[0].source, done, len(trials) - len(done))
