"""Whether the pins of a domain reach over several sockets or nodes, and whether it was meant so.

A set of one vCPU that covers several is wrong by itself: the vCPU may leave its memory behind at any moment. vCPUs that
are each pinned inside one, but not all inside the same, are wrong where the guest would fit one and does not know of
several.
"""

from __future__ import annotations

import functools

import msgspec

from numalint.model.finding import Related
from numalint.model.host import Region
from numalint.model.idset import HostCpus, HostNodes, IdSet, Vcpu, Vcpus, union
from numalint.model.place import Place
from numalint.model.placement import Placement, place_of_term
from numalint.model.resolved import Origin
from numalint.model.wording import count_text, ids_text, node_places, set_text


class Spread(msgspec.Struct, frozen=True, dict=True):
    """Pins that reach over several ``regions`` (numbers of sockets, or of nodes; ``kind`` says which).

    ``held`` maps each pinned vCPU to the regions of its set. ``roaming`` are the vCPUs whose own set covers several;
    empty where each keeps to one, but not all to the same. ``fitting`` are the regions that would hold the guest.
    """

    placement: Placement
    kind: str
    held: dict[Vcpu, IdSet[int]]
    regions: IdSet[int]
    roaming: Vcpus
    fitting: tuple[Region, ...]

    @functools.cached_property
    def vcpu(self) -> Vcpu:
        """The first vCPU at fault: that roams, or that is elsewhere than the first pinned one."""
        if self.roaming:
            return next(iter(self.roaming))
        return next(vcpu for vcpu, touched in self.held.items() if touched != self.held[self.first])

    @property
    def first(self) -> Vcpu:
        """The first pinned vCPU."""
        return next(iter(self.held))

    @property
    def interleaved(self) -> bool:
        """Whether the memory is interleaved over all the nodes of the pins, which is a choice of bandwidth."""
        memory = self.placement.memory
        nodes = self.placement.host.nodes_of(self.placement.pinned_cpus)
        return not self.roaming and memory.mode == "interleave" and memory.nodes == nodes

    @property
    def place(self) -> Place:
        """The set of the first vCPU at fault; of a set that reaches over several, the term that does, if it is one."""
        pin = self.placement.domain.vcpupins[self.vcpu]
        if not self.roaming:
            return pin.place.at("cpuset")
        regions = _regions(self.placement, self.kind)
        return place_of_term(pin, lambda cpus: len(_touched(cpus, regions)) > 1)

    @property
    def message(self) -> str:
        name, touched = self.placement.host.name, self._where(self.vcpu)
        if len(self.roaming) == 1:
            return f"vCPU {self.vcpu} may run on {touched} of {name}"
        if self.roaming:
            several = ids_text("vCPU", self.roaming)
            return f"{several} may each run on several {self.kind}s of {name}, vCPU {self.vcpu} on {touched}"
        pinned, regions = count_text(len(self.held), "vCPU"), ids_text(self.kind, self.regions)
        return f"{pinned} are pinned to {regions} of {name}, but would fit one {self.kind}"

    @property
    def label(self) -> str:
        return f"vCPU {self.vcpu} {'may run' if self.roaming else 'is'} on {self._where(self.vcpu)}"

    @property
    def related(self) -> tuple[Related, ...]:
        """The first vCPU that is elsewhere, and the nodes."""
        placement = self.placement
        touched = placement.host.nodes_of(placement.domain.vcpupins[self.vcpu].cpus if self.roaming else self._cpus)
        other = placement.domain.vcpupins[self.first].place.at("cpuset")
        told = () if self.roaming else (Related(other, f"vCPU {self.first} is on {self._where(self.first)}"),)
        return (*told, *node_places(placement.host, touched))

    @property
    def help(self) -> str:
        if self.fitting:
            memory: HostNodes = self.placement.memory_nodes or IdSet()
            best = max(self.fitting, key=lambda region: (bool(memory & _nodes(region)), len(region.cpus & self._cpus)))
            cpus, nodes = best.cpus - (self.placement.host.housekeeping or IdSet()), _nodes(best)
            along = "" if memory <= nodes else f"; and bind the memory to {ids_text('node', nodes)}"
            return f"keep all pins on one {self.kind}, such as {self.kind} {best.id}: CPUs {set_text(cpus)}{along}"
        return f"give each vCPU CPUs of one {self.kind}, and the guest a NUMA cell for each {self.kind} that it is on"

    @property
    def data(self) -> dict[str, str | int]:
        return {"vcpus": str(self.roaming or IdSet.of(self.held)), f"{self.kind}s": str(self.regions)}

    @property
    def _cpus(self) -> HostCpus:
        return self.placement.pinned_cpus

    def _where(self, vcpu: Vcpu) -> str:
        return ids_text(self.kind, self.held[vcpu])


