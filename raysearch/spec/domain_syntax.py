"""How domains are written: from the plain data of a template to a domain, or to everything that is wrong with it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from raysearch.spec.domains import KEYWORDS, Choice, Domain, Float, Int, Leaf, Ordered, same, whole
from raysearch.spec.findings import MISSING, Path, one_of_names


@dataclass(frozen=True)
class Fault:
    """What is wrong at a place of a template: path, value, reason and remedy (see `raysearch.spec.findings.Finding`).

    Attributes:
        missing: the template is right, and something that it names is not there.
    """

    path: Path
    value: object
    reason: str
    remedy: str
    missing: bool = False


@dataclass(frozen=True)
class Zipped:
    """One leaf of a group: the group's name, and the value that the leaf takes in each row."""

    group: str
    values: tuple[Leaf, ...]


def read_domain(node: Mapping[str, object], path: Path) -> Domain | Zipped | list[Fault]:
    """Read a domain, or say everything that is wrong with it."""
    keyword = next(word for word in KEYWORDS if word in node)
    known = KEYWORDS[keyword]
    reason = f"not a part of a domain with {keyword}"
    faults = [Fault((*path, key), node[key], reason, one_of_names(key, known)) for key in node if key not in known]
    read: Domain | Zipped | list[Fault]
    if keyword in ("choice", "one_of", "ordered"):
        read = _read_options(node[keyword], keyword, (*path, keyword))
    elif keyword == "pow2":
        read = _read_powers(node[keyword], (*path, keyword))
    elif keyword == "zip":
        read = _read_zipped(node, path)
    else:
        read = _read_range(node, keyword, path)
    return faults + (read if isinstance(read, list) else []) if faults or isinstance(read, list) else read


def _read_options(options: object, keyword: str, path: Path) -> Domain | list[Fault]:
    if not isinstance(options, list) or not options:
        return [Fault(path, options, f"{keyword} needs a list with at least one entry", f"write {keyword}: [first, second]")]
    if keyword == "one_of":
        return Choice(_labels(options), branches=True)
    faults = []
    for i, option in enumerate(options):
        if isinstance(option, dict | list):
            faults.append(Fault((*path, i), option, f"{keyword} holds plain values only", f"write one_of: instead of {keyword}:"))
        elif any(same(option, earlier) for earlier in options[:i]):
            faults.append(Fault((*path, i), option, "the value stands twice", "delete one of the two"))
    return faults or (Choice(tuple(options)) if keyword == "choice" else Ordered(tuple(options)))


def _read_powers(bounds: object, path: Path) -> Domain | list[Fault]:
    if not isinstance(bounds, list) or len(bounds) != 2:
        return [Fault(path, bounds, "pow2 needs a list of two numbers", "write pow2: [8, 128]")]
    faults = [fault for i, bound in enumerate(bounds) if (fault := _no_power(bound, (*path, i)))]
    if faults:
        return faults
    low, high = bounds
    if low >= high:
        remedy = f"write pow2: [{high}, {low}]" if low > high else f"write {low} itself"
        return [Fault(path, bounds, "the range is inverted" if low > high else "the range holds a single value", remedy)]
    return Ordered(tuple(2**k for k in range(low.bit_length() - 1, high.bit_length())), "pow2")


def _no_power(bound: object, path: Path) -> Fault | None:
    if (fault := _wrong_number(bound, "int", path)) is not None:
        return fault
    assert isinstance(bound, int)
    if bound < 1 or bound & (bound - 1):
        below = 1 << max(0, bound.bit_length() - 1)
        return Fault(path, bound, "is no power of two", f"write {below} or {2 * below}" if bound > 1 else "write 1, 2, 4, 8, ...")
    return None


def _read_zipped(node: Mapping[str, object], path: Path) -> Zipped | list[Fault]:
    group, values = node["zip"], node.get("values", MISSING)
    faults = []
    if not isinstance(group, str) or not group.isidentifier():
        remedy = "write zip: name, the same name at every leaf of the group"
        faults.append(Fault((*path, "zip"), group, "is no name of a group (letters, digits and '_')", remedy))
    if not isinstance(values, list) or not values:
        faults.append(Fault((*path, "values"), values, "zip needs a list of values", "write values: [first, second]"))
        return faults
    for i, value in enumerate(values):
        if isinstance(value, dict | list):
            faults.append(Fault((*path, "values", i), value, "zip holds plain values only", "write a number or text"))
    return faults or Zipped(str(group), tuple(values))


def _labels(branches: list[Any]) -> tuple[str, ...]:
    labels: list[str] = []
    for branch in branches:
        name = stem = _label(branch)
        number = 2
        while name in labels:
            name, number = f"{stem}_{number}", number + 1
        labels.append(name)
    return tuple(labels)


def _label(branch: object) -> str:
    if isinstance(branch, Mapping):
        kind = branch.get("kind")
        return kind if isinstance(kind, str) else next(iter(branch), "empty")
    return branch if isinstance(branch, str) else json.dumps(branch)


def _read_range(node: Mapping[str, object], keyword: str, path: Path) -> Domain | list[Fault]:
    bounds, here = node[keyword], (*path, keyword)
    if not isinstance(bounds, list) or len(bounds) != 2:
        return [Fault(here, bounds, f"{keyword} needs a list of two numbers", f"write {keyword}: [lowest, highest]")]
    faults = [fault for i, bound in enumerate(bounds) if (fault := _wrong_number(bound, keyword, (*here, i)))]
    step, log = node.get("step", MISSING), node.get("log", False)
    if step is not MISSING and (fault := _wrong_number(step, keyword, (*path, "step"))):
        faults.append(fault)
    if not isinstance(log, bool):
        faults.append(Fault((*path, "log"), log, "must be true or false", "write log: true"))
    if faults:
        return faults
    low, high = bounds
    if low >= high:
        what = "is inverted" if low > high else "holds a single value"
        remedy = f"write {keyword}: [{high!r}, {low!r}]" if low > high else f"write {low!r} itself"
        return [Fault(here, bounds, f"the range {what}", remedy)]
    return _spaced(keyword, low, high, step, log is True, path)


def _wrong_number(value: object, keyword: str, path: Path) -> Fault | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if keyword == "float" or isinstance(value, int):
            return None
        return Fault(
            path, value, "is not written as a whole number", f"write {int(value)}" if whole(value) else "use a float domain"
        )
    if isinstance(value, str):
        return Fault(
            path, value, "is text, and must be a number", f"remove the quotes: {value}" if _numeric(value) else "write a number"
        )
    return Fault(path, value, "must be a number", "write a number")


def _spaced(keyword: str, low: Any, high: Any, step: Any, log: bool, path: Path) -> Domain | list[Fault]:
    if log and step is not MISSING:
        return [Fault((*path, "step"), step, "step and log exclude each other", "delete one of the two")]
    if log and low <= 0:
        return [Fault((*path, keyword, 0), low, "log needs a range above zero", "write a lowest value above 0, or delete log")]
    if step is not MISSING and step <= 0:
        return [Fault((*path, "step"), step, "must be above zero", "write a positive step")]
    if step is not MISSING and not whole((high - low) / step):
        last = low + math.floor((high - low) / step) * step
        remedy = f"end the range at {last:g}" if last > low else f"write a step of at most {high - low:g}"
        return [Fault((*path, "step"), step, f"does not divide the range {low:g} to {high:g}", remedy)]
    if keyword == "int":
        return Int(low, high, 1 if step is MISSING else step, log)
    return Float(float(low), float(high), log, None if step is MISSING else float(step))


def _numeric(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
