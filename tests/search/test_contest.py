"""Simulated searches and their comparison, against what can be counted by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from raysearch import component
from raysearch.cli import bench_search, main
from raysearch.errors import SpecError
from raysearch.results.events import Status
from raysearch.search.contest import OURS, Run, Setting, methods, run_once, standings, surrogate_of
from raysearch.search.methods import METHODS, RayAsha, StudyPolicy, goals_of, scheduler_of, searcher_of
from raysearch.search.race_file import Key, RaceFile
from raysearch.search.simulation import simulate
from raysearch.search.surrogates.base import Course, Surrogate
from raysearch.spec.domains import Leaf

OUTSIDE = '''
from raysearch.search.surrogates.restoration import Surface

class Easy(Surface):
    """As it was."""
'''


class Three(Surrogate):
    """Three rungs of 10 s; the value of x grows by its own size; x = 9 diverges after one rung."""

    template: ClassVar[dict[str, Any]] = {"x": {"int": [0, 9]}}
    rungs: ClassVar[int] = 3
    targets: ClassVar[tuple[float, ...]] = (2.0,)

    def course(self, values: Mapping[str, Leaf], seed: int) -> Course:
        x = float(values["x"] or 0)
        curve = np.array([x, 2 * x, 3 * x])
        return Course(np.array([x, np.nan, np.nan]), 10.0, math.nan) if x == 9 else Course(curve, 10.0, 3 * x)


class Told:
    """Suggests what it was given; stops x = 1 after its first rung."""

    def __init__(self, values: list[int]) -> None:
        self.values = values
        self.ends: list[tuple[int, Status, tuple[float, ...] | None]] = []

    def suggest(self, number: int) -> Mapping[str, Leaf] | None:
        return {"x": self.values[number]} if number < len(self.values) else None

    def report(self, number: int, step: int, values: tuple[float, ...]) -> bool:
        return self.values[number] != 1

    def tell(self, number: int, status: Status, values: tuple[float, ...] | None) -> None:
        self.ends.append((number, status, values))


def test_two_workers_take_the_time_that_they_take() -> None:
    told = Told([1, 2, 9, 3, 0, 5])
    found = simulate(Three(), told, workers=2, seconds=75, seed=0)
    assert told.ends == [
        (0, "stopped", (1.0,)),
        (1, "finished", (6.0,)),
        (2, "diverged", None),
        (3, "finished", (9.0,)),
        (4, "finished", (0.0,)),
    ]
    assert [trial.ended for trial in found.trials] == [10, 30, 30, 60, 60, 0], "the last one is cut off at 75 s"
    assert found.incumbents == [(30, 6.0), (60, 9.0)]
    assert found.time_to(9, "max") == 60
    assert found.time_to(10, "max") == math.inf
    assert math.isnan(found.truth_at(29))


def test_every_method_searches_and_repeats_itself() -> None:
    for surrogate in ("cliffs", "two_objectives"):  # with what has no value, and with two of them
        for method in set(METHODS) & set(methods(surrogate_of(surrogate))):
            first = run_once(Setting(surrogate, 4000, 3), method, 5)
            assert first == run_once(Setting(surrogate, 4000, 3), method, 5) or math.isnan(first.final)
            assert first.trials >= 3


def test_a_transfer_needs_one_objective_and_what_is_moved() -> None:
    transfers = {"raysearch-transfer", "raysearch-misled"}
    assert transfers <= set(METHODS)
    for name, fits in {"restoration": True, "crossing": True, "cliffs": True, "two_objectives": False, "tabulated": False}.items():
        assert transfers & set(methods(surrogate_of(name))) == (transfers if fits else set())


def test_with_two_objectives_ours_learns_from_both() -> None:
    told: list[tuple[float, ...]] = []

    class Listening(StudyPolicy):
        def report(self, number: int, step: int, values: tuple[float, ...]) -> bool:
            told.append(values)
            return super().report(number, step, values)

    surrogate = surrogate_of("two_objectives")
    policy = Listening(surrogate, searcher_of("tpe"), scheduler_of("fifo"), 0)
    assert [(goal.metric, goal.mode) for goal in goals_of(surrogate).goals] == [("value", "max"), ("second", "min")]
    found = simulate(surrogate, policy, workers=2, seconds=9000, seed=0)
    seconds = {trial.course.second for trial in found.trials}
    assert {second for _, second in told} <= seconds
    assert len(goals_of(surrogate_of("restoration")).goals) == 1


def test_the_imitation_of_ray_stops_what_ray_stops() -> None:
    """Against Ray's own rungs, on reports in random order."""
    from ray.tune.schedulers.async_hyperband import _Bracket
    from ray.tune.schedulers.trial_scheduler import TrialScheduler

    class Numbered:
        def __init__(self, number: int) -> None:
            self.trial_id = str(number)

    rng = np.random.default_rng(3)
    theirs, ours = _Bracket(1, 27, 4, 0), RayAsha((1, 4, 16))
    trials = [(number, rng.normal(size=27).cumsum()) for number in range(30)]
    running, stopped = {number: 0 for number, _ in trials}, 0
    while running:
        number = int(rng.choice(list(running)))
        running[number] += 1
        step = running[number]
        value = float(trials[number][1][step - 1])
        answer = theirs.on_result(Numbered(number), step, value)
        goes_on = ours.report(number, step, (value,))
        assert goes_on == (answer == TrialScheduler.CONTINUE), (number, step)
        stopped += not goes_on
        if not goes_on or step == 27:
            del running[number]
    assert stopped > 15


