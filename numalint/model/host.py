"""A host as its inputs declare it. What no input states is None: unknown is never zero, and never node 0."""

from __future__ import annotations

import enum
import functools
import re
from typing import NamedTuple

import msgspec

from numalint.model.device_name import canonical_name, whole_disk
from numalint.model.idset import HostCpu, HostCpus, HostNode, HostNodes, IdSet, union
from numalint.model.place import Place

NEAR = 12
"""Nodes at this distance or less are parts of one socket (SNC, NPS, L3 as NUMA): crossing costs little."""


class Fact(enum.StrEnum):
    """What can be known of a host; the one list behind ``needs``, ``unknown``, --require and "not judged"."""

    NODES = "nodes"
    SOCKETS = "sockets"
    CORES = "cores"
    L3 = "l3"
    MEMORY = "memory"
    DISTANCES = "distances"
    HUGEPAGES = "hugepages"
    HUGEPAGES_FREE = "hugepages-free"
    PCI = "pci"
    PCI_NODE = "pci-node"
    NAMES = "names"
    ISOLATED = "isolated"
    OFFLINE = "offline"
    HOUSEKEEPING = "housekeeping"
    IOMMU_GROUPS = "iommu-groups"


class PciAddress(NamedTuple):
    """The address of a PCI function, always written ``dddd:bb:ss.f`` in hexadecimal."""

    domain: int
    bus: int
    slot: int
    function: int

    @classmethod
    def parse(cls, text: str) -> PciAddress:
        """From ``0000:3b:00.0`` or, in domain 0, ``3b:00.0``. Raises ValueError for anything else."""
        match = _PCI_ADDRESS.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a PCI address such as 0000:3b:00.0")
        return cls(*(int(part or "0", 16) for part in match.groups()))

    def __str__(self) -> str:
        return f"{self.domain:04x}:{self.bus:02x}:{self.slot:02x}.{self.function:x}"


_PCI_ADDRESS = re.compile(r"(?:([0-9a-fA-F]{4,8}):)?([0-9a-fA-F]{2}):([0-9a-fA-F]{2})\.([0-7])")


class Pool(msgspec.Struct, frozen=True):
    """Huge pages of one size on one node, in pages."""

    total: int | None = None
    free: int | None = None


class Node(msgspec.Struct, frozen=True):
    """A NUMA node of the host. ``id`` is a label: ids may have gaps, and node 0 may be absent.

    ``cpus`` are the online CPUs whose home it is (empty: a memory-only node); ``memory_bytes`` is its total,
    ``reserved_bytes`` what the host keeps of it; ``hugepages`` maps a page size in bytes to its pool;
    ``distances`` is its row of the SLIT, empty where unknown. ``names`` are those of devices that are on it and on no
    PCI device: DAX, persistent memory.
    """

    id: HostNode
    cpus: HostCpus | None = None
    memory_bytes: int | None = None
    reserved_bytes: int = 0
    distances: dict[HostNode, int] = {}
    hugepages: dict[int, Pool] | None = None
    kind: str | None = None
    near: HostNodes = IdSet()
    names: tuple[str, ...] = ()
    place: Place | None = None


class L3(msgspec.Struct, frozen=True):
    """A level 3 cache and the CPUs that share it."""

    cpus: HostCpus
    size_bytes: int | None = None


class PciDevice(msgspec.Struct, frozen=True):
    """A PCI function. ``node`` is None where the firmware did not say; ``names`` are those of its NICs and disks.

    ``aliases`` are further names of these: links in /dev such as ``disk/by-id/...``, the WWPN of an HBA.
    """

    address: PciAddress
    node: HostNode | None = None
    names: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    driver: str | None = None
    iommu_group: int | None = None
    physical_function: PciAddress | None = None
    place: Place | None = None


class PciBuses(msgspec.Struct, frozen=True):
    """Every device on buses ``first`` to ``last`` of a PCI domain is on ``node`` (declared, or a hwloc host bridge)."""

    domain: int
    first: int
    last: int
    node: HostNode


class Region(msgspec.Struct, frozen=True):
    """A socket or a node that has CPUs: the CPUs, and the nodes that hold its memory."""

    id: int
    cpus: HostCpus
    nodes: tuple[Node, ...]


