"""Hosts as a tool may report them, each fact known or not: a strategy for properties of all hosts."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import assume
from hypothesis import strategies as st
from msgspec.structs import replace

from numalint.model.host import L3, Host, Node, PciAddress, PciBuses, PciDevice, Pool
from numalint.model.idset import IdSet

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
SIZES = st.integers(0, 1 << 12).map(lambda mib: mib << 20) | st.integers(0, 1 << 60)
PAGE_SIZES = st.sampled_from([16 << 10, 64 << 10, 2 << 20, 32 << 20, 1 << 30, 16 << 30])
COUNTS = st.none() | st.integers(0, 512)
BYTES = st.integers(0, 255)
ADDRESSES = st.builds(PciAddress, st.sampled_from([0, 1, 0x10000]), BYTES, st.integers(0, 31), st.integers(0, 7))


def subset(ids: list[int]) -> st.SearchStrategy[IdSet]:
    return st.sets(st.sampled_from(ids)).map(IdSet.of) if ids else st.just(IdSet())


@st.composite
def groups(draw: st.DrawFn, ids: list[int]) -> tuple[IdSet, ...]:
    """Sets of CPUs, none sharing one: threads last, threads adjacent, or any, of any sizes and maybe not of all."""
    width = draw(st.integers(1, 4))
    how = draw(st.sampled_from(["last", "adjacent", "any"]))
    if how == "last":
        count = len(ids) // width
        return tuple(IdSet.of(ids[first + count * each] for each in range(width)) for first in range(count))
    if how == "adjacent":
        return tuple(IdSet.of(ids[first : first + width]) for first in range(0, len(ids), width))
    whole = draw(st.permutations(ids))
    cuts = sorted(draw(st.sets(st.integers(0, len(ids)), max_size=6)))
    return tuple(IdSet.of(whole[one:two]) for one, two in pairwise(cuts))


@st.composite
def homes(draw: st.DrawFn, ids: list[int], nodes: list[int]) -> dict[int, int]:
    """The node of each CPU: in runs, in turn, or any; some CPUs may have none."""
    how = draw(st.sampled_from(["runs", "turns", "any", "some"]))
    width = -(-len(ids) // len(nodes)) or 1
    if how == "runs":
        return {cpu: nodes[at // width] for at, cpu in enumerate(ids)}
    if how == "turns":
        return {cpu: nodes[at % len(nodes)] for at, cpu in enumerate(ids)}
    return {cpu: draw(st.sampled_from(nodes)) for cpu in ids if how == "any" or draw(st.booleans())}


@st.composite
def distances(draw: st.DrawFn, own: int, nodes: list[int]) -> dict[int, int]:
    """A row of the SLIT: whole, in part, unknown, or odd."""
    row = {other: 10 if other == own else draw(st.integers(11, 255)) for other in nodes}
    how = draw(st.sampled_from(["whole", "whole", "unknown", "part", "odd"]))
    if how == "part":
        return {other: value for other, value in row.items() if draw(st.booleans())}
    return {} if how == "unknown" else row | {own: 0} if how == "odd" else row


@st.composite
def numa_nodes(draw: st.DrawFn, ids: list[int]) -> tuple[Node, ...]:
    numbers = sorted(draw(st.sets(st.integers(0, 3) | st.integers(0, 255), min_size=1, max_size=4)))
    home = draw(homes(ids, numbers))
    return tuple(
        Node(
            number,
            cpus=draw(st.sampled_from([*[IdSet.of(cpu for cpu, node in home.items() if node == number)] * 9, None])),
            memory_bytes=draw(st.none() | SIZES),
            reserved_bytes=draw(st.just(0) | SIZES),
            distances=draw(distances(number, numbers)),
            hugepages=draw(
                st.none() | st.dictionaries(PAGE_SIZES, st.builds(Pool, total=COUNTS, free=COUNTS), max_size=3)
            ),
            kind=draw(st.sampled_from([None, None, "dram", "hbm", "cxl", "pmem", "gpu"])),
            near=draw(st.just(IdSet()) | subset(numbers)),
            names=tuple(draw(st.lists(NAMES, max_size=2, unique=True))),
        )
        for number in numbers
    )


@st.composite
def pci_devices(draw: st.DrawFn, node: st.SearchStrategy[int]) -> dict[PciAddress, PciDevice]:
    names = st.lists(NAMES, max_size=3, unique=True).map(tuple)
    return {
        address: PciDevice(
            address,
            node=draw(st.none() | node),
            names=draw(names),
            aliases=draw(names),
            driver=draw(st.none() | NAMES),
            iommu_group=draw(st.none() | st.integers(0, 999)),
            physical_function=draw(st.none() | ADDRESSES),
        )
        for address in draw(st.sets(ADDRESSES, max_size=5))
    }


@st.composite
def pci_buses(draw: st.DrawFn, node: st.SearchStrategy[int]) -> tuple[PciBuses, ...]:
    ranges = draw(st.sets(st.tuples(st.integers(0, 1), BYTES, BYTES), max_size=3))
    return tuple(PciBuses(domain, one, two, draw(node)) for domain, one, two in ranges if one <= two)


@st.composite
def any_host(draw: st.DrawFn) -> Host:
    """Sparse ids, memory-only nodes, holes, mixed SMT, facts unknown one by one, and some that contradict others."""
    some = st.sets(st.integers(0, 40), max_size=24)
    everything = sorted(draw(some | st.integers(0, 33).map(range).map(set)))
    offline = draw(st.just(IdSet()) | subset(everything))
    ids = [cpu for cpu in everything if cpu not in offline]
    nodes = draw(st.none() | numa_nodes(ids))
    node = st.sampled_from([each.id for each in nodes] + [9]) if nodes else st.integers(0, 9)
    by_node = tuple(each.cpus for each in nodes or () if each.cpus)
    host = Host(
        name=draw(NAMES),
        arch=draw(st.none() | st.sampled_from(["x86_64", "aarch64"])),
        cpus=draw(st.sampled_from([*[IdSet.of(ids)] * 5, None])),
        offline=offline or draw(st.sampled_from([offline, None])),
        isolated=draw(st.none() | subset(everything)),
        housekeeping=draw(st.none() | subset([*everything, 77])),
        nodes=nodes,
        sockets=draw(st.none() | groups(ids) | st.just(by_node)),
        cores=draw(st.none() | groups(ids)),
        l3=draw(st.none() | groups(ids).map(lambda sets: tuple(L3(cpus, None) for cpus in sets))),
        kinds=draw(st.none() | st.dictionaries(NAMES, subset(everything), max_size=2)),
        pci=draw(st.none() | pci_devices(node)),
        complete_pci=draw(st.booleans()),
        pci_buses=draw(pci_buses(node)),
    )
    if host.l3:
        sizes = [draw(st.none() | SIZES) for _ in host.l3]
        host = replace(host, l3=tuple(L3(cache.cpus, size) for cache, size in zip(host.l3, sizes, strict=True)))
    lists = (host.cpus, host.offline, host.isolated, host.housekeeping, host.sockets, host.cores, host.kinds)
    assume(host.nodes or host.pci_buses or any(fact is not None for fact in (*lists, host.l3, host.pci)))
    return host
