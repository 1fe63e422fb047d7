"""How long the long tests are."""

from __future__ import annotations

import os

LONG = os.environ.get("RAYSEARCH_LONG") == "1"
"""Set in the environment: every kill point instead of every third, 20 SIGKILLs of one study instead of one, a million reports, a
cluster whose head dies, one whose machines are replaced, ranks that hang in a barrier."""
