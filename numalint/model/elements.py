"""What stands in the XML of a domain, but for its devices: pins, cells, bindings, pages, as values with their places."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from numalint.model.idset import GuestCell, GuestCells, HostCpus, HostNodes, IdSet, Vcpus
from numalint.model.place import Place


class Pin(msgspec.Struct, frozen=True):
    """A set of host CPUs as written: by a vcpupin, an emulatorpin, an iothreadpin or ``<vcpu cpuset>``.

    ``place`` is the element, ``text`` the set as it stands in its ``cpuset``.
    """

    cpus: HostCpus
    place: Place
    text: str


class ThreadPin(msgspec.Struct, frozen=True):
    """A pin of cputune, also one that libvirt drops or refuses; they are in the order of their threads, as libvirt sorts them.

    ``thread`` is vcpu, emulator or iothread, ``id`` its number (None for the emulator).
    """

    thread: str
    id: int | None
    pin: Pin


class Scheduler(msgspec.Struct, frozen=True):
    """A vcpusched, iothreadsched or emulatorsched; ``thread`` and ``ids`` say of which threads."""

    thread: str
    ids: IdSet[int]
    policy: str
    priority: int | None
    place: Place


class ListedVcpu(msgspec.Struct, frozen=True):
    """A ``<vcpu id>`` of ``<vcpus>``; ``order`` is when it is brought up, None where it does not say."""

    id: int
    enabled: bool
    place: Place
    hotpluggable: bool = False
    order: int | None = None


class ListedIOThread(msgspec.Struct, frozen=True):
    """An ``<iothread id>`` of ``<iothreadids>``."""

    id: int
    place: Place


class Distance(msgspec.Struct, frozen=True):
    """A ``<sibling>`` of a guest cell's ``<distances>``, as written."""

    to: GuestCell
    value: int
    place: Place


class Cell(msgspec.Struct, frozen=True):
    """A guest NUMA cell. ``cpus`` has the vCPUs of no cell in cell 0, as libvirt puts them there; ``stated`` has not.

    ``shared`` tells whether its memory is to be shared with other processes; None where the cell does not say.
    """

    id: GuestCell
    cpus: Vcpus
    memory_bytes: int
    place: Place
    stated: Vcpus = IdSet()
    shared: bool | None = None
    distances: tuple[Distance, ...] = ()


class Topology(msgspec.Struct, frozen=True):
    """The CPU topology that the guest sees. vCPU numbers run thread first, then core, cluster, die, socket."""

    sockets: int
    dies: int
    clusters: int
    cores: int
    threads: int
    place: Place

    @property
    def vcpus(self) -> int:
        """How many vCPUs it makes: all parts multiplied."""
        return self.sockets * self.vcpus_per_socket

    @property
    def vcpus_per_socket(self) -> int:
        return self.dies * self.clusters * self.cores * self.threads


class MemoryBinding(msgspec.Struct, frozen=True):
    """``<memory>`` or a ``<memnode>`` of numatune. ``nodes`` is None where numad chooses them at start.

    ``cell`` is the guest cell of a memnode.
    """

    mode: str
    nodes: HostNodes | None
    place: Place
    cell: GuestCell | None = None


class NodeSet(NamedTuple):
    """A set of host nodes that is written, with what it is of in words; ``mode`` None is that of a memory device."""

    what: str
    mode: str | None
    nodes: HostNodes
    place: Place


ORDINARY_PAGE = 4096
"""A ``<page>`` of this size means ordinary memory."""


class HugePages(msgspec.Struct, frozen=True):
    """A ``<page>`` of memoryBacking. ``size_bytes`` is None for the host's default size.

    ``cells`` are the guest cells that use it; None: all that no other page names.
    """

    size_bytes: int | None
    cells: GuestCells | None
    place: Place


class MemoryBacking(msgspec.Struct, frozen=True):
    """How the guest's memory is made, in libvirt's words; None where it is not said.

    ``source`` is anonymous, file or memfd, ``access`` shared or private, ``allocation`` immediate or ondemand.
    """

    source: str | None = None
    access: str | None = None
    allocation: str | None = None
    locked: bool = False
    unshared: bool = False
    place: Place | None = None


class MaxMemory(msgspec.Struct, frozen=True):
    """``<maxMemory>``: how much memory the guest may be given later, and in how many devices."""

    size_bytes: int
    slots: int | None
    place: Place


class Repeated(msgspec.Struct, frozen=True):
    """A second ``<vcpu>``, ``<numatune>`` or ``<memory>`` of numatune, of which libvirt takes one."""

    element: str
    place: Place


class Fault(msgspec.Struct, frozen=True):
    """A value that libvirt refuses to read; ``rule`` is the rule, or the notice, whose page explains it.

    Of a set: ``text`` is what is written, and ``position`` how far into it libvirt reads.
    """

    place: Place
    message: str
    label: str
    rule: str = "malformed-domain"
    text: str = ""
    position: int = 0


class VainExclusion(msgspec.Struct, frozen=True):
    """An exclusion ``^N`` that takes nothing from its set: N was not in it yet; ``kept`` where it came in later.

    ``ids`` is the set as libvirt reads it, ``what`` the set in words: ``cpuset='^3,0-7' of <vcpupin>``.
    """

    number: int
    kept: bool
    ids: IdSet[int]
    what: str
    place: Place
