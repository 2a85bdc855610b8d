"""A domain for people: where each thread may run and why, where its memory may come from, which devices it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from numalint.model.devices import Device
from numalint.model.elements import ORDINARY_PAGE, Cell, HugePages
from numalint.model.host import PciAddress
from numalint.model.idset import HostCpus, IdSet, Vcpu, union
from numalint.model.placement import UNKNOWN_HOST, Placement
from numalint.model.resolved import Affinity, MemoryPolicy, Origin
from numalint.model.wording import count_text, ids_text, size_text
from numalint.reporters.drawing import (
    Marked,
    Surface,
    Word,
    cpus_word,
    folded,
    lines,
    listed,
    numbers_text,
    runs,
    stated,
    unknown,
    words,
)
from numalint.reporters.terminal import BOLD, CYAN, RED

_WIDEST_LABEL = 20
_SHORTEST_RANGE = 3
_LONGEST_LIST = 8
_MOST_ALIKE = 4
_TOPOLOGY = ("socket", "die", "cluster", "core", "thread")


class _Group(NamedTuple):
    """Threads that run alike: all on the CPUs of ``affinity`` or, where there are ``pins``, on these in equal parts."""

    threads: list[int]
    affinity: Affinity
    traits: tuple[str, ...]
    pins: list[HostCpus]


def domain_lines(placement: Placement, surface: Surface, unfold: bool = False) -> Iterator[str]:
    """The domain on its host, where it has one. Unless ``unfold``, threads that are pinned one to one share a line."""
    domain, hosted = placement.domain, placement.host is not UNKNOWN_HOST
    page = _Page(placement, unfold)
    title = words(*f"domain {domain.name}".split(" "), style=BOLD)
    title += words(*([f"on host {placement.host.name}"] if hosted else []), f"({domain.document})")
    yield from lines(title, surface, rest="  ")
    rows = list(page.rows())
    column = min(max(len(label) for label, _ in rows), _WIDEST_LABEL)
    for label, text in rows:
        yield from lines([Word(label.ljust(column)), *text], surface, "  ", " " * min(column + 3, surface.width // 2))


Row = tuple[str, Sequence[Word]]


class _Page:
    """What is said of a domain, in rows with a label each."""

    def __init__(self, placement: Placement, unfold: bool) -> None:
        self.placement, self.domain, self.host = placement, placement.domain, placement.host
        self.unfold = unfold
        self.hosted = placement.host is not UNKNOWN_HOST

    def rows(self) -> Iterator[Row]:
        """What it tries to be, where its threads run, where its memory is, its devices."""
        yield "intent", [self._intent()]
        if self.domain.topology is not None:
            parts = (count_text(getattr(self.domain.topology, f"{noun}s"), noun) for noun in _TOPOLOGY)
            yield "topology", listed(words(*parts))
        yield from self._threads()
        yield from self._memory()
        for device in self.domain.devices:
            yield device.kind, self._device(device)

    def _intent(self) -> Word:
        intent = self.placement.intent
        if intent is not None:
            return Word(intent.value)
        lacking = "a host" if not self.hosted else f"the host's {'cores' if self.host.cores is None else 'nodes'}"
        return Word(f"unknown without {lacking}")

    def _threads(self) -> Iterator[Row]:
        domain = self.domain
        offline = domain.maximum - len(domain.online)
        yield "vCPUs", words(f"{domain.maximum}" + (f", {offline} of them offline" if offline else ""))
        for group in self._groups(self.placement.vcpus, self._traits):
            yield f"  {numbers_text('vCPU', IdSet.of(group.threads), self.unfold)}", self._target(group)
        yield "emulator", self._target(_Group([], self.placement.emulator, (), []))
        for group in self._groups(self.placement.iothreads, lambda _: ()):
            yield numbers_text("IOThread", IdSet.of(group.threads), self.unfold), self._target(group)

    def _traits(self, vcpu: Vcpu) -> tuple[str, ...]:
        """What sets a vCPU apart, its affinity aside."""
        traits = {"offline": vcpu not in self.domain.online, "realtime": vcpu in self.domain.realtime}
        return tuple(trait for trait, has in traits.items() if has)

    def _groups(self, affinities: Mapping[Any, Affinity], traits_of: Callable[[Any], tuple[str, ...]]) -> list[_Group]:
        """Threads of the same CPUs together; then those that share like CPUs by like numbers, such as one to one."""
        alike: dict[object, _Group] = {}
        for thread, affinity in affinities.items():
            traits = traits_of(thread)
            key = (affinity.cpus, affinity.origin, traits)
            alike.setdefault(key, _Group([], affinity, traits, [])).threads.append(thread)
        shares: dict[object, list[_Group]] = {}
        for group in alike.values():
            shares.setdefault(self._share(group), []).append(group)
        found = []
        for share, groups in shares.items():
            single = len(groups[0].threads) == 1
            if share is None or self.unfold or len(groups) <= (1 if single else _MOST_ALIKE):
                found += groups
            else:
                pins = [group.affinity.cpus or IdSet() for group in groups]
                threads = [thread for group in groups for thread in group.threads]
                found.append(groups[0]._replace(threads=threads, pins=pins))
        return sorted(found, key=lambda group: group.threads[0])

    def _share(self, group: _Group) -> object:
        """What groups of a pin of their own must have in common to be drawn together; None for all others."""
        cpus, first, last = group.affinity.cpus, group.threads[0], group.threads[-1]
        if cpus is None or not group.affinity.explicit or last - first != len(group.threads) - 1:
            return None
        there = (self.host.nodes_of(cpus), bool(self._absent(cpus)))
        return (len(group.threads), len(cpus), there, group.affinity.origin, group.traits)

    def _target(self, group: _Group) -> list[Word]:
        """The CPUs of a group of threads, their nodes, and where they are written."""
        cpus = union(group.pins) if group.pins else group.affinity.cpus
        if group.pins:
            each = len(group.threads) // len(group.pins)
            pins = _in_order(group.pins)
            where = words(pins, "one each") if each == 1 else words(f"{pins},", f"{each} on each")
        elif cpus is None:
            numad = group.affinity.origin is Origin.PLACEMENT_AUTO
            where = words("the CPUs that numad chooses" if numad else "any CPU of the host")
        else:
            where = [cpus_word(cpus, self.unfold)]
        facts = stated(self._nodes(cpus)) if cpus is not None and self.hosted else []
        if facts:
            where[-1] = where[-1]._replace(text=f"{where[-1].text},")
        return [Word("->"), *where, *facts, Word(f"({', '.join([group.affinity.origin.value, *group.traits])})")]

    def _nodes(self, cpus: HostCpus) -> Iterator[Word]:
        """The nodes of CPUs; which of them are not there."""
        if self.host.nodes is None:
            yield unknown("node")
        nodes, absent = self.host.nodes_of(cpus), self._absent(cpus)
        if nodes:
            yield Word(ids_text("node", nodes), CYAN)
        offline = absent & (self.host.offline or IdSet())
        if offline:
            yield Word("offline" if offline == cpus else f"{ids_text('CPU', offline)} offline", RED)
        missing = absent - offline
        if missing:
            which = "not" if missing == cpus else f"{ids_text('CPU', missing)} not"
            yield Word(f"{which} {'online on' if self.host.offline is None else 'on'} {self.host.name}", RED)

    def _absent(self, cpus: HostCpus) -> HostCpus:
        return IdSet() if self.host.cpus is None else cpus - self.host.cpus

    def _memory(self) -> Iterator[Row]:
        domain, policy = self.domain, self.placement.memory
        size = unknown("size") if domain.memory_bytes is None else Word(size_text(domain.memory_bytes))
        pages = [] if domain.cells else _pages(domain.hugepages, None)
        yield "memory", stated([size, *self._policy(policy), *pages])
        for cell in domain.cells:
            own = self.placement.memory_of(cell)
            parts = [
                Word(numbers_text("vCPU", cell.cpus, self.unfold) if cell.cpus else "no vCPUs"),
                Word(size_text(cell.memory_bytes)),
            ]
            parts += [*self._policy(own), *_pages(domain.hugepages, cell)]
            yield f"  cell {cell.id}", listed(parts)

    def _policy(self, policy: MemoryPolicy) -> list[Word]:
        """Mode and nodes of a memory policy, and where it is written; which of the nodes are not there."""
        if policy.free:
            return words("from any node (no numatune)")
        nodes = policy.nodes
        where = "the nodes that numad chooses" if nodes is None else ids_text("node", nodes)
        text = words(f"{policy.mode} on {where} ({policy.origin.value})")
        if nodes is not None and self.host.nodes is not None:
            absent = nodes - IdSet.of(self.host.node_by_id)
            text += words(f"{ids_text('node', absent)} not on {self.host.name}", style=RED) if absent else []
        return text

    def _device(self, device: Device) -> list[Word]:
        address, node = self.placement.address_of(device), self.placement.node_of(device)
        named = [] if isinstance(device.reference, PciAddress) else [device.reference]
        known = (self.host.pci or {}).get(address) if address is not None else None
        names = named or (list(known.names) if known is not None else [])
        text = [*words(*([str(address)] if address is not None else [])), *words(*names, style=CYAN)]
        if not self.hosted:
            return text
        where = unknown("node") if node is None else Word(f"node {node}", CYAN)
        text[-1] = text[-1]._replace(text=f"{text[-1].text},")
        return [*text, *stated([where])]


def _in_order(pins: Sequence[HostCpus]) -> str:
    """The CPUs that threads are pinned to one after the other, in the order of the threads: ``0-7,64-71``."""
    if len(pins[0]) > 1:
        return "CPUs " + " ".join(word.text for word in folded(map(Marked, pins)))
    parts: list[str] = []
    for run in runs(map(Marked, pins)):
        numbers = [str(each.cpus) for each in run]
        if len(run) >= _SHORTEST_RANGE and int(numbers[1]) == int(numbers[0]) + 1:
            parts.append(f"{numbers[0]}-{numbers[-1]}")
        elif len(run) > _LONGEST_LIST:
            parts += [*numbers[:2], "...", numbers[-1]]
        else:
            parts += numbers
    return f"CPUs {','.join(parts)}"


def _pages(hugepages: Sequence[HugePages], cell: Cell | None) -> list[Word]:
    """The huge pages that back a cell, or a guest without cells."""
    own = [page for page in hugepages if page.cells is not None and cell is not None and cell.id in page.cells]
    page = next(iter(own + [page for page in hugepages if page.cells is None]), None)
    if page is None or page.size_bytes == ORDINARY_PAGE:
        return []
    return words(
        "huge pages of the host's default size" if page.size_bytes is None else f"pages of {size_text(page.size_bytes)}"
    )
