"""How important each searched parameter was, as the file of the run says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from raysearch.report import plain
from raysearch.report.view import View

IMPORTANCE_FILE = "importance.json"
"""In the run's folder: ``{"parameters": {name: share}, "method": text}``."""

_LARGEST_FILE = 1_000_000


@dataclass(frozen=True)
class Importances:
    """What the file says.

    Attributes:
        shares: by parameter, as it is printed, in falling order.
        method: how they were found; empty if it is not said.
        problem: why there are none; empty if there are.
    """

    shares: Mapping[str, float]
    method: str = ""
    problem: str = ""

    def of(self, name: str) -> float:
        """Return a parameter's importance; 0 for one that is not ranked."""
        return self.shares.get(plain.line(name, 60), 0.0)


def importances(view: View) -> Importances:
    """Read the file."""
    path = view.folder / IMPORTANCE_FILE
    if not path.is_file():
        return Importances({}, problem="Parameter importances were not computed for this run (they need a few finished trials).")
    try:
        if path.stat().st_size > _LARGEST_FILE:
            return Importances({}, problem="The file of parameter importances is too large to be one.")
        data = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError, RecursionError):
        return Importances({}, problem="The file of parameter importances can't be read.")
    found = {plain.line(name, 60): plain.number(share) for name, share in plain.mapping(plain.at(data, "parameters")).items()}
    known = {name: share for name, share in found.items() if share is not None}
    ordered = dict(sorted(known.items(), key=lambda item: (-item[1], item[0])))
    method, reason = plain.at(data, "method"), plain.at(data, "reason")
    said = f": {plain.line(reason, 200)}" if isinstance(reason, str) else ""
    problem = "" if ordered else f"Parameter importances could not be told for this run{said}."
    return Importances(ordered, plain.line(method, 60) if isinstance(method, str) else "", problem)
