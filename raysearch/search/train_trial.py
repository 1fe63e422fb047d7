"""A trial of several workers: `fit` on each rank of a Ray Train run inside the Tune trial.

The trial's own process needs no CPU: it starts the run, and passes the messages of rank 0 on to Tune. A rank that can't go on
leaves the others waiting for it in a collective operation, so a bad end of any rank ends the whole run at once. Ray Train keeps
no checkpoints here; `fit` finds its own in the trial's folder, on whatever machine it comes up again.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import ray.train
import torch
from ray import tune
from ray.train.torch import TorchConfig

from raysearch.search.job import Ended, GaveUp, Job, Message, Reported, message_from_json, message_to_json, to_result, train_storage
from raysearch.search.ray_internals import HandleCallback, LeanTorchTrainer, Mailbox, abort_controller, away_from, follow
from raysearch.search.trainable import GivenUp, run_job
from raysearch.train.world import DistributedWorld


def run_in_train(config: dict[str, Any]) -> None:
    """Run a trial as a Ray Train run: the function that Tune calls."""
    job = Job.from_json(config["job"])
    trial_id = tune.get_context().get_trial_id()
    address = (_owner(job), f"{time.time_ns():020d}")  # sorts by time
    mailbox = Mailbox(*address)
    for text in mailbox.left_over():
        if isinstance(message := message_from_json(text), Reported):
            tune.report(to_result(message))
    run = _InThread(_trainer(job, trial_id, address).fit)
    run.start()
    step, ended = 0, False
    for text in follow((mailbox, _trouble(*address)), run.is_alive):
        message = message_from_json(text)
        if isinstance(message, GaveUp):
            abort_controller(trial_id)
            tune.report(to_result(message))
            raise GivenUp(message.kind)
        if isinstance(message, Ended):
            if message.status not in ("finished", "stopped"):
                abort_controller(trial_id)  # the other ranks wait for the one that ended
                message = replace(message, step=max(message.step, step))  # other ranks than 0 don't know it
                tune.report(to_result(message))
                return
            ended = True
            run.join()  # the workers have nothing left to do; their placement group goes with them
        step = message.step
        tune.report(to_result(message))
    if run.error:
        raise run.error[0]
    if not ended:
        raise RuntimeError("the workers ended without an outcome")


def _owner(job: Job) -> str:
    """Return what all attempts of a trial have in common, and no other trial has."""
    return hashlib.sha256(f"{job.folder}\n{job.config}".encode()).hexdigest()[:24]


def _trouble(owner: str, attempt: str) -> Mailbox:
    """Return the mailbox of a bad end of a rank other than 0."""
    return Mailbox(owner, f"{attempt}~trouble")


def _trainer(job: Job, trial_id: str, address: tuple[str, str]) -> LeanTorchTrainer:
    gpu = job.gpus > 0
    return LeanTorchTrainer(
        _worker,
        train_loop_config={"job": job.to_json(), "mailbox": address},
        torch_config=TorchConfig(backend="nccl" if gpu else "gloo"),
        scaling_config=ray.train.ScalingConfig(
            num_workers=job.workers,
            use_gpu=gpu,
            resources_per_worker={"CPU": job.cpus, **({"GPU": job.gpus} if gpu else {})},
            label_selector=away_from(job.avoid) or None,
        ),
        run_config=ray.train.RunConfig(
            name=f"trial-{job.trial:04d}-{trial_id}", storage_path=str(train_storage(job)), callbacks=[HandleCallback(trial_id)]
        ),
    )


def _worker(config: dict[str, Any]) -> None:
    """Run on every rank."""
    job = Job.from_json(config["job"])
    os.environ["OMP_NUM_THREADS"] = str(job.cpus)
    device = ray.train.torch.get_device() if job.gpus > 0 else torch.device("cpu")
    world = DistributedWorld(device)
    mailbox, trouble = Mailbox(*config["mailbox"]), _trouble(*config["mailbox"])

    def send(message: Message) -> None:
        if world.rank == 0:
            mailbox.put(message_to_json(message))
        elif isinstance(message, GaveUp) and message.kind == "preempted":
            return  # all ranks leave together, and rank 0 says so
        elif isinstance(message, GaveUp) or (isinstance(message, Ended) and message.status not in ("finished", "stopped")):
            trouble.put_if_first(message_to_json(message))

    run_job(job, world, device, send)


@dataclass
class _InThread:
    """Runs a function in a thread and keeps its exception."""

    function: Callable[[], object]
    error: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self.function()
        except BaseException as error:  # raised again in the trial's thread
            self.error.append(error)

    def start(self) -> None:
        self._thread.start()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def join(self) -> None:
        self._thread.join()
