"""Fewer bytes, the same drawing."""

from __future__ import annotations

from xml.etree import ElementTree

from matplotlib.axes import Axes

from raysearch.report import svg
from raysearch.report.compact import compact


def compacted(text: str) -> str:
    root = ElementTree.fromstring(text)
    compact(root)
    return ElementTree.tostring(root, encoding="unicode")


def test_points_that_look_alike_share_a_group() -> None:
    use = '<use x="{}" y="2" href="#m" class="f" stroke-width="1" />'
    other = '<use x="9" y="9" href="#m" class="g" stroke-width="1" />'
    short = '<use x="{}" y="2" href="#m" />'
    found = compacted("<svg>" + "".join(use.format(x) for x in (1, 2, 3)) + other + "</svg>")
    inside = "".join(short.format(x) for x in (1, 2, 3))
    assert found == f'<svg><g class="f" stroke-width="1">{inside}</g>{other}</svg>'


def test_neighbours_that_say_the_same_become_one() -> None:
    cut = '<svg><g clip-path="url(#c)"><path d="M 1 2" /></g><g clip-path="url(#c)"><path d="M 3 4" /></g></svg>'
    assert compacted(cut) == '<svg><g clip-path="url(#c)"><path d="M 1 2" /><path d="M 3 4" /></g></svg>'
    for apart in ('opacity="0.5"', 'id="a"'):
        other = cut.replace('clip-path="url(#c)"', apart)
        assert compacted(other) == other


def test_a_scatter_of_a_thousand_points_is_small() -> None:
    def paint(axes: Axes) -> None:
        axes.scatter(range(1000), range(1000), color=svg.SERIES[0], label="_")

    assert len(svg.panel("p", "t", "d", paint).element) < 60_000
