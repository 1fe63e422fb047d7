"""A donor's values, changed: what a child in population based training begins with.

What may change is what can change while a network is trained (`raysearch.spec.trial.TrialConfig.may_change`) and has an order:
``int``, ``float``, ``ordered``, ``pow2``, and a ``zip`` whose numbers rise or fall. Choices, branches, the network, the data and
the length stay the donor's.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

from raysearch.errors import SpecError
from raysearch.spec.constraints import Dice
from raysearch.spec.domains import Choice, Domain, Float, Int, Leaf, Ordered
from raysearch.spec.space import Assignment, Space
from raysearch.spec.template import Entry
from raysearch.spec.trial import TrialConfig

_ATTEMPTS = 200
"""Draws until one meets the constraints and differs from the donor."""


def movable(space: Space, values: Mapping[str, Leaf], config: TrialConfig) -> list[Entry]:
    """Return the domains whose values may differ between a donor and its child."""

    def moves(entry: Entry) -> bool:
        targets = [place.target for place in entry.places] or [entry.target]
        return not isinstance(entry.domain, Choice) and all(config.may_change(target) for target in targets)

    return [entry for entry in space.entries if entry.name in values and moves(entry)]


def child_of(
    space: Space, values: Mapping[str, Leaf], config: TrialConfig, factors: Sequence[float], resample: float, seed: int
) -> Assignment:
    """Return the values of a child: each that may change is multiplied by a factor, or, with probability ``resample``, drawn anew.

    They meet the study's constraints. Where no change does, or nothing may change, they are the donor's.

    Args:
        values: the donor's.
        config: the donor's.
        seed: of the draws.
    """
    entries = movable(space, values, config)
    chance, dice = random.Random(seed), Dice(seed)
    for _ in range(_ATTEMPTS if entries else 0):
        changed = dict(values)
        for entry in entries:
            if chance.random() < resample:
                changed[entry.name] = entry.domain.suggest(entry.name, dice)
            else:
                changed[entry.name] = moved(entry.domain, values[entry.name], chance.choice(list(factors)))
        if changed != values and _is_valid(space, changed, config):
            return changed
    return dict(values)


def moved(domain: Domain, value: Leaf, factor: float) -> Leaf:
    """Return a value of a domain times a factor, at least one step away and not beyond the domain's ends."""
    if isinstance(domain, Ordered):
        position = domain.options.index(value) + (1 if factor > 1 else -1 if factor < 1 else 0)
        return domain.options[min(max(position, 0), len(domain.options) - 1)]
    assert isinstance(domain, Int | Float)
    assert isinstance(value, int | float)
    target = value * factor
    if isinstance(domain, Float) and domain.step is None:
        return min(max(target, domain.low), domain.high)
    step = domain.step or 1
    steps = math.copysign(max(1, round(abs(target - value) / step)), target - value) if target != value else 0
    at = round((value - domain.low) / step) + int(steps)
    last = math.floor((domain.high - domain.low) / step + 1e-9)
    found = domain.low + min(max(at, 0), last) * step
    return found if isinstance(domain, Int) else min(domain.high, round(found, 12))


def _is_valid(space: Space, values: Assignment, config: TrialConfig) -> bool:
    try:
        space.bind(values, config.seed)
    except SpecError:
        return False
    return space.allows(values)
