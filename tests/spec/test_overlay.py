"""Profiles and settings: what is merged, what is replaced, and where each part came from."""

from __future__ import annotations

from typing import Any

import pytest

from raysearch.errors import SpecError
from raysearch.spec.document import Document
from raysearch.spec.overlay import with_profile, with_setting
from raysearch.spec.yaml import parse

TEXT = """\
name: x
trial:
  steps: 10
  model: {kind: dncnn, depth: 7}
  lr: {float: [1, 2]}
  sampler:
    one_of:
      - uniform
      - {kind: gradient, keep: {float: [0.1, 1]}}
  loss: l2
profiles:
  big:
    trial:
      steps: 20
      model: {depth: 17}
  other:
    trial:
      model: {kind: deepjdd}
      lr: 3
      sampler: {kind: uniform}
      loss: {one_of: [l1, l2]}
"""


@pytest.fixture
def document() -> Document:
    return parse(TEXT, "x.yaml")


def trial(document: Document) -> Any:
    return document.data["trial"]  # type: ignore[index]


def test_profiles_disappear_and_change_nothing_when_none_is_chosen(document: Document) -> None:
    plain = with_profile(document, None)
    assert "profiles" not in plain.data  # type: ignore[operator]
    assert trial(plain) == trial(document)


def test_a_profile_is_merged_key_by_key(document: Document) -> None:
    merged = with_profile(document, "big")
    assert trial(merged)["model"] == {"kind": "dncnn", "depth": 17}
    assert trial(merged)["steps"] == 20
    assert str(merged.mark(("trial", "model", "depth"))) == "x.yaml:15:15"
    assert str(merged.mark(("trial", "model", "kind"))) == "x.yaml:4:11"
    assert str(merged.mark(("name",))) == "x.yaml:1:1"


def test_another_kind_and_domains_replace_whole(document: Document) -> None:
    merged = trial(with_profile(document, "other"))
    assert merged["model"] == {"kind": "deepjdd"}
    assert merged["lr"] == 3
    assert merged["sampler"] == {"kind": "uniform"}
    assert merged["loss"] == {"one_of": ["l1", "l2"]}


def test_an_unknown_profile_names_the_nearest(document: Document) -> None:
    with pytest.raises(SpecError, match="no such profile") as caught:
        with_profile(document, "bgi")
    assert "'big'" in caught.value.remedy
    assert caught.value.place == "x.yaml:11:1"
    with pytest.raises(SpecError, match="no profiles"):
        with_profile(parse("a: 1"), "big")
    with pytest.raises(SpecError, match="must be a mapping"):
        with_profile(parse("profiles: [1]"), "big")


@pytest.mark.parametrize(
    ("setting", "path", "value"),
    [
        ("trial.steps=5", ("steps",), 5),
        ("trial.lr=1e-4", ("lr",), 1e-4),
        ("trial.lr={float: [1e-5, 1], log: true}", ("lr",), {"float": [1e-5, 1], "log": True}),
        ("trial.lr.float=[3, 4]", ("lr", "float"), [3, 4]),
        ("trial.lr.float.1=9", ("lr", "float", 1), 9),
        ("trial.model.depth=9", ("model",), {"kind": "dncnn", "depth": 9}),
        ("trial.model.kind=deepjdd", ("model",), {"kind": "deepjdd"}),
        ("trial.model.kind=dncnn", ("model",), {"kind": "dncnn", "depth": 7}),
        ("trial.sampler.kind=uniform", ("sampler",), {"kind": "uniform"}),
        ("trial.sampler.one_of.1.keep=0.5", ("sampler", "one_of", 1), {"kind": "gradient", "keep": 0.5}),
        ("trial.sampler.one_of.0.cell=4", ("sampler", "one_of", 0), {"kind": "uniform", "cell": 4}),
        ("trial.loss.eps=0.1", ("loss",), {"kind": "l2", "eps": 0.1}),
        ("trial.patch.size=32", ("patch",), {"size": 32}),
        ("trial.steps=", ("steps",), None),
    ],
)
def test_settings(document: Document, setting: str, path: tuple[Any, ...], value: object) -> None:
    changed = with_setting(with_profile(document, None), setting)
    assert changed.value(("trial", *path)) == value
    keys = setting.partition("=")[0].split(".")
    target = tuple(int(key) if key.isdecimal() else key for key in keys)
    assert str(changed.mark(target)) == f"--set {setting}"
    assert str(changed.mark(("name",))) == "x.yaml:1:1"
    assert trial(document)["steps"] == 10, "the document itself is unchanged"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("trial.steps", "not of the form"),
        ("=3", "not of the form"),
        ("trial..steps=3", "not of the form"),
        ("trial.steps.x=3", "has no parts"),
        ("trial.sampler.keep=3", "is a domain"),
        ("trial.sampler.one_of.2=3", "no part 2"),
        ("trial.sampler.one_of.x.keep=3", "no part x"),
        ("trial.steps=[1", "not YAML"),
        ("trial.steps=!x 1", "the tag"),
    ],
)
def test_settings_that_lead_nowhere(document: Document, setting: str, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        with_setting(with_profile(document, None), setting)
    assert f"--set {setting}" in str(caught.value)
    assert caught.value.remedy
