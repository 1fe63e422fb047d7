"""Trials of super-resolution networks, from training to a score; ZSSR is evaluated without any."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite

import pytest
import torch

from raysearch.spec.trial import TrialConfig
from raysearch.train import tiles
from raysearch.train.evaluate import tiling_of
from raysearch.train.loop import fit
from raysearch.train.network import build_net
from raysearch.train.reporter import ListReporter
from raysearch.train.state import TrialIO

MakeTrial = Callable[..., TrialConfig]
MakeIO = Callable[..., TrialIO]

NETWORKS = [
    ({"kind": "edsr", "blocks": 1, "width": 4}, "rgb", 4),
    ({"kind": "oisr", "blocks": 1, "width": 4}, "rgb", 3),
    ({"kind": "srresnet", "blocks": 1, "width": 4}, "rgb", 2),
    ({"kind": "srresnet", "variant": "msrresnet", "blocks": 1, "width": 4}, "rgb", 2),
    ({"kind": "vdsr", "depth": 3, "width": 4}, "y", 3),
    ({"kind": "carn", "width": 8, "mobile_groups": 4, "upsamplers": "all"}, "rgb", 2),
    ({"kind": "falsr"}, "y", 2),
]
"""Model, colour and factor of the task."""


@pytest.mark.parametrize(("model", "color", "factor"), NETWORKS, ids=str)
def test_a_network_is_trained_and_scored(
    model: dict[str, object], color: str, factor: int, make_trial: MakeTrial, make_io: MakeIO
) -> None:
    task = {"kind": "super_resolution", "color": color, "factor": factor}
    evaluate = {"every": 2, "tile": 32, "protocol": {"space": "gray" if color == "y" else "rgb"}}
    trial = make_trial(task=task, model=model, patch={"size": 24, "stride": 24}, steps=2, batch=2, evaluate=evaluate)
    reporter = ListReporter()
    result = fit(trial, make_io(), reporter)
    assert result.status == "finished"
    assert [report.step for report in reporter.reports] == [2]
    assert isfinite(result.metrics["psnr"])


@pytest.mark.parametrize(("model", "color", "factor"), NETWORKS, ids=str)
def test_tiles_equal_the_whole_image(
    model: dict[str, object], color: str, factor: int, make_trial: MakeTrial, generator: torch.Generator
) -> None:
    task = {"kind": "super_resolution", "color": color, "factor": factor}
    trial = make_trial(task=task, model=model)
    assert trial.evaluate.tile == 32
    net = build_net(trial).double().eval()
    seen = torch.rand(1, trial.task.channels_in, 20, 70, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        whole = net(seen, None)
        parts = tiles.restore(net, seen, None, tiling_of(trial, trial.model.geometry()))
    torch.testing.assert_close(parts, whole)


def test_zssr_is_evaluated_and_never_trained(make_trial: MakeTrial, make_io: MakeIO) -> None:
    model = {"kind": "zssr", "width": 4, "depth": 2, "max_steps": 2}

    def score(name: str, seed: int) -> float:
        trial = make_trial(task={"kind": "super_resolution"}, model=model, seed=seed)
        reporter = ListReporter()
        result = fit(trial, make_io(name), reporter)
        assert [report.step for report in reporter.reports] == [0]
        assert result.facts["parameters"] == 0
        return result.metrics["psnr"]

    first = score("a", 0)
    assert score("b", 0) == first
    assert score("c", 1) != first
