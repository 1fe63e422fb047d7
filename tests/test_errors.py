"""Errors keep their three parts and their exit codes, also across processes."""

from __future__ import annotations

import pickle

import pytest

from raysearch import errors


def _all(base: type[errors.RaysearchError]) -> list[type[errors.RaysearchError]]:
    return [base, *(c for sub in base.__subclasses__() for c in _all(sub))]


@pytest.mark.parametrize("kind", _all(errors.RaysearchError))
def test_every_error_survives_the_trip_between_processes(kind: type[errors.RaysearchError]) -> None:
    error = pickle.loads(pickle.dumps(kind("it broke", place="x.yaml:3", remedy="mend it")))
    assert type(error) is kind
    assert str(error) == "it broke\n  at:  x.yaml:3\n  fix: mend it"


@pytest.mark.parametrize("kind", _all(errors.RaysearchError))
def test_every_error_stands_in_the_tree_of_the_docstring_with_its_exit_code(kind: type[errors.RaysearchError]) -> None:
    line = next(line for line in (errors.__doc__ or "").splitlines() if kind.__name__ in line.replace("─", " ").split())
    if "exit" in line:
        assert f"exit {kind.exit_code}" in line


def test_nearest_name() -> None:
    assert errors.did_you_mean("dncn", ["dncnn", "deepjdd"]) == "; did you mean 'dncnn'? (have: deepjdd, dncnn)"
    assert errors.did_you_mean("zzz", ["a"]) == " (have: a)"
    assert errors.did_you_mean("zzz", []) == " (there are none)"
