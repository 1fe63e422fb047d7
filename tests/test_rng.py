"""Named streams: fixed, independent of each other, and stable when others are added."""

from __future__ import annotations

import torch

from raysearch.rng import seed_of, torch_generator


def test_seeds_are_fixed_for_ever() -> None:
    # A changed value would make every stored run irreproducible.
    assert seed_of(0, "noise") == 5127903134280592399
    assert seed_of(7, "trial", 12) == 1652472219947140835


def test_streams_differ_by_name_number_and_seed() -> None:
    seeds = {seed_of(s, name, n) for s in range(4) for name in ("init", "noise") for n in range(50)}
    assert len(seeds) == 400
    assert all(0 <= s < 2**63 for s in seeds)


def test_generators_repeat_and_leave_the_global_state_alone() -> None:
    before = torch.get_rng_state()
    a, b = torch_generator(1, "x"), torch_generator(1, "x")
    assert torch.equal(torch.rand(5, generator=a), torch.rand(5, generator=b))
    assert torch.equal(torch.get_rng_state(), before)
