"""What is kept of a sampler: maps of photographs at some moments, and scores of a sample of patches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from raysearch.data.augment import to_float
from raysearch.data.index import PatchIndex
from raysearch.data.scores import patch_scores
from raysearch.rng import torch_generator
from raysearch.spec.trial import TrialConfig
from raysearch.train import moments
from raysearch.train.files import MOMENTS_FILE, PATCHES_FILE, USAGE_CELL
from raysearch.train.loop import fit
from raysearch.train.moments import Glance, Moments, allowance, sample_of
from raysearch.train.network import load_network
from raysearch.train.reporter import ListReporter, Report, StopTrial

CPU = torch.device("cpu")


def index_of(trial: TrialConfig, cache: Path) -> PatchIndex:
    (gathered,) = trial.data.gather("train")
    step = trial.patch.step
    return PatchIndex.open(gathered, cache, channels=3, size=trial.patch.size, stride=step, multiple_of=2, scores=frozenset())


def by_hand(index: PatchIndex, photograph: int, rows: list[int], values: dict[int, np.ndarray], margin: int) -> np.ndarray:  # type: ignore[type-arg]
    """Average pixel by pixel over the patches that cover it, then over the covered pixels of a cell."""
    height, width = index.sizes[photograph]
    pixels: dict[tuple[int, int], list[float]] = {}
    for row in rows:
        _, (top,), (left,) = index.locate(torch.tensor([row]))
        for (y, x), value in np.ndenumerate(values[row]):
            pixels.setdefault((top + margin + y, left + margin + x), []).append(float(value))
    cells: dict[tuple[int, int], list[float]] = {}
    for (y, x), found in pixels.items():
        cells.setdefault((y // USAGE_CELL, x // USAGE_CELL), []).append(sum(found) / len(found))
    page = np.full((-(-height // USAGE_CELL), -(-width // USAGE_CELL)), np.nan)
    for place, found in cells.items():
        page[place] = sum(found) / len(found)
    return page


def test_maps_average_what_is_kept_of_patches_that_overlap(make_trial, cache: Path) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial(steps=400)
    index = index_of(trial, cache)
    seen: dict[int, np.ndarray] = {}  # type: ignore[type-arg]

    def look(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        random = np.random.default_rng(len(rows))
        kept = random.random((len(rows), 1, 32, 32), np.float32)
        seen.update(zip(rows.tolist(), kept[:, 0], strict=True))
        return torch.from_numpy(kept), torch.zeros(len(rows))

    record = Moments(trial, index)
    record.record(80, look)
    found = record.arrays()
    image, _, _ = index.locate(torch.arange(index.count))
    names = [name for name in found if name != "steps"]
    assert names
    assert set(names) <= {f"maps/{name}" for name in index.names}
    assert len(seen) <= allowance(trial) // moments.MOMENTS
    for name in names:
        photograph = index.names.index(name.removeprefix("maps/"))
        rows = [row for row in seen if image[row] == photograph]
        np.testing.assert_allclose(found[name][0], by_hand(index, photograph, rows, seen, 0), rtol=1e-5)


@pytest.mark.parametrize("name", ["uniform", "gradient", "hard_negative", "patchnet"])
def test_a_trial_leaves_maps_and_a_sample(make_trial, make_io, cache: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(moments, "SHARE", 1.0)
    samplers = {
        "gradient": {"kind": "gradient", "keep": 0.2},
        "hard_negative": {"kind": "hard_negative", "cell": 16, "threshold_db": {"start": 40, "end": 5}},
        "patchnet": {"kind": "patchnet", "cell": 16, "width": 8, "lr": 0.01},
    }
    trial, io = make_trial(sampler=samplers.get(name, name), steps=40, evaluate={"every": 4}), make_io()
    fit(trial, io, ListReporter())
    with np.load(io.folder / MOMENTS_FILE, allow_pickle=False) as found:
        assert found["steps"].tolist() == [8, 16, 24, 32, 40], "five of the ten reports"
        maps = [found[key] for key in found.files if key != "steps"]
        assert all(one.shape[0] == 5 and one.dtype == np.float32 for one in maps)
        values = np.concatenate([one[np.isfinite(one)] for one in maps])
        assert values.min() >= 0
        assert values.max() <= 1
        assert (set(values.tolist()) == {1.0}) == (name == "uniform")
        assert (name in ("uniform", "gradient")) == all(np.array_equal(one[0], one[4], equal_nan=True) for one in maps)
    with np.load(io.folder / PATCHES_FILE, allow_pickle=False) as sample:
        assert set(sample.files) == {"rows", "gradient", "std", "frequency", "kept", "loss"}
        assert {len(sample[key]) for key in sample.files} == {min(allowance(trial), index_of(trial, cache).count)}
        assert all(np.isfinite(sample[key]).all() for key in sample.files)


def test_the_sample_holds_scores_and_losses_of_its_patches(make_trial, make_io, cache: Path) -> None:  # type: ignore[no-untyped-def]
    trial, io = make_trial(sampler={"kind": "gradient", "keep": 0.3}), make_io()
    fit(trial, io, ListReporter())
    index = index_of(trial, cache)
    with np.load(io.folder / PATCHES_FILE, allow_pickle=False) as file:
        sample = {name: file[name] for name in file.files}
    rows = torch.from_numpy(sample["rows"])
    clean = index.read(rows)
    generator = torch_generator(0, "moments", device=CPU)
    _, net = load_network(io.folder)
    losses = []
    for part in torch.split(clean, trial.batch):
        pair = trial.task.degrade(to_float(part), generator)
        with torch.no_grad():
            for degraded, sigma, original in zip(pair.degraded, pair.sigma_255, pair.clean, strict=True):
                losses.append(float(((net(degraded[None], sigma[None]) - original) ** 2).mean()))
    np.testing.assert_allclose(sample["loss"], losses, rtol=1e-4)
    zero = np.zeros(1, np.int64)
    (gathered,) = trial.data.gather("train")
    scored = PatchIndex.open(
        gathered, cache, channels=3, size=32, stride=10, multiple_of=2, scores=frozenset({"gradient", "std", "frequency"})
    )
    for name in ("std", "gradient", "frequency"):
        np.testing.assert_allclose(sample[name], scored.scores(name)[sample["rows"]], rtol=1e-6)
        assert patch_scores(clean[0].numpy(), zero, zero, 32, name)[0, 0] == pytest.approx(sample[name][0])
    best = np.argsort(-scored.scores("gradient"), kind="stable")[: -(-3 * index.count // 10)]
    np.testing.assert_array_equal(sample["kept"], np.isin(sample["rows"], best).astype(np.float32))


def test_looking_changes_nothing(make_trial, make_io, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    model = {"kind": "dncnn", "depth": 3, "width": 8}  # with batch statistics
    trial = make_trial(sampler={"kind": "patchnet", "cell": 16, "width": 8}, model=model, task="gaussian_denoise")
    looked, blind = ListReporter(), ListReporter()
    fit(trial, make_io("looked"), looked)
    monkeypatch.setattr(Moments, "due", lambda self, step: False)
    fit(trial, make_io("blind"), blind)
    assert [r.metrics["psnr"] for r in looked.reports] == [r.metrics["psnr"] for r in blind.reports]
    assert [r.metrics["loss"] for r in looked.reports] == [r.metrics["loss"] for r in blind.reports]
    with np.load(make_io("blind").folder / MOMENTS_FILE, allow_pickle=False) as found:
        assert found.files == ["steps"]
        assert found["steps"].shape == (0,)


@pytest.mark.parametrize(("steps", "every", "expected"), [(12, 4, [4, 8, 12]), (100, 7, [21, 42, 63, 84, 100]), (5, 50, [5])])
def test_moments_are_reports_evenly_spread_and_the_last_one(
    make_trial, cache: Path, steps: int, every: int, expected: list[int]
) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial(steps=steps, evaluate={"every": every})
    record = Moments(trial, index_of(trial, cache))
    reports = [*range(every, steps, every), steps]
    assert [step for step in reports if record.due(step)] == expected


def test_a_stopped_trial_leaves_what_it_has(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    class Stopper(ListReporter):
        def report(self, report: Report) -> None:
            raise StopTrial

    io = make_io()
    fit(make_trial(), io, Stopper())
    with np.load(io.folder / MOMENTS_FILE, allow_pickle=False) as found:
        assert found["steps"].tolist() == [4]
    assert (io.folder / PATCHES_FILE).exists()


def test_patches_of_large_photographs_are_those_around_the_centre(make_trial, cache: Path) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial(steps=20)
    index = index_of(trial, cache)
    record = Moments(trial, index)
    record.record(4, lambda rows: (torch.ones(len(rows), 1, 32, 32), torch.zeros(len(rows))))
    ((name, maps),) = [(name, maps) for name, maps in record.arrays().items() if name != "steps"]
    assert name == "maps/p1", "the middle one"
    seen = np.isfinite(maps[0])
    assert seen[3:5, 4:7].all()
    assert not seen[:, 0].any()


def test_the_sampler_is_asked_about_the_patches_as_they_lie(make_trial, cache: Path) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial(model={"kind": "deepjdd", "width": 4, "depth": 2, "padding": "valid", "sigma_channel": True})
    index = index_of(trial, cache)
    margin = trial.model.geometry().margin
    assert margin > 0
    asked: list[torch.Tensor] = []

    class Recorder:
        def look(self, rows: torch.Tensor, restored: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
            asked.append(clean)
            return torch.ones_like(restored[:, :1])

    net = trial.model.build(trial.task.channels_in, 3, 1).train()
    sample = sample_of(index, trial, Glance(net, Recorder(), index, trial, CPU, 3))  # type: ignore[arg-type]
    assert net.training
    assert [len(part) for part in asked] == [3, 3, 2]
    expected = to_float(index.read(torch.from_numpy(sample["rows"])))[..., margin : 32 - margin, margin : 32 - margin]
    assert torch.equal(torch.cat(asked), expected)
