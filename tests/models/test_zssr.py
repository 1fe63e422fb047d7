"""ZSSR trains inside a call: deterministic, alone with its generator, and better than bicubic."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from raysearch.bicubic import resize
from raysearch.models._fathers import ORIENTATIONS, draw_father, turned, turned_back
from raysearch.models.zssr import Config, falls, first_weights, passes

QUICK = Config(width=8, depth=4, max_steps=3, crop=16)


def photograph(side: int, channels: int = 3) -> Tensor:
    """Repeated sharp structure, which the image itself teaches: squares and rings of several sizes."""
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    squares = ((x // 8 + y // 8) % 2).float()
    rings = (((x - side / 2) ** 2 + (y - side / 2) ** 2).sqrt() % 12 < 6).float()
    colours = [0.2 + 0.6 * squares, 0.3 + 0.4 * rings, 0.1 + 0.3 * squares + 0.4 * rings]
    return torch.stack(colours[:channels])[None]


def built(config: Config, seed: int, channels: int = 3, scale: int = 2) -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return config.build(channels, channels, scale).eval()


def test_the_network_of_an_image_has_the_size_and_weights_of_the_source() -> None:
    weights = first_weights(Config(), 3, torch.Generator().manual_seed(0), torch.device("cpu"))
    assert sum(w.numel() for w in weights) == 224_640
    for weight in weights:
        assert float(weight.detach().var()) == pytest.approx(0.1 / (9 * weight.shape[1]), rel=0.1)
    image = photograph(16)
    silent = [torch.zeros_like(w) for w in weights]
    assert torch.equal(passes(silent, image), image)


def test_it_has_nothing_that_a_recipe_could_train() -> None:
    net = built(QUICK, 0)
    assert list(net.parameters()) == []
    assert list(net.state_dict()) == ["seed"]


@pytest.mark.parametrize(("channels", "scale"), [(1, 2), (3, 3), (1, 4), (3, 8)])
def test_the_result_depends_on_image_and_seed_alone(channels: int, scale: int) -> None:
    image = photograph(33, channels)[..., :29, :]
    net = built(QUICK, 0, channels, scale)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    with torch.no_grad():
        first = net(image, None)
    assert torch.equal(torch.get_rng_state(), before), "the global generator is left alone"
    assert not torch.is_inference(first)
    assert first.shape == (1, channels, 29 * scale, 33 * scale)
    assert float(first.min()) >= 0
    assert float(first.max()) <= 1
    assert not first.requires_grad
    with torch.inference_mode():
        assert torch.equal(net(image, None), first)
    assert torch.equal(net.train()(image.requires_grad_(), None), first)
    assert not torch.equal(built(QUICK, 1, channels, scale)(image, None), first)


def test_images_of_a_batch_are_learnt_alone() -> None:
    images = torch.cat([photograph(20), photograph(20).flip(1)])
    net = built(QUICK, 0)
    assert torch.equal(net(images, None), torch.cat([net(images[:1], None), net(images[1:], None)]))


def test_training_on_the_image_beats_bicubic() -> None:
    clean = photograph(96)
    small = resize(clean, 48, 48)
    config = Config(width=16, depth=3, max_steps=400, crop=32)
    with torch.no_grad():
        restored = built(config, 0)(small, None)
        untrained = built(config.model_copy(update={"max_steps": 1}), 0)(small, None)
    error, start, bicubic = (
        float((found - clean).square().mean()) for found in (restored, untrained, resize(small, 96, 96).clamp(0, 1))
    )
    assert error < 0.8 * start
    assert error < 0.7 * bicubic


def test_back_projection_agrees_with_the_input() -> None:
    small = resize(photograph(64), 32, 32).clamp(0.05, 0.95)

    def disagreement(steps: int) -> float:
        config = QUICK.model_copy(update={"back_projections": steps})
        return float((resize(built(config, 0)(small, None), 32, 32) - small).abs().mean())

    assert disagreement(10) < 0.3 * disagreement(0)


def test_noise_and_kernel_change_the_training() -> None:
    image = photograph(24)
    results = [
        built(QUICK.model_copy(update=change), 0)(image, None) for change in ({}, {"noise_255": 20.0}, {"kernel": "bilinear"})
    ]
    assert not torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_a_flat_image_stays_flat() -> None:
    restored = built(QUICK.model_copy(update={"max_steps": 60, "crop": 24}), 0)(torch.full((1, 3, 24, 24), 0.6), None)
    torch.testing.assert_close(restored, torch.full((1, 3, 48, 48), 0.6), atol=0.02, rtol=0)


@pytest.mark.parametrize(("begun", "steps"), [(math.inf, 900), (0.0, 950)], ids=["has begun to learn", "has not"])
def test_training_ends_when_the_error_no_longer_falls(begun: float, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """900: three divisions by ten, each more than 256 steps after the last one, looked for every 60 steps."""
    drawn = []

    def counted(image: Tensor, side: int, generator: torch.Generator) -> Tensor:
        drawn.append(side)
        return draw_father(image, side, generator)

    monkeypatch.setattr("raysearch.models.zssr.draw_father", counted)
    monkeypatch.setattr("raysearch.models.zssr.falls", lambda errors: False)
    monkeypatch.setattr("raysearch.models.zssr._BEGUN", begun)
    built(Config(width=2, depth=2, crop=16, max_steps=950), 0)(photograph(16), None)
    assert drawn == [16] * steps


def test_the_slope_is_judged_as_by_numpy() -> None:
    rng = np.random.default_rng(0)
    judged = []
    for _ in range(200):
        errors = rng.normal(size=5) + rng.normal() * np.arange(5)
        (slope, _), ((variance, _), _) = np.polyfit(np.arange(5), errors, 1, cov=True)
        assert falls(list(errors)) == (-1.5 * slope >= np.sqrt(variance))
        judged.append(falls(list(errors)))
    assert 20 < sum(judged) < 180
    assert falls([3.0, 2.0])
    assert not falls([1.0, 1.0, 1.0, 1.1, 1.0])


# fathers


def test_orientations_are_eight_and_can_be_undone(generator: torch.Generator) -> None:
    image = torch.rand(1, 3, 5, 7, generator=generator)
    found = [turned(image, number) for number in range(ORIENTATIONS)]
    assert all(torch.equal(turned_back(one, number), image) for number, one in enumerate(found))
    assert len({tuple(one.flatten().tolist()) for one in found}) == 8


def test_fathers_are_crops_turns_and_distortions_at_the_stated_rates(generator: torch.Generator) -> None:
    image = torch.rand(1, 1, 24, 30, generator=generator)
    crops = {tuple(image[0, 0, y : y + 20, x : x + 20].flatten().tolist()) for y in range(5) for x in range(11)}
    total, kept, oriented = 1000, 0, 0
    for _ in range(total):
        father = draw_father(image, 20, generator)
        assert father.shape == (1, 1, 20, 20)
        assert 0 <= float(father.min()) <= float(father.max()) <= 1
        ways = [tuple(turned_back(father, number).flatten().tolist()) in crops for number in range(ORIENTATIONS)]
        kept += ways[0]
        oriented += any(ways)
    deviation = 5 * (total / 4) ** 0.5  # alarm rate below 1e-6
    assert abs(oriented - 0.5 * total) < deviation
    assert abs(kept - (0.05 + 0.45 / 8) * total) < deviation / 2


def test_distorted_fathers_are_smaller_views_and_never_leave_the_image(generator: torch.Generator) -> None:
    flat = torch.full((1, 3, 40, 33), 0.7)
    for _ in range(50):
        torch.testing.assert_close(draw_father(flat, 32, generator), torch.full((1, 3, 32, 32), 0.7))


def test_a_whole_photograph_is_learnt_within_its_size(generator: torch.Generator) -> None:
    """The crop is limited by the shorter side and is a multiple of the scale."""
    restored = built(Config(width=2, depth=2, max_steps=2), 0, scale=3)(torch.rand(1, 3, 17, 40, generator=generator), None)
    assert restored.shape == (1, 3, 51, 120)
