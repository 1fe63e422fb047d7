"""The honesty box: how it was measured, on what, with what, at which budget, and what it does not show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from raysearch.report import plain
from raysearch.report.document import Block, Facts, Listing, Missing, Prose, Section
from raysearch.report.formats import count, metric_named, plural, seconds
from raysearch.report.names import leaf
from raysearch.report.view import View
from raysearch.results.record import TrialRecord

_SEED_LIST = 12
_COMMANDS = 6
_CHANGES = 20


def section(view: View) -> Section:
    """Write the section."""
    facts = [
        ("Metrics", _metrics(view)),
        ("Test sets", _test_sets(view)),
        ("Data", _same(view, "data")),
        ("Data hashes", _hashes(view)),
        ("Task", _same(view, "task")),
        ("Model", _same(view, "model")),
        ("Budget", _budget(view)),
        ("Search", _search(view)),
        ("Seeds", _seeds(view)),
        ("Machine", _machine(view)),
        ("Command", _commands(view)),
    ]
    facts += [(plain.line(key, 40), _lines(value)) for key, value in _environment(view)]
    known = tuple((term, tuple(lines)) for term, lines in facts if lines)
    absent = [term.lower() for term, lines in facts if not lines]
    blocks: list[Block] = [Facts("protocol-box", known), Prose(tuple(_budget_sentences(view)))]
    if absent:
        blocks.append(Missing(f"Not recorded in this run: {', '.join(absent)}."))
    if not view.record.environment:
        blocks.append(Missing("The run has no record of its environment (versions, hardware, data)."))
    blocks.append(Prose(("Limits. " + " ".join(_limits(view)),)))
    if view.record.space_text.strip():
        blocks.append(Listing("The study's file, as it was run", plain.block(view.record.space_text, 60_000)))
    return Section("protocol", "Protocol and limits", tuple(blocks))


def _metrics(view: View) -> list[str]:
    trials = [number for method in view.methods for number in method.numbers]
    protocols = sorted({place.protocol for place in view.scores.places(trials)})
    goal = f"objective: {'largest' if view.metric.larger_is_better else 'smallest'} validation {view.metric.title}"
    named = ["PSNR", "SSIM", *(metric_named(name).title for name in view.scores.others)]
    return [*(f"{', '.join(named)}: {protocol}" for protocol in protocols), goal]


def _test_sets(view: View) -> list[str]:
    trials = [number for method in view.methods for number in method.numbers]
    lines = []
    for place in view.scores.places(trials):
        names = sorted({image for number in trials for image in view.scores.images([number], place)})
        listed = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        lines.append(plain.line(f"{place.title}: {plural(len(names), 'photograph')} ({listed})", 300))
    return lines


def _same(view: View, key: str) -> list[str]:
    """Describe a part of the trials' configurations, where all have the same; else say how many there are."""
    found = {_describe(plain.at(trial.config, key)) for trial in view.record.trials} - {""}
    if len(found) > 4:
        return [f"{len(found)} different ones, see the list of trials"]
    return sorted(found)


def _describe(value: object) -> str:
    if isinstance(value, str):
        return plain.line(value, 120)
    parts = plain.mapping(value)
    kind = plain.line(parts["kind"], 60) if "kind" in parts else ""
    rest = ", ".join(f"{key} {leaf(item)}" for key, item in plain.leaves(parts) if key not in ("kind", "") and item is not None)
    return plain.line(": ".join(part for part in (kind, rest) if part), 400)


def _hashes(view: View) -> list[str]:
    """Find hashes of data wherever the run has them: in its environment or in the facts of a trial."""
    found = [(key, value) for key, value in plain.leaves(view.record.environment) if _is_hash(key)]
    found += [(key, value) for trial in view.record.trials for key, value in trial.facts.items() if _is_hash(key)]
    return list(dict.fromkeys(f"{plain.line(key, 60)}: {leaf(value)}" for key, value in found))[:20]


def _is_hash(key: str) -> bool:
    return key.rpartition(".")[2].lower() in ("digest", "hash", "sha256", "data_digest", "index_digest")


def _lines(value: object) -> list[str]:
    if isinstance(value, str | int | float | bool):
        return [plain.line(value, 200)]
    lines = [f"{plain.line(key, 60)}: {leaf(item)}" for key, item in plain.mapping(value).items() if not isinstance(item, dict)]
    lines += [f"{plain.line(key, 60)}: {_describe(item)}" for key, item in plain.mapping(value).items() if isinstance(item, dict)]
    if not lines:
        lines = [leaf(item) for item in plain.items(value)]
    return lines[:40]


def _environment(view: View) -> Iterable[tuple[str, object]]:
    for key, value in view.record.environment.items():
        if key == "command" and view.record.commands:
            continue
        title = plain.line(key, 40).replace("_", " ")
        yield title[:1].upper() + title[1:] + (" (recorded)" if title in ("data", "machine", "command") else ""), value


