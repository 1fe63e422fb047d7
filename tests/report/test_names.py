"""What configurations are called: everything that differs, nothing that does not, and no more than that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from raysearch import component
from raysearch.report.compare import answer
from raysearch.report.names import PROPER, details, distinguish
from raysearch.report.view import view
from raysearch.results.record import RunRecord

BASE = {
    "model": {"kind": "dncnn", "depth": 7, "width": 24},
    "sampler": {"kind": "uniform"},
    "recipe": {"kind": "supervised", "loss": {"kind": "l2"}, "optimizer": {"kind": "adam", "lr": 1e-3}},
    "patch": {"size": 64},
    "batch": 8,
    "seed": 1,
}
GRADIENT = {"kind": "gradient", "keep": 0.5, "score": "std"}


def config(**parts: object) -> dict[str, object]:
    """The base with parts replaced; ``recipe__loss`` is nested."""
    made = {**BASE, "recipe": {**BASE["recipe"]}}  # type: ignore[dict-item]
    for key, value in parts.items():
        head, _, rest = key.partition("__")
        if rest:
            made[head][rest] = value  # type: ignore[index]
        else:
            made[head] = value
    return made


@pytest.mark.parametrize(
    ("configs", "expected"),
    [
        ([config(), config(sampler=GRADIENT)], ("uniform sampling", "gradient mining")),
        ([config(), config(model={"kind": "restorenet", "width": 64})], ("DnCNN", "RestoreNet")),
        ([config(), config(recipe__loss={"kind": "l1"})], ("l2 loss", "l1 loss")),
        (
            [config(), config(model={"kind": "edsr", "blocks": 4}, sampler=GRADIENT)],
            ("DnCNN + uniform sampling", "EDSR + gradient mining"),
        ),
        ([config(), config(seed=2)], ("", "")),
        ([config(), config(patch={"size": 96})], ("patch size 64", "patch size 96")),
        (
            [config(sampler=GRADIENT), config(sampler={**GRADIENT, "keep": 0.1})],
            ("sampler keep 0.5", "sampler keep 0.1"),
        ),
        (
            [config(), config(sampler=GRADIENT), config(sampler={**GRADIENT, "keep": 0.1})],
            ("uniform sampling", "gradient mining (sampler keep 0.5)", "gradient mining (sampler keep 0.1)"),
        ),
        (
            [config(sampler={"kind": "patchnet", "lr": 0.1}), config(sampler={"kind": "patchnet", "lr": 0.2})],
            ("sampler lr 0.1", "sampler lr 0.2"),
        ),
        ([{"sampler": "uniform"}, {"sampler": "mine.own"}], ("uniform sampling", "mine.own")),
        ([{}, {"sampler": 3}], ("", "sampler 3")),
        ([BASE], ("",)),
        ([], ()),
    ],
)
def test_what_differs_is_said(configs: list[object], expected: tuple[str, ...]) -> None:
    assert distinguish(configs) == expected


def test_many_values_are_counted() -> None:
    first = config(batch=1, patch={"size": 1}, model={"kind": "dncnn", "depth": 1, "width": 1})
    second = config(batch=2, patch={"size": 2}, model={"kind": "dncnn", "depth": 2, "width": 2})
    assert distinguish([first, second])[1] == "model depth 2, model width 2 and 2 more values"


def test_every_proper_name_belongs_to_a_kind() -> None:
    for part, names in PROPER.items():
        assert set(names) <= set(component.names(f"raysearch.{part}s"))


def test_a_headline_names_the_network_when_only_that_differs(run: RunRecord, folder: Path) -> None:
    def as_network(trial_config: dict[str, object], kind: str) -> dict[str, object]:
        return trial_config | {"sampler": {"kind": "uniform"}, "model": {"kind": kind}}

    trials = tuple(
        replace(t, config=as_network(t.config, "deepjdd" if t.role == "baseline" else "restorenet")) if t.phase == "confirm" else t
        for t in run.trials
    )
    seen = view(replace(run, trials=trials), folder, "r1")
    assert answer(seen)[0].startswith("RestoreNet beats DeepJDD: ")
    assert [method.title for method in seen.methods] == ["Baseline: DeepJDD", "Top 1: RestoreNet"]


def test_configurations_that_no_words_tell_apart_go_by_their_trial(run: RunRecord, folder: Path) -> None:
    trials = tuple(
        replace(t, config={"sampler": {"kind": "uniform"}, "batch": 1.0001 if t.role == "baseline" else 1.0})
        if t.phase == "confirm"
        else t
        for t in run.trials
    )
    seen = view(replace(run, trials=trials), folder, "r1")
    assert answer(seen)[0].startswith("The search's winner (trial ")
    assert seen.methods[1].title.startswith("Top 1: trial ")


def test_details_name_each_component_once() -> None:
    bare, mined = details([config(), config(sampler=GRADIENT, patch={"size": 96}, batch=4)])
    assert bare == "batch 8; patch: size 64"
    assert mined == "batch 4; patch: size 96; sampler: keep 0.5, score std"
