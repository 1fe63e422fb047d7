"""Matplotlib's drawings: as SVG that belongs to a page, and as SVG and PDF files for a paper. The same bytes every time.

A painter draws with the named colours `INK`, `SERIES` and so on. On a page they become classes (``f-ink``, ``s-series-1``) that its
style sheet gives a light and a dark value, and no ``style`` attribute is left, so that a page can forbid them. In a file they are
those of the printed page.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import get_named_colors_mapping
from matplotlib.figure import Figure

from raysearch.report.hover import told
from raysearch.report.inline import inlined

Form = Literal["svg", "pdf"]

INK, MUTED, GRID, PAPER = "raysearch:ink", "raysearch:muted", "raysearch:grid", "raysearch:paper"
SERIES = tuple(f"raysearch:series-{i}" for i in range(1, 7))
"""Colours of series, in this order: Okabe and Ito's, which the colour-blind can tell apart."""

PRINTED = {INK: "#000000", MUTED: "#444444", GRID: "#cccccc", PAPER: "#ffffff"} | dict(
    zip(SERIES, ("#0072b2", "#d55e00", "#00875f", "#b0528a", "#a87400", "#2a8bc4"), strict=True)
)
"""What the colours are on paper: those of the page's style sheet for print."""

MARKERS = ("o", "s", "^", "D", "v", "P")
"""Shapes that go with `SERIES`, since colour alone must not carry meaning."""

DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 3)))
"""Line styles that go with `SERIES`."""

_PLACEHOLDERS = {name: f"#{i:02x}0a01" for i, name in enumerate(PRINTED, 1)}
PALETTE = {colour: name.partition(":")[2] for name, colour in _PLACEHOLDERS.items()}
"""Placeholder colours of a drawing for a page, and the names that the style sheet knows."""

_STYLE: dict[Any, Any] = {
    "pdf.fonttype": 42,
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
    "lines.solid_capstyle": "butt",
    "lines.markersize": 5.5,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
}


@dataclass(frozen=True)
class Drawing:
    """A panel of a figure.

    Attributes:
        element: an ``<svg>`` element for a page, with ``role="img"`` and without declarations, scripts, styles or addresses outside
            itself; in its ``<metadata>`` stands what `raysearch.report.hover` tells of its points.
        paint: draws into the axes; called again for a file.
        width: in points, of which a letter is about ten high; likewise ``height``.
    """

    element: str
    paint: Callable[[Axes], None]
    width: int
    height: int

    def files(self) -> dict[Form, bytes]:
        """Return the panel as files of its own, in the colours of the printed page."""
        return files(lambda figure: self.paint(figure.add_subplot()), self.width, self.height)


def panel(
    name: str, title: str, description: str, paint: Callable[[Axes], None], *, width: int = 400, height: int = 250
) -> Drawing:
    """Draw one panel.

    Args:
        name: unique on the page; ids inside the drawing begin with it.
        title: its accessible name.
        description: what is to be seen, for those who don't see it.
        paint: draws into the axes.
        width: of the drawing, in units of which a letter is about ten high; likewise ``height``.
    """

    def alone(figure: Figure) -> None:
        figure.patch.set_visible(False)
        axes = figure.add_subplot()
        axes.patch.set_visible(False)
        paint(axes)

    with _drawing(_PLACEHOLDERS, "none"):
        figure = _figure(alone, width, height)
        drawn = _saved(figure, "svg")
        points = told(figure.axes[0], height)
    return Drawing(inlined(drawn, name, (title, description, points), (width, height), PALETTE), paint, width, height)


def files(paint: Callable[[Figure], None], width: float, height: float) -> dict[Form, bytes]:
    """Draw a whole figure as an SVG file, with its letters as outlines, and as a PDF file with their fonts.

    Args:
        paint: draws into the figure.
        width: in points; likewise ``height``.
    """
    with _drawing(PRINTED, "path"):
        figure = _figure(paint, width, height)
        return {form: _saved(figure, form) for form in ("svg", "pdf")}


def _figure(paint: Callable[[Figure], None], width: float, height: float) -> Figure:
    figure = Figure(figsize=(width / 72, height / 72), dpi=72, layout="constrained")
    paint(figure)
    engine = figure.get_layout_engine()
    assert engine is not None
    engine.execute(figure)
    figure.set_layout_engine("none")  # everything has its place by now, and finding it takes most of the time
    return figure


def _saved(figure: Figure, form: Form) -> bytes:
    metadata = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None, "Creator": None, "Producer": None}}
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, metadata=metadata[form])
    return buffer.getvalue()


@contextmanager
def _drawing(colours: Mapping[str, str], letters: Literal["none", "path"]) -> Iterator[None]:
    """Set style and colours for a while."""
    style: dict[Any, Any] = {"svg.fonttype": letters}
    with _named(colours), mpl.rc_context(_STYLE | style), warnings.catch_warnings():
        # The page's own fonts print the text; the font that matplotlib measures with may lack a letter.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from (current )?font", category=UserWarning)
        # Names too long for a figure are cut at its edge; its table has them whole.
        warnings.filterwarnings("ignore", message="constrained_layout not applied", category=UserWarning)
        yield


@contextmanager
def _named(colours: Mapping[str, str]) -> Iterator[None]:
    """Let matplotlib know colours by our names for a while."""
    known: dict[str, Any] = get_named_colors_mapping()
    for name, colour in colours.items():
        known[name] = colour
    try:
        yield
    finally:
        for name in colours:
            del known[name]
