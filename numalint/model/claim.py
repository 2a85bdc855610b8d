"""What a domain claims of its host: the little that rules across domains need, so that a fleet fits in memory.

A claim holds no tree and no place. What a finding points at is a ``Target``, found again in the file when it is reported.
"""

from __future__ import annotations

import functools
import itertools
import re
import uuid
from collections.abc import Hashable
from typing import TypeVar

import msgspec

from numalint.model.finding import Severity
from numalint.model.host import PciAddress
from numalint.model.idset import HostCpus, HostNodes, IdSet, Vcpu, union
from numalint.model.placement import Placement
from numalint.model.resolved import Affinity, Intent, Origin
from numalint.model.wording import ids_text

T = TypeVar("T", bound=Hashable)


class MemoryClaim(msgspec.Struct, frozen=True):
    """Memory of a guest, or of one of its cells: so many bytes from any of ``nodes`` (None: of the host).

    ``huge`` tells that it is in huge pages, ``page_bytes`` of which size (None: the host's default); ``strict`` that it
    comes from these nodes or not at all. ``cell`` is the guest cell.
    """

    size_bytes: int
    nodes: HostNodes | None
    huge: bool
    page_bytes: int | None
    strict: bool
    cell: int | None = None


class Claim(msgspec.Struct, frozen=True):
    """What one domain claims.

    ``number`` is which domain of its document it is, from 0. ``dedicated`` are the sets of the online vCPUs that are each
    pinned to a CPU or a core, by vCPU, ``dedicated_cpus`` all of these; ``shared`` the CPUs on which its other vCPUs may run (None: unknown), of those
    without a set the ones that the kernel balances. ``emulator`` and ``iothreads`` are the sets of those that have a pin of
    their own. ``ballooned_bytes`` is what the balloon takes of its memory. ``devices`` are what it takes of the host for itself,
    in words that name the same thing alike.
    """

    domain: str
    named: bool
    document: str
    number: int
    uuid: str | None
    intent: Intent | None
    vcpus: int
    dedicated: dict[Vcpu, HostCpus]
    dedicated_cpus: HostCpus
    shared: HostCpus | None
    emulator: HostCpus | None
    iothreads: dict[int, HostCpus]
    realtime: HostCpus
    memory: tuple[MemoryClaim, ...]
    ballooned_bytes: int
    devices: tuple[str, ...]
    pci: tuple[PciAddress, ...]

    @property
    def floating(self) -> bool:
        return self.intent is Intent.FLOATING

    @property
    def sharing(self) -> int:
        """How many of its vCPUs are not dedicated."""
        return self.vcpus - len(self.dedicated)

    @property
    def sharing_target(self) -> Target:
        """The first vCPU that is not dedicated."""
        return Target("vcpupin", str(next(vcpu for vcpu in itertools.count() if vcpu not in self.dedicated)))


_NONE_DEDICATED: dict[Vcpu, HostCpus] = {}


@functools.lru_cache(maxsize=1 << 10)
def _same(value: T) -> T:
    """Of equal values one: the domains of a fleet are alike in much that they claim."""
    return value


@functools.lru_cache(maxsize=1 << 10)
def _by_thread(pins: tuple[tuple[int, HostCpus], ...]) -> dict[int, HostCpus]:
    return dict(pins)


def claim_of(placement: Placement, number: int) -> Claim:
    """What a placement claims of its host."""
    domain = placement.domain
    own: dict[Vcpu, HostCpus] = {}
    if placement.dedicated:
        own = {vcpu: each.cpus for vcpu, each in placement.pinned.items() if each.cpus is not None}
    rest: list[HostCpus | None] = [] if own else [*placement.pinned_sets]
    if domain.online - placement.pinned_vcpus:
        rest.append(_roamed(placement, placement.inherited))
    threads = set(domain.iothreads)
    return Claim(
        domain=domain.name,
        named=domain.name_place is not None,
        document=domain.document,
        number=number,
        uuid=_canonical(domain.uuid),
        intent=placement.intent,
        vcpus=len(domain.online),
        dedicated=own or _NONE_DEDICATED,
        dedicated_cpus=_same(union(own.values())),
        shared=None if None in rest else _same(union(cpus for cpus in rest if cpus is not None)),
        emulator=None if domain.emulatorpin is None else domain.emulatorpin.cpus,
        iothreads=_by_thread(
            tuple((thread, pin.cpus) for thread, pin in domain.iothreadpins.items() if thread in threads)
        ),
        realtime=_same(union(own[vcpu] for vcpu in domain.realtime if vcpu in own)),
        memory=_same(tuple(_memory(placement))),
        ballooned_bytes=max(0, (domain.memory_bytes or 0) - (domain.current_memory or domain.memory_bytes or 0)),
        devices=tuple(dict.fromkeys(_devices(placement))),
        pci=domain.pci_devices,
    )