def socket_spread(placement: Placement) -> Spread | None:
    """The pins of several sockets, where they are a defect; None also where the sockets are unknown."""
    return _spread(placement, "socket")


def node_spread(placement: Placement) -> Spread | None:
    """The pins of several nodes, where they are a defect and do not lie on several sockets: that says more."""
    return None if socket_spread(placement) is not None else _spread(placement, "node")


def _regions(placement: Placement, kind: str) -> tuple[Region, ...]:
    return placement.host.socket_regions if kind == "socket" else placement.host.node_regions


def _spread(placement: Placement, kind: str) -> Spread | None:
    regions = _regions(placement, kind)
    reached = _touched(placement.pinned_cpus, regions)
    if len(reached) < 2 or placement.unconfined:
        return None
    held = {
        vcpu: _touched(affinity.cpus, regions)
        for vcpu, affinity in placement.pinned.items()
        if affinity.cpus is not None
    }
    roaming: Vcpus = IdSet.of(vcpu for vcpu, touched in held.items() if len(touched) > 1)
    fitting = tuple(region for region in regions if _fits(placement, region))
    if _moves_along(placement) if roaming else (not fitting or _asked_for(placement, held)):
        return None
    return Spread(placement, kind, held, reached, roaming, fitting)


def _nodes(region: Region) -> HostNodes:
    return IdSet.of(node.id for node in region.nodes)


def _touched(cpus: HostCpus, regions: tuple[Region, ...]) -> IdSet[int]:
    return IdSet.of(region.id for region in regions if region.cpus.mask & cpus.mask)


def _fits(placement: Placement, region: Region) -> bool:
    """Whether the whole guest fits a socket or node; where the nodes are unknown its CPUs alone decide."""
    room = region.cpus - (placement.host.housekeeping or IdSet())
    return len(placement.domain.online) <= len(room) and (not region.nodes or placement.fits(list(region.nodes)))


def _moves_along(placement: Placement) -> bool:
    """Whether the memory is numad's to choose, or restrictive, which is there to be moved with the vCPUs."""
    return any(
        policy.origin is Origin.PLACEMENT_AUTO or policy.mode == "restrictive" for policy in placement.memory_policies
    )


def _asked_for(placement: Placement, held: dict[Vcpu, IdSet[int]]) -> bool:
    """Whether the guest knows of its parts: each of its cells, or of its sockets, keeps to one region.

    Or the memory of its cells is bound apart: a vCPU that strays from it is cell-binding-disagree's.
    """
    domain = placement.domain
    if len({bound.nodes for bound in placement.bound if bound.binding.cell is not None}) > 1:
        return True
    cells = [cell.cpus & domain.online for cell in domain.cells]
    return any(
        len(parts) > 1 and all(len(union(held[vcpu] for vcpu in part if vcpu in held)) <= 1 for part in parts)
        for parts in ([part for part in cells if part], _guest_sockets(placement))
    )


def _guest_sockets(placement: Placement) -> list[Vcpus]:
    """The online vCPUs of each guest socket; none where a socket is but one vCPU, as libvirt makes them by default."""
    domain = placement.domain
    if domain.topology is None or domain.topology.vcpus_per_socket == 1:
        return []
    return [socket & domain.online for socket in domain.guest_sockets if socket & domain.online]
