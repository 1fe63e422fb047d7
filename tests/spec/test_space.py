"""The search space: names, conditions, sampling, corners, grids, published values, round trip."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from raysearch.errors import SpecError
from raysearch.spec.space import Space
from raysearch.spec.trial import TrialConfig

TEMPLATE: dict[str, Any] = {
    "data": {"kind": "photos"},
    "patch": {"size": {"choice": [64, 32]}},
    "task": {"kind": "demosaic"},
    "model": {"kind": "deepjdd", "padding": "same", "depth": {"int": [2, 6], "step": 2}},
    "sampler": {
        "one_of": [
            "uniform",
            {"kind": "gradient", "keep": {"float": [0.1, 0.9]}},
            {"kind": "hard_negative", "cell": 16, "threshold_db": {"one_of": [40.0, {"start": {"float": [40, 45]}, "end": 35.0}]}},
            {"kind": "gradient", "keep": 1.0, "score": {"choice": ["std", "gradient"]}},
        ]
    },
    "recipe": {
        "kind": "supervised",
        "loss": "l2",
        "optimizer": {"kind": "adam", "lr": {"float": [1e-4, 1e-2], "log": True}},
        "schedule": {"kind": "multistep", "milestones": [0.5, {"float": [0.6, 0.9]}]},
        "ema": {"one_of": [None, {"float": [0.9, 0.999]}]},
    },
}


class Dice:
    """A suggester that draws at random and keeps note."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.asked: list[str] = []

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        self.asked.append(name)
        return self.random.randrange(low, high + 1, step)

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False) -> float:
        self.asked.append(name)
        return self.random.uniform(low, high)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        self.asked.append(name)
        return self.random.choice(list(choices))


@pytest.fixture
def space() -> Space:
    return Space.parse(TEMPLATE)


def test_domains_are_named_by_their_dotted_path_and_branch(space: Space) -> None:
    assert list(space.domains) == [
        "patch.size",
        "model.depth",
        "sampler",
        "sampler.gradient.keep",
        "sampler.hard_negative.threshold_db",
        "sampler.hard_negative.threshold_db.start.start",
        "sampler.gradient_2.score",
        "recipe.optimizer.lr",
        "recipe.schedule.milestones.1",
        "recipe.ema",
        "recipe.ema.float",
    ]


def test_two_hundred_samples_fit_and_bind_and_ask_for_what_exists_only(space: Space) -> None:
    for seed in range(200):
        dice = Dice(seed)
        assignment = space.sample(dice)
        assert space.fits(assignment)
        assert dice.asked == list(assignment)
        trial = space.bind(assignment, seed=seed, steps=7)
        assert (trial.seed, trial.steps) == (seed, 7)
        assert trial.patch.size == assignment["patch.size"]
        assert TrialConfig.parse(trial.model_dump(mode="json")) == trial
        assert ("sampler.gradient.keep" in assignment) == (assignment["sampler"] == "gradient")
        data = space.draft(assignment).data["sampler"]
        kind = data if isinstance(data, str) else data["kind"]  # type: ignore[index]
        assert kind == str(assignment["sampler"]).removesuffix("_2")


def test_corners_meet_every_end_and_every_branch(space: Space) -> None:
    met: dict[str, set[object]] = {}
    for assignment in space.corners():
        assert space.fits(assignment)
        for name, value in assignment.items():
            met.setdefault(name, set()).add(value)
    for name, domain in space.domains.items():
        assert set(domain.ends) <= met[name], name


def test_pairs_meet_every_two_ends_that_can_meet(space: Space) -> None:
    assignments = list(space.pairs())
    assert all(space.fits(assignment) for assignment in assignments)
    for size in (32, 64):
        for depth in (2, 6):
            assert any(a["patch.size"] == size and a["model.depth"] == depth for a in assignments)
        for keep in (0.1, 0.9):
            assert any(a["patch.size"] == size and a.get("sampler.gradient.keep") == keep for a in assignments)


