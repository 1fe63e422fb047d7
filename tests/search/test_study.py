"""A study file: defaults, profiles, round trip through plain data, the baseline, and what opening one must not import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from raysearch.errors import SpecError
from raysearch.search.loading import load_study
from raysearch.search.study import Confirm, StudySpec
from raysearch.spec.space import Space

SMOKE = Path(__file__).parents[2] / "search_spaces" / "smoke.yaml"


def test_a_study_round_trips_through_json() -> None:
    spec = load_study(SMOKE).spec
    again = StudySpec.from_data(json.loads(json.dumps(spec.to_data())))
    assert again == spec
    assert again.to_data() == spec.to_data()
    assert again.trial.domains == spec.trial.domains


def test_the_document_keeps_text_and_places() -> None:
    study = load_study(SMOKE, overrides=["trial.steps=30"])
    assert study.document.text == SMOKE.read_text()
    assert study.overrides == ("trial.steps=30",)
    assert study.spec.trial.template["steps"] == 30
    assert str(study.document.mark(("trial", "steps"))) == "--set trial.steps=30"


def test_the_name_is_the_files_when_none_is_given(tmp_path: Path) -> None:
    path = tmp_path / "my-study.yaml"
    path.write_text("\n".join(line for line in SMOKE.read_text().splitlines() if not line.startswith("name:")))
    assert load_study(path).spec.name == "my-study"
    path.rename(tmp_path / "my study.yaml")
    with pytest.raises(SpecError, match="name"):
        load_study(tmp_path / "my study.yaml")


def test_plain_data_that_is_no_study_is_refused() -> None:
    data = load_study(SMOKE).spec.to_data()
    with pytest.raises(SpecError, match=r"budget\.trails"):
        StudySpec.from_data({**data, "budget": {"trails": 3}})
    with pytest.raises(SpecError, match="inverted"):
        StudySpec.from_data({**data, "trial": {**data["trial"], "steps": {"int": [3, 1]}}})


def test_paths_of_corpora_do_not_depend_on_where_a_run_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SMOKE.read_text().replace("{kind: photos}", "{kind: folder, train: mine, hold_out: 2}")
    (tmp_path / "study.yaml").write_text(text)
    (tmp_path / "forked.yaml").write_text(
        text.replace("{kind: folder, train: mine", "{one_of: [photos, {kind: folder, train: mine").replace(
            "hold_out: 2}", "hold_out: 2}]}"
        )
    )
    monkeypatch.chdir(tmp_path)
    plain, forked = load_study(Path("study.yaml")).spec, load_study(Path("forked.yaml")).spec
    monkeypatch.chdir("/")
    for spec in (plain, StudySpec.from_data(plain.to_data())):
        data = spec.trial.bind(spec.trial.complete({}), seed=0).data.model_dump(mode="json")
        assert data["train"]["folders"] == [str(tmp_path / "mine")]
    assert forked.trial.bind(forked.trial.complete({"data": "folder"}), seed=0).data.model_dump(mode="json")["train"][
        "folders"
    ] == [str(tmp_path / "mine")]


def test_a_file_that_holds_no_mapping_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.yaml"
    path.write_text("- 1\n")
    with pytest.raises(SpecError, match="must be a mapping"):
        load_study(path)


@pytest.fixture
def winner() -> Any:
    space: Space = load_study(SMOKE).spec.trial
    return space.bind(space.complete({"sampler": "gradient"}), seed=5)


def test_the_baseline_replaces_whole_parts_of_the_winner(winner: Any) -> None:
    baseline = Confirm(baseline={"sampler": {"kind": "uniform"}, "recipe.optimizer.lr": 0.5}).baseline_of(winner)
    assert baseline.sampler.kind == "uniform"
    assert baseline.recipe.optimizer.lr == 0.5
    assert baseline.model_copy(update={"sampler": winner.sampler, "recipe": winner.recipe}) == winner


@pytest.mark.parametrize(
    ("baseline", "message"),
    [
        ({"samplr": "uniform"}, "'sampler'"),
        ({"sampler.keeep": 1.0}, "'keep'"),
        ({"steps.x": 1}, "no steps.x"),
        ({"sampler": {"kind": "uniform", "keep": 1}}, "unknown key"),
        ({"sampler.keep": "half"}, "is text"),
    ],
)
def test_a_baseline_that_does_not_fit_the_winner_is_refused(winner: Any, baseline: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as caught:
        Confirm(baseline=baseline).baseline_of(winner)
    assert message in str(caught.value)


def test_reading_spaces_and_studies_loads_no_torch() -> None:
    code = "import sys, raysearch.spec.space, raysearch.spec.explain, raysearch.search.study; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
