"""numalint's own declaration of a host (``NAME.host.toml``): regular, node by node, or added to another input."""

from __future__ import annotations

import re

from msgspec.structs import replace

from numalint.loaders import synthetic
from numalint.loaders.document import Document, Head, HostFormat, ReadInput
from numalint.loaders.host_layout import Layout, check_distances, lay_out
from numalint.loaders.host_pci import add_pci
from numalint.loaders.host_values import LARGEST_NODE, LARGEST_SIZE, host_name
from numalint.loaders.toml_tables import CpuLists, L3Entry, NodeEntry, NodeTable, Tables, locate
from numalint.model.host import L3, Host, Node, Pool
from numalint.model.idset import HostCpus, HostNode, IdSet, union

__all__ = ["FORMAT", "load", "locate"]

_KINDS = ("dram", "hbm", "cxl", "pmem", "gpu")
_FORMS = ("topology", "nodes", "base", "synthetic")


def load(document: Document, read_input: ReadInput) -> Host:
    """The host that a declaration states, with what its ``base`` states. Raises LoadError."""
    tables = Tables(document)
    if tables.file.format != 1:
        tables.refuse("", "format", f"format {tables.file.format} is not known; this numalint knows 1")
    host = _host(tables, read_input)
    host = _with_node_tables(host, tables)
    host = _with_cpu_lists(host, tables)
    host = _with_l3(host, tables)
    host = add_pci(host, tables)
    if host.nodes is None and host.pci is None and not host.pci_buses and not tables.file.cpus:
        tables.refuse("", None, "it declares nothing", "write [topology], [[nodes]], base or synthetic")
    return host


def _host(tables: Tables, read_input: ReadInput) -> Host:
    """The host of the form that is used, before what the other tables add. Without a form nothing is known of it."""
    file = tables.file
    forms = [form for form in _FORMS if getattr(file, form) not in (None, [])]
    if len(forms) > 1:
        tables.refuse("", None, f"{' and '.join(forms)} are given: each declares the nodes, so write one of them")
    name = file.name or host_name(tables.path)
    place = tables.place(next((form for form in forms if form != "nodes"), "[[nodes]] 1" if forms else ""))
    if file.base:
        base = read_input(file.base)
        return replace(
            base,
            name=name,
            arch=file.arch or base.arch,
            sources=(tables.path, *base.sources),
            place=base.place or place,
        )
    if file.synthetic:
        host = synthetic.read(file.synthetic, tables.path, place)
        return replace(host, name=name, arch=file.arch)
    bare = Host(name=name, arch=file.arch, sources=(tables.path,), place=place)
    if not forms:
        return bare
    layout = lay_out(tables) if file.topology is not None else _listed(tables)
    return replace(
        bare,
        cpus=union(node.cpus for node in layout.nodes if node.cpus is not None),
        nodes=layout.nodes,
        sockets=layout.sockets,
        cores=layout.cores,
        l3=layout.l3,
    )


def _listed(tables: Tables) -> Layout:
    """The host of [[nodes]]."""
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
        if taken & cpus:
            both = next(other.id for other in nodes.values() if other.cpus and other.cpus & cpus)
            tables.refuse(table, "cores" if own else "cpus", f"CPU {taken & cpus} is in node {both} too")
        taken |= cpus
        if cpus:
            cores = None if cores is None or own is None else [*cores, *own]
            if sockets is not None and entry.socket is not None:
                sockets[entry.socket] = sockets.get(entry.socket, IdSet()) | cpus
            else:
                sockets = None
        nodes[node] = _node(Node(node, cpus, place=tables.place(table)), entry, ids, table, tables)
    return Layout(
        tuple(nodes[node] for node in sorted(nodes)),
        tuple(sockets[number] for number in sorted(sockets)) if sockets else None,
        tuple(cores) if cores else None,
    )


def _cpus(entry: NodeEntry, table: str, tables: Tables) -> tuple[list[HostCpus] | None, HostCpus]:
    """The cores, None where only CPUs are told, and the CPUs. Neither key: a node without CPUs."""
    if entry.cpus is not None and entry.cores is not None:
        tables.refuse(table, "cpus", "cores are given too: write one of the two")
    if entry.cores is None:
        return None, tables.ids(entry.cpus or "", table, "cpus")
    parts: list[HostCpus] = [tables.ids(part, table, "cores") for part in entry.cores.split("+")]
    if len({len(part) for part in parts}) != 1:
        lengths = " and ".join(str(len(part)) for part in parts)
        tables.refuse(table, "cores", f"its parts have {lengths} CPUs; each has one CPU of every core")
    whole = union(parts)
    if len(whole) != sum(map(len, parts)):
        tables.refuse(table, "cores", "a CPU is in two of its parts")
    return [IdSet.of(threads) for threads in zip(*parts, strict=True)], whole


def _node(node: Node, entry: NodeEntry, ids: list[HostNode], table: str, tables: Tables) -> Node:
    if entry.kind is not None and entry.kind not in _KINDS:
        tables.refuse(table, "kind", f"{entry.kind!r} is none of {', '.join(_KINDS)}")
    for near in entry.near:
        if near not in ids:
            tables.refuse(table, "near", f"there is no node {near}")
    distances: dict[HostNode, int] = {}
    if entry.distances is not None:
        own = ids.index(node.id)
        unsaid = [[10] * len(ids) for _ in ids]
        rows = [entry.distances if at == own else row for at, row in enumerate(unsaid)]
        distances = check_distances(rows, ids, table, tables)[own]
    node = replace(node, kind=entry.kind, near=IdSet.of(map(HostNode, entry.near)), distances=distances)
    return _corrected(node, entry, table, tables)


