"""What single sections say, by the section's own blocks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from raysearch.report.document import Figure, Missing, Prose
from raysearch.report.sections import asked, parameters
from raysearch.report.view import view
from raysearch.results.record import RunRecord

QUESTION = "Which patches should a demosaicing network be trained on?"
COMMENT = f"# {QUESTION}\n#\n# Change `width` to try a larger network.\nname: x\n"


def _asked(run: RunRecord, question: object, notes: object, space: str = COMMENT) -> tuple[str, ...]:
    spec = {**run.spec, "question": question, "notes": notes}
    first = asked.section(view(replace(run, spec=spec, space_text=space), Path("nowhere"), "r1")).blocks[0]
    if isinstance(first, Missing):
        return ()
    assert isinstance(first, Prose)
    return first.paragraphs


def test_a_question_and_notes_are_printed_once_and_the_comment_of_the_file_is_left_to_its_listing(run: RunRecord) -> None:
    assert _asked(run, QUESTION, "Two notes.") == (QUESTION, "Two notes.")
    assert _asked(run, QUESTION, QUESTION) == (QUESTION,)
    assert _asked(run, QUESTION, None) == (QUESTION,)


def test_without_a_question_the_comment_of_the_file_is_what_was_asked(run: RunRecord) -> None:
    assert _asked(run, "", "Two notes.") == (QUESTION, "Change `width` to try a larger network.", "Two notes.")
    assert _asked(run, " ", "", "name: x\n") == ()


@pytest.mark.parametrize(
    ("shares", "said", "words"),
    [
        ({"batch": 0.7}, True, "One parameter is ranked: batch with 0.70"),
        ({"batch": 0.7, "sampler": 0.2}, True, "The most important of 2 parameters is batch"),
        (None, False, "parameters is"),
    ],
)
def test_importances_say_that_parameters_of_branches_are_not_ranked(
    run: RunRecord, tmp_path: Path, shares: dict[str, float] | None, said: bool, words: str
) -> None:
    names = dict.fromkeys((name for trial in run.trials for name in trial.values), 0.1)
    (tmp_path / "importance.json").write_text(json.dumps({"parameters": names if shares is None else shares, "method": "m"}))
    figure = parameters.importance_blocks(view(run, tmp_path, "r1"))[0]
    assert isinstance(figure, Figure)
    assert ("parameters of single branches are not ranked" in figure.caption) == said
    assert words in figure.panels[0].element
