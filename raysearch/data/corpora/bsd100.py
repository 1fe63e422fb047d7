"""BSD100: the hundred test photographs of BSDS300, which BSDS500 has in its folder ``val``.

Martin et al., A Database of Human Segmented Natural Images, ICCV 2001; the test set B100 of super-resolution. The folder holds
the hundred, named by their numbers (``101085``) or not, or it is the root of BSDS500, from which they are chosen by their
numbers. 481 x 321 pixels, upright or not. For research.

CBSD68 and BSD68 are 68 of these. Who trains on BSDS500 must leave its ``val`` out; the corpora ``bsds500`` and ``mix`` see to
that.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from raysearch.data.corpora._bsd import BSD100
from raysearch.data.corpora._published import Published, TestSetConfig


class Config(TestSetConfig):
    """The hundred photographs."""

    kind: Literal["bsd100"] = "bsd100"

    published: ClassVar[Published] = Published(
        name="bsd100",
        count=100,
        where="https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html",
        sizes=((481, 321),),
        stems=(BSD100,),
    )
