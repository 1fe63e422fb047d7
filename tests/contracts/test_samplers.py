"""What every patch sampler promises."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from raysearch.component import find, is_structural, names
from raysearch.data.scores import SCORES
from raysearch.samplers.base import Sampler, SamplerConfig, SamplerContext, Signals

KINDS = names("raysearch.samplers")
SMALL: dict[str, dict[str, object]] = {
    "patchnet": {"cell": 16, "width": 4},
    "hard_negative": {"cell": 16, "threshold_db": {"start": 30, "end": 20}, "warmup_steps": 1},
    "loss": {"checkpoint": "/nowhere"},
}
"""Settings that make a kind fit a patch of 32 pixels; a kind that is not named is built with its defaults."""

COUNT, BATCH, SIDE, STEPS = 21, 4, 32, 12


def config_of(kind: str) -> SamplerConfig:
    config = find("raysearch.samplers", kind).parse({"kind": kind, **SMALL.get(kind, {})})
    assert isinstance(config, SamplerConfig)
    return config


def build(kind: str, seed: int = 3) -> Sampler:
    return built(config_of(kind), seed)


def built(config: SamplerConfig, seed: int = 3) -> Sampler:
    scores = {name: np.random.default_rng(0).random(COUNT, dtype=np.float32) for name in config.scores}
    return config.build(SamplerContext(COUNT, scores, STEPS, SIDE, 3, seed, torch.device("cpu")))


def signals_of(step: int) -> Signals:
    generator = torch.Generator().manual_seed(step)
    clean = torch.rand(BATCH, 3, SIDE, SIDE, generator=generator)
    noise = 0.2 * torch.rand(BATCH, 1, SIDE, SIDE, generator=generator) * torch.randn(clean.shape, generator=generator)
    return Signals(clean + noise, clean, noise.square().mean(1, keepdim=True))


def play(sampler: Sampler, steps: range) -> Iterator[tuple[torch.Tensor, torch.Tensor | None, dict[str, float]]]:
    for step in steps:
        rows = sampler.suggest(BATCH)
        weights = sampler.update(rows, signals_of(step))
        yield rows, weights, sampler.statistics()


def assert_same(one: Sampler, other: Sampler, steps: range) -> None:
    for (rows, weights, stats), (rows2, weights2, stats2) in zip(play(one, steps), play(other, steps), strict=True):
        assert torch.equal(rows, rows2)
        assert (weights is None) == (weights2 is None)
        assert weights is None or torch.equal(weights, weights2)
        assert stats == stats2


def through_a_file(state: dict[str, object]) -> dict[str, object]:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=True)
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_int64_on_the_cpu_and_in_range(kind: str) -> None:
    sampler = build(kind)
    for count in (1, BATCH, 3 * COUNT):
        rows = sampler.suggest(count)
        assert rows.shape == (count,)
        assert rows.dtype == torch.int64
        assert rows.min() >= 0
        assert rows.max() < COUNT


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_choices_and_another_seed_does_not(kind: str) -> None:
    assert_same(build(kind), build(kind), range(STEPS))
    assert not torch.equal(build(kind, seed=3).suggest(COUNT), build(kind, seed=4).suggest(COUNT))


@pytest.mark.parametrize("kind", KINDS)
def test_the_global_generator_is_left_alone(kind: str) -> None:
    before = torch.random.get_rng_state()
    list(play(build(kind), range(2)))
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("steps", [0, 1, 7])
@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_sampler_continues_equally_from_any_step(kind: str, steps: int) -> None:
    sampler = build(kind)
    list(play(sampler, range(steps)))
    state = through_a_file(sampler.state_dict())
    restored = build(kind, seed=99)
    restored.load_state_dict(state)
    assert restored.statistics() == sampler.statistics()
    assert_same(sampler, restored, range(steps, STEPS))


def other_settings(config: SamplerConfig) -> Iterator[SamplerConfig]:
    """The config with another number in each field that is not structural, where another one is valid."""
    data = config.model_dump(mode="json")
    for name, value in data.items():
        if isinstance(value, int | float) and not isinstance(value, bool) and not is_structural(config, (name,)):
            for other in (value * 0.5, value * 2, value + 1, value // 2):
                try:
                    yield type(config).parse({**data, name: other})
                except ValidationError:
                    continue


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_that_is_not_structural_may_change_on_the_way(kind: str) -> None:
    donor = build(kind)
    list(play(donor, range(7)))
    saved = copy.deepcopy(donor.state_dict())
    for config in other_settings(config_of(kind)):
        child = built(config)
        child.take_over(through_a_file(saved))
        assert sum(1 for _ in play(child, range(7, STEPS))) == STEPS - 7
    same = build(kind, seed=99)
    same.take_over(through_a_file(saved))
    assert_same(donor, same, range(7, STEPS))


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_detached_non_negative_and_weigh_the_batch_like_a_mean(kind: str) -> None:
    for _, weights, _ in play(build(kind), range(STEPS)):
        if weights is not None:
            assert weights.shape == (BATCH, 1, SIDE, SIDE)
            assert weights.dtype == torch.float32
            assert not weights.requires_grad
            assert weights.min() >= 0
            assert weights.sum().item() == pytest.approx(BATCH, rel=1e-5) or not weights.any()


@pytest.mark.parametrize("kind", KINDS)
def test_signals_are_not_changed_and_the_ones_not_needed_are_not_read(kind: str) -> None:
    needs = config_of(kind).needs
    given = signals_of(0)
    nans = {name: value if name in needs else torch.full_like(value, torch.nan) for name, value in vars(given).items()}
    copies = {name: value.clone() for name, value in nans.items()}
    sampler, same = build(kind), build(kind)
    for one, other in ((sampler, Signals(**nans)), (same, given)):
        one.update(one.suggest(BATCH), other)
    for name, value in nans.items():
        assert torch.equal(value, copies[name]) or bool(value.isnan().all())
    assert sampler.statistics() == same.statistics()


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_needs_no_autograd_around_it(kind: str) -> None:
    with torch.no_grad():
        list(play(build(kind), range(2)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_look_shows_what_is_kept_and_changes_nothing(kind: str) -> None:
    looked, blind = build(kind), build(kind)
    for step in range(0, STEPS, 3):
        signals, rows = signals_of(99), torch.arange(BATCH)
        kept = looked.look(rows, signals.restored, signals.clean)
        assert kept.shape == (BATCH, 1, SIDE, SIDE)
        assert kept.dtype == torch.float32
        assert not kept.requires_grad
        assert kept.min() >= 0
        assert kept.max() <= 1
        assert torch.equal(kept, looked.look(rows, signals.restored, signals.clean))
        alone = looked.look(rows[1:2], signals.restored[1:2], signals.clean[1:2])
        torch.testing.assert_close(alone, kept[1:2])
        assert_same(looked, blind, range(step, step + 3))


@pytest.mark.parametrize("kind", ["gradient", "random_subset", "loss"])
def test_a_look_at_static_mining_shows_the_patches_that_are_visited(kind: str) -> None:
    sampler, rows = build(kind), torch.arange(COUNT)
    images = torch.zeros(COUNT, 3, SIDE, SIDE)
    kept = sampler.look(rows, images, images)[:, 0, 0, 0]
    assert set(sampler.suggest(10 * COUNT).tolist()) == set(rows[kept > 0].tolist())


@pytest.mark.parametrize("kind", KINDS)
def test_statistics_are_finite_numbers(kind: str) -> None:
    for _, _, statistics in play(build(kind), range(3)):
        assert all(isinstance(value, float) and np.isfinite(value) for value in statistics.values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_config_round_trips_and_states_its_needs(kind: str) -> None:
    config = config_of(kind)
    assert type(config).parse(config.model_dump(mode="json")) == config
    assert config.needs <= {"restored", "clean", "loss_map"}
    assert config.scores <= {*SCORES, "loss"}
    assert (config.scored_by is not None) == ("loss" in config.scores)
    assert 1 <= config.smallest_patch <= SIDE
