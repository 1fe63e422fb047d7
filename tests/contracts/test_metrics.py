"""What every metric keeps. A metric is a file of `raysearch.metrics` with a function of its own name."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from typing import Literal

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor

from raysearch import component
from raysearch.errors import SpecError
from raysearch.metrics.protocol import Protocol

Metric = Callable[[Tensor, Tensor, Protocol], Tensor]
KINDS = [name for name in component.names("raysearch.metrics") if name != "protocol"]
RGB = Protocol()


def metric_of(kind: str) -> Metric:
    function: Metric = getattr(import_module(f"raysearch.metrics.{kind}"), kind)
    return function


@pytest.fixture
def clean(generator: torch.Generator) -> Tensor:
    return torch.rand(3, 3, 24, 30, generator=generator)


@pytest.mark.parametrize("kind", KINDS)
def test_one_number_per_image_whatever_the_batch(kind: str, clean: Tensor, generator: torch.Generator) -> None:
    restored = clean + 0.1 * torch.randn(clean.shape, generator=generator)
    values = metric_of(kind)(restored, clean, RGB)
    assert values.shape == (3,)
    alone = torch.cat([metric_of(kind)(r[None], c[None], RGB) for r, c in zip(restored, clean, strict=True)])
    torch.testing.assert_close(values, alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_it_tells_small_errors_from_large(kind: str, clean: Tensor, generator: torch.Generator) -> None:
    noise = torch.randn(clean.shape, generator=generator)
    values = [metric_of(kind)(clean + size * noise, clean, RGB).mean() for size in (0.0, 0.01, 0.05, 0.2)]
    assert len({bool(a > b) for a, b in pairwise(values)}) == 1, values


@pytest.mark.parametrize("kind", KINDS)
def test_restored_images_are_clipped(kind: str, clean: Tensor, generator: torch.Generator) -> None:
    restored = clean + 0.5 * torch.randn(clean.shape, generator=generator)
    assert torch.equal(metric_of(kind)(restored, clean, RGB), metric_of(kind)(restored.clamp(0, 1), clean, RGB))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("space", ["rgb", "y_studio"])
def test_the_crop_leaves_the_border_out(kind: str, space: Literal["rgb", "y_studio"], clean: Tensor) -> None:
    restored = clean * 0.9
    spoilt = restored.clone()
    spoilt[..., :3, :] = 0
    spoilt[..., -3:] = 1
    protocol = Protocol(space=space, crop=3)
    assert torch.equal(metric_of(kind)(spoilt, clean, protocol), metric_of(kind)(restored, clean, protocol))
    inner = metric_of(kind)(restored[..., 3:-3, 3:-3], clean[..., 3:-3, 3:-3], Protocol(space=space))
    torch.testing.assert_close(metric_of(kind)(restored, clean, protocol), inner, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_rounding_forgives_less_than_half_a_level(kind: str, generator: torch.Generator) -> None:
    clean = torch.randint(0, 256, (2, 3, 16, 16), generator=generator) / 255
    near = clean + 0.4 / 255
    exact = metric_of(kind)(clean, clean, RGB)
    assert torch.equal(metric_of(kind)(near, clean, Protocol(quantize=True)), exact)
    assert not torch.equal(metric_of(kind)(near, clean, RGB), exact)


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_that_is_no_number_is_not_hidden(kind: str, clean: Tensor) -> None:
    restored = clean.clone()
    restored[1, 0, 12, 15] = torch.nan
    assert metric_of(kind)(restored, clean, RGB).isnan().tolist() == [False, True, False]


@pytest.mark.parametrize(("space", "channels"), [("gray", 3), ("rgb", 1), ("y_studio", 1)])
@pytest.mark.parametrize("kind", KINDS)
def test_the_space_must_fit_the_channels(kind: str, space: Literal["gray", "rgb", "y_studio"], channels: int) -> None:
    image = torch.zeros(1, channels, 16, 16)
    with pytest.raises(SpecError, match=rf"'{space}' needs images of"):
        metric_of(kind)(image, image, Protocol(space=space))


@pytest.mark.parametrize("kind", KINDS)
def test_a_crop_that_leaves_nothing_is_refused(kind: str, clean: Tensor) -> None:
    with pytest.raises(SpecError, match="crop of 12 leaves too little of a 24 x 30 image"):
        metric_of(kind)(clean, clean, Protocol(crop=12))


@pytest.mark.parametrize("wrong", [(3, 3, 24, 29), (3, 1, 24, 30), (1, 3, 24, 30), (3, 24, 30)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_shape_is_caught_in_tests(kind: str, wrong: tuple[int, ...], clean: Tensor) -> None:
    with pytest.raises(TypeCheckError):
        metric_of(kind)(torch.rand(wrong), clean, RGB)


@pytest.mark.parametrize("kind", KINDS)
def test_the_docstring_says_the_formula_and_range(kind: str) -> None:
    text = import_module(f"raysearch.metrics.{kind}").__doc__ or ""
    assert re.search(r"\[0, 1\]|range 1", text), "no range of values"
