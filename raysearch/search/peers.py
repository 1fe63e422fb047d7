"""Syne Tune's methods on our surrogates, with its own simulator. Needs ``pip install raysearch[peers]``; no study uses it.

Salinas et al., "Syne Tune: a library for large scale hyperparameter tuning and reproducible research", AutoML 2022. Its schedulers
and its simulated clock are used as they come; only the answers are ours. Spaces with branches are not offered to it.
"""

from __future__ import annotations

import io
import logging
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from importlib.util import find_spec
from typing import Any

from raysearch.rng import seed_of
from raysearch.search.simulation import Simulated, SimulatedTrial
from raysearch.search.surrogates.base import Surrogate
from raysearch.spec.domains import Choice, Domain, Float, Int, Leaf, Ordered

PEERS = ("syne-tune-random", "syne-tune-asha", "syne-tune-bohb", "syne-tune-cqr")
"""The methods."""

_VALUE, _ELAPSED, _RUNG = "metric_value", "metric_elapsed_time", "rung"


def installed() -> bool:
    """Return whether Syne Tune is there, with what its simulator needs."""
    return all(find_spec(name) is not None for name in ("syne_tune", "huggingface_hub", "pandas", "xgboost"))


def simulate_peer(name: str, surrogate: Surrogate, *, workers: int, seconds: float, seed: int) -> Simulated:
    """Run a method of Syne Tune in its simulator; see `raysearch.search.simulation.simulate`."""
    for logger in ("syne_tune", "botorch"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="rs-peer-") as folder, redirect_stdout(io.StringIO()):
        os.environ["SYNETUNE_FOLDER"] = folder  # else it writes into the home folder
        return _simulate(name, surrogate, workers, seconds, seed)


def _simulate(name: str, surrogate: Surrogate, workers: int, seconds: float, seed: int) -> Simulated:
    import numpy as np
    from syne_tune import StoppingCriterion, Tuner
    from syne_tune.backend.simulator_backend.simulator_callback import SimulatorCallback
    from syne_tune.blackbox_repository.simulated_tabular_backend import UserBlackboxBackend
    from syne_tune.constants import ST_TUNER_TIME

    search = Simulated()
    best = [-np.inf]
    started: dict[int, SimulatedTrial] = {}

    class Listening(SimulatorCallback):  # type: ignore[misc]  # Syne Tune is untyped
        def on_trial_result(self, trial: Any, status: str, result: dict[str, Any], decision: str) -> None:
            super().on_trial_result(trial, status, result, decision)
            course = _course(surrogate, trial.config, seed)
            if result[_RUNG] == 1:
                started[trial.trial_id] = SimulatedTrial(trial.trial_id, trial.config, course)
                search.trials.append(started[trial.trial_id])
            if result[_RUNG] == surrogate.rungs and result[ST_TUNER_TIME] <= seconds and np.isfinite(course.truth):
                started[trial.trial_id].status = "finished"
            value, now = result[_VALUE], result[ST_TUNER_TIME]
            if result[_RUNG] == surrogate.rungs and np.isfinite(course.truth) and value > best[0] and now <= seconds:
                best[0] = value
                search.incumbents.append((now, course.truth))

    np.random.seed(seed)  # Syne Tune's ASHA draws from it
    space = {key: _domain(domain) for key, domain in surrogate.space.domains.items()}
    tuner = Tuner(
        trial_backend=UserBlackboxBackend(blackbox=_blackbox(surrogate, space, seed), elapsed_time_attr=_ELAPSED),
        scheduler=_scheduler(name, space, surrogate, seed),
        stop_criterion=StoppingCriterion(max_wallclock_time=seconds),
        n_workers=workers,
        sleep_time=0,
        callbacks=[Listening()],
        results_update_interval=1e9,
        print_update_interval=1e9,
        save_tuner=False,
        suffix_tuner_name=False,
        tuner_name="peer",
    )
    tuner.run()
    return search


def _course(surrogate: Surrogate, config: Mapping[str, Leaf], seed: int) -> Any:
    """Return a configuration's course; its noise is a function of configuration and seed, since no trial number is known here."""
    values = {name: config[name] for name in surrogate.space.domains}
    return surrogate.course(values, seed_of(seed, repr(sorted(values.items()))))


def _blackbox(surrogate: Surrogate, space: Mapping[str, Any], seed: int) -> Any:
    import numpy as np
    from syne_tune.blackbox_repository.blackbox import Blackbox
    from syne_tune.config_space import randint

    class Answers(Blackbox):  # type: ignore[misc]  # Syne Tune is untyped
        def _objective_function(self, configuration: Any, fidelity: Any = None, seed: Any = None, _seed: int = seed) -> Any:
            course = _course(surrogate, configuration, _seed)
            sign = 1 if surrogate.mode == "max" else -1
            values = np.nan_to_num(sign * course.values, nan=-1e3)
            return np.stack([values, course.seconds * np.arange(1, surrogate.rungs + 1)], axis=1)

        @property
        def fidelity_values(self) -> Any:
            return np.arange(1, surrogate.rungs + 1)

    return Answers(
        configuration_space=dict(space),
        fidelity_space={_RUNG: randint(1, surrogate.rungs)},
        objectives_names=[_VALUE, _ELAPSED],
    )


def _domain(domain: Domain) -> Any:
    from syne_tune import config_space

    if isinstance(domain, Int):
        return (config_space.lograndint if domain.log else config_space.randint)(domain.low, domain.high)
    if isinstance(domain, Float):
        return (config_space.loguniform if domain.log else config_space.uniform)(domain.low, domain.high)
    if isinstance(domain, Ordered):
        return config_space.ordinal(list(domain.options))
    assert isinstance(domain, Choice)
    return config_space.choice(list(domain.options))


def _scheduler(name: str, space: Mapping[str, Any], surrogate: Surrogate, seed: int) -> Any:
    from syne_tune.optimizer import baselines

    made: dict[str, Callable[..., Any]] = {
        "syne-tune-asha": baselines.ASHA,
        "syne-tune-bohb": baselines.BOHB,
        "syne-tune-cqr": baselines.ASHACQR,
    }
    common = {"config_space": dict(space), "do_minimize": False, "random_seed": seed}
    if name == "syne-tune-random":
        return baselines.RandomSearch(metrics=[_VALUE], **common)
    return made[name](metric=_VALUE, time_attr=_RUNG, max_t=surrogate.rungs, **common)
