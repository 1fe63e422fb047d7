"""A study: the question, the search space, and how to search it. One YAML file, which `raysearch.search.loading` opens. No torch.

::

    name: patchnet                       # the file's name when it is left out
    question: Which patches should a demosaicing network be trained on?
    objective: {metric: psnr, mode: max} # or objectives: [...], the first of which is the headline
    constraints: ["patch.size * batch <= 4096"]   # between values of the trial (see raysearch.spec.expression)
    duplicates: reuse                    # what becomes of a configuration that is proposed again
    searcher: {kind: tpe}                # random, grid, qmc, tpe, gp, cmaes, nsga2, nsga3
    scheduler: {kind: fifo}              # fifo, asha
    budget: {trials: 12, minutes: 5}     # whichever ends first
    confirm: {top: 1, seeds: 3, baseline: {sampler: {kind: uniform}}}
    published: [{source: "PatchNet, table 5", values: {sampler.patchnet.temperature: 2}}]
    report: {tables: [patchnet-temperature]}   # published numbers to lay the measured ones beside
    trial: {...}                         # a configuration in which any leaf may be a domain
    profiles: {paper: {...}}             # laid over all of this by --profile (see raysearch.spec.overlay)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SerializeAsAny, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from raysearch.component import Config, Kind
from raysearch.errors import SpecError
from raysearch.results.goals import Goal, Goals
from raysearch.search.faults import Faults
from raysearch.search.reporting import ReportPlan
from raysearch.search.schedulers.base import SchedulerConfig
from raysearch.search.searchers.base import SearcherConfig
from raysearch.spec.document import Document
from raysearch.spec.domains import Leaf
from raysearch.spec.explain import explain
from raysearch.spec.expression import bound, parse
from raysearch.spec.findings import dotted, one_of_names, refuse
from raysearch.spec.space import Space
from raysearch.spec.trial import TrialConfig


def _read_by(read: Callable[[str], object]) -> Callable[[str], str]:
    """Return a validator of texts that ``read`` accepts."""

    def validated(text: str) -> str:
        try:
            read(text)
        except SpecError as error:
            raise PydanticCustomError("domain", "{cause}", {"cause": error.cause, "remedy": error.remedy}) from error
        return text

    return validated


class Objective(Config):
    """What the search looks for, on validation photographs."""

    metric: str = "psnr"
    """One of the trial's ``evaluate.metrics``: the mean over photographs and degradation levels, under the trial's protocol. Or a
    fact of the trial: ``parameters``, ``macs_g`` (multiply-adds in 1e9), ``train_seconds``, ``gpu_hours``."""

    mode: Literal["max", "min"] = "max"

    constraints: tuple[Annotated[str, AfterValidator(_read_by(bound))], ...] = ()
    """Comparisons of metrics and facts that an outcome has to meet, e.g. ``macs_g <= 5``. Of several objectives all count."""


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


class Race(Config):
    """More seeds for contenders that the interval can't tell from the baseline; see `raysearch.results.racing`."""

    seeds: int = Field(ge=4)
    """Seeds of a contender at most; ``confirm.seeds`` are the first of them."""


class Confirm(Config):
    """The second phase: baseline and winners trained with fresh seeds at full length and evaluated on the test sets."""

    top: int = Field(1, ge=0)
    """How many of the best configurations are confirmed; 0 leaves the phase out."""

    seeds: int = Field(3, ge=1)
    """Fresh seeds for each."""

    race: Race | None = None
    """Further seeds, one at a time, for each contender until its difference to the baseline is decided: ``{seeds: 8}``."""

    baseline: dict[str, Any] = Field(default_factory=dict)
    """Dotted paths of the winner's configuration and the values that replace what stands there, whole: ``{sampler: uniform}``."""

    @model_validator(mode="after")
    def _race_goes_on(self) -> Self:
        if self.race is not None and not 3 <= self.seeds < self.race.seeds:
            raise ValueError(f"a race goes from seeds (3 or more, not {self.seeds}) to more race.seeds (not {self.race.seeds})")
        return self

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
    objectives: tuple[Objective, ...] = ()
    """Several objectives, in place of ``objective``; the first is the headline, by which winners are confirmed."""

    constraints: tuple[Annotated[str, AfterValidator(_read_by(parse))], ...] = ()
    """What the values of a trial have to meet together (see `raysearch.spec.expression`); what does not is never tried."""

    duplicates: Literal["reuse", "new_seed", "allow"] = "reuse"
    """What becomes of a configuration that is proposed again. ``reuse``: its value is known, another one is asked for.
    ``new_seed``: it is trained again, with the seed of its new number, unless nothing in it is trained. ``allow``: it is run."""

    searcher: Annotated[SerializeAsAny[SearcherConfig], Kind("raysearch.search.searchers")]
    scheduler: Annotated[SerializeAsAny[SchedulerConfig], Kind("raysearch.search.schedulers")]
    budget: Budget = Budget()
    seed: int = Field(0, ge=0)
    """All seeds of the study are derived from it."""

    published: tuple[Published, ...] = ()
    confirm: Confirm = Confirm()
    report: ReportPlan = ReportPlan()
    """What the report is asked to show beside the study's own numbers."""

    resources: Resources = Resources()
    max_retries: int = Field(2, ge=0)
    """How often a trial whose process was lost goes on from its checkpoint."""

    faults: Faults = Faults()
    """What becomes of trials that run out of memory or hang, and of machines and disks that fail."""

    storage: str | None = Field(None, min_length=1)
    """Where copies of journal, results and checkpoints go: a folder, or a URI such as ``s3://bucket/folder``; see
    `raysearch.results.storage`."""

    trial: Space

    @field_validator("storage")
    @classmethod
    def _absolute_storage(cls, given: str | None) -> str | None:
        return given if given is None or "://" in given else str(Path(given).absolute())

    @field_validator("trial")
    @classmethod
    def _constrained(cls, space: Space, info: ValidationInfo) -> Space:
        return space.under([parse(text) for text in info.data.get("constraints", ())])

    @model_validator(mode="after")
    def _first_is_headline(self) -> Self:
        if self.objectives and "objective" in self.model_fields_set and self.objective != self.objectives[0]:
            cause, remedy = "objective and the first of objectives differ", "leave objective out"
            raise PydanticCustomError("domain", "{cause}", {"cause": cause, "remedy": remedy})
        if self.objectives:
            object.__setattr__(self, "objective", self.objectives[0])  # nobody has seen this object yet
        names = [objective.metric for objective in self.objectives]
        if len(set(names)) < len(names):
            raise ValueError("objectives: a metric stands twice")
        return self

    @property
    def goals(self) -> Goals:
        """Every objective and every constraint on the outcome."""
        objectives = self.objectives or (self.objective,)
        bounds = tuple(bound(text) for text in dict.fromkeys(text for one in objectives for text in one.constraints))
        gpus = self.resources.workers * self.resources.gpus_per_worker
        return Goals(tuple(Goal(one.metric, one.mode) for one in objectives), bounds, gpus)

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
