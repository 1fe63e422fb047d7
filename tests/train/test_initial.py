"""Trials that start from a checkpoint."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from raysearch.errors import PreflightError, RaysearchError, SpecError, StateDamaged
from raysearch.search.loading import load_study
from raysearch.search.preflight import examine
from raysearch.spec.trial import TrialConfig
from raysearch.train import checkpoint
from raysearch.train.files import CHECKPOINTS
from raysearch.train.initial import initial_network
from raysearch.train.loop import fit
from raysearch.train.network import build_net
from raysearch.train.reporter import ListReporter, Report

MODEL = {"kind": "deepjdd", "width": 4, "depth": 2, "padding": "same", "sigma_channel": True, "skip": "bilinear"}


@pytest.fixture
def start(make_trial, tmp_path: Path) -> Path:  # type: ignore[no-untyped-def]
    """A checkpoint with the weights of seed 7."""
    trial = make_trial(seed=7)
    path = tmp_path / "start.pt"
    checkpoint.write(path, trial.key, {"config": trial.model_dump(mode="json"), "network": build_net(trial).state_dict()})
    return path


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    return all(torch.equal(mine, theirs) for mine, theirs in zip(one.parameters(), other.parameters(), strict=True))


def test_the_weights_are_those_of_the_checkpoint_and_its_hash_is_recorded(make_trial, make_io, start: Path) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial(init={"checkpoint": str(start)})
    initial = initial_network(trial)
    assert same(initial.net, build_net(make_trial(seed=7)))
    assert not same(initial.net, build_net(make_trial()))
    digest = hashlib.sha256(start.read_bytes()).hexdigest()
    assert initial.sha256 == digest
    frozen = {"kind": "supervised", "loss": "l2", "optimizer": {"kind": "sgd", "lr": 1e-12}, "schedule": "constant"}
    io = make_io()
    result = fit(make_trial(init={"checkpoint": str(start)}, recipe=frozen, steps=4), io, ListReporter())
    assert result.facts["init_sha256"] == digest
    state = checkpoint.parse(checkpoint.read(checkpoint.path_of(io.folder / CHECKPOINTS, 4)))
    assert state["init_sha256"] == digest
    for name, tensor in build_net(make_trial(seed=7)).state_dict().items():
        torch.testing.assert_close(state["network"][name], tensor, rtol=0, atol=1e-6)  # type: ignore[index]
    assert "init_sha256" not in fit(make_trial(steps=1), make_io("plain"), ListReporter()).facts


def test_a_resumed_trial_goes_on_from_its_own_checkpoint(make_trial, make_io, start: Path) -> None:  # type: ignore[no-untyped-def]
    class Crash(Exception):
        pass

    class Once(ListReporter):
        def report(self, report: Report) -> None:
            raise Crash

    trial = make_trial(init={"checkpoint": str(start)})
    whole = fit(trial, make_io("whole"), ListReporter())
    with pytest.raises(Crash):
        fit(trial, make_io("killed"), Once())
    assert fit(trial, make_io("killed"), ListReporter()).metrics["psnr"] == whole.metrics["psnr"]


def test_a_trained_trials_folder_serves(make_trial, make_io) -> None:  # type: ignore[no-untyped-def]
    io = make_io("first")
    fit(make_trial(steps=4), io, ListReporter())
    second = make_trial(init={"checkpoint": str(io.folder)})
    (newest,) = checkpoint.files(io.folder / CHECKPOINTS)
    assert initial_network(second).sha256 == hashlib.sha256(newest.read_bytes()).hexdigest()


def test_what_does_not_fit_is_said_in_words(make_trial, start: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    def refused(match: str, error: type[RaysearchError] = SpecError, **changes: object) -> RaysearchError:
        with pytest.raises(error, match=match) as caught:
            initial_network(make_trial(**changes))
        return caught.value

    init = {"checkpoint": str(start)}
    refused(r"of another network: trunk.0.conv.weight is 8 x 5 x 3 x 3 there and 12 x 5", model=MODEL | {"width": 6}, init=init)
    deeper = MODEL | {"depth": 3}
    error = refused(r"trunk.1.conv.weight is 8 x 4 x 3 x 3 there and 4 x 4 x 3 x 3 here; .*, and 1 more", model=deeper, init=init)
    assert error.place == "init.checkpoint"
    assert "partial: true" in error.remedy
    partial = initial_network(make_trial(model=deeper, init=init | {"partial": True})).net.state_dict()
    assert torch.equal(partial["tail.1.weight"], build_net(make_trial(seed=7)).state_dict()["tail.1.weight"])
    assert torch.equal(partial["trunk.2.conv.weight"], build_net(make_trial(model=deeper)).state_dict()["trunk.2.conv.weight"])
    grey = {"task": {"kind": "gaussian_denoise", "color": "rgb"}, "model": {"kind": "dncnn", "depth": 3, "width": 4}}
    refused("of another network", **grey, init=init | {"partial": True})
    refused("there is no checkpoint", PreflightError, init={"checkpoint": str(tmp_path / "none.pt")})
    refused("holds no checkpoint", PreflightError, init={"checkpoint": str(tmp_path)})
    refused("does not begin with 00000000", init=init | {"sha256": "00000000"})
    initial_network(make_trial(init=init | {"sha256": hashlib.sha256(start.read_bytes()).hexdigest()[:12]}))
    start.write_bytes(start.read_bytes()[:-300])
    with pytest.raises(StateDamaged):
        initial_network(make_trial(init=init))


def test_paths_are_absolute_from_the_moment_they_are_read(make_trial, monkeypatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    trial = make_trial(init={"checkpoint": "start.pt"})
    assert trial.init.checkpoint == tmp_path / "start.pt"
    assert TrialConfig.parse(trial.model_dump(mode="json")) == trial
    with pytest.raises(ValidationError):
        make_trial(init={"checkpoint": "start.pt", "strict": True})


STUDY = """\
question: Does it start?
searcher: random
scheduler: fifo
budget: {{trials: 2}}
confirm: {{top: 0}}
trial:
  data: {{kind: folder, train: [{corpus}/train], validation: [{corpus}/validation], test: {{near: [{corpus}/near]}}}}
  patch: {{size: 32}}
  task: {{kind: joint_demosaic_denoise, evaluate_at_255: [5.0]}}
  model: {{kind: deepjdd, width: {width}, depth: 2, padding: same, sigma_channel: true, skip: bilinear}}
  init: {{checkpoint: {file}}}
  sampler: uniform
  recipe: {{kind: supervised, loss: {loss}, optimizer: {{kind: adam, lr: {{float: [1e-4, 1e-3]}}}}, schedule: cosine}}
  steps: 8
  evaluate: {{every: 4}}
