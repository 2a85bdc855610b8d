"""sarif_om objects as plain JSON values.

Not by jschema_to_python: it drops ``level: "warning"``, so that a warning of a rule whose own level is error becomes
an error, and it takes ten seconds where this takes one.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import attr

from numalint.reporters.terminal import well_formed

_FIRST = (
    *("$schema", "version", "id", "name", "ruleId", "ruleIndex", "level", "message"),
    *("startLine", "startColumn", "endLine", "endColumn"),
)
"""What a person who reads the file looks for first; the standard wants the version in front."""

_FILLED_IN = (-1, True, "fail", "en-US", "important")
"""What sarif_om gives a field that nobody set, and what says nothing. Not ``warning``: a level is always meant."""


class _Property(NamedTuple):
    """A property of a class: its name in JSON, the attribute that holds it, and the value that is left out."""

    name: str
    attribute: str
    silent: Any


@functools.cache
def _properties(kind: type) -> tuple[_Property, ...]:
    """The properties of a class in the order of output: those that say what it is come first."""
    found = [
        _Property(each.metadata["schema_property_name"], each.name, _silent(each.default)) for each in attr.fields(kind)
    ]
    return tuple(sorted(found, key=lambda each: _FIRST.index(each.name) if each.name in _FIRST else len(_FIRST)))


def _silent(default: Any) -> Any:
    if hasattr(default, "factory"):
        return default.factory()
    return default if default in _FILLED_IN else None


def plain(value: Any) -> Any:
    """The value with each sarif_om object in it as a dict. What is unset is left out; an empty list is kept.

    Raises TypeError for anything that has no place in SARIF, such as a set, whose order would differ from run to run.
    """
    if isinstance(value, str):
        return well_formed(value)
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    kind: Any = type(value)
    if not attr.has(kind):
        raise TypeError(f"{value!r} is no value of SARIF")
    pairs = ((each, getattr(value, each.attribute)) for each in _properties(kind))
    return {each.name: plain(held) for each, held in pairs if held is not None and held != each.silent}
