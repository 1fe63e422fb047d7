"""Whether a trial's corpus has the pairs of images that its task and its recipe need."""

from __future__ import annotations

from raysearch.errors import SpecError
from raysearch.spec.trial import TrialConfig


def pairing_fault(trial: TrialConfig) -> SpecError | None:
    """Return the error of a trial whose corpus lacks what is needed, its place a dotted key; None where all is well."""
    if trial.task.paired and not trial.data.paired:
        return SpecError(
            "the task restores real degraded images, and the data has none",
            place="task.kind",
            remedy="use data of kind pairs or unpaired, or a task that degrades photographs itself",
        )
    if trial.task.paired and not trial.data.related and trial.recipe.compares_pixels:
        return SpecError(
            "the recipe compares restored images with clean ones, and those of this data show something else",
            place="recipe.kind",
            remedy="use recipe adversarial with target: surrogate, or data of kind pairs",
        )
    return None
