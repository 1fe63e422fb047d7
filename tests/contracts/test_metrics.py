"""What every metric keeps. A metric is a file of `raysearch.metrics` with a function of its own name and its description."""

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
from raysearch.metrics.base import metric
from raysearch.metrics.protocol import Protocol

KINDS = component.names("raysearch.metrics")
RGB = Protocol()


def metric_of(kind: str) -> Callable[[Tensor, Tensor, Protocol], Tensor]:
    return metric(kind).measure


@pytest.fixture
def clean(kind: str, generator: torch.Generator) -> Tensor:
    least = max(18, metric(kind).smallest)
    return torch.rand(3, 3, least + 6, least + 12, generator=generator)


@pytest.mark.parametrize("kind", KINDS)
def test_the_description_fits_the_file(kind: str) -> None:
    found = metric(kind)
    assert found.measure is getattr(import_module(f"raysearch.metrics.{kind}"), kind)
    assert re.sub(r"[^a-z0-9]", "_", found.title.lower()) == kind
    assert found.decimals >= 2


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
    assert {bool(a > b) for a, b in pairwise(values)} == {metric(kind).better == "higher"}, values


@pytest.mark.parametrize("kind", KINDS)
def test_restored_images_are_clipped(kind: str, clean: Tensor, generator: torch.Generator) -> None:
    restored = clean + 0.5 * torch.randn(clean.shape, generator=generator)
    clipped = metric_of(kind)(restored.clamp(0, 1), clean, RGB)
    assert torch.equal(metric_of(kind)(restored, clean, RGB), clipped)
    assert not torch.equal(metric_of(kind)(restored, clean, Protocol(clip=False)), clipped)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("space", ["rgb", "y_studio"])
def test_the_crop_leaves_the_border_out(kind: str, space: Literal["rgb", "y_studio"], clean: Tensor) -> None:
    if metric(kind).colour and space != "rgb":
        pytest.skip("a metric of colours")
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
    side = max(16, metric(kind).smallest)
    clean = torch.randint(0, 256, (2, 3, side, side), generator=generator) / 255
    near = clean + 0.4 / 255
    exact = metric_of(kind)(clean, clean, RGB)
    assert torch.equal(metric_of(kind)(near, clean, Protocol(quantize=True)), exact)
    assert not torch.equal(metric_of(kind)(near, clean, RGB), exact)


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_that_is_no_number_is_not_hidden(kind: str, clean: Tensor) -> None:
    restored = clean.clone()
    restored[1, 0, 12, 15] = torch.nan
    assert metric_of(kind)(restored, clean, RGB).isnan().tolist() == [False, True, False]


@pytest.mark.parametrize(("space", "channels"), [("gray", 3), ("rgb", 1), ("rgb_each", 1), ("y_studio", 2)])
@pytest.mark.parametrize("kind", KINDS)
def test_the_space_must_fit_the_channels(kind: str, space: Literal["gray", "rgb", "y_studio"], channels: int) -> None:
    image = torch.zeros(1, channels, 200, 200)
    with pytest.raises(SpecError, match=rf"space(:| is) '{space}'|'{space}' needs images of"):
        metric_of(kind)(image, image, Protocol(space=space))


@pytest.mark.parametrize("kind", KINDS)
def test_a_crop_that_leaves_nothing_is_refused(kind: str, clean: Tensor) -> None:
    height, width = clean.shape[-2:]
    with pytest.raises(SpecError, match=f"an image of {height} x {width} pixels"):
        metric_of(kind)(clean, clean, Protocol(crop=height // 2))


@pytest.mark.parametrize("kind", KINDS)
def test_the_smallest_image_is_that_of_the_description(kind: str) -> None:
    side = metric(kind).smallest
    image = torch.linspace(0, 1, 3 * side * side).view(1, 3, side, side)
    assert metric_of(kind)(image, image, RGB).shape == (1,)
    if side > 1:
        with pytest.raises(SpecError, match="is too small: the metric needs"):
            metric_of(kind)(image[..., 1:], image[..., 1:], RGB)


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_shape_is_caught_in_tests(kind: str, clean: Tensor) -> None:
    for wrong in (clean[..., 1:], clean[:, :1], clean[:1], clean[:, 0]):
        with pytest.raises(TypeCheckError):
            metric_of(kind)(wrong, clean, RGB)


@pytest.mark.parametrize("kind", KINDS)
def test_the_docstring_says_the_formula_and_range(kind: str) -> None:
    text = import_module(f"raysearch.metrics.{kind}").__doc__ or ""
    assert re.search(r"\[0, 1\]|range 1", text), "no range of values"
