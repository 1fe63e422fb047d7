"""Opens the YAML file of a study: reads it as far as it can be read, and says what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as File

from pydantic import ValidationError

from raysearch.component import find
from raysearch.data.paths import absolute
from raysearch.errors import SpecError
from raysearch.search.study import StudySpec
from raysearch.spec.document import Document
from raysearch.spec.domain_syntax import Fault
from raysearch.spec.explain import explain
from raysearch.spec.findings import Finding, refuse
from raysearch.spec.overlay import with_profile, with_setting
from raysearch.spec.space import Space
from raysearch.spec.yaml import read

_FILES = frozenset({"checkpoint", "weights"})
"""Fields of a trial that name a file."""


@dataclass(frozen=True)
class LoadedStudy:
    """A study and the file it came from.

    Attributes:
        spec: the study.
        document: merged data with the place of each part; ``document.text`` is the file byte for byte.
        profile: the profile that was applied.
        overrides: the settings that were applied.
    """

    spec: StudySpec
    document: Document
    profile: str | None
    overrides: tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """What could be read of a study, and what is wrong with the rest.

    Attributes:
        document: merged data with places.
        spec: None when the study is not valid.
        space: the search space; faulty domains are left out of it.
        findings: unknown keys, wrong types, faulty domains; `raysearch.search.preflight` finds more.
    """

    document: Document
    spec: StudySpec | None
    space: Space
    findings: tuple[Finding, ...]


def read_study(path: File, profile: str | None = None, overrides: Sequence[str] = ()) -> Reading:
    """Read a study as far as it can be read.

    Raises:
        SpecError: the file is not YAML of the accepted form, there is no such profile, or a setting leads nowhere.
    """
    document = with_profile(read(path), profile)
    for setting in overrides:
        document = with_setting(document, setting)
    if not isinstance(document.data, dict):
        refuse([document.finding((), "a study must be a mapping", "start with `raysearch init`", value=document.data)])
        raise AssertionError("refused above")
    data = {"name": path.stem, **document.data}
    document = replace(document, data=data)
    space, faults = Space.read(data.get("trial", {}))
    faults = [Fault(("trial", *fault.path), fault.value, fault.reason, fault.remedy) for fault in faults]
    try:
        spec = StudySpec.parse({**data, "trial": _anchored(space.template)} if "trial" in data else data)
    except ValidationError as error:
        faults += explain(error, StudySpec, data)
        spec = None
    found = tuple(document.finding(fault.path, fault.reason, fault.remedy, value=fault.value) for fault in faults)
    return Reading(document, None if faults else spec, space, found)


def _anchored(template: Mapping[str, object]) -> dict[str, object]:
    """Make the paths of corpora, checkpoints and weights absolute, so that a run means the same wherever it is resumed.

    A corpus with domains inside stays as it is, and so do paths that are chosen: they are taken from where each trial is bound.
    """
    template = {key: node if key == "data" else _anchored_files(node) for key, node in template.items()}
    corpus = template.get("data")
    if isinstance(corpus, dict) and isinstance(corpus.get("one_of"), list):
        return {**template, "data": {"one_of": [_anchored_corpus(branch) for branch in corpus["one_of"]]}}
    return {**template, "data": _anchored_corpus(corpus)} if corpus is not None else dict(template)


def _anchored_files(node: object) -> object:
    if isinstance(node, list):
        return [_anchored_files(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    named = {key: str(absolute(File(value))) for key, value in node.items() if key in _FILES and isinstance(value, str)}
    return {key: named.get(key, _anchored_files(inner)) for key, inner in node.items()}


def _anchored_corpus(node: object) -> object:
    if not isinstance(node, dict) or not isinstance(node.get("kind"), str) or Space.read(node)[0].entries:
        return node
    try:
        return find("raysearch.data.corpora", node["kind"]).parse(node).model_dump(mode="json")
    except (SpecError, ValidationError):
        return node  # told with its line when the trial is bound


def load_study(path: File, profile: str | None = None, overrides: Sequence[str] = ()) -> LoadedStudy:
    """Read a study, with a profile laid over it and settings over both.

    Args:
        path: the YAML file.
        profile: name under ``profiles``.
        overrides: texts such as ``trial.batch=8``.

    Raises:
        SpecError: something is wrong with the file; every finding is in the message.
    """
    reading = read_study(path, profile, overrides)
    refuse(reading.findings)
    assert reading.spec is not None, "a study without findings is valid"
    return LoadedStudy(reading.spec, reading.document, profile, tuple(overrides))
