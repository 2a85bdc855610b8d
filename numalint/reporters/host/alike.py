"""Parts of a host that are alike, drawn together: a line for caches and sockets, a row each for nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from msgspec.structs import replace

from numalint.model.host import L3, Node
from numalint.model.idset import HostCpus, IdSet
from numalint.model.wording import ids_text
from numalint.reporters.drawing import Branch, Marked, Word, cpus_word, folded, lowest, stated, unknown
from numalint.reporters.host.facts import (
    Cores,
    caches_text,
    memory_word,
    name_text,
    pages,
    share_text,
)
from numalint.reporters.host.regions import Region
from numalint.reporters.terminal import BOLD

MOST_ALIKE = 4
"""More parts than this that are alike are drawn together."""

_SHORT_RUN = 3


def shape(region: Region) -> object:
    """What a region has besides its numbers and its memory; None where that is more than a row can say."""
    node, caches = region.node, {(cache.size_bytes, len(cache.cpus)) for cache in region.caches}
    if region.inner or len(caches) > 1 or (node is not None and node.names):
        return None
    own = None if node is None else (node.kind, node.cpus is None, node.near, node.memory_bytes is None, *pages(node))
    caches_here = (len(region.caches), *caches)
    return (region.socket is None, own, len(region.cpus), share_text(region.cores, region.cpus), caches_here)


def runs_alike(found: Sequence[Region], shape_of: Callable[[Region], object]) -> Iterator[list[Region]]:
    """Neighbours of one shape together; each that has none by itself."""
    for here, group in groupby(found, shape_of):
        run = list(group)
        yield from [run] if here is not None else [[region] for region in run]


def nodes_of_sockets(found: Sequence[Region], shape_of: Callable[[Region], object]) -> Sequence[Region]:
    """Instead of sockets that are nothing but many nodes, all alike, these nodes, each with the number of its socket."""
    sockets = [region for region in found if region.socket is not None]
    nodes = [replace(node, socket=socket.socket) for socket in sockets for node in socket.inner]
    bare = all(each.inner and each.node is None and not each.caches and not each.cores for each in sockets)
    if not bare or len(nodes) <= MOST_ALIKE or len(list(runs_alike(nodes, shape_of))) > 1:
        return found
    return [*nodes, *(region for region in found if region.socket is None)]


def caches_alike(caches: Sequence[L3], cores: Sequence[HostCpus]) -> Iterator[Branch]:
    """A line for all caches of one size that as many cores share."""
    groups: dict[tuple[int | None, str], list[L3]] = {}
    for cache in caches:
        own = [core for core in cores if core <= cache.cpus]
        groups.setdefault((cache.size_bytes, share_text(own, cache.cpus)), []).append(cache)
    for (size, share), group in groups.items():
        yield Branch([Word(f"{caches_text(len(group), size)}, each with {share}:"), *_sets(group)])


def sockets_alike(run: Sequence[Region], shared: Sequence[Word]) -> Branch:
    """A line for sockets inside one node. ``shared`` is what is said of the caches and cores of each."""
    head = f"sockets {IdSet.of(region.socket or 0 for region in run)}, each with"
    facts = stated([Word(share_text(run[0].cores, run[0].cpus)), *shared])
    facts[-1] = facts[-1]._replace(text=f"{facts[-1].text}:")
    return Branch([Word(head, BOLD), *facts, *_sets(run)])


def nodes_alike(run: Sequence[Region], shared: Sequence[Word], cores: Cores) -> Branch:
    """Nodes that differ in their numbers and their memory only: what they share, a row each, and the cores of all."""
    nodes = [region.node for region in run if region.node is not None]
    rows = [_row(region, node) for region, node in zip(run, nodes, strict=True)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    below = [
        Branch([Word(text.ljust(width + 1)) for text, width in zip(row, widths, strict=True) if width]) for row in rows
    ]
    every = [core for region in run for core in region.cores]
    told = all(len(core) == 1 for core in every) and not any(core & cores.marked for core in every)
    below += [] if told else map(Branch, cores.lines(sorted(every, key=lowest)))
    return Branch([Word(f"{_names(run, nodes)}, each node with", BOLD), *stated(_common(run[0], nodes, shared))], below)


def _names(run: Sequence[Region], nodes: Sequence[Node]) -> str:
    head = ids_text("node", IdSet.of(node.id for node in nodes))
    if run[0].socket is None:
        return head
    return f"{ids_text('socket', IdSet.of(region.socket or 0 for region in run))}, {head}"


def _common(first: Region, nodes: Sequence[Node], shared: Sequence[Word]) -> Iterator[Word]:
    """What is true of every node of a run."""
    if nodes[0].cpus is None:
        yield unknown("CPUs")
    else:
        yield Word(share_text(first.cores, first.cpus) if first.cpus else "no CPUs")
    if all(node.memory_bytes is None for node in nodes):
        yield memory_word(nodes[0])
    yield from pages(nodes[0])
    if len(first.caches) > 1:
        yield Word(caches_text(len(first.caches), first.caches[0].size_bytes))
    if not first.cpus and nodes[0].near:
        yield Word(f"near {ids_text('node', nodes[0].near)}")
    yield from shared


def _row(region: Region, node: Node) -> tuple[str, ...]:
    """Name, memory, CPUs and, where they are several, caches of a node."""
    return (
        name_text(region),
        "" if node.memory_bytes is None else memory_word(node).text,
        cpus_word(region.cpus).text if region.cpus else "",
        " ".join(["L3", *(word.text for word in _sets(region.caches))]) if len(region.caches) > 1 else "",
    )


def _sets(parts: Sequence[L3] | Sequence[Region]) -> list[Word]:
    return folded((Marked(part.cpus) for part in parts), _SHORT_RUN)
