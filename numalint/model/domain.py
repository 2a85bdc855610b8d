"""A domain as its XML says it, with libvirt's own rewriting applied."""

from __future__ import annotations

import enum
import functools
import itertools
from typing import NamedTuple

import msgspec

from numalint.model.devices import Device, GuestDevices
from numalint.model.elements import (
    ORDINARY_PAGE,
    Cell,
    Fault,
    HugePages,
    ListedIOThread,
    ListedVcpu,
    MaxMemory,
    MemoryBacking,
    MemoryBinding,
    NodeSet,
    Pin,
    Repeated,
    Scheduler,
    ThreadPin,
    Topology,
    VainExclusion,
)
from numalint.model.host import PciAddress
from numalint.model.idset import GuestCell, HostCpus, IdSet, Vcpu, Vcpus, union
from numalint.model.place import TEXT, Place

REALTIME_POLICIES = ("fifo", "rr")

QEMU_TYPES = ("kvm", "qemu", "hvf")
"""The types of domain that libvirt's QEMU driver runs."""


class Release(NamedTuple):
    """A release of libvirt."""

    major: int
    minor: int
    micro: int = 0

    @classmethod
    def parse(cls, text: str) -> Release:
        """From ``9.0`` or ``11.3.0``. Raises ValueError for anything else."""
        parts = text.split(".")
        if not (2 <= len(parts) <= 3 and all(part.isdecimal() and part.isascii() and len(part) < 6 for part in parts)):
            raise ValueError(f"{text!r} is not a release of libvirt such as 11.3.0")
        return cls(*map(int, parts))

    def __str__(self) -> str:
        return ".".join(map(str, self))


NEWEST_LIBVIRT = Release(11, 3)
"""The newest release whose behaviour is known; domains are judged for it unless the configuration names another."""


class Trait(enum.IntFlag):
    """What a domain has. A rule that is about such a thing is called only where it is there.

    The last three depend on the host: they are there unless a placement rules them out. LOOSE_BINDING: the mode of some
    memory is not strict; EXCLUSIONS are those that do nothing; REPEATED tells that something stands twice, or that a pin names no vCPU; MORE_MEMORY that there are memory
    devices, or a maximum for them. DEDICATED: the pinned vCPUs have CPUs or cores of their own; SEVERAL_NODES: what is
    written of threads, memory and devices is not all on one node; ORDINARY_PAGES: not all memory is in huge pages.
    """

    PINS = enum.auto()
    CPUSET = enum.auto()
    AUTOMATIC = enum.auto()
    OFFLINE_VCPUS = enum.auto()
    NUMATUNE = enum.auto()
    LOOSE_BINDING = enum.auto()
    MEMNODES = enum.auto()
    CELLS = enum.auto()
    SEVERAL_CELLS = enum.auto()
    TOPOLOGY = enum.auto()
    HUGEPAGES = enum.auto()
    PREALLOCATED = enum.auto()
    IOTHREADS = enum.auto()
    SCHEDULERS = enum.auto()
    REALTIME = enum.auto()
    HOST_DEVICES = enum.auto()
    DISKS = enum.auto()
    INTERFACES = enum.auto()
    EXPANDERS = enum.auto()
    MEMORY_DEVICES = enum.auto()
    SHARED_MEMORY = enum.auto()
    FAULTS = enum.auto()
    EXCLUSIONS = enum.auto()
    REPEATED = enum.auto()
    LISTED_VCPUS = enum.auto()
    NUMA = enum.auto()
    MORE_MEMORY = enum.auto()
    DEDICATED = enum.auto()
    SEVERAL_NODES = enum.auto()
    ORDINARY_PAGES = enum.auto()


ON_HOST = Trait.DEDICATED | Trait.SEVERAL_NODES | Trait.ORDINARY_PAGES
"""The traits that depend on the host."""

_BITS = tuple(trait.value for trait in Trait)


