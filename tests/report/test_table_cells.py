"""Cells of a table: numbers have no class, and a cell says what to sort by only where the script can't read it."""

from __future__ import annotations

import pytest

from raysearch.report.cells import rows
from raysearch.report.document import Cell, Column, Table


@pytest.mark.parametrize(
    ("cell", "attribute"),
    [
        (Cell("0.50", 0.5), ""),
        (Cell("16", 16.0), ""),
        (Cell("28.51", 28.5111349), ' data-sort="28.51113"'),
        (Cell("5,880", 5880), ' data-sort="5880"'),
        (Cell("\N{MINUS SIGN}2", -2), ' data-sort="-2"'),
        (Cell("\N{INFINITY}", float("inf")), ' data-sort="Infinity"'),
        (Cell("7", 7, note="of 9"), ' data-sort="7"'),
        (Cell("7", 7, beside=Cell("8")), ' data-sort="7"'),
        (Cell("none", float("nan")), ""),
        (Cell("a word"), ""),
    ],
)
def test_a_number_says_what_to_sort_by_where_it_does_not_read_as_it(cell: Cell, attribute: str) -> None:
    text = str(rows(Table("t", "", (Column("A", align="text"), Column("B")), ((Cell("x"), cell),))))
    assert text.startswith('<tr><th scope="row" class="brief">x</th><td')
    assert text.partition("</th><td")[2].partition(">")[0] == attribute


def test_long_words_have_a_class_of_their_own() -> None:
    text = str(rows(Table("t", "", (Column("A", align="text"),), ((Cell("word " * 9),),))))
    assert text.startswith('<tr><th scope="row" class="text">')
