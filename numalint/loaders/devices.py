"""The devices of a domain that are on a device of the host, and what the XML calls it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from numalint.loaders.element import Reader
from numalint.loaders.xml import Element
from numalint.model.domain import Device
from numalint.model.host import PciAddress

_BY_PATH = re.compile(r"/dev/disk/by-path/pci-([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])-")
_SUBSYSTEM = ("subsystem", None)


def read_devices(sections: list[Element], reader: Reader) -> tuple[Device, ...]:
    """The devices in ``<devices>`` whose host side the XML names, in the order of the file.

    Left out are those that name nothing on the host: files, networks, bridges, USB devices.
    """
    found: list[Device] = []
    for devices in sections:
        for element in devices:
            read = _READ.get(element.tag)
            if read is not None:
                found.extend(read(element, reader))
    return tuple(found)


def _hostdev(element: Element, reader: Reader) -> Iterator[Device]:
    kind = element.get("type")
    source = element.find("source")
    if source is None or element.get("mode") not in _SUBSYSTEM:
        return
    address, adapter = source.find("address"), source.find("adapter")
    if kind == "pci" and address is not None:
        yield from _pci("hostdev pci", address, reader)
    elif kind == "mdev" and address is not None:
        yield from _named("hostdev mdev", address, "uuid", reader)
    elif kind == "scsi" and adapter is not None:
        yield from _named("hostdev scsi", adapter, "name", reader)
    elif kind == "scsi_host":
        yield from _named("hostdev scsi_host", source, "wwpn", reader)


def _interface(element: Element, reader: Reader) -> Iterator[Device]:
    kind = element.get("type")
    source = element.find("source")
    if source is None:
        return
    address = source.find("address")
    if kind == "hostdev" and address is not None and address.get("type", "pci") == "pci":
        yield from _pci("interface hostdev", address, reader)
    elif kind in ("direct", "vdpa"):
        yield from _named(f"interface {kind}", source, "dev", reader, passthrough=kind == "vdpa")


def _disk(element: Element, reader: Reader) -> Iterator[Device]:
    kind = element.get("type")
    source = element.find("source")
    if source is None:
        return
    address = source.find("address")
    if kind == "nvme" and address is not None:
        yield from _pci("disk nvme", address, reader)
    elif kind in ("block", "vhostvdpa"):
        path = _BY_PATH.match(source.get("dev", ""))
        if path is not None:
            place = reader.place(source).at("dev")
            yield Device("disk block", PciAddress.parse(path[1]), passthrough=False, place=place)
        else:
            yield from _named(f"disk {kind}", source, "dev", reader, passthrough=kind == "vhostvdpa")


def _memory(element: Element, reader: Reader) -> Iterator[Device]:
    path = element.find("source/path")
    if path is not None and (path.text or "").startswith("/dev/"):
        name = (path.text or "").strip().removeprefix("/dev/")
        yield Device(f"memory {element.get('model')}", name, passthrough=True, place=reader.place(path))


def _pci(kind: str, address: Element, reader: Reader) -> Iterator[Device]:
    found = reader.pci_address(address)
    if found is not None:
        yield Device(kind, found, passthrough=True, place=reader.place(address))


def _named(
    kind: str, element: Element, attribute: str, reader: Reader, *, passthrough: bool = True
) -> Iterator[Device]:
    name = element.get(attribute)
    if name:
        place = reader.place(element).at(attribute)
        yield Device(kind, name.removeprefix("/dev/"), passthrough=passthrough, place=place)


_READ: dict[str, Callable[[Element, Reader], Iterator[Device]]] = {
    "hostdev": _hostdev,
    "interface": _interface,
    "disk": _disk,
    "memory": _memory,
}
