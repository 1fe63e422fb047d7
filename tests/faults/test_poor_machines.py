"""Machines that lack something (row 17): each costs a warning, and no study. Ray itself is not started."""

from __future__ import annotations

import os
import socket
import stat
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
import torch
from click.testing import CliRunner
from invariants import check_complete, check_report
from small_study import study

from raysearch.cli import doctor, options
from raysearch.cli.options import CACHE_HERE, cache_option
from raysearch.errors import ClusterError, PreflightError
from raysearch.results.folder import RunFolder
from raysearch.search import session
from raysearch.search.driver import run_study
from raysearch.search.options import DriverOptions
from raysearch.search.session import open_session


class Ray:
    """Stands in for Ray in `session`; it may refuse to start, with or without a dashboard."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, refusal: str = "", always: bool = False) -> None:
        self.refusal = refusal
        self.always = always
        self.starts: list[dict[str, Any]] = []
        self.environment: dict[str, str] = {}
        monkeypatch.setattr(session, "ray", self)
        monkeypatch.setattr(session, "reread_environment", lambda: None)

    def is_initialized(self) -> bool:
        return False

    def init(self, **how: Any) -> SimpleNamespace:
        self.starts.append(how)
        self.environment = dict(os.environ)
        if self.refusal and (how["include_dashboard"] or self.always):
            raise OSError(self.refusal)
        return SimpleNamespace(dashboard_url="127.0.0.1:8265" if how["include_dashboard"] else "")

    def shutdown(self) -> None:
        pass

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": {"CPU": 2.0}}]


@pytest.mark.parametrize("reason", ["Port 8265 is in use", "No module named 'aiohttp'"])
def test_without_a_dashboard_a_study_runs_with_one_warning(monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    ray = Ray(monkeypatch, reason)
    with open_session(None) as opened:
        assert opened.dashboard is None
        assert opened.warnings == (f"no dashboard: {reason}",)
        assert opened.capacity.gpus == 0
    assert [how["include_dashboard"] for how in ray.starts] == [True, False]


def test_a_ray_that_never_starts_is_told_once_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    Ray(monkeypatch, "no space in /dev/shm", always=True)
    with pytest.raises(ClusterError, match=r"can't be started: no space in /dev/shm") as caught, open_session(None):
        pass
    assert (caught.value.exit_code, caught.value.remedy) == (3, "raysearch doctor")


@pytest.fixture
def no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which nothing can be written (not even by root, whom permissions don't stop)."""
    home = tmp_path / "home"
    home.write_text("")
    monkeypatch.setenv("HOME", str(home))
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAYSEARCH_CACHE"):
        monkeypatch.delenv(name, raising=False)
    return home


def test_without_a_home_the_token_lives_as_long_as_the_study(no_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = Ray(monkeypatch)
    with open_session(None) as opened:
        (warning,) = opened.warnings
        assert f"{no_home}/.ray/auth_token can't be written" in warning
    assert ray.environment["RAY_AUTH_MODE"] == "token"
    assert len(ray.environment["RAY_AUTH_TOKEN"]) == 64
    assert "RAY_AUTH_TOKEN" not in os.environ


def test_with_a_home_the_token_is_kept_there_for_its_owner_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAY_AUTH_MODE")
    ray = Ray(monkeypatch)
    for _ in range(2):
        with open_session(None) as opened:
            assert opened.warnings == ()
    token = tmp_path / ".ray" / "auth_token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert "RAY_AUTH_TOKEN" not in ray.environment, "Ray reads the file"
    assert ray.environment["RAY_USAGE_STATS_ENABLED"] == "0"
    assert {how["_node_ip_address"] for how in ray.starts} == {how["dashboard_host"] for how in ray.starts} == {"127.0.0.1"}


@click.command()
@cache_option
def asked(cache: Path) -> None:
    click.echo(f"cache {cache}")


def test_without_a_home_photographs_are_kept_beside_the_runs(no_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (parameter,) = asked.params
    monkeypatch.setattr(parameter, "default", no_home / ".cache" / "raysearch")
    done = CliRunner().invoke(asked)
    assert done.output.count("can't be written") == 1
    assert done.stdout == f"cache {CACHE_HERE}\n"


def test_a_cache_that_was_asked_for_and_can_not_be_is_refused(no_home: Path) -> None:
    done = CliRunner().invoke(asked, ["--cache", str(no_home / "deep" / "cache")])
    assert isinstance(done.exception, PreflightError)
    assert done.exception.place == "--cache"
    assert options.DEFAULT_CACHE.name == "raysearch"


def test_a_driver_of_cuda_that_is_too_old_leaves_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def available() -> bool:
        warnings.warn("CUDA initialization: The NVIDIA driver on your system is too old", UserWarning, stacklevel=2)
        return False

    monkeypatch.setattr(torch.cuda, "is_available", available)
    with pytest.warns(UserWarning, match="too old") as told:
        found = list(doctor.examine(tmp_path))
    assert len(told) == 1
    (gpu,) = (finding for finding in found if finding.subject == "gpu")
    assert "trials train on the CPU" in gpu.fact


@pytest.mark.usefixtures("dry")
def test_without_a_network_nothing_is_missed(
    new_run: Callable[..., RunFolder], options: Callable[..., DriverOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"something asks {address}")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: pytest.fail("a name is looked up"))
    folder = new_run(study(budget={"trials": 2}))
    assert run_study(study(budget={"trials": 2}), folder, options(tensorboard=True)).exit_code == 0
    check_complete(folder)
    check_report(folder, folder.report)
