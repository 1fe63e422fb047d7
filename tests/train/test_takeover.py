"""Trials that begin from another trial's checkpoint, and trials whose configuration changes on the way."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from raysearch.errors import SpecError, StateDamaged
from raysearch.spec.trial import TrialConfig
from raysearch.train import checkpoint
from raysearch.train.changing import Stage, fit_in_stages
from raysearch.train.files import CHECKPOINTS
from raysearch.train.loop import fit
from raysearch.train.reporter import ListReporter, Report, StopTrial
from raysearch.train.state import Start, TrialIO

MakeTrial = Callable[..., TrialConfig]
MakeIO = Callable[..., TrialIO]


def recipe(lr: float = 1e-3, **more: object) -> dict[str, object]:
    optimizer = {"kind": "adam", "lr": lr, **more}
    return {"kind": "supervised", "loss": "l2", "optimizer": optimizer, "schedule": "cosine"}


class StopAt(ListReporter):
    """Ends the trial at a step, as a killed process would: what is on the disk stays."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def report(self, report: Report) -> None:
        super().report(report)
        if report.step == self.step:
            raise StopTrial


def curve(reporter: ListReporter) -> list[tuple[int, float, float]]:
    return [(report.step, report.metrics["psnr"], report.metrics["loss"]) for report in reporter.reports]


def trained(trial: TrialConfig, io: TrialIO) -> list[tuple[int, float, float]]:
    reporter = ListReporter()
    fit(trial, io, reporter)
    return curve(reporter)


def start_of(trial: TrialConfig, io: TrialIO, step: int) -> Start:
    return Start(checkpoint.path_of(io.folder / CHECKPOINTS, step), trial.key)


def test_a_child_with_the_donors_settings_is_the_donor(make_trial: MakeTrial, make_io: MakeIO) -> None:
    trial, donor = make_trial(), replace(make_io("donor"), keep_every=4)
    whole = trained(trial, donor)
    child = replace(make_io("child"), start=start_of(trial, donor, 4))
    assert trained(trial, child) == whole, "from the donor's report at step 4 on, to the bit"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"recipe": recipe()}, {"recipe": recipe(5e-3)}),
        ({"recipe": recipe()}, {"recipe": recipe(weight_decay=1.0)}),
        ({"batch": 4}, {"batch": 6}),
        ({"sampler": {"kind": "gradient", "keep": 0.9}}, {"sampler": {"kind": "gradient", "keep": 0.3}}),
        (
            {"sampler": {"kind": "patchnet", "cell": 16, "width": 4}},
            {"sampler": {"kind": "patchnet", "cell": 16, "width": 4, "temperature": 40, "lr": 0.01}},
        ),
    ],
)
def test_other_settings_take_effect_from_the_start_on(
    make_trial: MakeTrial, make_io: MakeIO, before: dict[str, object], after: dict[str, object]
) -> None:
    donor, io = make_trial(**before), make_io("donor")
    whole = trained(donor, replace(io, keep_every=4))
    child = trained(make_trial(**after), replace(make_io("child"), start=start_of(donor, io, 4)))
    assert child[0] == whole[0], "the curve begins where the donor was"
    assert [point[0] for point in child] == [4, 8, 12]
    assert child[1:] != whole[1:]
    assert checkpoint.files(io.folder / CHECKPOINTS), "the donor keeps what is its own"


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"seed": 1}, "seed"),
        ({"model": {"kind": "deepjdd", "width": 4, "depth": 3, "padding": "same", "sigma_channel": True}}, "model"),
        ({"sampler": "uniform"}, "sampler"),
        ({"sampler": {"kind": "patchnet", "cell": 16, "width": 8}}, "sampler.width"),
        ({"steps": 16}, "steps"),
    ],
)
def test_what_can_not_change_is_refused(make_trial: MakeTrial, make_io: MakeIO, changes: dict[str, object], name: str) -> None:
    sampler = {"sampler": {"kind": "patchnet", "cell": 16, "width": 4}}
    donor, io = make_trial(**sampler), make_io("donor")
    fit(donor, io, StopAt(4))
    child = make_trial(**(sampler | changes))
    with pytest.raises(SpecError, match=f"another {name}"):
        fit(child, replace(make_io("child"), start=start_of(donor, io, 4)), ListReporter())


def test_another_checkpoint_than_the_one_expected_is_refused(make_trial: MakeTrial, make_io: MakeIO) -> None:
    donor, io = make_trial(), make_io("donor")
    fit(donor, io, StopAt(4))
    wrong = Start(start_of(donor, io, 4).checkpoint, make_trial(seed=9).key)
    with pytest.raises(StateDamaged, match="another configuration"):
        fit(donor, replace(make_io("child"), start=wrong), ListReporter())
    gone = start_of(donor, io, 8)
    with pytest.raises(StateDamaged, match="can't be read"):
        fit(donor, replace(make_io("child"), start=gone), ListReporter())


def test_a_child_that_was_lost_needs_its_donor_no_more(make_trial: MakeTrial, make_io: MakeIO) -> None:
    donor, io = make_trial(), make_io("donor")
    fit(donor, io, StopAt(4))
    child, its = make_trial(recipe=recipe(5e-3)), replace(make_io("child"), start=start_of(donor, io, 4))
    undisturbed = trained(child, replace(make_io("other"), start=start_of(donor, io, 4)))
    fit(child, its, StopAt(4))
    shutil.rmtree(io.folder)
    assert trained(child, its) == undisturbed


def test_checkpoints_of_possible_donors_stay(tmp_path: Path) -> None:
    for step in range(10, 101, 10):
        checkpoint.save(tmp_path, "0" * 12, step, {"step": step}, keep_every=30)
    assert [checkpoint.step_of(path) for path in checkpoint.files(tmp_path)] == [100, 90, 80, 60, 30]


def test_a_schedule_from_the_first_step_is_the_line_of_trials_that_it_came_from(make_trial: MakeTrial, make_io: MakeIO) -> None:
    """Donor to step 4, its child to step 8, the grandchild to the end; then all of it in one trial, also an interrupted one."""
    line = [make_trial(recipe=recipe(lr)) for lr in (1e-3, 5e-3, 2e-3)]
    stages = [Stage(line[0], 4), Stage(line[1], 8)]
    first, second = make_io("0"), make_io("1")
    apart = StopAt(4)
    fit(line[0], first, apart)
    child = StopAt(8)
    fit(line[1], replace(second, start=start_of(line[0], first, 4)), child)
    grandchild = trained(line[2], replace(make_io("2"), start=start_of(line[1], second, 8)))
    expected = dict.fromkeys([*curve(apart), *curve(child), *grandchild])

    whole = ListReporter()
    result = fit_in_stages(fit, stages, line[2], make_io("whole"), whole)
    assert (result.status, result.step) == ("finished", 12)
    assert dict.fromkeys(curve(whole)) == expected

    for cut in (4, 8):
        io = make_io(f"cut at {cut}")
        some, rest = StopAt(cut), ListReporter()
        done = [stage for stage in stages if stage.until < cut]
        fit_in_stages(fit, done, line[len(done)], io, some)
        fit_in_stages(fit, stages, line[2], io, rest)
        assert dict.fromkeys([*curve(some), *curve(rest)]) == expected
        assert rest.reports[0].step == cut
