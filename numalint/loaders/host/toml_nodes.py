"""The nodes that a host's declaration states: one by one in ``[[nodes]]``, or as corrections in ``[node.N]``."""

from __future__ import annotations

from msgspec.structs import replace

from numalint.loaders.host.toml_keys import NodeEntry, NodeTable, PoolTable
from numalint.loaders.host.toml_layout import Layout, check_distances
from numalint.loaders.host.toml_tables import Tables
from numalint.loaders.host.values import LARGEST_NODE, LARGEST_SIZE
from numalint.model.host import Host, Node, Pool
from numalint.model.idset import HostCpus, HostNode, IdSet
from numalint.model.wording import size_text

UNKNOWN = "unknown"
"""What stands for a set of CPUs that nobody states, where a missing key would mean something else."""

_KINDS = ("dram", "hbm", "cxl", "pmem", "gpu")
_FARTHEST = 255


def listed(tables: Tables) -> Layout:
    """The nodes of [[nodes]], with the sockets and cores that they state. Raises LoadError."""
    entries = [
        (f"[[nodes]] {number}", tables.decode(NodeEntry, raw, f"[[nodes]] {number}"))
        for number, raw in enumerate(tables.file.nodes, 1)
    ]
    ids = [HostNode(tables.bounded(entry.id, 0, LARGEST_NODE, table, "id")) for table, entry in entries]
    cores: list[HostCpus] | None = []
    sockets: dict[int, HostCpus] | None = {}
    taken: HostCpus = IdSet()
    nodes: dict[HostNode, Node] = {}
    for table, entry in entries:
        node = HostNode(entry.id)
        if node in nodes:
            tables.refuse(table, "id", f"node {node} is declared twice")
        own, cpus = _cpus(entry, table, tables)
        if cpus is not None and taken & cpus:
            both = next(other.id for other in nodes.values() if other.cpus and other.cpus & cpus)
            tables.refuse(table, "cores" if own else "cpus", f"CPU {taken & cpus} is in node {both} too")
        taken |= cpus or IdSet()
        if cpus is None or cpus:
            cores = None if cores is None or own is None else [*cores, *own]
            if sockets is not None and entry.socket is not None and cpus is not None:
                sockets[entry.socket] = sockets.get(entry.socket, IdSet()) | cpus
            else:
                sockets = None
        nodes[node] = _node(Node(node, cpus, place=tables.place(table)), entry, ids, table, tables)
    return Layout(
        tuple(nodes[node] for node in sorted(nodes)),
        tuple(sockets[number] for number in sorted(sockets)) if sockets else None,
        tuple(sorted(cores, key=lambda core: core.mask & -core.mask)) if cores else None,
    )


def _cpus(entry: NodeEntry, table: str, tables: Tables) -> tuple[list[HostCpus] | None, HostCpus | None]:
    """The cores, None where only CPUs are told, and the CPUs. Neither key: a node without CPUs."""
    if entry.cpus is not None and entry.cores is not None:
        tables.refuse(table, "cpus", "cores are given too: write one of the two")
    if entry.cores is None:
        cpus = entry.cpus or ""
        return None, None if cpus == UNKNOWN else tables.ids(cpus, table, "cpus")
    cores = tables.cores(entry.cores, table, "cores")
    mask = 0
    for core in cores:
        mask |= core.mask
    return cores, IdSet(mask)


def _node(node: Node, entry: NodeEntry, ids: list[HostNode], table: str, tables: Tables) -> Node:
    if entry.kind is not None and entry.kind not in _KINDS:
        tables.refuse(table, "kind", f"{entry.kind!r} is none of {', '.join(_KINDS)}")
    for near in entry.near:
        if near not in ids:
            tables.refuse(table, "near", f"there is no node {near}")
    distances: dict[HostNode, int] = {}
    if isinstance(entry.distances, dict):
        distances = _some_distances(node, entry.distances, ids, table, tables)
    elif entry.distances is not None:
        own = ids.index(node.id)
        unsaid = [[10] * len(ids) for _ in ids]
        rows = [entry.distances if at == own else row for at, row in enumerate(unsaid)]
        distances = check_distances(rows, ids, table, tables)[own]
    node = replace(node, kind=entry.kind, near=IdSet.of(map(HostNode, entry.near)), distances=distances)
    return _corrected(node, entry, table, tables)


