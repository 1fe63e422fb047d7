"""Training a trial for longer than it was configured for: from its newest checkpoint, where that means what it says.

A schedule that looks at the length of the training (cosine, multistep) has come to its end when a trial is extended, and so have a
loss that switches and a threshold that moves. Two things can then be meant: training *anew*, with the schedule stretched over the
longer training, which is what a study with these steps would have done; or *continuing* from the checkpoint, where the rate jumps
up to where the stretched schedule is at that step (a warm restart, Loshchilov & Hutter, ICLR 2017): another training. Only if
nothing up to the checkpoint depends on the length are the two the same, to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from raysearch.errors import StateDamaged
from raysearch.losses.base import LossConfig
from raysearch.samplers.base import SamplerConfig
from raysearch.schedules.base import ScheduleConfig
from raysearch.spec.trial import TrialConfig
from raysearch.train import checkpoint
from raysearch.train.files import CHECKPOINTS


def depends_on_length(trial: TrialConfig, steps: int, done: int) -> bool:
    """Whether the ``done`` steps that a trial was trained for would have been others, had it been meant for ``steps`` steps.

    Learning-rate schedules are asked for every step; losses and samplers say themselves whether they follow the progress.
    """
    if steps == trial.steps:
        return False
    if any(part.follows_progress for part in _parts(trial) if isinstance(part, LossConfig | SamplerConfig)):
        return True
    rates = [part for part in _parts(trial) if isinstance(part, ScheduleConfig)]
    return any(one.factor(step, trial.steps) != one.factor(step, steps) for one in rates for step in range(done))


def _parts(part: object) -> Iterator[BaseModel]:
    """Yield a configuration and everything that is configured in it."""
    if isinstance(part, BaseModel):
        yield part
        part = [getattr(part, name) for name in type(part).model_fields]
    if isinstance(part, dict):
        part = list(part.values())
    if isinstance(part, list | tuple):
        for inner in part:
            yield from _parts(inner)


def continue_from(folder: Path, trial: TrialConfig, target: Path, extended: TrialConfig) -> int:
    """Put the newest checkpoint of a trial into another trial's folder, as one of that trial.

    Args:
        folder: of the trial.
        trial: its configuration.
        target: folder of the trial that goes on; made if it is missing, in a folder that is there.
        extended: its configuration: ``trial`` with other ``steps``.

    Returns:
        The step from which it goes on.

    Raises:
        StateDamaged: there is no checkpoint that can be trusted.
    """
    blob = checkpoint.newest(folder / CHECKPOINTS, trial.key)
    if blob is None:
        raise StateDamaged(
            f"{folder} holds no checkpoint of its trial", place=str(folder / CHECKPOINTS), remedy="train it --anew instead"
        )
    state = checkpoint.parse(blob) | {"config": extended.model_dump(mode="json")}
    step: int = state["step"]  # type: ignore[assignment]
    target.mkdir(exist_ok=True)
    checkpoint.save(target / CHECKPOINTS, extended.key, step, state)
    return step
