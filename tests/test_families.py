"""The kept table of trained families: it is whole, its two files agree, and it is of the trainings that `families` describes."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from raysearch import component
from raysearch.errors import SpecError
from raysearch.models.base import ModelConfig
from raysearch.spec.trial import TrialConfig
from raysearch.tasks.base import TaskConfig
from tests.benchmarks.families import FAMILIES, NOT_TRAINED, SETTINGS
from tests.benchmarks.train_families import markdown, training_of, trial_of

PLACE = Path(__file__).parents[1] / "reports" / "families"
TEXTS = ("family", "model", "task", "test", "protocol", "baseline", "note")
KINDS = {str(family.model["kind"]) for family in FAMILIES.values()}


def lines() -> dict[str, dict[str, Any]]:
    """The table's lines by family, as they were written."""
    with PLACE.with_suffix(".csv").open(newline="", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    return {line["family"]: {name: value if name in TEXTS else json.loads(value) for name, value in line.items()} for line in read}


def trial(name: str) -> TrialConfig:
    family = FAMILIES[name]
    setting = SETTINGS[family.setting]
    return trial_of(setting, family.model, family.tests or setting.tests, Path("data"), training_of(family))


def learns(kind: str) -> bool:
    """Whether a network has parameters, with the first task that it can be built for."""
    model = component.find("raysearch.models", kind).parse({})
    assert isinstance(model, ModelConfig)
    for task in (component.find("raysearch.tasks", name).parse({}) for name in component.names("raysearch.tasks")):
        assert isinstance(task, TaskConfig)
        try:
            return any(True for _ in model.build(task.channels_in, task.channels, task.scale).parameters())
        except SpecError:
            continue
    raise AssertionError(f"no task fits {kind}")


@pytest.mark.parametrize("kind", sorted(set(component.names("raysearch.models")) - KINDS))
def test_every_network_that_learns_is_trained_or_says_why_not(kind: str) -> None:
    assert learns(kind) == (kind in NOT_TRAINED), (
        f"{kind}: add a family to tests/benchmarks/families.py, or a reason to NOT_TRAINED"
    )


def test_reasons_are_of_networks_that_exist_and_are_in_no_family() -> None:
    assert set(NOT_TRAINED) <= set(component.names("raysearch.models")) - KINDS
    assert all(NOT_TRAINED.values())


def test_the_page_is_that_of_the_lines() -> None:
    assert PLACE.with_suffix(".md").read_text(encoding="utf-8") == markdown(list(lines().values()))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_line_is_of_the_training_that_its_family_describes(name: str) -> None:
    """A family that was changed must be trained again."""
    line, family, told = lines()[name], FAMILIES[name], trial(name)
    setting = SETTINGS[family.setting]
    assert json.loads(line["model"]) == family.model
    assert (line["steps"], line["lr"], line["note"]) == (told.steps, family.lr, family.note)
    assert (line["task"], line["baseline"], line["protocol"]) == (setting.title, setting.baseline, setting.protocol)
    if line["parameters"]:
        assert (line["batch"], line["patch"]) == (told.batch, told.patch.size)
        net = told.model.build(told.task.channels_in, told.task.channels, told.task.scale)
        assert line["parameters"] == sum(p.numel() for p in net.parameters() if p.requires_grad)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_gains_or_the_table_says_why_not(name: str) -> None:
    line = lines()[name]
    assert line["gain_db"] == pytest.approx(line["network_db"] - line["baseline_db"], abs=0.002)
    assert line["low_db"] <= line["gain_db"] <= line["high_db"]
    assert 0 <= line["images_better"] <= line["images"]
    assert line["low_db"] > 0 or line["note"]


def test_no_family_is_left_over() -> None:
    assert list(lines()) == list(FAMILIES)
