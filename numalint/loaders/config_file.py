"""The file that a configuration is in: read strictly, and laid over those that it extends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from numalint.loaders.config import Config, Keys, LoadedConfig
from numalint.loaders.config_check import check_config
from numalint.loaders.config_search import LARGEST_CONFIG, PYPROJECT
from numalint.loaders.document import Document, LoadError, read_file
from numalint.loaders.strict_toml import convert, read_toml
from numalint.loaders.toml_places import line_of
from numalint.model.place import Place

_TABLE = ("tool", "numalint")
"""Where a pyproject.toml has it."""

_MOST_FILES = 16
"""So many files may extend one another."""

Raw = dict[str, Any]


def load_config(path: Path) -> LoadedConfig:
    """Read a configuration and those that it extends. Raises LoadError for anything that is wrong with them."""
    shown, folder = os.path.relpath(path), os.path.dirname(os.path.realpath(path))
    try:
        raw, places, folders = _read(path, (), folder)
    except OSError as error:
        raise LoadError(f"the configuration cannot be read: {error.strerror}", shown) from None
    loaded = LoadedConfig(msgspec.convert(raw, Config), folder, shown, places, tuple(dict.fromkeys(folders)))
    check_config(loaded)
    return loaded


def _read(path: Path, above: tuple[str, ...], folder: str) -> tuple[Raw, dict[Keys, Place], list[str]]:
    """The values of a file over those of the files that it extends, their places, and the folders of all these files.

    The paths and globs in them are made relative to ``folder``. ``above`` are the real paths of the files that extend
    this one. Raises OSError, LoadError.
    """
    shown = os.path.relpath(path)
    document = Document(shown, read_file(shown, LARGEST_CONFIG, "configuration"))
    header, own = _tables(document)
    extend = convert(document, own, Config).extend
    raw: Raw = {}
    places: dict[Keys, Place] = {}
    folders = [os.path.dirname(os.path.realpath(path))]
    for base in [extend] if isinstance(extend, str) else extend or []:
        try:
            further = _read(_base(path, base, above, document, header), (*above, os.path.realpath(path)), folder)
        except OSError as error:
            said = f"extend: {base} cannot be read: {error.strerror}"
            raise LoadError(said, document.path, line_of(document, [*header, "extend"])) from None
        further[0].pop("extend", None)
        _lay_over(raw, places, further[0], further[1])
        folders += further[2]
    if folders[0] != folder:
        from numalint.loaders.config_rebase import rebased  # noqa: PLC0415  # most configurations are one file

        own = rebased(own, os.path.relpath(folders[0], folder).replace(os.sep, "/"))
    _lay_over(raw, places, own, dict(_places(own, document.path, header)))
    return raw, places, folders


def _base(path: Path, base: str, above: tuple[str, ...], document: Document, header: tuple[str, ...]) -> Path:
    """The file that ``path`` extends."""
    found = path.parent / base
    if os.path.realpath(found) in (*above, os.path.realpath(path)):
        line = line_of(document, [*header, "extend"])
        raise LoadError(f"extend: {base} extends this file itself", document.path, line, help="take it out of extend")
    if len(above) >= _MOST_FILES:
        raise LoadError(f"extend: more than {_MOST_FILES} files extend one another", document.path)
    return found


def _tables(document: Document) -> tuple[tuple[str, ...], Raw]:
    """Numalint's own tables of a file, and the keys that stand before theirs."""
    raw = read_toml(document)
    if os.path.basename(document.path) != PYPROJECT:
        return (), raw
    own = raw.get("tool", {}).get("numalint") if isinstance(raw.get("tool", {}), dict) else None
    if not isinstance(own, dict):
        raise LoadError("it has no table [tool.numalint]", document.path)
    return _TABLE, own


def _places(table: Raw, path: str, header: tuple[str, ...], keys: tuple[str, ...] = ()) -> Iterator[tuple[Keys, Place]]:
    """The place of each value in a table, and of each table in an array of them, which are counted from 1."""
    for key, value in table.items():
        here = (*keys, key)
        if isinstance(value, dict) and value:
            yield from _places(value, path, header, here)
        elif _is_array(value):
            for number in range(1, len(value) + 1):
                yield (*here, number), Place(path, f"[[{'.'.join((*header, *here))}]] {number}")
        else:
            yield here, Place(path, ".".join((*header, *keys)), key)


def _is_array(value: object) -> bool:
    """Whether a value is an array of tables."""
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _lay_over(base: Raw, base_places: dict[Keys, Place], own: Raw, own_places: dict[Keys, Place]) -> None:
    """Put values over those of another file: tables key by key; arrays of tables are added, all else takes the place."""
    for keys, place in own_places.items():
        if isinstance(keys[-1], int):
            base_places[(*keys[:-1], keys[-1] + len(base.get(str(keys[0]), ())))] = place
            continue
        if _at(own, keys) == {} and any(each[: len(keys)] == keys for each in base_places):
            continue  # an empty table takes nothing away
        for known in [each for each in base_places if each[: len(keys)] == keys or keys[: len(each)] == each]:
            del base_places[known]
        base_places[keys] = place
    _merge(base, own)


def _at(table: Raw, keys: Keys) -> Any:
    """The value at some keys."""
    inside: Any = table
    for key in keys:
        inside = inside[key]
    return inside


def _merge(base: Raw, own: Raw) -> None:
    for key, value in own.items():
        old = base.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            _merge(old, value)
        elif isinstance(old, list) and _is_array(old) and _is_array(value):
            base[key] = old + value
        else:
            base[key] = value
