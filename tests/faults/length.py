"""How long the long tests are."""

from __future__ import annotations

import os

LONG = os.environ.get("RAYSEARCH_LONG") == "1"
"""Set in the environment: every kill point instead of every third, 20 SIGKILLs instead of 3, a cluster whose head dies."""