def _budget(view: View) -> list[str]:
    asked = plain.mapping(plain.at(view.record.spec, "budget"))
    known = {plain.line(key, 40).replace("_", " "): leaf(value) for key, value in asked.items() if value is not None}
    return [", ".join(f"{key} {value}" for key, value in known.items())] if known else []


def _search(view: View) -> list[str]:
    lines = []
    for key in ("searcher", "scheduler", "confirm", "resources"):
        text = _describe(plain.at(view.record.spec, key))
        if text:
            lines.append(f"{key}: {text}")
    lines += [f"{phase} ended: {plain.line(reason, 60)}" for phase, reason in view.record.ended.items()]
    lines += [f"since the start: {plain.line(change, 300)}" for change in view.record.changes[:_CHANGES]]
    lines += [f"{phase} has not ended" for phase in ("search", "confirm") if phase not in view.record.ended]
    return lines


def _seeds(view: View) -> list[str]:
    lines = []
    study = plain.at(view.record.spec, "seed")
    if study is not None:
        lines.append(f"study: {leaf(study)}")
    for method in view.methods:
        seeds = [str(trial.seed) for trial in method.trials]
        if seeds:
            lines.append(f"{method.title}: {', '.join(seeds[:_SEED_LIST])}{', …' if len(seeds) > _SEED_LIST else ''}")
    return lines


def _machine(view: View) -> list[str]:
    devices = sorted({plain.line(t.facts.get("device"), 80) for t in view.record.trials if t.facts.get("device") is not None})
    workers = sorted({leaf(t.facts.get("workers")) for t in view.record.trials if t.facts.get("workers") is not None})
    lines = [f"trials ran on: {', '.join(devices)}"] if devices else []
    return [*lines, f"workers of a trial: {', '.join(workers)}"] if workers else lines


def _commands(view: View) -> list[str]:
    lines = [plain.line(" ".join(plain.str_of(word) for word in command), 300) for command in view.record.commands]
    more = len(lines) - _COMMANDS
    return lines[:_COMMANDS] + ([f"and {more} more"] if more > 0 else [])


def _budget_sentences(view: View) -> list[str]:
    methods = [method for method in view.methods if method.trials]
    if not methods:
        return ["Nothing was confirmed, so there is no statement about equal budgets."]
    shapes = {_spent(trial) for method in methods for trial in method.trials}
    parts = []
    for method in methods:
        steps, pixels = _spent(method.trials[0])
        time = sum(trial.seconds for trial in method.trials) / len(method.trials)
        shown = f"{steps} steps" + (f", {count(pixels)} pixels seen" if pixels is not None else "")
        parts.append(f"{method.title}: {shown}, {seconds(time)} a seed")
    equal = (
        "Equal budget: all confirmed methods took the same number of steps and saw the same number of pixels"
        if len(shapes) == 1
        else "Unequal budget: the confirmed methods differ in steps or in pixels seen, which the comparison does not correct for"
    )
    spent = seconds(sum(trial.seconds for trial in view.search))
    before = f"The search before it took {spent} of trial time over {plural(len(view.search), 'trial')}."
    return [f"{equal}. {'. '.join(parts)}. {before}"]


def _spent(trial: TrialRecord) -> tuple[int, float | None]:
    pixels = plain.number(trial.reports[-1].metrics.get("pixels_seen")) if trial.reports else None
    return trial.step, pixels


def _limits(view: View) -> Sequence[str]:
    methods = [method for method in view.methods if method.trials]
    sentences = []
    if methods:
        trials = [number for method in methods for number in method.numbers]
        images = {(p.dataset, i) for p in view.scores.places(trials) for n in trials for i in view.scores.images([n], p)}
        few = min(len(method.trials) for method in methods)
        sentences.append(
            f"The comparison rests on {plural(len(images), 'test photograph')} and {plural(few, 'seed')} a method; "
            "it says nothing about other kinds of photographs."
        )
        if len(images) < 10:
            sentences.append("With so few photographs the interval assumes that they are alike: a hint rather than a measurement.")
        names = ", ".join(method.words or method.title for method in methods)
        sentences.append(f"Confirmed on test photographs: {names}. What else was searched was seen on validation photographs only.")
        sentences.append(
            "p values are corrected for multiple comparisons within a table (Holm), not over all tables; intervals, bold marks and "
            "the intervals by photograph are not corrected, so among twenty of them one may miss by chance."
        )
    sentences.append(
        "Values of the search are on validation photographs and are selected, so they are optimistic; "
        "those of trials that were stopped early belong to shorter trainings."
    )
    sentences.append("The numbers compare with those of a publication only under the same protocol, data and training length.")
    return sentences