class Host(msgspec.Struct, frozen=True, dict=True):
    """A host, or the part of it that one input states.

    ``sockets`` and ``cores`` are the sets of CPUs of each; a core is the set of its SMT siblings.
    ``cpus`` are the online CPUs; ``kinds`` are those of each kind (``performance``, ``efficiency``) where there are
    several. ``pci`` maps an address to its device, ``complete_pci`` tells that a device
    which is not there does not exist. ``notes`` are sentences on what is odd in the inputs.
    """

    name: str
    sources: tuple[str, ...] = ()
    arch: str | None = None
    cpus: HostCpus | None = None
    offline: HostCpus | None = None
    isolated: HostCpus | None = None
    housekeeping: HostCpus | None = None
    nodes: tuple[Node, ...] | None = None
    sockets: tuple[HostCpus, ...] | None = None
    cores: tuple[HostCpus, ...] | None = None
    l3: tuple[L3, ...] | None = None
    kinds: dict[str, HostCpus] | None = None
    pci: dict[PciAddress, PciDevice] | None = None
    complete_pci: bool = False
    pci_buses: tuple[PciBuses, ...] = ()
    place: Place | None = None
    notes: tuple[str, ...] = ()

    @functools.cached_property
    def unknown(self) -> frozenset[Fact]:
        """The facts that no input of this host states."""
        nodes, pci = self.nodes or (), self.pci or {}
        stated = {
            Fact.NODES: bool(nodes) and all(node.cpus is not None for node in nodes),
            Fact.SOCKETS: self.sockets is not None,
            Fact.CORES: self.cores is not None,
            Fact.L3: self.l3 is not None,
            Fact.MEMORY: bool(nodes) and all(node.memory_bytes is not None for node in nodes),
            Fact.DISTANCES: bool(nodes) and (len(nodes) == 1 or all(node.distances for node in nodes)),
            Fact.HUGEPAGES: bool(nodes) and all(node.hugepages is not None for node in nodes),
            Fact.HUGEPAGES_FREE: bool(nodes)
            and all(
                node.hugepages is not None and all(pool.free is not None for pool in node.hugepages.values())
                for node in nodes
            ),
            Fact.PCI: self.pci is not None or bool(self.pci_buses),
            Fact.PCI_NODE: (self.pci is not None or bool(self.pci_buses))
            and all(self.node_of_pci(device.address) is not None for device in pci.values()),
            Fact.NAMES: any(device.names for device in pci.values()) or any(node.names for node in nodes),
            Fact.ISOLATED: self.isolated is not None,
            Fact.OFFLINE: self.offline is not None,
            Fact.HOUSEKEEPING: self.housekeeping is not None,
            Fact.IOMMU_GROUPS: any(device.iommu_group is not None for device in pci.values()),
        }
        return frozenset(fact for fact, known in stated.items() if not known)

    @functools.cached_property
    def node_by_id(self) -> dict[HostNode, Node]:
        return {node.id: node for node in self.nodes or ()}

    @functools.cached_property
    def memory_nodes(self) -> HostNodes:
        """The nodes that have memory, those whose memory is unknown included."""
        return IdSet.of(node.id for node in self.nodes or () if node.memory_bytes != 0)

    @functools.cached_property
    def one_node(self) -> bool:
        """Whether one node has all the memory: no memory can be remote."""
        return len(self.memory_nodes) == 1

    @functools.cached_property
    def names(self) -> dict[str, PciAddress]:
        """The PCI device of each NIC, disk, mediated device and HBA by its canonical name.

        A name that two devices have is left out: which of them is meant is not known.
        """
        found: dict[str, PciAddress | None] = {}
        for address, device in (self.pci or {}).items():
            for name in map(canonical_name, (*device.names, *device.aliases)):
                found[name] = address if found.get(name, address) == address else None
        return {name: address for name, address in found.items() if address is not None}

    def address_named(self, name: str) -> PciAddress | None:
        """The PCI device that is called so (``nvme0n1p1`` is on that of ``nvme0n1``), None where no input says it."""
        name = canonical_name(name)
        disk = whole_disk(name)
        return self.names.get(name) or (self.names.get(disk) if disk is not None else None)

    def node_named(self, name: str) -> HostNode | None:
        """The node of a device by its name, None where unknown; of what is on no PCI device, that which has it."""
        address = self.address_named(name)
        if address is not None:
            return self.node_of_pci(address)
        wanted = {canonical_name(name), whole_disk(canonical_name(name))}
        on = [node.id for node in self.nodes or () if wanted.intersection(map(canonical_name, node.names))]
        return on[0] if len(on) == 1 else None

    @functools.cached_property
    def socket_regions(self) -> tuple[Region, ...]:
        """The sockets, numbered from 0 in the order of their lowest CPUs."""
        return tuple(
            Region(number, cpus, tuple(node for node in self.nodes or () if node.cpus and node.cpus & cpus))
            for number, cpus in enumerate(self.sockets or ())
        )

    @functools.cached_property
    def node_regions(self) -> tuple[Region, ...]:
        """The nodes that have CPUs, by their ids."""
        return tuple(Region(node.id, node.cpus, (node,)) for node in self.nodes or () if node.cpus)

    @functools.cached_property
    def usable_cpus(self) -> dict[HostNode, HostCpus]:
        """The CPUs of each node that guests may have: those that the host does not keep for itself."""
        kept: HostCpus = self.housekeeping or IdSet()
        return {node.id: (node.cpus or IdSet()) - kept for node in self.nodes or ()}

    @functools.cached_property
    def balanced_cpus(self) -> dict[HostNode, HostCpus]:
        """The CPUs of each node for guests that float over several: those between which the kernel moves threads."""
        return {node: cpus - (self.isolated or IdSet()) for node, cpus in self.usable_cpus.items()}

    @functools.cached_property
    def guest_cpus(self) -> HostCpus:
        """All the CPUs that guests may have, on whatever node."""
        return union(self.usable_cpus.values())

    @functools.cached_property
    def most_usable_cpus(self) -> int:
        """How many CPUs guests may have on the node that has the most of them."""
        return max(map(len, self.usable_cpus.values()), default=0)

    @functools.cached_property
    def unpooled_bytes(self) -> dict[HostNode, int | None]:
        """The memory of each node that is in no pool of huge pages, None where unknown.

        Where the pools are unknown, it is all memory of the node: there is no more than this.
        """
        return {
            node.id: None if node.memory_bytes is None else max(0, node.memory_bytes - _pooled(node))
            for node in self.nodes or ()
        }

    @functools.cached_property
    def ordinary_bytes(self) -> dict[HostNode, int | None]:
        """The memory of each node that guests may have in ordinary pages: that in no pool, less what the host keeps."""
        unpooled = self.unpooled_bytes
        return {
            node.id: None if (size := unpooled[node.id]) is None else max(0, size - node.reserved_bytes)
            for node in self.nodes or ()
        }

    @functools.cached_property
    def least_pages(self) -> dict[int, int]:
        """How many huge pages every node has, and has free where that is known; without sizes of which it is unknown."""
        pools = [node.hugepages or {} for node in self.nodes or ()]
        counts = {
            size: [count for each in pools for count in (each[size].total, each[size].free) if count is not None]
            for size in (pools[0] if pools else ())
            if all(size in each and (each[size].total, each[size].free) != (None, None) for each in pools)
        }
        return {size: min(each) for size, each in counts.items()}

    @functools.cached_property
    def by_distance(self) -> tuple[tuple[Node, ...], ...]:
        """For each node that has CPUs: all of these, itself first, then the nearest; those of unknown distance last."""
        nodes = [node for node in self.nodes or () if node.cpus]
        return tuple(
            tuple(
                sorted(nodes, key=lambda other: (other is not node, node.distances.get(other.id, _FARTHEST), other.id))
            )
            for node in nodes
        )

    @functools.cached_property
    def usable_cores(self) -> dict[HostNode, int]:
        """How many cores of each node have such a CPU."""
        return {node: len(self.cores_of(cpus)) for node, cpus in self.usable_cpus.items()}

    @functools.cached_property
    def near_groups(self) -> tuple[tuple[Node, ...], ...]:
        """For each node that has others near it (in distance or, where that is unknown, by its socket): all of these."""
        groups = []
        for node in self.nodes or ():
            near = tuple(other for other in self.nodes or () if other is node or self._near(node, other))
            if len(near) > 1:
                groups.append(near)
        return tuple(groups)

    def _near(self, one: Node, other: Node) -> bool | None:
        distance = self.distance(one.id, other.id)
        if distance is not None:
            return distance <= NEAR
        if self.sockets is None:
            return None
        return not self._sockets_of[one.id].isdisjoint(self._sockets_of[other.id])

    @functools.cached_property
    def _sockets_of(self) -> dict[HostNode, set[int]]:
        """The numbers of the sockets that have CPUs of each node."""
        found: dict[HostNode, set[int]] = {node.id: set() for node in self.nodes or ()}
        for socket in self.socket_regions:
            for node in socket.nodes:
                found[node.id].add(socket.id)
        return found

    def near(self, some: HostNodes, others: HostNodes) -> bool | None:
        """Whether each of ``some`` is one of ``others`` or near one (see ``near_groups``); None where that is unknown."""
        found: set[bool | None] = set()
        for node in (self.node_by_id[number] for number in some - others if number in self.node_by_id):
            each = {self._near(node, self.node_by_id[other]) for other in others if other in self.node_by_id}
            found.add(True if True in each else None if None in each else False)
        return False if False in found else None if None in found else True

    @functools.cached_property
    def cpu_nodes(self) -> HostNodes:
        """The nodes that have CPUs."""
        return IdSet.of(HostNode(region.id) for region in self.node_regions)

    def homes_of(self, nodes: HostNodes) -> HostNodes | None:
        """The nodes whose CPUs have ``nodes`` beside them: those themselves; of one without CPUs, the nearest.

        What the host does not have is left out. None where it is unknown what a node without CPUs is near to.
        """
        homes = nodes & self.cpu_nodes
        bare = nodes - homes
        if not bare:
            return homes
        for node in (self.node_by_id[number] for number in bare if number in self.node_by_id):
            nearest = node.near & self.cpu_nodes or self._nearest(node)
            if not nearest:
                return None
            homes |= nearest
        return homes

    def _nearest(self, node: Node) -> HostNodes:
        """The nodes with CPUs that are nearest to ``node``; none where a distance to them is unknown."""
        if len(self.cpu_nodes) == 1:
            return self.cpu_nodes
        found = {other: self.distance(node.id, other) or self.distance(other, node.id) for other in self.cpu_nodes}
        known = [distance for distance in found.values() if distance is not None]
        if not known or len(known) < len(found):
            return IdSet()
        return IdSet.of(other for other, distance in found.items() if distance == min(known))

    def nodes_of(self, cpus: HostCpus) -> HostNodes:
        """The nodes on which some of ``cpus`` are."""
        mask = cpus.mask
        nodes = self._nodes_of.get(mask)
        if nodes is None:
            nodes = IdSet.of(HostNode(region.id) for region in self.node_regions if region.cpus.mask & mask)
            self._nodes_of[mask] = nodes
        return nodes

    @functools.cached_property
    def _nodes_of(self) -> dict[int, HostNodes]:
        """The nodes of each set that was asked for: the sets of a fleet repeat."""
        return {}

    def cpus_of(self, nodes: HostNodes) -> HostCpus:
        """The CPUs of ``nodes``."""
        return union(node.cpus for node in self.nodes or () if node.id in nodes and node.cpus is not None)

    def cores_of(self, cpus: HostCpus) -> tuple[HostCpus, ...]:
        """The cores that hold some of ``cpus``."""
        mask = cpus.mask
        return tuple(core for core in self.cores or () if core.mask & mask)

    @functools.cached_property
    def core_of(self) -> dict[HostCpu, HostCpus]:
        """The core of each CPU, itself among its SMT siblings; empty where the cores are unknown."""
        return {cpu: core for core in self.cores or () for cpu in core}

    @functools.cached_property
    def threads_per_core(self) -> tuple[int, int]:
        """How many CPUs the smallest and the largest core have; 0 where the cores are unknown."""
        sizes = [len(core) for core in self.cores or ()]
        return min(sizes, default=0), max(sizes, default=0)

    @functools.cached_property
    def l3_cores(self) -> tuple[tuple[L3, int], ...]:
        """Each L3 cache with how many of its cores have a CPU that guests may have."""
        kept: HostCpus = self.housekeeping or IdSet()
        return tuple((cache, len(self.cores_of(cache.cpus - kept))) for cache in self.l3 or ())

    def l3_of(self, cpus: HostCpus) -> tuple[L3, ...]:
        """The L3 caches that some of ``cpus`` share."""
        mask = cpus.mask
        return tuple(cache for cache in self.l3 or () if cache.cpus.mask & mask)

    def distance(self, one: HostNode, other: HostNode) -> int | None:
        """The SLIT distance from one node to another, None where unknown."""
        node = self.node_by_id.get(one)
        return node.distances.get(other) if node is not None else None

    def widest_distance(self, nodes: HostNodes) -> int | None:
        """The largest distance between two of ``nodes``; None where one of them is unknown."""
        found = [self.distance(one, other) for one in nodes for other in nodes if one != other]
        known = [value for value in found if value is not None]
        return max(known) if known and len(known) == len(found) else None

    def node_of_pci(self, address: PciAddress) -> HostNode | None:
        """The node of a PCI device, None where unknown. On a host of one node it is that node.

        A virtual function that has none of its own is where its physical function is.
        """
        devices = self.pci or {}
        device = devices.get(address)
        if device is not None and device.node is not None:
            return device.node
        physical = devices.get(device.physical_function) if device is not None and device.physical_function else None
        if physical is not None and physical.node is not None:
            return physical.node
        for buses in self.pci_buses:
            if buses.domain == address.domain and buses.first <= address.bus <= buses.last:
                return buses.node
        if self.nodes is not None and len(self.nodes) == 1:
            return self.nodes[0].id
        return None


_FARTHEST = 256
"""More than any distance of a SLIT."""


def _pooled(node: Node) -> int:
    return sum(size * (pool.total or 0) for size, pool in (node.hugepages or {}).items())
