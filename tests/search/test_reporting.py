from __future__ import annotations

import pytest
from pydantic import ValidationError

from raysearch.results.published import paper_tables
from raysearch.search.reporting import ReportPlan
from raysearch.spec.explain import explain


def test_known_tables_are_taken() -> None:
    assert ReportPlan.parse({}).tables == ()
    assert set(ReportPlan.parse({"tables": list(paper_tables())}).tables) == set(paper_tables())


def test_an_unknown_table_is_refused_with_the_nearest_name() -> None:
    data = {"tables": ["patchnet-temperatures"]}
    with pytest.raises(ValidationError) as refused:
        ReportPlan.parse(data)
    (fault,) = explain(refused.value, ReportPlan, data)
    assert "'patchnet-temperatures'" in fault.reason
    assert "write 'patchnet-temperature'" in fault.remedy
