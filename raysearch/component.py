"""Components: frozen configs that build, found by file name.

A *component* is one file in a directory of *kinds* (``raysearch/models/dncnn.py`` is the kind ``dncnn``). It holds a
``Config``, a frozen type with a ``kind`` field, and what that config builds. Nothing is registered anywhere: a field such as ::

    model: Annotated[SerializeAsAny[ModelConfig], Kind("raysearch.models")]

accepts ``{kind: dncnn, depth: 17}`` by importing the file. A kind with a dot (``my_package.my_file``) is a component outside
the tree; it is refused unless `allow_imports` was called, which only the command line does.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from raysearch.errors import SpecError, did_you_mean

_imports_allowed = False


@dataclass(frozen=True)
class Structural:
    """Marks a field on which the shape of a running component's state depends, so that it can't change while one is trained."""


STRUCTURAL = Structural()
"""Used as ``width: Annotated[int, STRUCTURAL] = 64``."""


class Config(BaseModel):
    """Base of every config: immutable, strict in types, refuses unknown keys.

    ``1`` is a fine float, ``"1"`` is not; a list is a fine tuple.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True)

    @classmethod
    def parse(cls, data: object) -> Self:
        """Validate plain data (what YAML or JSON holds).

        Raises:
            pydantic.ValidationError: see `problems` for a readable form with dotted paths.
        """
        return cls.model_validate_json(_to_json(data))


def _to_json(data: object) -> str:
    import json

    return json.dumps(data, allow_nan=True)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a config: where (path of keys and positions), what, and the value that was given."""

    path: tuple[str | int, ...]
    message: str
    value: object

    @property
    def key(self) -> str:
        """The dotted path, e.g. ``model.depth``."""
        return ".".join(str(part) for part in self.path)


def problems(error: ValidationError) -> list[Problem]:
    """Flatten a validation error; nested components' errors appear with their full path."""
    return list(_flatten((), error.errors(include_url=False)))


def _flatten(prefix: tuple[str | int, ...], errors: list[Any]) -> Iterator[Problem]:
    for error in errors:
        path = prefix + tuple(error["loc"])
        nested = error.get("ctx", {}).get("nested")
        if nested is not None:
            yield from _flatten(path, nested)
        else:
            yield Problem(path, error["msg"], error.get("input"))


def allow_imports() -> None:
    """Let ``kind: package.module`` import components from outside the tree. Called by ``--allow-import`` only."""
    global _imports_allowed
    _imports_allowed = True


def imports_allowed() -> bool:
    """Say whether `allow_imports` was called, for a process that is started to work for this one."""
    return _imports_allowed


def is_structural(config: Config, path: Sequence[str | int]) -> bool:
    """Return whether the value at a path can't change while a component is trained: a kind, or a field marked `Structural`."""
    node: object = config
    for part in path:
        if isinstance(node, Config):
            field = type(node).model_fields.get(str(part))
            if part == "kind" or (field is not None and STRUCTURAL in field.metadata):
                return True
            node = getattr(node, str(part), None)
        elif isinstance(node, Mapping):
            node = node.get(part)
        else:
            node = node[int(part)] if isinstance(node, tuple) and int(part) < len(node) else None
    return False


def names(package: str) -> list[str]:
    """List the kinds of a directory: its modules that are neither private nor ``base``."""
    found = pkgutil.iter_modules(importlib.import_module(package).__path__)
    return sorted(m.name for m in found if not m.ispkg and not m.name.startswith("_") and m.name != "base")


def find(package: str, kind: str) -> type[Config]:
    """Return the ``Config`` of a kind.

    Raises:
        SpecError: there is no such file, or it is outside the tree and imports were not allowed.
    """
    config = load(package, kind, "Config")
    if not (isinstance(config, type) and issubclass(config, Config)):
        raise SpecError(f"component {kind!r}: its Config must be a subclass of raysearch.component.Config")
    return config


def load(package: str, kind: str, attribute: str) -> object:
    """Import the file of a kind and return what it holds under a name.

    Raises:
        SpecError: there is no such file, it is outside the tree and imports were not allowed, or it holds no such name.
    """
    if "." in kind:
        if not _imports_allowed:
            raise SpecError(
                f"kind {kind!r} is a component outside raysearch, and importing it would run its code",
                remedy="add --allow-import on the command line if you trust it",
            )
        module_name = kind
    elif kind in names(package):
        module_name = f"{package}.{kind}"
    else:
        folder = package.replace(".", "/")
        raise SpecError(f"no file {folder}/{kind}.py{did_you_mean(kind, names(package))}")
    try:
        found: object = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise SpecError(f"component {kind!r} can't be imported: {error}") from error
    return found


class Kind:
    """Annotation for a field that holds a component of ``package``; ``{kind: name, ...}`` or a bare ``name`` is accepted."""

    def __init__(self, package: str) -> None:
        self.package = package

    def __get_pydantic_core_schema__(self, source: type[Config], handler: GetCoreSchemaHandler) -> CoreSchema:
        base = _base_of(source)

        def validate(value: object) -> Config:
            if isinstance(value, base):
                return value
            return self._parse(value, base)

        return core_schema.no_info_plain_validator_function(
            validate,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda config: config.model_dump(mode="json")),
        )

    def _parse(self, value: object, base: type[Config]) -> Config:
        data: Mapping[str, object]
        if isinstance(value, str):
            data = {"kind": value}
        elif isinstance(value, Mapping) and isinstance(value.get("kind"), str):
            data = value
        else:
            have = ", ".join(names(self.package))
            raise PydanticCustomError("component", "needs a mapping with `kind`, one of: {have}", {"have": have})
        try:
            config = find(self.package, str(data["kind"]))
        except SpecError as error:
            raise PydanticCustomError("component", "{cause}", {"cause": str(error)}) from error
        if not issubclass(config, base):
            raise PydanticCustomError("component", "{kind} is no {base}", {"kind": str(data["kind"]), "base": base.__name__})
        try:
            return config.parse(data)
        except ValidationError as error:
            nested = error.errors(include_url=False)
            raise PydanticCustomError("component", "invalid {kind}", {"kind": str(data["kind"]), "nested": nested}) from error


def _base_of(source: object) -> type[Config]:
    """Unwrap ``Annotated[SerializeAsAny[X], ...]`` to ``X``."""
    while not isinstance(source, type):
        source = source.__args__[0]  # type: ignore[attr-defined]
    if not issubclass(source, Config):
        raise TypeError(f"a component field must be typed with a Config, not {source}")
    return source
