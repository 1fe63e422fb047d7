"""The preflight: seeded mistakes, each found at its line with its remedy, all of them at once, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from seeded_mistakes import GOOD, MISTAKES

from raysearch.errors import PreflightError, SpecError
from raysearch.search.capacity import Capacity, Node
from raysearch.search.loading import load_study
from raysearch.search.preflight import Examination, examine, preflight

MACHINE = Capacity((Node(2.0, 0.0),))


def check(tmp_path: Path, text: str, capacity: Capacity = MACHINE) -> Examination:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    return examine(path, capacity=capacity, runs=tmp_path / "runs")


def test_a_good_study_has_no_findings(tmp_path: Path) -> None:
    examination = check(tmp_path, GOOD)
    assert examination.findings == ()
    assert examination.exit_code == 0
    assert examination.study is not None
    assert examination.configurations > 20
    assert examination.needed is not None
    assert examination.needed.store > 1e7
    assert "decoded photographs" in str(examination.needed)


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "reason", "remedy"), MISTAKES, ids=[f"{m[3]}-{i}" for i, m in enumerate(MISTAKES)]
)
def test_a_seeded_mistake_is_found(tmp_path: Path, old: str, new: str, line: int, key: str, reason: str, remedy: str) -> None:
    assert GOOD.count(old) == 1
    examination = check(tmp_path, GOOD.replace(old, new))
    assert examination.exit_code in (2, 3)
    found = [finding for finding in examination.findings if finding.key == key]
    assert found, [finding.key for finding in examination.findings]
    assert found[0].place.startswith(f"{tmp_path / 'study.yaml'}:{line}:")
    assert reason in found[0].reason
    assert remedy in found[0].remedy
    keys = {finding.key for finding in examination.findings if finding.severity == "spec"}
    related = {"trial.patch.size.choice.0", "trial.patch.size.choice.1", "trial.batch", "resources.workers", "scheduler.first_rung"}
    assert all(other == key or other in related for other in keys), "one mistake gives findings about itself only"


def test_a_gray_task_under_the_default_protocol_is_found(tmp_path: Path) -> None:
    colour = "    kind: deepjdd\n    padding: same\n    depth: {int: [2, 6]}\n    width: 8\n"
    text = GOOD.replace("{kind: demosaic, phase: grbg}", "{kind: gaussian_denoise, color: gray}")
    text = text.replace(colour, "    kind: dncnn\n")
    examination = check(tmp_path, text)
    assert examination.exit_code == 2
    (finding,) = examination.findings
    assert finding.key == "trial.evaluate.protocol.space"
    assert "needs images of 3 channel(s), not 1" in finding.reason
    assert "space: gray" in finding.remedy
    told = text.replace("evaluate: {every: 20}", "evaluate: {every: 20, protocol: {space: gray}}")
    assert check(tmp_path, told).exit_code == 0
    (finding,) = check(tmp_path, text.replace("evaluate: {every: 20}", "evaluate: {every: 20, protocol: sr-y-crop2}")).findings
    assert "'y_studio' needs images of 3 channel(s), not 1" in finding.reason
    assert finding.remedy == "write space: gray"
    (finding,) = check(tmp_path, told.replace("    kind: dncnn\n", colour)).findings
    assert finding.key == "trial.model.kind"
    assert "channels" in finding.reason
    assert "task" in finding.remedy


def test_at_least_thirty_mistakes_are_seeded() -> None:
    assert len(MISTAKES) >= 30


def test_all_mistakes_are_told_at_once_sorted_by_line(tmp_path: Path) -> None:
    text = GOOD
    seeded = (0, 2, 9, 10, 19, 24, 36)
    for i in seeded:
        text = text.replace(MISTAKES[i][0], MISTAKES[i][1])
    examination = check(tmp_path, text)
    keys = [finding.key for finding in examination.findings]
    assert {MISTAKES[i][3] for i in seeded if i != 36} <= set(keys)
    lines = [int(finding.place.split(":")[-2]) for finding in examination.findings]
    assert lines == sorted(lines)
    with pytest.raises(SpecError, match="problems"):
        load_study(tmp_path / "study.yaml")


def test_missing_photographs_are_the_places_fault_and_not_the_files(tmp_path: Path) -> None:
    text = GOOD.replace("{kind: photos}", "{kind: folder, train: nowhere, hold_out: 2}")
    examination = check(tmp_path, text)
    assert examination.exit_code == 3
    (finding,) = examination.findings
    assert (finding.key, finding.severity) == ("trial.data.train", "preflight")
    assert ":11:" in finding.place
    assert "nowhere" in finding.value
    with pytest.raises(PreflightError, match="nowhere"):
        preflight(load_study(tmp_path / "study.yaml"), MACHINE, runs=tmp_path)


@pytest.mark.parametrize(
    ("resources", "key", "reason"),
    [
        ("workers: 2, cpus_per_worker: 2", "resources.workers", "only 1 worker"),
        ("workers: 4", "resources.workers", "only 2 workers"),
        ("cpus_per_worker: 4", "resources.cpus_per_worker", "has 2 CPUs"),
        ("gpus_per_worker: 1", "resources.gpus_per_worker", "has 0 GPUs"),
    ],
)
def test_machines_that_are_too_small(tmp_path: Path, resources: str, key: str, reason: str) -> None:
    examination = check(tmp_path, GOOD.replace("workers: 1, cpus_per_worker: 1", resources))
    assert examination.exit_code == 3
    (finding,) = examination.findings
    assert finding.key == key
    assert reason in finding.reason
    assert check(tmp_path, GOOD.replace("workers: 1, cpus_per_worker: 1", resources), Capacity((Node(8, 8),))).exit_code == 0


def test_too_little_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    examination = check(tmp_path, GOOD)
    assert examination.exit_code == 3
    assert "disk is too small" in examination.findings[0].reason


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("seeds: 3", "seeds: 2", "confirm.seeds"),
        ("mode: max", "mode: min", "objective.mode"),
        ("  steps: 80", "  steps: 80\n  seed: 4", "trial.seed"),
        ("cpus_per_worker: 1", "concurrent: 5", "resources.concurrent"),
    ],
)
def test_warnings_do_not_stop_a_study(tmp_path: Path, old: str, new: str, key: str) -> None:
    examination = check(tmp_path, GOOD.replace(old, new))
    assert examination.exit_code == 0
    assert [(finding.key, finding.severity) for finding in examination.findings] == [(key, "warning")]
    study = load_study(tmp_path / "study.yaml")
    assert preflight(study, MACHINE, runs=tmp_path).findings == examination.findings


def test_settings_are_checked_like_lines(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(GOOD)
    examination = examine(tmp_path / "study.yaml", overrides=["trial.btach=4", "trial.patch.size=50"], capacity=MACHINE)
    places = {finding.key: finding.place for finding in examination.findings}
    assert places["trial.btach"] == "--set trial.btach=4"
    assert places["trial.patch.size"] == "--set trial.patch.size=50"


def test_a_sampler_whose_signals_the_recipe_does_not_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from raysearch.recipes import supervised

    monkeypatch.setattr(supervised.Config, "gives", property(lambda self: frozenset({"clean"})))
    (finding,) = check(tmp_path, GOOD).findings
    assert finding.key == "trial.sampler.one_of.2.kind"
    assert ":24:" in finding.place
    assert "loss_map, restored" in finding.reason


def test_a_part_that_can_not_be_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from raysearch.samplers import patchnet

    def build(self: object, context: object) -> None:
        raise ZeroDivisionError("by cell")

    monkeypatch.setattr(patchnet.Config, "build", build)
    (finding,) = check(tmp_path, GOOD).findings
    assert finding.key == "trial.sampler.one_of.2.kind"
    assert "ZeroDivisionError: by cell" in finding.reason


def test_a_missing_folder_is_told_at_the_line_that_names_it(tmp_path: Path) -> None:
    study = tmp_path / "mine.yaml"
    data = "{kind: folder, train: [nowhere/train],\n    validation: nowhere/validation, test: {mine: nowhere/test}}"
    text = (Path(__file__).parents[2] / "search_spaces" / "smoke.yaml").read_text().replace("data: {kind: photos}", f"data: {data}")
    study.write_text(text)
    found = [finding for finding in examine(study, runs=tmp_path).findings if finding.severity == "preflight"]
    assert [finding.key for finding in found] == ["trial.data.train.0"]
    line = 1 + next(i for i, row in enumerate(text.splitlines()) if "nowhere/train" in row)
    assert found[0].place.startswith(f"{study}:{line}:")
    assert "there is no such folder" in found[0].reason


def test_the_objective_may_be_any_metric_in_its_own_direction(tmp_path: Path) -> None:
    measured = GOOD.replace("{every: 20}", "{every: 20, metrics: [gmsd]}")
    assert check(tmp_path, measured.replace("{metric: psnr, mode: max}", "{metric: gmsd, mode: min}")).findings == ()
    (finding,) = check(tmp_path, measured.replace("{metric: psnr, mode: max}", "{metric: gmsd}")).findings
    assert (finding.severity, finding.key) == ("spec", "objective.mode")
    assert "a lower gmsd is better" in finding.reason
    assert finding.remedy == "write mode: min"
    (finding,) = check(tmp_path, measured.replace("mode: max", "mode: min")).findings
    assert finding.severity == "warning"


@pytest.mark.parametrize(
    ("evaluate", "reason"),
    [
        ("{every: 20}", "needs images of 3 channel(s), not 1"),
        ("{every: 20, protocol: sr-y-crop2}", ""),
        ("{every: 20, protocol: {space: y_studio}}", ""),
    ],
)
def test_a_task_on_luma_is_evaluated_on_luma(tmp_path: Path, evaluate: str, reason: str) -> None:
    colour = "    kind: deepjdd\n    padding: same\n    depth: {int: [2, 6]}\n    width: 8\n"
    text = GOOD.replace("{kind: demosaic, phase: grbg}", "{kind: super_resolution, factor: 2, color: y}")
    text = text.replace(colour, "    kind: vdsr\n").replace("{every: 20}", evaluate)
    found = check(tmp_path, text).findings
    assert [finding.key for finding in found] == (["trial.evaluate.protocol.space"] if reason else [])
    assert all(reason in finding.reason and finding.remedy == "write space: y_studio" for finding in found)
