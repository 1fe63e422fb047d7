"""Every interface of Ray that is not public, in this file only; read and tested in Ray 2.60.

Why they are needed (each has a test in ``tests/search``):

- A trial that is stopped early leaves its Train controller to die and its placement group to live as long as the job, so the
  next trial waits for ever. Ray's own remedy (`PlacementGroupCleaner`) needs the dashboard's State API, one more process a trial,
  and 12 s to end when the dashboard is off. Here the controller publishes its handle and its placement group; the trial aborts
  the controller when it is stopped, and the driver removes what a killed trial has left.
- Reports of Train workers pass a queue that is polled. A mailbox in the cluster's key-value store carries ours instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import ray
from ray import cloudpickle
from ray._private import ray_constants, services
from ray._private.utils import detect_fate_sharing_support_linux
from ray._raylet import Config as _RayConfig  # type: ignore[attr-defined]  # compiled
from ray.experimental.internal_kv import _internal_kv_del, _internal_kv_get, _internal_kv_list, _internal_kv_put
from ray.train.torch import TorchTrainer
from ray.train.v2._internal.callbacks.datasets import DatasetsCallback
from ray.train.v2._internal.callbacks.placement_group_callback import PlacementGroupCleanerCallback
from ray.train.v2._internal.execution.callback import ControllerCallback, WorkerGroupCallback
from ray.tune.trainable.function_trainable import wrap_function
from ray.util.placement_group import NODE_ID_LABEL_KEY

from raysearch.errors import ClusterError
from raysearch.search.leaving import listen

TESTED = (2, 60)
"""The minor version of Ray whose internals were read."""

_ABORT_TIMEOUT_S = 30.0


def require_tested_ray(version: str) -> None:
    """Refuse another minor version of Ray for what needs its internals (trials of several workers).

    Raises:
        ClusterError: the installed Ray is not of the tested minor version.
    """
    have = tuple(int(part) for part in version.split(".")[:2])
    if have != TESTED:
        need = ".".join(map(str, TESTED))
        raise ClusterError(
            f"trials of several workers rely on internals of Ray {need}, and Ray {version} is installed",
            remedy=f"pip install 'ray[default,train,tune]=={need}.*', or resources: {{workers: 1, trainer: auto}}",
        )


def reread_environment() -> None:
    """Let this process's Ray read ``RAY_*`` variables again (it keeps the authentication mode of its first use)."""
    _RayConfig.initialize("")


@contextmanager
def loopback_only() -> Iterator[None]:
    """Let a local Ray that is started in here listen on 127.0.0.1 only.

    On Linux, Ray replaces a loopback address by the machine's own and listens on all interfaces; on macOS it does not. This is
    the switch between the two, which it reads when it is imported.
    """
    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


@contextmanager
def own_session() -> Iterator[None]:
    """Let the processes of a local Ray that is started in here stand outside this process's group and terminal.

    A signal to the group (Ctrl-C, ``timeout``, a shell that ends) would end them together with the driver, which needs them to end
    its study in an orderly way. On Linux they end with the driver all the same: the kernel sees to that. Elsewhere Ray itself
    relies on the group, and nothing is changed.
    """
    if not detect_fate_sharing_support_linux():
        yield
        return
    before = services.ConsolePopen
    services.ConsolePopen = partial(before, start_new_session=True)
    try:
        yield
    finally:
        services.ConsolePopen = before


def address_of_running_cluster() -> str:
    """Return ``host:port`` of what Ray means by ``auto``.

    Raises:
        ConnectionError: no cluster is known on this machine.
    """
    found: str = services.canonicalize_bootstrap_address_or_die("auto")
    return found


def actor_of(trial: Any) -> str:
    """Return the id of the actor that a Tune trial runs in."""
    return str(trial.temporary_state.ray_actor._actor_id.hex())


def node_of_actor(actor: str) -> str:
    """Return the id of the machine on which an actor runs or ran; empty when the cluster has forgotten it."""
    found = ray._private.state.actors(actor_id=actor)
    return str(found["Address"]["NodeID"]) if found else ""


def machines() -> dict[str, str]:
    """Return the machines that are there, with their addresses by id."""
    return {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}


def away_from(nodes: Sequence[str]) -> dict[str, str]:
    """Return the label selector of everything but some machines; empty without any."""
    return {NODE_ID_LABEL_KEY: f"!in({','.join(nodes)})"} if nodes else {}


def _controller_key(trial_id: str) -> bytes:
    return b"raysearch:controller:" + trial_id.encode()


def _group_key(trial_id: str) -> bytes:
    return b"raysearch:group:" + trial_id.encode()


