"""The camera's steps, one by one, against plain loops and theory; bounds at 5.5 standard errors under a fixed seed."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError

from raysearch.component import problems
from raysearch.tasks._bayer import Phase, measured
from raysearch.tasks._demosaic import PHASES, demosaic, sites_of
from raysearch.tasks._range import Range, draw, draw_quality
from raysearch.tasks.camera_denoise import Config, Level, _draw_curves, light_of, respond

PLAIN = {"response": "linear", "pattern": "none", "jpeg_quality": None}
ALARM = 5.5


def raw_of(rgb: torch.Tensor, phase: Phase) -> tuple[torch.Tensor, torch.Tensor]:
    sites = sites_of(torch.full((rgb.shape[0],), PHASES.index(phase)), *rgb.shape[-2:])
    return (rgb * sites).sum(dim=1, keepdim=True), sites


def malvar_at(raw: list[list[float]], phase: Phase, y: int, x: int) -> list[float]:
    """One pixel by the formulas of the paper, with names of neighbours instead of kernels."""

    def at(dy: int, dx: int) -> float:
        return raw[y + dy][x + dx]

    def colour(y: int, x: int) -> str:
        return phase[2 * (y % 2) + x % 2]

    near = [at(-1, 0), at(1, 0), at(0, -1), at(0, 1)]
    far = [at(-2, 0), at(2, 0), at(0, -2), at(0, 2)]
    corners = [at(-1, -1), at(-1, 1), at(1, -1), at(1, 1)]
    own = colour(y, x)
    found = {own: at(0, 0)}
    if own != "g":
        laplacian = at(0, 0) - sum(far) / 4
        found["g"] = sum(near) / 4 + laplacian / 2
        found["b" if own == "r" else "r"] = sum(corners) / 4 + laplacian * 3 / 4
    else:
        for other in "rb":
            beside = colour(y, x + 1) == other
            (a, b), (c, d), (e, f) = (near[2:], far[2:], far[:2]) if beside else (near[:2], far[:2], far[2:])
            gain = at(0, 0) - (sum(corners) + c + d - (e + f) / 2) / 5
            found[other] = (a + b) / 2 + gain * 5 / 8
    return [found[name] for name in "rgb"]


@pytest.mark.parametrize("phase", PHASES)
def test_the_interpolation_is_that_of_the_paper(phase: Phase, generator: torch.Generator) -> None:
    raw, sites = raw_of(torch.rand(1, 3, 8, 9, generator=generator), phase)
    found = demosaic(raw, sites)[0]
    for y in range(2, 6):
        for x in range(2, 7):
            expected = malvar_at(raw[0, 0].tolist(), phase, y, x)
            assert torch.allclose(found[:, y, x], torch.tensor(expected), atol=1e-6)


@pytest.mark.parametrize("phase", PHASES)
def test_grey_ramps_come_out_exactly_and_measured_values_stay(phase: Phase) -> None:
    ramp = (torch.arange(12.0)[:, None] * 0.02 + torch.arange(10.0) * 0.05).expand(1, 3, 12, 10)
    raw, sites = raw_of(ramp, phase)
    found = demosaic(raw, sites)
    assert torch.allclose(found[..., 2:-2, 2:-2], ramp[..., 2:-2, 2:-2], atol=1e-6)
    assert torch.equal(found[sites], ramp[sites])
    flat = torch.tensor([0.2, 0.5, 0.8])[None, :, None, None].expand(1, 3, 7, 9)
    assert torch.allclose(demosaic(*raw_of(flat, phase)), flat, atol=1e-6), "also at the border"


def test_every_image_has_its_own_pattern(generator: torch.Generator) -> None:
    rgb = torch.rand(4, 3, 8, 8, generator=generator)
    sites = sites_of(torch.arange(4), 8, 8)
    together = demosaic((rgb * sites).sum(dim=1, keepdim=True), sites)
    for number, phase in enumerate(PHASES):
        assert torch.equal(sites[number], measured(phase, 8, 8, torch.device("cpu")))
        assert torch.allclose(together[number : number + 1], demosaic(*raw_of(rgb[number : number + 1], phase)))


def test_responses_rise_from_black_to_white_and_have_their_inverse(generator: torch.Generator) -> None:
    curves = _draw_curves(300, generator)
    assert (curves[:, 0] - 0.9).abs().max() <= 0.2 + 1e-6
    assert (curves[:, 1] - 0.6).abs().max() <= 0.2 + 1e-6
    assert abs(float(curves[:, 0].mean()) - 0.9) < ALARM * 0.1 / 300**0.5
    light = torch.linspace(0, 1, 101).expand(300, 1, 1, 101)
    image = respond(light, curves)
    assert image[..., 0].abs().max() == 0
    assert (image[..., -1] - 1).abs().max() < 1e-6
    assert (image.diff(dim=-1) > 0).all()
    assert torch.allclose(light_of(image, curves), light, atol=1e-5)
    n, a = 0.9, 0.6
    expected = (1 + a) * 0.25**n / (0.25**n + a)
    assert math.isclose(
        float(respond(torch.full((1, 1, 1, 1), 0.25), torch.tensor([n, a]).view(1, 2, 1, 1))), expected, rel_tol=1e-6
    )


def test_without_noise_and_file_the_photograph_is_the_image(generator: torch.Generator) -> None:
    clean = torch.rand(3, 3, 16, 16, generator=generator)
    still = Config.parse({**PLAIN, "response": "drawn", "shot": 0, "read_255": 0})
    pair = still.degrade(clean, generator)
    assert torch.allclose(pair.degraded, clean, atol=1e-5)
    assert pair.hidden_sigma_255 is not None
    assert not pair.hidden_sigma_255.any()


def test_noise_of_the_light(generator: torch.Generator) -> None:
    clean = torch.tensor([0.3, 0.5, 0.7]).view(1, 3, 1, 1).expand(8, 3, 64, 64)
    pair = Config.parse({**PLAIN, "shot": 0.1, "read_255": 5.1}).degrade(clean, generator)
    noise = (pair.degraded - clean).double()
    for colour, value in enumerate((0.3, 0.5, 0.7)):
        variance, count = (0.1 * value) ** 2 + 0.02**2, 8 * 64 * 64
        assert abs(float(noise[:, colour].var()) - variance) < ALARM * variance * (2 / count) ** 0.5
    assert pair.sigma_255 is None
    assert pair.hidden_sigma_255 is not None
    assert pair.hidden_sigma_255.shape == (8, 1, 64, 64)
    assert torch.allclose(pair.hidden_sigma_255, torch.tensor((0.1 * 0.5 + 0.02) * 255), rtol=1e-5), "standard deviations add up"


def test_levels_are_drawn_per_image_and_colour(generator: torch.Generator) -> None:
    clean = torch.full((400, 3, 4, 4), 0.5)
    pair = Config.parse({**PLAIN, "shot": {"low": 0, "high": 0.16}, "read_255": 0}).degrade(clean, generator)
    assert pair.hidden_sigma_255 is not None
    told = pair.hidden_sigma_255[:, 0, 0, 0] / 255 / 0.5
    assert abs(float(told.mean()) - 0.08) < ALARM * 0.16 / (12 * 3 * 400) ** 0.5
    assert abs(float(told.var()) - 0.16**2 / 36) < 1e-3, "the mean of three"


def test_one_image_in_five_has_three_sensors(generator: torch.Generator) -> None:
    clean = torch.rand(1, 3, 8, 8, generator=generator).expand(2000, 3, 8, 8)
    seen = Config.parse({**PLAIN, "pattern": "drawn", "shot": 0, "read_255": 0}).degrade(clean, generator).degraded
    kinds = seen.flatten(1).round(decimals=4).unique(dim=0, return_counts=True)[1]
    assert len(kinds) == 5
    assert (kinds - 400).abs().max() < ALARM * (2000 * 0.2 * 0.8) ** 0.5
    fixed = Config.parse({**PLAIN, "pattern": "gbrg", "shot": 0, "read_255": 0}).degrade(clean[:1], generator).degraded
    assert torch.allclose(fixed, demosaic(*raw_of(clean[:1], "gbrg")).clamp(0, 1))


def test_a_file_holds_eight_bits(generator: torch.Generator) -> None:
    clean = torch.rand(2, 3, 24, 24, generator=generator)
    stored = Config.parse({"jpeg_quality": 80}).degrade(clean, generator).degraded * 255
    assert (stored - stored.round()).abs().max() < 1e-3


def test_levels_of_evaluation() -> None:
    assert list(Config().levels()) == ["shot 0.04, read 3.8", "shot 0.08, read 7.6", "shot 0.16, read 15.3"]
    one = Config(evaluate_at=(Level(shot=0.1, read_255=0.0),), pattern="none").levels()["shot 0.1, read 0"]
    assert isinstance(one, Config)
    assert (one.shot, one.read_255, one.pattern) == (0.1, 0.0, "none")


@pytest.mark.parametrize(
    ("data", "key", "says"),
    [
        ({"shot": 2}, "shot", "a number in 0..1, or a range such as {low: 0, high: 1}"),
        ({"shot": "0.1"}, "shot", "a number in 0..1"),
        ({"shot": True}, "shot", "a number in 0..1"),
        ({"shot": {"low": 0.5, "high": 0.1}}, "shot", "low 0.5 is above high 0.1"),
        ({"shot": {"low": 0, "high": 3}}, "shot.high", "a number in 0..1"),
        ({"read_255": {"low": 0}}, "read_255.high", "required"),
        ({"jpeg_quality": 0}, "jpeg_quality", "1..100"),
        ({"pattern": "rgb"}, "pattern", "'rggb'"),
        ({"evaluate_at": [{"shot": 0.1}]}, "evaluate_at.0.read_255", "required"),
        ({"evaluate_at": [{"shot": 0.1, "read_255": 1}] * 2}, "evaluate_at", "listed twice"),
    ],
)
def test_a_mistake_is_named_at_its_key(data: dict[str, object], key: str, says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Config.parse(data)
    assert problems(caught.value)[0].key == key
    assert says in problems(caught.value)[0].message


def test_ranges_are_drawn_evenly(generator: torch.Generator) -> None:
    found = draw(Range(low=2, high=6), 3000, generator, 2)
    assert found.shape == (3000, 2, 1, 1)
    assert found.min() >= 2
    assert found.max() <= 6
    assert abs(float(found.mean()) - 4) < ALARM * 4 / (12 * 6000) ** 0.5
    assert torch.equal(draw(3.5, 2, generator), torch.full((2, 1, 1, 1), 3.5))
    assert draw_quality(Range(low=60, high=62), 500, generator).unique().tolist() == [60, 61, 62]
