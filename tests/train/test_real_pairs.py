"""The task ``real`` on generated pairs: training, evaluation, restoring, refusals; and noise levels that networks are not told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from raysearch.errors import DataError, SpecError
from raysearch.metrics.protocol import Protocol
from raysearch.metrics.psnr import psnr
from raysearch.search.agreement import disagreements
from raysearch.spec.pairing import pairing_fault
from raysearch.spec.trial import TrialConfig
from raysearch.tasks.base import Pair
from raysearch.train.files import folder_name
from raysearch.train.loop import _cut, fit
from raysearch.train.prepare import prepare, write_thumbnails
from raysearch.train.reporter import ListReporter
from raysearch.train.restore import evaluate_checkpoint, restore_folder
from raysearch.train.state import TrialIO
from raysearch.train.world import SingleWorld

CPU = torch.device("cpu")
DNCNN = {"kind": "dncnn", "depth": 3, "width": 8}
SUPERVISED = {"kind": "supervised", "loss": "l2", "optimizer": {"kind": "adam", "lr": 1e-2}, "schedule": "constant"}


@pytest.fixture(scope="module")
def folders(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The training photographs, and beside them darker ones: a degradation that a network learns in a few steps."""
    root = tmp_path_factory.mktemp("pairs") / "camera"
    for number, file in enumerate(sorted((corpus / "train").glob("*.png"))):
        for crop in (1, 2):
            clean = np.asarray(Image.open(file))[8 * crop :, 4:]
            for side, pixels in (("clean", clean), ("dark", clean // 2)):
                (root / side).mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.ascontiguousarray(pixels)).save(root / side / f"scene{number}_{crop}.png")
    return {"degraded": str(root / "dark"), "clean": str(root / "clean")}


def trial_on(make_trial, folders: dict[str, str], **changes: object) -> TrialConfig:  # type: ignore[no-untyped-def]
    data = {"kind": "pairs", "train": folders, "hold_out": 1, "hold_out_test": 1, "scene": r"^(.*)_\d+$"}
    changes = {"data": data, "task": "real", "model": DNCNN, "recipe": SUPERVISED, "steps": 40} | changes
    trial = make_trial(**{"evaluate": {"every": 20, "samples": 1}, **changes})
    assert isinstance(trial, TrialConfig)
    return trial


@pytest.fixture(scope="module")
def trained(make_trial, folders: dict[str, str], cache: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrialConfig, Path]:  # type: ignore[no-untyped-def]
    trial, folder = trial_on(make_trial, folders), tmp_path_factory.mktemp("real") / "trial"
    fit(trial, TrialIO(folder, cache, SingleWorld(), CPU, "test"), ListReporter())
    return trial, folder


def test_it_learns_what_the_pairs_show(trained: tuple[TrialConfig, Path], cache: Path) -> None:
    rows = evaluate_checkpoint(trained[1], None, "test", cache, device=CPU)
    assert [(row.dataset, row.level) for row in rows] == [("camera", "real")] * 2
    for row in rows:
        clean, dark = (decoded(trained[0], side, row.image) for side in ("clean", "degraded"))
        assert row.psnr > float(psnr(dark, clean, Protocol())[0]) + 2


def decoded(trial: TrialConfig, side: str, name: str) -> torch.Tensor:
    folder = Path(getattr(trial.data.train, side))  # type: ignore[attr-defined]
    return torch.from_numpy(np.asarray(Image.open(folder / f"{name}.png")) / 255).permute(2, 0, 1)[None].float()


def test_samples_show_the_degraded_and_the_clean_image(trained: tuple[TrialConfig, Path]) -> None:
    (folder,) = (trained[1] / "samples" / "camera" / "real").iterdir()
    sizes = {file.stem: np.asarray(Image.open(file)).mean() for file in folder.glob("*.png")}
    assert sizes.keys() == {"input", "clean", "restored"}
    assert sizes["input"] < 0.6 * sizes["clean"]


def test_thumbnails_show_the_clean_image_and_the_cache_counts_both(
    trained: tuple[TrialConfig, Path], cache: Path, tmp_path: Path
) -> None:
    trial = trained[0]
    write_thumbnails(trial, cache, tmp_path)
    (gathered,) = trial.data.gather("train")
    for photograph in gathered.photographs:
        shown = np.asarray(Image.open(tmp_path / f"{folder_name(photograph.name)}.png"))
        assert np.array_equal(shown, np.asarray(Image.open(photograph.path)))
    (found,) = prepare(trial, cache, ("train",), lambda *_: None)
    assert found.photographs == 2


def test_a_folder_of_degraded_images_is_restored(trained: tuple[TrialConfig, Path], tmp_path: Path) -> None:
    source = Path(trained[0].data.train.degraded)  # type: ignore[attr-defined]
    files = restore_folder(trained[1], source, tmp_path / "out", degrade=False, device=CPU)
    assert len(files) == 6
    assert all(file.target is not None for file in files)
    with pytest.raises(SpecError, match="degrades nothing"):
        restore_folder(trained[1], source, tmp_path / "out", degrade=True, device=CPU)


def test_any_network_is_scored_on_real_pairs(
    make_trial, folders: dict[str, str], trained: tuple[TrialConfig, Path], cache: Path, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial(task={"kind": "gaussian_denoise"}, model=DNCNN, steps=1, evaluate={"every": 1})
    fit(trial, TrialIO(tmp_path / "noise", cache, SingleWorld(), CPU, "validation"), ListReporter())
    clean, degraded = Path(folders["clean"]), Path(folders["degraded"])
    rows = evaluate_checkpoint(tmp_path / "noise", clean, "test", cache, device=CPU, degraded=degraded)
    assert [(row.dataset, row.level) for row in rows] == [("camera", "real")] * 6
    own = {row.image: row.psnr for row in evaluate_checkpoint(trained[1], None, "test", cache, device=CPU)}
    again = {row.image: row.psnr for row in evaluate_checkpoint(trained[1], clean, "test", cache, device=CPU, degraded=degraded)}
    assert own.items() <= again.items()
    with pytest.raises(SpecError, match="are the same folder"):
        evaluate_checkpoint(trained[1], clean, "test", cache, device=CPU, degraded=clean)
    with pytest.raises(SpecError, match="without their clean counterparts"):
        evaluate_checkpoint(trained[1], None, "test", cache, device=CPU, degraded=degraded)
    with pytest.raises(DataError, match="has none beside it"):
        evaluate_checkpoint(trained[1], clean, "test", cache, device=CPU)


def test_a_network_that_must_be_told_the_noise_level_is_told_it(
    make_trial, folders: dict[str, str], cache: Path, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    ffdnet = {"kind": "ffdnet", "depth": 3, "width": 4}
    trial = make_trial(task={"kind": "gaussian_denoise"}, model=ffdnet, steps=1, evaluate={"every": 1})
    io = TrialIO(tmp_path / "told", cache, SingleWorld(), CPU, "validation")
    fit(trial, io, ListReporter())
    clean, degraded = Path(folders["clean"]), Path(folders["degraded"])

    def scored(sigma_255: float | None) -> list[float]:
        rows = evaluate_checkpoint(io.folder, clean, "test", cache, device=CPU, degraded=degraded, sigma_255=sigma_255)
        return [row.psnr for row in rows]

    assert scored(25.0) != scored(50.0)
    with pytest.raises(SpecError, match="must be told the noise level"):
        scored(None)
    with pytest.raises(SpecError, match="for images that are degraded here"):
        evaluate_checkpoint(io.folder, None, "test", cache, device=CPU, sigma_255=25.0)


def test_grey_pairs(make_trial, folders: dict[str, str], cache: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    evaluate = {"every": 2, "protocol": {"space": "gray"}}
    trial = trial_on(make_trial, folders, task={"kind": "real", "color": "gray"}, steps=2, evaluate=evaluate)
    result = fit(trial, TrialIO(tmp_path, cache, SingleWorld(), CPU, "test"), ListReporter())
    assert result.status == "finished"


def test_the_corpus_must_have_pairs(make_trial, tmp_path: Path, cache: Path) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial(task="real", model=DNCNN)
    with pytest.raises(SpecError, match="the data has none") as caught:
        fit(trial, TrialIO(tmp_path, cache, SingleWorld(), CPU, "validation"), ListReporter())
    assert "pairs or unpaired" in caught.value.remedy
    (fault,) = disagreements(trial, workers=1)
    assert fault.path == ("task", "kind")
    assert fault.value == "real"


def test_unrelated_images_are_not_compared_pixel_by_pixel(make_trial, corpus: Path, folders: dict[str, str]) -> None:  # type: ignore[no-untyped-def]
    data = {"kind": "unpaired", "degraded": folders["degraded"], "clean": str(corpus / "near"), "validation": folders}
    fault = pairing_fault(trial_on(make_trial, folders, data=data))
    assert fault is not None
    assert fault.place == "recipe.kind"
    assert "target: surrogate" in fault.remedy
    assert pairing_fault(trial_on(make_trial, folders, data=data, task="gaussian_denoise")) is None


# levels that networks are not told


def test_the_level_of_a_camera_reaches_the_loss_and_not_the_network(make_trial, cache: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    recipe = SUPERVISED | {"loss": {"kind": "sum", "parts": [{"loss": "l2"}, {"loss": "asymmetric", "weight": 0.5}]}}
    cbdnet = {"kind": "cbdnet", "width": 4, "estimator_width": 4}
    trial = make_trial(task="camera_denoise", model=cbdnet, recipe=recipe, steps=2, evaluate={"every": 2})
    assert not trial.lacking
    reporter = ListReporter()
    fit(trial, TrialIO(tmp_path / "camera", cache, SingleWorld(), CPU, "validation"), reporter)
    assert reporter.reports[-1].metrics["loss/asymmetric"] > 0
    told = make_trial(task="camera_denoise", model={"kind": "ffdnet", "depth": 3, "width": 4}, steps=2, evaluate={"every": 2})
    with pytest.raises(SpecError, match="noise level"):
        fit(told, TrialIO(tmp_path / "told", cache, SingleWorld(), CPU, "validation"), ListReporter())


def test_a_rank_gets_its_part_of_a_level() -> None:
    batch, level = torch.rand(4, 3, 8, 8), torch.rand(4, 1, 8, 8)
    part = _cut(Pair(batch, batch, None, level), slice(2, 4))
    assert part.hidden_sigma_255 is not None
    assert torch.equal(part.hidden_sigma_255, level[2:])
    assert torch.equal(part.degraded, batch[2:])
    assert _cut(Pair(batch, batch, level[:1]), slice(2, 4)).sigma_255 is not None
