"""The effective receptive field: how strongly the centre of a restored image depends on each pixel of the degraded one.

Luo, Li, Urtasun, Zemel: "Understanding the effective receptive field in deep convolutional neural networks", NIPS 2016. The sum
of the central output pixel's channels is differentiated with respect to the input; absolute values are summed over input channels
and averaged over inputs (uniform random images, degraded by the network's task), and for a kind of network over as many
initialisations. A pixel belongs to the effective field when its value is above 4.55 % of the largest, which for a Gaussian field
is two standard deviations. In an untrained network with ReLUs some paths are dead; 20 inputs or more even that out.

A network that adds its input (a global skip) has a peak at the centre that says nothing about its layers, so the field is also
measured against the largest value beside the central pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from raysearch.errors import SpecError
from raysearch.rng import torch_generator
from raysearch.tasks.base import Pair
from raysearch.train.candidate import Candidate, candidate

THRESHOLD = 0.0455
"""Part of the reference value above which a pixel belongs to the effective field."""

WHOLE_SIDE = 129
"""Side of the input, in pixels, for a network that depends on the whole image."""

_FRAME, _FIELD = (0.25, 0.55, 1.0), (1.0, 0.6, 0.1)
_PICTURE_SIDE = 512


@dataclass(frozen=True)
class Extent:
    """How far an effective field reaches.

    Attributes:
        pixels: of the input whose value is above the threshold.
        radius: of the disc with so many pixels, in pixels.
        ratio: side of the square with so many pixels over the side of the theoretical field; None when that is the whole image.
    """

    pixels: int
    radius: float
    ratio: float | None


@dataclass(frozen=True)
class ReceptiveField:
    """A measured field.

    Attributes:
        network: as it was asked for.
        halo: radius of the theoretical field, in pixels of the input; None when it is the whole image.
        reach: distance along an axis to the farthest pixel that had any influence.
        effective: against the largest value.
        beside_centre: against the largest value beside the central pixel.
        values: (h, w), the largest is 1; ``values[centre]`` belongs to the input pixel over which the output pixel lies.
        centre: its row and column.
        inputs: over how many it was averaged.
    """

    network: str
    halo: int | None
    reach: int
    effective: Extent
    beside_centre: Extent
    values: Float64[Tensor, "h w"]
    centre: tuple[int, int]
    inputs: int

    @property
    def side(self) -> int | None:
        """Side of the theoretical field, in pixels."""
        return None if self.halo is None else 2 * self.halo + 1


def receptive_field(name: str, task: str, *, inputs: int, side: int | None, device: torch.device) -> ReceptiveField:
    """Measure a network's field.

    Args:
        name: see `raysearch.train.candidate.candidate`.
        task: likewise.
        inputs: to average over.
        side: of the square input, in pixels; so that it holds the theoretical field when it is None.

    Raises:
        SpecError: there is no such network, or its output can't be differentiated with respect to its input.
    """
    network = candidate(name, task)
    if network.model.trains_in_calls:
        raise SpecError(
            f"{name!r} trains on each image that it restores, so its result can't be differentiated with respect to that image",
            remedy="name a network that is trained beforehand",
        )
    geometry = network.model.geometry()
    halo = None if geometry.whole else geometry.halo
    wanted = side or (WHOLE_SIDE if halo is None else 2 * (halo + geometry.margin // network.task.scale) + 3)
    height, width = network.taken(wanted, wanted)
    total = torch.zeros(height, width, dtype=torch.float64)
    for number in range(inputs):
        if not network.trained and number > 0:
            network = candidate(name, task, seed=number)
        total += _influence(network, height, width, number, device)
    if not float(total.max()) > 0:
        raise SpecError(f"the output of {name!r} does not depend on its input", remedy="name a network that restores its input")
    values = total / total.max()
    centre = (height // 2, width // 2)
    beside = values.clone()
    beside[centre] = 0
    theoretical = None if halo is None else 2 * halo + 1
    return ReceptiveField(
        name,
        halo,
        _reach(values, centre),
        _extent(values, theoretical, float(values.max())),
        _extent(values, theoretical, float(beside.max())),
        values,
        centre,
        inputs,
    )


def _influence(network: Candidate, height: int, width: int, number: int, device: torch.device) -> Float64[Tensor, "h w"]:
    """Return the absolute gradient of the central output pixel, summed over channels of input and output."""
    task, margin = network.task, network.model.geometry().margin
    generator = torch_generator(number, "receptive field")
    clean = torch.rand(1, task.channels_stored, height * task.scale, width * task.scale, generator=generator)
    pair: Pair = next(iter(task.levels().values())).degrade(clean, generator)
    degraded = pair.degraded.to(device).requires_grad_()
    sigma = torch.full((1, 1, 1, 1), 25.0) if pair.sigma_255 is None else pair.sigma_255
    restored = network.net.to(device)(degraded, sigma.to(device))
    row, column = (length // 2 * task.scale + task.scale // 2 - margin for length in (height, width))
    if not restored.requires_grad:
        raise SpecError(f"the output of {network.name!r} can't be differentiated with respect to its input")
    (gradient,) = torch.autograd.grad(restored[0, :, row, column].sum(), degraded)
    return gradient[0].abs().sum(dim=0).double().cpu()


def _extent(values: Tensor, theoretical: int | None, reference: float) -> Extent:
    pixels = int((values > THRESHOLD * reference).sum()) if reference > 0 else 0
    ratio = None if theoretical is None else math.sqrt(pixels) / theoretical
    return Extent(pixels, math.sqrt(pixels / math.pi), ratio)


def _reach(values: Tensor, centre: tuple[int, int]) -> int:
    places = values.nonzero() - torch.tensor(centre)
    return int(places.abs().max())


def picture(field: ReceptiveField) -> Tensor:
    """Draw a field: (3, h, w) in [0, 1].

    Brightness is the square root of the values; the effective field beside the central pixel has an orange outline, the theoretical
    one a blue frame.
    """
    height, width = field.values.shape
    zoom = max(1, _PICTURE_SIDE // max(height, width))
    beside = field.values.clone()
    beside[field.centre] = 0
    reference = float(beside.max()) or 1.0
    shown = (field.values / reference).clamp(0, 1).sqrt()
    image = _zoomed(shown, zoom).expand(3, -1, -1).clone()
    _outline(image, _zoomed(field.values > THRESHOLD * reference, zoom)[0], _FIELD)
    if field.halo is not None:
        inside = torch.zeros(height, width, dtype=torch.bool)
        row, column = field.centre
        inside[max(0, row - field.halo) : row + field.halo + 1, max(0, column - field.halo) : column + field.halo + 1] = True
        _outline(image, _zoomed(inside, zoom)[0], _FRAME)
    return image


def _zoomed(values: Tensor, zoom: int) -> Tensor:
    return values.repeat_interleave(zoom, 0).repeat_interleave(zoom, 1)[None]


def _outline(image: Tensor, mask: Tensor, colour: tuple[float, float, float]) -> None:
    """Paint the pixels of a mask that have a neighbour outside of it."""
    padded = torch.nn.functional.pad(mask, (1, 1, 1, 1))
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    image[:, mask & ~inner] = image.new_tensor(colour)[:, None]
