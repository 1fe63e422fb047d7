"""What the discriminators ask of their input."""

from __future__ import annotations

from raysearch.errors import SpecError


def require_side(kind: str, side: int, smallest: int) -> None:
    """Refuse patches that are too small.

    Raises:
        SpecError: ``side`` is below ``smallest``.
    """
    if side < smallest:
        raise SpecError(
            f"discriminator {kind!r} needs restored patches of at least {smallest} x {smallest} pixels, not {side} x {side}",
            place="patch.size",
            remedy="use larger patches, or another discriminator",
        )
