"""The PCI devices and buses that a host's declaration states."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from numalint.loaders.host.toml_keys import NodeEntry, NodeTable, PciEntry, PciTable
from numalint.loaders.host.toml_tables import Tables
from numalint.loaders.host.values import LARGEST_NODE
from numalint.model.host import Host, PciAddress, PciBuses, PciDevice
from numalint.model.idset import HostNode, IdSet

_BUSES = re.compile(r"([0-9a-fA-F]{4,8}):([0-9a-fA-F]{2})(?:-([0-9a-fA-F]{2}))?")
_LARGEST_VFS = 1 << 16
_LARGEST_GROUP = 1 << 31


def with_pci(host: Host, tables: Tables) -> Host:
    """The host with what its tables say of PCI; ``pci = []`` says that there is no device. Raises LoadError."""
    stated: dict[PciAddress, PciDevice] = {}
    buses: list[PciBuses] = []
    for table, node, said in _node_tables(tables):
        for text in said.pci:
            word, _, names = text.strip().partition(" ")
            device = PciDevice(
                _address(word, table, "pci", tables), node, tuple(names.split()), place=tables.place(table)
            )
            _state(stated, device, table, "pci", tables)
        for text in said.pci_buses:
            _state_buses(buses, text, node, (table, "pci_buses"), tables)
    for table, entry in _entries(tables):
        for device in _devices(entry, host, table, tables):
            _state(stated, device, table, "address", tables)
    for text, number in tables.file.pci_buses.items():
        node = _known(number, host, "pci_buses", text, tables)
        _state_buses(buses, text, node, ("pci_buses", text), tables)
    # Names that a base input knows stay: a declaration adds its own.
    known = dict(host.pci or {})
    for address, device in stated.items():
        before = known.get(address)
        known[address] = device if before is None else _added(before, device)
    return replace(
        host,
        pci=known if stated or tables.file.pci is not None or host.pci is not None else None,
        pci_buses=(*buses, *host.pci_buses),
        complete_pci=host.complete_pci if tables.file.pci_complete is None else tables.file.pci_complete,
    )


def _node_tables(tables: Tables) -> list[tuple[str, HostNode, NodeTable]]:
    found: list[tuple[str, HostNode, NodeTable]] = []
    for number, raw in enumerate(tables.file.nodes, 1):
        entry = tables.decode(NodeEntry, raw, f"[[nodes]] {number}")
        found.append((f"[[nodes]] {number}", HostNode(entry.id), entry))
    for key, raw in tables.file.node.items():
        found.append((f"node.{key}", HostNode(int(key)), tables.decode(NodeTable, raw, f"node.{key}")))
    return found


def _entries(tables: Tables) -> Iterator[tuple[str, PciEntry]]:
    """The devices in full: those of [[pci]], or the keys of [pci]."""
    if isinstance(tables.file.pci, dict):
        for address, raw in tables.file.pci.items():
            table = f"pci.{address}"
            said = tables.decode(PciTable, raw, table)
            facts = {field: getattr(said, field) for field in PciTable.__struct_fields__}
            yield table, PciEntry(address=address, **facts)
        return
    for number, raw in enumerate(tables.file.pci or [], 1):
        yield f"[[pci]] {number}", tables.decode(PciEntry, raw, f"[[pci]] {number}")


def _state(stated: dict[PciAddress, PciDevice], device: PciDevice, table: str, key: str, tables: Tables) -> None:
    if device.address in stated:
        tables.refuse(table, key, f"PCI device {device.address} is declared twice")
    stated[device.address] = device


def _address(text: str, table: str, key: str, tables: Tables) -> PciAddress:
    try:
        return PciAddress.parse(text)
    except ValueError as error:
        tables.refuse(table, key, str(error))


def _known(number: int, host: Host, table: str, key: str, tables: Tables) -> HostNode:
    """A node that the host has, or that may be there since nobody states its nodes."""
    node = HostNode(tables.bounded(number, 0, LARGEST_NODE, table, key))
    if host.nodes is not None and node not in host.node_by_id:
        tables.contradicts(table, key, f"there is no node {node}: the host has {IdSet.of(host.node_by_id)}")
    return node


def _devices(entry: PciEntry, host: Host, table: str, tables: Tables) -> list[PciDevice]:
    """The device of an entry and its virtual functions, where their addresses are told and not just their count."""
    node = None if entry.node is None else _known(entry.node, host, table, "node", tables)
    if isinstance(entry.vfs, int):
        tables.bounded(entry.vfs, 0, _LARGEST_VFS, table, "vfs")
    if entry.iommu_group is not None:
        tables.bounded(entry.iommu_group, 0, _LARGEST_GROUP, table, "iommu_group")
    functions = entry.vfs if isinstance(entry.vfs, list) else []
    address = _address(entry.address, table, "address", tables)
    physical = entry.physical_function
    place = tables.place(table)
    device = PciDevice(
        address,
        node,
        _names(entry, table, tables),
        aliases=tuple(entry.aliases),
        driver=entry.driver,
        iommu_group=entry.iommu_group,
        physical_function=None if physical is None else _address(physical, table, "physical_function", tables),
        place=place,
    )
    return [
        device,
        *(
            PciDevice(_address(text, table, "vfs", tables), node, physical_function=address, place=place)
            for text in functions
        ),
    ]


def _names(entry: PciEntry, table: str, tables: Tables) -> tuple[str, ...]:
    """What the host calls the device: ``name`` is one, ``names`` are several."""
    if entry.name is not None and entry.names is not None:
        tables.refuse(table, "name", "names are given too: write one of the two")
    if entry.names is not None and "" in entry.names:
        tables.refuse(table, "names", "one of them is empty")
    return tuple(entry.names) if entry.names is not None else (entry.name,) if entry.name else ()


def _added(before: PciDevice, device: PciDevice) -> PciDevice:
    return replace(
        before,
        node=device.node if device.node is not None else before.node,
        names=tuple(dict.fromkeys((*device.names, *before.names))),
        aliases=tuple(dict.fromkeys((*device.aliases, *before.aliases))),
        driver=device.driver if device.driver is not None else before.driver,
        iommu_group=device.iommu_group if device.iommu_group is not None else before.iommu_group,
        physical_function=device.physical_function or before.physical_function,
    )


def _state_buses(buses: list[PciBuses], text: str, node: HostNode, where: tuple[str, str], tables: Tables) -> None:
    """Adds a range of buses; ``where`` is the table and the key that state it."""
    match = _BUSES.fullmatch(text.strip())
    if match is None:
        tables.refuse(*where, f"{text!r} is not a range of buses such as 0000:d7-ff")
    domain, first, last = (int(part, 16) for part in (match[1], match[2], match[3] or match[2]))
    if last < first:
        tables.refuse(*where, f"{text!r} runs backwards")
    for other in buses:
        if other.domain == domain and other.first <= last and first <= other.last and other.node != node:
            tables.contradicts(*where, f"{text!r} is on node {other.node} too")
    buses.append(PciBuses(domain, first, last, node))
