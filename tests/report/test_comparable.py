"""What may be compared: runs that do not measure the same are refused with the reason, and so are settings without values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pytest
from compared_runs import DATA, compared, longer, seen

from raysearch.errors import SpecError
from raysearch.report.sections.contrasts import notes, refusals, table
from raysearch.report.sides import referred, sides_by, sides_of_runs
from raysearch.results.record import RunRecord


def with_environment(record: RunRecord, split: str, digest: str) -> RunRecord:
    return replace(record, environment={"data": DATA | {split: DATA[split] | {"digest": digest}}})


def other_protocol(record: RunRecord) -> RunRecord:
    index = record.images.column_names.index("protocol")
    column = pa.array(["Y, crop 2, u8"] * len(record.images), pa.string())
    return replace(record, images=record.images.set_column(index, record.images.schema.field("protocol"), column))


def other_set(record: RunRecord) -> RunRecord:
    index = record.images.column_names.index("dataset")
    column = pa.array(["set5"] * len(record.images), pa.string())
    return replace(record, images=record.images.set_column(index, record.images.schema.field("dataset"), column))


REFUSED: dict[str, tuple[Callable[[RunRecord], RunRecord], str]] = {
    "protocol": (other_protocol, "the protocols differ: RGB, crop 8, float and Y, crop 2, u8"),
    "test set": (other_set, "the test sets or their levels differ: photos, noise-free and set5, noise-free"),
    "test digest": (
        lambda r: with_environment(r, "test", "f" * 64),
        "the test photographs differ: photos 333333333333 and photos ffff",
    ),
    "training digest": (lambda r: with_environment(r, "train", "f" * 64), "the train photographs differ: photos 111111111111 and"),
    "objective": (
        lambda r: replace(r, spec=r.spec | {"objective": {"metric": "ssim", "mode": "max"}}),
        "the objectives differ: PSNR",
    ),
    "mode": (lambda r: replace(r, spec=r.spec | {"objective": {"metric": "psnr", "mode": "min"}}), "the objectives differ: PSNR"),
    "task": (
        lambda r: replace(r, trials=tuple(replace(t, config=t.config | {"task": {"kind": "jpeg"}}) for t in r.trials)),
        "the tasks differ: demosaic and jpeg",
    ),
    "infinite": (
        lambda r: replace(r, images=r.images.set_column(6, r.images.schema.field("psnr"), pa.array([math.inf] * len(r.images)))),
        "a PSNR is infinite or missing",
    ),
    "no trial": (lambda r: replace(r, trials=()), "has no training that ended with a value"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_measure_the_same_is_refused_with_the_reason(first: RunRecord, second: RunRecord, what: str) -> None:
    change, reason = REFUSED[what]
    found = compared(first, change(second))
    (row,) = found.rows
    assert row.numbers is None
    assert reason in row.problem
    assert refusals(found) == (f"second and first are not comparable: {row.problem}",)
    shown = table(found).rows[0]
    assert shown[1].text == "not comparable"
    assert shown[-2].text == row.problem


def test_other_training_data_may_be_the_question(first: RunRecord, second: RunRecord) -> None:
    found = compared(first, with_environment(second, "train", "f" * 64), other_training_data=True)
    assert found.rows[0].numbers is not None
    assert any(
        note.startswith("The difference is also one of training data: the train photographs differ") for note in notes(found)
    )


def test_validation_photographs_matter_where_they_are_compared_on(first: RunRecord, second: RunRecord) -> None:
    changed = with_environment(second, "validation", "f" * 64)
    assert compared(first, changed).rows[0].basis == "test"
    (row,) = compared(first, longer(changed)).rows
    assert "the validation photographs differ" in row.problem


def test_digests_that_were_not_recorded_are_told(first: RunRecord, second: RunRecord) -> None:
    found = compared(first, replace(second, environment={}))
    assert any("Not every run has recorded digests" in note for note in notes(found))


def test_one_that_can_be_compared_stands_beside_one_that_can_not(first: RunRecord, second: RunRecord) -> None:
    found = compared(first, second, replace(other_protocol(second), name="third"))
    assert [row.numbers is None for row in found.rows] == [False, True]
    assert len(table(found).columns) == 6, "one comparison needs no correction"


def test_the_reference_can_be_named(first: RunRecord, second: RunRecord) -> None:
    sides = sides_of_runs([seen(first), seen(second)])
    assert [side.name for side in referred(sides, "second")] == ["second", "first"]
    with pytest.raises(SpecError, match="did you mean 'second'"):
        referred(sides, "second_")


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("sampler.knd", "did you mean 'sampler.kind'"),
        ("task.pattern", "all trials of the search have the same, rggb"),
    ],
)
def test_a_setting_without_values_is_refused(first: RunRecord, path: str, cause: str) -> None:
    with pytest.raises(SpecError, match=cause):
        sides_by([seen(first)], path)


def test_runs_without_any_value_are_refused(first: RunRecord) -> None:
    empty = replace(first, trials=())
    with pytest.raises(SpecError, match="no trial has ended with a value yet"):
        compared(empty, empty)
