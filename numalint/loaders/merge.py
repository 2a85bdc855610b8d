"""Several inputs of one host made one: per fact the first that states it, by rank; contradictions are told.

They must be of one host: a CPU on two nodes, or a node with CPUs that one of them does not know, is an error. What
one of them merely does not see (offline CPUs, a container) and sizes, distances or caches that differ are warnings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from msgspec.structs import replace

from numalint.loaders.document import LoadError
from numalint.model.host import L3, Host, Node, PciAddress, PciDevice, Pool
from numalint.model.idset import HostCpus, HostNode, IdSet

Value = TypeVar("Value")

_MEMORY_TOLERANCE = 0.02
"""Tools that ran at different times, or that round, differ by less."""


def merge(ranked: Sequence[tuple[int, Host]]) -> tuple[Host, tuple[str, ...]]:
    """One host of several inputs, each with the rank of its format, and what they disagree on, in sentences.

    Of inputs of one rank the first wins. Raises LoadError, which names both files and both values, where they cannot
    be of one host.
    """
    hosts = [host for _, host in sorted(ranked, key=lambda each: -each[0])]  # stable: equal ranks keep their order
    merged, warnings = hosts[0], list[str]()
    for other in hosts[1:]:
        pair = _Pair(merged, other)
        merged = pair.merged()
        warnings += pair.warnings
    return merged, tuple(dict.fromkeys(warnings))


class _Pair:
    """Two hosts on their way to be one; what ``first`` states wins."""

    def __init__(self, first: Host, other: Host) -> None:
        self.first, self.other = first, other
        self.here, self.there = _files(first), _files(other)
        self.warnings: list[str] = []

    def merged(self) -> Host:
        first, other = self.first, self.other
        nodes = self._nodes()
        cpus = self._cpus()
        sockets = self._sets("sockets", first.sockets, other.sockets, cpus)
        cores = self._sets("cores", first.cores, other.cores, cpus)
        offline = _stated(first.offline, other.offline)
        host = replace(
            first,
            sources=tuple(dict.fromkeys((*first.sources, *other.sources))),
            arch=_stated(first.arch, other.arch),
            cpus=cpus,
            offline=offline,
            isolated=_stated(first.isolated, other.isolated),
            housekeeping=_stated(first.housekeeping, other.housekeeping),
            nodes=nodes and tuple(_within(node, cpus) for node in nodes),
            sockets=sockets,
            cores=cores,
            l3=self._l3(cpus),
            pci_buses=tuple(dict.fromkeys((*first.pci_buses, *other.pci_buses))),
            complete_pci=first.complete_pci or other.complete_pci,
            place=_stated(first.place, other.place),
            notes=tuple(dict.fromkeys((*first.notes, *other.notes))),
        )
        self._check_declared(host)
        return replace(host, pci=self._pci(host))

    def _cpus(self) -> HostCpus | None:
        first, other = self.first.cpus, self.other.cpus
        offline: HostCpus = _stated(self.first.offline, self.other.offline) or IdSet()
        if first is not None and other is not None:
            for extra, one, two in (
                (first - other - offline, self.here, self.there),
                (other - first - offline, self.there, self.here),
            ):
                if extra:
                    self.warnings.append(f"CPUs {extra} are in {one} but not in {two}: they may be offline, or hidden")
        cpus = _stated(first, other)
        return cpus - offline if cpus is not None else None

    def _sets(
        self,
        word: str,
        first: tuple[HostCpus, ...] | None,
        other: tuple[HostCpus, ...] | None,
        cpus: HostCpus | None,
    ) -> tuple[HostCpus, ...] | None:
        """Sockets, cores or caches, as far as their CPUs are there; told where both state them otherwise."""
        if first is not None and other is not None and self.first.cpus is not None and self.other.cpus is not None:
            common = self.first.cpus & self.other.cpus
            one, two = ({each & common for each in sets if each & common} for sets in (first, other))
            if one != two:
                ours, theirs = (
                    min(sets, key=lambda each: each.mask & -each.mask) for sets in (one - two or one, two - one or two)
                )
                self.warnings.append(
                    f"{word} differ: {self.here} has {ours} where {self.there} has {theirs}; took the former"
                )
        sets = _stated(first, other)
        return sets if sets is None or cpus is None else tuple(each & cpus for each in sets if each & cpus)

    def _l3(self, cpus: HostCpus | None) -> tuple[L3, ...] | None:
        first, other = ({cache.cpus: cache for cache in host.l3 or ()} for host in (self.first, self.other))
        sets = self._sets("L3 caches", tuple(first) or None, tuple(other) or None, None)
        if sets is None:
            return None
        sizes = {
            key: cache.size_bytes for caches in (other, first) for key, cache in caches.items() if cache.size_bytes
        }
        kept = ((each if cpus is None else each & cpus, sizes.get(each)) for each in sets)
        return tuple(L3(each, size) for each, size in kept if each)

    def _nodes(self) -> tuple[Node, ...] | None:
        if self.first.nodes is None or self.other.nodes is None:
            return _stated(self.first.nodes, self.other.nodes)
        first, other = self.first.node_by_id, self.other.node_by_id
        self._check_ids()
        self._check_homes()
        found = []
        for number in sorted(first.keys() | other.keys()):
            if number in first and number in other:
                found.append(self._node(first[number], other[number]))
            else:
                found.append(first.get(number) or other[number])
        return tuple(found)

    def _check_ids(self) -> None:
        """A node with CPUs must be in both. One without may be missing: hwloc hides the memory of GPUs."""
        for one, two, name, there in (
            (self.first, self.other, self.here, self.there),
            (self.other, self.first, self.there, self.here),
        ):
            extra = [node for node in one.nodes or () if node.id not in two.node_by_id]
            # Corrections in TOML name some nodes only, without their CPUs.
            if not extra or all(node.cpus is None for node in two.nodes or ()):
                continue
            ids = IdSet.of(node.id for node in extra)
            if any(node.cpus is None or node.cpus for node in extra):
                raise LoadError(
                    "these inputs are not of one host (or one was made in a container): "
                    f"{name} has node{'s' if len(ids) > 1 else ''} {ids}, {there} has only {IdSet.of(two.node_by_id)}",
                    name,
                )
            self.warnings.append(f"node {ids} without CPUs is in {name} but not in {there}")

    def _check_homes(self) -> None:
        there: dict[HostNode, HostCpus] = {n.id: n.cpus for n in self.other.nodes or () if n.cpus is not None}
        everywhere: HostCpus = IdSet()
        for cpus in there.values():
            everywhere |= cpus
        for node in self.first.nodes or ():
            away = (node.cpus or IdSet()) & everywhere - there.get(node.id, IdSet())
            if away:
                homes = IdSet.of(number for number, cpus in there.items() if cpus & away)
                raise LoadError(
                    "these inputs are not of one host (or one was made in a container): "
                    f"CPU {away} is on node {node.id} in {self.here} and on node {homes} in {self.there}",
                    self.here,
                )

    def _node(self, one: Node, two: Node) -> Node:
        if one.memory_bytes is not None and two.memory_bytes is not None:
            larger = max(one.memory_bytes, two.memory_bytes)
            if abs(one.memory_bytes - two.memory_bytes) > larger * _MEMORY_TOLERANCE:
                self._differ(f"memory of node {one.id}", _mib(one.memory_bytes), _mib(two.memory_bytes))
        for to in sorted(one.distances.keys() & two.distances.keys()):
            if one.distances[to] != two.distances[to]:
                self._differ(f"distance from node {one.id} to {to}", one.distances[to], two.distances[to])
                break
        return replace(
            one,
            cpus=_stated(one.cpus, two.cpus),
            memory_bytes=_stated(one.memory_bytes, two.memory_bytes),
            reserved_bytes=one.reserved_bytes or two.reserved_bytes,
            distances=one.distances or two.distances,
            hugepages=self._pools(one, two),
            kind=_stated(one.kind, two.kind),
            near=one.near or two.near,
            # What describes the CPUs is worth pointing at, more than what corrects its memory.
            place=one.place if one.cpus is not None or two.cpus is None else two.place,
        )

    def _pools(self, one: Node, two: Node) -> dict[int, Pool] | None:
        if one.hugepages is None or two.hugepages is None:
            return _stated(one.hugepages, two.hugepages)
        found = {**two.hugepages, **one.hugepages}
        for size in one.hugepages.keys() & two.hugepages.keys():
            ours, theirs = one.hugepages[size], two.hugepages[size]
            if ours.total is not None and theirs.total is not None and ours.total != theirs.total:
                self._differ(f"pages of {_mib(size)} on node {one.id}", ours.total, theirs.total)
            found[size] = Pool(_stated(ours.total, theirs.total), _stated(ours.free, theirs.free))
        return found

    def _differ(self, what: str, ours: object, theirs: object) -> None:
        self.warnings.append(f"{what}: {self.here} says {ours}, {self.there} says {theirs}; took {ours}")

    def _check_declared(self, host: Host) -> None:
        if host.cpus is None:
            return
        present = host.cpus | (host.offline or IdSet())
        for word, cpus in (("isolated", host.isolated), ("housekeeping", host.housekeeping)):
            if cpus is not None and cpus - present:
                self.warnings.append(f"{word} names CPU {cpus - present}, which no input says is there")

    def _pci(self, host: Host) -> dict[PciAddress, PciDevice] | None:
        """The devices of both. A range of buses that the first input declares wins over a device of the other."""
        if self.first.pci is None and self.other.pci is None:
            return None
        ours, theirs = self.first.pci or {}, self.other.pci or {}
        declared = Host(name="", pci_buses=self.first.pci_buses)
        found = {}
        for address in sorted(ours.keys() | theirs.keys()):
            one, two = ours.get(address), theirs.get(address)
            said = one.node if one is not None else None
            node = _stated(said, declared.node_of_pci(address))
            if node is not None and two is not None and two.node is not None and two.node != node:
                self._differ(f"node of PCI device {address}", node, two.node)
            node = _stated(node, two.node if two is not None else None)
            if node is not None and host.nodes is not None and node not in host.node_by_id:
                self.warnings.append(
                    f"PCI device {address} is on node {node}, which no input describes: taken as unknown"
                )
                node = None
            found[address] = replace(_device(one, two), node=node)
        return found


def _files(host: Host) -> str:
    names = host.sources or (host.name,)
    return " and ".join(names) if len(names) < 3 else f"{names[0]} and {len(names) - 1} more"


def _device(one: PciDevice | None, two: PciDevice | None) -> PciDevice:
    if one is None or two is None:
        device = one or two
        assert device is not None
        return device
    return replace(
        one,
        names=tuple(dict.fromkeys((*one.names, *two.names))),
        driver=_stated(one.driver, two.driver),
        iommu_group=_stated(one.iommu_group, two.iommu_group),
        physical_function=_stated(one.physical_function, two.physical_function),
        place=_stated(one.place, two.place),
    )


def _stated(one: Value | None, other: Value | None) -> Value | None:
    return one if one is not None else other


def _within(node: Node, cpus: HostCpus | None) -> Node:
    return node if node.cpus is None or cpus is None else replace(node, cpus=node.cpus & cpus)


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.0f} MiB"
