"""numalint's own description of a host, as tables: decoded strictly, each table with its place in the file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar

import msgspec

from numalint.loaders.document import Document, LoadError
from numalint.loaders.host_values import LARGEST_SIZE
from numalint.loaders.strict_toml import read_toml
from numalint.model.idset import Id, IdSet, NotationError
from numalint.model.place import Place
from numalint.model.report import Span

Kind = TypeVar("Kind", bound=msgspec.Struct)

_HEADER = re.compile(r"\s*(\[\[?)([^\[\]#]+)\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*(?P<key>[A-Za-z0-9_-]+|"[^"]*"|'[^']*')\s*[=.]""")
_SIZE = re.compile(r"([0-9]{1,18})\s*([KMGTP])(i?B)?", re.IGNORECASE | re.ASCII)
_POWERS = "KMGTP"
_TYPES = {
    "int": "a whole number",
    "str": "a string in quotes",
    "array": "a list",
    "object": "a table",
    "bool": "true or false",
    "float": "a number with a point",
}


class NodeDistance(msgspec.Struct, kw_only=True):
    same_socket: int | None = None
    other_socket: int | None = None


class Topology(msgspec.Struct, kw_only=True):
    """The regular form: every node is like every other."""

    sockets: int
    dies_per_socket: int = 1
    nodes_per_socket: int | None = None
    sockets_per_node: int | None = None
    cores_per_node: int | None = None
    cores_per_socket: int | None = None
    cores_per_l3: int | None = None
    threads_per_core: int
    cpu_numbering: str | None = None
    memory_per_node: str | list[str] | None = None
    distances: list[list[int]] | None = None
    node_distance: dict[str, Any] | None = None


class CpuLists(msgspec.Struct, kw_only=True):
    isolated: str | None = None
    housekeeping: str | None = None
    reserved: str | None = None
    offline: str | None = None
    kinds: dict[str, str] = {}


class NodeTable(msgspec.Struct, kw_only=True):
    """What is said of one node, in either form."""

    memory: str | None = None
    reserved_memory: str | None = None
    hugepages: dict[str, int] | None = None
    pci: list[str] = []
    pci_buses: list[str] = []


class NodeEntry(NodeTable, kw_only=True):
    """A node of the listed form."""

    id: int
    socket: int | None = None
    cpus: str | None = None
    cores: str | None = None
    kind: str | None = None
    near: list[int] = []
    distances: list[int] | None = None


class PciEntry(msgspec.Struct, kw_only=True):
    address: str
    node: int | None = None
    name: str | None = None
    vfs: int | list[str] | None = None


class L3Entry(msgspec.Struct, kw_only=True):
    cpus: str
    size: str | None = None


class HostFile(msgspec.Struct, kw_only=True):
    format: int
    name: str | None = None
    arch: str | None = None
    base: str | None = None
    synthetic: str | None = None
    topology: dict[str, Any] | None = None
    cpus: dict[str, Any] = {}
    node: dict[str, Any] = {}
    nodes: list[Any] = []
    pci: list[Any] = []
    l3: list[Any] = []


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
        letter = match[2].upper()
        if (match[3] or "").upper() == "B":
            self.refuse(table, key, f"{text!r}: write {letter}iB, for tools differ on what {letter}B is")
        size: int = int(match[1]) << 10 * (_POWERS.index(letter) + 1)
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

    def bounded(self, number: int, least: int, largest: int, table: str, key: str) -> int:
        if not least <= number <= largest:
            self.refuse(table, key, f"{number} is not from {least} to {largest}")
        return number


def locate(document: Document, places: Iterable[Place]) -> dict[Place, tuple[Span, str]]:
    """The span of each of ``places``, all in ``document``, with its name: a table's header, or the key of an attribute.

    They are found by a search in the text. What is not written as a table of its own is found by its key at the top;
    else the place is the first line.
    """
    lines = document.data.decode("utf-8-sig", "replace").splitlines() or [""]
    headers = _headers(lines)
    found = {}
    for place in places:
        table = str(place.locator)
        parent = table.partition(".")[0]
        line, start, end = headers.get(table) or headers.get(parent) or _key(lines, 0, parent) or (1, 1, 2)
        if place.attribute is not None:
            first = line if table in headers else 0
            line, start, end = _key(lines, first, place.attribute) or (line, start, end)
        name = table if place.attribute is None else f"{table}.{place.attribute}".removeprefix(".")
        found[place] = (Span(document.path, line, start, end), name)
    return found


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
