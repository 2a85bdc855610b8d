"""Several inputs of one host made one: per fact the first that states it, by rank; contradictions are told.

They must be of one host: a CPU on two nodes, a node with CPUs that one of them does not know, no CPU in common, or memory
that differs between two that were read from the machine, is an error. What one of them merely does not see (offline CPUs,
a container) is a warning, and so is a fact on which they differ: a Contradiction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations

from msgspec.structs import replace

from numalint.loaders.document import LoadError
from numalint.loaders.host.disagreement import Contradiction, Disagreements, files, first
from numalint.loaders.host.merge_pci import merge_buses, merge_pci
from numalint.model.host import L3, Host, Node, Pool
from numalint.model.idset import HostCpus, HostNode, IdSet, union
from numalint.model.wording import size_text

DECLARED = 55
"""From this rank on a format is written by people (TOML, a synthetic string): it may correct what was read."""

_MEMORY_TOLERANCE = 0.02
_ROUNDING = 1 << 20
"""Tools that ran at different times differ by less than the first, those that round to MiB by less than the second."""

_TWO_HOSTS = "these inputs are not of one host (or one was made in a container)"


def merge(ranked: Sequence[tuple[int, Host]]) -> tuple[Host, tuple[str, ...]]:
    """One host of several inputs, each with the rank of its format, and what they disagree on, in sentences.

    Of inputs of one rank the first wins. Raises LoadError, which names both files and both values, where they cannot
    be of one host.
    """
    ranked = sorted(ranked, key=lambda each: -each[0])  # stable: equal ranks keep their order
    for one, two in combinations((host for rank, host in ranked if rank < DECLARED), 2):
        _check_memory(one, two)
    parts = [host for _, host in ranked]
    merged, warnings = parts[0], list[str]()
    for number, other in enumerate(parts[1:], 1):
        pair = _Pair(merged, other, parts[:number])
        merged = pair.merged()
        warnings += pair.told.warnings
    return merged, tuple(dict.fromkeys(warnings))


def _check_memory(one: Host, two: Host) -> None:
    """Two hosts of one make have the same nodes and CPUs; their memory is what may tell them apart."""
    for node in one.nodes or ():
        other = two.node_by_id.get(node.id)
        if other is not None and _memory_differs(node.memory_bytes, other.memory_bytes):
            ours, theirs = size_text(node.memory_bytes or 0), size_text(other.memory_bytes or 0)
            raise LoadError(
                "these inputs are not of one host (or its memory was changed between them): "
                f"node {node.id} has {ours} in {files(one)} and {theirs} in {files(two)}",
                files(one),
                help="give inputs that were taken at one time; what is wrong in one can be corrected in numalint's TOML",
            )


def _memory_differs(one: int | None, two: int | None) -> bool:
    return one is not None and two is not None and abs(one - two) > max(max(one, two) * _MEMORY_TOLERANCE, _ROUNDING)


class _Pair:
    """Two hosts on their way to be one; what ``first`` states, which is made of ``parts``, wins."""

    def __init__(self, first: Host, other: Host, parts: Sequence[Host]) -> None:
        self.first, self.other = first, other
        self.told = Disagreements(parts, other)

    def merged(self) -> Host:
        one, other = self.first, self.other
        nodes = self._nodes()
        offline = self._stated("offline CPUs", "offline")
        cpus = self._cpus(offline or IdSet())
        host = replace(
            one,
            sources=tuple(dict.fromkeys((*one.sources, *other.sources))),
            arch=self.told.stated("architecture", one, lambda host: host.arch),
            cpus=cpus,
            offline=offline,
            isolated=self._stated("isolated CPUs", "isolated"),
            housekeeping=self._stated("CPUs kept for the host", "housekeeping"),
            nodes=nodes and tuple(_within(node, cpus) for node in nodes),
            sockets=self._sets("sockets", lambda host: host.sockets, cpus),
            cores=self._sets("cores", lambda host: host.cores, cpus),
            l3=self._l3(cpus),
            kinds=self._kinds(),
            pci_buses=merge_buses(one, other, self.told),
            complete_pci=one.complete_pci or other.complete_pci,
            place=first(one.place, other.place),
            notes=tuple(dict.fromkeys((*one.notes, *other.notes))),
        )
        self._check_declared(host)
        return replace(host, pci=merge_pci(one, other, host, self.told))

    def _stated(self, what: str, fact: str) -> HostCpus | None:
        def states(host: Host) -> HostCpus | None:
            cpus: HostCpus | None = getattr(host, fact)
            return cpus

        return self.told.stated(what, self.first, states)

    def _cpus(self, offline: HostCpus) -> HostCpus | None:
        one, other = self.first.cpus, self.other.cpus
        if one is not None and other is not None:
            here, there = self.told.files(lambda host: host.cpus)
            if one and other and not one & other:
                raise LoadError(f"{_TWO_HOSTS}: {here} has CPUs {one}, {there} has CPUs {other}", here)
            for extra, has, lacks in ((one - other - offline, here, there), (other - one - offline, there, here)):
                if extra:
                    self.told.tell(f"CPUs {extra} are in {has} but not in {lacks}: they may be offline, or hidden")
        cpus = first(one, other)
        return cpus - offline if cpus is not None else None

    def _sets(
        self, word: str, states: Callable[[Host], tuple[HostCpus, ...] | None], cpus: HostCpus | None
    ) -> tuple[HostCpus, ...] | None:
        """Sockets, cores or caches, as far as their CPUs are there; told where both state them otherwise."""
        ours, theirs = states(self.first), states(self.other)
        if ours is not None and theirs is not None and self.first.cpus is not None and self.other.cpus is not None:
            common = self.first.cpus & self.other.cpus
            one, two = ({each & common for each in sets if each & common} for sets in (ours, theirs))
            if one != two:
                has, other = _lowest(one - two or one), _lowest(two - one or two)
                here, there = self.told.files(states)
                differ = f"{word} differ: {here} has {has} where {there} has {other}; took the former"
                self.told.tell(Contradiction(differ))
        sets = first(ours, theirs)
        return sets if sets is None or cpus is None else tuple(each & cpus for each in sets if each & cpus)

    def _l3(self, cpus: HostCpus | None) -> tuple[L3, ...] | None:
        sets = self._sets("L3 caches", _l3_sets, None)
        if sets is None:
            return None
        ours, theirs = ({l3.cpus: l3.size_bytes for l3 in host.l3 or ()} for host in (self.first, self.other))
        found = []
        for each in sets:
            one, two = ours.get(each), theirs.get(each)
            if one is not None and two is not None and one != two:
                self.told.differ(
                    f"size of the L3 of CPUs {each}", (size_text(one), size_text(two)), lambda host: host.l3
                )
            found.append(L3(each if cpus is None else each & cpus, first(one, two)))
        return tuple(cache for cache in found if cache.cpus)

    def _kinds(self) -> dict[str, HostCpus] | None:
        ours, theirs = self.first.kinds, self.other.kinds
        if ours is not None and theirs is not None and ours != theirs:
            self.told.differ("kinds of CPUs", (_kinds_text(ours), _kinds_text(theirs)), lambda host: host.kinds)
        return first(ours, theirs)

    def _nodes(self) -> tuple[Node, ...] | None:
        if self.first.nodes is None or self.other.nodes is None:
            return first(self.first.nodes, self.other.nodes)
        ours, theirs = self.first.node_by_id, self.other.node_by_id
        here, there = self.told.files(lambda host: host.nodes)
        self._check_ids(self.first, self.other, here, there)
        self._check_ids(self.other, self.first, there, here)
        self._check_homes(here, there)
        found = []
        for number in sorted(ours.keys() | theirs.keys()):
            if number in ours and number in theirs:
                found.append(self._node(ours[number], theirs[number]))
            else:
                found.append(ours.get(number) or theirs[number])
        return tuple(found)

    def _check_ids(self, one: Host, two: Host, name: str, there: str) -> None:
        """A node with CPUs must be in both. One without may be missing: hwloc hides the memory of GPUs."""
        extra = [node for node in one.nodes or () if node.id not in two.node_by_id]
        # Corrections in TOML name some nodes only, without their CPUs.
        if not extra or all(node.cpus is None for node in two.nodes or ()):
            return
        ids = IdSet.of(node.id for node in extra)
        lists_all = any(node.memory_bytes is not None for node in two.nodes or ())  # a table of CPUs cannot
        if any(node.cpus if node.cpus is not None else lists_all for node in extra):
            has = f"{name} has node{'s' if len(ids) > 1 else ''} {ids}, {there} has only {IdSet.of(two.node_by_id)}"
            raise LoadError(f"{_TWO_HOSTS}: {has}", name)
        nodes = f"nodes {ids} without CPUs are" if len(ids) > 1 else f"node {ids} without CPUs is"
        self.told.tell(f"{nodes} in {name} but not in {there}")

    def _check_homes(self, here: str, there: str) -> None:
        homes: dict[HostNode, HostCpus] = {
            node.id: node.cpus for node in self.other.nodes or () if node.cpus is not None
        }
        everywhere = union(homes.values())
        for node in self.first.nodes or ():
            away = (node.cpus or IdSet()) & (everywhere - homes.get(node.id, IdSet()))
            if away:
                others = IdSet.of(number for number, cpus in homes.items() if cpus & away)
                where = f"CPU {away} is on node {node.id} in {here} and on node {others} in {there}"
                raise LoadError(f"{_TWO_HOSTS}: {where}", here)

    def _node(self, one: Node, two: Node) -> Node:
        def told(what: str, ours: object, theirs: object, fact: str) -> None:
            self.told.differ(what, (ours, theirs), partial(_of_node, one.id, fact))

        if _memory_differs(one.memory_bytes, two.memory_bytes):
            values = (size_text(one.memory_bytes or 0), size_text(two.memory_bytes or 0))
            told(f"memory of node {one.id}", *values, "memory_bytes")
        for to in sorted(one.distances.keys() & two.distances.keys()):
            if one.distances[to] != two.distances[to]:
                told(f"distance from node {one.id} to {to}", one.distances[to], two.distances[to], "distances")
                break
        if one.kind is not None and two.kind is not None and one.kind != two.kind:
            told(f"kind of node {one.id}", one.kind, two.kind, "kind")
        return replace(
            one,
            cpus=first(one.cpus, two.cpus),
            memory_bytes=first(one.memory_bytes, two.memory_bytes),
            reserved_bytes=one.reserved_bytes or two.reserved_bytes,
            distances=one.distances or two.distances,
            hugepages=self._pools(one, two),
            kind=first(one.kind, two.kind),
            near=one.near or two.near,
            names=tuple(dict.fromkeys((*one.names, *two.names))),
            # What describes the CPUs is worth pointing at, more than what corrects its memory.
            place=one.place if one.cpus is not None or two.cpus is None else two.place,
        )

    def _pools(self, one: Node, two: Node) -> dict[int, Pool] | None:
        """The pools of both. What is free changes by the minute: that two differ in it is no contradiction."""
        if one.hugepages is None or two.hugepages is None:
            return first(one.hugepages, two.hugepages)
        found = {**two.hugepages, **one.hugepages}
        for size in sorted(one.hugepages.keys() & two.hugepages.keys()):
            ours, theirs = one.hugepages[size], two.hugepages[size]
            if ours.total is not None and theirs.total is not None and ours.total != theirs.total:
                what = f"pages of {size_text(size)} on node {one.id}"
                self.told.differ(what, (ours.total, theirs.total), partial(_of_node, one.id, "hugepages"))
            found[size] = Pool(first(ours.total, theirs.total), first(ours.free, theirs.free))
        return found

    def _check_declared(self, host: Host) -> None:
        if host.cpus is None:
            return
        present = host.cpus | (host.offline or IdSet())
        for word, cpus in (("isolated", host.isolated), ("housekeeping", host.housekeeping)):
            if cpus is not None and cpus - present:
                self.told.tell(f"{word} names CPU {cpus - present}, which no input says is there")


def _of_node(number: HostNode, fact: str, host: Host) -> object:
    """A fact of a node, None where the host does not state it."""
    value = getattr(host.node_by_id.get(number), fact, None)
    return None if value == {} and fact == "distances" else value


def _l3_sets(host: Host) -> tuple[HostCpus, ...] | None:
    return None if host.l3 is None else tuple(cache.cpus for cache in host.l3)


def _lowest(sets: set[HostCpus]) -> str:
    return str(min(sets, key=lambda each: each.mask & -each.mask)) if sets else "none"


def _kinds_text(kinds: dict[str, HostCpus]) -> str:
    return ", ".join(f"{kind} {cpus or 'none'}" for kind, cpus in sorted(kinds.items())) or "one kind"


def _within(node: Node, cpus: HostCpus | None) -> Node:
    return node if node.cpus is None or cpus is None else replace(node, cpus=node.cpus & cpus)
