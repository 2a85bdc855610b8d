"""The keys of numalint's own description of a host, table by table. ``Tables`` decodes them, strictly."""

from __future__ import annotations

from typing import Any

import msgspec


class NodeDistance(msgspec.Struct, kw_only=True):
    same_socket: int | None = None
    other_socket: int | None = None


class Topology(msgspec.Struct, kw_only=True):
    """The regular form: every node is like every other."""

    sockets: int
    dies_per_socket: int = 1
    nodes_per_socket: int | None = None
    sockets_per_node: int | None = None
    cores_per_node: int | None = None
    cores_per_socket: int | None = None
    cores_per_l3: int | None = None
    threads_per_core: int
    cpu_numbering: str | None = None
    memory_per_node: str | list[str] | None = None
    distances: list[list[int]] | None = None
    node_distance: dict[str, Any] | None = None


class CpuLists(msgspec.Struct, kw_only=True):
    """Sets of CPUs: ``""`` is none of them, a key that is missing is unknown.

    ``reserved`` is another word for ``housekeeping``. ``online``, ``sockets`` and ``cores`` are for what the nodes do not
    say: a host without nodes, a CPU in no node, a socket with a part of a node, cores of some CPUs only. ``online`` may
    be ``"unknown"`` though the nodes have CPUs.
    """

    online: str | None = None
    offline: str | None = None
    isolated: str | None = None
    housekeeping: str | None = None
    reserved: str | None = None
    sockets: list[str] | None = None
    cores: str | list[str] | None = None
    kinds: dict[str, str] | None = None


class PoolTable(msgspec.Struct, kw_only=True):
    """A pool of huge pages in full; a bare number is its total."""

    total: int | None = None
    free: int | None = None


class NodeTable(msgspec.Struct, kw_only=True):
    """What is said of one node, in either form.

    ``hugepages`` maps a page size (``2M``, ``1G``) to a count of pages or a PoolTable; ``{}`` is no pool. ``pci`` has
    ``ADDRESS NAME...`` each. ``names`` are devices on the node that are no PCI devices: DAX, persistent memory.
    """

    memory: str | None = None
    reserved_memory: str | None = None
    hugepages: dict[str, Any] | None = None
    pci: list[str] = []
    pci_buses: list[str] = []
    names: list[str] = []


class NodeEntry(NodeTable, kw_only=True):
    """A node of the listed form.

    ``cores`` tells the CPUs and which of them are threads of one core, in the notation of ``toml_cores``; ``cpus`` only
    the CPUs, and ``"unknown"`` that nobody says which. With neither it has none. ``distances`` is a list in the order of the
    entries, or a table ``{ 0 = 10, 8 = 21 }`` where only some are known.
    """

    id: int
    socket: int | None = None
    cpus: str | None = None
    cores: str | list[str] | None = None
    kind: str | None = None
    near: list[int] = []
    distances: list[int] | dict[str, int] | None = None


class PciTable(msgspec.Struct, kw_only=True):
    """A PCI device of ``[pci]``, where the address is the key.

    ``name`` is one name of its NICs and disks, ``names`` are several, ``aliases`` links to them (``disk/by-id/...``).
    ``vfs`` are its virtual functions, on its node; a virtual function with facts of its own has ``physical_function``.
    """

    node: int | None = None
    name: str | None = None
    names: list[str] | None = None
    aliases: list[str] = []
    driver: str | None = None
    iommu_group: int | None = None
    physical_function: str | None = None
    vfs: int | list[str] | None = None


class PciEntry(PciTable, kw_only=True):
    """A PCI device of ``[[pci]]``."""

    address: str


class L3Entry(msgspec.Struct, kw_only=True):
    """One L3 cache, or with a list of sets several of one size."""

    cpus: str | list[str]
    size: str | None = None


class HostFile(msgspec.Struct, kw_only=True):
    """The whole file: the nodes in one of four forms (``topology``, ``nodes``, ``base``, ``synthetic``), and what is added.

    ``pci = []`` and ``l3 = []`` say that there is none. ``pci`` is a list of tables with ``address``, or one table whose
    keys are addresses, a line a device. ``pci_buses`` maps ``0000:d7-ff`` to the node of all devices there.
    ``pci_complete``: a device that is not listed does not exist. ``lenient``: what the machine itself reports so, though
    it contradicts itself (pools larger than the node), is not refused.
    """

    format: int
    name: str | None = None
    arch: str | None = None
    base: str | None = None
    synthetic: str | None = None
    lenient: bool = False
    topology: dict[str, Any] | None = None
    cpus: dict[str, Any] = {}
    node: dict[str, Any] = {}
    nodes: list[Any] = []
    pci: list[Any] | dict[str, Any] | None = None
    pci_buses: dict[str, int] = {}
    pci_complete: bool | None = None
    l3: list[Any] | None = None
