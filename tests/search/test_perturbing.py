"""How a child's values come from its donor's: inside their domains, under the constraints, and only those that may change."""

from __future__ import annotations

import pytest
from small_study import TRIAL

from raysearch.search.perturbing import child_of, moved
from raysearch.spec.domains import Domain, Float, Int, Leaf, Ordered
from raysearch.spec.expression import parse
from raysearch.spec.space import Space

LR = "recipe.optimizer.lr"


@pytest.mark.parametrize(
    ("domain", "value", "factor", "expected"),
    [
        (Float(1e-4, 1e-2, log=True), 1e-3, 1.25, 1.25e-3),
        (Float(1e-4, 1e-2, log=True), 9e-3, 1.25, 1e-2),
        (Float(0, 1), 0.5, 0.8, 0.4),
        (Float(0, 1, step=0.1), 0.5, 1.25, 0.6),
        (Float(0, 1, step=0.1), 1.0, 1.25, 1.0),
        (Float(0, 1, step=0.25), 0.75, 0.8, 0.5),
        (Int(1, 9), 2, 1.25, 3),
        (Int(1, 9), 8, 0.5, 4),
        (Int(1, 9, step=4), 5, 1.25, 9),
        (Int(1, 9), 1, 0.8, 1),
        (Ordered((8, 16, 32), "pow2"), 16, 1.25, 32),
        (Ordered((8, 16, 32), "pow2"), 8, 0.8, 8),
        (
            Ordered(
                ("none", "flips"),
            ),
            "none",
            3.0,
            "flips",
        ),
        (Float(0, 1), 0.5, 1.0, 0.5),
    ],
)
def test_a_value_moves_inside_its_domain(domain: Domain, value: Leaf, factor: float, expected: Leaf) -> None:
    found = moved(domain, value, factor)
    assert found == pytest.approx(expected) if isinstance(expected, float) else found == expected
    assert domain.match(found) == found


MIXED = {
    **TRIAL,
    "patch": {"size": {"pow2": [32, 128]}},
    "model": {"kind": "dncnn", "depth": {"int": [3, 8]}},
    "sampler": {
        "one_of": [
            {"kind": "gradient", "keep": {"float": [0.1, 1.0]}},
            {
                "kind": "patchnet",
                "cell": {"ordered": [16, 32]},
                "width": {"int": [4, 16], "step": 4},
                "temperature": {"float": [0.5, 20], "log": True},
                "objective": {"choice": ["adversarial", "regress"]},
            },
        ]
    },
    "batch": {"pow2": [4, 32]},
}


@pytest.mark.parametrize("branch", ["gradient", "patchnet"])
def test_what_can_not_change_on_the_way_stays_the_donors(branch: str) -> None:
    space = Space.parse(MIXED)
    donor = space.resolve({"sampler": branch, "batch": 8})
    config = space.bind(donor, 5)
    free = {"recipe.optimizer.lr", "batch", "sampler.gradient.keep", "sampler.patchnet.temperature"}
    changed: set[str] = set()
    for seed in range(40):
        child = child_of(space, donor, config, (0.8, 1.25), 0.3, seed)
        assert space.fits(child)
        changed |= {name for name in child if child[name] != donor[name]}
        assert child == child_of(space, donor, config, (0.8, 1.25), 0.3, seed)
    assert changed == {name for name in free if name in donor}


def test_children_meet_the_constraints() -> None:
    space = Space.parse(MIXED).under([parse("batch * recipe.optimizer.lr <= 0.009")])
    donor = space.resolve({"sampler": "gradient", "batch": 8, LR: 1e-3})
    for seed in range(30):
        assert space.allows(child_of(space, donor, space.bind(donor, 0), (0.5, 2.0), 0.3, seed))
    strict = Space.parse(MIXED).under([parse("batch == 8"), parse("recipe.optimizer.lr == 0.001"), parse("sampler.keep == 0.5")])
    alone = strict.resolve({"sampler": "gradient", "sampler.keep": 0.5, "batch": 8, LR: 1e-3})
    assert child_of(strict, alone, strict.bind(alone, 0), (0.5, 2.0), 0.3, 1) == alone
