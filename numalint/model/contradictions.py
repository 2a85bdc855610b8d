"""What a host says that cannot be true together: no machine is so, and one of the two values is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from numalint.model.host import Host, Node, PciBuses
from numalint.model.idset import HostCpus, IdSet, union
from numalint.model.wording import size_text


def contradictions(host: Host) -> tuple[str, ...]:
    """A sentence for each thing that contradicts another, with both values."""
    return (
        *(sentence for node in host.nodes or () for sentence in _of_node(node)),
        *_cpus_that_are_not_there(host),
        *_nodes_that_are_not_there(host),
        *_buses_on_two_nodes(host),
    )


def _of_node(node: Node) -> Iterator[str]:
    pools = node.hugepages or {}
    pooled = sum(size * (pool.total or 0) for size, pool in pools.items())
    if node.memory_bytes is not None and pooled > node.memory_bytes:
        yield f"node {node.id} has {size_text(node.memory_bytes)}, but huge page pools of {size_text(pooled)}"
    if node.memory_bytes is not None and node.reserved_bytes > node.memory_bytes:
        kept = size_text(node.reserved_bytes)
        yield f"node {node.id} has {size_text(node.memory_bytes)}, but {kept} of it are reserved"
    for size, pool in sorted(pools.items()):
        if pool.total is not None and pool.free is not None and pool.free > pool.total:
            yield f"node {node.id} has {pool.total} pages of {size_text(size)}, but {pool.free} of them are free"
    for other, value in sorted(node.distances.items()):
        if value < 10 or (other == node.id and value != 10):
            yield f"the distance from node {node.id} to node {other} is {value}: to itself it is 10, to others more"


def _cpus_that_are_not_there(host: Host) -> Iterator[str]:
    if host.cpus is None:
        return
    present = host.cpus | (host.offline or IdSet())
    lists: dict[str, HostCpus | None] = {"isolated": host.isolated, "kept for the host": host.housekeeping}
    lists |= {f"of the kind {kind}": cpus for kind, cpus in (host.kinds or {}).items()}
    for word, cpus in lists.items():
        if cpus is not None and not cpus <= present:
            yield f"CPU {cpus - present} is {word}, but the host does not have it"
    groups: dict[str, HostCpus] = {f"node {node.id}": node.cpus for node in host.nodes or () if node.cpus is not None}
    groups |= {"a socket": union(host.sockets or ()), "a core": union(host.cores or ())}
    groups |= {"an L3 cache": union(cache.cpus for cache in host.l3 or ())}
    for word, cpus in groups.items():
        if not cpus <= host.cpus:
            yield f"CPU {cpus - host.cpus} is in {word}, but not online"


def _nodes_that_are_not_there(host: Host) -> Iterator[str]:
    if host.nodes is None:
        return
    for address, device in sorted((host.pci or {}).items()):
        if device.node is not None and device.node not in host.node_by_id:
            yield f"PCI device {address} is on node {device.node}, which the host does not have"
    for buses in host.pci_buses:
        if buses.node not in host.node_by_id:
            yield f"PCI buses {buses_text(buses)} are on node {buses.node}, which the host does not have"


def _buses_on_two_nodes(host: Host) -> Iterator[str]:
    for number, one in enumerate(host.pci_buses):
        for two in host.pci_buses[:number]:
            if one.domain == two.domain and one.first <= two.last and two.first <= one.last and one.node != two.node:
                yield (
                    f"PCI buses {buses_text(two)} are on node {two.node}, but {buses_text(one)} are on node {one.node}"
                )


def buses_text(buses: PciBuses) -> str:
    """A range of buses as a declaration writes it: ``0000:d7-ff``, ``0000:3b``."""
    last = f"-{buses.last:02x}" if buses.last != buses.first else ""
    return f"{buses.domain:04x}:{buses.first:02x}{last}"
