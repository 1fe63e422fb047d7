"""The effective receptive field against finite differences, known kernels and the theoretical field."""

from __future__ import annotations

import math

import pytest
import torch

from raysearch.errors import SpecError
from raysearch.rng import torch_generator
from raysearch.train.candidate import candidate
from raysearch.train.receptive import THRESHOLD, picture, receptive_field

CPU = torch.device("cpu")
SMALL = "{kind: dncnn, depth: 4, width: 8}"


def test_values_are_finite_differences() -> None:
    field = receptive_field(SMALL, "{kind: gaussian_denoise, color: gray, sigma_255: 0.0}", inputs=1, side=None, device=CPU)
    net = candidate(SMALL, "{kind: gaussian_denoise, color: gray}").net.double()
    height, width = field.values.shape
    assert (height, width) == (11, 11)
    image = torch.rand(1, 1, height, width, generator=torch_generator(0, "receptive field")).double()
    step = 1e-6
    expected = torch.zeros(height, width, dtype=torch.float64)
    with torch.no_grad():
        for row in range(height):
            for column in range(width):
                moved = image.clone()
                moved[0, 0, row, column] += step
                expected[row, column] = ((net(moved, None) - net(image, None))[0, 0, 5, 5] / step).abs()
    torch.testing.assert_close(field.values, expected / expected.max(), rtol=1e-3, atol=1e-4)


def test_bilinear_demosaicing_is_its_kernels() -> None:
    field = receptive_field("bilinear", "{kind: demosaic, phase: grbg}", inputs=3, side=8, device=CPU)
    assert (field.halo, field.side, field.reach) == (1, 3, 1)
    row, column = field.centre
    kernel = torch.tensor([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4  # red and blue; green only its cross
    cross = torch.tensor([[0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 4
    expected = (2 * kernel + cross).double()
    found = field.values[row - 1 : row + 2, column - 1 : column + 2]
    torch.testing.assert_close(found, expected / expected.max(), rtol=1e-6, atol=1e-6)
    assert field.effective.pixels == 9
    assert field.effective.ratio == 1
    assert field.effective.radius == pytest.approx(math.sqrt(9 / math.pi))


@pytest.mark.parametrize(
    ("name", "task"),
    [
        (SMALL, "gaussian_denoise"),
        ("{kind: deepjdd, depth: 3, width: 8, padding: valid}", "joint_demosaic_denoise"),
        ("{kind: edsr, blocks: 2, width: 8}", "{kind: super_resolution, factor: 3}"),
    ],
)
def test_the_field_lies_within_the_theoretical_one(name: str, task: str) -> None:
    field = receptive_field(name, task, inputs=4, side=None, device=CPU)
    assert field.halo is not None
    assert field.halo - 4 <= field.reach <= field.halo
    assert field.side == 2 * field.halo + 1 <= min(field.values.shape)
    beside = field.values.clone()
    beside[field.centre] = 0
    for extent, reference in ((field.effective, field.values.max()), (field.beside_centre, beside.max())):
        assert extent.pixels == int((field.values > THRESHOLD * reference).sum())
        assert extent.ratio == pytest.approx(math.sqrt(extent.pixels) / field.side)


def test_a_global_skip_hides_the_layers() -> None:
    field = receptive_field(SMALL, "gaussian_denoise", inputs=4, side=None, device=CPU)
    assert field.effective.pixels < field.beside_centre.pixels


def test_fields_of_kinds_are_repeatable_and_average_initialisations() -> None:
    first, again, more = (receptive_field(SMALL, "gaussian_denoise", inputs=n, side=None, device=CPU) for n in (2, 2, 3))
    assert torch.equal(first.values, again.values)
    assert not torch.equal(first.values, more.values)


def test_the_picture_shows_both_fields() -> None:
    field = receptive_field(SMALL, "gaussian_denoise", inputs=4, side=None, device=CPU)
    image = picture(field)
    zoom = image.shape[-1] // field.values.shape[1]
    assert image.shape == (3, 11 * zoom, 11 * zoom)
    blue = (image == image.new_tensor([0.25, 0.55, 1.0])[:, None, None]).all(dim=0)
    rows, columns = blue.nonzero(as_tuple=True)
    edges = (int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max()))
    assert edges == (zoom, 10 * zoom - 1, zoom, 10 * zoom - 1)
    assert bool((image == image.new_tensor([1.0, 0.6, 0.1])[:, None, None]).all(dim=0).any())


def test_what_can_not_be_measured_is_told() -> None:
    with pytest.raises(SpecError, match="write 'dncnn'"):
        receptive_field("dncn", "gaussian_denoise", inputs=1, side=None, device=CPU)


def test_a_network_that_trains_in_each_call_is_refused_at_once() -> None:
    with pytest.raises(SpecError, match="trains on each image"):
        receptive_field("zssr", "{kind: super_resolution, factor: 2}", inputs=1, side=None, device=CPU)
