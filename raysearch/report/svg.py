"""Matplotlib's drawings as SVG that belongs to a page: real text, colours that follow the page's theme, the same bytes every time.

A painter draws with the colours of `PALETTE`, which are placeholders: in the result they are classes (``f-ink``, ``s-series-1``)
that the page's style sheet gives a light and a dark value. No ``style`` attribute is left, so that a page can forbid them.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, GRID, PAPER = "#010a01", "#020a02", "#030a03", "#040a04"
SERIES = ("#110a01", "#120a02", "#130a03", "#140a04", "#150a05", "#160a06")
"""Colours of series, in this order: Okabe and Ito's, which the colour-blind can tell apart."""

MARKERS = ("o", "s", "^", "D", "v", "P")
"""Shapes that go with `SERIES`, since colour alone must not carry meaning."""

DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 3)))
"""Line styles that go with `SERIES`."""

PALETTE = {INK: "ink", MUTED: "muted", GRID: "grid", PAPER: "paper"} | {c: f"series-{i}" for i, c in enumerate(SERIES, 1)}
"""Placeholder colours and the names that the style sheet knows."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "raysearch",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "axes.labelsize": 10.5,
    "axes.titlesize": 10.5,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.7,
    "lines.markersize": 5.5,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
}
_DROPPED = frozenset({"metadata", "style"})
_NUMBER = re.compile(r"-?\d+\.\d{3,}")


def panel(name: str, title: str, description: str, paint: Callable[[Axes], None], *, width: int = 400, height: int = 250) -> str:
    """Draw one panel.

    Args:
        name: unique on the page; ids inside the drawing begin with it.
        title: its accessible name.
        description: what is to be seen, for those who don't see it.
        paint: draws into the axes.
        width: of the drawing, in units of which a letter is about ten high; likewise ``height``.

    Returns:
        An ``<svg>`` element with ``role="img"`` and without declarations, scripts, styles or addresses outside itself.
    """
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # The page's own fonts print the text; the font that matplotlib measures with may lack a letter.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from (current )?font", category=UserWarning)
        figure = Figure(figsize=(width / 72, height / 72), dpi=72, layout="constrained")
        figure.patch.set_visible(False)
        axes = figure.add_subplot()
        axes.patch.set_visible(False)
        paint(axes)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _inline(buffer.getvalue(), name, title, description, width, height)


def _inline(drawn: bytes, name: str, title: str, description: str, width: int, height: int) -> str:
    root = ElementTree.fromstring(drawn)
    _strip(root)
    for element in root.iter():
        _plain_tag(element)
        _class_for_style(element)
        for key in ("d", "transform", "x", "y", "points"):
            if key in element.attrib:
                element.set(key, _NUMBER.sub(lambda match: f"{float(match[0]):.2f}", element.attrib[key]))
    _scope_ids(root, name)
    for key in list(root.attrib):
        del root.attrib[key]
    root.attrib.update({"viewBox": f"0 0 {width} {height}", "role": "img", "aria-labelledby": f"{name}-t {name}-d"})
    for position, (tag, text) in enumerate((("title", title), ("desc", description))):
        child = ElementTree.Element(tag, {"id": f"{name}-{tag[0]}"})
        child.text = text
        root.insert(position, child)
    return ElementTree.tostring(root, encoding="unicode")


def _strip(element: ElementTree.Element) -> None:
    """Drop metadata, style sheets and the white space between elements."""
    for child in list(element):
        if child.tag.rpartition("}")[2] in _DROPPED:
            element.remove(child)
            continue
        child.tail = None
        _strip(child)
    if len(element):
        element.text = None


def _plain_tag(element: ElementTree.Element) -> None:
    element.tag = element.tag.rpartition("}")[2]
    for key in [key for key in element.attrib if key.startswith("{")]:
        element.set(key.rpartition("}")[2], element.attrib.pop(key))


def _class_for_style(element: ElementTree.Element) -> None:
    """Turn declarations into presentation attributes, and placeholder colours into classes."""
    classes = []
    for declaration in element.attrib.pop("style", "").split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key in ("fill", "stroke") and value in PALETTE:
            classes.append(f"{key[0]}-{PALETTE[value]}")
        elif key == "font":
            size = re.search(r"([\d.]+)px", value)
            element.set("font-size", size[1] if size else "10")
            if "bold" in value or "700" in value:
                element.set("font-weight", "bold")
        elif key and key not in ("font-family", "white-space"):
            element.set(key, value)
    if element.tag == "text" and not any(name.startswith("f-") for name in classes):
        classes.append("f-ink")
    if classes:
        element.set("class", " ".join(classes))


def _scope_ids(root: ElementTree.Element, name: str) -> None:
    """Keep the ids that something refers to, numbered and beginning with the drawing's name; two drawings never share one."""
    everything = " ".join(value for element in root.iter() for key, value in element.attrib.items() if key != "id")
    used = set(re.findall(r"#([\w.-]+)", everything))
    renamed: dict[str, str] = {}
    for element in root.iter():
        old = element.attrib.pop("id", None)
        if old in used and old is not None:
            renamed[old] = f"{name}-{len(renamed)}"
            element.set("id", renamed[old])
    for element in root.iter():
        for key, value in element.attrib.items():
            if "#" in value:
                element.set(key, re.sub(r"#([\w.-]+)", lambda match: f"#{renamed.get(match[1], match[1])}", value))
