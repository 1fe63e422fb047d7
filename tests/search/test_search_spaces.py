"""Every study in the repository passes the preflight, opens with its question, and tries what the papers found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from raysearch.search.capacity import ANY_CAPACITY, Capacity, Node
from raysearch.search.loading import load_study
from raysearch.search.preflight import examine
from raysearch.search.study import StudySpec
from raysearch.spec.yaml import read

FOLDER = Path(__file__).parents[2] / "search_spaces"
STUDIES = sorted(FOLDER.glob("*.yaml"))
PROFILES = [
    pytest.param(path, name, id=f"{path.stem}-{name}")
    for path in STUDIES
    for name in read(path).data.get("profiles", {})  # type: ignore[attr-defined]
]


OWN_PHOTOGRAPHS = [path for path in STUDIES if path.stem == "sampling_strategies"]
"""Studies of photographs that the user brings."""


@pytest.mark.parametrize("path", [path for path in STUDIES if path not in OWN_PHOTOGRAPHS], ids=lambda path: path.stem)
def test_a_study_passes_on_a_laptop(path: Path, tmp_path: Path) -> None:
    examination = examine(path, capacity=Capacity((Node(2.0, 0.0),)), runs=tmp_path)
    expected = ["confirm.seeds"] if path.stem == "smoke" else []
    assert [finding.key for finding in examination.findings] == expected
    assert examination.exit_code == 0


@pytest.mark.parametrize("path", OWN_PHOTOGRAPHS, ids=lambda path: path.stem)
def test_a_study_of_own_photographs_passes_where_they_lie(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    missing = examine(path, capacity=ANY_CAPACITY, runs=tmp_path)
    assert missing.exit_code == 3
    assert all(finding.key.startswith("trial.data") for finding in missing.findings)
    data = load_study(path).spec.trial.bind({"sampler": "uniform"}, seed=0).data.model_dump(mode="json")
    noise = np.random.default_rng(0)
    for chosen in (data["train"], *data["test"].values()):
        patterns = chosen["include"] or [f"{number}.*" for number in range(10)]
        for place in (Path(folder, pattern) for folder in chosen["folders"] for pattern in patterns):
            place.parent.mkdir(parents=True, exist_ok=True)
            name = place.name.replace("?", "1").replace("*", "png")
            Image.fromarray(noise.integers(0, 255, (64, 80, 3), np.uint8)).save(place.with_name(name))
    found = examine(path, capacity=Capacity((Node(2.0, 0.0),)), runs=tmp_path)
    assert not found.findings
    assert found.exit_code == 0


@pytest.mark.parametrize(("path", "profile"), PROFILES)
def test_a_profile_passes_but_for_its_photographs(path: Path, profile: str, tmp_path: Path) -> None:
    examination = examine(path, profile, capacity=ANY_CAPACITY, runs=tmp_path)
    assert {finding.severity for finding in examination.findings} == {"preflight"}
    assert all(finding.key.startswith("trial.data") for finding in examination.findings)
    assert examination.exit_code == 3


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_study_opens_with_its_question_and_budget(path: Path) -> None:
    comment = path.read_text().split("\n\n")[0] if path.stem == "smoke" else path.read_text().split("\nname:")[0]
    assert comment.startswith("# Question: ")
    assert "Budget" in comment
    if path.stem != "smoke":
        assert "What the papers found" in comment
    spec = load_study(path).spec
    assert spec.name == path.stem
    assert StudySpec.from_data(spec.to_data()) == spec


def test_the_papers_grids_are_tried_first() -> None:
    spec = load_study(FOLDER / "patchnet.yaml", "paper").spec
    tried = [spec.trial.resolve(dict(published.values)) for published in spec.published]
    cells = {a["sampler.patchnet.cell"] for a in tried if a.get("sampler.patchnet.temperature") == 2}
    temperatures = {a["sampler.patchnet.temperature"] for a in tried if a.get("sampler.patchnet.cell") == 64}
    assert cells == {16, 32, 64, 128}, "table 4"
    assert temperatures == {1, 2, 5, 10}, "table 5"
    assert tried[0]["sampler"] == "uniform"
    trial = spec.trial.bind(tried[2], seed=0)
    assert trial.steps == -(-50 * 64612 // 16)
    assert trial.model.model_dump(include={"variant", "masks", "padding"}) == {
        "variant": "released",
        "masks": False,
        "padding": "same",
    }
    assert spec.resources.gpus_per_worker == 1
