"""Checks of the local Ray with its token, in a process of its own: Ray can't change its authentication within one."""

from __future__ import annotations

import os
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import ray

from raysearch.errors import ClusterError
from raysearch.search.capacity import Capacity, Node
from raysearch.search.session import Session, open_session

TOKEN = "a" * 64


def own_address() -> str:
    """This machine's address as others see it; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("203.0.113.1", 9))
        return str(probe.getsockname()[0])


def ray_variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(("RAY_", "TUNE_"))}


def check_description(session: Session) -> None:
    assert session.local
    assert session.capacity == Capacity((Node(1.0, 0.0),))
    assert session.warnings == ()
    assert session.dashboard is not None
    assert session.dashboard.startswith("http://127.0.0.1:")
    assert session.token_hint == "ray get-auth-token"


def check_token(dashboard: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{dashboard}/api/version")
    request = urllib.request.Request(f"{dashboard}/api/version", headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def check_closed() -> None:
    host, _, port = ray.get_runtime_context().gcs_address.rpartition(":")
    assert host == "127.0.0.1"
    if own_address() != "127.0.0.1":
        with socket.socket() as outside:
            assert outside.connect_ex((own_address(), int(port))) != 0, "others can connect"


def check_one_at_a_time() -> None:
    with pytest.raises(ClusterError, match="already"), open_session(None):
        pass


def main() -> None:
    os.environ.pop("RAY_AUTH_MODE", None)
    os.environ["RAY_AUTH_TOKEN"] = TOKEN
    before = ray_variables()
    with open_session(None, cpus=1) as session:
        check_description(session)
        check_token(str(session.dashboard))
        check_closed()
        check_one_at_a_time()
        folder = Path(ray._private.worker._global_node.get_session_dir_path()).parent
        assert folder.is_dir()
    assert not ray.is_initialized()
    assert not folder.exists()
    assert ray_variables() == before


if __name__ == "__main__":
    main()
