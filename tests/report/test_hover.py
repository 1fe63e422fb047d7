from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.axes import Axes

from raysearch.report import hover, svg


def told(paint: Callable[[Axes], None]) -> dict[str, Any]:
    found = ElementTree.fromstring(svg.panel("p", "t", "d", paint).element).find("metadata")
    assert found is not None
    assert found.text is not None
    return json.loads(found.text)


def test_lines_scatter_bars_and_steps_tell_their_values() -> None:
    def paint(axes: Axes) -> None:
        axes.plot([0, 100, 200], [27.5, 28.25, 28.5], color=svg.SERIES[0], label="\u200aa line")
        axes.scatter([50, 150], [27.75, 28.0], color=svg.SERIES[1], label="dots")
        axes.scatter([60], [27.75], facecolors="none", edgecolors=svg.SERIES[1])
        axes.plot([10, 20], [27.75, 28.0], color=svg.SERIES[0], label="_trial 7")
        axes.errorbar([75], [28.25], yerr=[0.1], color=svg.SERIES[3], label="with an interval")
        axes.plot([0, 1], [28, 28], label=hover.SILENT)
        axes.fill_between([0, 100], [27, 28], [28, 29])
        axes.axhline(28)
        axes.set_xlabel("steps")
        axes.set_ylabel("PSNR, dB")

    found = told(paint)
    assert (found["x"], found["y"]) == ("steps", "PSNR, dB")
    assert [(name, across, up) for name, _, _, across, up in found["s"]] == [
        ("a line", ["0", "100", "200"], ["27.50", "28.25", "28.50"]),
        ("a line, trial 7", ["10", "20"], ["27.75", "28.00"]),
        ("with an interval", ["75"], ["28.25"]),
        ("dots", ["50", "150"], ["27.75", "28.00"]),
        ("dots", ["60"], ["27.75"]),
    ]


def test_bars_that_lie_go_by_their_names_and_histograms_by_their_middles() -> None:
    def bars(axes: Axes) -> None:
        axes.barh([0, 1], [0.25, 0.75], color=svg.SERIES[0])
        axes.set_yticks([0, 1], ["batch", "rate"])

    def steps(axes: Axes) -> None:
        axes.stairs([3, 5], [0, 10, 20], fill=True, color=svg.SERIES[0], label="loss")

    assert [(name, across, up) for name, _, _, across, up in told(bars)["s"]] == [("", ["0.250", "0.750"], ["batch", "rate"])]
    assert [(name, across, up) for name, _, _, across, up in told(steps)["s"]] == [("loss", ["5", "15"], ["3", "5"])]


def test_places_are_where_the_points_are_drawn() -> None:
    """Markers of a line are put by `<use>` elements in one group, at places that matplotlib wrote by itself."""

    def paint(axes: Axes) -> None:
        axes.plot([1, 10, 100], [3, -1, 2], marker="o", color=svg.SERIES[0])
        axes.set_xscale("log")
        axes.set_xlabel("rate")

    drawing = svg.panel("p", "t", "d", paint)
    root = ElementTree.fromstring(drawing.element)
    markers = [e for group in root.iter("g") if "f-series-1" in group.get("class", "") for e in group]
    drawn = [(float(e.get("x", "nan")), float(e.get("y", "nan"))) for e in markers]
    name, xs, ys, across, up = told(paint)["s"][0]
    assert len(drawn) == 3
    assert [*xs, *ys] == pytest.approx([*(x for x, _ in drawn), *(y for _, y in drawn)], abs=0.56)
    assert (name, across, up) == ("", ["1", "10", "100"], ["3", "\N{MINUS SIGN}1", "2"])


def test_what_is_not_seen_is_not_told_and_much_is_thinned() -> None:
    def paint(axes: Axes) -> None:
        axes.plot([0, 1, 2], [0, np.nan, 9])
        axes.plot(np.linspace(0, 2, 5000), np.linspace(0, 4, 5000))
        axes.scatter([0.5], [3.5], label="alone")
        axes.set_ylim(0, 5)

    series = told(paint)["s"]
    assert [len(one[1]) for one in series[::2]] == [1, 1]
    assert hover.POINTS - 2 <= len(series[1][1]) <= hover.POINTS
    assert (series[1][1][0], series[1][1][-1]) == (series[0][1][0], max(series[1][1]))


def test_a_drawing_without_points_tells_nothing() -> None:
    assert "metadata" not in svg.panel("p", "t", "d", lambda axes: axes.axhline(1)).element  # type: ignore[arg-type, return-value]


def test_hostile_labels_stay_inside() -> None:
    text = "</metadata><script>alert(1)</script>&amp;"
    element = svg.panel("p", "t", "d", lambda axes: axes.plot([0], [1], label=text)).element  # type: ignore[arg-type, return-value]
    assert "<script" not in element
    assert json.loads(ElementTree.fromstring(element).findtext("metadata", ""))["s"][0][0] == text


def test_values_are_cheap(page: Path) -> None:
    figures = re.findall(r"<svg [^>]*aria-labelledby.*?</svg>", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(figures) > 10
    told_bytes = [len(part) for figure in figures for part in re.findall("<metadata>.*?</metadata>", figure)]
    assert len(told_bytes) > 10
    assert max(told_bytes) < 10_000
    assert max(map(len, figures)) < 45_000
