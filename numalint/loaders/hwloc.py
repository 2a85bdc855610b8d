"""Hosts from hwloc's XML (``lstopo host.xml``), versions 1 to 3: the topology, and PCI devices by locality.

It states no isolated CPUs, no free huge pages, and of offline CPUs only version 1 says something. A device that
is not there may have been left out by lstopo as unimportant, so the list of devices is never complete.
"""

from __future__ import annotations

import re

import msgspec

from numalint.loaders.document import Document, Head, HostFormat, LoadError, ReadInput
from numalint.loaders.host_values import LARGEST_CPU, LARGEST_NODE, LARGEST_SIZE, Values, host_name
from numalint.loaders.hwloc_matrix import read_distances
from numalint.loaders.xml import Element, index, parse
from numalint.model.host import L3, Host, Node, PciAddress, PciBuses, PciDevice, Pool
from numalint.model.idset import HostCpus, HostNode, IdSet

NEWEST = (3, 0)
_IO = ("Bridge", "PCIDev", "OSDev")
_KINDS = {"DRAM": "dram", "HBM": "hbm", "MCDRAM": "hbm", "NVM": "pmem", "GPUMemory": "gpu", "CXL-DRAM": "cxl"}
_LARGEST_BASE_PAGE = 64 << 10
_BUSES = re.compile(r"([0-9a-fA-F]{4,8}):\[([0-9a-fA-F]{2})-([0-9a-fA-F]{2})\]")


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
    devices: list[tuple[Element, Element]] = []
    """PCI devices and host bridges, each with the object that is not I/O below which it stands."""
    names: dict[Element, list[str]] = {}


def load(document: Document, read_input: ReadInput) -> Host:  # noqa: ARG001  # the hook's signature
    """The host of a hwloc document. Raises LoadError."""
    root = parse(document, doctype_allowed=True)
    values = Values(document, index(root))
    notes = _notes_on_version(root, document)
    machine = root.find("object[@type='Machine']")
    if machine is None:
        values.refuse(root, None, "this hwloc XML has no Machine: nothing can be known of the host")
    found = _Found()
    _walk(machine, (), found, values)
    found.cpus = online = _online(machine, found, values)
    nodes = _nodes(root, machine, found, notes, values)
    pci, buses = _pci(root, found, nodes, notes, values)
    infos = {info.get("name"): info.get("value") for info in (*root.iterfind("info"), *machine.iterfind("info"))}
    cgroup = infos.get("LinuxCgroup") or "/"
    if cgroup != "/":
        notes.append(f"this XML was made inside cgroup {cgroup}: it may show only a part of the host")
    return Host(
        name=host_name(document.path),
        sources=(document.path,),
        arch=infos.get("Architecture"),
        cpus=IdSet(online),
        offline=_offline(machine, online, values),
        nodes=nodes,
        sockets=_partition(found.packages, online),
        cores=_partition(found.cores, online),
        l3=_l3(found, online, values),
        pci=pci,
        pci_buses=buses,
        place=values.place(machine),
        notes=tuple(notes),
    )


def _notes_on_version(root: Element, document: Document) -> list[str]:
    text = root.get("version", "1.0")
    match = re.fullmatch(r"([0-9]{1,4})\.([0-9]{1,4})", text)
    newest = ".".join(map(str, NEWEST))
    if match is None or int(match[1]) > NEWEST[0]:
        raise LoadError(
            f"hwloc XML version {text} is newer than I know ({newest})",
            document.path,
            help="write it with lstopo --export-xml-flags v2",
        )
    if int(match[1]) == NEWEST[0] and int(match[2]) > NEWEST[1]:
        return [f"hwloc XML version {text} is newer than I know ({newest}): what is new in it is not read"]
    return []


def _walk(
    element: Element, above: tuple[tuple[dict[Element, int], Element], ...], found: _Found, values: Values
) -> None:
    """Reads an object and those below it; ``above`` are the package, core and caches that it is in."""
    kind = element.get("type", "")
    if kind == "PU":
        bit = 1 << values.number(element, "os_index", LARGEST_CPU)
        if found.cpus & bit:
            values.refuse(element, "os_index", f"CPU {element.get('os_index')} is described twice")
        found.cpus |= bit
        for masks, holder in above:
            masks[holder] = masks.get(holder, 0) | bit
    elif kind == "NUMANode":
        node = HostNode(values.number(element, "os_index", LARGEST_NODE))
        found.memories.append(_Memory(node, bitmap(element, "cpuset", values), element))
    own = _masks_of(element, kind, found)
    if own is not None:
        above = (*above, (own, element))
    for child in element.iterfind("object"):
        if child.get("type") in _IO:
            _walk_io(child, element, None, found)
        else:
            _walk(child, above, found, values)


def _masks_of(element: Element, kind: str, found: _Found) -> dict[Element, int] | None:
    if kind in ("Package", "Socket"):
        return found.packages
    if kind == "Core":
        return found.cores
    if kind == "L3Cache" or (kind == "Cache" and element.get("depth") == "3" and element.get("cache_type") != "2"):
        return found.l3
    return None


def _walk_io(element: Element, locality: Element, device: Element | None, found: _Found) -> None:
    """Reads an I/O object; ``device`` is the PCI device above, to which names of OS devices go."""
    kind = element.get("type")
    if kind == "PCIDev":
        device = element
    if kind == "PCIDev" or (kind == "Bridge" and element.get("bridge_type", "").startswith("0-")):
        found.devices.append((element, locality))
    name = element.get("name")
    if kind == "OSDev" and name and device is not None:
        known = found.names.setdefault(device, [])
        if name not in known:
            known.append(name)
    for child in element.iterfind("object"):
        _walk_io(child, locality, device, found)