class Domain(msgspec.Struct, frozen=True, dict=True):
    """One domain.

    ``maximum`` vCPUs are numbered from 0, ``online`` are those that run at start, ``current`` is their number as
    written. ``automatic`` tells that numad places the vCPUs. ``vcpupins`` has those of vCPUs that exist: libvirt drops
    the others, which ``pins`` has too. ``memory_bytes`` is what libvirt stores: where there are cells, their sum and the
    memory devices; ``written_memory`` is what ``<memory>`` says, ``current_memory`` what the balloon leaves of it.
    ``dropped`` are the places of values that libvirt drops because numad decides, ``exclusions`` those of sets that do
    nothing.
    """

    name: str
    place: Place
    name_place: Place | None = None
    uuid: str | None = None
    uuid_place: Place | None = None
    virtualisation: str | None = None
    arch: str | None = None
    machine: str | None = None
    maximum: int = 1
    current: int | None = None
    online: Vcpus = IdSet(1)
    listed_vcpus: tuple[ListedVcpu, ...] = ()
    vcpu_place: Place | None = None
    automatic: bool = False
    cpuset: Pin | None = None
    pins: tuple[ThreadPin, ...] = ()
    vcpupins: dict[Vcpu, Pin] = {}
    emulatorpin: Pin | None = None
    iothreads: tuple[int, ...] = ()
    iothreads_place: Place | None = None
    listed_iothreads: tuple[ListedIOThread, ...] = ()
    iothreadpins: dict[int, Pin] = {}
    schedulers: tuple[Scheduler, ...] = ()
    memory_bytes: int | None = None
    written_memory: int | None = None
    memory_place: Place | None = None
    current_memory: int | None = None
    maximum_memory: MaxMemory | None = None
    backing: MemoryBacking = MemoryBacking()
    hugepages: tuple[HugePages, ...] = ()
    preallocated: bool = False
    memory: MemoryBinding | None = None
    written_memnodes: tuple[MemoryBinding, ...] = ()
    cells: tuple[Cell, ...] = ()
    numa_place: Place | None = None
    topology: Topology | None = None
    guest: GuestDevices = GuestDevices()
    ioapic: str | None = None
    cpu_mode: str | None = None
    cpu_model: str | None = None
    cpu_features: dict[str, str] = {}
    repeated: tuple[Repeated, ...] = ()
    dropped: tuple[Place, ...] = ()
    exclusions: tuple[VainExclusion, ...] = ()
    faults: tuple[Fault, ...] = ()
    libvirt: Release = NEWEST_LIBVIRT

    @functools.cached_property
    def traits(self) -> Trait:
        """What the domain has."""
        guest, memory = self.guest, self.memory
        has = (  # in the order of Trait
            self.pins,
            self.cpuset,
            self.automatic or (memory is not None and memory.nodes is None),
            len(self.online) < self.maximum,
            memory is not None or self.written_memnodes,
            any(each.mode != "strict" for each in (memory, *self.written_memnodes) if each is not None),
            self.written_memnodes,
            self.cells,
            len(self.cells) > 1,
            self.topology,
            self.hugepages,
            self.preallocated,
            self.iothreads,
            self.schedulers,
            self.realtime & self.online,
            guest.on_host,
            guest.disks,
            guest.interfaces,
            any(each.cell is not None for each in guest.controllers),
            guest.memory,
            guest.shared_memory,
            self.faults,
            self.exclusions,
            self._repeats,
            self.listed_vcpus,
            self.numa_place,
            guest.memory or self.maximum_memory,
            True,  # what depends on the host
            True,
            True,
        )
        return Trait(sum(itertools.compress(_BITS, has)))

    @property
    def _repeats(self) -> bool:
        """Whether something stands twice, or a pin names no vCPU."""
        kept = len(self.vcpupins) + len(self.iothreadpins) + (self.emulatorpin is not None)
        listed = self.listed_iothreads
        return len(self.pins) > kept or bool(self.repeated) or len({each.id for each in listed}) < len(listed)

    @property
    def on_qemu(self) -> bool:
        """Whether libvirt's QEMU driver runs it, which refuses more than others; where no type is written, it does."""
        return self.virtualisation is None or self.virtualisation in QEMU_TYPES

    @property
    def devices(self) -> tuple[Device, ...]:
        """The devices of the domain that are on a device of the host."""
        return self.guest.on_host

    @functools.cached_property
    def node_sets(self) -> tuple[NodeSet, ...]:
        """Every set of host nodes that memory is to come from: of numatune, and of the devices that add memory."""
        bindings = [("<memory> of numatune", self.memory)] if self.memory is not None else []
        bindings += [(f"the memnode of cell {each.cell}", each) for each in self.written_memnodes]
        sets = [
            NodeSet(what, each.mode, each.nodes, each.place.at("nodeset"))
            for what, each in bindings
            if each.nodes is not None
        ]
        for device in self.guest.memory:
            if device.nodes is not None:
                place = device.nodes_place or device.place
                sets.append(NodeSet(f"the nodemask of a {device.model or 'memory device'}", None, device.nodes, place))
        return tuple(sets)

    @functools.cached_property
    def memnodes(self) -> dict[GuestCell, MemoryBinding]:
        """The memnode of each cell, as they are sorted; of two for one cell, which libvirt refuses, the first."""
        found: dict[GuestCell, MemoryBinding] = {}
        for binding in self.written_memnodes:
            if binding.cell is not None:
                found.setdefault(binding.cell, binding)
        return found

    @functools.cached_property
    def pin_sets(self) -> dict[HostCpus, Vcpus]:
        """Each set of host CPUs that a vCPU is pinned to, with all vCPUs that are: mostly they have few sets."""
        masks: dict[int, int] = {}
        for vcpu, pin in self.vcpupins.items():
            cpus = pin.cpus.mask
            masks[cpus] = masks.get(cpus, 0) | 1 << vcpu
        return {IdSet(cpus): IdSet(vcpus) for cpus, vcpus in masks.items()}

    @functools.cached_property
    def written_cpus(self) -> HostCpus:
        """All the host CPUs that a pin, or ``<vcpu cpuset>``, names."""
        others = (self.emulatorpin, self.cpuset, *self.iothreadpins.values())
        return union([*self.pin_sets, *(pin.cpus for pin in others if pin is not None)])

    @functools.cached_property
    def realtime(self) -> Vcpus:
        """The vCPUs whose scheduler is fifo or rr."""
        if not self.schedulers:
            return IdSet()
        return union(
            IdSet[Vcpu](each.ids.mask)
            for each in self.schedulers
            if each.thread == "vcpu" and each.policy in REALTIME_POLICIES
        )

    def page_of(self, cell: Cell | None = None) -> HugePages | None:
        """The ``<page>`` that backs a cell or, without one, the whole guest, whatever cell it names.

        None for ordinary memory.
        """
        own = [page for page in self.hugepages if page.cells is not None and (cell is None or cell.id in page.cells)]
        page = next(iter(own + [page for page in self.hugepages if page.cells is None]), None)
        return None if page is None or page.size_bytes == ORDINARY_PAGE else page

    def scheduler_of(self, vcpu: Vcpu) -> Scheduler | None:
        """The vcpusched that names a vCPU."""
        return next((each for each in self.schedulers if each.thread == "vcpu" and each.ids.mask >> vcpu & 1), None)

    def iothread_place(self, thread: int) -> Place:
        """Where an IOThread is written: its id in ``<iothreadids>``, else the number in ``<iothreads>``."""
        listed = [each.place.at("id") for each in self.listed_iothreads if each.id == thread]
        counted = self.place if self.iothreads_place is None else self.iothreads_place.at(TEXT)
        return listed[0] if listed else counted

    @functools.cached_property
    def guest_cores(self) -> tuple[Vcpus, ...]:
        """The vCPUs of each core that the guest sees, offline ones included; none without a ``<topology>``."""
        return () if self.topology is None else self._cut(self.topology.threads)

    @functools.cached_property
    def guest_sockets(self) -> tuple[Vcpus, ...]:
        """The vCPUs of each socket that the guest sees, offline ones included; none without a ``<topology>``."""
        return () if self.topology is None else self._cut(self.topology.vcpus_per_socket)

    @functools.cached_property
    def guest_dies(self) -> tuple[Vcpus, ...]:
        """The vCPUs of each die that the guest sees, offline ones included; none without a ``<topology>``."""
        return () if self.topology is None else self._cut(self.topology.vcpus_per_socket // self.topology.dies)

    def _cut(self, size: int) -> tuple[Vcpus, ...]:
        whole, size = (1 << self.maximum) - 1, min(size, self.maximum)
        return tuple(IdSet(((1 << size) - 1 << first) & whole) for first in range(0, self.maximum, size))

    def cells_of(self, vcpus: Vcpus) -> tuple[Cell, ...]:
        """The guest cells that name some of ``vcpus``: more than one where cells cut them apart."""
        return tuple(cell for cell in self.cells if cell.stated & vcpus)

    def cell_of_bus(self, bus: int | None) -> GuestCell | None:
        """The guest cell that a PCI bus of the guest is on: that of the expander above it; None under the root bus."""
        controllers = {each.index: each for each in self.guest.controllers if each.type == "pci"}
        for _ in controllers:
            controller = controllers.get(bus)
            if controller is None or controller.cell is not None:
                return None if controller is None else controller.cell
            bus = controller.bus
        return None

    @property
    def document(self) -> str:
        return self.place.document

    @property
    def pci_devices(self) -> tuple[PciAddress, ...]:
        """The host PCI devices that the domain is given, in the order of the file."""
        return tuple(
            device.reference
            for device in self.devices
            if device.passthrough and isinstance(device.reference, PciAddress)
        )
