"""Two-stage training with surrogate ground truth, from files to the second stage's result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from raysearch.errors import SpecError
from raysearch.search.agreement import disagreements
from raysearch.spec.trial import TrialConfig
from raysearch.train.files import CHECKPOINTS
from raysearch.train.loop import fit
from raysearch.train.reporter import ListReporter
from raysearch.train.state import TrialIO

MODEL = {"kind": "dncnn", "width": 4, "depth": 3}
SECOND = {
    "kind": "adversarial",
    "loss": "l2",
    "optimizer": {"kind": "adam", "lr": 1e-4},
    "schedule": "constant",
    "discriminator": {"kind": "patchgan", "width": 4, "layers": 2},
    "discriminator_optimizer": {"kind": "adam", "lr": 1e-4},
}


def noisy_copies(folder: Path, target: Path) -> str:
    target.mkdir(parents=True)
    random = np.random.default_rng(0)
    for file in sorted(folder.iterdir()):
        with Pillow.open(file) as image:
            clean = np.asarray(image)
        noisy = (clean + random.normal(0, 20, clean.shape)).clip(0, 255).astype(np.uint8)
        Pillow.fromarray(noisy).save(target / file.name)
    return str(target)


@pytest.fixture
def real(corpus: Path, tmp_path: Path) -> dict[str, object]:
    """Real degraded images, and clean photographs of something else."""
    return {
        "kind": "unpaired",
        "degraded": noisy_copies(corpus / "train", tmp_path / "degraded"),
        "clean": str(corpus / "near"),
        "validation": {"degraded": noisy_copies(corpus / "validation", tmp_path / "noisy"), "clean": str(corpus / "validation")},
    }


def test_a_second_stage_goes_on_from_the_first_with_unpaired_images(
    make_trial: Callable[..., TrialConfig], make_io: Callable[..., TrialIO], real: dict[str, object]
) -> None:
    first = make_trial(task={"kind": "gaussian_denoise", "color": "rgb"}, model=MODEL)
    io = make_io("first")
    fit(first, io, ListReporter())
    checkpoint = next((io.folder / CHECKPOINTS).iterdir())
    second = make_trial(
        data=real, task="real", model=MODEL, recipe=SECOND | {"target": "surrogate"}, init={"checkpoint": str(checkpoint)}
    )
    reporter = ListReporter()
    result = fit(second, make_io("second"), reporter)
    assert result.status == "finished"
    terms = [{name: value for name, value in report.metrics.items() if name.startswith("loss")} for report in reporter.reports]
    assert all(set(found) == {"loss", "loss/l2", "loss/adversarial", "loss/discriminator"} for found in terms)
    assert terms[0]["loss/l2"] < 1e-4, "the network starts at its own surrogates"
    assert terms[0]["loss/l2"] + terms[0]["loss/adversarial"] == pytest.approx(terms[0]["loss"], rel=1e-5)


def test_unpaired_images_are_no_target(
    make_trial: Callable[..., TrialConfig], make_io: Callable[..., TrialIO], real: dict[str, object]
) -> None:
    trial = make_trial(data=real, task="real", model=MODEL, recipe=SECOND)
    with pytest.raises(SpecError, match="those of this data show something else"):
        fit(trial, make_io(), ListReporter())


def test_a_second_stage_without_the_first_is_refused(
    make_trial: Callable[..., TrialConfig], make_io: Callable[..., TrialIO], real: dict[str, object]
) -> None:
    trial = make_trial(data=real, task="real", model=MODEL, recipe=SECOND | {"target": "surrogate"})
    (fault,) = disagreements(trial, workers=1)
    assert (fault.path, fault.value) == (("recipe", "target"), "surrogate")
    with pytest.raises(SpecError, match="goes on from a trained network, and none is named") as caught:
        fit(trial, make_io(), ListReporter())
    assert "init: {checkpoint: ...}" in caught.value.remedy