def bitmap(element: Element, attribute: str, values: Values) -> int:
    """A set of hwloc: 32-bit words from the most significant, each with 0x, an empty one being 0.

    ``0xf...f`` at the start stands for all bits above: then the mask is negative, without end. Absent: 0.
    """
    text = element.get(attribute, "").strip()
    mask, words = 0, text.split(",") if text else []
    if words and words[0] == "0xf...f":
        mask, words = -1, words[1:]
    if len(words) > (LARGEST_CPU + 1) // 32:
        values.refuse(element, attribute, f"{attribute} names CPUs above {LARGEST_CPU}")
    for word in words:
        if not re.fullmatch(r"(?:0x[0-9a-fA-F]{1,8})?", word):
            values.refuse(element, attribute, f"{attribute}='{text[:60]}' is not a bitmap of hwloc")
        mask = mask << 32 | int(word or "0", 16)
    return mask


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
    return tuple(IdSet(mask) for mask in sets) if sets and covered == online else None


def _l3(found: _Found, online: int, values: Values) -> tuple[L3, ...] | None:
    """The L3 caches; without any, whether there is one is not known (hwloc drops what it cannot place)."""
    caches = tuple(
        L3(IdSet(mask & online), values.number_or_none(element, "cache_size", LARGEST_SIZE) or None)
        for element, mask in found.l3.items()
        if mask & online
    )
    return caches or None


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
    nodes = []
    for memory in sorted(memories, key=lambda memory: memory.id):
        cpus = homes[memory.id]
        near = IdSet.of(other for other, mask in homes.items() if not cpus and mask & memory.local)
        nodes.append(
            Node(
                id=memory.id,
                cpus=IdSet(cpus),
                memory_bytes=values.number_or_none(memory.element, "local_memory", LARGEST_SIZE) or 0,
                distances=distances.get(memory.id, {}),
                hugepages=_pools(memory.element, values),
                kind=_KINDS.get(memory.element.get("subtype", "")),
                near=near,
                place=values.place(memory.element),
            )
        )
    return tuple(nodes)


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
            _KINDS.get(memory.element.get("subtype", "")) not in (None, "dram"),
            memory.id,
        ),
    ):
        homes[memory.id] = memory.local & free
        free &= ~memory.local
    return homes


def _pools(element: Element, values: Values) -> dict[int, Pool] | None:
    """The pools of pages above the base size; version 3 does not say."""
    types = element.findall("page_type")
    pools = {}
    for each in types:
        size = values.number(each, "size", LARGEST_SIZE)
        if size > _LARGEST_BASE_PAGE:
            pools[size] = Pool(total=values.number(each, "count", LARGEST_SIZE))
    return pools if types else None


def _pci(
    root: Element, found: _Found, nodes: tuple[Node, ...], notes: list[str], values: Values
) -> tuple[dict[PciAddress, PciDevice] | None, tuple[PciBuses, ...]]:
    """The PCI devices and the buses of host bridges, each on the node to which it is local."""
    pci: dict[PciAddress, PciDevice] = {}
    buses: dict[tuple[int, int, int], PciBuses] = {}
    for element, locality in found.devices:
        node = _node_of(locality, nodes, values)
        if element.get("type") == "PCIDev":
            address = _address(element, values)
            names = tuple(found.names.get(element, ()))
            if address in pci:
                notes.append(f"PCI device {address} is described twice: its node is not known where they differ")
                node = node if node == pci[address].node else None
                names = (*pci[address].names, *names)
            pci[address] = PciDevice(address, node, names, place=values.place(element))
        elif node is not None and (match := _BUSES.fullmatch(element.get("bridge_pci", ""))):
            domain, first, last = (int(part, 16) for part in match.groups())
            buses[domain, first, last] = PciBuses(domain, first, last, node)
    for element in root.iterfind("pci_locality"):
        node = _only(bitmap(element, "cpuset", values), nodes)
        domain, first, last = (
            values.number(element, name, largest, hexadecimal=True)
            for name, largest in (("domain", 0xFFFFFFFF), ("bus_min", 0xFF), ("bus_max", 0xFF))
        )
        if node is not None:
            buses[domain, first, last] = PciBuses(domain, first, last, node)
    return pci or None, tuple(buses.values())


def _address(element: Element, values: Values) -> PciAddress:
    text = values.text(element, "pci_busid")
    try:
        return PciAddress.parse(text)
    except ValueError as error:
        values.refuse(element, "pci_busid", str(error))


def _node_of(locality: Element, nodes: tuple[Node, ...], values: Values) -> HostNode | None:
    """The node of what is local to an object: its only node, or its only node that has CPUs.

    The whole machine, on a host of several nodes, is how hwloc says that it does not know.
    """
    if len(nodes) == 1:
        return nodes[0].id
    if locality.get("type") == "Machine":
        return None
    wanted = bitmap(locality, "nodeset", values)
    inside = [node.id for node in nodes if wanted >> node.id & 1]
    return inside[0] if len(inside) == 1 else _only(bitmap(locality, "cpuset", values), nodes)


def _only(cpus: int, nodes: tuple[Node, ...]) -> HostNode | None:
    """The node of all of ``cpus``, None where they are on several."""
    homes = [node.id for node in nodes if node.cpus is not None and node.cpus.mask & cpus]
    return homes[0] if len(homes) == 1 else None


def _recognise(head: Head) -> bool:
    return head.element == "topology" and not head.namespace and '"Machine"' in head.text.replace("'", '"')


FORMAT = HostFormat("hwloc", 30, _recognise, load)
