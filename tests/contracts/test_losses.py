"""What every loss keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor

from raysearch import component
from raysearch.losses._vgg import Features
from raysearch.losses.base import Compared, Loss, LossConfig, PixelLossConfig

KINDS = component.names("raysearch.losses")
CPU = torch.device("cpu")

SETTINGS: dict[str, dict[str, object]] = {
    "coarse": {"loss": "l1"},
    "perceptual": {"layer": "conv1_2"},
    "sum": {"parts": [{"loss": "l2"}, {"loss": "ssim", "weight": 0.1}]},
    "switch": {"first": "l2", "then": "l1", "at": 0.25, "blend": 0.5},
}
"""What a kind can't be built without; a new kind with such fields adds its own."""

REGULARISERS = {"tv"}
"""Losses that don't compare with the clean image."""

SINGLE = {"perceptual"}
"""Losses that compute in float32 whatever they are given."""


def _is_pixel_loss(kind: str) -> bool:
    return issubclass(component.find("raysearch.losses", kind), PixelLossConfig)


PIXEL_KINDS = [kind for kind in KINDS if _is_pixel_loss(kind)]


@pytest.fixture(scope="module", autouse=True)
def vgg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Random weights for the perceptual loss: published ones are not part of raysearch."""
    path = tmp_path_factory.mktemp("vgg") / "vgg19.pth"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = Features("conv1_2", activated=True)
    layers = zip((0, 2), net.convolutions.values(), strict=True)
    torch.save({f"features.{i}.{name}": p.detach() for i, layer in layers for name, p in layer.named_parameters()}, path)
    SETTINGS["perceptual"]["weights"] = str(path)
    yield
    del SETTINGS["perceptual"]["weights"]


def config_of(kind: str) -> LossConfig:
    config = component.find("raysearch.losses", kind).parse({"kind": kind} | SETTINGS.get(kind, {}))
    assert isinstance(config, LossConfig)
    return config


def pixel_loss_of(kind: str) -> PixelLossConfig:
    config = config_of(kind)
    assert isinstance(config, PixelLossConfig)
    return config


def build(kind: str) -> Loss:
    return config_of(kind).build(CPU)


def compared(kind: str, restored: Tensor, clean: Tensor) -> Compared:
    """What the loss reads and nothing else: whatever is compared is as wrong as the restored image."""
    wrong, reads = restored - clean, config_of(kind).reads
    level = torch.full((len(clean), 1, 1, 1), 25.0, dtype=clean.dtype)
    every = {"sigma": 25 / 255 + wrong.mean(dim=1, keepdim=True), "coarse": restored}
    extras = {name: tensor for name, tensor in every.items() if name in reads}
    assert reads <= extras.keys() | {"sigma_255"}
    return Compared(restored, clean, level if "sigma_255" in reads else None, extras, 0.5)


def total(kind: str, restored: Tensor, clean: Tensor) -> Tensor:
    """The loss of every pixel."""
    return torch.stack(list(build(kind).terms(compared(kind, restored, clean)).values())).sum(dim=0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(17, 19), (1, 1), (5, 2)])
@pytest.mark.parametrize("kind", KINDS)
def test_every_term_has_one_value_per_pixel(kind: str, size: tuple[int, int], channels: int, generator: torch.Generator) -> None:
    restored = torch.randn(2, channels, *size, generator=generator)
    clean = torch.rand(2, channels, *size, generator=generator)
    terms = build(kind).terms(compared(kind, restored, clean))
    assert terms
    for values in terms.values():
        assert values.shape == (2, 1, *size)
        assert values.isfinite().all()
        assert values.dtype == torch.float32


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", PIXEL_KINDS)
def test_one_value_per_pixel(kind: str, channels: int, generator: torch.Generator) -> None:
    restored = torch.randn(2, channels, 17, 19, generator=generator)
    clean = torch.rand(2, channels, 17, 19, generator=generator)
    values = pixel_loss_of(kind).per_pixel(restored, clean)
    assert values.shape == (2, 1, 17, 19)
    assert values.isfinite().all()
    assert values.min() >= 0
    terms = build(kind).terms(Compared(restored, clean))
    assert list(terms) == [kind]
    assert torch.equal(terms[kind], values)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - REGULARISERS))
def test_nothing_beats_the_clean_image(kind: str, generator: torch.Generator) -> None:
    clean = torch.rand(2, 3, 9, 9, generator=generator)
    previous = total(kind, clean, clean).mean()
    for size in (0.01, 0.1, 0.5):
        value = total(kind, clean + size * torch.randn(clean.shape, generator=generator), clean).mean()
        assert value > previous
        previous = value


@pytest.mark.parametrize("kind", KINDS)
def test_images_of_a_batch_are_independent(kind: str, generator: torch.Generator) -> None:
    restored, clean = torch.rand(2, 4, 3, 8, 8, generator=generator)
    alone = torch.cat([total(kind, r[None], c[None]) for r, c in zip(restored, clean, strict=True)])
    torch.testing.assert_close(total(kind, restored, clean), alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_finite_everywhere_and_right(kind: str, generator: torch.Generator) -> None:
    clean = torch.rand(1, 3, 3, 3, generator=generator, dtype=torch.float64)
    perfect = clean.clone().requires_grad_()
    total(kind, perfect, clean).sum().backward()
    assert perfect.grad is not None
    assert perfect.grad.isfinite().all()
    far = (clean + 0.3).requires_grad_()
    total(kind, far, clean).sum().backward()
    assert far.grad is not None
    assert far.grad.any()
    if kind not in SINGLE:
        assert torch.autograd.gradcheck(lambda x: total(kind, x, clean).sum(), (far,))


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_output_is_compared_in_single(kind: str, generator: torch.Generator) -> None:
    clean = torch.rand(1, 3, 8, 8, generator=generator)
    half = compared(kind, torch.rand(1, 3, 8, 8, generator=generator), clean)
    half = Compared(half.restored.bfloat16(), clean, half.sigma_255, {n: t.bfloat16() for n, t in half.extras.items()}, 0.5)
    single = Compared(half.restored.float(), clean, half.sigma_255, {n: t.float() for n, t in half.extras.items()}, 0.5)
    loss = build(kind)
    with torch.autocast("cpu", torch.bfloat16):
        terms = loss.terms(half)
    expected = loss.terms(single)
    assert terms.keys() == expected.keys()
    for name, values in terms.items():
        assert values.dtype == torch.float32
        assert torch.equal(values, expected[name])


@pytest.mark.parametrize("kind", KINDS)
def test_json_round_trip_and_source(kind: str) -> None:
    loss = config_of(kind)
    assert type(loss).parse(loss.model_dump(mode="json")) == loss
    assert re.search(r"\b(19|20)\d\d\b", import_module(f"raysearch.losses.{kind}").__doc__ or ""), "no source"


@pytest.mark.parametrize("wrong", [(2, 3, 8, 9), (2, 1, 8, 8), (1, 3, 8, 8), (3, 8, 8)])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in REGULARISERS | {"asymmetric", "coarse"}])
def test_a_wrong_shape_is_caught_in_tests(kind: str, wrong: tuple[int, ...]) -> None:
    with pytest.raises(TypeCheckError):
        build(kind).terms(Compared(torch.rand(wrong), torch.rand(2, 3, 8, 8)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_built_loss_has_no_state(kind: str, generator: torch.Generator) -> None:
    restored, clean = torch.rand(2, 1, 3, 8, 8, generator=generator)
    loss = build(kind)
    first = loss.terms(compared(kind, restored, clean))
    loss.terms(compared(kind, clean, restored))
    again = loss.terms(compared(kind, restored, clean))
    assert first.keys() == again.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)
