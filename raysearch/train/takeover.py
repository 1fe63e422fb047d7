"""A trial that begins from another trial's checkpoint, under another configuration: what population based training does."""

from __future__ import annotations

from raysearch.errors import SpecError
from raysearch.spec.trial import TrialConfig
from raysearch.train import checkpoint
from raysearch.train.state import Start, TrainState, TrialIO, resume, save
from raysearch.train.world import agree_on_bytes


def begin(state: TrainState, trial: TrialConfig, io: TrialIO) -> bool:
    """Resume a trial, or let a new one take over its start (see `TrialIO.start`).

    Returns:
        Whether there was anything to go on from: the report of that step is to be sent again.
    """
    if resume(state, trial, io):
        return True
    if io.start is None:
        return False
    take_over(state, trial, io, io.start)
    save(state, trial, io)  # from here on the trial needs nobody else's checkpoint
    return True


def take_over(state: TrainState, trial: TrialConfig, io: TrialIO, start: Start) -> None:
    """Load another trial's whole state into a fresh one: networks, moments, averages, generators, place in the epoch, counts.

    Only what `raysearch.spec.trial.TrialConfig.may_change` allows may differ between the two configurations.

    Raises:
        StateDamaged: the file is missing or damaged, or of another configuration than the one expected.
        SpecError: the configurations differ in what can't change.
    """
    blob = checkpoint.read(start.checkpoint, start.key) if io.world.rank == 0 else None
    content = checkpoint.parse(agree_on_bytes(io.world, blob) or b"")
    given = TrialConfig.parse(content["config"])
    fixed = [path for path in given.differences(trial) if not (given.may_change(path) and trial.may_change(path))]
    if fixed:
        name = ".".join(map(str, fixed[0]))
        raise SpecError(
            f"{start.checkpoint} was trained with another {name}, which can't change on the way",
            place=name,
            remedy="start the trial without it",
        )
    state.load_state_dict(content, other_settings=True)
