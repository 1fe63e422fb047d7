"""Tasks that change the size or restore the luma alone, through training, evaluation, samples and restoration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from raysearch.bicubic import resize
from raysearch.data.decode import decode
from raysearch.tasks._luma import luma, to_rgb, to_ycbcr
from raysearch.train import png, tiles
from raysearch.train.evaluate import Unit, degraded_pair, evaluate, open_sets, tiling_of
from raysearch.train.files import SAMPLES
from raysearch.train.loop import fit
from raysearch.train.network import build_net
from raysearch.train.reporter import ListReporter
from raysearch.train.restore import evaluate_checkpoint, restore_folder
from raysearch.train.state import TrialIO
from raysearch.train.world import SingleWorld

CPU = torch.device("cpu")
EDSR = {"kind": "edsr", "blocks": 1, "width": 4}
GRAY = {"every": 2, "tile": 32, "samples": 2, "protocol": {"space": "gray"}}
TASKS: dict[str, dict[str, object]] = {
    "x2": {"task": {"kind": "super_resolution"}, "model": EDSR},
    "x3": {"task": {"kind": "super_resolution", "factor": 3}, "model": EDSR, "patch": {"size": 24, "stride": 13}},
    "x4 luma": {"task": {"kind": "super_resolution", "factor": 4, "color": "y"}, "model": {"kind": "vdsr", "depth": 2, "width": 4}},
    "jpeg": {"task": {"kind": "jpeg_deblock", "evaluate_at": [10, 40]}, "model": {"kind": "dncnn", "depth": 3, "width": 4}},
    "jpeg luma": {"task": {"kind": "jpeg_deblock", "color": "y"}, "model": {"kind": "dncnn", "depth": 3, "width": 4}},
}
for _name, _changes in TASKS.items():
    if "luma" in _name:
        _changes["evaluate"] = GRAY


@pytest.fixture(scope="module")
def trained(make_trial, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:  # type: ignore[no-untyped-def]
    """Folders of trials of each task, trained for two steps and tested."""
    root = tmp_path_factory.mktemp("trained")
    for name, changes in TASKS.items():
        trial = make_trial(**({"steps": 2, "evaluate": {"every": 2, "tile": 32, "samples": 2}} | changes))
        result = fit(trial, TrialIO(root / name, cache, SingleWorld(), CPU, "test"), ListReporter())
        assert result.status == "finished"
        assert result.metrics["psnr"] > 3
    return {name: root / name for name in TASKS}


@pytest.mark.parametrize("name", TASKS)
def test_a_checkpoint_scores_as_the_trial_did(trained: dict[str, Path], cache: Path, name: str) -> None:
    import pyarrow.parquet as parquet

    rows = evaluate_checkpoint(trained[name], None, "test", cache, device=CPU)
    table = parquet.read_table(trained[name] / "images.parquet")
    assert [row.psnr for row in rows] == pytest.approx(table["psnr"].to_pylist(), abs=1e-9)


@pytest.mark.parametrize("name", TASKS)
def test_samples_show_the_same_part(trained: dict[str, Path], make_trial, name: str) -> None:  # type: ignore[no-untyped-def]
    task = make_trial(**TASKS[name]).task
    folders = [file.parent for file in (trained[name] / SAMPLES).rglob("clean.png")]
    assert len(folders) == 3 * len(task.levels())  # two of `near`, one of `far`
    for folder in folders:
        clean, restored, given = (decode(folder / f"{part}.png") for part in ("clean", "restored", "input"))
        assert clean.shape == restored.shape == (*(side * task.scale for side in given.shape[:2]), task.channels)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_the_classical_score_is_that_of_the_formula(make_trial, cache: Path, factor: int) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial(task={"kind": "super_resolution", "factor": factor}, model="bicubic", patch={"size": 24})
    (images,) = open_sets(trial, "validation", cache)
    rows = evaluate(build_net(trial), trial, [images], SingleWorld(), CPU, None)
    ((label, level),) = trial.task.levels().items()
    for number, row in enumerate(rows):
        pair = degraded_pair(Unit(images, number, label, level))
        assert all(side % factor == 0 for side in pair.clean.shape[-2:])
        error = resize(pair.degraded, *pair.clean.shape[-2:]).clamp(0, 1).double() - pair.clean.double()
        assert row.psnr == pytest.approx(-10 * float(error.square().mean().log10()), abs=1e-4)


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
@pytest.mark.parametrize("model", ["bicubic", "bilinear", EDSR, TASKS["x4 luma"]["model"]])
def test_tiles_give_what_the_whole_image_gives(make_trial, factor: int, model: object) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial(task={"kind": "super_resolution", "factor": factor}, model=model, patch={"size": 24})
    net, small = build_net(trial).eval(), torch.rand(1, 3, 37, 50)
    tiling = replace(tiling_of(trial, trial.model.geometry()), side=9)
    with torch.no_grad():
        torch.testing.assert_close(tiles.restore(net, small, None, tiling), net(small, None), atol=1e-5, rtol=0)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A colour photograph of odd sides, and the same in grey."""
    y, x = torch.meshgrid(torch.linspace(0, 1, 45), torch.linspace(0, 1, 71), indexing="ij")
    image = torch.stack([x, y, (1 - x) * y]) * 0.6 + 0.2
    for name, planes in (("colour", image), ("grey", image[:1])):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"{name}.png").write_bytes(png.encode(planes, 8))
    return tmp_path / "in"


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("degrade", [True, False])
def test_folders_are_restored(  # type: ignore[no-untyped-def]
    trained: dict[str, Path],
    make_trial,
    photographs: Path,
    tmp_path: Path,
    name: str,
    degrade: bool,
) -> None:
    task = make_trial(**TASKS[name]).task
    level = next(iter(task.levels())) if degrade else None
    files = restore_folder(trained[name], photographs, tmp_path / "out", degrade=degrade, device=CPU, level=level)
    assert all(file.target for file in files)
    scale = task.scale
    height, width = (45 // scale * scale, 71 // scale * scale) if degrade else (45 * scale, 71 * scale)
    colour, grey = (decode(tmp_path / "out" / f"{kind}.png") for kind in ("colour", "grey"))
    assert colour.shape == (height, width, 3)
    assert grey.shape == (height, width, 1 if "luma" in name else 3)


@pytest.mark.parametrize("name", ["x4 luma", "jpeg luma"])
@pytest.mark.parametrize("degrade", [True, False])
def test_chroma_is_kept_beside_a_restored_luma(  # type: ignore[no-untyped-def]
    trained: dict[str, Path],
    make_trial,
    photographs: Path,
    tmp_path: Path,
    name: str,
    degrade: bool,
) -> None:
    task = make_trial(**TASKS[name]).task
    level = next(iter(task.levels())) if degrade else None
    restore_folder(trained[name], photographs, tmp_path / "out", degrade=degrade, device=CPU, level=level)
    found = to_ycbcr(as_image(tmp_path / "out" / "colour.png"))[:, 1:]
    given = to_ycbcr(as_image(photographs / "colour.png"))[:, 1:]
    scale = task.scale
    if degrade:
        given = given[..., : 45 // scale * scale, : 71 // scale * scale]
        expected = resize(resize(given, 45 // scale, 71 // scale), *found.shape[-2:])
    else:
        expected = resize(given, 45 * scale, 71 * scale)
    inside = as_image(tmp_path / "out" / "colour.png")[0]
    unclipped = ((inside > 0.01) & (inside < 0.99)).all(dim=0)
    assert unclipped.sum() > 100
    assert (found - expected)[0][:, unclipped].abs().max() * 255 < 1.5  # rounded to 8 bit in RGB


def as_image(path: Path) -> torch.Tensor:
    with Pillow.open(path) as opened:
        return torch.from_numpy(np.array(opened.convert("RGB"))).permute(2, 0, 1)[None].float() / 255


def test_colour_conversion_and_back() -> None:
    image = torch.rand(2, 3, 5, 6)
    ycbcr = to_ycbcr(image)
    torch.testing.assert_close(ycbcr[:, :1], luma(image))
    torch.testing.assert_close(to_rgb(ycbcr), image, atol=1e-5, rtol=0)
    grey = to_ycbcr(torch.full((1, 3, 1, 1), 0.25)).flatten() * 255
    torch.testing.assert_close(grey, torch.tensor([16 + 219 * 0.25, 128, 128]))
