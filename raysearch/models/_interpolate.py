"""Deep network interpolation: between two networks by interpolating their weights.

Wang, Yu, Dong, Tang, Loy: "Deep network interpolation for continuous imagery effect transition", CVPR 2019, arXiv:1811.10515. It
works for networks whose weights are related (one fine-tuned from the other), not for two that were trained apart. Running
statistics of batch norms are interpolated like weights; the authors suggest to measure them anew, which needs images.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from raysearch.errors import SpecError


def interpolate(first: Mapping[str, Tensor], second: Mapping[str, Tensor], alpha: float) -> dict[str, Tensor]:
    """Return ``alpha * first + (1 - alpha) * second`` for every floating-point tensor, in its type.

    Other tensors (counters of a batch norm) are taken from the nearer network, the first at a tie. ``alpha`` 1 gives copies of the
    first to the bit, 0 of the second.

    Args:
        first: a network's state.
        second: another's, of the same names, shapes and types.
        alpha: share of the first, in [0, 1].

    Raises:
        SpecError: ``alpha`` is outside [0, 1], or the two don't belong to one network; the message names where they differ.
    """
    if not 0 <= alpha <= 1:
        raise SpecError(
            f"alpha is {alpha:g}, outside [0, 1]", remedy="0 is the second network, 1 the first; between them is where it works"
        )
    _require_same(first, second)
    return {name: _between(mine, second[name], alpha) for name, mine in first.items()}


def _between(first: Tensor, second: Tensor, alpha: float) -> Tensor:
    if alpha in (0, 1) or not first.is_floating_point():
        return (first if alpha >= 0.5 else second).clone()
    return (alpha * first.double() + (1 - alpha) * second.double()).to(first.dtype)


def _require_same(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> None:
    alone = [
        (name, which)
        for mine, other, which in ((first, second, "first"), (second, first, "second"))
        for name in mine
        if name not in other
    ]
    if alone:
        name, which = alone[0]
        raise SpecError(
            f"the networks differ: {len(alone)} tensors are in one of them only, such as {name!r} of the {which}",
            remedy="interpolate between checkpoints of one model configuration",
        )
    for name, mine in first.items():
        other = second[name]
        if mine.shape != other.shape or mine.dtype != other.dtype:
            said = [f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}" for tensor in (mine, other)]
            raise SpecError(
                f"the networks differ: {name!r} is {said[0]} in the first and {said[1]} in the second",
                remedy="interpolate between checkpoints of one model configuration",
            )
