"""Steps per second inside a trial against a bare loop with the same network on resident random data.

Paired: one trial trains in intervals of a few seconds; after each of them the bare loop takes as many steps in the same process,
so both meet the same load of the machine. Evaluation is not counted. The bare loop keeps torch's default memory format; with
``--layout channels_last`` it has the recipe's, which is faster and the harder comparison. Printed are the medians over pairs and
the median of the pairs' ratios, of which at least 0.95 is wanted. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch.nn import functional

from raysearch.spec.trial import TrialConfig
from raysearch.train.loop import fit
from raysearch.train.network import build_net
from raysearch.train.reporter import Report
from raysearch.train.state import TrialIO
from raysearch.train.world import SingleWorld

THIN = {"kind": "deepjdd", "width": 16, "depth": 7, "padding": "same"}
FULL = {"kind": "deepjdd", "padding": "same"}
CASES: dict[str, tuple[dict[str, object], int, int, int, object]] = {  # model, patch, batch, steps in an interval, sampler
    "thin": (THIN, 64, 16, 60, "uniform"),
    "thin, gradient": (THIN, 64, 16, 60, "gradient"),
    "thin, hard_negative": (THIN, 64, 16, 60, {"kind": "hard_negative", "cell": 16, "threshold_db": 100.0}),
    "thin, patchnet": (THIN, 64, 16, 60, {"kind": "patchnet", "cell": 16, "width": 8}),
    "full": (FULL, 64, 8, 8, "uniform"),
}


def trial_of(case: str, task: str, pairs: int, scale: int) -> TrialConfig:
    model, patch, batch, interval, sampler = CASES[case]
    return TrialConfig.parse(
        {
            "data": "photos",
            "patch": {"size": patch},
            "task": task,
            "model": model,
            "sampler": sampler,
            "recipe": {"kind": "supervised", "loss": "l2", "optimizer": {"kind": "adam", "lr": 1e-4}, "schedule": "cosine"},
            "steps": interval * scale * (pairs + 1),
            "batch": batch,
            "evaluate": {"every": interval * scale},
        }
    )


LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def bare_loop(trial: TrialConfig, device: torch.device, layout: torch.memory_format) -> Callable[[int], float]:
    """Return a function that takes so many steps and returns the steps per second."""
    net = build_net(trial).to(device)
    on_gpu = device.type == "cuda"
    net = net.to(memory_format=layout)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)
    shape = (trial.batch, 3, trial.patch.size, trial.patch.size)
    degraded = torch.rand(shape, device=device).contiguous(memory_format=layout)
    clean = torch.rand(shape, device=device)

    def run(steps: int) -> float:
        began = time.perf_counter()
        for _ in range(steps):
            with torch.autocast(device.type, torch.bfloat16, enabled=on_gpu):
                restored = net(degraded, None)
            loss = functional.mse_loss(restored.float(), clean)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        if on_gpu:
            torch.cuda.synchronize(device)
        return steps / (time.perf_counter() - began)

    return run


@dataclass
class Pairs:
    """A reporter that answers every interval of the trial with one of the bare loop."""

    bare: Callable[[int], float]
    batch: int
    interval: int
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    def report(self, report: Report) -> None:
        self.ours.append(report.metrics["patches_per_second"] / self.batch)
        self.theirs.append(self.bare(self.interval))


def measure(case: str, given: argparse.Namespace, cache: Path) -> str:
    trial, device = trial_of(case, given.task, given.pairs, given.scale), torch.device(given.device)
    found = Pairs(bare_loop(trial, device, LAYOUTS[given.layout]), trial.batch, trial.evaluate.every)
    with tempfile.TemporaryDirectory() as folder:
        fit(trial, TrialIO(Path(folder), cache, SingleWorld(), device, "validation", given.threads), found)
    ours, theirs = found.ours[1:], found.theirs[1:]  # the first pair warms up
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    return (
        f"{case:20} {given.task:24} {statistics.median(ours):8.2f} {statistics.median(theirs):8.2f} "
        f"{statistics.median(ratios):7.3f}   {ratios[0]:.3f} .. {ratios[-1]:.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"any of: {'; '.join(CASES)} (default: all)")
    parser.add_argument("--task", default="demosaic", choices=["demosaic", "joint_demosaic_denoise"])
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--scale", type=int, default=1, help="factor of the interval's length")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--layout", default="contiguous", choices=LAYOUTS, help="memory format of the bare loop")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cache", type=Path, default=None, help="folder of decoded photographs (default: a temporary one)")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(f"{'case':20} {'task':24} {'trial':>8} {'bare':>8} {'ratio':>7}   range of ratios   (steps per second)")
    with tempfile.TemporaryDirectory() as folder:
        for case in given.cases or CASES:
            print(measure(case, given, given.cache or Path(folder)), flush=True)


if __name__ == "__main__":
    main()
