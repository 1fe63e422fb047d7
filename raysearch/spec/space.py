"""The search space: a trial's configuration in which any leaf may be a domain.

A domain's name is its dotted path in the configuration, with the label of each ``one_of`` branch on the way::

    sampler: {one_of: [{kind: uniform}, {kind: gradient, keep: {float: [0.1, 1]}}]}     # sampler, sampler.gradient.keep

An *assignment* gives a value to each domain that exists under the branches it chooses, and to no other. A space may have
constraints; then only the assignments that meet them are to be tried.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from pydantic import GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from raysearch.errors import SpecError
from raysearch.spec.assigning import completed, matched, named
from raysearch.spec.constraints import Dice, Values, met
from raysearch.spec.domain_syntax import Fault
from raysearch.spec.domains import Choice, Domain, Leaf, Suggester, is_domain, same
from raysearch.spec.expression import Expression
from raysearch.spec.findings import MISSING, Path, dotted, shown
from raysearch.spec.template import Draft, Entry, TemplateFiller, TemplateReader
from raysearch.spec.trial import TrialConfig

Assignment = dict[str, Leaf]

MAX_GRID = 1_000_000
"""Configurations that `Space.size` counts before it gives up: a grid of more is no grid."""

_COMPLETIONS = 200
"""Draws with a domain's end fixed, to find a configuration with that end which meets the constraints."""


