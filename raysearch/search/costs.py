"""What a configuration costs before it is trained: trainable parameters and multiply-adds."""

from __future__ import annotations

import json

from raysearch.results.events import Leaf
from raysearch.spec.trial import TrialConfig
from raysearch.train.network import build_net
from raysearch.train.outcome import cost_facts


class Costs:
    """Counts the networks of configurations, each distinct one once."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Leaf]] = {}

    def of(self, trial: TrialConfig) -> dict[str, Leaf]:
        """Return ``parameters``, ``macs_g`` and ``macs_size``, as the facts of a finished trial have them."""
        parts = (trial.task, trial.model, trial.evaluate)
        key = json.dumps([[type(part).__module__, part.model_dump(mode="json")] for part in parts])
        if key not in self._known:
            self._known[key] = dict(cost_facts(build_net(trial), trial))
        return dict(self._known[key])
