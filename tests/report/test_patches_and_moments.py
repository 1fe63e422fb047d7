"""What strategies keep: maps at moments of a training, and histograms of patch scores, from the files that trials leave."""

from __future__ import annotations

import base64
import io
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import plausible_study
import pytest
from PIL import Image

from raysearch.report.document import Block, Figure, Gallery, Missing
from raysearch.report.groups import groups
from raysearch.report.sections import moments, patches, usage
from raysearch.report.sections.training import by_strategy
from raysearch.report.view import View, view
from raysearch.results.record import RunRecord
from raysearch.train.files import MOMENTS_FILE, PATCHES_FILE


@pytest.fixture(scope="module")
def shown(run: RunRecord, folder: Path) -> View:
    return view(run, folder, "r1")


@pytest.fixture
def copied(run: RunRecord, folder: Path, tmp_path: Path) -> View:
    shutil.copytree(folder, tmp_path / "run")
    return view(run, tmp_path / "run", "r1")


def texts(found: list[Block]) -> str:
    return " ".join(block.text for block in found if isinstance(block, Missing))


def pixels(uri: str) -> np.ndarray:  # type: ignore[type-arg]
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as image:
        return np.asarray(image.convert("RGB"), dtype=float) / 255


def test_strategies_of_one_kind_are_told_apart_by_their_settings(run: RunRecord) -> None:
    objectives = {"adversarial": "baseline", "regress": "top1", "literal_min": "top2"}
    confirmed = [trial for trial in run.trials if trial.phase == "confirm"]
    trials = [
        replace(
            confirmed[i], number=i, role=role, config={**confirmed[i].config, "sampler": {"kind": "patchnet", "objective": name}}
        )
        for i, (name, role) in enumerate(objectives.items())
    ]
    again = replace(trials[0], number=3, seed=77)
    found = groups(view(replace(run, trials=(*trials, again)), Path("nowhere"), "r1"))
    assert [group.name for group in found] == [f"PatchNet (objective {name})" for name in objectives]
    assert [[trial.number for trial in group.trials] for group in found] == [[0, 3], [1], [2]]
    chosen = by_strategy(view(replace(run, trials=(*trials, again)), Path("nowhere"), "r1"))
    assert [(name, [trial.number for trial in some]) for name, some in chosen] == [
        (group.name, [trial.number for trial in group.trials]) for group in found
    ]


def test_a_strategy_is_its_confirmation_or_else_its_search(run: RunRecord) -> None:
    found = groups(view(run, Path("nowhere"), "r1"))
    assert [group.name for group in found] == ["uniform sampling", "gradient mining", "hard-negative mining", "PatchNet"]
    for group in found:
        done = [t for t in run.trials if t.status == "finished" and t.values["sampler"] == group.kind]
        confirmed = [t for t in done if t.phase == "confirm"]
        assert list(group.trials) == (confirmed or done)


def test_moments_show_what_is_kept_over_the_training(shown: View) -> None:
    (gallery,) = moments.blocks(shown)
    assert isinstance(gallery, Gallery)
    titles = [strip.title for strip in gallery.strips]
    names = ("motorcycle_left", "retina")
    assert titles == [
        title for name in names for title in (f"{name}, at every moment", f"{name}: hard-negative mining", f"{name}: PatchNet")
    ]
    assert [picture.label.partition(":")[0] for picture in gallery.strips[0].pictures] == ["photograph", "gradient mining"]
    for strip in gallery.strips[1:3]:
        assert [picture.label.partition(":")[0] for picture in strip.pictures] == [f"step {step}" for step in (200, 400, 600, 800)]
    assert "Not shown, since nothing is passed over: uniform sampling." in gallery.caption
    assert gallery.bytes < 500_000


