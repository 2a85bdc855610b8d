"""What is odd in a host though nothing contradicts it: worth a look, and often right."""

from __future__ import annotations

from collections.abc import Iterator

from numalint.model.host import Fact, Host
from numalint.model.idset import HostCpus, IdSet, union
from numalint.model.wording import count_text, ids_text

_MOST_NAMED = 3


def oddities(host: Host) -> tuple[str, ...]:
    """A sentence for each thing that an operator should know of, or may have left out."""
    return (*_of_nodes(host), *_of_cpu_lists(host), *_of_devices(host))


def _of_nodes(host: Host) -> Iterator[str]:
    nodes = host.nodes or ()
    bare = IdSet.of(node.id for node in nodes if node.cpus and node.memory_bytes == 0)
    if bare:
        yield f"{ids_text('node', bare)} {'has' if len(bare) == 1 else 'have'} CPUs but no memory"
    if host.cpus is not None and nodes and all(node.cpus is not None for node in nodes):
        homeless = host.cpus - union(node.cpus for node in nodes if node.cpus is not None)
        if homeless:
            yield f"{ids_text('CPU', homeless)} {_be(homeless)} online but on no node"
    for one in nodes:
        for other, there in sorted(one.distances.items()):
            back = host.distance(other, one.id)
            if other > one.id and back is not None and back != there:
                yield f"the distance from node {one.id} to node {other} is {there}, but {back} the other way"


def _of_cpu_lists(host: Host) -> Iterator[str]:
    isolated, kept = host.isolated or IdSet(), host.housekeeping or IdSet()
    if host.cpus and host.cpus <= isolated:
        yield "all CPUs are isolated: none is left for the host's own processes"
    if host.cpus and host.cpus <= kept:
        yield "all CPUs are kept for the host: none is left for guests"
    if isolated and host.housekeeping is None:
        yield "CPUs are isolated, but which are kept for the host is not declared (housekeeping under [cpus])"
    both = isolated & kept
    if both:
        yield f"{ids_text('CPU', both)} {_be(both)} isolated and kept for the host"


def _be(cpus: HostCpus) -> str:
    return "is" if len(cpus) == 1 else "are"


def _of_devices(host: Host) -> Iterator[str]:
    devices = host.pci or {}
    lost = [str(address) for address in sorted(devices) if host.node_of_pci(address) is None]
    if lost and Fact.NODES not in host.unknown:
        more = len(lost) - _MOST_NAMED
        named = ", ".join(lost[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        yield f"the node of {count_text(len(lost), 'PCI device')} of {len(devices)} is not known: {named}"
    owners: dict[str, list[str]] = {}
    for address, device in sorted(devices.items()):
        for name in device.names:
            owners.setdefault(name, []).append(str(address))
    for name, addresses in owners.items():
        if len(addresses) > 1:
            yield f"{name} is the name of {' and '.join(addresses)}: which is meant is not known"
