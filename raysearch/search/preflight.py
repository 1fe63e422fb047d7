"""Everything that can be known to be wrong with a study before anything starts; what ``raysearch check`` prints.

Every corner of the search space is bound, checked for parts that don't fit each other, and built; photographs are listed and
measured by their headers; disk and machines are compared with what is asked. All findings are told at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path as File

from raysearch.data.base import Split
from raysearch.errors import DataError
from raysearch.search import demands
from raysearch.search.agreement import disagreements
from raysearch.search.building import Builder
from raysearch.search.capacity import Capacity
from raysearch.search.costs import Costs
from raysearch.search.feasibility import constraint_findings, cost_findings
from raysearch.search.loading import LoadedStudy, Reading, read_study
from raysearch.search.planning import plan_findings
from raysearch.search.probes import Probe, bind_all, locate, without_consequences
from raysearch.search.study import StudySpec
from raysearch.spec.document import Document
from raysearch.spec.findings import Finding, merged, refuse


@dataclass(frozen=True)
class Examination:
    """What was found.

    Attributes:
        study: the study, None when its file is not valid.
        findings: sorted by place; warnings among them.
        needed: disk, None when it can't be told.
        configurations: how many configurations were bound.
    """

    study: LoadedStudy | None
    findings: tuple[Finding, ...]
    needed: demands.Estimate | None
    configurations: int

    @property
    def exit_code(self) -> int:
        """0, 2 (the file is wrong) or 3 (something is missing)."""
        severities = {finding.severity for finding in self.findings}
        return 2 if "spec" in severities else 3 if "preflight" in severities else 0


def examine(
    path: File,
    profile: str | None = None,
    overrides: Sequence[str] = (),
    *,
    capacity: Capacity | None = None,
    runs: File = File("runs"),
) -> Examination:
    """Read a study and find everything that is wrong with it; the findings are returned, not raised.

    Args:
        path: the YAML file.
        profile: name under ``profiles``.
        overrides: texts such as ``trial.batch=8``.
        capacity: what the cluster holds; this machine when it is None.
        runs: the folder of runs, for the free disk.

    Raises:
        SpecError: the file can't be read as YAML at all, or the profile or a setting names nothing in it.
    """
    reading = read_study(path, profile, overrides)
    study = None if reading.spec is None else LoadedStudy(reading.spec, reading.document, profile, tuple(overrides))
    return _examined(reading, study, capacity, runs)


def preflight(study: LoadedStudy, capacity: Capacity | None = None, *, runs: File = File("runs")) -> Examination:
    """Examine a study that was loaded, and refuse to go on with a bad one. Warnings are returned.

    Args:
        study: from `raysearch.search.loading.load_study`.
        capacity: what the cluster holds; this machine when it is None.
        runs: the folder of runs, for the free disk.

    Raises:
        SpecError: the file is wrong; every finding is in the message.
        PreflightError: photographs, disk, CPUs or GPUs are missing.
    """
    examination = _examined(Reading(study.document, study.spec, study.spec.trial, ()), study, capacity, runs)
    refuse(examination.findings)
    return examination


def _examined(reading: Reading, study: LoadedStudy | None, capacity: Capacity | None, runs: File) -> Examination:
    document = reading.document
    findings = list(reading.findings)
    probes: list[Probe] = []
    if reading.space.template:
        space = reading.space.under(() if reading.spec is None else reading.spec.trial.constraints)
        broken = list(constraint_findings(space, document))
        findings += broken
        space = reading.space if any(one.severity == "spec" for one in broken) else space  # without bad constraints
        probes, wrong = bind_all(space, document)
        findings += without_consequences(wrong, [finding.key for finding in findings])
    faulty = [finding.key for finding in findings]
    findings += without_consequences(_disagreements(probes, reading.spec, document), faulty)
    builder = Builder()
    if not any(finding.severity == "spec" for finding in findings):
        findings += [locate(f, p.draft, document) for p in probes if not p.pair for f in builder.faults(p.trial)]
    if reading.spec is not None and not any(finding.severity == "spec" for finding in findings):
        findings += cost_findings(reading.spec, document, [probe for probe in probes if not probe.pair], Costs())
    sizes: dict[str, dict[Split, demands.SplitSizes]] = {}
    findings += without_consequences(_photographs(probes, document, sizes), faulty)
    needed = None
    if reading.spec is not None:
        spec = reading.spec.model_copy(update={"trial": space}) if reading.space.template else reading.spec
        findings += plan_findings(spec, document, probes)
        findings += demands.capacity_findings(reading.spec, capacity or demands.local_capacity(), document)
        if probes:
            channels = max(p.trial.task.channels_stored for p in probes)
            needed = demands.estimate(reading.spec, list(sizes.values()), channels, builder.checkpoint_bytes, runs)
            findings += demands.disk_findings(needed, document)
    return Examination(study, merged(findings), needed, len(probes))


def _disagreements(probes: list[Probe], study: StudySpec | None, document: Document) -> Iterator[Finding]:
    workers = 1 if study is None else study.resources.workers
    return (locate(fault, probe.draft, document) for probe in probes for fault in disagreements(probe.trial, workers))


def _photographs(probes: list[Probe], document: Document, sizes: dict[str, dict[Split, demands.SplitSizes]]) -> Iterator[Finding]:
    """Measure every corpus into ``sizes``, and compare."""
    for key, example in demands.distinct_corpora(probes).items():
        try:
            sizes[key] = demands.measure(example.trial.data)
        except DataError as error:
            yield demands.data_finding(error, example, document)
    for probe in probes:
        if (measured := sizes.get(demands.corpus_key(probe))) is not None:
            yield from demands.photograph_faults(probe, measured, document)