@dataclass(frozen=True)
class Space:
    """A template and the domains in it, in the order in which they stand. Two spaces are equal when their templates are."""

    template: dict[str, object]
    entries: tuple[Entry, ...] = field(compare=False)
    constraints: tuple[Expression, ...] = field(default=(), compare=False)

    @staticmethod
    def read(data: object) -> tuple[Space, list[Fault]]:
        """Read a template; also return what is wrong with its domains.

        A faulty domain is left out of the space and null stands in its place, so that the rest can still be checked.
        """
        if not isinstance(data, dict) or is_domain(data):
            return Space({}, ()), [Fault((), data, "a trial must be a mapping", "write data:, task:, model:, sampler: and recipe:")]
        reader = TemplateReader([], [])
        template = reader.read(data)
        assert isinstance(template, dict)
        return Space(template, tuple(reader.entries)), reader.faults

    @staticmethod
    def parse(data: object) -> Space:
        """Read a template.

        Raises:
            SpecError: a domain is wrong; the message names each, but no lines (see `raysearch.search.loading.load_study`).
        """
        space, faults = Space.read(data)
        if faults:
            raise SpecError("\n".join(f"{dotted(f.path)} = {shown(f.value)}: {f.reason}; {f.remedy}" for f in faults))
        return space

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let a config hold a space; it is written as its template."""
        return core_schema.no_info_plain_validator_function(
            _validated, serialization=core_schema.plain_serializer_function_ser_schema(lambda space: space.template)
        )

    @property
    def domains(self) -> dict[str, Domain]:
        """Every domain by name, also those that exist in some branches only."""
        return {entry.name: entry.domain for entry in self.entries}

    def under(self, constraints: Sequence[Expression]) -> Space:
        """Return this space with other constraints."""
        return replace(self, constraints=tuple(constraints))

    def allows(self, assignment: Mapping[str, Leaf]) -> bool:
        """Whether an assignment that `fits` meets the constraints.

        Raises:
            SpecError: an operation of a constraint got a value that it is not for.
        """
        return not self.constraints or met(self.constraints, Values(self.draft(assignment).data))

    def encode(self, assignment: Mapping[str, Leaf]) -> Assignment:
        """Return an assignment as a `Suggester` knows it: positions in place of ordered values."""
        return {entry.name: entry.domain.encode(assignment[entry.name]) for entry in self.entries if entry.name in assignment}

    def sample(self, trial: Suggester) -> Assignment:
        """Ask ``trial`` for a value of each domain that exists, outer ``one_of`` before what is inside it (define by run)."""
        assignment: Assignment = {}
        for entry in self.entries:
            if entry.active(assignment):
                assignment[entry.name] = entry.domain.suggest(entry.name, trial)
        return assignment

    def complete(self, values: Mapping[str, Leaf], rest: Callable[[Domain], Leaf] | None = None) -> Assignment:
        """Give a value to the domains that ``values`` leaves out.

        Naming a domain inside a branch chooses that branch. The rest get ``rest(domain)``: by default the first option or
        branch, and the middle of a range (the geometric one with ``log``).

        Raises:
            SpecError: an unknown name, a value outside its domain, or values that need two branches of one ``one_of``.
        """
        return completed(self.entries, values, rest or (lambda domain: domain.default))

    def resolve(self, values: Mapping[str, object]) -> Assignment:
        """Turn published values into a full assignment.

        A key is a domain's name (``sampler.patchnet.cell``) or a dotted path of the configuration (``sampler.cell``, under the
        branch that the other keys choose; a value that the template fixes may be repeated). `complete` says what the rest get.

        Raises:
            SpecError: an unknown key, or a value outside the space. Constraints are not looked at: see `allows`.
        """
        return self.complete(named(self.entries, values, lambda chosen: self.draft(self.complete(chosen)).data))

    def fits(self, assignment: Mapping[str, Leaf]) -> bool:
        """Whether an assignment gives a value inside its domain to exactly the domains that exist under it."""
        active = {entry.name: entry for entry in self.entries if entry.active(assignment)}
        if set(active) != set(assignment):
            return False
        try:
            return all(same(matched(entry, assignment[name]), assignment[name]) for name, entry in active.items())
        except SpecError:
            return False

    def draft(self, assignment: Mapping[str, Leaf]) -> Draft:
        """Fill the template, without checking the result."""
        trace: dict[Path, Path] = {}
        entries = {entry.path: entry for entry in self.entries}
        entries |= {place.path: entry for entry in self.entries for place in entry.places}
        data = TemplateFiller(entries, assignment, trace).node(self.template, (), ())
        assert isinstance(data, dict)
        return Draft(data, trace)

    def bind(self, assignment: Mapping[str, Leaf], seed: int, steps: int | None = None) -> TrialConfig:
        """Fill the template and check it.

        Args:
            assignment: see `fits`.
            seed: the trial's seed, in place of the template's.
            steps: its length, in place of the template's.

        Raises:
            SpecError: the assignment does not fit, or what it gives is no valid configuration.
        """
        if not self.fits(assignment):
            raise SpecError(
                f"the values {shown(dict(assignment), 200)} do not fit the search space", remedy="see `raysearch check`"
            )
        data = self.draft(assignment).data
        given = {"seed": seed} if steps is None else {"seed": seed, "steps": steps}
        try:
            return TrialConfig.parse({**data, **given})
        except ValidationError as error:
            raise SpecError(f"the values {shown(dict(assignment), 200)} give no valid configuration: {error}") from error

    def corners(self) -> Iterator[Assignment]:
        """Yield assignments that together meet both ends of every range, every option and every branch.

        First the defaults, then everything low, everything high, then each domain by itself at each of its ends. Under constraints
        those that meet them, and for an end that none of these meets one found by drawing the rest at random, if there is one.
        """
        if not self.constraints:
            yield from self._extremes()
            return
        met: set[str] = set()
        for assignment in filter(self.allows, self._extremes()):
            met |= {repr(item) for item in assignment.items()}
            yield assignment
        for entry in self.entries:
            for end in entry.domain.ends:
                if repr((entry.name, end)) not in met:
                    yield from itertools.islice(self.draws(_COMPLETIONS, {entry.name: end}), 1)

    def draws(self, count: int, fixed: Mapping[str, Leaf] = MappingProxyType({}), seed: int = 0) -> Iterator[Assignment]:
        """Draw ``count`` assignments at random, with ``fixed`` values, and yield those that meet the constraints."""
        dice = Dice(seed)
        for _ in range(count):
            drawn = self.complete(fixed, lambda domain: domain.suggest("", dice))
            if self.allows(drawn):
                yield drawn

    def _extremes(self) -> Iterator[Assignment]:
        seen = _Seen()
        yield from seen.new(self.complete({}))
        branches = [entry for entry in self.entries if isinstance(entry.domain, Choice) and entry.domain.branches]
        for chosen in [{}, *({entry.name: label} for entry in branches for label in entry.domain.ends)]:
            yield from seen.new(self.complete(chosen, _low))
            yield from seen.new(self.complete(chosen, _high))
        for entry in self.entries:
            for value in entry.domain.ends:
                yield from seen.new(self.complete({entry.name: value}))

    def pairs(self) -> Iterator[Assignment]:
        """Yield assignments in which every two domains meet at each combination of their ends, options and branches.

        Under constraints those that meet them.
        """
        seen = _Seen()
        for one, other in itertools.combinations(self.entries, 2):
            for left, right in itertools.product(one.domain.ends, other.domain.ends):
                try:
                    both = self.complete({one.name: left, other.name: right})
                except SpecError:
                    continue  # they exist in different branches
                if self.allows(both):
                    yield from seen.new(both)

    def grid(self) -> Iterator[Assignment]:
        """Yield every assignment that meets the constraints, the last domain fastest.

        Raises:
            SpecError: a domain has no finite list of values.
        """
        for entry in self.entries:
            if entry.domain.values is None:
                raise SpecError(
                    f"{entry.name} has no end of values, so there is no grid over it",
                    remedy="write choice: [...] or give the range a step, or use searcher: {kind: random}",
                )
        return self._grid({}, 0)

    def _grid(self, assignment: Assignment, index: int) -> Iterator[Assignment]:
        if index == len(self.entries):
            if self.allows(assignment):
                yield dict(assignment)
            return
        entry = self.entries[index]
        for value in (entry.domain.values or ()) if entry.active(assignment) else (MISSING,):
            yield from self._grid(assignment if value is MISSING else {**assignment, entry.name: value}, index + 1)  # type: ignore[dict-item]

    def size(self) -> int | None:
        """Return how many assignments there are; None when a domain has no finite list, or beyond `MAX_GRID`."""
        if any(entry.domain.values is None for entry in self.entries):
            return None
        count = sum(1 for _ in itertools.islice(self.grid(), MAX_GRID + 1))
        return count if count <= MAX_GRID else None


class _Seen:
    """Lets each assignment through once."""

    def __init__(self) -> None:
        self._keys: set[str] = set()

    def new(self, assignment: Assignment) -> Iterator[Assignment]:
        key = repr(sorted(assignment.items()))
        if key not in self._keys:
            self._keys.add(key)
            yield assignment


def _validated(data: object) -> Space:
    if isinstance(data, Space):
        return data
    space, faults = Space.read(data)
    if not faults:
        return space
    nested = [{"type": "domain", "loc": f.path, "msg": f.reason, "input": f.value, "ctx": {"remedy": f.remedy}} for f in faults]
    raise PydanticCustomError("component", "invalid search space", {"nested": nested})


def _low(domain: Domain) -> Leaf:
    return domain.ends[0]


def _high(domain: Domain) -> Leaf:
    return domain.ends[-1]