def test_a_map_has_the_colours_of_its_values_and_its_mean_below_it(run: RunRecord, tmp_path: Path) -> None:
    trial = next(t for t in run.trials if t.phase == "confirm")
    home = tmp_path / "trials" / f"{trial.number:04d}"
    home.mkdir(parents=True)
    first, second = np.zeros((4, 6)), np.ones((4, 6))
    first[0], second[:, 0] = np.nan, 0
    np.savez(home / MOMENTS_FILE, steps=np.array([10, 20]), **{"maps/a": np.stack([first, second]).astype(np.float32)})
    (gallery, missing) = moments.blocks(view(replace(run, trials=(trial,)), tmp_path, "r1")), None
    assert missing is None
    (strip,) = gallery[0].strips  # type: ignore[union-attr]
    early, late = (pixels(picture.uri) for picture in strip.pictures)
    dark, bright = np.array([68, 1, 84]) / 255, np.array([253, 231, 37]) / 255  # the ends of viridis
    np.testing.assert_allclose(early[0], 0.5, atol=0.01)
    np.testing.assert_allclose(early[1:], np.broadcast_to(dark, (3, 6, 3)), atol=0.02)
    np.testing.assert_allclose(late[:, 1:], np.broadcast_to(bright, (4, 5, 3)), atol=0.02)
    assert [picture.label for picture in strip.pictures] == ["step 10: 0%", "step 20: 83%"]


def _spoil_moments(path: Path, how: str) -> None:
    with np.load(path) as archive:
        arrays = dict(archive)
    if how == "gone":
        path.unlink()
        return
    if how == "torn":
        path.write_bytes(path.read_bytes()[:100])
        return
    changes = {
        "no steps": {"steps": np.zeros(0)},
        "other length": {"steps": np.arange(3)},
        "all unknown": {name: np.full_like(values, np.nan) for name, values in arrays.items() if name != "steps"},
        "flat": {name: values[0] for name, values in arrays.items() if name != "steps"},
        "pickled": {"maps/motorcycle_left": np.array([{"a": 1}], dtype=object)},
    }
    np.savez(path, **(arrays | changes[how]))


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("gone", "moments.npz is missing"),
        ("torn", "moments.npz can't be read"),
        ("pickled", "moments.npz can't be read"),
        ("no steps", "moments.npz holds no moments"),
        ("other length", "moments.npz holds no maps"),
        ("all unknown", "moments.npz holds no maps"),
        ("flat", "moments.npz holds no maps"),
    ],
)
def test_damaged_moments_are_told_and_the_others_shown(copied: View, how: str, words: str) -> None:
    for trial in copied.record.trials:
        path = copied.trial_folder(trial.number) / MOMENTS_FILE
        if trial.values["sampler"] == "patchnet" and path.exists():
            _spoil_moments(path, how)
    found = moments.blocks(copied)
    assert f"PatchNet ({words})" in texts(found)
    gallery = next(block for block in found if isinstance(block, Gallery))
    assert not any("PatchNet" in strip.title for strip in gallery.strips)
    for trial in copied.record.trials:
        (copied.trial_folder(trial.number) / MOMENTS_FILE).unlink(missing_ok=True)
    assert texts(moments.blocks(copied)) == "No training recorded what its strategy kept at several moments."


def test_other_photographs_and_nothing_but_uniform_sampling_are_told(copied: View) -> None:
    for trial in copied.record.trials:
        path = copied.trial_folder(trial.number) / MOMENTS_FILE
        if trial.values["sampler"] == "patchnet" and path.exists():
            with np.load(path) as archive:
                np.savez(path, steps=archive["steps"], **{"maps/other": archive["maps/retina"]})
    assert "looked at different photographs" in texts(moments.blocks(copied))
    uniform = tuple(trial for trial in copied.record.trials if trial.values["sampler"] == "uniform")
    alone = moments.blocks(replace(copied, record=replace(copied.record, trials=uniform)))
    assert texts(alone) == "Nothing was passed over at any moment by uniform sampling."


