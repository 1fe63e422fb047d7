"""The Ray cluster that a study runs on: a local one that is started and ended here, or one that is there already."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray

from raysearch.errors import ClusterError
from raysearch.search.capacity import Capacity, Node
from raysearch.search.ray_internals import address_of_running_cluster, loopback_only, own_session, reread_environment

_OBJECT_STORE_BYTES = 200 * 2**20  # nothing large travels through Ray: pixels stand in memory-mapped files
_CONNECT_TIMEOUT_S = 10.0

WORKER_ENVIRONMENT: Mapping[str, str] = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    "RAY_TRAIN_ENABLE_STATE_TRACKING": "1",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2",
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "600",
    "TUNE_FUNCTION_THREAD_TIMEOUT_S": "60",
}
"""Variables that trial processes need: relative paths stay what they are, Train runs show on the dashboard, a worker group's end is
noticed after 0.2 s, a queue for machines is waited for, and an actor is reused even if its last trial takes a while to unwind."""


@dataclass(frozen=True)
class Session:
    """A connection to Ray.

    Attributes:
        capacity: what the machines hold now.
        local: it was started here and ends with the study.
        dashboard: address of the dashboard, None when there is none.
        token_hint: how to get the dashboard's token, empty when it asks for none.
        warnings: what does not work as usual, a sentence each.
    """

    capacity: Capacity
    local: bool
    dashboard: str | None
    token_hint: str
    warnings: tuple[str, ...]


@contextmanager
def open_session(
    address: str | None, *, cpus: int | None = None, gpus: int | None = None, dashboard: bool = True
) -> Iterator[Session]:
    """Start a local Ray, or connect to a running one.

    Args:
        address: None or ``local`` starts one on 127.0.0.1; ``auto`` or ``host:port`` connects.
        cpus: CPUs that a local Ray hands out; all of the machine's when it is None.
        gpus: likewise.
        dashboard: whether a local Ray has a dashboard.

    Raises:
        ClusterError: Ray runs in this process already, or can't be started or reached.
    """
    if ray.is_initialized():
        raise ClusterError("this process is connected to Ray already", remedy="call ray.shutdown() first")
    if address is not None and address.startswith("ray://"):
        raise ClusterError(
            f"Ray Tune can't be driven through the Ray client ({address}): its driver has to run on a machine of the cluster",
            place="--address",
            remedy="on the cluster's head: raysearch run SPACE.yaml --address auto; elsewhere: ray job submit -- raysearch run ...",
        )
    if address is None or address == "local":
        yield from _local(cpus, gpus, dashboard)
    else:
        yield from _connected(address)


def _local(cpus: int | None, gpus: int | None, dashboard: bool) -> Iterator[Session]:
    folder = Path(tempfile.mkdtemp(prefix="rs-", dir="/tmp" if Path("/tmp").is_dir() else None))  # sockets: at most 107 bytes
    secret, notes = _token()
    variables = {
        **WORKER_ENVIRONMENT,
        **secret,
        "RAY_AUTH_MODE": os.environ.get("RAY_AUTH_MODE", "token"),
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # for child processes; see `loopback_only`
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    with _environment(variables), loopback_only(), own_session():
        reread_environment()
        try:
            url, warnings = _start(folder, cpus, gpus, dashboard)
            yield _describe(url, local=True, warnings=(*notes, *warnings))
        finally:
            ray.shutdown()
            shutil.rmtree(folder, ignore_errors=True)  # logs of Ray itself; those of trials lie in their folders
    reread_environment()


def _token() -> tuple[dict[str, str], tuple[str, ...]]:
    """Make the token of this user's clusters where there is none, readable by nobody else (Ray would let everybody read it).

    Returns:
        Variables that a local Ray needs beside that, and warnings: without a writable home the token lives as long as the study.
    """
    given = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys()
    path = Path.home() / ".ray" / "auth_token"
    if given or os.environ.get("RAY_AUTH_MODE", "token").lower() != "token" or path.exists():
        return {}, ()
    token = secrets.token_hex(32)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token)
    except FileExistsError:
        return {}, ()
    except OSError as error:
        note = f"{path} can't be written ({error.strerror}): set RAY_AUTH_TOKEN to open the dashboard"
        return {"RAY_AUTH_TOKEN": token}, (note,)
    return {}, ()


def _start(folder: Path, cpus: int | None, gpus: int | None, dashboard: bool) -> tuple[str | None, tuple[str, ...]]:
    options: dict[str, Any] = {
        "address": "local",
        "num_cpus": cpus,
        "num_gpus": gpus,
        "object_store_memory": _OBJECT_STORE_BYTES,
        "include_dashboard": dashboard,
        "dashboard_host": "127.0.0.1",
        "_node_ip_address": "127.0.0.1",
        "_temp_dir": str(folder),
        "log_to_driver": False,
        "logging_level": logging.ERROR,
    }
    try:
        return ray.init(**options).dashboard_url or None, ()
    except Exception as error:  # Ray raises bare Exceptions here; each is passed on, or told as a warning
        ray.shutdown()
        if not dashboard:
            raise ClusterError(f"a local Ray can't be started: {error}", remedy="raysearch doctor") from error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    _start(folder, cpus, gpus, dashboard=False)
    return None, (f"no dashboard: {reason}",)


def _connected(address: str) -> Iterator[Session]:
    variables = dict(WORKER_ENVIRONMENT)
    if address != "auto":
        variables["RAY_ADDRESS"] = address  # workers that ask for "the" cluster get this one
    with _environment({"RAY_USAGE_STATS_ENABLED": "0"}):
        reread_environment()
        try:
            _knock(address)
            env = {"env_vars": variables}
            context = ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, runtime_env=env)
        except Exception as error:  # whatever Ray raises here means that it can't be reached
            ray.shutdown()
            raise ClusterError(
                f"no Ray cluster at {address!r}: {error}",
                remedy="start one (ray start --head), set RAY_AUTH_MODE and the token as on its head, or leave --address out",
            ) from error
        try:
            yield _describe(context.dashboard_url or None, local=False, warnings=())
        finally:
            ray.shutdown()


def _knock(address: str) -> None:
    """Raise an `OSError` when nobody listens at an address; Ray itself would wait for minutes."""
    place = address_of_running_cluster() if address == "auto" else address
    host, _, port = place.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_TIMEOUT_S):
        pass


def _describe(url: str | None, *, local: bool, warnings: tuple[str, ...]) -> Session:
    token = os.environ.get("RAY_AUTH_MODE", "").lower() == "token"
    hint = "ray get-auth-token" if token and url else ""
    return Session(capacity(), local, f"http://{url}" if url else None, hint, warnings)


def capacity() -> Capacity:
    """Return what the living machines of the connected cluster hold."""
    alive = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return Capacity(tuple(Node(float(resources.get("CPU", 0)), float(resources.get("GPU", 0))) for resources in alive))


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables and put back what was there."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
