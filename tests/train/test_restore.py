from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from raysearch.data.decode import decode
from raysearch.errors import DataError, PreflightError, SpecError, StateDamaged
from raysearch.metrics.protocol import Protocol, named
from raysearch.train import png
from raysearch.train.evaluate import means
from raysearch.train.files import CHECKPOINTS, CONFIG
from raysearch.train.loop import fit
from raysearch.train.network import load_network
from raysearch.train.reporter import ListReporter
from raysearch.train.restore import evaluate_checkpoint, restore_folder
from raysearch.train.state import TrialIO
from raysearch.train.world import SingleWorld

CPU = torch.device("cpu")
VALID = {"kind": "deepjdd", "width": 4, "depth": 2, "padding": "valid", "skip": "bilinear"}
EMA = {"kind": "supervised", "loss": "l2", "optimizer": "adam", "schedule": "cosine", "ema": 0.9}


@pytest.fixture(scope="module")
def trained(make_trial, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:  # type: ignore[no-untyped-def]
    """Folders of trained trials."""
    root = tmp_path_factory.mktemp("trained")
    gray = {
        "model": {"kind": "dncnn", "depth": 3, "width": 4},
        "task": {"kind": "gaussian_denoise", "color": "gray"},
        "evaluate": {"every": 4, "protocol": {"space": "gray"}},
    }
    changes: dict[str, dict[str, object]] = {
        "joint": {"recipe": EMA},
        "mosaic": {"task": "demosaic", "model": VALID},
        "gray": gray,
    }
    for name, change in changes.items():
        trial = make_trial(steps=4, **change)
        fit(trial, TrialIO(root / name, cache, SingleWorld(), CPU, "validation"), ListReporter())
    return {name: root / name for name in changes}


def write_png(path: Path, height: int, width: int, channels: int, bits: int) -> torch.Tensor:
    """A smooth image; returns it as (channels, h, w) in [0, 1]."""
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    image = torch.stack([x, y, (x + y) / 2])[:channels] * 0.6 + 0.2
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png.encode(image, bits))
    return image


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [8, 16])
def test_png_files_hold_what_was_given(tmp_path: Path, channels: int, bits: int) -> None:
    image = torch.rand(channels, 13, 21)
    (tmp_path / "x.png").write_bytes(png.encode(image * 1.5 - 0.2, bits))
    back = decode(tmp_path / "x.png")
    expected = ((image * 1.5 - 0.2).clamp(0, 1).double() * (2**bits - 1)).round().numpy()
    assert back.dtype == (np.uint8 if bits == 8 else np.uint16)
    np.testing.assert_array_equal(back, expected.transpose(1, 2, 0))
    with Pillow.open(tmp_path / "x.png") as other:
        other.load()
        assert other.size == (21, 13)


def test_a_network_comes_back_as_it_was_evaluated(trained: dict[str, Path]) -> None:
    trial, net = load_network(trained["joint"])
    assert not net.training
    assert trial.recipe.model_dump()["ema"] == 0.9
    same = load_network(next((trained["joint"] / CHECKPOINTS).glob("*.pt")))
    assert same[0] == trial
    for one, other in zip(net.parameters(), same[1].parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", ["joint", "mosaic", "gray"])
def test_a_checkpoint_scores_as_the_trial_did(make_io, trained: dict[str, Path], cache: Path, name: str) -> None:  # type: ignore[no-untyped-def]
    import pyarrow.parquet as parquet

    rows = evaluate_checkpoint(trained[name], None, "validation", cache, device=CPU)
    table = parquet.read_table(trained[name] / "images.parquet")
    assert [row.psnr for row in rows] == pytest.approx(table["psnr"].to_pylist(), abs=1e-9)
    assert [row.image for row in rows] == table["image"].to_pylist()


def test_other_images_and_another_protocol(trained: dict[str, Path], corpus: Path, cache: Path) -> None:
    protocol = Protocol(space="y_studio", crop=2, quantize=True)
    rows = evaluate_checkpoint(trained["joint"], corpus / "near", "test", cache, device=CPU, protocol=protocol)
    assert {(row.dataset, row.protocol) for row in rows} == {("near", protocol.label)}
    assert means(rows)["psnr"] > 0


def test_there_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="holds no checkpoint"):
        load_network(tmp_path)
    with pytest.raises(PreflightError, match="there is no checkpoint"):
        load_network(tmp_path / "missing.pt")


