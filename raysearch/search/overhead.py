"""What a study costs beside its training: trials that train nothing, against bare Ray Tune and Optuna; the driver under load.

Each side of a comparison starts a local Ray of its own and is timed from there to the end of its last trial; the two sides take
turns at going first. Bare Ray Tune runs the same empty function in reused actors, with `OptunaSearch` over the same two values, and
writes what it writes by default.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from ray import tune
from ray.tune.search.optuna import OptunaSearch

from raysearch.results.events import Event, PhaseEnded, TrialEnded, TrialReported
from raysearch.results.folder import RunFolder
from raysearch.search import idle_trials
from raysearch.search.driver import run_study
from raysearch.search.idle_trials import EVERY, PAUSE_S, empty_study
from raysearch.search.journal_speed import resident_mb
from raysearch.search.options import DriverOptions
from raysearch.search.progress import NoProgress, Summary
from raysearch.search.session import Session, open_session
from raysearch.search.study import StudySpec


@dataclass(frozen=True)
class Pair:
    """Empty trials on both sides; seconds for each trial."""

    reports: int
    tune: float
    raysearch: float

    @property
    def ratio(self) -> float:
        """How many times as long raysearch takes."""
        return self.raysearch / self.tune


class _Clock(NoProgress):
    """Notes when a session is there, and when its search is over."""

    def __init__(self) -> None:
        self.began = self.ended = 0.0

    def on_session(self, session: Session) -> None:
        self.began = time.perf_counter()

    def on_event(self, event: Event, summary: Summary) -> None:
        if isinstance(event, PhaseEnded):
            self.ended = time.perf_counter()


def with_raysearch(trials: int, reports: int, folder: Path) -> float:
    """Return the seconds that each of some empty trials, one at a time, takes in a study."""
    run, clock = _new_run(folder, empty_study(trials, reports, 1)), _Clock()
    fit = f"{idle_trials.__name__}:{idle_trials.fit.__name__}"
    spec = empty_study(trials, reports, 1)
    run_study(spec, run, DriverOptions(cache=folder / "cache", cpus=1, dashboard=False, fit=fit, progress=clock))
    return (clock.ended - clock.began) / trials


def with_tune(trials: int, reports: int, folder: Path) -> float:
    """Return the seconds that each of some empty trials, one at a time, takes in bare Ray Tune."""
    with open_session(None, cpus=1, dashboard=False), _silence():
        began = time.perf_counter()
        _fit_tune(folder, {"trials": trials, "concurrent": 1, "reports": reports, "pause_s": 0.0}, None)
        return (time.perf_counter() - began) / trials


def _fit_tune(folder: Path, how: dict[str, Any], callbacks: list[tune.Callback] | None) -> None:
    """Run empty trials in bare Ray Tune; ``how`` says how many, how many at a time, their reports and the pause before each."""
    space = {"lr": tune.loguniform(1e-4, 1e-2), "depth": tune.randint(3, 9), "reports": how["reports"], "pause_s": how["pause_s"]}
    sampler = optuna.samplers.TPESampler(multivariate=True, seed=0)
    tuner = tune.Tuner(
        tune.with_resources(_empty, {"cpu": 1}),
        param_space=space,
        tune_config=tune.TuneConfig(
            search_alg=OptunaSearch(metric="psnr", mode="max", sampler=sampler),
            metric="psnr",
            mode="max",
            num_samples=how["trials"],
            max_concurrent_trials=how["concurrent"],
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(verbose=0, storage_path=str(folder.absolute()), name="bare", callbacks=callbacks),
    )
    errors = tuner.fit().num_errors
    if errors:
        raise RuntimeError(f"{errors} of {how['trials']} empty trials of Ray Tune failed")


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what Ray Tune prints from the terminal."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield


def _empty(config: dict[str, Any]) -> None:
    """The empty training function as Ray Tune has it; this module's imports load what the other side's process loads."""
    for number in range(config["reports"]):
        time.sleep(config["pause_s"])
        tune.report({"psnr": idle_trials.quality(config["lr"]), "step": EVERY * (number + 1)})


def with_optuna(trials: int, reports: int) -> float:
    """Return the seconds that each of some empty trials takes in bare Optuna: no processes, nothing stored."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    began = time.perf_counter()
    for _ in range(trials):
        trial = study.ask()
        value = idle_trials.quality(trial.suggest_float("lr", 1e-4, 1e-2, log=True)) + 0 * trial.suggest_int("depth", 3, 8)
        for number in range(reports):
            trial.report(value, EVERY * (number + 1))
        study.tell(trial, value)
    return (time.perf_counter() - began) / trials


