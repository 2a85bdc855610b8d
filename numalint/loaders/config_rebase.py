"""The paths and globs of a configuration, as they are written in another folder."""

from __future__ import annotations

import posixpath
from glob import escape
from typing import Any

from msgspec import inspect

from numalint.loaders.config import FORMAT, GLOB, INPUT, PATH, Config
from numalint.loaders.host.inputs import is_path


def rebased(raw: dict[str, Any], folder: str) -> dict[str, Any]:
    """The values of a configuration that is in ``folder``, a relative path, for one that is where that leads from."""
    made: dict[str, Any] = _walked(raw, inspect.type_info(Config), folder)
    return made


def _walked(value: Any, kind: inspect.Type, folder: str) -> Any:
    if isinstance(kind, inspect.UnionType):
        fitting = [each for each in kind.types if _fits(value, each)]
        return _walked(value, fitting[0], folder) if fitting else value
    if isinstance(kind, inspect.Metadata):
        format = (kind.extra_json_schema or {}).get(FORMAT)
        return _REBASE[format](value, folder) if format in _REBASE else _walked(value, kind.type, folder)
    if isinstance(kind, inspect.StructType):
        types = {field.encode_name: field.type for field in kind.fields}
        return {key: _walked(each, types[key], folder) for key, each in value.items()}
    if isinstance(kind, inspect.DictType):
        return {key: _walked(each, kind.value_type, folder) for key, each in value.items()}
    if isinstance(kind, inspect.ListType):
        return [_walked(each, kind.item_type, folder) for each in value]
    return value


def _fits(value: Any, kind: inspect.Type) -> bool:
    bare = kind.type if isinstance(kind, inspect.Metadata) else kind
    if isinstance(value, str):
        return isinstance(bare, inspect.StrType)
    return isinstance(bare, inspect.ListType if isinstance(value, list) else inspect.DictType)


def _glob(text: str, folder: str) -> str:
    """A glob with a slash begins at its folder; one without is met anywhere below it."""
    escaped = escape(folder)
    body = text.lstrip("/").removeprefix("./")
    return f"{escaped}/{body}" if "/" in text.rstrip("/") else f"{escaped}/**/{body}"


def _path(text: str, folder: str) -> str:
    return posixpath.normpath(posixpath.join(folder, text))


def _input(text: str, folder: str) -> str:
    return _path(text, folder) if is_path(text) else text


_REBASE = {GLOB: _glob, PATH: _path, INPUT: _input}
