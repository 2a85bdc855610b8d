"""The PCI devices and buses that a host's declaration states."""

from __future__ import annotations

import re

from msgspec.structs import replace

from numalint.loaders.host_values import LARGEST_NODE
from numalint.loaders.toml_tables import NodeEntry, NodeTable, PciEntry, Tables
from numalint.model.host import Host, PciAddress, PciBuses, PciDevice
from numalint.model.idset import HostNode, IdSet

_BUSES = re.compile(r"([0-9a-fA-F]{4,8}):([0-9a-fA-F]{2})(?:-([0-9a-fA-F]{2}))?")
_LARGEST_VFS = 1 << 16


def add_pci(host: Host, tables: Tables) -> Host:
    """The host with what its tables say of PCI. Raises LoadError."""
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
            _state_buses(buses, text, node, table, tables)
    for number, raw in enumerate(tables.file.pci, 1):
        table = f"[[pci]] {number}"
        for device in _entry(tables.decode(PciEntry, raw, table), host, table, tables):
            _state(stated, device, table, "address", tables)
    if not stated and not buses:
        return host
    # Names that a base input knows stay: a declaration adds its own.
    known = dict(host.pci or {})
    for address, device in stated.items():
        before = known.get(address)
        known[address] = device if before is None else _added(before, device)
    return replace(host, pci=known if stated or host.pci is not None else None, pci_buses=(*buses, *host.pci_buses))


def _node_tables(tables: Tables) -> list[tuple[str, HostNode, NodeTable]]:
    found: list[tuple[str, HostNode, NodeTable]] = []
    for number, raw in enumerate(tables.file.nodes, 1):
        entry = tables.decode(NodeEntry, raw, f"[[nodes]] {number}")
        found.append((f"[[nodes]] {number}", HostNode(entry.id), entry))
    for key, raw in tables.file.node.items():
        found.append((f"node.{key}", HostNode(int(key)), tables.decode(NodeTable, raw, f"node.{key}")))
    return found


def _state(stated: dict[PciAddress, PciDevice], device: PciDevice, table: str, key: str, tables: Tables) -> None:
    if device.address in stated:
        tables.refuse(table, key, f"PCI device {device.address} is declared twice")
    stated[device.address] = device


def _address(text: str, table: str, key: str, tables: Tables) -> PciAddress:
    try:
        return PciAddress.parse(text)
    except ValueError as error:
        tables.refuse(table, key, str(error))


def _entry(entry: PciEntry, host: Host, table: str, tables: Tables) -> list[PciDevice]:
    """The device of a [[pci]] and its virtual functions, where their addresses are told and not just their count."""
    node = None
    if entry.node is not None:
        node = HostNode(tables.bounded(entry.node, 0, LARGEST_NODE, table, "node"))
        if host.nodes is not None and node not in host.node_by_id:
            tables.refuse(table, "node", f"there is no node {node}: the host has {IdSet.of(host.node_by_id)}")
    if isinstance(entry.vfs, int):
        tables.bounded(entry.vfs, 0, _LARGEST_VFS, table, "vfs")
    functions = entry.vfs if isinstance(entry.vfs, list) else []
    address = _address(entry.address, table, "address", tables)
    names = (entry.name,) if entry.name else ()
    place = tables.place(table)
    return [
        PciDevice(address, node, names, place=place),
        *(
            PciDevice(_address(text, table, "vfs", tables), node, physical_function=address, place=place)
            for text in functions
        ),
    ]


def _added(before: PciDevice, device: PciDevice) -> PciDevice:
    return replace(
        before,
        node=device.node if device.node is not None else before.node,
        names=tuple(dict.fromkeys((*device.names, *before.names))),
        physical_function=device.physical_function or before.physical_function,
    )


def _state_buses(buses: list[PciBuses], text: str, node: HostNode, table: str, tables: Tables) -> None:
    match = _BUSES.fullmatch(text.strip())
    if match is None:
        tables.refuse(table, "pci_buses", f"{text!r} is not a range of buses such as 0000:d7-ff")
    domain, first, last = (int(part, 16) for part in (match[1], match[2], match[3] or match[2]))
    if last < first:
        tables.refuse(table, "pci_buses", f"{text!r} runs backwards")
    for other in buses:
        if other.domain == domain and other.first <= last and first <= other.last and other.node != node:
            tables.refuse(table, "pci_buses", f"{text!r} is on node {other.node} too")
    buses.append(PciBuses(domain, first, last, node))
