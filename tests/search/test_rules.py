"""What may be tried: costs that are known before a training, and configurations that were tried."""

from __future__ import annotations

from typing import Any

import pytest
from small_study import TRIAL, study

from raysearch.models._count import macs, parameters
from raysearch.search.costs import Costs
from raysearch.search.proposals import Proposer
from raysearch.search.rules import rules_of
from raysearch.search.study import StudySpec
from raysearch.train.network import build_net

NETS = {**TRIAL, "model": {"kind": "dncnn", "depth": {"int": [3, 8]}, "width": {"pow2": [2, 16]}}}


def spec(**parts: Any) -> StudySpec:
    return study(**{"trial": NETS, "searcher": "tpe", **parts})


def proposer(study: StudySpec) -> Proposer:
    published = [study.trial.resolve(dict(one.values)) for one in study.published]
    return Proposer(study.trial, study.searcher, study.goals, 3, published, rules=rules_of(study, Costs()))


def searched(study: StudySpec, count: int) -> list[tuple[str, int | None, dict[str, Any]]]:
    search = proposer(study)
    found = []
    for number in range(count):
        proposal = search.suggest(number)
        if proposal is None:
            break
        search.tell(number, "finished", float(number % 3))
        found.append((proposal.role, proposal.source, proposal.values))
    return found


def test_costs_are_those_of_the_network_that_would_be_trained() -> None:
    trial = spec().trial.bind(spec().trial.complete({}), 0)
    found = Costs().of(trial)
    net = build_net(trial)
    assert found["parameters"] == parameters(net)
    assert found["macs_g"] == macs(net, trial.task.channels_in, int(found["macs_size"] or 0), sigma=False) / 1e9
    assert Costs().of(trial.model_copy(update={"steps": 7, "seed": 5})) == found


def test_a_constraint_on_costs_is_decided_before_a_trial_is_spent() -> None:
    limited = spec(objective={"metric": "psnr", "constraints": ["parameters <= 1500"]})
    costs = Costs()
    sizes = [costs.of(limited.trial.bind(values, 0))["parameters"] for _, _, values in searched(limited, 25)]
    free = [costs.of(limited.trial.bind(values, 0))["parameters"] for _, _, values in searched(spec(), 25)]
    assert all(isinstance(size, int) and size <= 1500 for size in sizes)
    assert sum(isinstance(size, int) and size > 1500 for size in free) > 5
    assert len(sizes) == 25


FEW = {**TRIAL, "model": {"kind": "dncnn", "depth": {"choice": [3, 4]}}, "batch": {"choice": [2, 4]}}
FEW["recipe"] = {**TRIAL["recipe"], "optimizer": "adam"}


def test_a_known_configuration_is_not_run_again() -> None:
    found = searched(spec(trial=FEW, duplicates="reuse"), 20)
    assert len(found) == 4, "the space has four configurations"
    assert {role for role, _, _ in found} == {"suggested"}


def test_or_it_gets_another_seed_and_says_of_which_trial() -> None:
    found = searched(spec(trial=FEW, duplicates="new_seed"), 20)
    assert len(found) == 20
    first: dict[str, int] = {}
    for number, (role, source, values) in enumerate(found):
        before = first.setdefault(repr(sorted(values.items())), number)
        assert (role, source) == (("suggested", None) if before == number else ("repeated", before))


def test_what_trains_nothing_gets_no_other_seed_unless_everything_is_allowed() -> None:
    classical = {**TRIAL, "task": "demosaic", "model": "bilinear", "batch": {"choice": [2, 4]}}
    classical["recipe"] = {**TRIAL["recipe"], "optimizer": "adam"}
    assert len(searched(spec(trial=classical, duplicates="new_seed"), 10)) == 2
    assert len(searched(spec(trial=classical, duplicates="allow"), 10)) == 10


def test_a_lost_trial_says_nothing_about_its_configuration() -> None:
    search = proposer(spec(trial=FEW))
    for number in range(4):
        assert search.suggest(number) is not None
        search.tell(number, "failed" if number == 1 else "finished", None if number == 1 else 1.0)
    again = search.suggest(4)
    assert again is not None
    assert again.role == "suggested"
    search.tell(4, "finished", 1.0)
    assert search.suggest(5) is None


@pytest.mark.parametrize("kind", ["grid", "qmc"])
def test_published_configurations_are_not_listed_again(kind: str) -> None:
    published = [{"source": "test", "values": {"model.depth": 4, "batch": 2}}]
    found = searched(spec(trial=FEW, searcher=kind, published=published), 20)
    assert [role for role, _, _ in found] == ["published"] + ["suggested"] * 3
    assert len({repr(values) for _, _, values in found}) == 4
