"""The regular form of a host's declaration: counts and a numbering become nodes, sockets, cores and caches."""

from __future__ import annotations

import msgspec

from numalint.loaders.host.toml_keys import NodeDistance, Topology
from numalint.loaders.host.toml_tables import Tables
from numalint.loaders.host.values import LARGEST_CPU, LARGEST_NODE
from numalint.model.host import L3, Node
from numalint.model.idset import HostCpu, HostCpus, HostNode, IdSet, union

_TABLE = "topology"
_NUMBERINGS = ("threads-last", "threads-adjacent", "nodes-interleaved")
_SELF = 10


class Layout(msgspec.Struct, frozen=True):
    """The CPUs of a host, all of them online."""

    nodes: tuple[Node, ...]
    sockets: tuple[HostCpus, ...] | None
    cores: tuple[HostCpus, ...] | None
    l3: tuple[L3, ...] | None = None


class _Counts(msgspec.Struct, frozen=True):
    sockets: int
    nodes: int
    cores: int
    """Cores of one node."""
    threads: int
    numbering: str

    def cpu(self, node: int, core: int, thread: int) -> HostCpu:
        if self.numbering == "threads-adjacent":
            return HostCpu((node * self.cores + core) * self.threads + thread)
        before = core * self.nodes + node if self.numbering == "nodes-interleaved" else node * self.cores + core
        return HostCpu(thread * self.nodes * self.cores + before)

    def socket(self, node: int, core: int) -> int:
        """Firmware that interleaves CPUs over nodes interleaves nodes over sockets: of four, 0 and 2 share one."""
        if self.nodes < self.sockets:
            per_node = self.sockets // self.nodes
            return node * per_node + core * per_node // self.cores
        return node % self.sockets if self.numbering == "nodes-interleaved" else node * self.sockets // self.nodes


def lay_out(tables: Tables) -> Layout:
    """The layout that [topology] declares. Raises LoadError."""
    topology = tables.decode(Topology, tables.file.topology, _TABLE)
    counts = _counts(topology, tables)
    by_node = [
        [IdSet.of(counts.cpu(node, core, thread) for thread in range(counts.threads)) for core in range(counts.cores)]
        for node in range(counts.nodes)
    ]
    sockets: dict[int, list[HostCpus]] = {}
    for node, cores in enumerate(by_node):
        for number, core in enumerate(cores):
            sockets.setdefault(counts.socket(node, number), []).append(core)
    memory = _memory(topology, counts, tables)
    distances = _distances(topology, counts, tables)
    nodes = tuple(
        Node(HostNode(node), union(cores), memory[node], distances=distances[node], place=tables.place(_TABLE))
        for node, cores in enumerate(by_node)
    )
    return Layout(
        nodes,
        tuple(union(cores) for _, cores in sorted(sockets.items())),
        tuple(core for cores in by_node for core in cores),
        _l3(topology, counts, by_node, tables),
    )


def _counts(topology: Topology, tables: Tables) -> _Counts:
    sockets = tables.bounded(topology.sockets, 1, LARGEST_CPU + 1, _TABLE, "sockets")
    tables.bounded(topology.dies_per_socket, 1, LARGEST_CPU + 1, _TABLE, "dies_per_socket")
    nodes = _node_count(topology, sockets, tables)
    cores = _cores_of_a_node(topology, sockets, nodes, tables)
    threads = topology.threads_per_core
    if threads not in (1, 2, 4, 8):
        tables.refuse(_TABLE, "threads_per_core", f"{threads} is not 1, 2, 4 or 8")
    if nodes * cores * threads > LARGEST_CPU + 1:
        tables.refuse(_TABLE, None, f"{nodes * cores * threads} CPUs are more than {LARGEST_CPU + 1}")
    numbering = topology.cpu_numbering
    if numbering is None and (threads > 1 or nodes > 1):
        tables.refuse(
            _TABLE,
            None,
            "the key 'cpu_numbering' is missing: with several threads or nodes nobody can guess which CPU is where",
            f"write {', '.join(_NUMBERINGS[:-1])} or {_NUMBERINGS[-1]}; lscpu -e on the host shows which it is",
        )
    if numbering is not None and numbering not in _NUMBERINGS:
        tables.refuse(_TABLE, "cpu_numbering", f"{numbering!r} is none of {', '.join(_NUMBERINGS)}")
    return _Counts(sockets, nodes, cores, threads, numbering or _NUMBERINGS[0])


