"""Whether vCPUs and the memory that is bound for them are on the same nodes.

A vCPU is a stray where none of its CPUs is beside its memory. A node is idle where memory may come from it and no vCPU runs
beside it. A set of one vCPU that reaches other nodes too is the business of ``spread``.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import msgspec

from numalint.model.elements import MemoryBinding
from numalint.model.finding import Related, Severity
from numalint.model.host import NEAR
from numalint.model.idset import HostNodes, IdSet, Vcpu, Vcpus, union
from numalint.model.place import Place
from numalint.model.placement import Placement
from numalint.model.resolved import Bound
from numalint.model.wording import ids_text, set_text


class Apart(msgspec.Struct, frozen=True, dict=True):
    """vCPUs and memory that are apart.

    ``held`` maps each vCPU that is kept on nodes to these, ``homes`` are the nodes whose CPUs have the memory beside them. Of the
    ``strays`` and the ``idle`` nodes one or both are there.
    """

    placement: Placement
    bound: Bound
    held: dict[Vcpu, HostNodes]
    homes: HostNodes
    strays: Vcpus
    idle: HostNodes

    @functools.cached_property
    def nodes(self) -> HostNodes:
        """The nodes of the vCPUs."""
        return union(self.held.values())

    @property
    def whole(self) -> bool:
        """Whether no vCPU is beside the memory, or none of one of the guest's cells."""
        parts = [cell.cpus for cell in self.bound.cells] or [self.bound.vcpus]
        return any(
            bool(part & self.strays) and all(vcpu in self.strays for vcpu in self.held if vcpu in part)
            for part in parts
        )

    @functools.cached_property
    def near(self) -> bool | None:
        """Whether what is apart is on nodes near each other; None where that is unknown."""
        if self.strays:
            return self.placement.host.near(self.stray_nodes, self.homes)
        return self.placement.host.near(self.idle, self.nodes)

    @functools.cached_property
    def stray_nodes(self) -> HostNodes:
        return union(self.held[vcpu] for vcpu in self.strays)

    @property
    def severity(self) -> Severity:
        """An error where vCPUs and memory have no node in common: that is a contradiction, however far it is.

        Milder where some agree. Nodes near each other make it a note, and so does mode restrictive, which is there to be
        changed while the guest runs, or memory that is more than the nodes of the vCPUs hold.
        """
        if self.near or self.bound.binding.mode == "restrictive" or (not self.strays and not self._fits(self.nodes)):
            return Severity.NOTE
        if self.whole:
            return Severity.ERROR
        return Severity.NOTE if self.near is None else Severity.WARNING

    @property
    def why(self) -> str:
        if self.near:
            return f"the nodes are near each other (distance {NEAR} or less), but each has its own memory channels"
        if not self.strays:
            what = f"what comes from {ids_text('node', self.idle)} is remote to every vCPU"
        elif self.whole:
            what = "every access of these vCPUs to their memory crosses the interconnect (10 % and more)"
        else:
            what = "all accesses of these vCPUs to memory cross the interconnect (10 % and more)"
        if self.near is None and not self.whole:
            return f"{what}; how far is unknown, for no input states the distances"
        return what

    # --- which side to move -----------------------------------------------------------------------------------------

    @functools.cached_property
    def common(self) -> HostNodes:
        """The nodes of most vCPUs."""
        found = list(self.held.values())
        return max(found, key=found.count)

    @functools.cached_property
    def memory_moves(self) -> bool:
        """Whether it is the memory that is to be moved, not the vCPUs: the side that fewer places speak for.

        That is the binding where most vCPUs are elsewhere, unless the memory of another cell is there already, or
        there is no room.
        """
        if not self.strays or (self.whole and len(self.bound.cells) > 1):
            return True
        if self.common & self.homes:
            return False
        others = [each for each in self.placement.bound if each.binding is not self.bound.binding]
        taken = any(each.nodes & self.common for each in others if each.cells)
        return self._fits(self.common) and (not taken or not self._fits(self.homes))

    def _fits(self, nodes: HostNodes) -> bool:
        own = [node for node in self.placement.host.nodes or () if node.id in nodes]
        cells = self.bound.cells
        return self.placement.fits(own, cells[0] if len(cells) == 1 else None)

    @property
    def place(self) -> Place:
        """The side to move."""
        return self.binding_place if self.memory_moves else self.pin_place

    @property
    def binding_place(self) -> Place:
        return self.bound.binding.place.at("nodeset")

    @property
    def pin_place(self) -> Place:
        """The set of the first stray, or of the first vCPU."""
        first = next(iter(self.strays), None) if self.strays else next(iter(self.held))
        pin = self.placement.vcpus[first].pin if first is not None else None
        assert pin is not None, "only vCPUs with a pin are held"
        return pin.place.at("cpuset")

    @property
    def pin_label(self) -> str:
        """Where the vCPUs are that the finding speaks of."""
        vcpus, nodes = (self.strays, self.stray_nodes) if self.strays else (IdSet.of(self.held), self.nodes)
        return f"{ids_text('vCPU', vcpus)} {'is' if len(vcpus) == 1 else 'are'} on {ids_text('node', nodes)}"

    @property
    def binding_label(self) -> str:
        return f"the memory is {bound_text(self.bound.binding)}"

    @property
    def sides(self) -> tuple[Related, Related]:
        """The side to move, then the other, each with a clause."""
        memory, pins = Related(self.binding_place, self.binding_label), Related(self.pin_place, self.pin_label)
        return (memory, pins) if self.memory_moves else (pins, memory)

    @property
    def help(self) -> str:
        """What to write on the side to move."""
        if self.strays and self.memory_moves and len(self.bound.cells) > 1:
            return f"bind each guest cell to the node of its vCPUs, by a <memnode> and in <memory>: {self.memnodes}"
        goal = self.common if self.memory_moves else self.homes
        if not self._fits(goal):
            cells = "a NUMA cell for each node, with a <memnode>, and pin its vCPUs there"
            return f"{ids_text('node', goal)} cannot hold it: give the guest {cells}"
        if self.memory_moves:
            return f"bind the memory to {ids_text('node', self.common)}: {self.element(self.common)}"
        usable = self.placement.host.usable_cpus
        room = union(usable[node] for node in self.homes if node in usable)
        free = room - self.placement.pinned_cpus or room
        where = ids_text("node", self.homes)
        return f"pin {ids_text('vCPU', self.strays)} to CPUs of {where}, such as {set_text(free)}"

    @property
    def memnodes(self) -> str:
        """A memnode for each cell of the binding whose vCPUs are kept on some nodes."""
        mode = self.bound.binding.mode
        homes = {
            cell.id: union(self.held[vcpu] for vcpu in self.held if vcpu in cell.cpus) for cell in self.bound.cells
        }
        return "".join(
            f"<memnode cellid='{cell}' mode='{mode}' nodeset='{nodes}'/>" for cell, nodes in homes.items() if nodes
        )

    def element(self, nodes: HostNodes) -> str:
        """The binding as it is to be written."""
        binding = self.bound.binding
        if binding.cell is None:
            return f"<memory mode='{binding.mode}' nodeset='{nodes}'/>"
        return f"<memnode cellid='{binding.cell}' mode='{binding.mode}' nodeset='{nodes}'/>"

    @property
    def data(self) -> dict[str, str | int]:
        vcpus = self.strays or IdSet.of(self.held)
        return {"vcpus": str(vcpus), "nodes": str(self.nodes), "memory_nodes": str(self.bound.nodes)}


