"""The devices of a domain that are on a device of the host, and what the XML calls it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import replace

from numalint.loaders.element import Reader, Sections, in_hexadecimal
from numalint.loaders.guest_devices import (
    guest_bus,
    read_controller,
    read_disk,
    read_filesystem,
    read_interface,
    read_iommu,
    read_memory,
)
from numalint.loaders.xml import Element
from numalint.model.devices import (
    Controller,
    Device,
    Disk,
    GuestDevices,
    Interface,
    Iommu,
    IOThreadUse,
    MemoryDevice,
    SharedMemoryUser,
)
from numalint.model.host import PciAddress

_BY_PATH = re.compile(r"/dev/disk/by-path/(?:virtio-)?pci-([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])(?=-|$)")
_PERSISTENT = re.compile(r"/dev/(?!shm/|hugepages)")
"""What backs persistent memory in /dev, but for files in memory."""

_SUBSYSTEM = ("subsystem", None)


def read_devices(sections: list[Element], reader: Reader) -> GuestDevices:
    """What is in ``<devices>``, each kind in the order of the file."""
    found: dict[type, list[Any]] = {}
    for devices in sections:
        for element in devices:
            readers = _READ.get(element.tag)
            if readers is not None:
                parts = Sections(element)
                for read in readers:
                    for each in read(element, parts, reader):
                        found.setdefault(type(each), []).append(each)
    return GuestDevices(
        on_host=tuple(found.get(Device, ())),
        disks=tuple(found.get(Disk, ())),
        interfaces=tuple(found.get(Interface, ())),
        controllers=tuple(found.get(Controller, ())),
        iothread_uses=tuple(found.get(IOThreadUse, ())),
        memory=tuple(found.get(MemoryDevice, ())),
        shared_memory=tuple(found.get(SharedMemoryUser, ())),
        iommu=next(iter(found.get(Iommu, ())), None),
    )


def _hostdev(element: Element, parts: Sections, reader: Reader) -> Iterator[Device]:
    kind, source = element.get("type"), parts.first("source")
    if source is None:
        reader.fault(element, None, "<hostdev> has no <source>", "<source> is missing")
        return
    if element.get("mode") not in _SUBSYSTEM:
        return
    inside = Sections(source)
    address, adapter = inside.first("address"), inside.first("adapter")
    if kind == "pci" and address is not None:
        yield from _pci("hostdev pci", address, parts, reader)
    elif kind == "mdev" and address is not None:
        yield from _named("hostdev mdev", address, "uuid", reader)
    elif kind == "scsi" and adapter is not None:
        yield from _named("hostdev scsi", adapter, "name", reader)
    elif kind == "scsi_host":
        yield from _named("hostdev scsi_host", source, "wwpn", reader)


def _interface(element: Element, parts: Sections, reader: Reader) -> Iterator[Device]:
    actual = parts.first("actual")  # in a status file, what libvirt chose from the network
    if actual is not None:
        element, parts = actual, Sections(actual)
    kind, source = element.get("type"), parts.first("source")
    if source is None:
        return
    if kind == "hostdev":
        address = Sections(source).first("address")
        if address is not None and address.get("type", "pci") == "pci":
            yield from _pci("interface hostdev", address, parts, reader)
    elif kind in ("direct", "vdpa"):
        yield from _named(f"interface {kind}", source, "dev", reader, passthrough=kind == "vdpa")


def _disk(element: Element, parts: Sections, reader: Reader) -> Iterator[Device]:
    target = parts.first("target")
    name = None if target is None else target.get("dev")
    return (replace(device, target=name) for device in _disk_backend(element, parts, reader))


def _disk_backend(element: Element, parts: Sections, reader: Reader) -> Iterator[Device]:
    kind, source = element.get("type"), parts.first("source")
    if source is None:
        return
    if kind == "nvme":
        address = Sections(source).first("address")
        if address is not None:
            namespace = reader.number(source, "namespace") if "namespace" in source.attrib else None
            for device in _pci("disk nvme", address, parts, reader):
                yield replace(device, namespace=namespace)
    elif kind in ("block", "vhostvdpa"):
        path = _BY_PATH.match(source.get("dev", ""))
        if path is not None:
            place = reader.place(source).at("dev")
            yield Device("disk block", PciAddress.parse(path[1]), passthrough=False, place=place)
        else:
            yield from _named(f"disk {kind}", source, "dev", reader, passthrough=kind == "vhostvdpa")


def _memory(element: Element, parts: Sections, reader: Reader) -> Iterator[Device]:
    path = parts.below("source").first("path")
    name = (path.text or "").strip() if path is not None else ""
    if path is not None and _PERSISTENT.match(name):
        name = name.removeprefix("/dev/")
        yield Device(f"memory {element.get('model')}", name, passthrough=True, place=reader.place(path))


def _pci(kind: str, address: Element, parts: Sections, reader: Reader) -> Iterator[Device]:
    found = reader.pci_address(address)
    if found is not None:
        yield Device(
            kind,
            found,
            passthrough=True,
            place=reader.place(address),
            guest_bus=guest_bus(parts),
            in_hexadecimal=in_hexadecimal(address),
        )


def _named(
    kind: str, element: Element, attribute: str, reader: Reader, *, passthrough: bool = True
) -> Iterator[Device]:
    name = element.get(attribute)
    if name:
        place = reader.place(element).at(attribute)
        yield Device(kind, name.removeprefix("/dev/"), passthrough=passthrough, place=place)


_READ: dict[str, tuple[Callable[[Element, Sections, Reader], Iterator[Any]], ...]] = {
    "hostdev": (_hostdev,),
    "interface": (_interface, read_interface),
    "disk": (_disk, read_disk),
    "memory": (_memory, read_memory),
    "controller": (read_controller,),
    "filesystem": (read_filesystem,),
    "iommu": (read_iommu,),
}
