"""LIVE1: the 29 undistorted photographs of the LIVE image quality database, the test set of JPEG deblocking.

Sheikh et al., LIVE Image Quality Assessment Database, Release 2, 2005. Files ``bikes`` to ``womanhat`` in the folder ``refimgs``.
For research, with the notice that the database asks for. Many are cut or reduced Kodak photographs, ``monarch`` is also in Set14.
Numbers of deblocking are those of the luma channel.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from raysearch.data.corpora._published import Published, TestSetConfig

_NAMES = (
    *("bikes", "building2", "buildings", "caps", "carnivaldolls", "cemetry", "churchandcapitol", "coinsinfountain", "dancers"),
    *("flowersonih35", "house", "manfishing", "monarch", "ocean", "paintedhouse", "parrots", "plane", "rapids", "sailing1"),
    *("sailing2", "sailing3", "sailing4", "statue", "stream", "studentsculpture", "woman", "womanhat"),
)


class Config(TestSetConfig):
    """The 29 photographs."""

    kind: Literal["live1"] = "live1"

    published: ClassVar[Published] = Published(
        name="live1",
        count=29,
        where="https://live.ece.utexas.edu/research/quality/",
        stems=tuple((*_NAMES, *houses) for houses in (("lighthouse", "lighthouse2"), ("lighthouse2", "lighthouse3"))),
    )