def _corrected(node: Node, said: NodeTable, table: str, tables: Tables) -> Node:
    """A node with the memory and the huge pages that a table declares."""
    if said.memory is not None:
        node = replace(node, memory_bytes=tables.size(said.memory, table, "memory"))
    if said.reserved_memory is not None:
        node = replace(node, reserved_bytes=tables.size(said.reserved_memory, table, "reserved_memory"))
    if said.hugepages is not None:
        pools = dict(node.hugepages or {})
        for size, count in said.hugepages.items():
            tables.bounded(count, 0, LARGEST_SIZE, table, "hugepages")
            pools[tables.size(size, table, "hugepages")] = Pool(total=count)
        node = replace(node, hugepages=pools)
        pooled = sum(size * (pool.total or 0) for size, pool in pools.items())
        if node.memory_bytes is not None and pooled > node.memory_bytes:
            have, want = node.memory_bytes / (1 << 30), pooled / (1 << 30)
            tables.refuse(table, "hugepages", f"they take {want:g} GiB, and node {node.id} has {have:g} GiB")
    if node.memory_bytes is not None and node.reserved_bytes > node.memory_bytes:
        tables.refuse(table, "reserved_memory", f"it is more than the memory of node {node.id}")
    return node


def _with_node_tables(host: Host, tables: Tables) -> Host:
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


def _with_cpu_lists(host: Host, tables: Tables) -> Host:
    lists = tables.decode(CpuLists, tables.file.cpus, "cpus")
    if lists.housekeeping is not None and lists.reserved is not None:
        tables.refuse("cpus", "reserved", "it is another word for housekeeping, which is given too")
    word = "housekeeping" if lists.housekeeping is not None else "reserved"
    texts = {"isolated": lists.isolated, word: getattr(lists, word), "offline": lists.offline}
    sets: dict[str, HostCpus] = {key: tables.ids(text, "cpus", key) for key, text in texts.items() if text is not None}
    for key, text in lists.kinds.items():
        sets[f"kinds.{key}"] = tables.ids(text, "cpus", "kinds")
    if host.cpus is not None:
        # A base input lists online CPUs alone: that one is missing there does not make it absent.
        present = (
            host.cpus | (host.offline or IdSet()) | (sets.get("offline", IdSet()) if tables.file.base else IdSet())
        )
        for key, cpus in sets.items():
            if not cpus <= present:
                tables.refuse("cpus", key.partition(".")[0], f"the host has no CPU {cpus - present}")
    offline = sets.get("offline")
    host = replace(
        host,
        isolated=sets.get("isolated", host.isolated),
        housekeeping=sets.get(word, host.housekeeping),
        offline=offline if offline is not None else host.offline,
    )
    return _without(host, offline) if offline else host


def _without(host: Host, offline: HostCpus) -> Host:
    """The host with CPUs taken off line: they are in no node, socket, core or cache."""

    def rest(sets: tuple[HostCpus, ...] | None) -> tuple[HostCpus, ...] | None:
        return None if sets is None else tuple(each - offline for each in sets if each - offline)

    nodes = host.nodes and tuple(
        node if node.cpus is None else replace(node, cpus=node.cpus - offline) for node in host.nodes
    )
    l3 = host.l3 and tuple(replace(cache, cpus=cache.cpus - offline) for cache in host.l3 if cache.cpus - offline)
    cpus = None if host.cpus is None else host.cpus - offline
    return replace(host, cpus=cpus, nodes=nodes, sockets=rest(host.sockets), cores=rest(host.cores), l3=l3)


def _with_l3(host: Host, tables: Tables) -> Host:
    if not tables.file.l3:
        return host
    if tables.file.topology is not None and host.l3 is not None:
        tables.refuse("[[l3]] 1", None, "cores_per_l3 is given too: write one of the two")
    caches: list[L3] = []
    taken: HostCpus = IdSet()
    for number, raw in enumerate(tables.file.l3, 1):
        table = f"[[l3]] {number}"
        entry = tables.decode(L3Entry, raw, table)
        cpus: HostCpus = tables.ids(entry.cpus, table, "cpus")
        if host.cpus is not None and not cpus <= host.cpus:
            tables.refuse(table, "cpus", f"the host has no CPU {cpus - host.cpus} online")
        if taken & cpus:
            tables.refuse(table, "cpus", f"CPU {taken & cpus} is in another L3 too")
        taken |= cpus
        caches.append(L3(cpus, tables.size(entry.size, table, "size") if entry.size is not None else None))
    return replace(host, l3=tuple(caches))


def _recognise(head: Head) -> bool:
    """A TOML file with the key ``format`` before its first table."""
    if head.element is not None:
        return False
    for line in head.text.splitlines():
        text = line.strip()
        if text.startswith("["):
            return False
        if re.match(r"format\s*=\s*[0-9]", text):
            return True
    return False


FORMAT = HostFormat("host.toml", 60, _recognise, load)
