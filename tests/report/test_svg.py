from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.axes import Axes

from raysearch.report import images, svg


def _paint(axes: Axes) -> None:
    axes.plot([0, 1, 2], [1, 3, 2], color=svg.SERIES[0], marker=svg.MARKERS[0], label="$ <b> \U0001f600 数 $")
    axes.fill_between([0, 1, 2], [0, 2, 1], [2, 4, 3], color=svg.SERIES[1], alpha=0.2)
    axes.set_xlabel("a & b")
    axes.legend()


def test_nothing_but_a_drawing_is_left() -> None:
    drawing = svg.panel("p", "A title", "A description", _paint).element
    root = ElementTree.fromstring(drawing)
    tags = {element.tag for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "g", "path", "defs", "use", "text", "clipPath", "rect", "metadata"}
    for element in root.iter():
        assert "style" not in element.attrib
        assert all("#0" not in value and "#1" not in value for value in element.attrib.values())
    classes = {name for element in root.iter() for name in element.get("class", "").split()}
    assert {"s-series-1", "f-series-2", "f-ink"} <= classes
    assert classes <= {f"{kind}-{name}" for kind in "fs" for name in svg.PALETTE.values()}
    assert "$ <b> \U0001f600 数 $" in {element.text for element in root.iter("text")}


def test_the_same_drawing_twice_and_other_ids_under_another_name() -> None:
    drawing = svg.panel("p", "t", "d", _paint).element
    assert drawing == svg.panel("p", "t", "d", _paint).element
    other = svg.panel("q", "t", "d", _paint).element
    found = [{e.get("id") for e in ElementTree.fromstring(text).iter() if e.get("id")} for text in (drawing, other)]
    assert not found[0] & found[1]
    references = {v[1:] for e in ElementTree.fromstring(drawing).iter() for k, v in e.attrib.items() if k == "href"}
    assert references <= found[0]


def test_the_window_with_the_largest_sum() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((40, 50))
    values[21:28, 33:40] += 5
    assert images.largest_window(values, 7) == (33, 21, 7, 7)
    best = max(
        ((values[y : y + 9, x : x + 9].sum(), x, y) for y in range(32) for x in range(42)), key=lambda found: (found[0], -found[2])
    )
    assert images.largest_window(values, 9)[:2] == best[1:]
    assert images.largest_window(values, 100) == (0, 0, 50, 40)


def test_a_colour_map_has_its_ends() -> None:
    low, high = images.colour(np.array([[0.0, 2.0]]), 0.0, 2.0, "viridis")[0]
    assert low == pytest.approx([0.267004, 0.004874, 0.329415])
    assert high == pytest.approx([0.993248, 0.906157, 0.143936])
