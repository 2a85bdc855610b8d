"""The devices of a domain: those that are on a device of the host, and as the guest has them."""

from __future__ import annotations

import msgspec

from numalint.model.host import PciAddress
from numalint.model.idset import GuestCell, HostNodes
from numalint.model.place import Place


class Device(msgspec.Struct, frozen=True):
    """A device of the domain that is on a device of the host.

    ``kind`` is the element with its type (``hostdev pci``, ``disk nvme``). ``reference`` is the host's PCI
    address, or its name for the thing: a NIC, a block device, the UUID of a mediated device. ``guest_bus`` is the PCI
    bus of the guest that it sits on, ``namespace`` that of an NVMe disk, ``target`` the name of a disk in the guest.
    ``in_hexadecimal`` is the address that it would have if its numbers, written without 0x, were hexadecimal.
    """

    kind: str
    reference: PciAddress | str
    passthrough: bool
    place: Place
    guest_bus: int | None = None
    namespace: int | None = None
    target: str | None = None
    in_hexadecimal: PciAddress | None = None


class Disk(msgspec.Struct, frozen=True):
    """A ``<disk>``: ``device`` is disk, cdrom, lun or floppy; ``target`` the name in the guest (``vda``).

    ``threads`` are the IOThreads that it names.
    """

    type: str
    device: str
    target: str
    bus: str | None
    threads: tuple[int, ...]
    place: Place


class Interface(msgspec.Struct, frozen=True):
    """An ``<interface>``. ``queues`` are its queue pairs, each served by a vhost worker where it is virtio."""

    type: str
    model: str | None
    driver: str | None
    queues: int
    place: Place

    @property
    def on_emulator(self) -> bool:
        """Whether the emulator or vhost, which runs beside it, carries its packets; else hardware or another process."""
        return self.type not in ("hostdev", "vhostuser", "vdpa")

    @property
    def vhost(self) -> bool:
        """Whether vhost carries its packets where the host offers it, by one worker for each queue pair."""
        virtio = self.model is not None and self.model.startswith("virtio")
        return virtio and self.driver != "qemu" and self.type in ("network", "bridge", "direct", "ethernet")


class Controller(msgspec.Struct, frozen=True):
    """A ``<controller>``. ``bus`` is the PCI bus that it sits on; ``cell`` the guest cell that a PCI expander is on."""

    type: str
    model: str | None
    index: int | None
    bus: int | None
    cell: GuestCell | None
    threaded: bool
    place: Place


class IOThreadUse(msgspec.Struct, frozen=True):
    """A device that names an IOThread: ``user`` is the device in words, ``bus`` that of a disk.

    ``queues`` are those that are mapped to the thread; None where the thread serves the whole device. ``of`` is how many
    queues the device is given, None where it is not said. ``driver`` is the ``<driver>`` that says all this: two uses of
    one device have the same.
    """

    thread: int
    user: str
    bus: str | None
    place: Place
    queues: tuple[int, ...] | None = None
    of: int | None = None
    driver: Place | None = None


class MemoryDevice(msgspec.Struct, frozen=True):
    """A ``<memory>`` device. ``cell`` is the guest cell that gets it, ``nodes`` the host nodes of its ``nodemask``.

    ``path`` is the file or the device of the host that backs it (``/dev/dax0.0``). ``page_bytes`` is the size of the pages
    that it is made of; None where it does not say, and has those of its cell.
    """

    model: str
    size_bytes: int
    cell: GuestCell | None
    nodes: HostNodes | None
    place: Place
    nodes_place: Place | None = None
    path: str | None = None
    page_bytes: int | None = None


class SharedMemoryUser(msgspec.Struct, frozen=True):
    """A device whose backend is another process that maps the guest's memory (vhost-user, virtiofs)."""

    what: str
    place: Place


class Iommu(msgspec.Struct, frozen=True):
    """The guest's IOMMU. ``eim`` and ``intremap`` are the switches that over 255 vCPUs need; None: not said."""

    model: str | None
    eim: bool | None
    intremap: bool | None
    place: Place


class GuestDevices(msgspec.Struct, frozen=True):
    """The devices of a guest, each kind in the order of the file. ``on_host`` are those on a device of the host.

    Controllers of PCI buses are there only where one of them says more than where it sits: that it is on a guest cell.
    """

    on_host: tuple[Device, ...] = ()
    disks: tuple[Disk, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    controllers: tuple[Controller, ...] = ()
    iothread_uses: tuple[IOThreadUse, ...] = ()
    memory: tuple[MemoryDevice, ...] = ()
    shared_memory: tuple[SharedMemoryUser, ...] = ()
    iommu: Iommu | None = None

    def served_by_emulator(self, disk: Disk) -> bool:
        """Whether the emulator serves a disk: no IOThread does (a SCSI disk has its controller's), nor another process."""
        if disk.threads or disk.type in ("vhostuser", "vhostvdpa"):
            return False
        return disk.bus != "scsi" or not any(each.threaded for each in self.controllers)
