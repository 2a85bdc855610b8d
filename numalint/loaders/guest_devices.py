"""The devices of a domain as the guest has them: disks, NICs, controllers, memory devices, its IOMMU."""

from __future__ import annotations

from collections.abc import Iterator

from numalint.loaders.element import Reader, Sections, c_literal
from numalint.loaders.xml import Element
from numalint.model.devices import (
    Controller,
    Disk,
    Interface,
    Iommu,
    IOThreadUse,
    MemoryDevice,
    SharedMemoryUser,
)
from numalint.model.idset import GuestCell, HostNodes
from numalint.model.place import TEXT

Read = Disk | Interface | Controller | IOThreadUse | MemoryDevice | SharedMemoryUser | Iommu


def read_disk(element: Element, parts: Sections, reader: Reader) -> Iterator[Read]:
    target, driver = parts.first("target"), parts.first("driver")
    name, bus = _attribute(target, "dev"), _attribute(target, "bus")
    uses = tuple(_iothread_uses(driver, f"disk {name}", bus, reader))
    type = element.get("type", "file")
    threads = tuple(use.thread for use in uses)
    yield Disk(type, element.get("device", "disk"), name or "", bus, threads, reader.place(element))
    yield from uses
    if type == "vhostuser":
        yield SharedMemoryUser("disk vhostuser", reader.place(element))


def read_interface(element: Element, parts: Sections, reader: Reader) -> Iterator[Read]:
    driver, type = parts.first("driver"), element.get("type", "")
    queues = None if driver is None or "queues" not in driver.attrib else reader.number(driver, "queues")
    model = _attribute(parts.first("model"), "type")
    yield Interface(type, model, _attribute(driver, "name"), queues or 1, reader.place(element))
    if type == "vhostuser":
        yield SharedMemoryUser("interface vhostuser", reader.place(element))


def read_controller(element: Element, parts: Sections, reader: Reader) -> Iterator[Read]:
    driver, target = parts.first("driver"), parts.first("target")
    type, model = element.get("type", ""), element.get("model")
    index = reader.number(element, "index") if "index" in element.attrib else None
    node = None if target is None else Sections(target).first("node")
    cell = None if node is None else reader.number(node, TEXT)
    named = f"controller {type}" if index is None else f"controller {type} {index}"
    uses = () if driver is None else tuple(_iothread_uses(driver, named, None, reader))
    place = reader.place(element) if node is None else reader.place(node).at(TEXT)
    yield Controller(type, model, index, guest_bus(parts), None if cell is None else GuestCell(cell), bool(uses), place)
    yield from uses


def read_memory(element: Element, parts: Sections, reader: Reader) -> Iterator[Read]:
    target, source = parts.below("target"), parts.below("source")
    size = target.first("size")
    size_bytes = None if size is None else reader.size(size, TEXT)
    node, mask, path = target.first("node"), source.first("nodemask"), source.first("path")
    cell = None if node is None else reader.number(node, TEXT)
    nodes: HostNodes | None = None if mask is None else reader.text_set(mask)
    page = source.first("pagesize")
    yield MemoryDevice(
        element.get("model", ""),
        size_bytes or 0,
        None if cell is None else GuestCell(cell),
        nodes,
        reader.place(element),
        None if mask is None else reader.place(mask).at(TEXT),
        None if path is None or not path.text else path.text.strip(),
        None if page is None else reader.size(page, TEXT),
    )


def read_filesystem(element: Element, parts: Sections, reader: Reader) -> Iterator[Read]:
    if _attribute(parts.first("driver"), "type") == "virtiofs":
        yield SharedMemoryUser("filesystem virtiofs", reader.place(element))


def read_iommu(element: Element, parts: Sections, reader: Reader) -> Iterator[Read]:
    driver = parts.first("driver")
    eim, intremap = ({"on": True, "off": False}.get(_attribute(driver, name) or "") for name in ("eim", "intremap"))
    yield Iommu(element.get("model"), eim, intremap, reader.place(element))


def guest_bus(parts: Sections) -> int | None:
    """The PCI bus of the guest that a device sits on."""
    address = parts.first("address")
    if address is None or address.get("type", "pci") != "pci" or "bus" not in address.attrib:
        return None
    return c_literal(address.get("bus", ""))


def _iothread_uses(driver: Element | None, user: str, bus: str | None, reader: Reader) -> Iterator[IOThreadUse]:
    """The IOThread of a device, or those to which its queues are mapped."""
    if driver is None:
        return
    if "iothread" in driver.attrib:
        thread = reader.number(driver, "iothread")
        if thread is not None:
            yield IOThreadUse(thread, user, bus, reader.place(driver).at("iothread"), driver=reader.place(driver))
    threads = Sections(driver).below("iothreads").all("iothread")
    of = reader.number(driver, "queues") if threads and "queues" in driver.attrib else None
    for element in threads:
        thread = reader.number(element, "id")
        queues = [reader.number(queue, "id") for queue in Sections(element).all("queue")]
        if thread is not None:
            mapped = tuple(number for number in queues if number is not None)
            yield IOThreadUse(thread, user, bus, reader.place(element).at("id"), mapped, of, reader.place(driver))


def _attribute(element: Element | None, name: str) -> str | None:
    return None if element is None else element.get(name)
