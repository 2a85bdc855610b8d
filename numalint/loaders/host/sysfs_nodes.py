"""The NUMA nodes that sysfs states: their CPUs, memory, distances and pools of huge pages."""

from __future__ import annotations

import re

from numalint.loaders.host.sysfs_values import Values
from numalint.loaders.host.values import LARGEST_CPU, LARGEST_NODE, LARGEST_SIZE
from numalint.model.host import Node, Pool
from numalint.model.idset import HostCpu, HostCpus, HostNode, IdSet, NotationError

_FOLDER = "sys/devices/system/node"
_GLOBAL_POOLS = "sys/kernel/mm/hugepages"
_POOL = re.compile(r"hugepages-([0-9]{1,12})kB", re.ASCII)
_TOTAL = re.compile(r"^(?:Node +[0-9]+ +)?MemTotal: *([0-9]{1,15}) *kB", re.ASCII | re.MULTILINE)
_ROW = re.compile(r"[0-9]{1,3}(?:\s+[0-9]{1,3})*", re.ASCII)
_KB = 1024
"""What the kernel's "kB" is, in bytes."""


def read_nodes(values: Values, online: HostCpus, notes: list[str]) -> tuple[Node, ...]:
    """The nodes, by their ids. Without any folder of nodes (CONFIG_NUMA is off) all is assumed to be one node 0."""
    numbers = [HostNode(number) for number in values.ids(_FOLDER, "node", LARGEST_NODE)]
    if not numbers:
        notes.append(f"there is no {_FOLDER}: took all CPUs and memory as node 0 (assumed)")
        memory, pools = _memory(values, "proc/meminfo"), _pools(values, _GLOBAL_POOLS)
        return (Node(HostNode(0), online, memory, hugepages=pools),)
    homes = _homes(values, numbers, online, notes)
    columns = _columns(values, numbers)
    nodes = []
    for number in numbers:
        folder = f"{_FOLDER}/node{number}"
        memory, pools = _memory(values, f"{folder}/meminfo"), _pools(values, f"{folder}/hugepages")
        if len(numbers) == 1:  # all that the host has is that node's
            memory = _memory(values, "proc/meminfo") if memory is None else memory
            pools = _pools(values, _GLOBAL_POOLS) if pools is None else pools
        distances = _distances(values, number, columns, notes)
        nodes.append(Node(number, homes[number], memory, distances=distances, hugepages=pools))
    return tuple(nodes)


def _homes(
    values: Values, numbers: list[HostNode], online: HostCpus, notes: list[str]
) -> dict[HostNode, HostCpus | None]:
    """The online CPUs of each node, None where not known. A CPU that several list (numa=fake) is the lowest's."""
    listed = _listed(values, numbers)
    if len(numbers) == 1 and listed[numbers[0]] is None:
        return {numbers[0]: online}
    homes: dict[HostNode, HostCpus | None] = {}
    free, again = online, IdSet[HostCpu]()
    for number, cpus in listed.items():
        homes[number] = None if cpus is None else cpus & free
        if cpus is not None:
            again |= (cpus & online) - free
            free -= cpus
    if again:
        nodes: IdSet[HostNode] = IdSet.of(number for number, cpus in listed.items() if cpus and cpus & again)
        notes.append(f"CPU {again} is in each of the nodes {nodes}: took the lowest")
    return homes


def _listed(values: Values, numbers: list[HostNode]) -> dict[HostNode, HostCpus | None]:
    """The CPUs of each node as it lists them, by its links to them where no node has a list (old kernels)."""
    listed = {
        number: values.set_of_cpus(f"{_FOLDER}/node{number}/cpulist", f"{_FOLDER}/node{number}/cpumap")
        for number in numbers
    }
    if any(cpus is not None for cpus in listed.values()):
        return listed
    linked: dict[HostNode, HostCpus | None] = {
        number: IdSet.of(map(HostCpu, values.ids(f"{_FOLDER}/node{number}", "cpu", LARGEST_CPU))) for number in numbers
    }
    return linked if any(linked.values()) else listed


def _memory(values: Values, path: str) -> int | None:
    """The total of a meminfo in bytes."""
    match = _TOTAL.search(values.text(path) or "")
    return int(match[1]) * _KB if match is not None else None


def _pools(values: Values, folder: str) -> dict[int, Pool] | None:
    """The pools in a folder, None where it is missing."""
    pools = {}
    for name in values.tree.names(folder):
        match = _POOL.fullmatch(name)
        if match is not None and 0 < int(match[1]) <= LARGEST_SIZE // _KB:
            total, free = (values.number(f"{folder}/{name}/{which}_hugepages") for which in ("nr", "free"))
            pools[int(match[1]) * _KB] = Pool(total, free)
    return dict(sorted(pools.items())) or None


def _columns(values: Values, numbers: list[HostNode]) -> list[HostNode]:
    """The nodes that the columns of a distance file stand for: those that are online, in the order of their ids."""
    text = values.text(f"{_FOLDER}/online")
    if not text:
        return numbers
    try:
        return list(IdSet[HostNode].parse(text))
    except NotationError as error:
        values.tree.refuse(f"{_FOLDER}/online", f"holds {text[:40]!r}, which is no list of nodes: {error.reason}")


def _distances(values: Values, number: HostNode, columns: list[HostNode], notes: list[str]) -> dict[HostNode, int]:
    """A node's row of distances; none where its columns are not those of the online nodes (after hot removal)."""
    path = f"{_FOLDER}/node{number}/distance"
    text = values.text(path) or ""
    if text and _ROW.fullmatch(text) is None:
        values.tree.refuse(path, f"holds {text[:40]!r}, which is no row of distances")
    words = text.split()
    if not words:
        return {}
    if len(words) != len(columns):
        notes.append(f"node {number} has {len(words)} distances for {len(columns)} online nodes: they are not known")
        return {}
    return dict(zip(columns, map(int, words), strict=True))