_CANONICAL = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
"""As libvirt writes it."""


def _canonical(text: str | None) -> str | None:
    """A UUID as libvirt writes it; what is none, as it is."""
    if text is None or _CANONICAL.fullmatch(text):
        return text
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return text


def _roamed(placement: Placement, affinity: Affinity) -> HostCpus | None:
    """The CPUs on which the kernel may put a vCPU: one without any set, on none that is isolated."""
    if affinity.cpus is None or affinity.origin is not Origin.DEFAULT:
        return affinity.cpus
    return affinity.cpus - (placement.host.isolated or IdSet())


def _memory(placement: Placement) -> list[MemoryClaim]:
    """Its memory; but for what a file on a disk backs, of which the host's memory is only the cache."""
    on_disk = placement.domain.backing.source == "file"
    return [
        MemoryClaim(
            size_bytes=part.size_bytes,
            nodes=part.policy.nodes,
            huge=part.huge,
            page_bytes=part.page_bytes,
            strict=part.policy.mode == "strict",
            cell=None if part.cell is None else part.cell.id,
        )
        for part in placement.memory_parts
        if part.huge or not on_disk
    ]


def _devices(placement: Placement) -> list[str]:
    """The devices that only one running domain can have: by PCI address, by UUID of a mediated device, by vdpa name.

    A SCSI adapter is none: of its disks each domain has its own.
    """
    found = []
    for device in placement.domain.devices:
        if not device.passthrough or device.kind.startswith("memory") or device.kind == "hostdev scsi":
            continue
        if isinstance(device.reference, PciAddress):
            found.append(f"PCI device {device.reference}")
        elif device.kind == "hostdev mdev":
            found.append(f"mediated device {device.reference.lower()}")
        else:
            found.append(f"device {device.reference}")
    return found


class Target(msgspec.Struct, frozen=True):
    """What a party's place is: the ``kind`` of thing and its ``name``, as ``vcpupin`` 3 or ``device`` PCI device 0000:3b:00.0.

    Kinds: ``domain`` (its name), ``uuid``, ``vcpus``, ``vcpupin``, ``emulatorpin``, ``iothreadpin``, ``memory``, ``cell``,
    ``device``. What the domain does not have is pointed at by the nearest thing that it has, in the end its name.
    """

    kind: str
    name: str = ""


class Party(msgspec.Struct, frozen=True):
    """A domain that has part in a conflict, what of it, and the clause that stands there."""

    claim: Claim
    target: Target
    label: str


def dedicated_on(claim: Claim, cpus: HostCpus) -> Party:
    """The dedicated vCPUs of a domain that have some of ``cpus``, as a party: ``vCPUs 0-1 of db1 have CPUs 4-5``."""
    pins = {vcpu: own for vcpu, own in claim.dedicated.items() if own & cpus}
    label = f"{ids_text('vCPU', IdSet.of(pins))} of {claim.domain} {'has' if len(pins) == 1 else 'have'}"
    return Party(claim, Target("vcpupin", str(min(pins))), f"{label} {ids_text('CPU', union(pins.values()))}")


class Conflict(msgspec.Struct, frozen=True):
    """One defect between domains, or of all domains of a host together.

    ``parties`` begin with the domain that is to be changed, as the one that comes over the CPUs of another: the finding points
    at the first of them that is in the focus. ``message`` is worded without any one domain in front: it names those that it
    speaks of. ``subject`` is what a sum is about (``node 1``), in words that stay when a domain comes or goes and that no other
    conflict of the rule on the host has; where it is empty that is its parties. The other fields are as in a Finding.
    """

    parties: tuple[Party, ...]
    message: str
    subject: str = ""
    severity: Severity | None = None
    nodes: HostNodes = IdSet()
    why: str = ""
    help: str = ""
    data: dict[str, str | int] = {}
