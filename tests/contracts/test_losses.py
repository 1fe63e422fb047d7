"""What every loss keeps."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
import torch
from jaxtyping import TypeCheckError

from raysearch import component
from raysearch.losses.base import LossConfig

KINDS = component.names("raysearch.losses")


def loss_of(kind: str) -> LossConfig:
    config = component.find("raysearch.losses", kind)()
    assert isinstance(config, LossConfig)
    return config


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_one_value_per_pixel(kind: str, channels: int, generator: torch.Generator) -> None:
    restored = torch.randn(2, channels, 17, 19, generator=generator)
    clean = torch.rand(2, channels, 17, 19, generator=generator)
    values = loss_of(kind).per_pixel(restored, clean)
    assert values.shape == (2, 1, 17, 19)
    assert values.isfinite().all()
    assert values.min() >= 0


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_beats_the_clean_image(kind: str, generator: torch.Generator) -> None:
    clean = torch.rand(2, 3, 9, 9, generator=generator)
    loss = loss_of(kind)
    best = loss.per_pixel(clean, clean).mean()
    previous = best
    for size in (0.01, 0.1, 0.5):
        value = loss.per_pixel(clean + size * torch.randn(clean.shape, generator=generator), clean).mean()
        assert value > previous
        previous = value


@pytest.mark.parametrize("kind", KINDS)
def test_images_of_a_batch_are_independent(kind: str, generator: torch.Generator) -> None:
    restored, clean = torch.rand(2, 4, 3, 8, 8, generator=generator)
    loss = loss_of(kind)
    alone = torch.cat([loss.per_pixel(r[None], c[None]) for r, c in zip(restored, clean, strict=True)])
    assert torch.equal(loss.per_pixel(restored, clean), alone)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_finite_everywhere_and_right(kind: str, generator: torch.Generator) -> None:
    clean = torch.rand(1, 3, 3, 3, generator=generator, dtype=torch.float64)
    perfect = clean.clone().requires_grad_()
    loss = loss_of(kind)
    loss.per_pixel(perfect, clean).sum().backward()
    assert perfect.grad is not None
    assert perfect.grad.isfinite().all()
    far = (clean + 0.3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss.per_pixel(x, clean).sum(), (far,))


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_output_is_compared_in_single(kind: str, generator: torch.Generator) -> None:
    clean = torch.rand(1, 3, 8, 8, generator=generator)
    restored = torch.rand(1, 3, 8, 8, generator=generator).bfloat16()
    values = loss_of(kind).per_pixel(restored, clean)
    assert values.dtype == torch.float32
    assert torch.equal(values, loss_of(kind).per_pixel(restored.float(), clean))


@pytest.mark.parametrize("kind", KINDS)
def test_json_round_trip_and_source(kind: str) -> None:
    loss = loss_of(kind)
    assert type(loss).parse(loss.model_dump(mode="json")) == loss
    assert re.search(r"\b(19|20)\d\d\b", import_module(f"raysearch.losses.{kind}").__doc__ or ""), "no source"


@pytest.mark.parametrize("wrong", [(2, 3, 8, 9), (2, 1, 8, 8), (1, 3, 8, 8), (3, 8, 8)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_shape_is_caught_in_tests(kind: str, wrong: tuple[int, ...]) -> None:
    with pytest.raises(TypeCheckError):
        loss_of(kind).per_pixel(torch.rand(wrong), torch.rand(2, 3, 8, 8))
