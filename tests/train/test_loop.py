from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest
import torch

from raysearch.errors import DataError, Diverged, SpecError
from raysearch.train import checkpoint
from raysearch.train.checkpoint import CheckpointWarning
from raysearch.train.files import (
    CHECKPOINTS,
    IMAGES,
    IMAGES_FILE,
    MOMENTS_FILE,
    PATCHES_FILE,
    SAMPLES,
    USAGE_FILE,
    folder_name,
    name_of,
)
from raysearch.train.loop import fit
from raysearch.train.reporter import ListReporter, Report, StopTrial

SAMPLERS = {
    "uniform": "uniform",
    "gradient": {"kind": "gradient"},
    "hard_negative": {"kind": "hard_negative", "cell": 8, "warmup_steps": 3, "threshold_db": {"start": 30.0, "end": 20.0}},
    "patchnet": {"kind": "patchnet", "cell": 16, "width": 4},
}
TIMES = {"patches_per_second", "train_seconds"}


class Stopper(ListReporter):
    """Stops the trial at a step, in an orderly way."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def report(self, report: Report) -> None:
        super().report(report)
        if report.step >= self.at:
            raise StopTrial


class Crash(Exception):
    pass


class Crasher(Stopper):
    """Is killed while it reports."""

    def report(self, report: Report) -> None:
        try:
            super().report(report)
        except StopTrial:
            raise Crash from None


def content(folder: Path, step: int) -> dict[str, object]:
    return checkpoint.parse(checkpoint.read(checkpoint.path_of(folder / CHECKPOINTS, step)))


def assert_same(one: object, other: object, path: str = "") -> None:
    """Equal to the bit, times apart."""
    assert type(one) is type(other), path
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), path  # type: ignore[arg-type]
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), path  # type: ignore[attr-defined]
        for key in one.keys() - TIMES:
            assert_same(one[key], other[key], f"{path}.{key}")  # type: ignore[index]
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), path  # type: ignore[arg-type]
        for number, pair in enumerate(zip(one, other, strict=True)):  # type: ignore[call-overload]
            assert_same(*pair, f"{path}.{number}")
    else:
        assert one == other, path


def untimed(reports: list[Report]) -> list[tuple[int, dict[str, float]]]:
    return [(r.step, {name: value for name, value in r.metrics.items() if name not in TIMES}) for r in reports]


def test_a_trial_reports_and_leaves_its_files(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    trial, io, reporter = make_trial(), make_io(), ListReporter()
    result = fit(trial, io, reporter)
    assert (result.status, result.step) == ("finished", 12)
    assert [r.step for r in reporter.reports] == [4, 8, 12]
    expected = {"psnr", "ssim", "loss", "loss/l2", "lr", "patches_per_second", "train_seconds", "pixels_seen"}
    assert set(reporter.reports[-1].metrics) == expected
    assert reporter.reports[-1].metrics == result.metrics
    assert reporter.reports[-1].metrics["pixels_seen"] == 12 * 4 * 32 * 32
    assert result.facts["parameters"] == sum(p.numel() for p in trial.model.build(3, 3, 1).parameters())
    assert result.facts["macs_size"] == 128
    assert result.facts["latency_ms"] > 0
    assert (result.facts["device"], result.facts["workers"], result.facts["threads"]) == ("cpu", 1, 1)
    assert json.loads(json.dumps(result.facts)) == result.facts
    places = [[(side - 32) // trial.patch.step + 1 for side in shape] for shape in ((72, 88), (64, 90), (80, 80))]
    assert result.facts["patches"] == sum(down * across for down, across in places)
    assert sorted(p.name for p in io.folder.iterdir()) == [CHECKPOINTS, IMAGES_FILE, MOMENTS_FILE, PATCHES_FILE, USAGE_FILE]
    table = parquet.read_table(io.folder / IMAGES_FILE)
    assert table.schema.equals(IMAGES)
    assert table.num_rows == 4
    assert np.mean(table["psnr"].to_numpy()) == pytest.approx(result.metrics["psnr"])


def test_training_lowers_the_loss(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    model, reporter = {"kind": "deepjdd", "width": 4, "depth": 2, "padding": "same"}, ListReporter()
    trial = make_trial(model=model, task="demosaic", steps=60, evaluate={"every": 30})
    fit(trial, make_io(), reporter)
    first, last = (report.metrics for report in reporter.reports)
    assert last["loss"] < 0.8 * first["loss"]
    assert last["psnr"] > first["psnr"]


def test_the_terms_of_a_loss_are_reported_and_add_up(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    parts = [{"loss": "l1"}, {"loss": {"kind": "tv", "power": 2}, "weight": 0.1}]
    loss = {"kind": "switch", "first": {"kind": "sum", "parts": parts}, "then": "l2", "at": 0.5}
    recipe = {"kind": "supervised", "loss": loss, "optimizer": "adam", "schedule": "constant"}
    reporter = ListReporter()
    fit(make_trial(recipe=recipe, sampler=SAMPLERS["patchnet"]), make_io(), reporter)
    found = [{name: value for name, value in r.metrics.items() if name.startswith("loss/")} for r in reporter.reports]
    assert [set(terms) for terms in found] == [{"loss/l1", "loss/tv"}, {"loss/l1", "loss/tv", "loss/l2"}, {"loss/l2"}]
    for report, terms in zip(reporter.reports, found, strict=True):
        assert sum(terms.values()) == pytest.approx(report.metrics["loss"], rel=1e-5)


def test_a_loss_that_reads_what_is_not_given_is_refused(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    recipe = {"kind": "supervised", "loss": {"kind": "tv", "of": "sigma"}, "optimizer": "adam", "schedule": "constant"}
    with pytest.raises(SpecError, match="the loss reads sigma, which neither the network nor the task gives"):
        fit(make_trial(recipe=recipe), make_io(), ListReporter())


def test_the_last_steps_are_evaluated_when_the_interval_does_not_divide_them(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    reporter = ListReporter()
    fit(make_trial(steps=6), make_io(), reporter)
    assert [r.step for r in reporter.reports] == [4, 6]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("killed_at", [4, 8, 12])
def test_a_resumed_trial_ends_bit_equal(make_trial, make_io, sampler: str, killed_at: int) -> None:  # type: ignore[no-untyped-def]
    recipe = {
        "kind": "supervised",
        "loss": "l2",
        "optimizer": {"kind": "adam", "lr": 1e-3},
        "schedule": "cosine",
        "ema": 0.9,
        "clip_norm": 1.0,
    }
    trial = make_trial(sampler=SAMPLERS[sampler], recipe=recipe)
    through, first, second = ListReporter(), Crasher(killed_at), ListReporter()
    whole = fit(trial, make_io("whole"), through)
    with pytest.raises(Crash):
        fit(trial, make_io("killed"), first)
    resumed = fit(trial, make_io("killed"), second)
    assert_same(content(make_io("killed").folder, 12), content(make_io("whole").folder, 12))
    assert untimed(first.reports[:-1] + second.reports) == untimed(through.reports)
    assert resumed.metrics["psnr"] == whole.metrics["psnr"]
    assert resumed.metrics["train_seconds"] > 0
    for file in (USAGE_FILE, MOMENTS_FILE, PATCHES_FILE):
        killed, uninterrupted = (np.load(make_io(name).folder / file, allow_pickle=False) for name in ("killed", "whole"))
        assert killed.files == uninterrupted.files
        for name in uninterrupted.files:
            np.testing.assert_array_equal(killed[name], uninterrupted[name])


def test_a_trial_is_repeatable_and_its_seed_matters(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    values = [
        fit(make_trial(seed=seed), make_io(name), ListReporter()).metrics["psnr"] for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert values[0] == values[1] != values[2]


def test_global_generators_are_left_alone(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    fit(make_trial(), make_io(), ListReporter())
    assert torch.equal(torch.random.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])


def test_the_checkpoint_stands_before_its_report(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    io = make_io()

    class Looks(ListReporter):
        def report(self, report: Report) -> None:
            super().report(report)
            assert content(io.folder, report.step)["reported"] == report.metrics

    reporter = Looks()
    fit(make_trial(), io, reporter)
    assert len(reporter.reports) == 3


def test_a_garbled_newest_checkpoint_costs_one_interval(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    io, trial = make_io(), make_trial()
    fit(trial, io, Stopper(8))
    path = checkpoint.path_of(io.folder / CHECKPOINTS, 8)
    path.write_bytes(path.read_bytes()[:-200])
    reporter = ListReporter()
    with pytest.warns(CheckpointWarning, match="step_00000008"):
        fit(trial, io, reporter)
    assert [r.step for r in reporter.reports] == [4, 8, 12]


def test_a_checkpoint_of_another_configuration_is_not_used(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    fit(make_trial(), make_io(), Stopper(4))
    reporter = ListReporter()
    with pytest.warns(CheckpointWarning, match="another configuration"):
        fit(make_trial(seed=5), make_io(), reporter)
    assert [r.step for r in reporter.reports] == [4, 8, 12]


def test_photographs_that_changed_are_refused(make_trial, make_io, corpus: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    shutil.copytree(corpus, tmp_path / "corpus")
    data = {"kind": "folder", "train": [str(tmp_path / "corpus" / "train")], "validation": [str(corpus / "validation")]}
    trial = make_trial(data=data)
    fit(trial, make_io(), Stopper(4))
    shutil.copy(corpus / "near" / "p0.png", tmp_path / "corpus" / "train" / "p3.png")
    with pytest.raises(DataError, match="have changed"):
        fit(trial, make_io(), ListReporter())


def test_a_stopped_trial(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    io = make_io(split="test")
    result = fit(make_trial(), io, Stopper(8))
    assert (result.status, result.step) == ("stopped", 8)
    assert set(parquet.read_table(io.folder / IMAGES_FILE)["split"].to_pylist()) == {"validation"}
    assert (io.folder / USAGE_FILE).exists()


def test_a_confirmation_ends_on_the_test_sets(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    io, reporter = make_io(split="test"), ListReporter()
    result = fit(make_trial(), io, reporter)
    table = parquet.read_table(io.folder / IMAGES_FILE)
    assert set(table["split"].to_pylist()) == {"test"}
    assert set(result.metrics) == {"psnr", "ssim"}
    assert result.metrics["psnr"] == pytest.approx(np.mean(table["psnr"].to_numpy()))
    assert result.metrics["psnr"] != reporter.reports[-1].metrics["psnr"]
    kept = {tuple(map(name_of, p.relative_to(io.folder / SAMPLES).parts)) for p in (io.folder / SAMPLES).rglob("*.png")}
    assert kept == {
        (dataset, level, image, f"{picture}.png")
        for dataset, image in (("far", "p0"), ("near", "p0"), ("near", "p2"))
        for level in ("sigma 5", "sigma 15")
        for picture in ("input", "clean", "restored")
    }


def test_methods_without_parameters_are_evaluated_once(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    io, reporter = make_io(split="test"), ListReporter()
    result = fit(make_trial(model="bilinear"), io, reporter)
    assert [r.step for r in reporter.reports] == [0]
    assert (result.status, result.step, result.facts["parameters"]) == ("finished", 0, 0)
    assert not (io.folder / CHECKPOINTS).exists()
    assert parquet.read_table(io.folder / IMAGES_FILE).num_rows == 8


def test_a_learning_rate_far_too_high_diverges(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    recipe = {"kind": "supervised", "loss": "l2", "optimizer": {"kind": "sgd", "lr": 10.0}, "schedule": "constant"}
    with pytest.raises(Diverged):
        fit(make_trial(recipe=recipe, steps=200, evaluate={"every": 100}), make_io(), ListReporter())


def test_sampler_statistics_are_reported(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    reporter = ListReporter()
    fit(make_trial(sampler=SAMPLERS["patchnet"]), make_io(), reporter)
    assert {"sampler/mean_t", "sampler/spearman"} <= set(reporter.reports[-1].metrics)


def test_patches_too_small_for_the_sampler_are_refused(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SpecError, match="needs 128 pixels"):
        fit(make_trial(sampler={"kind": "patchnet", "cell": 64}), make_io(), ListReporter())


def test_threads_are_those_of_the_io(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        fit(make_trial(steps=1), make_io(), ListReporter())
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("name", ["sigma 15", "indoor/0012", "..", ".hidden", "a%2Fb", "ä b:c*"])
def test_folder_names_are_safe_and_reversible(name: str) -> None:
    folder = folder_name(name)
    assert name_of(folder) == name
    assert "/" not in folder
    assert not folder.startswith(".")
