"""The devices of a domain that are on a device of the host, and what the XML calls it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from lxml import etree

from numalint.loaders.element import Reader, Sections, attribute, in_hexadecimal
from numalint.loaders.guest_devices import (
    Found,
    guest_bus,
    read_controller,
    read_disk,
    read_filesystem,
    read_interface,
    read_iommu,
    read_memory,
)
from numalint.loaders.xml import Element
from numalint.model.devices import Device, GuestDevices
from numalint.model.host import PciAddress

_BY_PATH = re.compile(r"/dev/disk/by-path/(?:virtio-)?pci-([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])(?=-|$)")
_PERSISTENT = re.compile(r"/dev/(?!shm/|hugepages)")
"""What backs persistent memory in /dev, but for files in memory."""

_TELLING = etree.XPath("controller/driver | controller/target/node")
"""What makes a controller more than a bus; for PCI, whose controllers are half of all devices, mostly nothing does."""

_SUBSYSTEM = ("subsystem", None)


def read_devices(sections: Sequence[Element], reader: Reader) -> GuestDevices:
    """What is in ``<devices>``, each kind in the order of the file."""
    found = Found()
    buses = not any(map(_tells, sections))
    for devices in sections:
        for element in devices:
            tag = element.tag
            if buses and tag == "controller" and element.get("type") == "pci":
                reader.number(element, "index", 0)  # libvirt refuses what is no number
            elif tag in _READ:
                parts = Sections(element)
                for read in _READ[tag]:
                    read(element, parts, reader, found)
    return found.devices()


def _tells(devices: Element) -> bool:
    """Whether some PCI controller is more than a bus."""
    parts: Any = _TELLING(devices)
    return any(part.tag == "node" or part.getparent().get("type") == "pci" for part in parts)


def _hostdev(element: Element, parts: Sections, reader: Reader, found: Found) -> None:
    kind, source = element.get("type"), parts.first("source")
    if source is None:
        reader.fault(element, None, "<hostdev> has no <source>", "<source> is missing")
        return
    if element.get("mode") not in _SUBSYSTEM:
        return
    inside = Sections(source)
    address, adapter = inside.first("address"), inside.first("adapter")
    if kind == "pci" and address is not None:
        _pci("hostdev pci", address, parts, reader, found)
    elif kind == "mdev" and address is not None:
        _named("hostdev mdev", address, "uuid", reader, found)
    elif kind == "scsi" and adapter is not None:
        _named("hostdev scsi", adapter, "name", reader, found)
    elif kind == "scsi_host":
        _named("hostdev scsi_host", source, "wwpn", reader, found)


def _interface(element: Element, parts: Sections, reader: Reader, found: Found) -> None:
    actual = parts.first("actual")  # in a status file, what libvirt chose from the network
    if actual is not None:
        element, parts = actual, Sections(actual)
    kind, source = element.get("type"), parts.first("source")
    if source is None:
        return
    if kind == "hostdev":
        address = Sections(source).first("address")
        if address is not None and address.get("type", "pci") == "pci":
            _pci("interface hostdev", address, parts, reader, found)
    elif kind in ("direct", "vdpa"):
        _named(f"interface {kind}", source, "dev", reader, found, passthrough=kind == "vdpa")


def _disk(element: Element, parts: Sections, reader: Reader, found: Found) -> None:
    kind, source = element.get("type"), parts.first("source")
    if source is None:
        return
    target = attribute(parts.first("target"), "dev")
    if kind == "nvme":
        address = Sections(source).first("address")
        if address is not None:
            namespace = reader.number(source, "namespace") if "namespace" in source.attrib else None
            _pci("disk nvme", address, parts, reader, found, namespace=namespace, target=target)
    elif kind in ("block", "vhostvdpa"):
        path = _BY_PATH.match(source.get("dev", ""))
        if path is not None:
            place = reader.place(source).at("dev")
            device = Device("disk block", PciAddress.parse(path[1]), passthrough=False, place=place, target=target)
            found.on_host.append(device)
        else:
            _named(f"disk {kind}", source, "dev", reader, found, passthrough=kind == "vhostvdpa", target=target)


def _memory(element: Element, parts: Sections, reader: Reader, found: Found) -> None:
    path = parts.below("source").first("path")
    name = (path.text or "").strip() if path is not None else ""
    if path is not None and _PERSISTENT.match(name):
        kind, name = f"memory {element.get('model')}", name.removeprefix("/dev/")
        found.on_host.append(Device(kind, name, passthrough=True, place=reader.place(path)))


def _pci(
    kind: str,
    address: Element,
    parts: Sections,
    reader: Reader,
    found: Found,
    *,
    namespace: int | None = None,
    target: str | None = None,
) -> None:
    reference = reader.pci_address(address)
    if reference is not None:
        found.on_host.append(
            Device(
                kind,
                reference,
                passthrough=True,
                place=reader.place(address),
                guest_bus=guest_bus(parts),
                namespace=namespace,
                target=target,
                in_hexadecimal=in_hexadecimal(address),
            )
        )


def _named(
    kind: str,
    element: Element,
    naming: str,
    reader: Reader,
    found: Found,
    *,
    passthrough: bool = True,
    target: str | None = None,
) -> None:
    name = element.get(naming)
    if name:
        place = reader.place(element).at(naming)
        found.on_host.append(Device(kind, name.removeprefix("/dev/"), passthrough, place, target=target))


_READ: dict[str, tuple[Callable[[Element, Sections, Reader, Found], None], ...]] = {
    "hostdev": (_hostdev,),
    "interface": (_interface, read_interface),
    "disk": (_disk, read_disk),
    "memory": (_memory, read_memory),
    "controller": (read_controller,),
    "filesystem": (read_filesystem,),
    "iommu": (read_iommu,),
}
