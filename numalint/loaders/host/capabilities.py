"""Hosts from ``virsh capabilities``: nodes, CPUs, cores, sockets, L3 caches, memory, huge page pools, distances.

It states neither PCI devices nor offline or isolated CPUs. The summary in ``host/cpu/topology`` is not read: its
sockets are counted per node.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from numalint.loaders.document import Document, LoadError, ReadInput
from numalint.loaders.host.values import LARGEST_CPU, LARGEST_NODE, LARGEST_SIZE, Values, cut, host_name, in_order
from numalint.loaders.xml import Element, parse
from numalint.model.host import L3, Host, Node, Pool
from numalint.model.idset import HostCpu, HostCpus, HostNode, IdSet
from numalint.model.place import TEXT

_LARGEST_BASE_PAGE = 64 << 10
"""No kernel has larger base pages; a larger size is that of huge pages."""
_LARGEST_LABEL = (1 << 32) - 1
_MOST_SIBLINGS = 64
"""No core has as many threads (POWER has 8)."""

_SELF = 10
"""The distance of a node to itself; the kernel takes no table that says otherwise."""


class _Cpu(msgspec.Struct):
    """A CPU as a cell lists it; ``core`` is (socket, die, cluster, core), which are labels."""

    id: HostCpu
    core: tuple[int, int, int, int] | None
    siblings: HostCpus | None


def load(document: Document, read_input: ReadInput) -> Host:  # noqa: ARG001  # the hook's signature
    """The host of a capabilities document. Raises LoadError."""
    root = parse(document)
    values = Values(document, root, placed=("topology", "cell"))
    topology = root.find("host/topology")
    if topology is None:
        raise LoadError(
            "this capabilities XML has no <topology>: host CPU placement cannot be checked",
            document.path,
            help="take it from a QEMU/KVM host: virsh -c qemu:///system capabilities",
        )
    notes: list[str] = []
    cells = topology.findall("cells/cell")
    if not cells:
        values.refuse(topology, None, "this capabilities XML has a <topology> without cells")
    listed = _without_offline(_listed(cells, values, notes), notes)
    cpus = [cpu for each in listed for cpu in each]
    online: HostCpus = IdSet.of(cpu.id for cpu in cpus)
    sockets, cores = _sockets_and_cores(cpus, online, notes)
    return Host(
        name=host_name(document.path),
        sources=(document.path,),
        arch=root.findtext("host/cpu/arch"),
        cpus=online if cpus else None,
        nodes=_nodes(root, cells, listed, values, notes),
        sockets=sockets,
        cores=cores,
        l3=_l3(root, online, values),
        place=values.place(topology),
        notes=tuple(notes),
    )


def _listed(cells: list[Element], values: Values, notes: list[str]) -> list[list[_Cpu]]:
    """The CPUs of each cell. The kernel's numa=fake puts one CPU in several cells: the first has it."""
    home: dict[HostCpu, str] = {}
    elsewhere: dict[tuple[str, str], list[HostCpu]] = {}
    found = []
    for cell in cells:
        node, cpus = cell.get("id", ""), []
        for element in cell.iterfind("cpus/cpu"):
            number = HostCpu(values.number(element, "id", LARGEST_CPU))
            if number not in home:
                home[number] = node
                cpus.append(_cpu(number, element, values))
            elif home[number] != node:
                elsewhere.setdefault((home[number], node), []).append(number)
        found.append(cpus)
    for (first, other), numbers in elsewhere.items():
        some: HostCpus = IdSet.of(numbers)
        what = f"CPU {some} is" if len(some) == 1 else f"CPUs {cut(str(some))} are"
        notes.append(f"{what} in nodes {first} and {other}: took {first}")
    return found


def _without_offline(listed: list[list[_Cpu]], notes: list[str]) -> list[list[_Cpu]]:
    """Drops CPUs that have no ids where others have: so an old release shows one that is offline."""
    bare: HostCpus = IdSet.of(cpu.id for cpus in listed for cpu in cpus if cpu.core is None)
    if len(bare) == sum(map(len, listed)):
        return listed
    if bare:
        notes.append(
            f"CPUs {cut(str(bare))} are listed without a socket, as libvirt shows offline CPUs: taken as offline"
        )
    return [[cpu for cpu in cpus if cpu.core is not None] for cpus in listed]