def test_what_is_in_a_file_is_not_searched_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "runs.csv"
    setting = Setting("restoration", 5000, 4)
    kept = Run(99.5, (1.25, math.inf, math.inf), 7)
    RaceFile(path).add(Key(setting, "random", 12), kept)
    arguments = ["bench", "search", "--method", "random", "--first-seed", "11", "--seeds", "2", "--seconds", "5000"]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--processes", "1", "--runs", str(path), "--json"])
    assert ended.value.code == 0
    data = json.loads(capsys.readouterr().out)
    assert [run["final"] for run in data["runs"]["random"]] == [run_once(setting, "random", 11).final, 99.5]
    found = dict(RaceFile(path))
    assert found[Key(setting, "random", 12)] == kept
    assert {(key.method, key.seed) for key in found} == {(name, seed) for name in (OURS, "random") for seed in (11, 12)}
    assert found[Key(setting, OURS, 11)].final == run_once(setting, OURS, 11).final
    (tmp_path / "other.csv").write_text("a,b\n", encoding="utf-8")
    with pytest.raises(SpecError, match="no file of searches"):
        RaceFile(tmp_path / "other.csv")


def test_standings_against_hand_computed_numbers() -> None:
    ours = [Run(32.0 + i / 100, (10.0,), 5) for i in range(8)]
    theirs = [Run(31.0 + i / 50, (20.0 + i,), 7) for i in range(8)]
    table = {one.method: one for one in standings({OURS: ours, "other": theirs}, "max")}
    assert table["other"].gain == pytest.approx(1.0 - 0.035)
    assert table["other"].p == pytest.approx(2 / 2**8), "all eight differences have one sign"
    assert table["other"].times == (23.5,)
    assert math.isnan(table[OURS].gain)
    (worse,) = [one for one in standings({OURS: ours, "none": [Run(math.nan, (math.inf,), 1)] * 8}, "max") if one.method == "none"]
    assert worse.mean == pytest.approx(32.0), "a search that found nothing counts as the worst end of any"


def test_ours_beats_random_search() -> None:
    """The table in ``reports/search_bench.md`` has forty seeds and all of the time."""
    ours, other = (run_once(Setting("restoration", 30_000, 4), method, 0).final for method in (OURS, "random"))
    assert ours > other


def test_a_surrogate_from_outside_needs_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "my_surface.py").write_text(OUTSIDE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(component, "_imports_allowed", False)
    with pytest.raises(SpecError, match="--allow-import"):
        surrogate_of("my_surface:Easy")
    with pytest.raises(SpecError, match="crosing"):
        surrogate_of("crosing")
    monkeypatch.setattr(component, "_imports_allowed", True)
    assert type(surrogate_of("my_surface:Easy")).__name__ == "Easy"
    with pytest.raises(SpecError, match="no surrogate"):
        surrogate_of("json:dumps")


def test_the_command_prints_what_one_search_gives(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["bench", "search", "--method", "random", "--seeds", "2", "--seconds", "6000", "--processes", "1", "--json"]
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    data = json.loads(capsys.readouterr().out)
    setting = Setting("restoration", 6000, 4)
    expected = [run_once(setting, "random", seed) for seed in (0, 1)]
    assert [(run["final"], run["trials"]) for run in data["runs"]["random"]] == [(run.final, run.trials) for run in expected]
    lines = bench_search._lines(list(standings({OURS: expected, "random": expected}, "max")), (31.0, 31.5, 32.0), "final")
    assert lines[0].split() [:6] == ["method", "final", "sd", "s", "to", "31"]  # fmt: skip
    assert lines[0].split()[-6:] == ["trials", "ours", "better", "by", "p", "(Wilcoxon)"]
    assert lines[1].startswith("raysearch")
