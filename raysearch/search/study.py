"""A study: the question, the search space, and how to search it. One YAML file; this module opens it and loads no torch itself.

::

    name: patchnet                       # the file's name when it is left out
    question: Which patches should a demosaicing network be trained on?
    objective: {metric: psnr, mode: max}
    searcher: {kind: tpe}                # random, grid, tpe
    scheduler: {kind: fifo}              # fifo, asha
    budget: {trials: 12, minutes: 5}     # whichever ends first
    confirm: {top: 1, seeds: 3, baseline: {sampler: {kind: uniform}}}
    published: [{source: "PatchNet, table 5", values: {sampler.patchnet.temperature: 2}}]
    trial: {...}                         # a configuration in which any leaf may be a domain
    profiles: {paper: {...}}             # laid over all of this by --profile (see raysearch.spec.overlay)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as File
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializeAsAny, ValidationError, field_validator

from raysearch.component import Config, Kind, find
from raysearch.data.paths import absolute
from raysearch.errors import SpecError
from raysearch.search.schedulers.base import SchedulerConfig
from raysearch.search.searchers.base import SearcherConfig
from raysearch.spec.document import Document
from raysearch.spec.domain_syntax import Fault
from raysearch.spec.domains import Leaf
from raysearch.spec.explain import explain
from raysearch.spec.findings import Finding, dotted, one_of_names, refuse
from raysearch.spec.overlay import with_profile, with_setting
from raysearch.spec.space import Space
from raysearch.spec.trial import TrialConfig
from raysearch.spec.yaml import read

_FILES = frozenset({"checkpoint", "weights"})
"""Fields of a trial that name a file."""


class Objective(Config):
    """What the search looks for, on validation photographs."""

    metric: str = "psnr"
    """One of the trial's ``evaluate.metrics``: the mean over photographs and degradation levels, under the trial's protocol."""

    mode: Literal["max", "min"] = "max"


class Budget(Config):
    """When the search ends: at the first limit that is reached. The confirmation is not counted."""

    trials: int | None = Field(None, ge=1)
    """Finished, stopped and failed trials together."""

    minutes: float | None = Field(None, gt=0)
    """Wall time of the search, over all drivers."""

    gpu_hours: float | None = Field(None, gt=0)
    """GPUs of a trial times its hours, summed."""

    max_failed: int | None = Field(None, ge=0)
    """More failed trials than this and the study counts as failed (exit code 4)."""


class Confirm(Config):
    """The second phase: baseline and winners trained with fresh seeds at full length and evaluated on the test sets."""

    top: int = Field(1, ge=0)
    """How many of the best configurations are confirmed; 0 leaves the phase out."""

    seeds: int = Field(3, ge=1)
    """Fresh seeds for each."""

    baseline: dict[str, Any] = Field(default_factory=dict)
    """Dotted paths of the winner's configuration and the values that replace what stands there, whole: ``{sampler: uniform}``."""

    def baseline_of(self, winner: TrialConfig) -> TrialConfig:
        """Return the configuration that ``winner`` is compared with.

        Raises:
            SpecError: a path is not in the winner's configuration, or a value is not valid there.
        """
        data: dict[str, Any] = winner.model_dump(mode="json")
        for key, value in self.baseline.items():
            *way, last = key.split(".")
            node: Any = data
            for part in way:
                node = node.get(part) if isinstance(node, dict) else None
            if not isinstance(node, dict) or last not in node:
                have = node if isinstance(node, dict) else data
                raise SpecError(f"the winner's configuration has no {key}", place=key, remedy=one_of_names(last, have))
            node[last] = value
        try:
            return TrialConfig.parse(data)
        except ValidationError as error:
            first = explain(error, TrialConfig, data)[0]
            raise SpecError(f"{dotted(first.path)}: {first.reason}", place=dotted(first.path), remedy=first.remedy) from error


class Resources(Config):
    """What one trial gets."""

    workers: int = Field(1, ge=1)
    """Processes that train one network together (DDP)."""

    cpus_per_worker: int = Field(1, ge=1)
    """Logical CPUs; torch uses as many threads."""

    gpus_per_worker: float = Field(0, ge=0)
    """0, 1, more whole GPUs, or a fraction of one that several trials share."""

    trainer: Literal["auto", "ray_train"] = "auto"
    """``auto``: one worker trains inside the Tune trial, several in Ray Train. ``ray_train``: always there."""

    concurrent: int | None = Field(None, ge=1)
    """Trials at a time; as many as fit when it is not given."""

    @field_validator("gpus_per_worker")
    @classmethod
    def _whole_above_one(cls, gpus: float) -> float:
        if gpus > 1 and gpus != int(gpus):
            raise ValueError("above 1 it must be whole")
        return gpus


class Published(Config):
    """A configuration that a paper reports, tried before the searcher proposes any."""

    source: str = Field(min_length=1)
    """Where it stands, e.g. ``PatchNet, table 5``."""

    values: dict[str, Leaf]
    """See `raysearch.spec.space.Space.resolve`: what is not named takes the default of its domain."""


class StudySpec(Config):
    """A study with its profile and settings applied: plain data in both directions (`to_data`, `from_data`)."""

    name: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$")
    """The default name of its runs."""

    title: str = ""
    question: str = ""
    """What the study is to find out; the report opens with it."""

    notes: str = ""
    """Shown in the report below the question: what the papers found, what is to be kept in mind."""

    objective: Objective = Objective()
    searcher: Annotated[SerializeAsAny[SearcherConfig], Kind("raysearch.search.searchers")]
    scheduler: Annotated[SerializeAsAny[SchedulerConfig], Kind("raysearch.search.schedulers")]
    budget: Budget = Budget()
    seed: int = Field(0, ge=0)
    """All seeds of the study are derived from it."""

    published: tuple[Published, ...] = ()
    confirm: Confirm = Confirm()
    resources: Resources = Resources()
    max_retries: int = Field(2, ge=0)
    """How often a trial whose process was lost goes on from its checkpoint."""

    trial: Space

    def to_data(self) -> dict[str, Any]:
        """Return the study as JSON data; `from_data` gives an equal one."""
        return self.model_dump(mode="json")

    @classmethod
    def from_data(cls, data: object) -> Self:
        """Parse what `to_data` returned.

        Raises:
            SpecError: it is no valid study.
        """
        try:
            return cls.parse(data)
        except ValidationError as error:
            refuse(
                Document(data, {}, "", "the resolved study").finding(f.path, f.reason, f.remedy) for f in explain(error, cls, data)
            )
            raise


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
