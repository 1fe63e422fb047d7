from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from pydantic import ValidationError
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor, nn

from raysearch.errors import Diverged, SpecError
from raysearch.metrics.base import metric
from raysearch.metrics.protocol import Protocol
from raysearch.train.evaluate import Unit, degraded_pair, evaluate, means, open_sets
from raysearch.train.files import IMAGES, is_images_schema
from raysearch.train.network import build_net
from raysearch.train.outcome import table_of
from raysearch.train.world import SingleWorld

CPU = torch.device("cpu")


class Constant(nn.Module):
    """Answers grey, or what it is told."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, degraded: Tensor, sigma_255: Tensor | None) -> Tensor:
        return torch.full_like(degraded, self.value)


def test_a_row_for_every_image_and_level(make_trial, cache: Path) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial()
    rows = evaluate(Constant(0.5), trial, open_sets(trial, "test", cache), SingleWorld(), CPU, None)
    assert [(r.dataset, r.image, r.level) for r in rows] == [
        (dataset, image, level)
        for dataset, images in (("far", ["p0"]), ("near", ["p0", "p1", "p2"]))
        for image in images
        for level in ("sigma 5", "sigma 15")
    ]
    assert {r.split for r in rows} == {"test"}
    assert {r.protocol for r in rows} == {trial.evaluate.protocol.label}
    assert table_of(rows).schema.equals(IMAGES)


def test_values_are_those_of_scikit_image_on_the_even_part(make_trial, cache: Path) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial()
    net = build_net(trial).eval()
    (images,) = open_sets(trial, "validation", cache)
    rows = evaluate(net, trial, [images], SingleWorld(), CPU, None)
    units = [Unit(images, n, label, task) for n in range(2) for label, task in trial.task.levels().items()]
    for unit, row in zip(units, rows, strict=True):
        pair = degraded_pair(unit)
        assert all(side % 2 == 0 for side in pair.clean.shape[-2:])
        with torch.no_grad():
            restored = net(pair.degraded, pair.sigma_255).clamp(0, 1).double()[0].permute(1, 2, 0).numpy()
        clean = pair.clean.double()[0].permute(1, 2, 0).numpy()
        assert row.psnr == pytest.approx(peak_signal_noise_ratio(clean, restored, data_range=1), abs=1e-4)
        expected = structural_similarity(
            clean, restored, data_range=1, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        assert row.ssim == pytest.approx(expected, abs=1e-4)


def test_all_trials_see_the_same_noise_and_levels_do_not(make_trial, cache: Path) -> None:  # type: ignore[no-untyped-def]
    first, second = make_trial(seed=1), make_trial(seed=2, batch=8)
    noise = {}
    for trial in (first, second):
        (images,) = open_sets(trial, "validation", cache)
        for label, task in trial.task.levels().items():
            noise[trial.seed, label] = degraded_pair(Unit(images, 0, label, task)).degraded
    assert torch.equal(noise[1, "sigma 5"], noise[2, "sigma 5"])
    assert not torch.allclose(noise[1, "sigma 5"], noise[1, "sigma 15"], atol=0.01)


def test_tiles_do_not_change_the_values(make_trial, cache: Path) -> None:  # type: ignore[no-untyped-def]
    values = []
    for tile in (32, 4096):
        trial = make_trial(evaluate={"every": 4, "tile": tile})
        rows = evaluate(build_net(trial), trial, open_sets(trial, "validation", cache), SingleWorld(), CPU, None)
        values.append([r.psnr for r in rows])
    assert values[0] == pytest.approx(values[1], abs=1e-4)


def test_valid_networks_are_scored_on_the_central_part(make_trial, cache: Path) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial(model={"kind": "deepjdd", "width": 4, "depth": 2, "padding": "valid"})
    rows = evaluate(build_net(trial), trial, open_sets(trial, "validation", cache), SingleWorld(), CPU, None)
    assert all(math.isfinite(r.psnr) for r in rows)


def test_the_mode_of_the_network_is_put_back(make_trial, cache: Path) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial()
    net = Constant(0.5).train()
    evaluate(net, trial, open_sets(trial, "validation", cache), SingleWorld(), CPU, None)
    assert net.training


def test_the_number_of_validation_images_is_limited(make_trial, cache: Path) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial(evaluate={"every": 4, "images": 1})
    assert [images.names for images in open_sets(trial, "validation", cache)] == [("p0",)]
    assert sum(len(images.names) for images in open_sets(trial, "test", cache)) == 4


def test_a_perfect_copy_is_a_row_and_no_mean(make_trial, cache: Path) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial(task={"kind": "gaussian_denoise", "sigma_255": 0.0}, model={"kind": "dncnn", "depth": 3, "width": 4})
    rows = evaluate(Identity(), trial, open_sets(trial, "validation", cache), SingleWorld(), CPU, None)
    assert {r.psnr for r in rows} == {math.inf}
    with pytest.raises(Diverged, match="without any error"):
        means(rows)


class Identity(nn.Module):
    def forward(self, degraded: Tensor, sigma_255: Tensor | None) -> Tensor:
        return degraded


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_pixels_that_are_not_finite_diverge(make_trial, cache: Path, value: float) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial()
    rows = evaluate(Constant(value), trial, open_sets(trial, "validation", cache), SingleWorld(), CPU, None)
    with pytest.raises(Diverged, match="not finite"):
        means(rows)


def test_a_metric_without_a_value_is_no_divergence(make_trial, cache: Path) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial()
    rows = evaluate(Constant(0.5), trial, open_sets(trial, "validation", cache), SingleWorld(), CPU, None)
    rows = tuple(replace(row, scores={"psnr": 30.0, "ssim": 0.9, "fsim": math.nan}) for row in rows)
    with pytest.raises(SpecError, match=f"fsim has no value on {rows[0].dataset}/{rows[0].image} at {rows[0].level}"):
        means(rows)


def test_means_weigh_all_rows_alike(make_trial, cache: Path) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial()
    rows = evaluate(Constant(0.5), trial, open_sets(trial, "validation", cache), SingleWorld(), CPU, None)
    rows = tuple(replace(row, scores={"psnr": float(n), "ssim": n / 10, "gmsd": n / 20}) for n, row in enumerate(rows))
    assert means(rows) == {"psnr": 1.5, "ssim": pytest.approx(0.15), "gmsd": pytest.approx(0.075)}


def test_other_metrics_and_a_named_protocol(make_trial, cache: Path) -> None:  # type: ignore[no-untyped-def]
    evaluation = {"every": 4, "metrics": ["gmsd", "psnr", "fsimc"], "protocol": "ntire17"}
    trial = make_trial(
        evaluate=evaluation, task={"kind": "gaussian_denoise", "sigma_255": 15.0}, model={"kind": "dncnn", "depth": 3}
    )
    assert trial.evaluate.metrics == ("psnr", "ssim", "gmsd", "fsimc")
    (images,) = open_sets(trial, "validation", cache)
    rows = evaluate(Identity(), trial, [images], SingleWorld(), CPU, None)
    pair = degraded_pair(Unit(images, 0, *next(iter(trial.task.levels().items()))))
    protocol = Protocol(crop=7, quantize=True)
    expected = {name: float(metric(name).measure(pair.degraded, pair.clean, protocol)) for name in trial.evaluate.metrics}
    assert rows[0].scores == pytest.approx(expected, abs=1e-9)
    assert {row.protocol for row in rows} == {"ntire17: RGB, crop 7, 8 bit"}
    assert list(means(rows)) == ["psnr", "ssim", "gmsd", "fsimc"]
    table = table_of(rows)
    assert table.column_names == [*IMAGES.names, "gmsd", "fsimc"]
    assert is_images_schema(table.schema)
    assert table["fsimc"].to_pylist() == [row.scores["fsimc"] for row in rows]


@pytest.mark.parametrize(
    ("given", "message"),
    [(["psnrr"], "did you mean 'psnr'"), (["fsim", "fsim"], "fsim is listed twice"), (["a.b"], "outside raysearch")],
)
def test_unknown_metrics_are_refused(make_trial, given: list[str], message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValidationError, match=message):
        make_trial(evaluate={"every": 4, "metrics": given})


@pytest.mark.parametrize("names", [["trial"], ["gmsd", "gmsd"], ["image"], [f"m{n}" for n in range(65)]])
def test_columns_that_no_trial_writes_are_told(names: list[str]) -> None:
    assert not is_images_schema(pa.schema([*IMAGES, *(pa.field(name, pa.float64()) for name in names)]))
    assert not is_images_schema(pa.schema([*IMAGES, pa.field("gmsd", pa.string())]))
