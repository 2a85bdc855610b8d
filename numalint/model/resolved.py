"""What a placement resolves a domain to: who runs where and why, whose memory comes from where."""

from __future__ import annotations

import enum
from typing import NamedTuple

import msgspec

from numalint.model.devices import MemoryDevice
from numalint.model.elements import Cell, MemoryBinding, Pin
from numalint.model.idset import HostCpus, HostNodes, Vcpus
from numalint.model.place import Place


class Origin(enum.StrEnum):
    """Where an affinity or a memory policy comes from."""

    VCPUPIN = "vcpupin"
    EMULATORPIN = "emulatorpin"
    IOTHREADPIN = "iothreadpin"
    VCPU_CPUSET = "vcpu-cpuset"
    PLACEMENT_AUTO = "placement-auto"
    DEFAULT = "default"
    MEMNODE = "memnode"
    MEMORY = "memory"
    NONE = "none"


class Intent(enum.StrEnum):
    """What a domain tries to be; rules judge it by that."""

    FLOATING = "floating"
    NODE_BOUND = "node-bound"
    DEDICATED = "dedicated"
    REALTIME = "realtime"


class Affinity(msgspec.Struct, frozen=True):
    """The host CPUs that a thread may run on; None where numad or an unknown host decides.

    ``pin`` is what was written, own or inherited; None where nothing was.
    """

    cpus: HostCpus | None
    origin: Origin
    pin: Pin | None = None

    @property
    def explicit(self) -> bool:
        """Whether the thread has a pin of its own."""
        return self.origin in (Origin.VCPUPIN, Origin.EMULATORPIN, Origin.IOTHREADPIN)


class MemoryPolicy(msgspec.Struct, frozen=True):
    """Where the memory of a guest, or of one of its cells, may come from.

    ``nodes`` is None where nothing binds it (origin none) or numad chooses (placement-auto).
    """

    mode: str | None
    nodes: HostNodes | None
    origin: Origin
    binding: MemoryBinding | None = None

    @property
    def free(self) -> bool:
        """Whether nothing says which nodes it comes from."""
        return self.origin is Origin.NONE


class Bound(NamedTuple):
    """A ``<memory>`` or a ``<memnode>`` with the nodes that it names, and whose memory it binds.

    ``cells`` are the guest cells that it serves, none in a guest without; ``vcpus`` the online vCPUs of these.
    """

    binding: MemoryBinding
    nodes: HostNodes
    cells: tuple[Cell, ...]
    vcpus: Vcpus


class WrittenSet(NamedTuple):
    """A set of host CPUs that is written, with whose it is in words; ``at_start`` where a thread has it from the start.

    The pin of a vCPU that is offline waits; ``<vcpu cpuset>`` may be there for no thread at all.
    """

    pin: Pin
    whose: str
    at_start: bool


class MemoryPart(msgspec.Struct, frozen=True):
    """Memory that one policy rules: that of a cell, of a guest without cells, or of a DIMM (a ``<memory>`` device).

    ``huge`` tells that it is in huge pages, ``page_bytes`` of which size: None for ordinary ones, and for the host's
    default size.
    """

    size_bytes: int
    policy: MemoryPolicy
    huge: bool
    cell: Cell | None = None
    device: MemoryDevice | None = None
    page_bytes: int | None = None

    @property
    def nodeset_place(self) -> Place | None:
        """Where its nodes are written, in numatune or in the device; None where nothing binds it."""
        if self.policy.binding is not None:
            return self.policy.binding.place.at("nodeset")
        return None if self.device is None else self.device.place
