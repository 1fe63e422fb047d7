"""Probes: configurations of a search space that are bound before anything starts, to find what can't be."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from pydantic import ValidationError

from raysearch.spec.document import Document
from raysearch.spec.domain_syntax import Fault
from raysearch.spec.explain import explain
from raysearch.spec.findings import Finding
from raysearch.spec.space import Assignment, Space
from raysearch.spec.template import Draft
from raysearch.spec.trial import TrialConfig

MAX_PAIRS = 2000
"""Pairs of ends that are bound at most; beyond that a pair of values may stay untried, single ends never."""


@dataclass(frozen=True)
class Probe:
    """A configuration of the space.

    Attributes:
        assignment: the values that it was made from.
        draft: its plain data, with the origin of each part.
        trial: the valid configuration.
        pair: it stands for a pair of values; otherwise for a corner, which is also built.
    """

    assignment: Assignment
    draft: Draft
    trial: TrialConfig
    pair: bool


def bind_all(space: Space, document: Document, faulty: Collection[str]) -> tuple[list[Probe], list[Finding]]:
    """Bind every corner and pair of a space; return the valid configurations, and findings about the others.

    Args:
        space: the search space.
        document: the study that it stands in, under ``trial``.
        faulty: keys that are known to be wrong; what follows from them is not told again.
    """
    probes: list[Probe] = []
    findings: list[Finding] = []
    for assignment, pair in _assignments(space):
        draft = space.draft(assignment)
        try:
            probes.append(Probe(assignment, draft, TrialConfig.parse(draft.data), pair))
        except ValidationError as error:
            findings += [locate(fault, draft, document) for fault in explain(error, TrialConfig, draft.data)]
    return probes, [finding for finding in findings if not _follows(finding.key, faulty)]


def _assignments(space: Space) -> Iterator[tuple[Assignment, bool]]:
    corners = ((assignment, False) for assignment in space.corners())
    pairs = ((assignment, True) for assignment in islice(space.pairs(), MAX_PAIRS))
    return chain(corners, pairs)


def locate(fault: Fault, draft: Draft, document: Document) -> Finding:
    """Turn what is wrong with a place of a configuration into a finding about the place in the file that it came from."""
    return document.finding(("trial", *draft.origin(fault.path)), fault.reason, fault.remedy, value=fault.value)


def _follows(key: str, faulty: Collection[str]) -> bool:
    return any(bad == key or bad.startswith(f"{key}.") for bad in faulty)
