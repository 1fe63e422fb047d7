"""What `run`, `watch` and `show` say of early stopping: whether a scheduler's rungs predict how trials end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from raysearch.component import find
from raysearch.errors import SpecError
from raysearch.results.rungs import Agreement
from raysearch.search.schedulers.base import SchedulerConfig


def rungs_of(spec: Mapping[str, object]) -> tuple[int, ...]:
    """Return the rungs of a resolved study's scheduler; none where that can't be told (the file is a run's, and may be damaged)."""
    scheduler, trial = spec.get("scheduler"), spec.get("trial")
    steps = trial.get("steps") if isinstance(trial, Mapping) else None
    if not isinstance(scheduler, Mapping) or not isinstance(steps, int):
        return ()
    try:
        config = find("raysearch.search.schedulers", str(scheduler.get("kind"))).parse(dict(scheduler))
    except (SpecError, ValidationError):
        return ()
    return config.rungs(steps) if isinstance(config, SchedulerConfig) else ()


def early_line(found: Sequence[Agreement]) -> str:
    """Say in a line how well rungs predict the end; empty while nothing is known."""
    known = [one for one in found if not math.isnan(one.correlation.rho)]
    if not known:
        return ""
    parts = [f"step {one.step}: {_interval(one)}" for one in known]
    return f"rank correlation with the end over {known[0].correlation.n} trials: " + ", ".join(parts)


def early_warning(found: Sequence[Agreement]) -> str:
    """Warn of rungs that mislead; empty if none does."""
    bad = [one for one in found if one.misleads]
    if not bad:
        return ""
    good = [one.step for one in found if not one.misleads]
    then = f"trials are stopped from step {min(good)} on" if good else "no trial is stopped early"
    steps = " and ".join(str(one.step) for one in bad)
    return f"warning: step {steps} does not predict how trials end ({early_line(bad)}); until it does, {then}"


def _interval(one: Agreement) -> str:
    correlation = one.correlation
    between = "" if math.isnan(correlation.low) else f" [{correlation.low:.2f}, {correlation.high:.2f}]"
    return f"{correlation.rho:.2f}{between}"
