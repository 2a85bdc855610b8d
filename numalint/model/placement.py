"""A domain resolved on a host, once: who runs where, whose memory is where, what fits where.

The precedence is that of libvirt (qemuDomainEvaluateCPUMask, qemuProcessSetupPid), as it was measured on running
domains: a thread's own pin, else numad's choice, else ``<vcpu cpuset>``, else all CPUs of the host. An emulatorpin is
never inherited, and the emulator is not confined by the vCPUs' pins.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import msgspec

from numalint.model.devices import Device, MemoryDevice
from numalint.model.domain import ON_HOST, Domain, Trait
from numalint.model.elements import ORDINARY_PAGE, Cell, Pin
from numalint.model.host import L3, Host, Node, PciAddress
from numalint.model.idset import GuestCell, HostCpus, HostNode, HostNodes, IdSet, Vcpu, Vcpus, terms, union
from numalint.model.matching import overbooked
from numalint.model.place import TEXT, Place
from numalint.model.resolved import Affinity, Bound, Intent, MemoryPart, MemoryPolicy, Origin, WrittenSet


class Placement(msgspec.Struct, frozen=True, dict=True):
    """A domain on a host. Without a host it is on one of which everything is unknown."""

    domain: Domain
    host: Host

    @functools.cached_property
    def traits(self) -> Trait:
        """The traits of the domain without those that it does not have on this host."""
        there = (
            self.intent not in (Intent.FLOATING, Intent.NODE_BOUND),
            not self._on_one_node,
            not all(part.huge for part in self.memory_parts),
        )
        return self.domain.traits & _NOT_RULED_OUT[there]

    @property
    def _on_one_node(self) -> bool:
        """Whether all that is written of threads, memory and devices is on one node, as far as the host tells."""
        domain, host = self.domain, self.host
        if self.vcpu_cpus is None or domain.automatic:
            return False
        cpus = domain.written_cpus | self.vcpu_cpus
        nodes = host.nodes_of(cpus) | union(each.nodes for each in domain.node_sets)
        located = {self.node_of(device) for device in domain.devices} | set(nodes)
        return len(located) < 2 and None not in located and cpus <= host.cpus_of(nodes)

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
        online = self.domain.online
        if len(online) == self.domain.maximum:
            return self.vcpus
        return {vcpu: affinity for vcpu, affinity in self.vcpus.items() if vcpu in online}

    @functools.cached_property
    def pinned(self) -> dict[Vcpu, Affinity]:
        """The online vCPUs that have a vcpupin."""
        online = self.online
        if len(self.pinned_vcpus) == len(online):
            return online
        return {vcpu: affinity for vcpu, affinity in online.items() if affinity.explicit}

    @functools.cached_property
    def pinned_sets(self) -> dict[HostCpus, Vcpus]:
        """Each set that an online vCPU is pinned to, with the online vCPUs that are."""
        online = self.domain.online
        return {cpus: vcpus & online for cpus, vcpus in self.domain.pin_sets.items() if vcpus & online}

    @functools.cached_property
    def pinned_vcpus(self) -> Vcpus:
        """The online vCPUs that have a vcpupin, as a set."""
        return union(self.pinned_sets.values())

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
    def used_iothreads(self) -> dict[int, Affinity]:
        """The affinity of each IOThread that some device names."""
        used = {use.thread for use in self.domain.guest.iothread_uses}
        return {thread: affinity for thread, affinity in self.iothreads.items() if thread in used}

    @functools.cached_property
    def pinned_cpus(self) -> HostCpus:
        """The CPUs that the vcpupins of online vCPUs name."""
        return union(self.pinned_sets)

    @functools.cached_property
    def vcpu_cores(self) -> dict[Vcpu, HostCpus]:
        """The host core that a pinned online vCPU keeps to; without those that keep to none, or to one unknown."""
        found = {}
        for vcpu, affinity in self.pinned.items():
            core = self.host.core_of.get(min(affinity.cpus)) if affinity.cpus else None
            if core is not None and affinity.cpus is not None and affinity.cpus <= core:
                found[vcpu] = core
        return found

    @functools.cached_property
    def overbooked_pins(self) -> tuple[tuple[Vcpus, HostCpus], ...]:
        """The groups of pinned online vCPUs that have fewer CPUs than they are, each with its CPUs."""
        apart = len(self.pinned_cpus) == sum(map(len, self.pinned_sets))  # no two sets have a CPU in common
        if apart and all(len(vcpus) <= len(cpus) for cpus, vcpus in self.pinned_sets.items()):
            return ()
        vcpus, sets = list(self.pinned), [affinity.cpus or IdSet() for affinity in self.pinned.values()]
        return tuple((IdSet.of(vcpus[at] for at in members), cpus) for members, cpus in overbooked(sets))

    @functools.cached_property
    def realtime(self) -> dict[Vcpu, Affinity]:
        """The affinity of each online vCPU whose scheduler is fifo or rr."""
        return {vcpu: self.vcpus[vcpu] for vcpu in self.domain.realtime & self.domain.online}

    @functools.cached_property
    def realtime_cpus(self) -> HostCpus:
        """The CPUs that realtime vCPUs hold: each may run on but one, and leaves it to others only while it sleeps."""
        held = (affinity.cpus for affinity in self.realtime.values())
        return union(cpus for cpus in held if cpus is not None and len(cpus) == 1)

    @functools.cached_property
    def spare_cpus(self) -> HostCpus:
        """The CPUs on the nodes of the pins that no pin names and the host does not keep; other domains may have them."""
        host, domain = self.host, self.domain
        pins = [*domain.vcpupins.values(), *domain.iothreadpins.values()]
        taken = union(pin.cpus for pin in pins) | (IdSet() if domain.emulatorpin is None else domain.emulatorpin.cpus)
        return host.cpus_of(host.nodes_of(self.pinned_cpus)) - taken - (host.housekeeping or IdSet())

    def cpus_of(self, vcpus: Vcpus) -> HostCpus | None:
        """The CPUs on which some of ``vcpus`` may run; None where that of one of them is unknown."""
        found = [cpus for cpus, its in self.domain.pin_sets.items() if its & vcpus]
        rest = (vcpus & IdSet((1 << self.domain.maximum) - 1)) - union(self.domain.pin_sets.values())
        if rest:
            if self.inherited.cpus is None:
                return None
            found.append(self.inherited.cpus)
        return union(found)

    @functools.cached_property
    def vcpu_cpus(self) -> HostCpus | None:
        """The CPUs on which some online vCPU may run; None where one of them is unknown."""
        online = self.domain.online
        return self.pinned_cpus if self.pinned_vcpus == online else self.cpus_of(online)

    @functools.cached_property
    def vcpu_nodes(self) -> HostNodes | None:
        """The nodes on which some online vCPU may run; None where unknown."""
        cpus = self.vcpu_cpus
        return None if cpus is None or self.host.nodes is None else self.host.nodes_of(cpus)

    @functools.cached_property
    def unconfined(self) -> bool:
        """Whether every online vCPU may run on all of the host's CPUs, or on all but those kept for others.

        Pins that say so are floating, written out; but for those that leave out a whole node.
        """
        everything = self.host.cpus
        if everything is None:
            return False
        kept, isolated = self.host.housekeeping or IdSet(), self.host.isolated or IdSet()
        ways = (everything, everything - kept, everything - isolated, everything - kept - isolated)
        wide = [each for each in ways if self.host.nodes_of(each) == self.host.cpu_nodes]
        sets: list[HostCpus | None] = [*self.pinned_sets]
        if self.domain.online - self.pinned_vcpus:
            sets.append(self.inherited.cpus)
        return all(cpus is not None and (cpus & everything) in wide and bool(cpus & everything) for cpus in sets)

    @functools.cached_property
    def confined(self) -> bool:
        """Whether the vCPUs are kept somewhere: by vcpupins, or by a ``<vcpu cpuset>`` inside one node."""
        inside = self.inherited.origin is Origin.VCPU_CPUSET and len(self.vcpu_nodes or ()) == 1
        return bool(self.pinned_vcpus or inside) and not self.unconfined

    @functools.cached_property
    def held(self) -> dict[Vcpu, HostNodes]:
        """The nodes of each online vCPU that is kept on some: by its vcpupin or, where none has one, by ``<vcpu cpuset>``.

        Only nodes with memory: nothing is local to the CPUs of others.
        """
        if self.unconfined:
            return {}
        host = self.host
        return {
            vcpu: nodes
            for vcpu, affinity in (self.pinned or self.online).items()
            if affinity.pin is not None and (nodes := host.nodes_of(affinity.pin.cpus) & host.memory_nodes)
        }

    @functools.cached_property
    def written_sets(self) -> tuple[WrittenSet, ...]:
        """Each set of host CPUs that is written and that libvirt keeps."""
        domain = self.domain
        sets = [
            WrittenSet(pin, f"the set of vCPU {vcpu}", vcpu in domain.online) for vcpu, pin in domain.vcpupins.items()
        ]
        if domain.emulatorpin is not None:
            sets.append(WrittenSet(domain.emulatorpin, "the set of the emulator", True))
        sets += [
            WrittenSet(pin, f"the set of IOThread {thread}", thread in domain.iothreads)
            for thread, pin in domain.iothreadpins.items()
        ]
        if domain.cpuset is not None:
            threads = (self.emulator, *self.online.values(), *self.iothreads.values())
            used = any(affinity.pin is domain.cpuset for affinity in threads)
            sets.append(WrittenSet(domain.cpuset, "<vcpu cpuset>", used))
        return tuple(sets)

    @functools.cached_property
    def home_nodes(self) -> HostNodes:
        """The nodes whose CPUs are beside the guest: those of its bound memory and those that its vCPUs are kept on.

        None of them where nothing keeps either anywhere, numad does, or it is unknown what the memory is near to.
        """
        policies, host = self.memory_policies, self.host
        homes = host.homes_of(union(policy.nodes for policy in policies if policy.nodes is not None))
        if homes is None or any(policy.origin is Origin.PLACEMENT_AUTO for policy in policies):
            return IdSet()
        if self.unconfined:
            return homes
        inherited = self.inherited.pin if self.domain.online else None
        kept = self.pinned_cpus or (IdSet() if inherited is None else inherited.cpus)
        return homes | host.nodes_of(kept)

    @functools.cached_property
    def aside_cpus(self) -> HostCpus:
        """CPUs for the emulator and the IOThreads on the guest's nodes: the host's own, else a core that no vCPU has.

        Not isolated ones, on which several threads pile up, unless there is no other: then one of these.
        """
        host = self.host
        own = host.cpus_of(self.home_nodes or host.nodes_of(self.pinned_cpus))
        free = own - union(pin.cpus for pin in self.domain.vcpupins.values())
        kept = free & (host.housekeeping or IdSet())
        shared = free - (host.isolated or IdSet())
        if kept or not free:
            return kept
        whole = (core for core in host.cores_of(shared) if core <= shared)
        return next(whole, IdSet.of([next(iter(shared or free))]))

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
        page = self.domain.page_of(cell)
        return None if page is None else page.size_bytes

    def in_huge_pages(self, cell: Cell | None = None) -> bool:
        """Whether huge pages, of whatever size, back a cell; without one, the whole guest, whatever cell they name."""
        return self.domain.page_of(cell) is not None

    @functools.cached_property
    def memory_policies(self) -> tuple[MemoryPolicy, ...]:
        """The policy of each cell or, without cells, of the guest."""
        return tuple(map(self.memory_of, self.domain.cells)) or (self.memory,)

    @functools.cached_property
    def memory_parts(self) -> tuple[MemoryPart, ...]:
        """The guest's memory at start. A virtio-mem device is filled later, and other devices are no memory of the host."""
        domain = self.domain
        parts = [self._part(cell.memory_bytes, self.memory_of(cell), cell) for cell in domain.cells]
        if not domain.cells and domain.memory_bytes is not None:
            parts.append(self._part(domain.memory_bytes, self.memory))
        cells = {part.cell.id: part for part in parts if part.cell is not None}
        for device in domain.guest.memory:
            if device.model == "dimm":
                cell = cells.get(device.cell) if device.cell is not None else None
                policy = self.memory if cell is None else cell.policy
                if device.nodes is not None:
                    policy = MemoryPolicy(policy.mode or "strict", device.nodes, Origin.MEMORY)
                parts.append(self._part(device.size_bytes, policy, None if cell is None else cell.cell, device))
        return tuple(parts)

    def _part(
        self, size: int, policy: MemoryPolicy, cell: Cell | None = None, device: MemoryDevice | None = None
    ) -> MemoryPart:
        """``size`` bytes in the pages of a device or, where it does not say which, of its cell."""
        page = self.domain.page_of(cell)
        huge, page_bytes = page is not None, None if page is None else page.size_bytes
        if device is not None and device.page_bytes is not None:
            huge = device.page_bytes != ORDINARY_PAGE
            page_bytes = device.page_bytes if huge else None
        return MemoryPart(size, policy, huge, cell if device is None else None, device, page_bytes)

    @functools.cached_property
    def memory_nodes(self) -> HostNodes | None:
        """The nodes that the guest's memory is bound to; None where some of it is bound to none, or by numad."""
        nodes = [policy.nodes for policy in self.memory_policies]
        return None if None in nodes else union(each for each in nodes if each is not None)

    @functools.cached_property
    def bound(self) -> tuple[Bound, ...]:
        """What binds some memory to nodes that are written: ``<memory>`` where a cell has no memnode, and each memnode."""
        domain, found = self.domain, []
        rest = tuple(cell for cell in domain.cells if cell.id not in domain.memnodes)
        if domain.memory is not None and domain.memory.nodes is not None and (rest or not domain.cells):
            vcpus = union(cell.cpus for cell in rest) & domain.online if rest else domain.online
            found.append(Bound(domain.memory, domain.memory.nodes, rest, vcpus))
        for cell in domain.cells:
            memnode = domain.memnodes.get(cell.id)
            if memnode is not None and memnode.nodes is not None:
                found.append(Bound(memnode, memnode.nodes, (cell,), cell.cpus & domain.online))
        return tuple(found)

    @functools.cached_property
    def unbound(self) -> bool:
        """Whether nothing says of any of the guest's memory where it comes from."""
        return all(policy.free for policy in self.memory_policies)

    @functools.cached_property
    def touched_elsewhere(self) -> bool:
        """Whether the emulator, which touches preallocated memory first, does so on other nodes than those of the vCPUs.

        Where these are kept nowhere, it does wherever it may run on several nodes.
        """
        cpus = self.emulator.cpus
        if not self.domain.preallocated or cpus is None:
            return False
        own = self.host.nodes_of(self.pinned_cpus) if self.pinned_vcpus else self.vcpu_nodes
        nodes = self.host.nodes_of(cpus)
        return bool(own and nodes) and (nodes != own or (len(nodes) > 1 and not self.confined))

    # --- devices ----------------------------------------------------------------------------------------------------

    def address_of(self, device: Device) -> PciAddress | None:
        """The host PCI device behind a device of the guest; None where the host does not name it."""
        if isinstance(device.reference, PciAddress):
            return device.reference
        return self.host.address_named(device.reference)

    def node_of(self, device: Device) -> HostNode | None:
        """The node that a device of the guest is on, None where unknown; DAX and persistent memory have no address."""
        if isinstance(device.reference, PciAddress):
            return self.host.node_of_pci(device.reference)
        return self.host.node_named(device.reference)

    def beside(self, nodes: HostNodes) -> bool:
        """Whether vCPUs and memory, as far as something keeps them anywhere, are both on some of ``nodes``."""
        sides = (None if self.unconfined else self.vcpu_nodes, self.memory_nodes)
        return all(side is None or side & nodes for side in sides)

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
        held = self.pinned_sets
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
        core = self.host.core_of.get(next(iter(cpus)))
        return len(cpus) == 1 or (core is not None and cpus <= core)

    def _node_bound(self) -> bool:
        """Whether every online vCPU is pinned inside one node, or those of each cell inside the cell's own."""
        if self.domain.online - self.pinned_vcpus and self.inherited.pin is None:
            return False
        parts = [self.cpus_of(cell.cpus & self.domain.online) for cell in self.domain.cells]
        return self._in_one_node(self.vcpu_cpus) or (len(parts) > 1 and all(map(self._in_one_node, parts)))

    def _in_one_node(self, cpus: HostCpus | None) -> bool:
        return cpus is not None and any(cpus <= node.cpus for node in self.host.node_regions)

    @functools.cached_property
    def fitting_nodes(self) -> HostNodes:
        """The nodes that can hold the whole guest."""
        return IdSet.of(node.id for node in self.host.nodes or () if self.fits([node]))

    @functools.cached_property
    def roomy_nodes(self) -> HostNodes:
        """Those of them over which the guest can float: with a CPU for each vCPU, none of them isolated."""
        cpus, vcpus = self.host.balanced_cpus, len(self.domain.online)
        return IdSet.of(node for node in self.fitting_nodes if len(cpus[node]) >= vcpus)

    @functools.cached_property
    def fewest_nodes(self) -> tuple[Node, ...]:
        """The fewest nodes that hold the whole guest together, each the next nearest; none where all do not.

        Among several choices, that with the most nodes on which the vCPUs are.
        """
        found = []
        for row in self.host.by_distance:
            prefixes = (row[:count] for count in range(1, len(row) + 1))
            found.append(next((nodes for nodes in prefixes if self.fits(list(nodes))), ()))
        own: HostNodes = self.vcpu_nodes or IdSet()
        return min(filter(None, found), key=lambda row: (len(row), sum(node.id not in own for node in row)), default=())

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

    @functools.cached_property
    def crowded_cells(self) -> dict[GuestCell, int]:
        """Of several guest cells those with more online vCPUs than there are CPUs beside their memory: how many there are.

        Cells that are bound to no nodes, or to some that the host does not have, are left out, and so are those with
        vCPUs that are kept elsewhere.
        """
        if len(self.domain.cells) < 2:
            return {}
        found, exist = {}, IdSet.of(self.host.node_by_id)
        for cell in self.domain.cells:
            vcpus, nodes = cell.cpus & self.domain.online, self.memory_of(cell).nodes
            homes = self.host.homes_of(nodes) if nodes is not None and nodes <= exist else None
            room = sum(len(self.host.usable_cpus[node]) for node in homes or ())
            if homes is not None and len(vcpus) > room:
                kept = union(self.held[vcpu] for vcpu in vcpus if vcpu in self.held)
                if kept <= homes:
                    found[cell.id] = room
        return found

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

    @functools.cached_property
    def enough_l3(self) -> tuple[L3, ...]:
        """The fewest L3 caches that would hold the cores of the pins, those of each node within the node."""
        caches = self.host.l3 or ()
        parts = [region.cpus for region in self.host.node_regions] or [union(cache.cpus for cache in caches)]
        return tuple(cache for part in parts for cache in self._enough_l3(part))

    def _enough_l3(self, part: HostCpus) -> list[L3]:
        held = self.pinned_cpus & part
        wanted = len(self.host.cores_of(held)) if held else 0
        room = [(cache, cores) for cache, cores in self.host.l3_cores if wanted and cache.cpus & part]

        def filled(order: list[tuple[L3, int]]) -> list[L3]:
            found, left = [], wanted
            for cache, cores in order:
                if left > 0 and cores:
                    found.append(cache)
                    left -= cores
            return found

        largest = filled(sorted(room, key=lambda each: -each[1]))
        fullest = filled(sorted(room, key=lambda each: -len(each[0].cpus & held)))
        return fullest if len(fullest) <= len(largest) else largest

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


_NOT_RULED_OUT = {
    there: ~ON_HOST | Trait(sum(itertools.compress(ON_HOST, there)))
    for there in itertools.product((False, True), repeat=len(ON_HOST))
}
"""The traits that are left, by which of those that depend on the host are there."""

MOST_THREADS_PER_CORE = 8
"""A pin of more CPUs than this is no core, whatever the host."""

UNKNOWN_HOST = Host("")
"""The host of a domain that has none: nothing of it is known."""
