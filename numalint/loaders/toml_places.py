"""Where a table or a key stands in a TOML file, which tomllib does not keep: found by a search in the text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from numalint.loaders.document import Document, lines_of
from numalint.model.place import Place
from numalint.model.report import Span

_HEADER = re.compile(r"\s*(\[\[?)([^\[\]#]+)\]\]?\s*(?:#.*)?")
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_KEY = re.compile(rf"\s*(?P<key>{_PART})\s*[=.]")
_PARTS = re.compile(_PART)
_DOTTED = re.compile(rf"\s*(?P<key>{_PART}(?:\s*\.\s*{_PART})*)\s*=")


def locate(document: Document, places: Iterable[Place]) -> dict[Place, tuple[Span, str]]:
    """The span of each of ``places``, all in ``document``, with its name: a table's header, or the key of an attribute.

    A table is named as its header is: ``node.1``, ``[[nodes]] 2`` for the second of an array, "" for the top. What is not
    written as a table of its own is found by its key; else the place is the first line.
    """
    lines = lines_of(document.data)
    headers = _headers(lines)
    written = _written(lines, headers)
    found = {}
    for place in places:
        table = str(place.locator)
        name = table if place.attribute is None else f"{table}.{place.attribute}".removeprefix(".")
        header = headers.get(table)
        line, start, end = header or _inline(lines, headers, table) or (1, 1, 2)
        if place.attribute is not None:
            known = _key(lines, header[0] if header else 0, place.attribute) if header or not table else None
            inside = None if header else _within(lines[line - 1], end - 1, place.attribute)
            line, start, end = written.get(name) or known or ((line, *inside) if inside else (line, start, end))
        found[place] = (Span(document.path, line, start, end), name)
    return found


def line_of(document: Document, names: Sequence[str]) -> int | None:
    """The line of the key or table that ``names`` lead to or, where it is not written so, of the nearest around it."""
    lines = lines_of(document.data)
    headers = _headers(lines)
    written = _written(lines, headers)
    for upto in range(len(names), 0, -1):
        name = ".".join(names[:upto])
        begins = (f"{name}.", f"[[{name}]] ", f"[[{name}.")
        inside = (place for known, place in headers.items() if known.startswith(begins))
        found = written.get(name) or headers.get(name) or next(inside, None)
        if found is not None:
            return found[0]
    return None


def _written(lines: list[str], headers: dict[str, tuple[int, int, int]]) -> dict[str, tuple[int, int, int]]:
    """Line, column and end column of each key that begins a line, by its whole name: its table's, and its own dots."""
    found: dict[str, tuple[int, int, int]] = {}
    tables = {line: name for name, (line, _, _) in headers.items()}
    table = ""
    for number, line in enumerate(lines, 1):
        table = tables.get(number, table)
        match = _DOTTED.match(line)
        if match is not None:
            name = ".".join(
                (*([table] if table else ()), *(part.strip("\"'") for part in _PARTS.findall(match["key"])))
            )
            found.setdefault(name, (number, match.start("key") + 1, match.end("key") + 1))
    return found


def _inline(lines: list[str], headers: dict[str, tuple[int, int, int]], table: str) -> tuple[int, int, int] | None:
    """The key of a table that is written as a value, such as ``"0000:3b:00.0" = { node = 1 }`` below ``[pci]``.

    Where only what is around it is found, it is that.
    """
    parts = table.split(".")
    for upto in range(len(parts) - 1, 0, -1):
        around = headers.get(".".join(parts[:upto]))
        if around is not None:
            rest = parts[upto:]
            return _key(lines, around[0], ".".join(rest)) or _key(lines, around[0], rest[0]) or around
    return _key(lines, 0, parts[0].strip("[] 0123456789"))


def _within(line: str, start: int, key: str) -> tuple[int, int] | None:
    """Column and end column of a key of an inline table that begins behind ``start`` (from 0)."""
    match = re.compile(rf"""(?<![\w-])["']?{re.escape(key)}["']?(?=\s*=)""").search(line, start)
    return (match.start() + 1, match.end() + 1) if match else None


def _headers(lines: list[str]) -> dict[str, tuple[int, int, int]]:
    """Line, column and end column of the header of each table; those of an array of tables are counted."""
    found: dict[str, tuple[int, int, int]] = {}
    counts: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        match = _HEADER.fullmatch(line)
        if match is None:
            continue
        name = ".".join(part.strip().strip("\"'") for part in match[2].split("."))
        if match[1] == "[[":
            counts[name] = counts.get(name, 0) + 1
            name = f"[[{name}]] {counts[name]}"
        start = line.index("[")
        found.setdefault(name, (number, start + 1, line.rindex("]", 0, match.end(2) + len(match[1])) + 2))
    return found


def _key(lines: list[str], first: int, key: str) -> tuple[int, int, int] | None:
    """Line, column and end column of a key of the table whose lines begin at ``first`` (from 0)."""
    for number, line in enumerate(lines[first:], first + 1):
        if _HEADER.fullmatch(line):
            return None
        match = _KEY.match(line)
        if match is not None and match["key"].strip("\"'") == key:
            return number, match.start("key") + 1, match.end("key") + 1
    return None
