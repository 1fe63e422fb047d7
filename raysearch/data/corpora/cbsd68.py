"""CBSD68: 68 of the hundred test photographs of BSDS300, in colour: the test set of colour denoising.

Roth and Black, Fields of Experts, IJCV 2009, chose the 68; Zhang et al., FFDNet, IEEE TIP 2018, use them in colour. The folder
holds the 68, named by their numbers (``101085``) or not, or it is the root of BSDS500 (or its ``val``), from which they are
chosen by their numbers. 481 x 321 pixels, upright or not. For research. Noise, seeds and rounding are a matter of the task and
the protocol.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from raysearch.data.corpora._bsd import CBSD68
from raysearch.data.corpora._published import Published, TestSetConfig


class Config(TestSetConfig):
    """The 68 photographs."""

    kind: Literal["cbsd68"] = "cbsd68"

    published: ClassVar[Published] = Published(
        name="cbsd68",
        count=68,
        where="https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html",
        sizes=((481, 321),),
        stems=(CBSD68,),
    )
