"""Numbers that papers print, as data: one YAML file a source in ``papers/``, several tables in each.

A row may say which configurations are its like here (``where``), so that a report can lay measured numbers beside it; a table says
under which setting and protocol it was made, so that the report can say what differs. They are facts, transcribed; what a source
does not state is said to be not stated.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Self

from pydantic import Field, ValidationError, model_validator

from raysearch.component import Config
from raysearch.errors import SpecError
from raysearch.spec.findings import one_of_names
from raysearch.spec.yaml import parse

Setting = dict[str, bool | int | float | str | None]


class PaperColumn(Config):
    """What is printed in a column."""

    metric: str
    """``psnr``, ``ssim``, ... or another quantity, e.g. ``gflops``."""

    dataset: str = ""
    level: str = ""
    """Of the degradation, e.g. ``sigma 25``."""


class PaperRow(Config):
    """A row: a method and its numbers."""

    method: str | int
    where: Setting = Field(default_factory=dict)
    """Dotted paths of a trial's configuration and their values: what is this method here. Empty where there is nothing like it."""

    values: tuple[float | None, ...]
    """One a column; None where the source prints a dash or no number."""


class PaperProtocol(Config):
    """How the numbers came about, in words."""

    data: str
    training: str
    evaluation: str


class PaperTable(Config):
    """A table of a paper."""

    source: str
    """E.g. ``PatchNet paper, table 5``."""

    subject: str
    """What varies."""

    setting: Setting = Field(default_factory=dict)
    """What is the same for all rows and could be otherwise here: dotted paths of a trial's configuration."""

    protocol: PaperProtocol
    columns: tuple[PaperColumn, ...] = Field(min_length=1)
    baseline: str | None = None
    """The row to which differences are taken; none are where it is not given."""

    rows: tuple[PaperRow, ...] = Field(min_length=1)
    note: str = ""

    @model_validator(mode="after")
    def _rectangular(self) -> Self:
        if any(len(row.values) != len(self.columns) for row in self.rows):
            raise ValueError("a row has not one value a column")
        methods = [str(row.method) for row in self.rows]
        if len(set(methods)) != len(methods) or (self.baseline is not None and self.baseline not in methods):
            raise ValueError("methods must differ, and the baseline must be one of them")
        return self


@cache
def paper_tables() -> dict[str, PaperTable]:
    """Return every table by name.

    Raises:
        SpecError: a file is no such table, or two have one name.
    """
    found: dict[str, PaperTable] = {}
    for file in sorted(files("raysearch.results").joinpath("papers").iterdir(), key=lambda entry: entry.name):
        data = parse(file.read_text(encoding="utf-8"), file.name).data
        for name, content in data.items() if isinstance(data, dict) else ():
            if name in found:
                raise SpecError(f"{file.name}: there is another table {name}", remedy="rename one of them")
            try:
                found[name] = PaperTable.parse(content)
            except ValidationError as error:
                raise SpecError(f"{file.name}: {name}: {error}", remedy="correct the file") from error
    return found


def require_tables(names: tuple[str, ...]) -> None:
    """Refuse a name that is no table.

    Raises:
        SpecError: the first such name, with the nearest one that is.
    """
    for name in names:
        if name not in paper_tables():
            raise SpecError(f"no published table is called {name!r}", remedy=one_of_names(name, paper_tables()))
