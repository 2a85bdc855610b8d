"""Where each value of a configuration comes from: a line of a file, a class of hosts, or numalint's default."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec

from numalint.loaders.config import Config, Keys, LoadedConfig
from numalint.loaders.document import Document
from numalint.loaders.toml_places import locate
from numalint.model.domain import NEWEST_LIBVIRT
from numalint.model.fleet import OVERCOMMIT
from numalint.model.place import Place


class Origin(msgspec.Struct, frozen=True):
    """A value as it is in effect: its keys, and the file and line that say it; no file for a default.

    ``class_`` is the class that gives it to a host. The keys of a table of an array end in its number, from 1.
    """

    keys: Keys
    value: Any
    file: str | None = None
    line: int | None = None
    class_: str | None = None


def origins(loaded: LoadedConfig) -> list[Origin]:
    """Every value of a configuration, in the order of its keys; one that is empty only where it is written."""
    lines = _lines(loaded)
    found = []
    for keys, value, written in _values(loaded):
        place = loaded.places.get(written)
        if place is not None or (value is not None and value not in ("", [], {})):
            file = None if place is None else place.document
            given = str(written[1]) if written[0] == "classes" and keys[0] == "hosts" else None
            found.append(Origin(keys, value, file, None if place is None else lines.get(place), given))
    return found


def _values(loaded: LoadedConfig) -> Iterator[tuple[Keys, Any, Keys]]:
    """The keys of each value, the value, and the keys under which it is written, which may be those of a class."""
    for key, value in _plain(loaded.config).items():
        if key == "hosts":
            for name, host in value.items():
                yield from _of_host(loaded.config, name, host)
        elif key in _ARRAYS:
            for number, table in enumerate(value, 1):
                kept = {name: each for name, each in table.items() if each is not None and each not in ([], {})}
                yield (key, number), kept, (key, number)
        else:
            for keys, each in _leaves((key,), value):
                yield keys, _DEFAULTS.get(keys) if each is None else each, keys


_ARRAYS = ("placement", "overrides", "ignore")
_DEFAULTS: dict[Keys, str] = {("lint", "target-libvirt"): str(NEWEST_LIBVIRT)}
"""What is in effect where the configuration does not say it, and the structs have nothing."""


def _of_host(config: Config, name: str, host: dict[str, Any]) -> Iterator[tuple[Keys, Any, Keys]]:
    """The values of a host, with those that its class gives it."""
    class_ = config.class_of(name)
    given = {} if class_ is None else _plain(class_)
    for key, value in host.items():
        own: Keys = ("hosts", name, key)
        unsaid = value is None or (key == "topology" and not value)
        at: Keys = ("classes", str(host["class"]), key) if unsaid and given.get(key) is not None else own
        of = value if at is own else given[key]
        for keys, each in _leaves(own, OVERCOMMIT if key == "overcommit" and of is None else of):
            yield keys, each, (*at, *keys[len(own) :])


def _leaves(keys: Keys, value: Any) -> Iterator[tuple[Keys, Any]]:
    """The values in a table, and in the tables in it; an empty table is one itself."""
    if isinstance(value, dict) and any(each is not None for each in value.values()):
        for key, each in value.items():
            yield from _leaves((*keys, key), each)
    else:
        yield keys, {} if isinstance(value, dict) else value


def _plain(struct: msgspec.Struct) -> dict[str, Any]:
    """A table as TOML has it."""
    made: dict[str, Any] = msgspec.to_builtins(struct, builtin_types=(date,))
    return made


def _lines(loaded: LoadedConfig) -> dict[Place, int]:
    """The line of each place; none in a file that went away since."""
    by_file: dict[str, list[Place]] = {}
    for place in loaded.places.values():
        by_file.setdefault(place.document, []).append(place)
    lines: dict[Place, int] = {}
    for file, places in by_file.items():
        try:
            with open(file, "rb") as opened:
                found = locate(Document(file, opened.read()), places)
        except OSError:
            continue
        lines |= {place: span.line for place, (span, _) in found.items()}
    return lines
