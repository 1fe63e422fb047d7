"""Probes: configurations of a search space that are bound before anything starts, to find what can't be."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

from pydantic import ValidationError

from raysearch.spec.document import Document
from raysearch.spec.domain_syntax import Fault
from raysearch.spec.explain import UNKNOWN_KEY, explain, fields_at
from raysearch.spec.findings import Finding, nearest
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


def bind_all(space: Space, document: Document) -> tuple[list[Probe], list[Finding]]:
    """Bind every corner and pair of a space; return the configurations, and findings about what is wrong in them.

    A configuration with mistakes is repaired where that is possible (a misspelt key is taken for the nearest, a wrong value for the
    default), so that what does not depend on the mistakes can still be checked.
    """
    probes: list[Probe] = []
    findings: list[Finding] = []
    for assignment, pair in _assignments(space):
        draft = space.draft(assignment)
        try:
            trial: TrialConfig | None = TrialConfig.parse(draft.data)
        except ValidationError as error:
            faults = explain(error, TrialConfig, draft.data)
            findings += [locate(fault, draft, document) for fault in faults]
            trial = _repaired(draft.data, faults)
        if trial is not None:
            probes.append(Probe(assignment, draft, trial, pair))
    return probes, findings


def _repaired(data: dict[str, object], faults: list[Fault]) -> TrialConfig | None:
    """Parse what is left without the faulty keys; None when too little is."""
    repaired: Any = copy.deepcopy(data)
    for fault in faults:
        node: Any = repaired
        for part in fault.path[:-1]:
            node = node[part]
        if isinstance(node, dict) and fault.path[-1] in node:
            value = node.pop(fault.path[-1])
            meant = nearest(str(fault.path[-1]), fields_at(TrialConfig, data, fault.path[:-1]))
            if fault.reason == UNKNOWN_KEY and meant is not None:
                node.setdefault(meant, value)
    try:
        return TrialConfig.parse(repaired)
    except ValidationError:
        return None


def _assignments(space: Space) -> Iterator[tuple[Assignment, bool]]:
    corners = ((assignment, False) for assignment in space.corners())
    pairs = ((assignment, True) for assignment in islice(space.pairs(), MAX_PAIRS))
    return chain(corners, pairs)


def locate(fault: Fault, draft: Draft, document: Document) -> Finding:
    """Turn what is wrong with a place of a configuration into a finding about the place in the file that it came from."""
    found = document.finding(("trial", *draft.origin(fault.path)), fault.reason, fault.remedy, value=fault.value)
    return replace(found, severity="preflight") if fault.missing else found


def without_consequences(findings: Iterable[Finding], faulty: Collection[str]) -> list[Finding]:
    """Drop findings about keys in which something is known to be wrong."""
    return [finding for finding in findings if not any(k == finding.key or k.startswith(f"{finding.key}.") for k in faulty)]
