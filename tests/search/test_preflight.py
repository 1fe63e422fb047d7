"""The preflight: seeded mistakes, each found at its line with its remedy, all of them at once, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from raysearch.errors import PreflightError, SpecError
from raysearch.search.capacity import Capacity, Node
from raysearch.search.loading import load_study
from raysearch.search.preflight import Examination, examine, preflight

MACHINE = Capacity((Node(2.0, 0.0),))

GOOD = """\
name: good
objective: {metric: psnr, mode: max}
searcher: {kind: tpe, startup_trials: 4}
scheduler: {kind: asha, first_rung: 20, reduction: 2}
budget: {trials: 8}
published:
  - {source: a paper, values: {sampler: patchnet, sampler.cell: 16}}
confirm: {top: 1, seeds: 3, baseline: {sampler: {kind: uniform}}}
resources: {workers: 1, cpus_per_worker: 1}
trial:
  data: {kind: photos}
  patch:
    size: {choice: [64, 96]}
  task: {kind: demosaic, phase: grbg}
  model:
    kind: deepjdd
    padding: same
    depth: {int: [2, 6]}
    width: 8
  sampler:
    one_of:
      - {kind: uniform}
      - {kind: gradient, keep: {float: [0.1, 0.9]}}
      - {kind: patchnet, width: 8, cell: {choice: [16, 32]}}
  recipe:
    kind: supervised
    loss: {kind: l2}
    optimizer: {kind: adam, lr: {float: [1e-4, 1e-2], log: true}}
    schedule: {kind: cosine, warmup_steps: 5}
  steps: 80
  batch: 8
  evaluate: {every: 20}
