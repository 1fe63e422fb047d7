"""What raysearch costs on top of bare Ray Tune: 20 trials of an empty training function, in pairs.

::

    python tests/benchmarks/bench_overhead.py --pairs 3

Both sides connect to the same local Ray, run the same empty function (one report a trial) in reused actors, one trial at a time,
with TPE over the same two values, and disconnect. ``bare`` is `tune.Tuner` with `OptunaSearch`; ``raysearch`` adds the journal
(three records a trial, each on the disk), the trials' folders, TensorBoard files and Ray metrics.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SEARCH = HERE.parent / "search"
sys.path.insert(0, str(SEARCH))
os.environ["PYTHONPATH"] = str(SEARCH)
os.environ.update(RAY_AUTH_MODE="disabled", RAY_USAGE_STATS_ENABLED="0", RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0")

import optuna  # noqa: E402
import ray  # noqa: E402
from ray import tune  # noqa: E402
from ray.cluster_utils import Cluster  # noqa: E402
from ray.tune.search.optuna import OptunaSearch  # noqa: E402
from small_study import TRIAL, study  # noqa: E402

from raysearch.results.folder import RunFolder  # noqa: E402
from raysearch.results.run import open_run  # noqa: E402
from raysearch.search.driver import run_study  # noqa: E402
from raysearch.search.options import DriverOptions  # noqa: E402

STEPS = TRIAL["steps"]


def empty(config: dict[str, Any]) -> None:
    """The empty training function, as a Tune function; it loads what the other side's loads."""
    import fake_fit  # noqa: F401

    tune.report({"psnr": 20 + 1000 * config["lr"], "step": STEPS})


def bare(address: str, trials: int, folder: Path) -> float:
    """Seconds for the trials through `tune.Tuner`."""
    began = time.perf_counter()
    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    space = {"lr": tune.loguniform(1e-4, 1e-2), "depth": tune.randint(3, 9)}
    searcher = OptunaSearch(metric="psnr", mode="max", sampler=optuna.samplers.TPESampler(multivariate=True, seed=0))
    tuner = tune.Tuner(
        tune.with_resources(empty, {"cpu": 1}),
        param_space=space,
        tune_config=tune.TuneConfig(
            search_alg=searcher, metric="psnr", mode="max", num_samples=trials, max_concurrent_trials=1, reuse_actors=True
        ),
        run_config=tune.RunConfig(verbose=0, storage_path=str(folder), name="bare"),
    )
    assert tuner.fit().num_errors == 0
    ray.shutdown()
    return time.perf_counter() - began


def through_raysearch(address: str, trials: int, folder: Path) -> float:
    """Seconds for the trials through `run_study`."""
    trial = {**TRIAL, "model": {"kind": "dncnn", "depth": {"int": [3, 8]}}}
    spec = study(budget={"trials": trials}, searcher="tpe", trial=trial, resources={"concurrent": 1})
    run = RunFolder.create(folder, "bench")
    run.write_study("", spec.to_data())
    began = time.perf_counter()
    run_study(spec, run, DriverOptions(cache=folder / "cache", address=address, fit="fake_fit:empty"))
    seconds = time.perf_counter() - began
    assert [trial.status for trial in open_run(run.path).trials] == ["finished"] * trials
    return seconds


def main() -> None:
    """Run pairs and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--trials", type=int, default=20)
    arguments = parser.parse_args()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False, "dashboard_port": 0})
    ratios = []
    try:
        for pair in range(arguments.pairs):
            with tempfile.TemporaryDirectory() as folder:
                sides = {"bare": bare, "raysearch": through_raysearch}
                order = list(sides) if pair % 2 else list(sides)[::-1]
                seconds = {name: sides[name](cluster.address, arguments.trials, Path(folder)) for name in order}
            ratios.append(seconds["raysearch"] / seconds["bare"])
            print(f"pair {pair}: bare {seconds['bare']:.2f} s, raysearch {seconds['raysearch']:.2f} s, ratio {ratios[-1]:.2f}")
    finally:
        cluster.shutdown()
    print(f"{arguments.trials} trials, median ratio {statistics.median(ratios):.2f} of {arguments.pairs} pairs (bar: 1.5)")


if __name__ == "__main__":
    main()
