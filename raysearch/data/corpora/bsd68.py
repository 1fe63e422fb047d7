"""BSD68: the grey version of the 68 photographs of CBSD68, the test set of grey denoising.

Roth and Black, Fields of Experts, IJCV 2009. The folder holds the 68 as grey images (``test001`` and so on in the testsets of
DnCNN), or in colour, or it is the root of BSDS500 (or its ``val``), from which they are chosen by their numbers; a task on grey
images makes colour grey as MATLAB does. 481 x 321 pixels, upright or not. For research.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from raysearch.data.corpora._bsd import CBSD68
from raysearch.data.corpora._published import Published, TestSetConfig


class Config(TestSetConfig):
    """The 68 photographs."""

    kind: Literal["bsd68"] = "bsd68"

    published: ClassVar[Published] = Published(
        name="bsd68",
        count=68,
        where="https://github.com/cszn/DnCNN, testsets/BSD68",
        sizes=((481, 321),),
        stems=(CBSD68,),
    )
