"""The score ``loss``: errors of a trained network, equal to a plain computation, cached, and refused where nothing fits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from raysearch.data.index import PatchIndex
from raysearch.errors import PreflightError, RaysearchError, SpecError
from raysearch.rng import torch_generator
from raysearch.spec.trial import TrialConfig
from raysearch.train.loop import fit
from raysearch.train.network import load_network
from raysearch.train.patch_loss import patch_losses
from raysearch.train.reporter import ListReporter
from raysearch.train.state import TrialIO
from raysearch.train.world import SingleWorld

MakeTrial = Callable[..., TrialConfig]
MakeIO = Callable[..., TrialIO]

CPU = torch.device("cpu")
DENOISE = {
    "task": {"kind": "gaussian_denoise", "color": "rgb", "sigma_255": 25.0},
    "model": {"kind": "dncnn", "depth": 3, "width": 4},
    "steps": 2,
    "evaluate": {"every": 2, "samples": 0},
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, make_trial: MakeTrial, cache: Path) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    fit(make_trial(**DENOISE), TrialIO(folder, cache, SingleWorld(), CPU, "validation"), ListReporter())
    return folder


def opened(make_trial: MakeTrial, cache: Path, size: int = 32, channels: int = 3) -> PatchIndex:
    (gathered,) = make_trial().data.gather("train")
    return PatchIndex.open(gathered, cache, channels=channels, size=size, stride=10, multiple_of=1, scores=frozenset())


def test_against_a_plain_computation(trained: Path, make_trial: MakeTrial, cache: Path, tmp_path: Path) -> None:
    index = opened(make_trial, cache)
    losses = patch_losses(index, trained, tmp_path, CPU)
    assert losses.shape == (index.count,)
    assert losses.dtype == np.float32
    _, net = load_network(trained)
    clean = index.read(torch.arange(64)).double() / 255
    noise = torch.randn(64, 3, 32, 32, generator=torch_generator(0, "patch_loss", "sigma 25"))
    with torch.no_grad():
        restored = net(clean.float() + noise * 25 / 255, torch.full((64, 1, 1, 1), 25.0))
    expected = ((restored - clean) ** 2).mean((1, 2, 3))
    np.testing.assert_allclose(losses[:64], expected.numpy(), rtol=1e-4)


def test_the_column_is_cached_and_another_checkpoint_is_another_column(
    trained: Path, make_trial: MakeTrial, cache: Path, tmp_path: Path
) -> None:
    index = opened(make_trial, cache)
    calls: list[tuple[int, int]] = []
    first = patch_losses(index, trained, tmp_path, CPU, lambda done, total: calls.append((done, total)))
    assert calls[-1] == (index.count, index.count)
    again = patch_losses(index, trained, tmp_path, CPU, lambda *_: pytest.fail("computed again"))
    assert np.array_equal(first, again)
    assert len(list((tmp_path / "losses").glob("*.npy"))) == 1


def test_a_trial_trains_on_the_worst_patches_only(trained: Path, make_trial: MakeTrial, make_io: MakeIO, cache: Path) -> None:
    sampler = {"kind": "loss", "checkpoint": str(trained), "keep": 0.25}
    result = fit(make_trial(**DENOISE | {"sampler": sampler}), make_io(), ListReporter())
    assert result.status == "finished"
    assert result.metrics["sampler/kept_fraction"] == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"channels": 1}, SpecError, "images of 3 channels, and the patches have 1"),
        ({"checkpoint": "nothing"}, PreflightError, "there is no checkpoint"),
    ],
)
def test_what_does_not_fit_is_refused(
    changed: dict[str, object],
    error: type[RaysearchError],
    message: str,
    trained: Path,
    make_trial: MakeTrial,
    cache: Path,
    tmp_path: Path,
) -> None:
    index = opened(make_trial, cache, channels=int(str(changed.get("channels", 3))))
    checkpoint = tmp_path / "nothing" if "checkpoint" in changed else trained
    with pytest.raises(error, match=message) as caught:
        patch_losses(index, checkpoint, tmp_path, CPU)
    assert caught.value.place == "sampler.checkpoint"
