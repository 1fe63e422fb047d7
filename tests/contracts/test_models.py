"""What every restoration network keeps.

A network is tried with the first task that accepts its channels and scale, and with few maps per layer, at its own depth.
"""

from __future__ import annotations

import io
import re
from importlib import import_module

import pytest
import torch
from jaxtyping import TypeCheckError
from thin_models import KINDS, build, model_of, pair_for, some_size, task_for
from torch import nn

from raysearch.errors import SpecError
from raysearch.models.base import Geometry, ModelConfig, Restoration
from raysearch.tasks.base import Pair

HALVES = (torch.bfloat16, torch.float16)


def trained(net: nn.Module, pair: Pair) -> torch.Tensor:
    """All outputs in training mode, in one row."""
    output = net(pair.degraded, pair.sigma_255)
    if isinstance(output, Restoration):
        return torch.cat([output.image.flatten(), *(extra.flatten() for extra in output.extras.values())])
    assert isinstance(output, torch.Tensor)
    return output.flatten()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("more", [(0, 0), (0, 5), (9, 2), (16, 31)])
def test_output_size_follows_the_geometry(kind: str, more: tuple[int, int]) -> None:
    model = model_of(kind)
    geometry, task = model.geometry(), task_for(model)
    height, width = (some_size(geometry, m) for m in more)
    pair = pair_for(model, height, width)
    with torch.no_grad():
        restored = build(model).eval()(pair.degraded, pair.sigma_255)
    expected = (2, task.channels, height * task.scale - 2 * geometry.margin, width * task.scale - 2 * geometry.margin)
    assert restored.shape == expected
    assert min(expected) >= 1, "`smallest` leaves nothing of the image"
    assert restored.dtype == torch.float32
    assert restored.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_tiny_or_uneven_image_is_refused_in_words(kind: str) -> None:
    model = model_of(kind)
    geometry, net = model.geometry(), build(model)
    channels = task_for(model).channels_in
    good = some_size(geometry, 8)
    if geometry.smallest > 1:
        tiny = geometry.smallest - 1
        for size in ((tiny, good), (good, tiny)):
            with pytest.raises(SpecError, match=f"at least {geometry.smallest} x {geometry.smallest}"):
                net(torch.zeros(1, channels, *size), None)
    if geometry.multiple_of > 1:
        for size in ((good + 1, good), (good, good + 1)):
            with pytest.raises(SpecError, match=f"divisible by {geometry.multiple_of}"):
                net(torch.zeros(1, channels, *size), None)


@pytest.mark.parametrize("kind", KINDS)
def test_other_channels_and_scales_are_refused_in_words(kind: str) -> None:
    model = model_of(kind)
    for channels_in, channels_out, scale in ((5, 2, 1), (3, 3, 7)):
        with pytest.raises(SpecError, match=rf"{kind}.*the task has {channels_in} to {channels_out} channels at scale {scale}"):
            model.build(channels_in, channels_out, scale)


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_learns(kind: str) -> None:
    model = model_of(kind)
    net = build(model).train()
    pair = pair_for(model, some_size(model.geometry(), 12), some_size(model.geometry(), 14))
    if list(net.parameters()):
        trained(net, pair).square().mean().backward()
    dead = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.isfinite().all() or not p.grad.any()]
    assert dead == []


