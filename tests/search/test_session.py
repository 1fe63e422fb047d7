"""The local Ray: closed to the outside, with a dashboard, and gone afterwards; clusters that are not there."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from raysearch.errors import ClusterError
from raysearch.search.session import open_session


@pytest.mark.ray
def test_a_local_ray_is_closed_to_others_and_leaves_nothing() -> None:
    subprocess.run([sys.executable, str(Path(__file__).parent / "closed_session.py")], check=True, timeout=200)


def test_a_cluster_that_is_not_there_is_told_at_once() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(ClusterError, match="no Ray cluster at"), open_session(address):
            pass


def test_the_ray_client_is_refused_with_what_to_do_instead() -> None:
    with pytest.raises(ClusterError, match="has to run on a machine of the cluster"), open_session("ray://head:10001"):
        pass


def test_a_stale_address_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(ClusterError, match="no Ray cluster at 'auto'"), open_session("auto"):
        pass
