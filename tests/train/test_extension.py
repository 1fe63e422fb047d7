"""Longer trainings from a checkpoint: the same to the bit where nothing depends on the length, and known where something does."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import torch

from raysearch.component import find, names
from raysearch.train import checkpoint
from raysearch.train.extension import continue_from, depends_on_length
from raysearch.train.files import CHECKPOINTS
from raysearch.train.loop import fit
from raysearch.train.reporter import ListReporter


def recipe(schedule: Any, loss: Any = "l2") -> dict[str, Any]:
    return {"kind": "supervised", "loss": loss, "optimizer": {"kind": "adam", "lr": 1e-3}, "schedule": schedule, "ema": 0.9}


def weights(folder: Path, step: int) -> dict[str, torch.Tensor]:
    state = checkpoint.parse(checkpoint.read(checkpoint.path_of(folder / CHECKPOINTS, step)))
    network = state["network"]
    assert isinstance(network, dict)
    return network


@pytest.mark.parametrize("sampler", ["uniform", {"kind": "hard_negative", "cell": 8}])
def test_without_a_schedule_a_longer_training_is_one_from_the_start(make_trial, make_io, sampler: Any) -> None:  # type: ignore[no-untyped-def]
    short = make_trial(sampler=sampler, recipe=recipe({"kind": "constant", "warmup_steps": 2}), steps=8)
    long = short.model_copy(update={"steps": 12})
    assert not depends_on_length(short, 12, 8)
    fit(short, make_io("short"), ListReporter())
    assert continue_from(make_io("short").folder, short, make_io("longer").folder, long) == 8
    reporter = ListReporter()
    fit(long, make_io("longer"), reporter)
    fit(long, make_io("whole"), ListReporter())
    assert [report.step for report in reporter.reports] == [8, 12]
    longer, whole = weights(make_io("longer").folder, 12), weights(make_io("whole").folder, 12)
    assert longer.keys() == whole.keys()
    assert all(torch.equal(longer[name], whole[name]) for name in whole)
    assert checkpoint.newest(make_io("short").folder / CHECKPOINTS, short.key) is not None, "the trial keeps its own"


@pytest.mark.parametrize(
    ("parts", "done", "depends"),
    [
        ({"recipe": recipe("cosine")}, 12, True),
        ({"recipe": recipe({"kind": "multistep", "milestones": [0.5]})}, 12, True),
        ({"recipe": recipe({"kind": "multistep", "milestones": [0.5]})}, 4, False),
        ({"recipe": recipe("constant", {"kind": "switch", "first": "l2", "then": "l1"})}, 4, True),
        (
            {"recipe": recipe("constant", {"kind": "sum", "parts": [{"loss": {"kind": "switch", "first": "l2", "then": "l1"}}]})},
            4,
            True,
        ),
        ({"recipe": recipe("constant"), "sampler": {"kind": "patchnet", "cell": 16, "width": 4}}, 4, True),
        (
            {
                "recipe": recipe("constant"),
                "sampler": {"kind": "hard_negative", "cell": 8, "threshold_db": {"start": 30, "end": 20}},
            },
            4,
            True,
        ),
        ({"recipe": recipe("constant"), "sampler": {"kind": "hard_negative", "cell": 8}}, 12, False),
    ],
)
def test_what_depends_on_the_length_is_known(make_trial, parts: dict[str, Any], done: int, depends: bool) -> None:  # type: ignore[no-untyped-def]
    trial = make_trial(**parts, steps=12)
    assert depends_on_length(trial, 24, done) == depends
    assert not depends_on_length(trial, 12, done)


@pytest.mark.parametrize(("package", "reads"), [("raysearch.samplers", "context.steps"), ("raysearch.losses", "compared.progress")])
def test_who_reads_the_progress_says_so(package: str, reads: str) -> None:
    passes_on = {"coarse"}  # to the losses inside, which say so themselves
    for kind in names(package):
        config = find(package, kind)
        source = inspect.getsource(inspect.getmodule(config) or config)
        says = "follows_progress" in vars(config)
        assert says == (reads in source and kind not in passes_on), kind