class HandleCallback(ControllerCallback, WorkerGroupCallback):  # type: ignore[misc]  # Ray is untyped
    """Runs in the Train controller; publishes its handle and its placement group under the Tune trial's id."""

    def __init__(self, trial_id: str) -> None:
        self.trial_id = trial_id

    def after_controller_start(self, train_run_context: object) -> None:
        """Publish the controller's handle."""
        handle = ray.get_runtime_context().current_actor
        _internal_kv_put(_controller_key(self.trial_id), cloudpickle.dumps(handle), overwrite=True)

    def after_worker_group_start(self, worker_group: Any) -> None:
        """Publish the placement group."""
        group = worker_group.get_worker_group_state().placement_group_handle.placement_group
        _internal_kv_put(_group_key(self.trial_id), cloudpickle.dumps(group), overwrite=True)
        worker_group.execute(listen)


class LeanTorchTrainer(TorchTrainer):  # type: ignore[misc]  # Ray is untyped
    """A `TorchTrainer` without the two helper processes that nobody here needs: the cleaner (see above) and Ray Data's manager."""

    def _create_default_callbacks(self) -> list[Any]:
        unwanted = (PlacementGroupCleanerCallback, DatasetsCallback)
        return [callback for callback in super()._create_default_callbacks() if not isinstance(callback, unwanted)]


def trial_class(run: Callable[[dict[str, Any]], None], *, trains: bool) -> type:
    """Wrap a Tune function into a trial class that listens for SIGTERM, and that aborts its Train controller when Tune stops or
    pauses it.

    Args:
        trains: the function starts a Ray Train run, whose workers listen themselves.
    """
    base = wrap_function(run, name="TrialDriver")

    class TrialDriver(base):  # type: ignore[misc, valid-type]  # a class made by Ray
        def setup(self, config: dict[str, Any], **more: Any) -> None:
            if not trains:
                listen()  # the one place of a trial's process where its main thread is at hand
            super().setup(config, **more)

        def cleanup(self) -> None:
            if trains:
                abort_controller(self.trial_id)
            super().cleanup()

    TrialDriver.__qualname__ = "TrialDriver"  # as the dashboard shows it
    return TrialDriver


def abort_controller(trial_id: str) -> None:
    """End the Train controller of a trial and with it its workers; nothing happens when there is none."""
    key = _controller_key(trial_id)
    handle = _internal_kv_get(key)
    if handle is None:
        return
    _internal_kv_del(key)
    try:
        ray.get(cloudpickle.loads(handle).abort.remote(), timeout=_ABORT_TIMEOUT_S)
    except (ray.exceptions.RayActorError, ray.exceptions.GetTimeoutError):
        return  # an aborted controller exits while it answers; one that hangs loses its workers to `remove_group`


def remove_group(trial_id: str) -> bool:
    """Remove the placement group that a trial has left; return whether there was one. Called on the driver."""
    key = _group_key(trial_id)
    group = _internal_kv_get(key)
    if group is None:
        return False
    _internal_kv_del(key)
    ray.util.remove_placement_group(cloudpickle.loads(group))
    return True


class Mailbox:
    """Numbered messages from one sender to one reader, through the cluster's key-value store.

    Args:
        owner: names the trial in the cluster.
        attempt: unique for each attempt of the trial, so that its messages are told from those of an earlier one.
    """

    def __init__(self, owner: str, attempt: str) -> None:
        self._owner = f"raysearch:mail:{owner}:"
        self._attempt = attempt
        self._next = 0

    def _key(self) -> bytes:
        return f"{self._owner}{self._attempt}:{self._next:06d}".encode()

    def left_over(self) -> Iterator[str]:
        """Give out and delete what earlier attempts sent and nobody read: their trial was killed before its workers were."""
        for key in sorted(_internal_kv_list(self._owner.encode())):
            text = _internal_kv_get(key)
            _internal_kv_del(key)
            if text is not None:
                yield text.decode()

    def put(self, text: str) -> None:
        """Send a message."""
        _internal_kv_put(self._key(), text.encode(), overwrite=True)
        self._next += 1

    def put_if_first(self, text: str) -> None:
        """Send a message unless another sender was faster; for mailboxes of many senders, of whom one is heard."""
        _internal_kv_put(self._key(), text.encode(), overwrite=False)

    def take(self) -> Iterator[str]:
        """Give out the messages that have come, in order, and delete them."""
        while (text := _internal_kv_get(self._key())) is not None:
            _internal_kv_del(self._key())
            self._next += 1
            yield text.decode()


def follow(boxes: Sequence[Mailbox], alive: Callable[[], bool], every_s: float = 0.1) -> Iterator[str]:
    """Give out the messages of some mailboxes as they come until the senders are not ``alive``, then the rest."""
    while alive():
        for box in boxes:
            yield from box.take()
        time.sleep(every_s)
    for box in boxes:
        yield from box.take()