def _cpu(number: HostCpu, element: Element, values: Values) -> _Cpu:
    """One <cpu>. libvirt writes the ids and the siblings all together or not at all."""
    if element.get("socket_id") is None or element.get("siblings") is None:
        return _Cpu(number, None, None)
    socket, die, cluster, core = (
        values.number_or_none(element, name, _LARGEST_LABEL) or 0
        for name in ("socket_id", "die_id", "cluster_id", "core_id")
    )
    return _Cpu(number, (socket, die, cluster, core), values.cpus(element, "siblings"))


def _sockets_and_cores(
    cpus: list[_Cpu], online: HostCpus, notes: list[str]
) -> tuple[tuple[HostCpus, ...] | None, tuple[HostCpus, ...] | None]:
    """The sockets and cores, None where the ids are absent or stand for "not known"."""
    if any(cpu.core is None for cpu in cpus) or not cpus:
        return None, None
    filled = _filled_in(cpus)
    if filled:
        notes.append(
            f"CPUs {cut(str(filled))} all say socket 0, core 0: libvirt did not know; sockets and cores are not known"
        )
        return None, None
    sockets: dict[int, int] = defaultdict(int)
    for cpu in cpus:
        assert cpu.core is not None
        sockets[cpu.core[0]] |= 1 << cpu.id
    return in_order(map(IdSet, sockets.values())), _cores(cpus, online, notes)


def _filled_in(cpus: list[_Cpu]) -> HostCpus:
    """CPUs of which libvirt wrote socket 0, core 0 and no sibling because the kernel did not say.

    The sign is that several CPUs would be one core and yet no siblings.
    """
    alone: HostCpus = IdSet.of(
        cpu.id for cpu in cpus if cpu.core == (0, 0, 0, 0) and cpu.siblings == IdSet(1 << cpu.id)
    )
    return alone if len(alone) > 1 else IdSet()


def _cores(cpus: list[_Cpu], online: HostCpus, notes: list[str]) -> tuple[HostCpus, ...] | None:
    """The cores: sets of CPUs that name each other as siblings."""
    siblings = {cpu.id: (cpu.siblings or IdSet()).mask for cpu in cpus}
    named = 0
    for mask in siblings.values():
        named |= mask
    foreign: HostCpus = IdSet(named & ~online.mask)
    if foreign:
        notes.append(f"CPUs {cut(str(foreign))} are siblings but in no cell: left out")
    siblings = {cpu: mask & online.mask | 1 << cpu for cpu, mask in siblings.items()}
    stated_by: dict[int, int] = {}
    for cpu, mask in siblings.items():
        stated_by[mask] = stated_by.get(mask, 0) | 1 << cpu
    agreed = all(mask == members for mask, members in stated_by.items())
    masks = list(stated_by) if agreed else _mutual(siblings)
    if masks is None:
        notes.append("the siblings of its CPUs contradict each other: cores are not known")
        return None
    return in_order(map(IdSet, masks))


def _mutual(siblings: dict[HostCpu, int]) -> list[int] | None:
    """Of sets that differ, those CPUs of each that name it back; None where these are no cores."""
    if any(mask.bit_count() > _MOST_SIBLINGS for mask in siblings.values()):
        return None
    cores: dict[int, None] = {}
    for cpu, mask in siblings.items():
        named: HostCpus = IdSet(mask)
        cores[IdSet.of(each for each in named if siblings[each] >> cpu & 1).mask] = None
    return list(cores) if sum(mask.bit_count() for mask in cores) == len(siblings) else None