"""


def findings(tmp_path: Path, corpus: Path, width: int, file: str, loss: str = "l2") -> list[tuple[str, str, str, str]]:
    study = tmp_path / "study.yaml"
    study.write_text(STUDY.format(corpus=corpus, width=width, file=file, loss=loss))
    return [(f.key, f.place.rsplit(":", 2)[-2], f.reason, f.severity) for f in examine(study, runs=tmp_path).findings]


def test_a_study_is_checked_before_it_starts(start: Path, tmp_path: Path, corpus: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    assert findings(tmp_path, corpus, 4, "start.pt") == []
    assert load_study(tmp_path / "study.yaml").spec.trial.template["init"] == {"checkpoint": str(tmp_path / "start.pt")}
    ((key, line, reason, _),) = findings(tmp_path, corpus, 6, "start.pt")
    assert (key, line) == ("trial.init.checkpoint", "11")
    assert "of another network" in reason
    ((key, line, reason, severity),) = findings(tmp_path, corpus, 4, "gone.pt")
    assert (key, line, severity) == ("trial.init.checkpoint", "11", "preflight")
    assert "there is no checkpoint" in reason


def test_a_study_whose_loss_reads_what_nothing_gives_is_refused(start: Path, tmp_path: Path, corpus: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    ((key, line, reason, severity),) = findings(tmp_path, corpus, 4, "start.pt", "asymmetric")
    assert (key, line, severity) == ("trial.recipe.loss", "13", "spec")
    assert reason == "the loss reads sigma, which neither model deepjdd nor task joint_demosaic_denoise gives"


def test_a_study_whose_weights_are_missing_lacks_a_file(start: Path, tmp_path: Path, corpus: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    ((key, line, reason, severity),) = findings(tmp_path, corpus, 4, "start.pt", "{kind: perceptual, weights: vgg19.pth}")
    assert (key, line, severity) == ("trial.recipe.loss.weights", "13", "preflight")
    assert "vgg19.pth can't be read" in reason
