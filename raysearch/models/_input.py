"""What the networks ask of their input, said once: channels, sizes, and the noise level where it is needed."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from raysearch.errors import SpecError
from raysearch.models._mosaic import Planes
from raysearch.models.base import Geometry
from raysearch.shapes import Sigma


def require_channels(kind: str, given: tuple[int, int, int], needed: tuple[int, int, int]) -> None:
    """Refuse a task that a network does not exist for.

    Args:
        given: input channels, output channels and scale of the task.
        needed: the same of the network.

    Raises:
        SpecError: they differ.
    """
    if given != needed:
        raise SpecError(
            f"model {kind!r} maps {needed[0]} to {needed[1]} channels at scale {needed[2]}, "
            f"but the task has {given[0]} to {given[1]} channels at scale {given[2]}",
            place="model.kind",
            remedy="choose a model for this task, or another task",
        )


def require_kept(kind: str, given: tuple[int, int, int]) -> None:
    """Refuse a task that changes the channels or the size.

    Args:
        given: input channels, output channels and scale of the task.

    Raises:
        SpecError: the channels differ, or are neither 1 nor 3, or the scale is not 1.
    """
    if given not in ((1, 1, 1), (3, 3, 1)):
        raise SpecError(
            f"model {kind!r} keeps channels (1 or 3) and size, "
            f"but the task has {given[0]} to {given[1]} channels at scale {given[2]}",
            place="model.kind",
            remedy="choose a model for this task, or another task",
        )


def require_upscaling(kind: str, given: tuple[int, int, int], channels: tuple[int, ...], scales: tuple[int, ...]) -> None:
    """Refuse a task that a super-resolution network does not exist for.

    Args:
        given: input channels, output channels and scale of the task.
        channels: channels that the network may have, the same at both ends.
        scales: scales that it may have.

    Raises:
        SpecError: the task changes the channels, or has others, or another scale.
    """
    if given[0] != given[1] or given[0] not in channels or given[2] not in scales:
        raise SpecError(
            f"model {kind!r} keeps {_either(channels)} channel{'s' * (channels != (1,))} and exists at scale {_either(scales)}, "
            f"but the task has {given[0]} to {given[1]} channels at scale {given[2]}",
            place="model.kind",
            remedy="choose a model for this task, or another task",
        )


def _either(numbers: tuple[int, ...]) -> str:
    *first, last = map(str, numbers)
    return f"{', '.join(first)} or {last}" if first else last


def require_size(kind: str, degraded: Tensor, geometry: Geometry) -> None:
    """Refuse an image that is too small for a network, or of a size that it can't take.

    Raises:
        SpecError: height or width is below ``geometry.smallest`` or not a multiple of ``geometry.multiple_of``.
    """
    height, width = degraded.shape[-2:]
    if min(height, width) < geometry.smallest:
        raise SpecError(
            f"model {kind!r} needs images of at least {geometry.smallest} x {geometry.smallest} pixels, not {height} x {width}",
            place="patch.size",
            remedy="use larger patches or images, fewer layers, or padding where the model has it",
        )
    if height % geometry.multiple_of or width % geometry.multiple_of:
        raise SpecError(
            f"model {kind!r} needs height and width divisible by {geometry.multiple_of}, not {height} x {width}",
            place="patch.size",
            remedy=f"crop or pad to a multiple of {geometry.multiple_of}",
        )


def require_sigma(kind: str, sigma_255: Sigma | None) -> Sigma:
    """Return the noise level, of a network that can't do without.

    Raises:
        SpecError: there is none.
    """
    if sigma_255 is None:
        raise SpecError(
            f"model {kind!r} must be told the noise level, and there is none",
            place="model.kind",
            remedy="use a task with noise (or say the level of the images: --sigma), or a model that is not told, such as dncnn",
        )
    return sigma_255


def sigma_plane(kind: str, sigma_255: Sigma | None, packed: Planes) -> Float[Tensor, "b 1 hp wp"]:
    """Return the noise level in [0, 1] as one more channel for ``packed``, planes at half the size of the image.

    Args:
        sigma_255: one level per image, or one per pixel of the full-size image (then averaged over 2x2 pixels).

    Raises:
        SpecError: the task gives no noise level.
    """
    if sigma_255 is None:
        raise SpecError(
            f"model {kind!r} has a sigma channel, but the task gives no noise level",
            place="model.sigma_channel",
            remedy="set sigma_channel: false, or use a task with noise",
        )
    level = (sigma_255 / 255).to(packed.dtype)
    if level.shape[-2:] == (1, 1):
        return level.expand(-1, -1, *packed.shape[-2:])
    return functional.avg_pool2d(level, 2)
