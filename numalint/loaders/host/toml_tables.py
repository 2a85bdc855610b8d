"""numalint's own description of a host, as tables: decoded strictly, each table with its place in the file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import NoReturn, TypeVar

import msgspec

from numalint.loaders.document import Document, LoadError
from numalint.loaders.host.toml_cores import parse_cores
from numalint.loaders.host.toml_keys import HostFile
from numalint.loaders.host.values import LARGEST_SIZE
from numalint.loaders.strict_toml import read_toml
from numalint.model.idset import HostCpus, Id, IdSet, NotationError
from numalint.model.place import Place
from numalint.model.report import Span

Kind = TypeVar("Kind", bound=msgspec.Struct)

_HEADER = re.compile(r"\s*(\[\[?)([^\[\]#]+)\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*(?P<key>[A-Za-z0-9_-]+|"[^"]*"|'[^']*')\s*[=.]""")
_SIZE = re.compile(r"([0-9]{1,19})\s*(?:([KMGTP])(i?B)?|B)", re.IGNORECASE | re.ASCII)
_POWERS = "BKMGTP"
_CORES_HELP = "write 0-15+32-47 for cores 0,32 1,33 ..., 0-31/2 for cores 0-1 2-3 ..., or a list of such"
_TYPES = {
    "int": "a whole number",
    "str": "a string in quotes",
    "array": "a list",
    "object": "a table",
    "bool": "true or false",
    "float": "a number with a point",
}


class Tables:
    """The tables of one file. A table is named as its header is: ``node.1``, ``[[nodes]] 2``, "" for the top.

    All methods raise LoadError, which names the table and the key, with the line.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self.path = document.path
        self._raw = read_toml(document)
        self.file = self.decode(HostFile, self._raw, "")

    def place(self, table: str) -> Place:
        return Place(self.path, table)

    def refuse(self, table: str, key: str | None, message: str, help: str = "") -> NoReturn:
        """Raises the error; ``message`` is put behind the name of the table and the key."""
        where = " ".join(part for part in (_shown(table), key) if part)
        place = Place(self.path, table, key)
        line = locate(self._document, [place])[place][0].line
        raise LoadError(f"{where}: {message}" if where else message, self.path, line, help=help)

    def contradicts(self, table: str, key: str | None, message: str) -> None:
        """Refuses what contradicts another key, unless ``lenient = true`` says that the machine itself reports it so."""
        if not self.file.lenient:
            self.refuse(table, key, message)

    def decode(self, kind: type[Kind], raw: object, table: str) -> Kind:
        if not isinstance(raw, dict):
            self.refuse(table, None, "this must be a table")
        known = [field.encode_name for field in msgspec.structs.fields(kind)]
        for key in raw:
            if key not in known:
                close = difflib.get_close_matches(key, known, 1, 0.6)
                hint = f"did you mean {close[0]!r}?" if close else f"the keys are {', '.join(known)}"
                self.refuse(table, key, f"unknown key ({hint})")
        try:
            return msgspec.convert(raw, kind)
        except msgspec.ValidationError as error:
            message, _, path = str(error).partition(" - at ")
            missing = re.search(r"required field `(\w+)`", message)
            if missing:
                self.refuse(table, None, f"the key {missing[1]!r} is missing")
            self.refuse(table, re.split(r"[.\[]", path.strip("`$."))[0] or None, _in_words(message))

    def size(self, text: str, table: str, key: str) -> int:
        """A size in bytes. Sizes in powers of ten are refused, for tools differ on what a GB is."""
        match = _SIZE.fullmatch(text.strip())
        if match is None:
            self.refuse(table, key, f"{text!r} is not a size such as '64 GiB'")
        letter = (match[2] or "B").upper()
        if (match[3] or "").upper() == "B":
            self.refuse(table, key, f"{text!r}: write {letter}iB, for tools differ on what {letter}B is")
        size: int = int(match[1]) << 10 * _POWERS.index(letter)
        if size > LARGEST_SIZE:
            self.refuse(table, key, f"{text!r} is more than any host has")
        return size

    def ids(self, text: str, table: str, key: str) -> IdSet[Id]:
        """A set in libvirt's notation; an empty text is the empty set."""
        if not text.strip():
            return IdSet()
        try:
            return IdSet.parse(text)
        except NotationError as error:
            self.refuse(table, key, f"{text!r} is not a set such as '0-7,16': {error.reason}")

    def cores(self, texts: str | list[str], table: str, key: str) -> list[HostCpus]:
        """Cores: ``0-15+32-47`` (the n-th has the n-th CPU of each part), ``0-31/2`` (each two in turn), or several."""
        found: list[HostCpus] = []
        for text in [texts] if isinstance(texts, str) else texts:
            try:
                found += parse_cores(text)
            except NotationError as error:
                self.refuse(table, key, f"{text!r}: {error.reason}", _CORES_HELP)
        return self.apart(found, table, key)

    def apart(self, sets: list[IdSet[Id]], table: str, key: str) -> list[IdSet[Id]]:
        """Sets of CPUs of which no two share one."""
        taken: IdSet[Id] = IdSet()
        for each in sets:
            if taken & each:
                self.refuse(table, key, f"CPU {taken & each} is in two of them")
            taken |= each
        return sets

    def bounded(self, number: int, least: int, largest: int, table: str, key: str) -> int:
        if not least <= number <= largest:
            self.refuse(table, key, f"{number} is not from {least} to {largest}")
        return number


def locate(document: Document, places: Iterable[Place]) -> dict[Place, tuple[Span, str]]:
    """The span of each of ``places``, all in ``document``, with its name: a table's header, or the key of an attribute.

    They are found by a search in the text. What is not written as a table of its own is found by its key; else the
    place is the first line.
    """
    lines = document.data.decode("utf-8-sig", "replace").splitlines() or [""]
    headers = _headers(lines)
    found = {}
    for place in places:
        table = str(place.locator)
        header = headers.get(table)
        line, start, end = header or _inline(lines, headers, table) or (1, 1, 2)
        if place.attribute is not None:
            known = _key(lines, header[0] if header else 0, place.attribute) if header or not table else None
            inside = None if header else _within(lines[line - 1], end - 1, place.attribute)
            line, start, end = known or ((line, *inside) if inside else (line, start, end))
        name = table if place.attribute is None else f"{table}.{place.attribute}".removeprefix(".")
        found[place] = (Span(document.path, line, start, end), name)
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


def _shown(table: str) -> str:
    return table if table.startswith("[") or not table else f"[{table}]"


def _in_words(message: str) -> str:
    """The message of msgspec in the words of TOML: ``Expected `int | null`, got `str` `` and the like."""
    plain = message.replace("`", "").replace(" | null", "").replace(" | ", " or ").replace("Expected", "expected")
    return re.sub(r"\b(?:int|str|array|object|bool|float)\b", lambda match: _TYPES[match.group()], plain)
