"""Measured networks: what is counted is right, and each is found by the name that a user gives it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from raysearch.errors import PreflightError, SpecError
from raysearch.models._count import macs
from raysearch.train.candidate import candidate
from raysearch.train.speed import Setting, measure, measure_apart
from raysearch.train.state import TrialIO

SMALL = "{kind: dncnn, depth: 3, width: 4}"


def setting(task: str = "gaussian_denoise", height: int = 32, width: int = 48, batch: int = 1) -> Setting:
    return Setting(task, height, width, batch, "cpu", "float32", threads=1, warmup=1, repeats=5)


def test_a_row_is_what_it_says() -> None:
    found = measure(candidate(SMALL, "gaussian_denoise"), setting(batch=2))
    net = candidate(SMALL, "gaussian_denoise").net
    assert (found.network, found.height, found.width) == (SMALL, 32, 48)
    assert found.macs == macs(net, 3, (32, 48), sigma=True) == 32 * 48 * 9 * (3 * 4 + 4 * 4 + 4 * 3)
    assert found.parameters == sum(p.numel() for p in net.parameters())
    assert 0 < found.seconds_low <= found.seconds <= found.seconds_high
    assert found.images_per_second == pytest.approx(2 / found.seconds)


def test_the_size_is_the_next_one_that_the_network_takes() -> None:
    found = measure(candidate("{kind: deepjdd, padding: same, depth: 2, width: 4}", "demosaic"), setting("demosaic", 63, 80))
    assert (found.height, found.width) == (64, 80)
    larger = measure(candidate("bicubic", "{kind: super_resolution, factor: 3}"), setting("", 21, 20))
    assert (larger.height, larger.width, larger.parameters, larger.macs) == (21, 20, 0, 0)


def test_the_memory_of_an_image_is_seen() -> None:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("Linux alone tells the peak")
    wide = "{kind: dncnn, depth: 3, width: 64}"  # each in a process whose heap holds nothing from before
    found = [measure_apart(wide, setting(height=side, width=side)).peak_bytes or 0 for side in (64, 384)]
    activations = 64 * 384 * 384 * 4
    assert activations < found[1] - found[0] < 5 * activations


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        ("dncn", "gaussian_denoise", "write 'dncnn'"),
        ("{kind: dncnn, dept: 3}", "gaussian_denoise", "model.dept = 3: unknown key\n(?s:.*)write 'depth'"),
        ("dncnn", "gausian_denoise", "write 'gaussian_denoise'"),
        ("dncnn", "{kind: super_resolution, factor: 2}", "the task has 3 to 3 channels at scale 2"),
        ("nowhere.yaml", "demosaic", "can't be read"),
    ],
)
def test_what_is_no_network_is_told(name: str, task: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        candidate(name, task)


def test_configurations_and_checkpoints(make_trial, make_io, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from raysearch.train.loop import fit
    from raysearch.train.reporter import ListReporter

    trial = make_trial(steps=2, evaluate={"every": 2})
    io: TrialIO = make_io()
    fit(trial, io, ListReporter())
    written = tmp_path / "best.json"
    written.write_text(json.dumps(trial.model_dump(mode="json")))
    fresh, trained = candidate(str(written), ""), candidate(str(io.folder), "")
    assert (fresh.trained, trained.trained) == (False, True)
    assert fresh.task == trained.task == trial.task
    assert fresh.model == trained.model == trial.model
    same = [torch.equal(a, b) for a, b in zip(fresh.net.parameters(), trained.net.parameters(), strict=True)]
    assert not all(same)
    with pytest.raises(PreflightError, match="holds no checkpoint"):
        candidate(str(tmp_path), "")
    with pytest.raises(PreflightError, match="there is no checkpoint"):
        candidate(str(tmp_path / "gone.pt"), "")


def test_a_process_of_its_own() -> None:
    assert measure_apart(SMALL, setting()).macs == measure(candidate(SMALL, "gaussian_denoise"), setting()).macs


def test_a_network_that_trains_in_each_call_gets_one() -> None:
    calls = []
    network = candidate("{kind: zssr, width: 2, depth: 2, max_steps: 2, crop: 16}", "{kind: super_resolution, factor: 2}")
    network.net.register_forward_hook(lambda net, inputs, output: None if output.is_meta else calls.append(1))
    found = measure(network, setting("", 16, 16))
    assert found.passes == len(calls) == 1
    assert found.peak_bytes is None or found.peak_bytes > 0