def _node_count(topology: Topology, sockets: int, tables: Tables) -> int:
    if topology.nodes_per_socket is not None and topology.sockets_per_node is not None:
        tables.refuse(_TABLE, "sockets_per_node", "nodes_per_socket is given too: write one of the two")
    if topology.sockets_per_node is not None:
        per_node = tables.bounded(topology.sockets_per_node, 1, sockets, _TABLE, "sockets_per_node")
        if sockets % per_node:
            tables.refuse(_TABLE, "sockets_per_node", f"{sockets} sockets are not a multiple of {per_node}")
        return sockets // per_node
    per_socket = 1 if topology.nodes_per_socket is None else topology.nodes_per_socket
    tables.bounded(per_socket, 1, LARGEST_NODE + 1, _TABLE, "nodes_per_socket")
    return tables.bounded(sockets * per_socket, 1, LARGEST_NODE + 1, _TABLE, "nodes_per_socket")


def _cores_of_a_node(topology: Topology, sockets: int, nodes: int, tables: Tables) -> int:
    if (topology.cores_per_node is None) == (topology.cores_per_socket is None):
        tables.refuse(_TABLE, None, "write one of cores_per_node and cores_per_socket")
    if topology.cores_per_socket is not None:
        cores = tables.bounded(topology.cores_per_socket, 1, LARGEST_CPU + 1, _TABLE, "cores_per_socket") * sockets
        if cores % nodes:
            tables.refuse(_TABLE, "cores_per_socket", f"{cores} cores do not divide into {nodes} nodes")
        return cores // nodes
    cores = tables.bounded(topology.cores_per_node or 0, 1, LARGEST_CPU + 1, _TABLE, "cores_per_node")
    if nodes < sockets and cores * nodes % sockets:
        tables.refuse(_TABLE, "cores_per_node", f"{cores * nodes} cores do not divide into {sockets} sockets")
    return cores


def _memory(topology: Topology, counts: _Counts, tables: Tables) -> list[int | None]:
    given = topology.memory_per_node
    if given is None:
        return [None] * counts.nodes
    if isinstance(given, str):
        return [tables.size(given, _TABLE, "memory_per_node")] * counts.nodes
    if len(given) != counts.nodes:
        tables.refuse(_TABLE, "memory_per_node", f"{len(given)} sizes for {counts.nodes} nodes")
    return [tables.size(each, _TABLE, "memory_per_node") for each in given]


def _distances(topology: Topology, counts: _Counts, tables: Tables) -> list[dict[HostNode, int]]:
    if topology.distances is not None and topology.node_distance is not None:
        tables.refuse(_TABLE, "node_distance", "distances are given too: write one of the two")
    if topology.distances is not None:
        return check_distances(topology.distances, [HostNode(node) for node in range(counts.nodes)], _TABLE, tables)
    if topology.node_distance is None:
        return [{} for _ in range(counts.nodes)]
    given = tables.decode(NodeDistance, topology.node_distance, f"{_TABLE}.node_distance")
    sockets = [counts.socket(node, 0) for node in range(counts.nodes)]
    rows = []
    for at, one in enumerate(sockets):
        row = []
        for to, other in enumerate(sockets):
            name = "same_socket" if one == other else "other_socket"
            value = _SELF if at == to else getattr(given, name)
            if value is None:
                tables.refuse(_TABLE, "node_distance", f"{name} is missing, and some nodes are so apart")
            row.append(value)
        rows.append(row)
    return check_distances(rows, [HostNode(node) for node in range(counts.nodes)], _TABLE, tables)


def check_distances(
    rows: list[list[int]], nodes: list[HostNode], table: str, tables: Tables
) -> list[dict[HostNode, int]]:
    """A row for each node, in their order. Raises LoadError where it is no matrix of distances."""
    if len(rows) != len(nodes) or any(len(row) != len(nodes) for row in rows):
        tables.refuse(table, "distances", f"they are not {len(nodes)} rows of {len(nodes)} values, one for each node")
    for node, row in enumerate(rows):
        if row[node] != _SELF:
            tables.refuse(table, "distances", f"from node {nodes[node]} to itself it is {_SELF}, not {row[node]}")
        if not all(_SELF <= value <= 255 for value in row):
            tables.refuse(table, "distances", f"those of node {nodes[node]} are not all from {_SELF} to 255")
    return [dict(zip(nodes, row, strict=True)) for row in rows]


def _l3(topology: Topology, counts: _Counts, by_node: list[list[HostCpus]], tables: Tables) -> tuple[L3, ...] | None:
    size = topology.cores_per_l3
    if size is None:
        return None
    tables.bounded(size, 1, counts.cores, _TABLE, "cores_per_l3")
    if counts.cores % size:
        tables.refuse(_TABLE, "cores_per_l3", f"{counts.cores} cores of a node are not a multiple of {size}")
    return tuple(L3(union(cores[first : first + size])) for cores in by_node for first in range(0, counts.cores, size))