def _nodes(
    root: Element, cells: list[Element], listed: list[list[_Cpu]], values: Values, notes: list[str]
) -> tuple[Node, ...]:
    base = _base_page(root, values)
    has_memory = any(cell.find("memory") is not None for cell in cells)
    has_pages = any(cell.find("pages") is not None for cell in cells)
    has_cpus = any(listed)
    ids = _ids(cells, values)
    distances = _distances(ids, cells, values, notes)
    found = []
    for number, cell, cpus in zip(ids, cells, listed, strict=True):
        memory = cell.find("memory")
        node = Node(
            id=number,
            cpus=IdSet.of(cpu.id for cpu in cpus) if has_cpus else None,
            # A node without memory has no <memory>; releases that never wrote it leave it out of every cell.
            memory_bytes=(values.size(memory, TEXT) if memory is not None else 0) if has_memory else None,
            distances=distances[number],
            hugepages=_pools(cell, base, values) if has_pages else None,
            place=values.place(cell),
        )
        found.append(node)
    return tuple(sorted(found, key=lambda node: node.id))


def _ids(cells: list[Element], values: Values) -> list[HostNode]:
    found: dict[HostNode, None] = {}
    for cell in cells:
        number = HostNode(values.number(cell, "id", LARGEST_NODE))
        if number in found:
            values.refuse(cell, "id", f"node {number} is described twice")
        found[number] = None
    return list(found)


def _base_page(root: Element, values: Values) -> int:
    """The size of an ordinary page in bytes: the smallest that the host has."""
    sizes = {values.size(_sized(pages, values), "size") for pages in _pages(root)}
    return min((size for size in sizes if size <= _LARGEST_BASE_PAGE), default=0)


def _pages(root: Element) -> Iterable[Element]:
    yield from root.iterfind("host/cpu/pages")
    yield from root.iterfind("host/topology/cells/cell/pages")


def _sized(pages: Element, values: Values) -> Element:
    if values.number(pages, "size", LARGEST_SIZE) == 0:
        values.refuse(pages, "size", "<pages> of size 0")
    return pages


def _pools(cell: Element, base: int, values: Values) -> dict[int, Pool]:
    """The pools of pages above the base size: totals, for libvirt says nothing of free ones here."""
    pools = {}
    for pages in cell.iterfind("pages"):
        size = values.size(pages, "size")
        if size > base:
            pools[size] = Pool(total=values.number(pages, TEXT, LARGEST_SIZE))
    return pools


def _distances(
    ids: list[HostNode], cells: list[Element], values: Values, notes: list[str]
) -> dict[HostNode, dict[HostNode, int]]:
    """The row of each node. Where nodes are offline libvirt can take one node's column for another's."""
    known = set(ids)
    rows = {node: _row(cell, known, values) for node, cell in zip(ids, cells, strict=True)}
    wrong = next((node for node, row in rows.items() if row.get(node, _SELF) != _SELF), None)
    if wrong is None:
        return rows
    notes.append(
        f"node {wrong} is at distance {rows[wrong][wrong]} from itself, where {_SELF} is the only one: "
        "libvirt mixed up the columns, distances are not known"
    )
    return {node: {} for node in ids}


def _row(cell: Element, known: set[HostNode], values: Values) -> dict[HostNode, int]:
    row = {
        HostNode(values.number(sibling, "id", LARGEST_NODE)): values.number(sibling, "value", 255)
        for sibling in cell.iterfind("distances/sibling")
    }
    return {node: value for node, value in row.items() if node in known}


def _l3(root: Element, online: HostCpus, values: Values) -> tuple[L3, ...] | None:
    """The level 3 caches of the CPUs that some cell has; libvirt lists no lower level, so none listed is none known."""
    caches: dict[HostCpus, L3] = {}
    for bank in root.iterfind("host/cache/bank"):
        cpus = values.cpus(bank, "cpus") & online if bank.get("level") == "3" else None
        if cpus:
            caches[cpus] = L3(cpus, values.size(bank, "size") if bank.get("size") is not None else None)
        if len(caches) > len(online):
            values.refuse(bank, None, f"there are more L3 caches than the {len(online)} CPUs")
    return tuple(caches[cpus] for cpus in in_order(caches)) or None
