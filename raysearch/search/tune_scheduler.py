"""A scheduler's place in Ray Tune."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from raysearch.search.job import Reported, message_from_json

if TYPE_CHECKING:
    from ray.tune.experiment import Trial

    from raysearch.search.verdicts import Verdicts


class TuneScheduler(FIFOScheduler):  # type: ignore[misc]  # Ray is untyped
    """Stops the trials that the study's scheduler does not let go on; starts them in the order in which they were suggested."""

    def __init__(self, verdicts: Verdicts) -> None:
        super().__init__()
        self._verdicts = verdicts

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Stop the trial or let it go on."""
        message = message_from_json(result["message"])
        goes_on = not isinstance(message, Reported) or self._verdicts.of(trial.config["trial"], message)
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)