def _some_distances(
    node: Node, said: dict[str, int], ids: list[HostNode], table: str, tables: Tables
) -> dict[HostNode, int]:
    """The distances to the nodes that are named, where those to the others are unknown."""
    found: dict[HostNode, int] = {}
    for key, value in said.items():
        if key not in map(str, ids):
            tables.refuse(table, "distances", f"there is no node {key}")
        tables.bounded(value, 0, _FARTHEST, table, "distances")
        if value < 10 or (key == str(node.id) and value != 10):
            tables.contradicts(table, "distances", f"from node {node.id} to node {key} it cannot be {value}")
        found[HostNode(int(key))] = value
    return found


def _corrected(node: Node, said: NodeTable, table: str, tables: Tables) -> Node:
    """A node with the memory and the huge pages that a table declares."""
    if said.memory is not None:
        node = replace(node, memory_bytes=tables.size(said.memory, table, "memory"))
    if said.reserved_memory is not None:
        node = replace(node, reserved_bytes=tables.size(said.reserved_memory, table, "reserved_memory"))
    if said.names:
        node = replace(node, names=tuple(dict.fromkeys((*said.names, *node.names))))
    if said.hugepages is not None:
        pools = dict(node.hugepages or {})
        for size, pool in said.hugepages.items():
            pools[tables.size(size, table, "hugepages")] = _pool(pool, size, table, tables)
        node = replace(node, hugepages=pools)
        pooled = sum(size * (pool.total or 0) for size, pool in pools.items())
        if node.memory_bytes is not None and pooled > node.memory_bytes:
            have, want = size_text(node.memory_bytes), size_text(pooled)
            tables.contradicts(table, "hugepages", f"they take {want}, and node {node.id} has {have}")
    if node.memory_bytes is not None and node.reserved_bytes > node.memory_bytes:
        tables.contradicts(table, "reserved_memory", f"it is more than the memory of node {node.id}")
    return node


def _pool(said: object, size: str, table: str, tables: Tables) -> Pool:
    """A pool: its total, or ``{ total = 192, free = 100 }``."""
    if isinstance(said, bool) or not isinstance(said, int | dict):
        tables.refuse(table, "hugepages", f"{size!r} is a number of pages, or total and free in a table")
    pool = (
        tables.decode(PoolTable, said, f"{table}.hugepages.{size}") if isinstance(said, dict) else PoolTable(total=said)
    )
    for count in (pool.total, pool.free):
        if count is not None:
            tables.bounded(count, 0, LARGEST_SIZE, table, "hugepages")
    if pool.total is not None and pool.free is not None and pool.free > pool.total:
        tables.contradicts(table, "hugepages", f"of {pool.total} pages of {size} {pool.free} cannot be free")
    return Pool(pool.total, pool.free)


def with_node_tables(host: Host, tables: Tables) -> Host:
    """The host with what [node.N] adds to its nodes or corrects. Raises LoadError."""
    if not tables.file.node:
        return host
    if tables.file.nodes:
        tables.refuse(f"node.{next(iter(tables.file.node))}", None, "write this in the entry of [[nodes]]")
    nodes = dict(host.node_by_id)
    for number, raw in tables.file.node.items():
        table = f"node.{number}"
        if not (number.isdecimal() and number.isascii() and int(number[:9]) <= LARGEST_NODE):
            tables.refuse(table, None, f"{number!r} is not the number of a node")
        node = HostNode(int(number))
        if host.nodes is not None and node not in nodes:
            tables.refuse(table, None, f"there is no node {node}: the host has {IdSet.of(host.node_by_id)}")
        known = nodes.get(node) or Node(node)
        place = known.place if known.place is not None and known.place.document != tables.path else tables.place(table)
        said = tables.decode(NodeTable, raw, table)
        nodes[node] = replace(_corrected(known, said, table, tables), place=place)
    return replace(host, nodes=tuple(nodes[node] for node in sorted(nodes)))
