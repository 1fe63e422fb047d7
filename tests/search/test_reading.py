"""Values that nothing reads are told; that something was read is noted for copies too."""

from __future__ import annotations

from typing import Any

from raysearch.component import Config
from raysearch.search.reading import noting_reads, unread
from raysearch.spec.trial import TrialConfig

TRIAL: dict[str, Any] = {
    "data": "photos",
    "task": "demosaic",
    "model": {"kind": "deepjdd", "padding": "same", "depth": 3, "width": 4},
    "sampler": {"kind": "gradient", "keep": 0.5},
    "recipe": {
        "kind": "supervised",
        "loss": "l2",
        "optimizer": "adam",
        "schedule": {"kind": "multistep", "milestones": [0.5, 0.7]},
    },
}
PLACES = ("sampler.keep", "recipe.schedule.milestones.1", "recipe.optimizer.lr", "batch", "sampler.cell", "gone.away", "model.kind")


def test_what_is_read_is_noted_also_of_copies() -> None:
    trial = TrialConfig.parse(TRIAL)
    with noting_reads() as read:
        assert trial.model_copy(update={"seed": 3}).batch == 16
        assert trial.recipe.optimizer.lr  # type: ignore[attr-defined]
        assert trial.key == trial.model_copy().key, "writing it out reads nothing"
    assert unread(trial, PLACES, read) == ("sampler.keep", "recipe.schedule.milestones.1")
    assert "__getattribute__" not in vars(Config), "nothing is left behind"
    with noting_reads() as later:
        assert trial.sampler.keep == 0.5  # type: ignore[attr-defined]
        assert trial.recipe.schedule.milestones  # type: ignore[attr-defined]
    assert unread(trial, PLACES, later) == ("recipe.optimizer.lr", "batch")
