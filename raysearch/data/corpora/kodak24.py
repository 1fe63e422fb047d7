"""Kodak24: 24 photographs of the Kodak PhotoCD, a test set of demosaicing (whole) and of colour denoising (cropped).

Files ``kodim01`` to ``kodim24`` (Franzen, Kodak Lossless True Color Image Suite). Kodak released them for unrestricted use. Whole
they have 768 x 512 pixels, upright or not. Zhang et al., FFDNet, IEEE TIP 2018, test on the middle 500 x 500 pixels of each,
under the same name; the two don't compare, so ``form`` says which is meant and tables show it. Some scenes are in LIVE1 too.
"""

from __future__ import annotations

from typing import Literal

from raysearch.data.base import Gathered, Split
from raysearch.data.corpora._published import Published, PublishedConfig, test_split

_STEMS = (tuple(f"kodim{k:02}" for k in range(1, 25)),)
_WHOLE = Published("kodak24", 24, "http://r0k.us/graphics/kodak/", ((768, 512),), _STEMS)
_CROPPED = Published("kodak24-500", 24, "https://github.com/cszn/FFDNet, testsets/Kodak24", ((500, 500),), _STEMS)


class Config(PublishedConfig):
    """The 24 photographs, whole or cropped."""

    kind: Literal["kodak24"] = "kodak24"

    form: Literal["whole", "cropped"] = "whole"
    """``whole``: 768 x 512 pixels. ``cropped``: the middle 500 x 500."""

    include: tuple[str, ...] = ()
    """Patterns of which a file must match one, where the folder holds other images too."""

    def gather(self, split: Split) -> tuple[Gathered, ...]:
        """List the photographs to test on, as one set.

        Raises:
            NoSuchSplit: for train and validation.
            DataError: the set is not complete, or a file is unreadable.
        """
        return test_split(_WHOLE if self.form == "whole" else _CROPPED, self.root, self.include, split)
