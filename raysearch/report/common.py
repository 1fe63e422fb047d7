"""Whether numbers of two runs measure the same: objective, task, protocol, photographs. What differs is named."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from raysearch.report import plain
from raysearch.report.names import leaf, settings
from raysearch.report.scores import Place
from raysearch.report.sides import Side
from raysearch.report.view import View

_SHOWN = 12


@dataclass(frozen=True)
class Ground:
    """What two sides can be compared on.

    Attributes:
        problem: why they can't be compared at all; empty if they can.
        places: test sets and levels that every training was measured on, under one protocol; empty if a side was not tested.
        no_validation: why their validation values can't be compared; empty if they can.
        notes: what a reader has to know, sentences.
    """

    problem: str
    places: tuple[Place, ...]
    no_validation: str
    notes: tuple[str, ...]


def ground(ours: Side, theirs: Side, *, other_training_data: bool = False) -> Ground:
    """Say what two sides can be compared on.

    Args:
        other_training_data: whether trainings on different photographs may be compared.
    """
    views = tuple({id(view): view for view in (*theirs.views, *ours.views)}.values())
    trained = data(views, "train")
    problem = objectives(views) or _tasks(ours, theirs) or ("" if other_training_data else trained)
    places: tuple[Place, ...] = ()
    if not problem and ours.phase == theirs.phase == "confirm":
        places, problem = _places(ours, theirs)
        problem = problem or data(views, "test", {place.dataset for place in places})
    notes = []
    if len(views) > 1 and not all(digests(view, "test" if places else "validation") for view in views):
        notes.append("Not every run has recorded digests of its photographs: only their names were compared.")
    if trained:
        notes.append(f"The difference is also one of training data: {trained}.")
    return Ground(problem, places, data(views, "validation") or _protocols_of(ours, theirs), tuple(notes))


def objectives(views: Sequence[View]) -> str:
    """Say in what the objectives of runs differ; empty if they don't."""
    found = {f"{view.metric.title}, {'largest' if view.metric.larger_is_better else 'smallest'}" for view in views}
    return f"the objectives differ: {_listed(found)}" if len(found) > 1 else ""


def tested(views: Sequence[View]) -> str:
    """Say in what the protocols or the test photographs of confirmed winners differ; empty if they don't."""
    trials = [(view, view.winner.numbers) for view in views if view.winner is not None]
    places = [set(view.scores.places(numbers)) for view, numbers in trials]
    labels = [{place.protocol for place in one} for one in places]
    if any(one != labels[0] for one in labels):
        return f"the protocols differ: {_listed(label for one in labels for label in one)}"
    images = [
        {(p, i) for p in one for i in view.scores.images(numbers, p)} for (view, numbers), one in zip(trials, places, strict=True)
    ]
    names = [
        sorted({f"{place.title} ({len({i for p, i in one if p == place})} photographs)" for place, _ in one}) for one in images
    ]
    if any(one != images[0] for one in images):
        return f"the test photographs differ: {_listed(name for one in names for name in one)}"
    return data(views, "test")


def data(views: Iterable[View], split: str, sets: Collection[str] | None = None) -> str:
    """Say whose photographs differ by the digests that runs have recorded; empty if none do.

    Args:
        split: ``train``, ``validation`` or ``test``.
        sets: of these names only.
    """
    every = [digests(view, split) for view in views]
    known = [{name: digest for name, digest in one.items() if sets is None or name in sets} for one in every if one]
    other = next((one for one in known if one != known[0]), None)
    return "" if other is None else f"the {split} photographs differ: {_sets(known[0])} and {_sets(other)}"


def _sets(found: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {digest[:_SHOWN]}" for name, digest in sorted(found.items())) or "none"


def digests(view: View, split: str) -> dict[str, str]:
    """Return the digests of a run's sets of one split by name, as far as its environment records them."""
    found = {}
    for part in plain.mapping(view.record.environment.get("data")).values():
        name, digest = plain.at(part, "dataset"), plain.at(part, "digest")
        if plain.at(part, "split") == split and isinstance(digest, str):
            found[plain.line(name, 80)] = plain.line(digest, 80)
    return found


def _tasks(ours: Side, theirs: Side) -> str:
    kinds = {leaf(settings(trial.config).get("task.kind")) for trial in (*ours.trials, *theirs.trials)}
    return f"the tasks differ: {_listed(kinds)}" if len(kinds) > 1 else ""


def _protocols_of(ours: Side, theirs: Side) -> str:
    """Say in what the configurations differ that tell how trials are evaluated: validation values carry no protocol."""
    found = set()
    for trial in (*ours.trials, *theirs.trials):
        stated = {key: leaf(value) for key, value in settings(trial.config).items() if key.startswith("evaluate.protocol")}
        found.add(", ".join(f"{key.rpartition('.')[2]} {value}" for key, value in sorted(stated.items())))
    return f"the protocols differ: {_listed(found)}" if len(found) > 1 else ""


def _places(ours: Side, theirs: Side) -> tuple[tuple[Place, ...], str]:
    """Return the places that every training was measured at, under the protocol with the most of them.

    Nothing where a side was not tested; nothing, and the reason, where they were tested at different places.
    """
    each = [set(one.view.scores.places([one.trial.number])) for side in (ours, theirs) for one in side.trainings]
    if not each or not all(each):
        return (), ""
    common = set.intersection(*each)
    if not common:
        every = {place for places in each for place in places}
        protocols = {place.protocol for place in every}
        if len(protocols) > 1:
            return (), f"the protocols differ: {_listed(protocols)}"
        return (), f"the test sets or their levels differ: {_listed(place.title for place in every)}"
    counts = {place.protocol: sum(other.protocol == place.protocol for other in common) for place in common}
    chosen = min(counts, key=lambda protocol: (-counts[protocol], protocol))
    return tuple(sorted(place for place in common if place.protocol == chosen)), ""


def _listed(texts: Iterable[str]) -> str:
    return " and ".join(plain.line(text, 80) or "none" for text in sorted(set(texts)))