@pytest.mark.parametrize("kind", KINDS)
def test_training_gives_the_extras_that_are_promised(kind: str) -> None:
    model = model_of(kind)
    net = build(model).train()
    pair = pair_for(model, some_size(model.geometry(), 6), some_size(model.geometry(), 10))
    if not list(net.parameters()):
        assert not model.extras, "a classical method is not trained"
        return
    training, evaluated = net(pair.degraded, pair.sigma_255), net.eval()(pair.degraded, pair.sigma_255)
    assert isinstance(evaluated, torch.Tensor)
    image, extras = training if isinstance(training, Restoration) else (training, {})
    assert image.shape == evaluated.shape
    assert set(extras) == model.extras
    assert all(len(extra) == len(pair.degraded) and extra.isfinite().all() for extra in extras.values())


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides_the_initial_weights(kind: str) -> None:
    model = model_of(kind)
    first, same, other = (build(model, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], same[name]) for name in first)
    if first:
        assert not all(torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_survive_a_file(kind: str) -> None:
    model = model_of(kind)
    net, other = build(model, 0).eval(), build(model, 1).eval()
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    pair = pair_for(model, some_size(model.geometry(), 6), some_size(model.geometry(), 6))
    assert torch.equal(net(pair.degraded, pair.sigma_255), other(pair.degraded, pair.sigma_255))


def all_positive(net: nn.Module) -> nn.Module:
    """Make every weight positive, so that no ReLU hides a dependence, and every tensor double, so that none underflows."""
    net = net.double().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(parameter.abs() + 1e-3)
    return net


@pytest.mark.parametrize("kind", KINDS)
def test_the_halo_holds_the_receptive_field_and_little_more(kind: str) -> None:
    model = model_of(kind)
    geometry, task = model.geometry(), task_for(model)
    if geometry.whole:
        pytest.skip("a pixel depends on the whole image")
    net = all_positive(build(model))
    reach = max(reach_along(axis, net, model) for axis in (0, 1))
    assert reach <= geometry.halo, f"a pixel depends on one {reach} away, farther than the halo"
    slack = 2 if task.scale > 1 else 0  # the upsampling layers of the largest scale reach farthest
    slack += max(geometry.multiple_of, geometry.cell)
    assert reach > geometry.halo - slack, f"the halo is wider than the {reach} that a pixel depends on"


def reach_along(axis: int, net: nn.Module, model: ModelConfig) -> int:
    """How far along an axis a pixel in the middle of a long narrow image depends on others, in pixels of the input."""
    geometry, scale = model.geometry(), task_for(model).scale
    grain = max(geometry.multiple_of, geometry.cell)
    half = geometry.halo + grain
    side = some_size(Geometry(halo=0, multiple_of=geometry.multiple_of, smallest=2 * half + 2))
    sides = [some_size(geometry, 8)] * 2
    sides[axis] = max(side, sides[axis])
    seen = pair_for(model, *sides, images=1)
    degraded = seen.degraded.double()
    degraded = (degraded.abs() + (degraded != 0)).requires_grad_()  # at least 1, for networks that subtract a mean
    restored = net(degraded, seen.sigma_255)
    farthest = 0
    for offset in (0, grain * scale - 1):  # the ends of a cell look farthest
        at = [side // 2 * scale - geometry.margin for side in sides]
        at[axis] += offset
        (gradient,) = torch.autograd.grad(restored[0, :, at[0], at[1]].sum(), degraded, retain_graph=True)
        places = gradient[0].abs().sum(dim=0).nonzero()[:, axis]
        farthest = max(farthest, int((places - (at[axis] + geometry.margin) // scale).abs().max()))
    return farthest


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_beyond_the_halo_change_nothing(kind: str) -> None:
    model = model_of(kind)
    geometry, scale = model.geometry(), task_for(model).scale
    if geometry.whole:
        pytest.skip("a pixel depends on the whole image")
    net = build(model).double().eval()
    height, width = some_size(geometry, geometry.halo + 12), some_size(geometry, 2 * geometry.halo + 12)
    pair = pair_for(model, height, width, images=1)
    before = pair.degraded.double()
    after = before.clone()
    y, x = 1, width // 2
    after[:, :, y, x] += 0.7 * (before[:, :, y, x] != 0)
    with torch.no_grad():
        changed = (net(before, pair.sigma_255) != net(after, pair.sigma_255)).any(dim=1)[0]
    rows, columns = changed.nonzero(as_tuple=True)
    assert rows.numel(), "the pixel changes something"
    assert int(((rows + geometry.margin) // scale - y).abs().max()) <= geometry.halo
    assert int(((columns + geometry.margin) // scale - x).abs().max()) <= geometry.halo


@pytest.mark.parametrize("kind", KINDS)
def test_evaluation_treats_images_of_a_batch_alone(kind: str) -> None:
    model = model_of(kind)
    net = build(model).double().eval()
    pair = pair_for(model, some_size(model.geometry(), 6), some_size(model.geometry(), 10), images=3)
    degraded, sigma_255 = pair.degraded.double(), pair.sigma_255
    with torch.no_grad():
        together = net(degraded, sigma_255)
        alone = [net(degraded[i : i + 1], None if sigma_255 is None else sigma_255[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("precision", HALVES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_layout_and_precision_change_little(kind: str, precision: torch.dtype) -> None:
    model = model_of(kind)
    net = build(model).eval()
    pair = pair_for(model, some_size(model.geometry(), 6), some_size(model.geometry(), 10))
    with torch.no_grad():
        expected = net(pair.degraded, pair.sigma_255)
        last = net.to(memory_format=torch.channels_last)
        torch.testing.assert_close(last(pair.degraded.to(memory_format=torch.channels_last), pair.sigma_255), expected)
        with torch.autocast("cpu", precision):
            half = net(pair.degraded, pair.sigma_255)
        double = net.double()(pair.degraded.double(), pair.sigma_255)
    assert half.dtype == torch.float32
    assert (half - expected).square().mean().sqrt() < 0.05 * expected.square().mean().sqrt()
    torch.testing.assert_close(double.float(), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("precision", HALVES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_training_in_half_precision_gives_finite_gradients(kind: str, precision: torch.dtype) -> None:
    model = model_of(kind)
    net = build(model).train()
    if not list(net.parameters()):
        pytest.skip("a classical method is not trained")
    pair = pair_for(model, some_size(model.geometry(), 6), some_size(model.geometry(), 6))
    with torch.autocast("cpu", precision):
        outputs = trained(net, pair)
    outputs.square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_the_input_is_not_written_to(kind: str) -> None:
    model = model_of(kind)
    pair = pair_for(model, some_size(model.geometry(), 6), some_size(model.geometry(), 6))
    before = pair.degraded.clone()
    build(model)(pair.degraded, pair.sigma_255)
    assert torch.equal(pair.degraded, before)


@pytest.mark.parametrize("kind", KINDS)
def test_json_round_trip_and_source(kind: str) -> None:
    model = model_of(kind)
    assert type(model).parse(model.model_dump(mode="json")) == model
    text = import_module(f"raysearch.models.{kind}").__doc__ or ""
    assert re.search(r"et al\.|arXiv|paper|\b(19|20)\d\d\b", text), "no source"
    assert "[0, 1]" in text, "no range of values"
    assert re.search(r"Differs|decided here", text), "what differs from the source is not said"


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_shape_is_caught_in_tests(kind: str) -> None:
    with pytest.raises(TypeCheckError):
        build(model_of(kind))(torch.rand(3, 64, 64), None)
