from __future__ import annotations

import pytest

from raysearch import component
from raysearch.errors import SpecError
from raysearch.results.published import PaperTable, paper_tables, require_tables

PARTS = {"model": "models", "sampler": "samplers", "task": "tasks", "recipe.loss": "losses"}
NOT_YET = {"path_restore"}
"""Kinds that a table speaks of and that are not in the tree."""


@pytest.mark.parametrize("name", paper_tables())
def test_a_table_can_be_read_and_named(name: str) -> None:
    table = paper_tables()[name]
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert table.source
    assert table.protocol.data
    require_tables((name,))
    for path, value in [*table.setting.items(), *(item for row in table.rows for item in row.where.items())]:
        part = path.removesuffix(".kind")
        if part in PARTS and path.endswith(".kind"):
            assert value in {*component.names(f"raysearch.{PARTS[part]}"), *NOT_YET}
        elif path.count(".") == 1 and part == path:
            head, _, field = path.partition(".")
            kinds = {where.get(f"{head}.kind", table.setting.get(f"{head}.kind")) for where in [row.where for row in table.rows]}
            configs = [component.find(f"raysearch.{PARTS[head]}", kind) for kind in kinds - {None} - NOT_YET if head in PARTS]  # type: ignore[arg-type]
            assert not configs or any(field in config.model_fields for config in configs), path


def test_numbers_that_papers_print() -> None:
    temperature = paper_tables()["patchnet-temperature"]
    assert [row.values for row in temperature.rows] == [(44.20,), (44.65,), (45.09,), (45.01,), (44.93,)]
    losses = {row.method: row.values[:2] for row in paper_tables()["losses-jdd"].rows}
    assert losses["MS-SSIM and l1 (mix)"] == (34.61, 0.9564)
    assert losses["l2"] == (33.18, 0.9346)
    kept = {row.method: row.values for row in paper_tables()["patch-mining-kept"].rows}
    assert kept["50,000 by gradient, augmented"] == (32.07,)


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(SpecError) as refused:
        require_tables(("patchnet-temperatur",))
    assert "patchnet-temperature" in refused.value.remedy


@pytest.mark.parametrize(
    "change",
    [{"rows": [{"method": "a", "values": [1.0, 2.0]}]}, {"baseline": "b"}, {"rows": [{"method": "a", "values": [1.0]}] * 2}],
)
def test_a_crooked_table_is_refused(change: dict[str, object]) -> None:
    good = {
        "source": "s",
        "subject": "s",
        "protocol": {"data": "d", "training": "t", "evaluation": "e"},
        "columns": [{"metric": "psnr"}],
        "baseline": "a",
        "rows": [{"method": "a", "values": [1.0]}],
    }
    PaperTable.parse(good)
    with pytest.raises(ValueError, match=r"row|methods"):
        PaperTable.parse(good | change)
