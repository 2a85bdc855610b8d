"""The sets of CPUs that a host's declaration states beside its nodes: ``[cpus]`` and ``[[l3]]``."""

from __future__ import annotations

from msgspec.structs import replace

from numalint.loaders.host.toml_keys import CpuLists, L3Entry
from numalint.loaders.host.toml_nodes import UNKNOWN
from numalint.loaders.host.toml_tables import Tables
from numalint.model.host import L3, Host
from numalint.model.idset import HostCpus, IdSet, union

_TABLE = "cpus"


def with_cpu_lists(host: Host, tables: Tables) -> Host:
    """The host with what [cpus] states. Raises LoadError."""
    lists = tables.decode(CpuLists, tables.file.cpus, _TABLE)
    if lists.housekeeping is not None and lists.reserved is not None:
        tables.refuse(_TABLE, "reserved", "it is another word for housekeeping, which is given too")
    if lists.online is not None:
        host = _with_online(host, lists.online, tables)
    word = "housekeeping" if lists.housekeeping is not None else "reserved"
    texts = {"isolated": lists.isolated, word: getattr(lists, word), "offline": lists.offline}
    sets: dict[str, HostCpus] = {key: tables.ids(text, _TABLE, key) for key, text in texts.items() if text is not None}
    kinds: dict[str, HostCpus] = {key: tables.ids(text, _TABLE, "kinds") for key, text in (lists.kinds or {}).items()}
    _check_present(host, sets | {f"kinds.{key}": cpus for key, cpus in kinds.items()}, tables)
    offline = sets.get("offline")
    host = replace(
        host,
        isolated=sets.get("isolated", host.isolated),
        housekeeping=sets.get(word, host.housekeeping),
        offline=offline if offline is not None else host.offline,
        kinds=host.kinds if lists.kinds is None else kinds,
    )
    return _with_groups(_without(host, offline) if offline else host, lists, tables)


def _counted(tables: Tables) -> bool:
    """Whether the CPUs are counted out, so that nothing but ``offline`` can be said of which there are."""
    return tables.file.topology is not None or tables.file.synthetic is not None


def _with_online(host: Host, text: str, tables: Tables) -> Host:
    if _counted(tables) or (tables.file.base is not None and host.cpus is not None):
        tables.refuse(_TABLE, "online", "the CPUs are given already: write offline for those that are off")
    if text == UNKNOWN:
        return replace(host, cpus=None)
    cpus: HostCpus = tables.ids(text, _TABLE, "online")
    for node in host.nodes or ():
        if node.cpus is not None and not node.cpus <= cpus:
            tables.contradicts(_TABLE, "online", f"node {node.id} has CPU {node.cpus - cpus} too")
    return replace(host, cpus=cpus)


def _check_present(host: Host, sets: dict[str, HostCpus], tables: Tables) -> None:
    """That a CPU is missing among those that are online does not make it absent, unless the CPUs are counted out."""
    if host.cpus is None:
        return
    present = host.cpus | (host.offline or IdSet())
    if not _counted(tables):
        present |= sets.get("offline", IdSet())
    for key, cpus in sets.items():
        if not cpus <= present:
            tables.contradicts(_TABLE, key.partition(".")[0], f"the host has no CPU {cpus - present}")


def _without(host: Host, offline: HostCpus) -> Host:
    """The host with CPUs taken off line: they are in no node, socket, core or cache."""

    def rest(sets: tuple[HostCpus, ...] | None) -> tuple[HostCpus, ...] | None:
        return None if sets is None else tuple(each - offline for each in sets if each - offline)

    nodes = host.nodes and tuple(
        node if node.cpus is None else replace(node, cpus=node.cpus - offline) for node in host.nodes
    )
    l3 = host.l3 and tuple(replace(cache, cpus=cache.cpus - offline) for cache in host.l3 if cache.cpus - offline)
    cpus = None if host.cpus is None else host.cpus - offline
    return replace(host, cpus=cpus, nodes=nodes, sockets=rest(host.sockets), cores=rest(host.cores), l3=l3)


def _with_groups(host: Host, lists: CpuLists, tables: Tables) -> Host:
    """The host with the sockets and cores that are listed by themselves."""
    stated = {"sockets": lists.sockets, "cores": lists.cores}
    for key, texts in stated.items():
        if texts is not None and getattr(host, key) is not None and tables.file.base is None:
            form = "[[nodes]]" if tables.file.nodes else "the topology"
            tables.refuse(_TABLE, key, f"{form} states the {key} too: write one of the two")
    if lists.sockets is not None:
        sockets: list[HostCpus] = [tables.ids(text, _TABLE, "sockets") for text in lists.sockets]
        host = replace(host, sockets=tuple(_online(host, tables.apart(sockets, _TABLE, "sockets"), "sockets", tables)))
    if lists.cores is not None:
        cores = tables.cores(lists.cores, _TABLE, "cores")
        host = replace(host, cores=tuple(_online(host, cores, "cores", tables)))
    return host


def _online(host: Host, sets: list[HostCpus], key: str, tables: Tables) -> list[HostCpus]:
    if host.cpus is not None and not (mentioned := union(sets)) <= host.cpus:
        tables.contradicts(_TABLE, key, f"the host has no CPU {mentioned - host.cpus} online")
    return sets


def with_l3(host: Host, tables: Tables) -> Host:
    """The host with the caches of [[l3]]; ``l3 = []`` says that there is none. Raises LoadError."""
    if tables.file.l3 is None:
        return host
    if tables.file.topology is not None and host.l3 is not None:
        tables.refuse("[[l3]] 1", None, "cores_per_l3 is given too: write one of the two")
    caches: list[L3] = []
    taken: HostCpus = IdSet()
    for number, raw in enumerate(tables.file.l3, 1):
        table = f"[[l3]] {number}"
        entry = tables.decode(L3Entry, raw, table)
        size = tables.size(entry.size, table, "size") if entry.size is not None else None
        for text in [entry.cpus] if isinstance(entry.cpus, str) else entry.cpus:
            cpus: HostCpus = tables.ids(text, table, "cpus")
            if host.cpus is not None and not cpus <= host.cpus:
                tables.contradicts(table, "cpus", f"the host has no CPU {cpus - host.cpus} online")
            if taken & cpus:
                tables.refuse(table, "cpus", f"CPU {taken & cpus} is in another L3 too")
            taken |= cpus
            caches.append(L3(cpus, size))
    return replace(host, l3=tuple(caches))
