"""A domain as its XML says it, with libvirt's own rewriting applied."""

from __future__ import annotations

import msgspec

from numalint.model.host import PciAddress
from numalint.model.idset import GuestCell, GuestCells, HostCpus, HostNodes, IdSet, Vcpu, Vcpus
from numalint.model.place import Place


class Pin(msgspec.Struct, frozen=True):
    """A set of host CPUs as written: by a vcpupin, an emulatorpin, an iothreadpin or ``<vcpu cpuset>``.

    ``place`` is the element, ``text`` the set as it stands in its ``cpuset``.
    """

    cpus: HostCpus
    place: Place
    text: str


class Cell(msgspec.Struct, frozen=True):
    """A guest NUMA cell. vCPUs of no cell are in cell 0, as libvirt puts them there."""

    id: GuestCell
    cpus: Vcpus
    memory_bytes: int
    place: Place


class Topology(msgspec.Struct, frozen=True):
    """The CPU topology that the guest sees. vCPU numbers run thread first, then core, cluster, die, socket."""

    sockets: int
    dies: int
    clusters: int
    cores: int
    threads: int
    place: Place


class MemoryBinding(msgspec.Struct, frozen=True):
    """``<memory>`` or a ``<memnode>`` of numatune. ``nodes`` is None where numad chooses them at start."""

    mode: str
    nodes: HostNodes | None
    place: Place


ORDINARY_PAGE = 4096
"""A ``<page>`` of this size means ordinary memory."""


class HugePages(msgspec.Struct, frozen=True):
    """A ``<page>`` of memoryBacking. ``size_bytes`` is None for the host's default size.

    ``cells`` are the guest cells that use it; None: all that no other page names.
    """

    size_bytes: int | None
    cells: GuestCells | None
    place: Place


class Device(msgspec.Struct, frozen=True):
    """A device of the domain that is on a device of the host.

    ``kind`` is the element with its type (``hostdev pci``, ``disk nvme``). ``reference`` is the host's PCI
    address, or its name for the thing: a NIC, a block device, the UUID of a mediated device.
    """

    kind: str
    reference: PciAddress | str
    passthrough: bool
    place: Place


class Fault(msgspec.Struct, frozen=True):
    """A value that libvirt refuses to read."""

    place: Place
    message: str
    label: str


class Domain(msgspec.Struct, frozen=True):
    """One domain.

    ``maximum`` vCPUs are numbered from 0, ``online`` are those that run at start. ``automatic`` tells that numad
    places the vCPUs. ``vcpupins`` has those of vCPUs that exist: libvirt drops the others. ``memory_bytes`` is what
    libvirt stores: where there are cells, their sum and the memory devices.
    """

    name: str
    place: Place
    uuid: str | None = None
    maximum: int = 1
    online: Vcpus = IdSet(1)
    vcpu_place: Place | None = None
    automatic: bool = False
    cpuset: Pin | None = None
    vcpupins: dict[Vcpu, Pin] = {}
    emulatorpin: Pin | None = None
    iothreads: tuple[int, ...] = ()
    iothreadpins: dict[int, Pin] = {}
    realtime: Vcpus = IdSet()
    memory_bytes: int | None = None
    memory_place: Place | None = None
    cells: tuple[Cell, ...] = ()
    memory: MemoryBinding | None = None
    memnodes: dict[GuestCell, MemoryBinding] = {}
    topology: Topology | None = None
    hugepages: tuple[HugePages, ...] = ()
    preallocated: bool = False
    devices: tuple[Device, ...] = ()
    faults: tuple[Fault, ...] = ()

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
