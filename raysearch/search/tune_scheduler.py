"""A scheduler's place in Ray Tune."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from raysearch.search.job import Reported, message_from_json

if TYPE_CHECKING:
    from ray.tune.experiment import Trial

    from raysearch.search.searcher import TrialSource
    from raysearch.search.verdicts import Verdicts


class TuneScheduler(FIFOScheduler):  # type: ignore[misc]  # Ray is untyped
    """Stops the trials that the study's scheduler does not let go on, or that are to let others go first; starts them in the order
    in which they were suggested."""

    def __init__(self, verdicts: Verdicts, source: TrialSource) -> None:
        super().__init__()
        self._verdicts = verdicts
        self._source = source

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Stop the trial or let it go on."""
        message = message_from_json(result["message"])
        if isinstance(message, Reported):
            number = trial.config["trial"]
            if not self._verdicts.of(number, message) or self._source.rests(number, message.step):
                return str(TrialScheduler.STOP)
        return str(TrialScheduler.CONTINUE)