@pytest.mark.recomputes("patch-scores-data", "patch-losses-data")
def test_histograms_count_all_patches_and_what_is_kept(shown: View) -> None:
    static, losses = patches.blocks(shown)
    assert isinstance(static, Figure)
    assert isinstance(losses, Figure)
    best = next(group for group in groups(shown) if group.kind == "gradient").trials[0]
    with np.load(shown.trial_folder(best.number) / PATCHES_FILE) as archive:
        gradient, kept = archive["gradient"].astype(float), archive["kept"].astype(float)
    edges = np.geomspace(gradient.min(), gradient.max(), patches.BINS + 1)
    rows = [row for row in static.data.rows if row[0].text == "mean squared gradient"]
    titles = [column.title for column in static.data.columns]
    for label, weights in (("all patches", np.ones(200)), ("gradient mining", kept)):
        expected = [
            100 / 200 * sum(w for g, w in zip(gradient, weights, strict=True) if low <= g < high or (i == 19 and g >= high))
            for i, (low, high) in enumerate(pairwise(edges))
        ]
        found = [row[titles.index(label)].sort for row in rows]
        np.testing.assert_allclose(found, expected, atol=0.51, rtol=0)  # one patch may lie on an edge, rounded
        np.testing.assert_allclose(sum(found), 100 * weights.mean(), rtol=1e-9)  # type: ignore[arg-type]
    assert titles[:4] == ["Score", "From", "To", "all patches"]
    assert "PatchNet" in titles
    assert "uniform sampling" not in titles
    assert "Uniform sampling passes over nothing." in static.caption
    assert len(static.panels) == 3
    trials = next(group for group in groups(shown) if group.kind == "patchnet").trials
    parts = []
    for trial in trials:
        with np.load(shown.trial_folder(trial.number) / PATCHES_FILE) as archive:
            loss = sorted(archive["loss"].tolist(), reverse=True)
            parts.append(sum(loss[:20]) / sum(loss))
    assert f"PatchNet {np.mean(parts):.0%}" in losses.caption


def test_scores_of_zero_and_equal_scores_have_a_bar() -> None:
    for values in (np.zeros(5), np.full(5, 0.3), np.array([0.0, 0.2, 0.2, 0.4, 0.0])):
        edges = patches.edges_of(values)
        assert (np.diff(edges) > 0).all()
        assert patches.shares_of(values, np.ones(5), edges).sum() == pytest.approx(100)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kept": np.ones(3)}, "patches.npz holds something else"),
        ({"std": np.full(200, np.nan)}, "patches.npz holds something else"),
        ({"rows": np.arange(200)}, "its sample holds other patches"),
        ({"gradient": np.array([{}] * 200, dtype=object)}, "patches.npz can't be read"),
    ],
)
def test_damaged_samples_are_told_and_the_others_drawn(copied: View, changes: dict[str, np.ndarray], words: str) -> None:  # type: ignore[type-arg]
    for trial in copied.record.trials:
        path = copied.trial_folder(trial.number) / PATCHES_FILE
        if trial.values["sampler"] == "patchnet" and path.exists():
            with np.load(path) as archive:
                arrays = dict(archive)
            np.savez(path, **(arrays | changes))
    found = patches.blocks(copied)
    assert f"PatchNet ({words})" in texts(found)
    titles = [column.title for block in found if isinstance(block, Figure) for column in block.data.columns]
    assert "all patches" in titles
    assert "PatchNet" not in titles
    for trial in copied.record.trials:
        (copied.trial_folder(trial.number) / PATCHES_FILE).unlink(missing_ok=True)
    assert texts(patches.blocks(copied)) == "No training recorded scores of its patches, so there are no histograms."


def test_without_losses_there_is_no_figure_of_them(copied: View) -> None:
    for trial in copied.record.trials:
        path = copied.trial_folder(trial.number) / PATCHES_FILE
        if path.exists():
            with np.load(path) as archive:
                np.savez(path, **{name: values for name, values in archive.items() if name != "loss"})
    assert [block.name for block in patches.blocks(copied) if isinstance(block, Figure)] == ["patch-scores"]


def test_maps_of_use_prefer_photographs_with_a_picture(copied: View) -> None:
    for trial in copied.record.trials:
        shutil.rmtree(copied.trial_folder(trial.number) / "usage_photographs", ignore_errors=True)
    plausible_study._save(plausible_study.photograph(0), copied.folder / "photographs" / "ihc.png")
    gallery = usage.blocks(copied)[0]
    assert isinstance(gallery, Gallery)
    assert [strip.title for strip in gallery.strips] == ["ihc"]
