"""A picture of a corpus's patches, and a small page around it: histograms of every score, and patches from low to high."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem }}
table {{ border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto }}
th, td {{ text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #8884; vertical-align: top }}
img {{ width: 100%; background: #fff }}
code {{ font-size: .85em; overflow-wrap: anywhere }}
</style></head>
<body><h1>{title}</h1>
{body}
</body></html>
"""


def draw_patches(
    title: str, histograms: Mapping[str, tuple[Sequence[float], Sequence[int]]], samples: Mapping[str, NDArray[np.integer]]
) -> bytes:
    """Draw one row a score: its histogram, and patches from its lowest to its highest value.

    Args:
        title: stands above.
        histograms: borders of the bars and their counts, by score.
        samples: (n, 1 or 3, h, w), uint8 or uint16, by score.

    Returns:
        A PNG file.
    """
    columns = max(len(patches) for patches in samples.values())
    with mpl.rc_context({"font.size": 8, "text.parse_math": False}):
        figure = Figure(figsize=(2.6 + 0.95 * columns, 0.5 + 1.15 * len(samples)), dpi=110, layout="constrained")
        figure.suptitle(title)
        grid = figure.add_gridspec(len(samples), columns + 1, width_ratios=[2.4, *[1.0] * columns])
        for row, (name, patches) in enumerate(samples.items()):
            edges, counts = histograms[name]
            bars = figure.add_subplot(grid[row, 0])
            bars.stairs(counts, edges, fill=True, color="#0072b2")
            bars.set_xscale("log")
            bars.set_xticks([edges[0], edges[-1]], [f"{edges[0]:.2g}", f"{edges[-1]:.2g}"])
            bars.minorticks_off()
            bars.set_ylabel(name)
            bars.set_yticks([])
            for column, patch in enumerate(patches):
                _show(figure.add_subplot(grid[row, column + 1]), patch)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _show(axes: Any, patch: NDArray[np.integer]) -> None:
    pixels = patch.astype(np.float64).transpose(1, 2, 0) / np.iinfo(patch.dtype).max
    axes.imshow(pixels[..., 0] if pixels.shape[2] == 1 else pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_axis_off()


def page(title: str, tables: Sequence[tuple[str, Sequence[Sequence[str]]]], notes: Sequence[str], picture: bytes) -> str:
    """Make a page that needs nothing beside itself.

    Args:
        title: its heading.
        tables: heading and rows of each; the first row is the header.
        notes: sentences above the tables.
        picture: a PNG file; empty for none.
    """
    parts = [f"<p>{escape(note)}</p>" for note in notes]
    for heading, (header, *rows) in tables:
        cells = "".join(f"<th>{escape(cell)}</th>" for cell in header)
        lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        parts.append(f"<h2>{escape(heading)}</h2><table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table>")
    if picture:
        encoded = base64.b64encode(picture).decode()
        parts.append(f'<img alt="Histograms of every score and patches from low to high" src="data:image/png;base64,{encoded}">')
    return _PAGE.format(title=escape(title), body="\n".join(parts))
