"""From a document, or a part of it, to the config that it holds."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from raysearch.component import Config
from raysearch.spec.document import Document
from raysearch.spec.explain import explain
from raysearch.spec.findings import Path, refuse

Parsed = TypeVar("Parsed", bound=Config)


def parsed(kind: type[Parsed], document: Document, path: Path = ()) -> Parsed:
    """Return the config at a place of a document; a name alone stands for ``{kind: name}``.

    Raises:
        SpecError: there is none; every mistake is told with its line.
    """
    given = document.value(path)
    data = {"kind": given} if isinstance(given, str) else given
    try:
        return kind.parse(data)
    except ValidationError as error:
        faults = explain(error, kind, data)
        refuse(document.finding((*path, *fault.path), fault.reason, fault.remedy, value=fault.value) for fault in faults)
        raise AssertionError("what was refused is faulty") from error
