"""Hosts from hwloc's XML (``lstopo host.xml``), versions 1 to 3: the topology, and PCI devices by locality.

It states no isolated CPUs, no free huge pages, and of offline CPUs only version 1 says something. A device that
is not there may have been left out by lstopo as unimportant, so the list of devices is never complete.
"""

from __future__ import annotations

import re

import msgspec

from numalint.loaders.document import Document, LoadError, ReadInput
from numalint.loaders.host.hwloc_bitmap import bitmap
from numalint.loaders.host.hwloc_io import IO_TYPES, IoObjects, Localities, read_pci
from numalint.loaders.host.hwloc_matrix import read_distances
from numalint.loaders.host.values import LARGEST_CPU, LARGEST_NODE, LARGEST_SIZE, Values, cut, host_name, in_order
from numalint.loaders.xml import Element, parse
from numalint.model.host import L3, Host, Node, Pool
from numalint.model.idset import HostCpus, HostNode, IdSet

NEWEST = (3, 0)
_MEMORY_KINDS = {"DRAM": "dram", "HBM": "hbm", "MCDRAM": "hbm", "NVM": "pmem", "GPUMemory": "gpu", "CXL-DRAM": "cxl"}
_CORE_KINDS = {"IntelCore": "performance", "IntelAtom": "efficiency", "IntelLowPower": "efficiency"}
_LARGEST_BASE_PAGE = 64 << 10


class _Memory(msgspec.Struct):
    """A NUMANode; ``local`` is the mask of the CPUs that it is local to, which several nodes may share."""

    id: HostNode
    local: int
    element: Element


class _Found(msgspec.Struct):
    """What one walk over the tree has met; masks of CPUs by object."""

    cpus: int = 0
    packages: dict[Element, int] = {}
    cores: dict[Element, int] = {}
    l3: dict[Element, int] = {}
    memories: list[_Memory] = []
    io: IoObjects = msgspec.field(default_factory=IoObjects)


class _Above(msgspec.Struct, frozen=True):
    """The nearest objects of each kind that an object is in."""

    package: Element | None = None
    core: Element | None = None
    l3: Element | None = None


def load(document: Document, read_input: ReadInput) -> Host:  # noqa: ARG001  # the hook's signature
    """The host of a hwloc document. Raises LoadError."""
    root = parse(document, doctype_allowed=True)
    values = Values(document, root, placed=("object",))
    notes = _notes_on_version(root, document)
    machine = root.find("object[@type='Machine']")
    if machine is None:
        values.refuse(
            root,
            None,
            "this hwloc XML has no Machine: nothing can be known of the host",
            "write it with lstopo host.xml on the host itself",
        )
    found = _Found()
    _walk(machine, _Above(), found, values)
    found.cpus = online = _online(machine, found, values)
    nodes = _nodes(root, machine, found, notes, values)
    at = Localities(nodes, values)
    pci, buses = read_pci(root, found.io, at, notes, values)
    infos = {info.get("name"): info.get("value") for info in (*root.iterfind("info"), *machine.iterfind("info"))}
    cgroup = infos.get("LinuxCgroup") or "/"
    if cgroup != "/":
        notes.append(f"this XML was made inside cgroup {cut(cgroup)}: it may show only a part of the host")
    return Host(
        name=host_name(document.path),
        sources=(document.path,),
        arch=infos.get("Architecture"),
        cpus=IdSet(online),
        offline=_offline(machine, online, values),
        nodes=_named(nodes, found.io, at),
        sockets=_partition(found.packages, online),
        cores=_partition(found.cores, online),
        l3=_l3(found, online, values),
        kinds=_kinds(root, online, values),
        pci=pci,
        pci_buses=buses,
        place=values.place(machine),
        notes=tuple(notes),
    )


