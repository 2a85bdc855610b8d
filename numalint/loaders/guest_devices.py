"""The devices of a domain as the guest has them: disks, NICs, controllers, memory devices, its IOMMU."""

from __future__ import annotations

from collections.abc import Sequence

from numalint.loaders.element import Reader, Sections, attribute, c_literal
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
from numalint.model.idset import GuestCell, HostNodes
from numalint.model.place import TEXT


class Found:
    """The devices of a domain while they are read, each kind in the order of the file."""

    def __init__(self) -> None:
        self.on_host: list[Device] = []
        self.disks: list[Disk] = []
        self.interfaces: list[Interface] = []
        self.controllers: list[Controller] = []
        self.iothread_uses: list[IOThreadUse] = []
        self.memory: list[MemoryDevice] = []
        self.shared_memory: list[SharedMemoryUser] = []
        self.iommus: list[Iommu] = []

    def devices(self) -> GuestDevices:
        """All of them. Of several IOMMUs libvirt reads the first."""
        return GuestDevices(
            on_host=tuple(self.on_host),
            disks=tuple(self.disks),
            interfaces=tuple(self.interfaces),
            controllers=tuple(self.controllers),
            iothread_uses=tuple(self.iothread_uses),
            memory=tuple(self.memory),
            shared_memory=tuple(self.shared_memory),
            iommu=self.iommus[0] if self.iommus else None,
        )


def read_disk(element: Element, parts: Sections, reader: Reader, found: Found) -> None:
    target, driver = parts.first("target"), parts.first("driver")
    name, bus = attribute(target, "dev"), attribute(target, "bus")
    uses = () if driver is None else _iothread_uses(driver, f"disk {name}", bus, reader)
    type, place = element.get("type", "file"), reader.place(element)
    threads = tuple(use.thread for use in uses)
    found.disks.append(Disk(type, element.get("device", "disk"), name or "", bus, threads, place))
    found.iothread_uses += uses
    if type == "vhostuser":
        found.shared_memory.append(SharedMemoryUser("disk vhostuser", place))


def read_interface(element: Element, parts: Sections, reader: Reader, found: Found) -> None:
    driver, type, place = parts.first("driver"), element.get("type", ""), reader.place(element)
    queues = None if driver is None or "queues" not in driver.attrib else reader.number(driver, "queues")
    model = attribute(parts.first("model"), "type")
    found.interfaces.append(Interface(type, model, attribute(driver, "name"), queues or 1, place))
    if type == "vhostuser":
        found.shared_memory.append(SharedMemoryUser("interface vhostuser", place))


def read_controller(element: Element, parts: Sections, reader: Reader, found: Found) -> None:
    driver, target = parts.first("driver"), parts.first("target")
    type, model = element.get("type", ""), element.get("model")
    index = reader.number(element, "index") if "index" in element.attrib else None
    node = None if target is None else Sections(target).first("node")
    cell = None if node is None else reader.number(node, TEXT)
    named = f"controller {type}" if index is None else f"controller {type} {index}"
    uses = () if driver is None else _iothread_uses(driver, named, None, reader)
    place = reader.place(element) if node is None else reader.place(node).at(TEXT)
    cell = None if cell is None else GuestCell(cell)
    found.controllers.append(Controller(type, model, index, guest_bus(parts), cell, bool(uses), place))
    found.iothread_uses += uses


def read_memory(element: Element, parts: Sections, reader: Reader, found: Found) -> None:
    target, source = parts.below("target"), parts.below("source")
    size = target.first("size")
    size_bytes = None if size is None else reader.size(size, TEXT)
    node, mask, path = target.first("node"), source.first("nodemask"), source.first("path")
    cell = None if node is None else reader.number(node, TEXT)
    nodes: HostNodes | None = None if mask is None else reader.text_set(mask)
    page = source.first("pagesize")
    found.memory.append(
        MemoryDevice(
            element.get("model", ""),
            size_bytes or 0,
            None if cell is None else GuestCell(cell),
            nodes,
            reader.place(element),
            None if mask is None else reader.place(mask).at(TEXT),
            None if path is None or not path.text else path.text.strip(),
            None if page is None else reader.size(page, TEXT),
        )
    )


def read_filesystem(element: Element, parts: Sections, reader: Reader, found: Found) -> None:
    if attribute(parts.first("driver"), "type") == "virtiofs":
        found.shared_memory.append(SharedMemoryUser("filesystem virtiofs", reader.place(element)))


def read_iommu(element: Element, parts: Sections, reader: Reader, found: Found) -> None:
    driver = parts.first("driver")
    eim, intremap = ({"on": True, "off": False}.get(attribute(driver, name) or "") for name in ("eim", "intremap"))
    found.iommus.append(Iommu(element.get("model"), eim, intremap, reader.place(element)))


def guest_bus(parts: Sections) -> int | None:
    """The PCI bus of the guest that a device sits on."""
    address = parts.first("address")
    if address is None or address.get("type", "pci") != "pci":
        return None
    bus = address.get("bus")
    return None if bus is None else c_literal(bus)


def _iothread_uses(driver: Element, user: str, bus: str | None, reader: Reader) -> Sequence[IOThreadUse]:
    """The IOThread of a device, or those to which its queues are mapped."""
    found = []
    if "iothread" in driver.attrib:
        thread = reader.number(driver, "iothread")
        if thread is not None:
            place = reader.place(driver)
            found.append(IOThreadUse(thread, user, bus, place.at("iothread"), driver=place))
    threads = Sections(driver).below("iothreads").all("iothread") if len(driver) else ()
    of = reader.number(driver, "queues") if threads and "queues" in driver.attrib else None
    for element in threads:
        thread = reader.number(element, "id")
        queues = [reader.number(queue, "id") for queue in Sections(element).all("queue")]
        if thread is not None:
            mapped = tuple(number for number in queues if number is not None)
            place = reader.place(element).at("id")
            found.append(IOThreadUse(thread, user, bus, place, mapped, of, reader.place(driver)))
    return found
