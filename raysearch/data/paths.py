"""Paths in configs: what a user writes relative to the working directory is kept absolute.

A trial may run in another process, with another working directory, than the one that read the YAML file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator


def absolute(path: Path) -> Path:
    """Return a path as it is from any working directory; links are kept."""
    return Path(os.path.abspath(path.expanduser()))


AbsolutePath = Annotated[Path, AfterValidator(absolute)]
"""A path that is made absolute (and ``~`` expanded) when the config is parsed, and written as absolute. Links are kept."""
