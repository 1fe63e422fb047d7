"""Ways to search compared on a surrogate: the same seeds for all, in parallel processes, with a paired test against ours."""

from __future__ import annotations

import importlib
import math
import multiprocessing
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import stats

from raysearch.component import allow_imports, imports_allowed, load, names
from raysearch.errors import SpecError
from raysearch.results.pareto import hypervolume
from raysearch.search import peers
from raysearch.search.methods import METHODS
from raysearch.search.simulation import Simulated, simulate
from raysearch.search.surrogates.base import Surrogate

OURS = "raysearch"
"""The method that the others are compared with."""


@dataclass(frozen=True)
class Setting:
    """What all methods are given.

    Attributes:
        surrogate: a kind of `raysearch.search.surrogates`, or ``module:Class``.
        seconds: simulated time of a search.
        workers: simulated workers.
    """

    surrogate: str
    seconds: float
    workers: int


@dataclass(frozen=True)
class Run:
    """One search.

    Attributes:
        final: noise-free value of the trial that a user would pick in the end; NaN without one. With two objectives: the
            hypervolume of the trials of full length.
        times: simulated seconds to each target; infinite where it was not reached.
        trials: started.
    """

    final: float
    times: tuple[float, ...]
    trials: int


@dataclass(frozen=True)
class Standing:
    """A method's runs in numbers.

    Attributes:
        mean, deviation: of the final values (n - 1).
        times: medians over seeds.
        gain: mean difference of ours to this method, positive where ours is better; NaN for ours.
        p: two-sided, of the paired Wilcoxon signed-rank test; NaN for ours, or when no seed differs.
    """

    method: str
    mean: float
    deviation: float
    times: tuple[float, ...]
    trials: float
    gain: float
    p: float


def surrogate_of(name: str) -> Surrogate:
    """Return a surrogate by name.

    Raises:
        SpecError: there is none, it comes from outside and imports were not allowed, or it is no surrogate.
    """
    package = "raysearch.search.surrogates"
    module, _, attribute = name.partition(":")
    if not attribute or module in names(package):
        found = load(package, module, attribute or "Surface")
    else:
        found = _outside(module, attribute)
    if not (isinstance(found, type) and issubclass(found, Surrogate)):
        raise SpecError(f"{name} is no surrogate", remedy="give a class of raysearch.search.surrogates.base.Surrogate")
    return found()


def _outside(module: str, attribute: str) -> object:
    if not imports_allowed():
        raise SpecError(
            f"{module}:{attribute} is a component outside raysearch, and importing it would run its code",
            remedy="add --allow-import on the command line if you trust it",
        )
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise SpecError(f"surrogate {module}:{attribute} can't be imported: {error}") from error


def methods(surrogate: Surrogate | None = None) -> dict[str, str]:
    """Return every method that can run here (on a surrogate), with a line on each; Syne Tune's are for one objective."""
    found = {name: method.words for name, method in METHODS.items() if surrogate is None or method.fits(surrogate)}
    if peers.installed() and (surrogate is None or surrogate.reference is None):
        found |= {name: "Syne Tune's, in its own simulator" for name in peers.PEERS}
    return found


def run_once(setting: Setting, method: str, seed: int) -> Run:
    """Search once."""
    surrogate = surrogate_of(setting.surrogate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # others' warnings would break the table
        if method in METHODS:
            policy = METHODS[method].policy(surrogate, seed)
            found = simulate(surrogate, policy, workers=setting.workers, seconds=setting.seconds, seed=seed)
        else:
            found = peers.simulate_peer(method, surrogate, workers=setting.workers, seconds=setting.seconds, seed=seed)
    return _run_of(found, surrogate, setting.seconds)


def _run_of(found: Simulated, surrogate: Surrogate, seconds: float) -> Run:
    times = tuple(found.time_to(target, surrogate.mode) for target in surrogate.targets)
    final = found.truth_at(seconds) if surrogate.reference is None else _volume(found, surrogate.mode, surrogate.reference)
    return Run(final, times, len(found.trials))


def _volume(found: Simulated, mode: str, reference: tuple[float, float]) -> float:
    sign = 1 if mode == "max" else -1
    done = [trial.course for trial in found.trials if trial.status == "finished"]
    points = [(sign * course.truth, -course.second) for course in done]
    return hypervolume(points, (sign * reference[0], -reference[1])) if points else 0.0


def race(
    setting: Setting,
    chosen: Sequence[str],
    seeds: Sequence[int],
    processes: int,
    *,
    imports: bool,
    told: Callable[[str, int, Run], object],
    known: Callable[[str, int], Run | None] = lambda name, seed: None,
) -> dict[str, list[Run]]:
    """Run every method with the same seeds.

    Args:
        imports: whether components from outside the tree may be imported.
        told: called with method, seed and run whenever one is done, in the order of methods and seeds.
        known: returns a run that need not be made again.
    """
    runs: dict[str, list[Run]] = {}
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _prepare, (imports,)) as pool:
        wanted = [(name, seed, known(name, seed)) for name in chosen for seed in seeds]
        made = [run or pool.submit(run_once, setting, name, seed) for name, seed, run in wanted]
        for (name, seed, _), run in zip(wanted, made, strict=True):
            done = run if isinstance(run, Run) else run.result()
            runs.setdefault(name, []).append(done)
            if done is not run:
                told(name, seed, done)
    return runs


def _prepare(imports: bool) -> None:
    if imports:
        allow_imports()


def standings(runs: dict[str, list[Run]], mode: str) -> Iterator[Standing]:
    """Summarise; a search that found nothing counts as the worst value that any search ended with."""
    sign = 1 if mode == "max" else -1
    known = [sign * run.final for each in runs.values() for run in each if not math.isnan(run.final)]
    worst = min(known, default=0.0)
    ours = _finals(runs.get(OURS, []), sign, worst)
    for name, each in runs.items():
        finals = _finals(each, sign, worst)
        gain = p = math.nan
        if name != OURS and len(ours) == len(finals) > 0:
            gain = float((ours - finals).mean())
            p = float(stats.wilcoxon(ours, finals).pvalue) if np.any(ours != finals) else math.nan
        times = tuple(float(np.median(row)) for row in zip(*(run.times for run in each), strict=True))
        deviation = float(finals.std(ddof=1)) if len(finals) > 1 else math.nan
        trials = float(np.mean([run.trials for run in each]))
        yield Standing(name, sign * float(finals.mean()), deviation, times, trials, gain, p)


def _finals(runs: Sequence[Run], sign: int, worst: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray([worst if math.isnan(run.final) else sign * run.final for run in runs], dtype=np.float64)
