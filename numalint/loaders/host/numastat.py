"""Memory of the nodes from ``numastat -m``; it states nothing else of a host.

Its MBs are MiB, with two decimals or (-c) none. Its HugePages rows are no counts but MiB of pages of the default size,
which it does not state, so the pools stay unknown. Nodes whose columns are all zero are left out with -z.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from numalint.loaders.document import Document, ReadInput
from numalint.loaders.host.tables import Text, quoted
from numalint.loaders.host.values import LARGEST_NODE, LARGEST_SIZE, host_name
from numalint.model.host import Host, Node
from numalint.model.idset import HostNode

_TITLE = re.compile(r"Per-node (system|process|numastat)\b")
_HEADER = re.compile(r"(?:\s*Node\s+[0-9]+)*(?:\s*Total)?\s*", re.ASCII)
_COLUMN = re.compile(r"Node\s+([0-9]+)|Total", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,6}))?", re.ASCII)
_AGAIN = "give the whole output of numastat -m, or better that of numactl --hardware"


def load(document: Document, read_input: ReadInput) -> Host:  # noqa: ARG001  # the hook's signature
    """The memory of a host's nodes. Raises LoadError, for a table of processes too."""
    text = Text(document)
    memory = _memory(text)
    nodes = tuple(Node(number, memory_bytes=size) for number, size in sorted(memory.items()))
    return Host(name=host_name(document.path), sources=(document.path,), nodes=nodes)


def _memory(text: Text) -> dict[HostNode, int]:
    """The memory of each node in bytes."""
    found: dict[HostNode, int] = {}
    for line, columns, values in _totals(text):
        if len(values) != len(columns):
            text.refuse(line, f"{len(values)} values of MemTotal under {len(columns)} columns", _AGAIN)
        for node, value in zip(columns, values, strict=True):
            if node in found:
                text.refuse(line, f"node {node} has two columns", "give one output of numastat -m")
            if node is not None:
                found[node] = _bytes(node, value, text, line)
    if not found:
        _refuse_processes(text)
        text.refuse(None, "this numastat output has no row MemTotal with nodes above it", _AGAIN)
    return found


def _totals(text: Text) -> Iterator[tuple[int, list[HostNode | None], list[str]]]:
    """The row MemTotal of each section, with its line and its columns: a table wider than the terminal is folded."""
    columns: list[HostNode | None] = []
    of_system = False
    for line, content in text.lines():
        title = _TITLE.search(content)
        if title:
            of_system, columns = title[1] == "system", []
        elif of_system and content.strip() and _HEADER.fullmatch(content):
            columns = [_node(each[1], text, line) for each in _COLUMN.finditer(content)]
        elif of_system and content.startswith("MemTotal"):
            yield line, columns, content.split()[1:]


def _refuse_processes(text: Text) -> None:
    """Raises LoadError where the output is a table of processes."""
    for line, content in text.lines():
        title = _TITLE.search(content)
        if title and title[1] == "process":
            text.refuse(
                line,
                "this is numastat's table of processes: it says where their memory is, and nothing of the host",
                "give the output of numastat -m without a process, or better that of numactl --hardware",
            )


def _node(said: str | None, text: Text, line: int) -> HostNode | None:
    """The node of a column, None for that of the totals."""
    return None if said is None else HostNode(text.number(said, LARGEST_NODE, "the number of a node", line))


def _bytes(node: HostNode, said: str, text: Text, line: int) -> int:
    match = _SIZE.fullmatch(said)
    if match is None or int(match[1]) > LARGEST_SIZE >> 20:
        text.refuse(line, f"MemTotal of node {node} is {quoted(said)}, not a size in MBs", _AGAIN)
    millionths = int(match[1] + (match[2] or "").ljust(6, "0"))
    return (millionths << 20) // 1_000_000
