"""What a study asks of its report."""

from __future__ import annotations

from pydantic import field_validator
from pydantic_core import PydanticCustomError

from raysearch.component import Config
from raysearch.errors import SpecError
from raysearch.results.published import require_tables


class ReportPlan(Config):
    """What a study asks of its report: ``report: {tables: [patchnet-temperature]}``."""

    tables: tuple[str, ...] = ()
    """Tables of papers beside which measured numbers are laid, by name: see `raysearch.results.published`."""

    @field_validator("tables")
    @classmethod
    def _known(cls, tables: tuple[str, ...]) -> tuple[str, ...]:
        try:
            require_tables(tables)
        except SpecError as error:
            raise PydanticCustomError("domain", "{cause}", {"cause": error.cause, "remedy": error.remedy}) from error
        return tables
