"""Set14: fourteen photographs, one of them (the bridge) grey in most copies.

Zeyde et al., On Single Image Scale-Up Using Sparse-Representations, Curves and Surfaces 2010. The folder holds the fourteen in
full size, named ``baboon`` to ``zebra`` or ``img_001`` to ``img_014``. Published without a licence; use it for research.

Sizes were measured on one copy whose sides are cut to even numbers (others have 250 x 361, 529 x 656 and 586 x 391); both pass.
Its baboon, barbara, lenna and peppers are also in Set12 and classic5, so means over several of these sets count them repeatedly.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from raysearch.data.corpora._published import Published, TestSetConfig


class Config(TestSetConfig):
    """The fourteen photographs."""

    kind: Literal["set14"] = "set14"

    published: ClassVar[Published] = Published(
        name="set14",
        count=14,
        where="https://github.com/jbhuang0604/SelfExSR has them as its authors tested them",
        sizes=(
            (500, 480),
            (720, 576),
            (512, 512),
            (352, 288),
            (361, 250),
            (276, 276),
            (500, 362),
            (768, 512),
            (656, 529),
            (586, 391),
        ),
        stems=(
            (
                *("baboon", "barbara", "bridge", "coastguard", "comic", "face", "flowers"),
                *("foreman", "lenna", "man", "monarch", "pepper", "ppt3", "zebra"),
            ),
            tuple(f"img_{k:03}" for k in range(1, 15)),
        ),
    )