def _notes_on_version(root: Element, document: Document) -> list[str]:
    text = root.get("version", "1.0")
    match = re.fullmatch(r"([0-9]{1,4})\.([0-9]{1,4})", text, re.ASCII)
    newest = ".".join(map(str, NEWEST))
    if match is None:
        raise LoadError(f"hwloc XML version {cut(text)!r} is no version", document.path)
    if int(match[1]) > NEWEST[0]:
        raise LoadError(
            f"hwloc XML version {text} is newer than I know ({newest})",
            document.path,
            help="write it with lstopo --export-xml-flags v2",
        )
    if int(match[1]) == NEWEST[0] and int(match[2]) > NEWEST[1]:
        return [f"hwloc XML version {text} is newer than I know ({newest}): what is new in it is not read"]
    return []


def _walk(element: Element, above: _Above, found: _Found, values: Values) -> None:
    """Reads an object and those below it."""
    kind = element.get("type", "")
    if kind == "PU":
        _add_cpu(element, above, found, values)
    elif kind == "NUMANode":
        node = HostNode(values.number(element, "os_index", LARGEST_NODE))
        found.memories.append(_Memory(node, bitmap(element, "cpuset", values), element))
    elif kind in ("Package", "Socket"):
        above = msgspec.structs.replace(above, package=element)
    elif kind == "Core":
        above = msgspec.structs.replace(above, core=element)
    elif kind == "L3Cache" or (kind == "Cache" and element.get("depth") == "3" and element.get("cache_type") != "2"):
        above = msgspec.structs.replace(above, l3=element)
    for child in element.iterfind("object"):
        if child.get("type") in IO_TYPES:
            found.io.add(child, element)
        else:
            _walk(child, above, found, values)


def _add_cpu(element: Element, above: _Above, found: _Found, values: Values) -> None:
    number = values.number(element, "os_index", LARGEST_CPU)
    bit = 1 << number
    if found.cpus & bit:
        values.refuse(element, "os_index", f"CPU {number} is described twice")
    found.cpus |= bit
    for masks, holder in ((found.packages, above.package), (found.cores, above.core), (found.l3, above.l3)):
        if holder is not None:
            masks[holder] = masks.get(holder, 0) | bit


def _online(machine: Element, found: _Found, values: Values) -> int:
    if not found.cpus:
        values.refuse(machine, None, "this hwloc XML has no PU: it has no CPUs")
    if machine.get("online_cpuset") is None:
        return found.cpus
    return found.cpus & bitmap(machine, "online_cpuset", values)


def _offline(machine: Element, online: int, values: Values) -> HostCpus | None:
    """The offline CPUs; only version 1 tells them from CPUs that are absent."""
    if machine.get("online_cpuset") is None:
        return None
    complete = bitmap(machine, "complete_cpuset", values)
    return IdSet(complete & ~online) if complete > 0 else None


def _partition(masks: dict[Element, int], online: int) -> tuple[HostCpus, ...] | None:
    """The sets of CPUs, None where some CPU is in none of them: then that CPU's is not known."""
    sets = [mask & online for mask in masks.values() if mask & online]
    covered = 0
    for mask in sets:
        covered |= mask
    return in_order(map(IdSet, sets)) if sets and covered == online else None


def _l3(found: _Found, online: int, values: Values) -> tuple[L3, ...] | None:
    """The L3 caches; without any, whether there is one is not known (hwloc drops what it cannot place)."""
    sizes: dict[HostCpus, int | None] = {
        IdSet(mask & online): values.number_or_none(element, "cache_size", LARGEST_SIZE) or None
        for element, mask in found.l3.items()
        if mask & online
    }
    return tuple(L3(cpus, sizes[cpus]) for cpus in in_order(sizes)) or None


def _nodes(root: Element, machine: Element, found: _Found, notes: list[str], values: Values) -> tuple[Node, ...]:
    memories = found.memories
    if not memories:  # version 1 has none where the kernel knows no nodes: the memory is the Machine's
        memories = [_Memory(HostNode(0), found.cpus, machine)]
        notes.append("this hwloc XML has no NUMANode: took all CPUs and memory as node 0")
    seen: set[HostNode] = set()
    for memory in memories:
        if memory.id in seen:
            values.refuse(memory.element, "os_index", f"node {memory.id} is described twice")
        seen.add(memory.id)
    homes = _homes(memories, found.cpus)
    distances = read_distances(root, machine, {memory.id: memory.element for memory in memories}, values)
    base = _base_page(machine, values)
    return tuple(
        Node(
            id=memory.id,
            cpus=IdSet(homes[memory.id]),
            memory_bytes=values.number_or_none(memory.element, "local_memory", LARGEST_SIZE) or 0,
            distances=distances.get(memory.id, {}),
            hugepages=_pools(memory.element, base, values),
            kind=_memory_kind(memory.element),
            near=_near(memory, homes, values),
            place=values.place(memory.element),
        )
        for memory in sorted(memories, key=lambda memory: memory.id)
    )


