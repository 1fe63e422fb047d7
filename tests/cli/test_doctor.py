"""What `doctor` finds on machines that are not well."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from pathlib import Path

import pytest

from raysearch.cli import doctor


def found(subject: str, tmp_path: Path) -> doctor.Finding:
    return next(finding for finding in doctor.examine(tmp_path) if finding.subject == subject)


@pytest.mark.parametrize(("version", "level"), [("2.9.3", "error"), ("2.53.9", "error"), ("2.54.0", "ok"), ("2.60.0", "ok")])
def test_an_old_ray_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, level: str) -> None:
    real = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: version if name == "ray" else real(name))
    finding = found("ray", tmp_path)
    assert finding.level == level
    assert ("security" in finding.fact) == (level == "error")


def test_ports_that_are_open_to_all_are_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def open_ports() -> Iterator[int]:
        yield from (8265, 6379, 22)

    monkeypatch.setattr(doctor, "_listening_everywhere", open_ports)
    for port in (8265, 6379):
        finding = found(f"port {port}", tmp_path)
        assert finding.level == "warning"
        assert "token" in finding.remedy
    assert found("port 10001", tmp_path).level == "ok"


def test_a_token_that_others_can_read_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    token = tmp_path / ".ray" / "auth_token"
    token.parent.mkdir()
    token.write_text("secret")
    token.chmod(0o644)
    assert found("ray token", tmp_path).level == "warning"
    token.chmod(0o600)
    assert all(finding.subject != "ray token" for finding in doctor.examine(tmp_path))


@pytest.mark.parametrize(("mode", "level"), [("token", "ok"), ("disabled", "warning")])
def test_switched_off_authentication_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, level: str) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", mode)
    assert found("ray auth", tmp_path).level == level