def test_a_draft_knows_where_each_value_was_written(space: Space) -> None:
    draft = space.draft(space.complete({"sampler.gradient.keep": 0.9, "model.depth": 2, "patch.size": 32}))
    assert draft.origin(("sampler", "keep")) == ("sampler", "one_of", 1, "keep", "float", 1)
    assert draft.origin(("sampler", "scores")) == ("sampler", "one_of", 1, "scores")
    assert draft.origin(("model", "depth")) == ("model", "depth", "int", 0)
    assert draft.origin(("patch", "size")) == ("patch", "size", "choice", 1)
    assert draft.origin(("recipe", "optimizer", "lr")) == ("recipe", "optimizer", "lr"), "the middle stands nowhere"
    assert draft.origin(("task", "kind")) == ("task", "kind")


def test_what_is_left_out_takes_the_default_and_a_name_chooses_its_branch(space: Space) -> None:
    assert space.complete({})["sampler"] == "uniform"
    whole = space.complete({"sampler.hard_negative.threshold_db.start.start": 42})
    assert whole["sampler"] == "hard_negative"
    assert whole["sampler.hard_negative.threshold_db"] == "start"
    assert whole["recipe.optimizer.lr"] == pytest.approx(1e-3)
    assert "sampler.gradient.keep" not in whole


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sampler.gradient.kep": 0.5}, "sampler.gradient.keep"),
        ({"sampler.gradient.keep": 2}, "outside its domain"),
        ({"sampler": "uniform", "sampler.gradient.keep": 0.5}, "only under sampler = gradient"),
        ({"sampler": "nothing"}, "outside its domain"),
    ],
)
def test_values_outside_the_space_are_refused(space: Space, values: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as caught:
        space.complete(values)
    assert message in str(caught.value)


def test_published_values_may_be_paths_of_the_configuration(space: Space) -> None:
    assert space.resolve({"sampler": "gradient", "sampler.keep": 0.5})["sampler.gradient.keep"] == 0.5
    assert space.resolve({"sampler": "gradient_2", "sampler.keep": 1.0})["sampler"] == "gradient_2", "fixed there, and equal"
    assert space.resolve({"sampler.keep": 0.5})["sampler"] == "gradient"
    assert space.resolve({"task.kind": "demosaic"}) == space.complete({})
    with pytest.raises(SpecError, match="not in this space"):
        space.resolve({"task.kind": "gaussian_denoise"})
    with pytest.raises(SpecError, match="not in this space"):
        space.resolve({"sampler": "gradient_2", "sampler.keep": 0.5})


def test_only_exact_assignments_fit(space: Space) -> None:
    good = space.complete({"sampler": "gradient"})
    assert space.fits(good)
    assert not space.fits({**good, "sampler": "uniform"}), "keep exists no more"
    assert not space.fits({name: value for name, value in good.items() if name != "patch.size"})
    assert not space.fits({**good, "model.depth": 3}), "off the steps"
    assert not space.fits({**good, "extra": 1})
    with pytest.raises(SpecError, match="do not fit"):
        space.bind({**good, "model.depth": 3}, seed=0)


def test_a_grid_has_every_combination_once_and_knows_its_size() -> None:
    space = Space.parse({"a": {"choice": [1, 2]}, "b": {"one_of": ["x", {"kind": "y", "c": {"int": [1, 5], "step": 2}}]}})
    grid = list(space.grid())
    assert len(grid) == 2 * (1 + 3) == space.size()
    assert len({repr(sorted(assignment.items())) for assignment in grid}) == len(grid)
    assert all(space.fits(assignment) for assignment in grid)


def test_there_is_no_grid_over_a_continuous_domain(space: Space) -> None:
    assert space.size() is None
    with pytest.raises(SpecError, match=r"sampler\.gradient\.keep"):
        space.grid()


def test_a_space_is_its_template(space: Space) -> None:
    assert Space.parse(space.template) == space
    assert Space.parse({**TEMPLATE, "steps": 3}) != space
    assert Space.parse({"a": 1}).complete({}) == {}


def test_faulty_domains_are_all_told_and_leave_the_rest_usable() -> None:
    space, faults = Space.read({"a": {"int": [2, 1]}, "b": {"choice": []}, "c": {"float": [0, 1]}})
    assert [fault.path for fault in faults] == [("a", "int"), ("b", "choice")]
    assert list(space.domains) == ["c"]
    with pytest.raises(SpecError, match="inverted"):
        Space.parse({"a": {"int": [2, 1]}})
    assert Space.read([1])[1]
    assert Space.read({"one_of": [{"a": 1}]})[1], "the whole trial can't be a domain"
