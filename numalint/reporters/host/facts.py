"""What is said of a host's parts: their names, memory, caches and cores, in the words of the picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from numalint.model.host import L3, Host, Node, Pool
from numalint.model.idset import HostCpus, union
from numalint.model.wording import count_text, size_text
from numalint.reporters.drawing import GREEN, LONGEST_RUN, Marked, Word, folded, unknown
from numalint.reporters.host.regions import Region
from numalint.reporters.terminal import BLUE, RED


class Use(NamedTuple):
    """CPUs that are not for everybody, and the mark and style that they are drawn with."""

    label: str
    cpus: HostCpus | None
    mark: str
    style: str
    sense: str = ""


def uses_of(host: Host) -> tuple[Use, ...]:
    """The CPUs that are offline, the host's own, or kept free."""
    return (
        Use("offline", host.offline, "!", RED),
        Use("housekeeping", host.housekeeping, "#", BLUE, "the host's own, not for guests"),
        Use("isolated", host.isolated, "*", GREEN, "kept free for pinned guests"),
    )


class Cores:
    """The cores of a host as they are drawn, with the marks of the CPUs that are not for everybody."""

    def __init__(self, host: Host, unfold: bool) -> None:
        self.kinds = host.kinds or {}
        self.longest = None if unfold else LONGEST_RUN
        self.uses = [(use, use.cpus) for use in uses_of(host) if use.cpus]
        self.marked = union(cpus for _, cpus in self.uses)

    def lines(self, cores: Sequence[HostCpus]) -> Iterator[list[Word]]:
        """Cores as sets of SMT siblings; those of one kind and as many threads share a line."""
        groups: dict[tuple[str, int], list[HostCpus]] = {}
        for core in cores:
            kind = next((f"{kind} " for kind, cpus in self.kinds.items() if core <= cpus), "")
            groups.setdefault((kind, len(core)), []).append(core)
        for (kind, _), group in groups.items():
            yield [Word(f"{cores_text(group, kind)}:"), *folded(map(self.drawn, group), self.longest)]

    def drawn(self, core: HostCpus) -> Marked:
        """A core with the mark of each of its CPUs."""
        if not core & self.marked:
            return Marked(core)
        marks = tuple("".join(use.mark for use, cpus in self.uses if cpu in cpus) for cpu in core)
        return Marked(core, marks, next((use.style for use, cpus in self.uses if core <= cpus), ""))


def cores_text(cores: Sequence[HostCpus], kind: str = "") -> str:
    """``8 cores of 2 threads``; where they differ ``12 cores (2 of 2 threads, 10 of 1)``."""
    sizes = Counter(map(len, cores))
    total = count_text(len(cores), f"{kind}core")
    if len(sizes) == 1:
        return f"{total} of {count_text(next(iter(sizes)), 'thread')}"
    parts = [f"{number} of {count_text(size, 'thread')}" for size, number in sorted(sizes.items(), reverse=True)]
    return f"{total} ({', '.join(parts)})" if parts else "no cores"


def share_text(cores: Sequence[HostCpus], cpus: HostCpus) -> str:
    """How many cores there are or, where that is unknown, CPUs."""
    return cores_text(cores) if cores else count_text(len(cpus), "CPU")


def name_text(region: Region) -> str:
    """``socket 0, node 0``."""
    names = [f"socket {region.socket}"] if region.socket is not None else []
    if region.node is not None:
        names.append(f"node {region.node.id}" + (f" ({region.node.kind})" if region.node.kind else ""))
    return ", ".join(names)


def cache_text(cache: L3) -> str:
    """``L3 32 MiB``."""
    return "L3 (size unknown)" if cache.size_bytes is None else f"L3 {size_text(cache.size_bytes)}"


def caches_text(number: int, size: int | None) -> str:
    """``8 L3 caches of 32 MiB``."""
    return f"{count_text(number, 'L3 cache')} {'(size unknown)' if size is None else f'of {size_text(size)}'}"


def memory_word(node: Node) -> Word:
    """All of a node's memory, and what the host keeps of it."""
    if node.memory_bytes is None:
        return unknown("memory")
    if not node.memory_bytes:
        return Word("no memory")
    kept = f" ({size_text(node.reserved_bytes)} reserved)" if node.reserved_bytes else ""
    return Word(f"memory {size_text(node.memory_bytes)}{kept}")


def pages(node: Node) -> Iterator[Word]:
    """The pools of huge pages that have some."""
    if node.hugepages is None:
        yield unknown("huge pages")
        return
    filled = [(size, pool) for size, pool in sorted(node.hugepages.items()) if pool.total != 0]
    if not filled:
        yield Word("no huge pages")
    texts = [_pool_text(size, pool) for size, pool in filled]
    free_unknown = any(pool.free is None and pool.total is not None for _, pool in filled)
    for number, text in enumerate(texts, 1):
        yield Word(f"{text} (free unknown)" if free_unknown and number == len(texts) else text)


def _pool_text(size: int, pool: Pool) -> str:
    if pool.total is None:
        return f"pages of {size_text(size)} of unknown number"
    pages = f"{count_text(pool.total, 'page')} of {size_text(size)}"
    return pages if pool.free is None else f"{pages} ({pool.free} free)"