def pairs(count: int, trials: int, reports: int, folder: Path, told: Callable[[Pair], object]) -> list[Pair]:
    """Measure both sides ``count`` times, in turns."""
    found = []
    for number in range(count):
        seconds: dict[str, float] = {}
        sides: dict[str, Callable[[int, int, Path], float]] = {"tune": with_tune, "raysearch": with_raysearch}
        for name in list(sides)[:: 1 if number % 2 else -1]:
            place = folder / f"{reports}-{number}-{name}"
            place.mkdir(parents=True)
            seconds[name] = sides[name](trials, reports, place)
        found.append(Pair(reports, seconds["tune"], seconds["raysearch"]))
        told(found[-1])
    return found


@dataclass(frozen=True)
class Load:
    """The driver while trials report once a second each.

    Attributes:
        trials: at a time.
        reports_per_second: of all together, as they came.
        cpu_share: of one processor that the driver's process took.
        memory_mb: its resident memory at the end of the window, in 2**20 bytes; None where it can't be told.
        grown_mb: how much of that it gained in the window.
        seconds: of the window: from the moment when all trials run until the first one ends.
    """

    trials: int
    reports_per_second: float
    cpu_share: float
    memory_mb: float | None
    grown_mb: float | None
    seconds: float


class _Gauge:
    """Notes time and processor time of this process at each report while all trials run, and at both ends its memory."""

    def __init__(self, trials: int) -> None:
        self._trials = trials
        self._reporting: set[object] = set()
        self._over = False
        self._memory: float | None = None
        self._holds: float | None = None
        self.notes: list[tuple[float, float]] = []

    def reported(self, trial: object) -> None:
        """Take a report of a trial."""
        self._reporting.add(trial)
        if len(self._reporting) == self._trials and not self._over:
            self._memory = self._memory if self.notes else resident_mb()
            self.notes.append((time.monotonic(), time.process_time()))

    def over(self) -> None:
        """Take the end of a trial: the window ends with the first one."""
        if not self._over:
            self._over, self._holds = True, resident_mb()

    def load(self) -> Load:
        """Return what was measured."""
        if len(self.notes) < 2:
            raise RuntimeError("the trials were not all running at a time: give them more seconds")
        (began, worked), (ended, had_worked) = self.notes[0], self.notes[-1]
        window = ended - began
        grown = None if self._memory is None or self._holds is None else self._holds - self._memory
        share = (had_worked - worked) / window
        return Load(self._trials, (len(self.notes) - 1) / window, share, self._holds, grown, window)


class _OurGauge(NoProgress):
    def __init__(self, gauge: _Gauge) -> None:
        self._gauge = gauge

    def on_event(self, event: Event, summary: Summary) -> None:
        if isinstance(event, TrialReported):
            self._gauge.reported(event.trial)
        elif isinstance(event, TrialEnded):
            self._gauge.over()


class _TuneGauge(tune.Callback):  # type: ignore[misc]  # Ray is untyped
    def __init__(self, gauge: _Gauge) -> None:
        self._gauge = gauge

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any) -> None:
        self._gauge.reported(trial.trial_id)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._gauge.over()


def load(folder: Path, trials: int = 16, seconds: int = 30) -> Load:
    """Run trials that sleep for a second between reports, all at a time, whatever processors there are.

    Args:
        seconds: reports of each trial; the slowest processes take a while to start, so the window is shorter.
    """
    spec, gauge = empty_study(trials, seconds, trials), _Gauge(trials)
    fit = f"{idle_trials.__name__}:{idle_trials.fit_slowly.__name__}"
    options = DriverOptions(cache=folder / "cache", cpus=trials, dashboard=False, fit=fit, progress=_OurGauge(gauge))
    run_study(spec, _new_run(folder, spec), options)
    return gauge.load()


def load_of_tune(folder: Path, trials: int = 16, seconds: int = 30) -> Load:
    """Run the same trials in bare Ray Tune."""
    gauge = _Gauge(trials)
    with open_session(None, cpus=trials, dashboard=False), _silence():
        _fit_tune(folder, {"trials": trials, "concurrent": trials, "reports": seconds, "pause_s": PAUSE_S}, [_TuneGauge(gauge)])
    return gauge.load()


def _new_run(folder: Path, spec: StudySpec) -> RunFolder:
    run = RunFolder.create(folder, "run")
    run.write_study("", spec.to_data())
    return run