def _memory_kind(element: Element) -> str | None:
    """What the memory of a node is, where hwloc knows it; version 1 says so in an info."""
    said = element.get("subtype")
    if said is None:
        said = next((info.get("value") for info in element.iterfind("info") if info.get("name") == "Type"), None)
    return _MEMORY_KINDS.get(said or "")


def _homes(memories: list[_Memory], online: int) -> dict[HostNode, int]:
    """The CPUs at home on each node. hwloc only says to which CPUs a node is local.

    A CPU's home is the node with the fewest CPUs, among equals that of DRAM, else that of the lowest number; the
    others (HBM, CXL, a node without CPUs) get none.
    """
    free = online
    homes = dict.fromkeys((memory.id for memory in memories), 0)
    for memory in sorted(
        memories,
        key=lambda memory: (
            (memory.local & online).bit_count(),
            _memory_kind(memory.element) not in (None, "dram"),
            memory.id,
        ),
    ):
        homes[memory.id] = memory.local & free
        free &= ~memory.local
    return homes


def _near(memory: _Memory, homes: dict[HostNode, int], values: Values) -> IdSet[HostNode]:
    """The nodes whose CPUs a node without CPUs is local to: in version 1, those of the object that it stands in."""
    if homes[memory.id]:
        return IdSet()
    local, parent = memory.local, memory.element.getparent()
    if not local and parent is not None and parent.get("type") != "Machine":
        local = bitmap(parent, "cpuset", values)
    return IdSet.of(node for node, cpus in homes.items() if cpus & local)


def _named(nodes: tuple[Node, ...], found: IoObjects, at: Localities) -> tuple[Node, ...]:
    """The nodes with the names of devices that are on them and on no PCI device (DAX, persistent memory)."""
    names: dict[HostNode | None, dict[str, None]] = {}
    for name, locality in found.others:
        names.setdefault(at.node_of(locality), {})[name] = None
    return tuple(
        msgspec.structs.replace(node, names=tuple(names[node.id])) if node.id in names else node for node in nodes
    )


def _kinds(root: Element, online: int, values: Values) -> dict[str, HostCpus] | None:
    """The performance and the efficiency CPUs of a hybrid host, None where hwloc does not say that it is one."""
    masks: dict[str, int] = {}
    for each in root.iterfind("cpukind"):
        said = next((info.get("value") for info in each.iterfind("info") if info.get("name") == "CoreType"), None)
        kind = _CORE_KINDS.get(said or "")
        cpus = bitmap(each, "cpuset", values) & online
        if kind is not None and cpus:
            masks[kind] = masks.get(kind, 0) | cpus
    return {kind: IdSet(masks[kind]) for kind in sorted(masks)} if len(masks) > 1 else None


def _base_page(machine: Element, values: Values) -> int:
    """The size of an ordinary page in bytes: the smallest that some node lists. Version 3 lists none."""
    sizes = (values.number(each, "size", LARGEST_SIZE) for each in machine.iter("page_type"))
    return min((size for size in sizes if size <= _LARGEST_BASE_PAGE), default=0)


def _pools(element: Element, base: int, values: Values) -> dict[int, Pool] | None:
    """The pools of pages above the base size; version 3 does not say."""
    types = element.findall("page_type")
    pools = {}
    for each in types:
        size = values.number(each, "size", LARGEST_SIZE)
        if size > base:
            pools[size] = Pool(total=values.number(each, "count", LARGEST_SIZE))
    return pools if types else None
