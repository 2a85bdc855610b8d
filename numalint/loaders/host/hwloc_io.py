"""The devices in hwloc's XML: PCI devices and buses by the object that they hang on, and what they are called.

hwloc says of which CPUs a device is local, not its node. What hangs on the whole machine of several nodes has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from numalint.loaders.host.hwloc_bitmap import bitmap
from numalint.loaders.host.values import Values, cut, torn_note
from numalint.loaders.xml import Element
from numalint.model.host import Node, PciAddress, PciBuses, PciDevice
from numalint.model.idset import HostNode

IO_TYPES = ("Bridge", "PCIDev", "OSDev")
_BUSES = re.compile(r"([0-9a-fA-F]{4,8}):\[([0-9a-fA-F]{2})-([0-9a-fA-F]{2})\]")
_HOST_BRIDGE = "0-"


class IoObjects(msgspec.Struct):
    """The I/O objects of a tree, each with the object that is not I/O below which it stands.

    ``names`` are those of the OS devices on a PCI device, ``others`` are OS devices that are on none.
    """

    devices: list[tuple[Element, Element]] = []
    bridges: list[tuple[Element, Element]] = []
    names: dict[Element, dict[str, None]] = {}
    others: list[tuple[str, Element]] = []

    def add(self, element: Element, locality: Element, device: Element | None = None) -> None:
        """Reads an I/O object and those below it; ``device`` is the PCI device above."""
        kind = element.get("type")
        if kind == "PCIDev":
            device = element
            self.devices.append((element, locality))
        elif kind == "Bridge" and element.get("bridge_type", "").startswith(_HOST_BRIDGE):
            self.bridges.append((element, locality))
        name = element.get("name")
        if kind == "OSDev" and name and device is not None:
            self.names.setdefault(device, {})[name] = None
        elif kind == "OSDev" and name:
            self.others.append((name, locality))
        for child in element.iterfind("object"):
            self.add(child, locality, device)


class Localities:
    """Tells on which node an object of the tree is."""

    def __init__(self, nodes: Iterable[Node], values: Values) -> None:
        self._cpus = {node.id: node.cpus.mask for node in nodes if node.cpus is not None}
        self._home = {cpu: node.id for node in nodes for cpu in node.cpus or ()}
        self._ids = sum(1 << node for node in self._cpus)
        self._online = sum(self._cpus.values())
        self._values = values
        self._known: dict[Element, HostNode | None] = {}

    def node_of(self, locality: Element) -> HostNode | None:
        """The only node of an object, or its only node that has CPUs.

        The whole machine, on a host of several nodes, is how hwloc says that it does not know.
        """
        if locality not in self._known:
            self._known[locality] = self._find(locality)
        return self._known[locality]

    def _find(self, locality: Element) -> HostNode | None:
        if len(self._cpus) == 1:
            return next(iter(self._cpus))
        if locality.get("type") == "Machine":
            return None
        inside = bitmap(locality, "nodeset", self._values) & self._ids
        if inside.bit_count() == 1:
            return HostNode(inside.bit_length() - 1)
        return self.node_of_cpus(bitmap(locality, "cpuset", self._values))

    def node_of_cpus(self, cpus: int) -> HostNode | None:
        """The node of all CPUs of a mask, None where they are on several."""
        cpus &= self._online
        if not cpus:
            return None
        home = self._home[(cpus & -cpus).bit_length() - 1]  # type: ignore[index]  # the number of a bit is a CPU's
        return home if not cpus & ~self._cpus[home] else None


def read_pci(
    root: Element, found: IoObjects, at: Localities, notes: list[str], values: Values
) -> tuple[dict[PciAddress, PciDevice] | None, tuple[PciBuses, ...]]:
    """The PCI devices, and the buses of which it is said where they are. Raises LoadError."""
    pci: dict[PciAddress, PciDevice] = {}
    names: dict[PciAddress, dict[str, None]] = {}
    torn: set[PciAddress] = set()
    for element, locality in found.devices:
        address, node = _address(element, values), at.node_of(locality)
        names.setdefault(address, {}).update(found.names.get(element, {}))
        if address not in pci:
            pci[address] = PciDevice(address, node, place=values.place(element))
        elif pci[address].node != node:
            torn.add(address)
    if torn:
        notes.append(torn_note(torn))
    pci = {
        address: msgspec.structs.replace(
            device, node=None if address in torn else device.node, names=tuple(names[address])
        )
        for address, device in pci.items()
    }
    return pci or None, _undisputed({*_buses(root, found, at, values)}, pci.values())


def _address(element: Element, values: Values) -> PciAddress:
    text = values.text(element, "pci_busid")
    try:
        return PciAddress.parse(text)
    except ValueError:
        values.refuse(element, "pci_busid", f"{cut(text)!r} is not a PCI address such as 0000:3b:00.0")


def _buses(root: Element, found: IoObjects, at: Localities, values: Values) -> Iterator[PciBuses]:
    """The buses below each host bridge; version 3 lists them besides, those without devices too."""
    for element, locality in found.bridges:
        node = at.node_of(locality)
        match = _BUSES.fullmatch(element.get("bridge_pci", ""))
        if node is not None and match is not None:
            domain, first, last = (int(part, 16) for part in match.groups())
            yield PciBuses(domain, first, last, node)
    for element in root.iterfind("pci_locality"):
        node = at.node_of_cpus(bitmap(element, "cpuset", values))
        domain, first, last = (
            values.number(element, name, largest, hexadecimal=True)
            for name, largest in (("domain", 0xFFFFFFFF), ("bus_min", 0xFF), ("bus_max", 0xFF))
        )
        if node is not None:
            yield PciBuses(domain, first, last, node)


def _undisputed(stated: set[PciBuses], devices: Iterable[PciDevice]) -> tuple[PciBuses, ...]:
    """The ranges of buses that neither a device on them nor another range contradicts."""
    claims: list[tuple[int, int, int, HostNode | None, PciBuses | None]] = [
        *((each.domain, each.first, each.last, each.node, each) for each in stated),
        *((each.address.domain, each.address.bus, each.address.bus, each.node, None) for each in devices),
    ]
    kept: list[PciBuses] = []
    group: list[PciBuses] = []
    nodes: set[HostNode | None] = set()
    domain, end = -1, -1
    for claim in sorted(claims, key=lambda claim: claim[:3]):
        if claim[0] != domain or claim[1] > end:  # nothing before overlaps with it
            kept += group if len(nodes) == 1 else []
            group, nodes, domain, end = [], set(), claim[0], claim[2]
        end = max(end, claim[2])
        nodes.add(claim[3])
        if claim[4] is not None:
            group.append(claim[4])
    kept += group if len(nodes) == 1 else []
    return tuple(sorted(kept, key=lambda each: (each.domain, each.first, each.last)))