"""

MISTAKES = [
    # (what is replaced, by what, line, key, part of the reason, part of the remedy)
    ("budget: {trials: 8}", "budget: {trails: 8}", 5, "budget.trails", "unknown key", "'trials'"),
    ("objective:", "objectve:", 2, "objectve", "unknown key", "'objective'"),
    ("    width: 8", "    widthh: 8", 19, "trial.model.widthh", "unknown key", "'width'"),
    ("  steps: 80", "  step: 80", 30, "trial.step", "unknown key", "'steps'"),
    ("kind: tpe,", "kind: tep,", 3, "searcher.kind", "no file raysearch/search/searchers/tep.py", "'tpe'"),
    ("kind: deepjdd", "kind: deepjd", 16, "trial.model.kind", "no file raysearch/models/deepjd.py", "'deepjdd'"),
    ("{kind: uniform}\n      -", "{kind: unifom}\n      -", 22, "trial.sampler.one_of.0.kind", "no file", "'uniform'"),
    ("loss: {kind: l2}", "loss: {}", 27, "trial.recipe.loss", "kind", "l1"),
    ("{float: [1e-4, 1e-2], log: true}", '"1e-4"', 28, "trial.recipe.optimizer.lr", "is text", "remove the quotes: 1e-4"),
    ("[1e-4, 1e-2], log", '["1e-4", 1e-2], log', 28, "trial.recipe.optimizer.lr.float.0", "is text", "quotes: 1e-4"),
    ("  batch: 8", '  batch: "8"', 31, "trial.batch", "is text, and must be a whole number", "remove the quotes: 8"),
    ("  batch: 8", "  batch: 8.5", 31, "trial.batch", "whole number", "write 8"),
    ("padding: same", "padding: sane", 17, "trial.model.padding", "no such choice", "'same'"),
    ("phase: grbg", "phase: 1", 14, "trial.task.phase", "no such choice", "grbg"),
    ("    padding: same", "    masks: no", 17, "trial.model.masks", "is text", "write false"),
    ("mode: max", "mode: maximum", 2, "objective.mode", "no such choice", "'max'"),
    ("choice: [64, 96]", "choice: []", 13, "trial.patch.size.choice", "at least one entry", "choice: [first, second]"),
    ("int: [2, 6]", "int: [6, 2]", 18, "trial.model.depth.int", "inverted", "int: [2, 6]"),
    ("int: [2, 6]", "int: [0, 6]", 18, "trial.model.depth.int.0", "at least 2", "at least 2"),
    ("float: [0.1, 0.9]", "float: [0.1, 1.5]", 23, "trial.sampler.one_of.1.keep.float.1", "at most 1", "at most 1"),
    ("float: [0.1, 0.9]", "float: [0, 0.9], log: true", 23, "trial.sampler.one_of.1.keep.float.0", "above zero", "above 0"),
    ("int: [2, 6]", "int: [2, 6], step: 3", 18, "trial.model.depth.step", "does not divide", "end the range at 5"),
    ("int: [2, 6]", "int: [2, 6], stpe: 2", 18, "trial.model.depth.stpe", "not a part", "'step'"),
    ("choice: [16, 32]", "choice: [16, 48]", 24, "trial.sampler.one_of.2.cell.choice.1", "no such choice", "32"),
    ("choice: [64, 96]", "choice: [64, 48]", 13, "trial.patch.size.choice.1", "nothing to choose below 64", "write 64"),
    ("choice: [64, 96]", "choice: [64, 71]", 13, "trial.patch.size.choice.1", "multiple of 2", "write 70 or 72"),
    ("choice: [64, 96]", "choice: [64, 1024]", 13, "trial.patch.size.choice.1", "smallest training photograph", "at most 500"),
    ("padding: same", "padding: valid", 13, "trial.patch.size.choice.0", "leaves 38 of these", "write 90 or more"),
    (
        "task: {kind: demosaic, phase: grbg}",
        "task: {kind: gaussian_denoise, color: gray}",
        32,
        "trial.evaluate.protocol.space",
        "3 channel(s), not 1",
        "space: gray",
    ),
    ("    width: 8", "    sigma_channel: true", 19, "trial.model.sigma_channel", "no noise level", "sigma_channel: false"),
    ("evaluate: {every: 20}", "evaluate: {every: 100}", 32, "trial.evaluate.every", "before its first evaluation", "at most 80"),
    ("first_rung: 20", "first_rung: 10", 4, "scheduler.first_rung", "before the first evaluation", "write 20 or more"),
    ("first_rung: 20", "first_rung: 80", 4, "scheduler.first_rung", "nothing is ever stopped", "less than 80"),
    ("kind: asha, first_rung: 20, reduction: 2", "kind: pbt, every: 30", 4, "scheduler.every", "evaluated every 20", "20 or 40"),
    ("kind: asha, first_rung: 20, reduction: 2", "kind: pbt, every: 80", 4, "scheduler.every", "nothing is ever", "less than 80"),
    ("kind: asha, first_rung: 20, reduction: 2", "kind: pbt", 4, "scheduler.every", "exchange every 8 steps", "every: 20"),
    ("warmup_steps: 5", "warmup_steps: 90", 29, "trial.recipe.schedule.warmup_steps", "within the warm-up", "less than 80"),
    ("budget: {trials: 8}", "budget: {}", 5, "budget", "no end", "trials: 20"),
    ("kind: tpe, startup_trials: 4", "kind: grid", 23, "trial.sampler.one_of.1.keep", "no end of values", "choice"),
    ("sampler.cell: 16", "sampler.cell: 64", 7, "published.0.values.sampler.cell", "outside its domain", "16, 32"),
    ("sampler.cell: 16", "sampler.cel: 16", 7, "published.0.values.sampler.cel", "not in this space", "sampler.cell"),
    ("baseline: {sampler:", "baseline: {samplr:", 8, "confirm.baseline.samplr", "no samplr", "'sampler'"),
    ("{kind: uniform}}}", "{kind: uniform, keep: 1}}}", 8, "confirm.baseline.sampler", "unknown key", "kind"),
    (", baseline: {sampler: {kind: uniform}}", "", 8, "confirm.baseline", "nothing to compare", "baseline"),
    ("workers: 1,", "workers: 0,", 9, "resources.workers", "at least 1", "at least 1"),
    ("cpus_per_worker: 1", "gpus_per_worker: 1.5", 9, "resources.gpus_per_worker", "must be whole", "correct"),
    ("workers: 1,", "workers: 3,", 31, "trial.batch", "shared evenly by 3", "write 9"),
    ("  data: {kind: photos}", "  data: {kind: folder}", 11, "trial.data", "give at least one of `train`", "correct the value"),
    ("  data: {kind: photos}", "  data: {kind: set5}", 11, "trial.data.root", "is missing", "add root"),
    (
        "  evaluate: {every: 20}",
        "  evaluate: {every: 20, protocol: {space: gray}}",
        32,
        "trial.evaluate.protocol.space",
        "1 channel(s), not 3",
        "rgb",
    ),
    ("{every: 20}", "{every: 20, protocol: sr-y-crp2}", 32, "trial.evaluate.protocol", "no protocol", "correct"),
    ("{every: 20}", "{every: 20, protocol: dn-gray-u8}", 32, "trial.evaluate.protocol", "1 channel(s), not 3", "rgb"),
    ("{every: 20}", "{every: 20, protocol: {space: rgb, crop: 200}}", 32, "trial.evaluate.protocol.crop", "nothing", "less than"),
    ("{every: 20}", "{every: 20, metrics: [fsmi]}", 32, "trial.evaluate.metrics", "did you mean 'fsim'", "correct"),
    (
        "{every: 20}",
        "{every: 20, metrics: [iw_ssim], protocol: {crop: 100}}",
        32,
        "trial.evaluate.metrics",
        "needs 161",
        "crop less",
    ),
    (
        "{every: 20}",
        "{every: 20, metrics: [fsimc], protocol: {space: y_studio}}",
        32,
        "trial.evaluate.metrics",
        "colours",
        "leave out",
    ),
    ("metric: psnr", "metric: fsim", 2, "objective.metric", "do not measure fsim", "add it to trial.evaluate.metrics"),
    ("metric: psnr", "metric: psrn", 2, "objective.metric", "do not measure psrn", "write one of psnr, ssim"),
    ("metric: psnr", "metric: macs_g", 2, "objective.metric", "is a fact", "put a metric first"),
    ("mode: max", "mode: max, constraints: [macs_g == 1]", 2, "objective.constraints.0", "by order", "macs_g <= 5"),
    ("mode: max", "mode: max, constraints: [macs < 1]", 2, "objective.constraints.0", "do not measure macs", "macs_g"),
    ("mode: max", "mode: max, constraints: [macs_g < 1e-9]", 2, "objective.constraints.0", "goes from", "smaller networks"),
    ("budget: {trials: 8}", "budget: {trials: 8}\nconstraints: [batch <]", 6, "constraints.0", "ends where", "complete it"),
    ("budget: {trials: 8}", "budget: {trials: 8}\nconstraints: [bach < 3]", 6, "constraints.0", "called bach", "'batch'"),
    ("budget: {trials: 8}", "budget: {trials: 8}\nconstraints: [model.kind < 3]", 6, "constraints.0", "needs numbers", "=="),
    ("budget: {trials: 8}", "budget: {trials: 8}\nconstraints: [patch.size < 9]", 6, "constraints.0", "none of", "relax"),
    ("budget: {trials: 8}", "budget: {trials: 8}\nconstraints: [sampler.cell != 16]", 8, "published.0.values", "not meet", "drop"),
    ("budget: {trials: 8}", "budget: {trials: 8}\nobjectives: [{metric: ssim}]", 1, "", "differ", "leave"),
    ("{kind: tpe,", "{kind: cmaes,", 3, "searcher.startup_trials", "unknown key", "spread"),
    ("choice: [64, 96]", "zip: a, values: [64, 96]", 13, "trial.patch.size.zip", "only leaf", "choice"),
    ("choice: [64, 96]", "pow2: [64, 96]", 13, "trial.patch.size.pow2.1", "power of two", "64 or 128"),
    ("trial:\n  data", "data: {kind: photos}\ntrial:\n  data", 10, "data", "unknown key", "trial"),
]


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
