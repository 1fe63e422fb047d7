from __future__ import annotations

from typing import Any

import pytest

from raysearch.errors import SpecError
from raysearch.spec.expression import parse
from raysearch.spec.inverse import nearest_values, values_of
from raysearch.spec.space import Space

TEMPLATE: dict[str, Any] = {
    "data": "photos",
    "patch": {"size": {"zip": "size", "values": [32, 64, 96]}},
    "batch": {"zip": "size", "values": [16, 4, 2]},
    "task": {"kind": "gaussian_denoise", "sigma_255": {"choice": [15, 25]}},
    "model": {"kind": "dncnn", "depth": {"int": [3, 9]}, "width": {"pow2": [8, 64]}},
    "sampler": {
        "one_of": [
            "uniform",
            {"kind": "gradient", "keep": {"float": [0.1, 1.0]}},
            {"kind": "hard_negative", "threshold_db": {"one_of": [{"float": [20, 40]}, {"start": 30, "end": {"int": [31, 40]}}]}},
        ]
    },
    "recipe": {
        "kind": "supervised",
        "loss": {"one_of": ["l1", "l2"]},
        "optimizer": {"kind": "adam", "lr": {"float": [1e-4, 1e-2], "log": True}},
        "schedule": "constant",
    },
    "augment": {"ordered": ["none", "flips", "flips_and_rotations"]},
    "evaluate": {"protocol": {"choice": ["dn-gray-u8", "jdd-rgb"]}},
    "steps": 100,
}
SPACE = Space.parse(TEMPLATE)


def config(space: Space, values: dict[str, Any], seed: int = 7) -> dict[str, object]:
    return space.bind(space.resolve(values), seed).model_dump(mode="json")


def test_every_assignment_is_found_again() -> None:
    drawn = [*SPACE.corners(), *SPACE.draws(60)]
    assert len({repr(one) for one in drawn}) > 60
    for assignment in drawn:
        assert values_of(SPACE, SPACE.bind(assignment, 3).model_dump(mode="json")) == assignment


def test_another_space_with_the_same_configuration() -> None:
    wider: Any = {**TEMPLATE, "model": {"kind": "dncnn", "depth": {"int": [1, 20]}, "width": {"choice": [8, 24, 32]}}, "steps": 100}
    wider["sampler"] = {"one_of": [{"kind": "patchnet"}, {"kind": "gradient", "keep": {"choice": [0.5, 0.25]}}]}
    given = config(SPACE, {"sampler.gradient.keep": 0.25, "model.depth": 4, "model.width": 32})
    found = values_of(Space.parse(wider), given)
    assert found["sampler"] == "gradient"
    assert found["sampler.gradient.keep"] == 0.25
    assert (found["model.depth"], found["model.width"], found["size"]) == (4, 32, "64, 4")


def changed(**parts: Any) -> Space:
    return Space.parse({**TEMPLATE, **parts})


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (changed(steps=200), r"steps is another \(100\)"),
        (changed(batch=8, patch={"size": 64}), r"batch is another \(4\)"),
        (changed(task={"kind": "gaussian_denoise", "sigma_255": 50}), r"task.sigma_255 is another"),
        (changed(model={"kind": "dncnn", "depth": {"int": [5, 9]}, "width": 32}), r"model.depth is outside model.depth \(4\)"),
        (changed(sampler={"one_of": ["uniform", "patchnet"]}), "sampler is outside sampler"),
        (changed(evaluate={"protocol": "jdd-rgb"}), "evaluate.protocol"),
        (changed(evaluate={"protocol": "dn-gray-u8", "images": 1}), "evaluate.images is another"),
        (SPACE.under([parse("patch.size * batch < 200")]), "constraints"),
    ],
)
def test_what_does_not_fit_says_why(space: Space, said: str) -> None:
    given = config(SPACE, {"sampler.gradient.keep": 0.25, "model.depth": 4, "model.width": 32})
    with pytest.raises(SpecError, match=said):
        values_of(space, given)


def test_seed_and_kept_samples_may_differ() -> None:
    given: Any = config(SPACE, {}, seed=123)
    given["evaluate"]["samples"] = 1
    assert values_of(SPACE, given) == SPACE.complete({})


def test_the_nearest_values_of_a_related_space() -> None:
    related = changed(
        data="bsds500",
        steps=500,
        model={"kind": "dncnn", "depth": {"int": [6, 20]}, "width": {"pow2": [64, 128]}},
        sampler={"one_of": ["uniform", {"kind": "gradient", "keep": {"float": [0.5, 1.0]}}]},
        task={"kind": "gaussian_denoise", "sigma_255": {"float": [20, 30]}},
    )
    given = config(SPACE, {"sampler.gradient.keep": 0.25, "model.depth": 4, "recipe.optimizer.lr": 0.002, "model.width": 32})
    found = nearest_values(related, given)
    assert found is not None
    assert related.fits(found)
    assert found["sampler"] == "gradient"
    assert found["sampler.gradient.keep"] == 0.5
    assert (found["model.depth"], found["model.width"], found["task.sigma_255"]) == (6, 64, 20)
    assert found["recipe.optimizer.lr"] == 0.002
    assert nearest_values(Space.parse({"steps": {"int": [1, 5]}}), {"nothing": 1}) is None
