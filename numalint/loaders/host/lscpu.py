"""Hosts from ``lscpu``: its summary (text or -J) and its tables of CPUs (-p, -e, -e -J).

The summary lists the online CPUs and the nodes, those without CPUs among them; a table adds cores, sockets and L3 caches.
Neither states memory, distances, huge pages or PCI devices. The summary's counts (Thread(s) per core, Socket(s)) are
not read: they are averages, and repeat for each type of CPU.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from numalint.loaders.document import Document, ReadInput
from numalint.loaders.host.lscpu_table import Row, Table, cells, read_row, read_table
from numalint.loaders.host.tables import Text, nodes_of
from numalint.loaders.host.values import LARGEST_NODE, host_name
from numalint.model.host import Host
from numalint.model.idset import HostCpus, HostNode, IdSet, union

_AGAIN = "run it again and give its whole output: LC_ALL=C lscpu -J"
# util-linux before 2.41 writes "node": - for a value that it does not know.
_MISSING = re.compile(r'("\s*:\s*)-(?=\s*[,}])')
_NODE = re.compile(r"NUMA[^0-9]*([0-9]+)[^0-9]*CPU", re.ASCII)
_ONLINE = re.compile(r"\bon-?line[ -]CPU", re.ASCII | re.IGNORECASE)
_OFFLINE = re.compile(r"\boff-?line[ -]CPU", re.ASCII | re.IGNORECASE)
_PARSABLE_HEADER = re.compile(r"#\s*([\w:%]+(?:,[\w:%]*)*)\s*", re.ASCII)
_CACHES = re.compile(r"L[0-9][a-z]?(?::L[0-9][a-z]?)*", re.ASCII)
_COLUMNS = {"cpu", "core", "socket", "node"}


class _Entry(msgspec.Struct):
    """A line of the summary: a field, without its colon, and its data."""

    line: int | None
    field: str
    data: str


class _Summary(msgspec.Struct):
    """What the summary states."""

    arch: str | None = None
    online: HostCpus | None = None
    offline: HostCpus | None = None
    nodes: dict[HostNode, HostCpus] = {}


class _Columns(msgspec.Struct):
    """The names of a table's columns, and what is between their values: None for blanks."""

    names: list[str]
    separator: str | None


_Rows = list[tuple[int | None, Row]]


def load(document: Document, read_input: ReadInput) -> Host:  # noqa: ARG001  # the hook's signature
    """The host, or the part of it, that the output of lscpu describes. Raises LoadError."""
    text = Text(document)
    entries, rows = _from_json(text) if text.whole.lstrip().startswith("{") else _from_lines(text)
    notes: list[str] = []
    summary = _summary(entries, text)
    table = read_table(rows, text, notes) if rows else Table()
    lists = summary.nodes or table.nodes
    cpus = table.cpus or summary.online or union(lists.values())
    if not cpus:
        text.refuse(1, "this lscpu output lists no CPUs: it may be cut off, or translated", _AGAIN)
    nodes = nodes_of({number: listed & cpus for number, listed in lists.items()}, notes)
    offline = table.offline if table.offline is not None else summary.offline
    return Host(
        name=host_name(document.path),
        sources=(document.path,),
        arch=summary.arch,
        cpus=cpus,
        offline=None if offline is None else offline - cpus,
        nodes=tuple(nodes.values()) or None,
        sockets=table.sockets,
        cores=table.cores,
        l3=table.l3,
        notes=tuple(notes),
    )


def _summary(entries: list[_Entry], text: Text) -> _Summary:
    """The CPUs, the nodes and the architecture; all other fields are passed over."""
    found = _Summary()
    for entry in entries:
        node = _NODE.match(entry.field)
        if node:
            number = HostNode(text.number(node[1], LARGEST_NODE, "the number of a node", entry.line))
            if number in found.nodes:
                text.refuse(entry.line, f"node {number} is described twice", "give one output of lscpu")
            found.nodes[number] = _listed(entry, text)
        elif _ONLINE.search(entry.field):
            found.online = _listed(entry, text)
        elif _OFFLINE.search(entry.field):
            found.offline = _listed(entry, text)
        elif entry.field == "Architecture":
            found.arch = entry.data or None
    if found.online is not None and found.offline is None:
        found.offline = IdSet()  # lscpu leaves the line out where every CPU that is present is online
    return found


def _listed(entry: _Entry, text: Text) -> HostCpus:
    if entry.field.endswith("mask"):
        text.refuse(entry.line, "lscpu -x prints masks, not lists of CPUs", "run LC_ALL=C lscpu -J, without -x")
    return text.cpus("" if entry.data == "-" else entry.data, entry.field, entry.line)


