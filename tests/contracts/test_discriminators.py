"""What every discriminator keeps; tried with few maps."""

from __future__ import annotations

import io
import re
from importlib import import_module

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from raysearch import component
from raysearch.discriminators.base import DiscriminatorConfig
from raysearch.errors import SpecError

KINDS = component.names("raysearch.discriminators")
SIDE = 32


def config_of(kind: str) -> DiscriminatorConfig:
    config = component.find("raysearch.discriminators", kind).parse({"kind": kind, "width": 4})
    assert isinstance(config, DiscriminatorConfig)
    return config


def build(kind: str, channels: int = 3, side: int = SIDE, seed: int = 0) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return config_of(kind).build(channels, side)


def images(channels: int = 3, side: int = SIDE, count: int = 4) -> torch.Tensor:
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("channels", "side"), [(1, 32), (3, 32), (3, 41), (3, 64)])
def test_one_logit_per_image_or_patch(kind: str, channels: int, side: int) -> None:
    logits = build(kind, channels, side)(images(channels, side))
    assert logits.shape[:2] == (4, 1)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_smallest_patch_works_and_a_smaller_one_is_refused_in_words(kind: str) -> None:
    smallest = next(side for side in range(1, 65) if accepts(kind, side))
    assert build(kind, side=smallest).train()(images(side=smallest, count=1)).isfinite().all()
    with pytest.raises(SpecError, match=rf"{kind}.*at least {smallest} x {smallest} pixels, not") as caught:
        build(kind, side=smallest - 1)
    assert caught.value.place == "patch.size"


def accepts(kind: str, side: int) -> bool:
    try:
        build(kind, side=side)
    except SpecError:
        return False
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_every_layer_learns(kind: str) -> None:
    """Biases before an instance norm change nothing, so they are only asked to have a finite gradient."""
    net = build(kind)
    net(images()).square().mean().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any() or parameter.ndim == 1, name


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_to_tell_noise_from_grey(kind: str) -> None:
    net = build(kind)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    noise, grey = images(), torch.full((4, 3, SIDE, SIDE), 0.5) + 0.01 * images()
    for _ in range(30):
        loss = nn.functional.softplus(-net(noise)).mean() + nn.functional.softplus(net(grey)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        assert net(noise).mean() > 0 > net(grey).mean()


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides_the_initial_weights(kind: str) -> None:
    first, same, other = (build(kind, seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_survive_a_file(kind: str) -> None:
    net, other, file = build(kind), build(kind, seed=1), io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(net.eval()(images()), other.eval()(images()))


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_gives_finite_gradients(kind: str) -> None:
    net = build(kind)
    with torch.autocast("cpu", torch.bfloat16):
        logits = net(images())
    logits.float().square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_json_round_trip_and_source(kind: str) -> None:
    config = config_of(kind)
    assert type(config).parse(config.model_dump(mode="json")) == config
    text = import_module(f"raysearch.discriminators.{kind}").__doc__ or ""
    assert re.search(r"et al\.|arXiv|\b(19|20)\d\d\b", text), "no source"
    assert "[0, 1]" in text, "no range of values"
    assert "Differs" in text, "what differs from the source is not said"


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_shape_is_caught_in_tests(kind: str) -> None:
    with pytest.raises(TypeCheckError):
        build(kind)(torch.rand(3, SIDE, SIDE))


CHECKS = [
    ("srgan", 96, 23_563_649, 0.884),
    ("srgan", 120, 38_243_713, 1.404),
    ("srgan", 128, 38_243_713, 1.572),
    ("patchgan", 256, 2_764_737, 3.147),
]
"""Parameters and GMACs at the defaults, in RGB. The MACs are those of the maps that there are: 120 pixels become 8 after four
strides and not 7.5, and see `patchgan`."""


@pytest.mark.parametrize(("kind", "side", "parameters", "gmacs"), CHECKS)
def test_check_values(kind: str, side: int, parameters: int, gmacs: float) -> None:
    config = component.find("raysearch.discriminators", kind)()
    assert isinstance(config, DiscriminatorConfig)
    counter = FlopCounterMode(display=False)
    with torch.device("meta"), counter:
        net = config.build(3, side)
        net.eval()(torch.empty(1, 3, side, side))
    assert sum(p.numel() for p in net.parameters()) == parameters
    assert counter.get_total_flops() / 2e9 == pytest.approx(gmacs, rel=0.005)


def test_every_kind_has_check_values() -> None:
    assert {kind for kind, *_ in CHECKS} == set(KINDS)
