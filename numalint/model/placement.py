"""A domain resolved on a host, once: who runs where, whose memory is where, what fits where.

The precedence is that of libvirt (qemuDomainEvaluateCPUMask, qemuProcessSetupPid), as it was measured on running
domains: a thread's own pin, else numad's choice, else ``<vcpu cpuset>``, else all CPUs of the host. An emulatorpin is
never inherited, and the emulator is not confined by the vCPUs' pins.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable

import msgspec

from numalint.model.domain import ORDINARY_PAGE, Cell, Device, Domain, MemoryBinding, Pin
from numalint.model.host import Host, Node, PciAddress
from numalint.model.idset import GuestCell, HostCpus, HostNode, HostNodes, IdSet, Vcpu, Vcpus, terms, union
from numalint.model.place import TEXT, Place


class Origin(enum.StrEnum):
    """Where an affinity or a memory policy comes from."""

    VCPUPIN = "vcpupin"
    EMULATORPIN = "emulatorpin"
    IOTHREADPIN = "iothreadpin"
    VCPU_CPUSET = "vcpu-cpuset"
    PLACEMENT_AUTO = "placement-auto"
    DEFAULT = "default"
    MEMNODE = "memnode"
    MEMORY = "memory"
    NONE = "none"


class Intent(enum.StrEnum):
    """What a domain tries to be; rules judge it by that."""

    FLOATING = "floating"
    NODE_BOUND = "node-bound"
    DEDICATED = "dedicated"
    REALTIME = "realtime"


class Affinity(msgspec.Struct, frozen=True):
    """The host CPUs that a thread may run on; None where numad or an unknown host decides.

    ``pin`` is what was written, own or inherited; None where nothing was.
    """

    cpus: HostCpus | None
    origin: Origin
    pin: Pin | None = None

    @property
    def explicit(self) -> bool:
        """Whether the thread has a pin of its own."""
        return self.origin in (Origin.VCPUPIN, Origin.EMULATORPIN, Origin.IOTHREADPIN)


class MemoryPolicy(msgspec.Struct, frozen=True):
    """Where the memory of a guest, or of one of its cells, may come from.

    ``nodes`` is None where nothing binds it (origin none) or numad chooses (placement-auto).
    """

    mode: str | None
    nodes: HostNodes | None
    origin: Origin
    binding: MemoryBinding | None = None

    @property
    def free(self) -> bool:
        """Whether nothing says which nodes it comes from."""
        return self.origin is Origin.NONE


class Placement(msgspec.Struct, frozen=True, dict=True):
    """A domain on a host. Without a host it is on one of which everything is unknown."""

    domain: Domain
    host: Host

    # --- who runs where ---------------------------------------------------------------------------------------------

    @functools.cached_property
    def inherited(self) -> Affinity:
        """The affinity of a thread that has no pin of its own."""
        if self.domain.automatic:
            return Affinity(None, Origin.PLACEMENT_AUTO)
        if self.domain.cpuset is not None:
            return Affinity(self.domain.cpuset.cpus, Origin.VCPU_CPUSET, self.domain.cpuset)
        return Affinity(self.host.cpus, Origin.DEFAULT)

    @functools.cached_property
    def vcpus(self) -> dict[Vcpu, Affinity]:
        """The affinity of every vCPU below the maximum; an offline one's waits until it is plugged in."""
        pins, inherited = self.domain.vcpupins, self.inherited
        return {
            vcpu: Affinity(pins[vcpu].cpus, Origin.VCPUPIN, pins[vcpu]) if vcpu in pins else inherited
            for vcpu in map(Vcpu, range(self.domain.maximum))
        }

    @functools.cached_property
    def online(self) -> dict[Vcpu, Affinity]:
        """The affinity of each vCPU that runs at start."""
        return {vcpu: affinity for vcpu, affinity in self.vcpus.items() if vcpu in self.domain.online}

    @functools.cached_property
    def pinned(self) -> dict[Vcpu, Affinity]:
        """The online vCPUs that have a vcpupin."""
        return {vcpu: affinity for vcpu, affinity in self.online.items() if affinity.explicit}

    @functools.cached_property
    def emulator(self) -> Affinity:
        """The emulator's threads: main loop, monitor, vhost workers, and what touches preallocated memory first."""
        pin = self.domain.emulatorpin
        return self.inherited if pin is None else Affinity(pin.cpus, Origin.EMULATORPIN, pin)

    @functools.cached_property
    def iothreads(self) -> dict[int, Affinity]:
        """The affinity of each IOThread."""
        pins, inherited = self.domain.iothreadpins, self.inherited
        return {
            thread: Affinity(pins[thread].cpus, Origin.IOTHREADPIN, pins[thread]) if thread in pins else inherited
            for thread in self.domain.iothreads
        }

    @functools.cached_property
    def pinned_cpus(self) -> HostCpus:
        """The CPUs that the vcpupins of online vCPUs name."""
        return union(affinity.cpus for affinity in self.pinned.values() if affinity.cpus is not None)

    def cpus_of(self, vcpus: Vcpus) -> HostCpus | None:
        """The CPUs on which some of ``vcpus`` may run; None where that of one of them is unknown."""
        found = [self.vcpus[vcpu].cpus for vcpu in vcpus if vcpu in self.vcpus]
        return None if None in found else union(cpus for cpus in found if cpus is not None)

    @functools.cached_property
    def vcpu_cpus(self) -> HostCpus | None:
        """The CPUs on which some online vCPU may run; None where one of them is unknown."""
        return self.cpus_of(self.domain.online)

    @functools.cached_property
    def vcpu_nodes(self) -> HostNodes | None:
        """The nodes on which some online vCPU may run; None where unknown."""
        cpus = self.vcpu_cpus
        return None if cpus is None or self.host.nodes is None else self.host.nodes_of(cpus)

    @functools.cached_property
    def unconfined(self) -> bool:
        """Whether every online vCPU may run on all of the host's CPUs, or on all but those kept for others.

        Pins that say so are floating, written out.
        """
        everything = self.host.cpus
        if everything is None:
            return False
        kept, isolated = self.host.housekeeping or IdSet(), self.host.isolated or IdSet()
        wide = (everything, everything - kept, everything - isolated, everything - kept - isolated)
        sets = {affinity.cpus for affinity in self.online.values()}
        return all(cpus is not None and (cpus & everything) in wide and bool(cpus & everything) for cpus in sets)

    @property
    def vcpus_place(self) -> Place:
        """Where the number of vCPUs is written; without a ``<vcpu>``, the domain."""
        place = self.domain.vcpu_place
        return self.domain.place if place is None else place.at(TEXT)

    # --- whose memory is where --------------------------------------------------------------------------------------

    @functools.cached_property
    def memory(self) -> MemoryPolicy:
        """The policy of the guest's memory as a whole."""
        binding = self.domain.memory
        if binding is None:
            return MemoryPolicy(None, None, Origin.NONE)
        origin = Origin.PLACEMENT_AUTO if binding.nodes is None else Origin.MEMORY
        return MemoryPolicy(binding.mode, binding.nodes, origin, binding)

    def memory_of(self, cell: Cell) -> MemoryPolicy:
        """The policy of a cell's memory: its memnode, else the whole guest's."""
        memnode = self.domain.memnodes.get(cell.id)
        return self.memory if memnode is None else MemoryPolicy(memnode.mode, memnode.nodes, Origin.MEMNODE, memnode)

    def page_bytes_of(self, cell: Cell) -> int | None:
        """The size of the huge pages that back a cell; None for ordinary pages or the host's default size."""
        pages = self.domain.hugepages
        own = [page for page in pages if page.cells is not None and cell.id in page.cells]
        whole = [page for page in pages if page.cells is None]
        size = next((page.size_bytes for page in own + whole), None)
        return None if size == ORDINARY_PAGE else size

    @functools.cached_property
    def memory_policies(self) -> tuple[MemoryPolicy, ...]:
        """The policy of each cell or, without cells, of the guest."""
        return tuple(map(self.memory_of, self.domain.cells)) or (self.memory,)

    @functools.cached_property
    def memory_nodes(self) -> HostNodes | None:
        """The nodes that the guest's memory is bound to; None where some of it is bound to none, or by numad."""
        nodes = [policy.nodes for policy in self.memory_policies]
        return None if None in nodes else union(each for each in nodes if each is not None)

    # --- devices ----------------------------------------------------------------------------------------------------

    def address_of(self, device: Device) -> PciAddress | None:
        """The host PCI device behind a device of the guest; None where the host does not name it."""
        if isinstance(device.reference, PciAddress):
            return device.reference
        return self.host.names.get(device.reference)

    def distance_to(self, node: HostNode, nodes: HostNodes) -> int | None:
        """The distance from the nearest of ``nodes`` to ``node``; None where one of them is unknown."""
        found = [10 if one == node else self.host.distance(one, node) for one in nodes]
        known = [value for value in found if value is not None]
        return min(known) if known and len(known) == len(found) else None

    # --- what fits where --------------------------------------------------------------------------------------------

    @functools.cached_property
    def intent(self) -> Intent | None:
        """What the domain tries to be; None where the host's facts do not tell."""
        if self.domain.realtime & self.domain.online:
            return Intent.REALTIME
        held = [affinity.cpus for affinity in self.pinned.values() if affinity.cpus is not None]
        if held and all(len(cpus) == 1 for cpus in held):
            return Intent.DEDICATED
        if not held and self.inherited.origin is not Origin.VCPU_CPUSET:
            return Intent.FLOATING
        if held and self.host.cores is None and all(len(cpus) <= MOST_THREADS_PER_CORE for cpus in held):
            return None
        if held and all(self._within_one_core(cpus) for cpus in held):
            return Intent.DEDICATED
        if self.host.nodes is None:
            return None
        return Intent.NODE_BOUND if self._node_bound() else Intent.FLOATING

    @property
    def dedicated(self) -> bool:
        """Whether the pinned vCPUs have CPUs or cores of their own."""
        return self.intent in (Intent.DEDICATED, Intent.REALTIME)

    def _within_one_core(self, cpus: HostCpus) -> bool:
        return len(cpus) == 1 or any(cpus <= core for core in self.host.cores or ())

    def _node_bound(self) -> bool:
        """Whether every online vCPU is pinned inside one node, or those of each cell inside the cell's own."""
        if any(affinity.pin is None for affinity in self.online.values()):
            return False
        parts = [cell.cpus & self.domain.online for cell in self.domain.cells] or [self.domain.online]
        return self._in_one_node(self.domain.online) or (len(parts) > 1 and all(map(self._in_one_node, parts)))

    def _in_one_node(self, vcpus: Vcpus) -> bool:
        cpus = self.cpus_of(vcpus)
        return cpus is not None and any(cpus <= node.cpus for node in self.host.node_regions)

    @functools.cached_property
    def fitting_nodes(self) -> HostNodes:
        """The nodes that can hold the whole guest."""
        return IdSet.of(node.id for node in self.host.nodes or () if self.fits([node]))

    def fits(self, nodes: list[Node], cell: Cell | None = None) -> bool:
        """Whether the guest, or one of its cells, fits into ``nodes`` together.

        Its online vCPUs are no more than their usable CPUs, and its memory no more than theirs less what the host
        keeps; where the memory of one of them is unknown, the CPUs alone decide.
        """
        vcpus = self.domain.online if cell is None else cell.cpus & self.domain.online
        if len(vcpus) > sum(len(self.host.usable_cpus[node.id]) for node in nodes):
            return False
        wanted = self.domain.memory_bytes if cell is None else cell.memory_bytes
        if wanted is None or any(node.memory_bytes is None for node in nodes):
            return True
        return wanted <= sum((node.memory_bytes or 0) - node.reserved_bytes for node in nodes)

    @functools.cached_property
    def guest_nodes_fit(self) -> bool:
        """Whether the guest's own NUMA cells fit the host: two or more, each inside a node, and no node overfull."""
        cells = [cell for cell in self.domain.cells if cell.cpus & self.domain.online]
        if len(cells) < 2:
            return False
        homes = {cell.id: self._homes_of(cell) for cell in cells}
        # those that have the least choice first, then the largest
        cells.sort(key=lambda cell: (len(homes[cell.id]), -len(cell.cpus), -cell.memory_bytes))
        return any(self._packed(cells, homes, emptiest) for emptiest in (True, False))

    def _packed(self, cells: list[Cell], homes: dict[GuestCell, HostNodes], emptiest: bool) -> bool:
        """Whether the cells find room one by one, each in the emptiest node of its homes or in the fullest."""
        room = {node: len(usable) for node, usable in self.host.usable_cpus.items()}
        memory = {
            node.id: node.memory_bytes - node.reserved_bytes
            for node in self.host.nodes or ()
            if node.memory_bytes is not None
        }
        for cell in cells:
            vcpus = len(cell.cpus & self.domain.online)
            free = [
                node
                for node in homes[cell.id]
                if room[node] >= vcpus and memory.get(node, cell.memory_bytes) >= cell.memory_bytes
            ]
            if not free:
                return False
            home = (max if emptiest else min)(free, key=lambda node: (room[node], memory.get(node, 0)))
            room[home] -= vcpus
            if home in memory:
                memory[home] -= cell.memory_bytes
        return True

    def _homes_of(self, cell: Cell) -> HostNodes:
        """The nodes that may hold a cell: the one that it is pinned into, those that it is bound to, else any."""
        homes: HostNodes = IdSet.of(node.id for node in self.host.nodes or ())
        held = [self.vcpus[vcpu] for vcpu in cell.cpus & self.domain.online]
        own = [affinity for affinity in held if affinity.explicit] or held  # a vCPU without a pin is another defect
        if any(affinity.pin is not None for affinity in own):
            pinned = self.host.nodes_of(union(affinity.cpus for affinity in own if affinity.cpus is not None))
            homes = homes & pinned if len(pinned) == 1 else IdSet()
        bound = self.memory_of(cell).nodes
        return homes if bound is None else homes & bound


def place_of_term(pin: Pin, wrong: Callable[[HostCpus], bool]) -> Place:
    """The place of the one term of a set whose CPUs are ``wrong``; of the whole set where that is not one."""
    place = pin.place.at("cpuset")
    found = [term for term in terms(pin.text) if not term.excluded and wrong(IdSet(term.mask))]
    return place.narrowed(found[0].start, found[0].end) if len(found) == 1 else place


MOST_THREADS_PER_CORE = 8
"""A pin of more CPUs than this is no core, whatever the host."""

UNKNOWN_HOST = Host("")
"""The host of a domain that has none: nothing of it is known."""