def _from_json(text: Text) -> tuple[list[_Entry], _Rows]:
    """The entries of ``lscpu -J`` and the rows of ``lscpu -e -J``."""
    found = _parsed(text)
    listed, cpus = (found.get(key, []) if isinstance(found, dict) else None for key in ("lscpu", "cpus"))
    if not isinstance(listed, list) or not isinstance(cpus, list) or not (listed or cpus):
        text.refuse(1, 'this JSON has no list "lscpu" and no list "cpus"', _AGAIN)
    entries = list(_entries(listed, text))
    rows: _Rows = []
    lines = _lines_of_key(text, "cpu")
    for number, cpu in enumerate(cpus):
        line = lines[number] if len(lines) == len(cpus) else None
        if not isinstance(cpu, dict):
            text.refuse(line, f"entry {number + 1} of cpus is no object", _AGAIN)
        named = {key.lower(): _said(value) for key, value in cpu.items()}
        rows.append((line, read_row(named, text, line)))
    return entries, rows


def _parsed(text: Text) -> Any:
    """The JSON, with the values mended that old releases leave out. Raises LoadError."""
    try:
        try:
            return json.loads(text.whole)
        except json.JSONDecodeError:
            return json.loads(_MISSING.sub(r"\1null", text.whole))
    except RecursionError:
        text.refuse(None, "it is not the JSON of lscpu: its values are nested too deeply", _AGAIN)
    except json.JSONDecodeError as error:
        text.refuse(error.lineno, f"it is not JSON: {error.msg}", _AGAIN, error.colno)
    except ValueError:
        text.refuse(None, "it is not the JSON of lscpu: a number in it has thousands of digits", _AGAIN)


def _entries(listed: list[Any], text: Text) -> Iterator[_Entry]:
    """The entries in the order of the document. On a terminal newer releases nest them as ``children``."""
    lines = iter(_lines_of_key(text, "field"))
    waiting = listed[::-1]
    while waiting:
        entry = waiting.pop()
        if not isinstance(entry, dict) or not isinstance(entry.get("field"), str):
            text.refuse(next(lines, None), 'an entry of lscpu has no "field"', _AGAIN)
        yield _Entry(next(lines, None), _field(entry["field"]), _said(entry.get("data")))
        children = entry.get("children")
        if isinstance(children, list):
            waiting += reversed(children)


def _said(value: object) -> str:
    """A JSON value as lscpu would print it: older releases write every value as a string."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).strip() if isinstance(value, (str, int)) else f"<{type(value).__name__}>"


def _lines_of_key(text: Text, key: str) -> list[int]:
    """The line of each ``"key":``. In a string the quotes would be escaped, so these are keys."""
    lines, line, position = [], 1, 0
    for match in re.finditer(rf'"{key}"\s*:', text.whole):
        line += text.whole.count("\n", position, match.start())
        position = match.start()
        lines.append(line)
    return lines


def _from_lines(text: Text) -> tuple[list[_Entry], _Rows]:
    """The entries of the summary and the rows of the first table, which may follow one another in one file.

    A second table is often that of ``lscpu -p -y``, whose numbers repeat: it is not read.
    """
    entries: list[_Entry] = []
    rows: _Rows = []
    columns: _Columns | None = None
    for number, line in text.lines():
        header = _header(line)
        if header is not None and rows:
            break
        if header is not None:
            columns = header
        elif not line.strip() or line.startswith("#"):
            columns = None
        elif columns is not None:
            named = cells(columns.names, line.split(columns.separator), text, number)
            rows.append((number, read_row(named, text, number)))
        else:
            _add(entries, number, line)
    return entries, rows


def _header(line: str) -> _Columns | None:
    """The columns of a table: ``# CPU,Core,...`` of -p or ``CPU NODE ...`` of -e; None where the line is none."""
    parsable = _PARSABLE_HEADER.fullmatch(line)
    if parsable:
        names = parsable[1].split(",")
        return _Columns(names, ",") if _COLUMNS.intersection(name.lower() for name in names) else None
    words = line.split()
    if "CPU" in words and all(word.isupper() or _CACHES.fullmatch(word) for word in words):
        return _Columns(words, None)
    return None


def _add(entries: list[_Entry], number: int, line: str) -> None:
    """Adds a line of the summary. On a terminal a long list goes on in the next line, cut anywhere."""
    field, colon, data = line.partition(":")
    if colon:
        entries.append(_Entry(number, field.strip(), data.strip()))
    elif entries and line[0] in " \t":
        entries[-1].data += line.strip()


def _field(text: str) -> str:
    return text.strip().removesuffix(":").strip()
