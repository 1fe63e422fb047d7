"""Whether a trial has what its task and its recipe start from: pairs of images, a trained network."""

from __future__ import annotations

from raysearch.errors import SpecError
from raysearch.spec.trial import TrialConfig


def pairing_fault(trial: TrialConfig) -> SpecError | None:
    """Return the error of a trial that lacks what is needed, its place a dotted key; None where all is well."""
    data = getattr(trial.data, "kind", type(trial.data).__module__)
    if trial.task.paired and not trial.data.paired:
        return SpecError(
            f"the task restores real degraded images, and the data has none ({data})",
            place="task.kind",
            remedy="use data of kind pairs or unpaired, or a task that degrades photographs itself",
        )
    if trial.task.paired and not trial.data.related and trial.recipe.compares_pixels:
        return SpecError(
            f"the recipe compares restored images with clean ones, and those of this data show something else ({data})",
            place="recipe.kind",
            remedy="use recipe adversarial with target: surrogate, or data of kind pairs",
        )
    if trial.recipe.continues and trial.init is None:
        return SpecError(
            "the recipe goes on from a trained network, and none is named: its target would be what random weights restore",
            place="recipe.target",
            remedy="write init: {checkpoint: ...} with the network of the first stage, or target: clean",
        )
    return None