def apart(placement: Placement, bound: Bound) -> Apart | None:
    """What is apart of a binding and its vCPUs; None where nothing is, or the host does not tell."""
    host = placement.host
    homes, cpus = host.homes_of(bound.nodes), placement.cpus_of(bound.vcpus)
    if not homes or (cpus is not None and host.nodes_of(cpus) == homes):
        return None
    if not bound.nodes <= IdSet.of(host.node_by_id):
        return None  # node-nonexistent has it
    held = {vcpu: nodes for vcpu, nodes in placement.held.items() if vcpu in bound.vcpus}
    strays: Vcpus = IdSet.of(vcpu for vcpu, nodes in held.items() if not nodes & homes)
    idle = _idle(placement, bound, union(held.values()))
    return Apart(placement, bound, held, homes, strays, idle) if held and (strays or idle) else None


def crossed(found: Sequence[Apart]) -> Sequence[Apart]:
    """Those that have the memory of each other: the nodes of their vCPUs are those of their memory, in another order."""
    left = [each for each in found if each.whole]
    while left:
        nodes, homes = {each.nodes for each in left}, {each.homes for each in left}
        kept = [each for each in left if each.nodes in homes and each.homes in nodes]
        if kept == left:
            return left if len(nodes) == len(homes) == len(left) else ()
        left = kept
    return ()


def _idle(placement: Placement, bound: Bound, nodes: HostNodes) -> HostNodes:
    """The nodes of a binding that have none of ``nodes`` beside them. Memory that may be moved freely has none."""
    host = placement.host
    if bound.binding.mode == "restrictive" or len(bound.nodes) == 1:
        return IdSet()
    beside = {node: host.homes_of(IdSet.of([node])) for node in bound.nodes & host.memory_nodes}
    return IdSet.of(node for node, homes in beside.items() if homes is not None and not homes & nodes)


_BY_MODE = {"preferred": "preferred on", "interleave": "interleaved over", "restrictive": "confined to"}


def bound_text(binding: MemoryBinding) -> str:
    """How memory is bound, and where: ``bound to node 0``, ``interleaved over nodes 0-1``."""
    return f"{_BY_MODE.get(binding.mode, 'bound to')} {ids_text('node', binding.nodes or IdSet())}"
