"""How sets, counts and sizes are worded, so that every rule says them alike."""

from __future__ import annotations

from collections.abc import Iterable

from numalint.model.finding import Related
from numalint.model.host import Host, Node
from numalint.model.idset import LARGEST_ID, HostCpus, HostNodes, Id, IdSet

LONGEST_SET = 32
"""A set that is longer in characters is cut after one of its terms."""

SHORT_SET = 20
"""What a set may take of a sentence that names several domains."""

MOST_RELATED = 8
"""More further places than these make a finding no clearer."""

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def set_text(ids: IdSet[Id]) -> str:
    """A set in libvirt's canonical form, cut where it is long: ``0-7,16`` or ``0,4,8,12,...``."""
    text = str(ids)
    if len(text) <= LONGEST_SET:
        return text
    return text[: text.rfind(",", 0, LONGEST_SET) + 1] + "..."


def cpus_text(cpus: HostCpus) -> str:
    """Host CPUs with their number: ``8-15 (8 CPUs)``, and ``CPU 8`` where it is one."""
    return f"CPU {cpus}" if len(cpus) == 1 else f"{set_text(cpus)} ({len(cpus)} CPUs)"


def short_cpus_text(cpus: HostCpus) -> str:
    """Host CPUs by their numbers or, where these are many, by how many they are: ``CPUs 4-5``, ``21 CPUs``."""
    text = ids_text("CPU", cpus)
    return text if len(text) <= SHORT_SET else count_text(len(cpus), "CPU")


def ids_text(noun: str, ids: IdSet[Id]) -> str:
    """Things by their numbers: ``vCPU 5``, ``vCPUs 0-3,7``, ``nodes 0-1``."""
    return f"{noun}{'' if len(ids) == 1 else 's'} {set_text(ids)}"


def written_ids_text(noun: str, numbers: Iterable[int]) -> str:
    """As ``ids_text``, of numbers that no bound holds: a mask of one that a file has wrong may be larger than memory."""
    found = sorted(set(numbers))
    if not found or found[-1] <= LARGEST_ID:
        return ids_text(noun, IdSet[int].of(found))
    text = ",".join(map(str, found))
    cut = text if len(text) <= LONGEST_SET else text[: text.rfind(",", 0, LONGEST_SET) + 1] + "..."
    return f"{noun}{'' if len(found) == 1 else 's'} {cut}"


def count_text(count: int, noun: str) -> str:
    """A number of things: ``1 vCPU``, ``8 vCPUs``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def names_text(names: Iterable[str]) -> str:
    """Things by their names, each once, of many the first two: ``db1, db2 and 3 more``."""
    first, *more = dict.fromkeys(names)
    if len(more) > 1:
        return f"{first}, {more[0]} and {len(more) - 1} more"
    return f"{first} and {more[0]}" if more else first


def size_text(size: int) -> str:
    """A size in the largest binary unit of which there is at least one: ``16 GiB``, ``1.5 GiB``."""
    unit = min(max(size.bit_length() - 1, 0) // 10, len(_UNITS) - 1)
    return f"{size / (1 << 10 * unit):.1f}".removesuffix(".0") + f" {_UNITS[unit]}"


def node_text(node: Node) -> str:
    """A host node with what it has: ``node 1: CPUs 8-15, 32 GiB``."""
    has = []
    if node.cpus is not None:
        has.append(ids_text("CPU", node.cpus) if node.cpus else "no CPUs")
    if node.memory_bytes is not None:
        has.append(size_text(node.memory_bytes) if node.memory_bytes else "no memory")
    return f"node {node.id}" + (f": {', '.join(has)}" if has else "")


def node_places(host: Host, nodes: HostNodes) -> tuple[Related, ...]:
    """Where the host's inputs declare ``nodes``, with what each has."""
    found = [Related(node.place, node_text(node)) for node in host.nodes or () if node.id in nodes and node.place]
    return tuple(found[:MOST_RELATED])
