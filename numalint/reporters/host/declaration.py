"""A host as numalint's own TOML: what ``numalint topology capture`` writes, and reads back as an equal host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from numalint.loaders.host.toml_cores import cores_texts, parse_cores
from numalint.model.contradictions import buses_text, contradictions
from numalint.model.host import L3, Host, Node, PciDevice, Pool
from numalint.model.idset import HostCpus, HostNode, HostNodes, IdSet, union
from numalint.model.wording import count_text, size_text
from numalint.reporters.host.toml_text import Value, array, folded, line, page_size, size, table
from numalint.reporters.terminal import printable

_HEAD = """\
# A host for numalint, written by `numalint topology capture`. Capturing it again overwrites this file: what you declare
# yourself, such as the CPUs that you keep for the host, belongs in a file of its own that has this one as its base.
# A key that is missing is not known: that is neither zero nor none. Sizes are binary, sets are as in libvirt: "0-7,16".
"""
_CORES = '# Cores: "0-3+8-11" are 0,8 1,9 2,10 3,11; "0-7/2" are 0-1 2-3 4-5 6-7; "0-3" are four of one thread each.'


def declaration(host: Host) -> str:
    """The host as TOML, the same bytes for the same host, with all of it but its sources, places and notes."""
    sections = (_top(host), *_nodes(host), _cpus(host), *_l3(host), _pci_buses(host), _pci(host))
    return "\n".join("\n".join(lines) + "\n" for section in sections if (lines := list(section)))


def _top(host: Host) -> Iterator[str]:
    yield _HEAD.rstrip()
    if host.unknown:
        yield f"# Not known here: {', '.join(sorted(host.unknown))}."
    yield ""
    yield line("format", 1)
    yield line("name", host.name)
    if host.arch is not None:
        yield line("arch", host.arch)
    odd = contradictions(host)
    if odd:
        yield line("lenient", True, "not refused, though it contradicts itself:")
        yield from (f"# - {printable(each)}" for each in odd)
    if host.complete_pci:
        yield line("pci_complete", True, "a PCI device that is not listed does not exist")
    if host.nodes == ():
        yield line("nodes", array(()), "none")
    if host.pci == {}:
        yield line("pci", array(()), "none")
    if host.l3 == ():
        yield line("l3", array(()), "none")


def _nodes(host: Host) -> Iterator[Iterable[str]]:
    """A table for each node, with its socket and cores where that says exactly what is known of them."""
    sockets, cores = _sockets_by_node(host), _cores_by_node(host)
    if cores and any("+" in text or "/" in text for texts in cores.values() for text in texts):
        yield [_CORES]
    for node in host.nodes or ():
        yield ["[[nodes]]", *_node(node, host, sockets, cores)]


def _node(
    node: Node, host: Host, sockets: dict[HostNode, int] | None, cores: dict[HostNode, list[str]] | None
) -> Iterator[str]:
    yield line("id", node.id)
    if sockets and node.id in sockets:
        yield line("socket", sockets[node.id])
    if node.cpus is None:
        yield line("cpus", "unknown")
    elif node.cpus:
        texts = (cores or {}).get(node.id)
        if texts is None:
            yield line("cpus", str(node.cpus), count_text(len(node.cpus), "CPU"))
        else:
            count = sum(len(parse_cores(text)) for text in texts)
            said = f"{count_text(count, 'core')}, {count_text(len(node.cpus), 'CPU')}"
            yield line("cores", texts[0] if len(texts) == 1 else folded(texts), said)
    else:
        yield "# no CPUs: memory alone"
    if node.memory_bytes is not None:
        yield line("memory", size(node.memory_bytes), _rounded(node.memory_bytes))
    if node.reserved_bytes:
        yield line("reserved_memory", size(node.reserved_bytes), "what the host keeps of it for itself")
    yield from _pools(node.hugepages)
    if node.kind is not None:
        yield line("kind", node.kind)
    if node.near:
        yield line("near", array(node.near), "the nodes whose CPUs are near to this memory")
    yield from _distances(node, host)
    if node.names:
        yield line("names", folded(node.names), "devices on this node that are no PCI devices")


def _rounded(memory: int) -> str:
    """The size in a unit that people think in, where it is written in another."""
    return "" if size(memory) == size_text(memory) else f"about {size_text(memory)}"


def _pools(pools: dict[int, Pool] | None) -> Iterator[str]:
    if pools is None:
        return
    said: dict[str, Value] = {}
    for bytes, pool in sorted(pools.items()):
        both = {"total": pool.total, "free": pool.free}
        stated = {word: count for word, count in both.items() if count is not None}
        said[page_size(bytes)] = pool.total if pool.total is not None and pool.free is None else table(stated)
    pooled = sum(bytes * (pool.total or 0) for bytes, pool in pools.items())
    words = f"pages of each size: {size_text(pooled)}" if pooled else "no pages of any size" if pools else "no pool"
    yield line("hugepages", table(said), words)


def _distances(node: Node, host: Host) -> Iterator[str]:
    """A list where all are known, in the order of the nodes; else, or where one is odd, each with its node."""
    if not node.distances:
        return
    ids = [each.id for each in host.nodes or ()]
    row = [node.distances.get(other, 0) for other in ids]
    whole = len(node.distances) == len(ids) and min(row) >= 10 and node.distances.get(node.id) == 10
    if whole:
        yield line("distances", array(row), _to(IdSet.of(ids)))
    else:
        yield line("distances", table({str(other): value for other, value in sorted(node.distances.items())}))


def _to(nodes: HostNodes) -> str:
    return f"to node{'s' if len(nodes) > 1 else ''} {nodes}"


def _sockets_by_node(host: Host) -> dict[HostNode, int] | None:
    """The socket of each node, None where sockets and nodes are not so simple."""
    found: dict[HostNode, int] = {}
    parts: list[HostCpus] = [IdSet()] * len(host.sockets or ())
    for node in host.nodes or ():
        inside = [number for number, cpus in enumerate(host.sockets or ()) if node.cpus and node.cpus <= cpus]
        if node.cpus is None or (node.cpus and len(inside) != 1):
            return None
        if node.cpus:
            found[node.id] = inside[0]
            parts[inside[0]] |= node.cpus
    return found if found and tuple(parts) == host.sockets else None


def _cores_by_node(host: Host) -> dict[HostNode, list[str]] | None:
    """The cores of each node, None where that is not exactly what is known of cores."""
    found: dict[HostNode, list[HostCpus]] = {}
    whole: list[HostCpus] = []
    for node in host.nodes or ():
        inside = [core for core in host.cores or () if node.cpus and core <= node.cpus]
        if node.cpus is None or union(inside) != node.cpus:
            return None
        if node.cpus:
            found[node.id] = inside
            whole += inside
    whole.sort(key=lambda core: core.mask & -core.mask)
    return {node: cores_texts(cores) for node, cores in found.items()} if found and tuple(whole) == host.cores else None


def _cpus(host: Host) -> Iterable[str]:
    """What is said of CPUs beside the nodes."""
    lines = [*_online(host)]
    lists = (
        ("offline", host.offline, "{}, present and off", "no CPU is off"),
        ("isolated", host.isolated, "{} that the scheduler leaves alone", "the scheduler uses all CPUs"),
        ("housekeeping", host.housekeeping, "{} that the host keeps for itself", "the host keeps no CPU for itself"),
    )
    for key, cpus, some, none in lists:
        if cpus is not None:
            lines.append(line(key, str(cpus), some.format(count_text(len(cpus), "CPU")) if cpus else none))
    if host.kinds is not None:
        lines.append(line("kinds", table({kind: str(cpus) for kind, cpus in host.kinds.items()})))
    if host.sockets is not None and _sockets_by_node(host) is None:
        lines.append(line("sockets", folded([str(cpus) for cpus in host.sockets]), _count(host.sockets, "socket")))
    if host.cores is not None and _cores_by_node(host) is None:
        if host.cores:
            lines.append(_CORES)
        lines.append(line("cores", folded(cores_texts(host.cores)), _count(host.cores, "core")))
    return ["[cpus]", *lines] if lines else []


def _count(sets: Sequence[HostCpus], noun: str) -> str:
    return count_text(len(sets), noun)


def _online(host: Host) -> Iterator[str]:
    """The CPUs that are online, where the nodes do not say it."""
    known = [node.cpus for node in host.nodes or () if node.cpus is not None]
    read = union(known) if host.nodes and len(known) == len(host.nodes) else None
    if host.cpus == read:
        return
    if host.cpus is None:
        yield line("online", "unknown")
    else:
        yield line("online", str(host.cpus), count_text(len(host.cpus), "CPU"))


def _l3(host: Host) -> Iterator[Iterable[str]]:
    """The L3 caches, one after another where they are of one size."""
    for bytes, caches in groupby(host.l3 or (), key=lambda cache: cache.size_bytes):
        yield _caches(bytes, list(caches))


def _caches(bytes: int | None, caches: list[L3]) -> Iterator[str]:
    yield "[[l3]]"
    sets = [str(cache.cpus) for cache in caches]
    yield line("cpus", sets[0] if len(sets) == 1 else folded(sets), count_text(len(sets), "cache"))
    if bytes is not None:
        yield line("size", size(bytes), "of each" if len(sets) > 1 else "")


def _pci_buses(host: Host) -> Iterator[str]:
    if host.pci_buses:
        yield "[pci_buses]  # every device on these buses is on this node"
        yield from (line(buses_text(buses), buses.node) for buses in host.pci_buses)


def _pci(host: Host) -> Iterator[str]:
    """The PCI devices, by their nodes."""
    if not host.pci:
        return
    homeless = "# on which node is not said" + (": there is only one" if len(host.nodes or ()) == 1 else "")
    devices = sorted(host.pci.values(), key=lambda device: (device.node is None, device.node, device.address))
    yield f"[pci]  # {count_text(len(devices), 'device')}"
    for node, group in groupby(devices, key=lambda device: device.node):
        yield f"# on node {node}" if node is not None else homeless
        yield from (line(str(device.address), table(_device(device))) for device in group)


def _device(device: PciDevice) -> dict[str, Value]:
    facts: dict[str, Value | None] = {
        "name": device.names[0] if len(device.names) == 1 else None,
        "names": array(device.names) if len(device.names) > 1 else None,
        "node": device.node,
        "driver": device.driver,
        "iommu_group": device.iommu_group,
        "physical_function": None if device.physical_function is None else str(device.physical_function),
        "aliases": array(device.aliases) if device.aliases else None,
    }
    return {key: value for key, value in facts.items() if value is not None}
