"""Hosts from ``numactl --hardware``: the nodes with their online CPUs, their memory and the distances between them.

It states neither sockets, cores and caches nor huge pages, PCI devices and offline CPUs. Its MB are MiB, rounded down.
"""

from __future__ import annotations

import re
from collections.abc import Container

from numalint.loaders.document import Document, ReadInput
from numalint.loaders.host.tables import Text, nodes_of, quoted
from numalint.loaders.host.values import LARGEST_NODE, LARGEST_SIZE, host_name
from numalint.model.host import Host, Node
from numalint.model.idset import HostCpus, HostNode, union

_AVAILABLE = re.compile(r"available: ([0-9]+) nodes? \(", re.ASCII)
_NODE = re.compile(r"node ([0-9]+) (cpus|size|free):(.*)", re.ASCII)
_COUNT = re.compile(r"\([0-9]*\)\s*$", re.ASCII)
_SIZE = re.compile(r"([0-9]+) MB", re.ASCII)
_NO_NUMA = "No NUMA available on this system"
_LARGEST_DISTANCE = 255
_AGAIN = "give the whole output of numactl --hardware"

Lines = list[tuple[int, str]]


def load(document: Document, read_input: ReadInput) -> Host:  # noqa: ARG001  # the hook's signature
    """The host that the output of ``numactl --hardware`` describes. Raises LoadError."""
    text = Text(document)
    lines = text.lines()
    notes: list[str] = []
    if any(line.startswith(_NO_NUMA) for _, line in lines):
        notes.append("numactl says that there is no NUMA (or it ran in a container): taken as one node, CPUs not known")
        return _host(document.path, (Node(HostNode(0)),), None, notes)
    cpus, memory = _nodes(lines, text)
    distances = _distances(lines, cpus.keys(), text)
    everywhere = union(cpus.values())
    # A kernel without sysfs lists no CPU for its only node: the CPUs are not known, and it is no memory-only node.
    listed = nodes_of(cpus, notes) if everywhere else {number: Node(number) for number in sorted(cpus)}
    nodes = tuple(
        Node(number, node.cpus, memory.get(number), distances=distances.get(number, {}))
        for number, node in listed.items()
    )
    return _host(document.path, nodes, everywhere or None, notes)


def _host(path: str, nodes: tuple[Node, ...], cpus: HostCpus | None, notes: list[str]) -> Host:
    return Host(name=host_name(path), sources=(path,), cpus=cpus, nodes=nodes, notes=tuple(notes))


def _nodes(lines: Lines, text: Text) -> tuple[dict[HostNode, HostCpus], dict[HostNode, int]]:
    """The CPUs of each node, and the memory in bytes of those whose size it gives."""
    line_of_count, count = _count(lines, text)
    cpus: dict[HostNode, HostCpus] = {}
    memory: dict[HostNode, int] = {}
    for line, content in lines:
        match = _NODE.match(content)
        if match is None:
            continue
        number = _id(match[1], text, line)
        if match[2] == "cpus":
            if number in cpus:
                text.refuse(line, f"node {number} is described twice", _AGAIN)
            cpus[number] = _cpus(number, match[3], text, line)
        elif match[2] == "size":
            size = _bytes(number, match[3], text, line)
            if size is not None:
                memory[number] = size
    if len(cpus) != count:
        text.refuse(
            line_of_count, f"it says that {count} nodes are available, but lists the CPUs of {len(cpus)}", _AGAIN
        )
    return cpus, memory


def _count(lines: Lines, text: Text) -> tuple[int, int]:
    """The line that says how many nodes there are, and how many it says."""
    found = [(line, match[1]) for line, content in lines if (match := _AVAILABLE.match(content))]
    if not found:
        text.refuse(1, 'it has no line "available: N nodes (...)"', _AGAIN)
    if len(found) > 1:
        text.refuse(found[1][0], "a second output of numactl begins here", "give each host a file of its own")
    line, count = found[0]
    return line, text.number(count, LARGEST_NODE + 1, "the number of nodes", line)


def _cpus(number: HostNode, listed: str, text: Text, line: int) -> HostCpus:
    """``0 1 2``, or as --cpu-compress writes it ``0-7, 16-23 (16)``; nothing for a node without CPUs."""
    terms = _COUNT.sub("", listed).replace(",", " ").split()
    return text.cpus(",".join(terms), f"cpus of node {number}", line)


def _bytes(number: HostNode, said: str, text: Text, line: int) -> int | None:
    said = said.strip()
    if said == "<not available>":
        return None
    match = _SIZE.fullmatch(said)
    if match is None:
        text.refuse(line, f"size of node {number} is {quoted(said)}, not a number of MB", _AGAIN)
    return text.number(match[1], LARGEST_SIZE >> 20, f"size of node {number}", line) << 20


def _distances(lines: Lines, nodes: Container[HostNode], text: Text) -> dict[HostNode, dict[HostNode, int]]:
    """The distances from each node to those that the header row names; a 0 stands for one that is not known."""

    def described(said: str, line: int) -> HostNode:
        number = _id(said, text, line)
        if number not in nodes:
            text.refuse(line, f"it gives distances of node {number}, which it does not describe", _AGAIN)
        return number

    begins = next((index for index, (_, content) in enumerate(lines) if content.startswith("node distances:")), None)
    if begins is None:
        return {}
    columns: list[HostNode] = []
    found: dict[HostNode, dict[HostNode, int]] = {}
    for line, content in lines[begins + 1 :]:
        head, colon, row = content.partition(":")
        if not columns and content.startswith("node"):
            columns = [described(each, line) for each in content.split()[1:]]
        elif colon and columns and head.strip().isdecimal():
            number, values = described(head.strip(), line), row.split()
            if number in found or len(values) != len(columns):
                text.refuse(line, f"the row of node {number} does not fit the {len(columns)} nodes above it", _AGAIN)
            what = f"a distance from node {number}"
            distances = (text.number(value, _LARGEST_DISTANCE, what, line) for value in values)
            found[number] = {to: distance for to, distance in zip(columns, distances, strict=True) if distance}
    return found


def _id(said: str, text: Text, line: int) -> HostNode:
    return HostNode(text.number(said, LARGEST_NODE, "the number of a node", line))
