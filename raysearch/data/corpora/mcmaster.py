"""McMaster (McM): eighteen crops of 500 x 500 pixels with saturated colours, the hard test set of demosaicing.

Zhang et al., Color demosaicking by local directional interpolation and nonlocal adaptive thresholding, Journal of Electronic
Imaging 2011. Files ``1`` to ``18`` (``mcm01`` to ``mcm18`` in other copies). For research.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from raysearch.data.corpora._published import Published, TestSetConfig


class Config(TestSetConfig):
    """The eighteen crops."""

    kind: Literal["mcmaster"] = "mcmaster"

    published: ClassVar[Published] = Published(
        name="mcmaster",
        count=18,
        where="https://www4.comp.polyu.edu.hk/~cslzhang/CDM_Dataset.htm",
        sizes=((500, 500),),
        stems=(tuple(str(k) for k in range(1, 19)), tuple(f"mcm{k:02}" for k in range(1, 19))),
    )
