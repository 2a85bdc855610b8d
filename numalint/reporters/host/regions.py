"""A host's sockets and nodes put inside each other as their CPUs lie, each with its own caches and cores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from numalint.model.host import L3, Host, Node
from numalint.model.idset import HostCpus, HostNode, IdSet, union
from numalint.reporters.drawing import lowest


class Region(msgspec.Struct):
    """A socket, a node, or a socket that is one node, with what lies inside it.

    ``caches`` and ``cores`` are those of no inner region. A node without CPUs, or whose CPUs are unknown, has an
    empty ``cpus`` and lies inside the region that it is near to, where that is known.
    """

    cpus: HostCpus
    socket: int | None = None
    node: Node | None = None
    inner: list[Region] = []
    caches: list[L3] = []
    cores: list[HostCpus] = []

    @property
    def order(self) -> tuple[bool, int, int]:
        """Sockets by their number, nodes by their id."""
        first = min(self.node_ids(), default=0)
        return (self.socket is None, self.socket or 0, first)

    def node_ids(self) -> Iterator[int]:
        """The ids of the nodes in it."""
        if self.node is not None:
            yield self.node.id
        for each in self.inner:
            yield from each.node_ids()


def regions(host: Host) -> Region:
    """The whole host as a region that is neither socket nor node, with the others inside it.

    A node that only a PCI device names is there too: its CPUs and memory are unknown.
    """
    whole = Region(host.cpus or union(node.cpus or IdSet() for node in host.nodes or ()))
    placed = [whole]
    for each in _with_cpus(host):
        _smallest(placed, each.cpus).inner.append(each)
        placed.append(each)
    for node in _without_cpus(host):
        near = host.cpus_of(node.near)
        (_smallest(placed, near) if near else whole).inner.append(Region(IdSet(), None, node))
    for cache in host.l3 or ():
        _smallest(placed, cache.cpus).caches.append(cache)
    for core in host.cores or ():
        _smallest(placed, core).cores.append(core)
    for each in placed:
        each.inner.sort(key=lambda inner: inner.order)
        each.cores.sort(key=lowest)
        each.caches.sort(key=lambda cache: lowest(cache.cpus))
    return whole


def _with_cpus(host: Host) -> list[Region]:
    """Sockets and nodes, the largest first; a socket and a node of the same CPUs are one."""
    found = [Region(socket.cpus, socket.id) for socket in host.socket_regions]
    sockets = {region.cpus: region for region in found}
    for node in host.nodes or ():
        same = sockets.pop(node.cpus, None) if node.cpus else None
        if same is not None:
            same.node = node
        elif node.cpus:
            found.append(Region(node.cpus, None, node))
    return sorted(found, key=lambda region: (-len(region.cpus), region.socket is None, lowest(region.cpus)))


def _without_cpus(host: Host) -> Iterator[Node]:
    yield from (node for node in host.nodes or () if not node.cpus)
    named = (host.node_of_pci(address) for address in host.pci or ())
    by_bus = (buses.node for buses in host.pci_buses)
    for number in sorted({number for number in (*named, *by_bus) if number is not None}):
        if number not in host.node_by_id:
            yield Node(HostNode(number))


def _smallest(placed: Sequence[Region], cpus: HostCpus) -> Region:
    """The smallest region that holds ``cpus``: they were placed the largest first."""
    return next((region for region in reversed(placed) if cpus <= region.cpus), placed[0])
