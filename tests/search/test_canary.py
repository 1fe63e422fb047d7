"""Pickles in every plausible place of a run's folder: no command that reads a run, or goes on with it, executes any of them."""

from __future__ import annotations

import io
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_study import study
from test_orders import events_of, replay_of

from raysearch.cli import driving, main
from raysearch.errors import StateDamaged
from raysearch.results.folder import RunFolder
from raysearch.results.journal import new_journal
from raysearch.results.run import open_run
from raysearch.search.orders import Extend
from raysearch.spec.trial import TrialConfig
from raysearch.train import checkpoint
from raysearch.train.files import CHECKPOINTS


class Canary:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.path,)


SPEC = study(budget={"trials": 2})
PLACES = [
    *("tuner.pkl", "searcher.pkl", "state.pickle", "experiment_state-2026.json", "basic-variant-state-2026.json", "optuna.db"),
    *("importance.json", "driver.log", "report.html", "STOP", "checkpoint.tmp", ".journal.jsonl.1234", "photographs/a.png"),
    *("tables/trials.parquet", "tables/trials.csv", "tensorboard/0000/events.out.tfevents.1", "tune/trainable.pkl", "env.json"),
    *(f"trials/0000/{name}" for name in ("images.parquet", "usage.npz", "config.json", "log.txt", "samples/a/b/c/clean.png")),
    *(f"trials/0000/{name}" for name in ("params.pkl", "result.json", "ray_train/checkpoint.pkl", "checkpoints/step_00000050.pt")),
]


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run that is done, with a canary in every place."""
    folder = RunFolder.create(tmp_path / "runs", "t")
    folder.write_study("name: t\n", SPEC.to_data())
    new_journal(folder.journal, events_of(SPEC, ["finished", "finished"]))
    canary = pickle.dumps(Canary(tmp_path / "hatched"))
    for name in PLACES:
        place = folder.path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(canary)
    folder.trial(1).mkdir()
    np.savez(folder.trial(1) / "usage.npz", a=np.array([Canary(tmp_path / "hatched")]))
    return folder


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_canaries_sing(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Canary(tmp_path / "hatched")))
    assert (tmp_path / "hatched").exists(), "or the tests below would prove nothing"


@pytest.mark.parametrize(
    "command",
    [
        ["ls", "--runs", "{runs}"],
        ["ls", "{run}"],
        ["show", "{run}"],
        ["show", "{run}", "--trial", "0"],
        ["best", "{run}"],
        ["watch", "{run}", "--once"],
        ["report", "{run}"],
        ["stop", "{run}"],
        ["gc", "{run}", "--keep-top", "1"],
        ["resume", "{run}", "--no-report"],
    ],
    ids=lambda command: command[0],
)
def test_no_command_executes_one(run: RunFolder, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(*(word.format(run=run.path, runs=run.path.parent) for word in command)) == 0
    assert not (tmp_path / "hatched").exists()


def test_fork_and_import_execute_none(run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driving, "drive", lambda folder, ctx, options: 0)
    monkeypatch.setattr(driving, "_examined", lambda space, profile, settings, options: SPEC)
    monkeypatch.setattr(driving, "_prepare", lambda spec, cache: {})
    monkeypatch.setattr(driving, "_write_thumbnails", lambda spec, cache, folder: None)
    space = tmp_path / "new.yaml"
    space.write_text("name: t\n")
    for words in (["fork", str(run.path), "--space"], ["run", "--name", "a", "--transfer", str(run.path)]):
        assert call(*words, str(space), "--runs", str(run.path.parent)) == 0
    forked = open_run(run.path.with_name("t-2"))
    assert [trial.origin for trial in forked.trials] == ["t/0", "t/1"]
    assert not (tmp_path / "hatched").exists()


def test_a_sealed_checkpoint_with_a_pickle_is_refused(run: RunFolder, tmp_path: Path) -> None:
    merged = replay_of(events_of(SPEC, ["finished"]))
    key = TrialConfig.parse(merged.trials()[0].config).key
    place = run.trial(0) / CHECKPOINTS
    shutil.rmtree(place)
    checkpoint.save(place, key, 40, {"step": 40, "network": Canary(tmp_path / "hatched")})
    with pytest.raises(StateDamaged, match="something else than tensors"):
        Extend(0, 80).events(SPEC, run, merged)
    assert not (tmp_path / "hatched").exists()
    buffer = io.BytesIO()
    torch.save({"a": Canary(tmp_path / "hatched")}, buffer)
    with pytest.raises(StateDamaged):
        checkpoint.parse(buffer.getvalue())


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.mkdir [{hatched}]", "!!python/name:os.system", "!canary {{}}"])
def test_yaml_tags_make_nothing(run: RunFolder, tag: str, tmp_path: Path) -> None:
    evil: Any = f"name: t\nnotes: {tag.format(hatched=tmp_path / 'hatched')}\n"
    run.resolved.write_text(evil)
    run.space.write_text(evil)
    assert call("show", str(run.path)) == 0
    assert call("resume", str(run.path)) == 2
    assert not (tmp_path / "hatched").exists()