def test_a_classical_method_is_evaluated_and_applied_from_its_trials_folder(make_trial, cache: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial(task="demosaic", model="bilinear")
    folder = tmp_path / "classical"
    folder.mkdir()
    (folder / CONFIG).write_text(trial.model_dump_json())
    trained_rows = ListReporter()
    fit(trial, TrialIO(folder, cache, SingleWorld(), CPU, "validation"), trained_rows)
    rows = evaluate_checkpoint(folder, None, "validation", cache, device=CPU)
    assert means(rows)["psnr"] == trained_rows.reports[0].metrics["psnr"]
    photograph = write_png(tmp_path / "in" / "a.png", 20, 24, 3, 8)
    restore_folder(folder, tmp_path / "in", tmp_path / "out", degrade=True, device=CPU)
    assert error_of(tmp_path / "out" / "a.png", photograph, 8) < 0.02
    (folder / CONFIG).write_text(make_trial().model_dump_json())
    with pytest.raises(PreflightError, match="holds no checkpoint"):
        load_network(folder)
    (folder / CONFIG).write_text("{")
    with pytest.raises(StateDamaged, match="is no JSON"):
        load_network(folder)


def error_of(target: Path, image: torch.Tensor, bits: int) -> float:
    values = decode(target).astype(np.float64).transpose(2, 0, 1) / (2**bits - 1)
    assert values.shape == tuple(image.shape)
    return float(np.abs(values - image.numpy()).mean())


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("size", [(40, 46), (35, 71), (90, 64)])
def test_photographs_are_degraded_and_restored_whole(
    trained: dict[str, Path], tmp_path: Path, bits: int, size: tuple[int, int]
) -> None:
    image = write_png(tmp_path / "in" / "deep" / "a.png", *size, 3, bits)
    (done,) = restore_folder(trained["mosaic"], tmp_path / "in", tmp_path / "out", degrade=True, device=CPU)
    assert done.target == tmp_path / "out" / "deep" / "a.png"
    assert error_of(tmp_path / "out" / "deep" / "a.png", image, bits) < 0.12  # hardly trained, but no shift and no gap


def test_a_raw_mosaic_gives_what_its_photograph_gives(trained: dict[str, Path], tmp_path: Path) -> None:
    image = write_png(tmp_path / "photo" / "a.png", 41, 50, 3, 16)
    rows, columns = torch.arange(41) % 2, torch.arange(50) % 2
    colour = torch.tensor([[1, 0], [2, 1]])[rows[:, None], columns[None, :]]  # grbg
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.png").write_bytes(png.encode(image.gather(0, colour[None]), 16))
    restore_folder(trained["mosaic"], tmp_path / "photo", tmp_path / "one", degrade=True, device=CPU)
    restore_folder(trained["mosaic"], tmp_path / "raw", tmp_path / "two", degrade=False, device=CPU)
    one, two = (decode(tmp_path / name / "a.png").astype(int) for name in ("one", "two"))
    assert np.abs(one - two).max() <= 1


def test_a_colour_image_is_no_raw_mosaic(trained: dict[str, Path], tmp_path: Path) -> None:
    write_png(tmp_path / "in" / "a.png", 40, 40, 3, 8)
    (done,) = restore_folder(trained["mosaic"], tmp_path / "in", tmp_path / "out", degrade=False, device=CPU)
    assert done.target is None
    assert "raw mosaic has one channel" in done.reason


def test_damaged_images_are_left_out_with_their_reason(trained: dict[str, Path], tmp_path: Path) -> None:
    write_png(tmp_path / "in" / "good.png", 40, 40, 3, 8)
    (tmp_path / "in" / "bad.png").write_bytes(b"no image")
    told: list[tuple[int, int]] = []
    done = restore_folder(
        trained["gray"], tmp_path / "in", tmp_path / "out", degrade=False, device=CPU, progress=lambda *now: told.append(now)
    )
    assert [(d.source.name, d.target is None) for d in done] == [("bad.png", True), ("good.png", False)]
    assert "can't be read" in done[0].reason
    assert told == [(1, 2), (2, 2)]
    assert decode(tmp_path / "out" / "good.png").shape == (40, 40, 1)


def test_levels_and_noise_levels(trained: dict[str, Path], tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    write_png(folder / "a.png", 40, 40, 3, 8)
    write_png(tmp_path / "raw" / "a.png", 40, 40, 1, 8)
    with pytest.raises(SpecError, match="choose one of: sigma 5, sigma 15"):
        restore_folder(trained["joint"], folder, out, degrade=True, device=CPU)
    with pytest.raises(SpecError, match="no level 'sigma 99'"):
        restore_folder(trained["joint"], folder, out, degrade=True, device=CPU, level="sigma 99")
    with pytest.raises(SpecError, match="noise level is given"):
        restore_folder(trained["joint"], folder, out, degrade=True, device=CPU, level="sigma 5", sigma_255=5.0)
    restore_folder(trained["joint"], folder, out, degrade=True, device=CPU, level="sigma 5")
    with pytest.raises(SpecError, match="sigma"):
        restore_folder(trained["joint"], tmp_path / "raw", out, degrade=False, device=CPU)
    restore_folder(trained["joint"], tmp_path / "raw", out, degrade=False, device=CPU, sigma_255=5.0)


def test_sources_are_not_written_over(trained: dict[str, Path], tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", 40, 40, 3, 8)
    for target in (tmp_path, tmp_path / "out"):
        with pytest.raises(DataError, match="lies inside the source"):
            restore_folder(trained["mosaic"], tmp_path, target, degrade=True, device=CPU)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no image"):
        restore_folder(trained["mosaic"], tmp_path / "empty", tmp_path / "out", degrade=True, device=CPU)


def test_other_metrics(trained: dict[str, Path], corpus: Path, cache: Path) -> None:
    asked = ("gmsd", "ssim", "l1", "gmsd")
    rows = evaluate_checkpoint(trained["joint"], corpus / "near", "test", cache, device=CPU, metrics=asked)
    assert list(rows[0].scores) == ["psnr", "ssim", "gmsd", "l1"]
    with pytest.raises(SpecError, match="did you mean 'gmsd'"):
        evaluate_checkpoint(trained["joint"], corpus / "near", "test", cache, device=CPU, metrics=("gmds",))
    with pytest.raises(SpecError, match="1 channel"):
        evaluate_checkpoint(trained["joint"], None, "test", cache, device=CPU, protocol=named("dn-gray-u8"))
    with pytest.raises(SpecError, match=r"there is no protocol 'sr-y'.*sr-y-crop<n>"):
        named("sr-y")
