"""What changed in the nodes of a host: which there are, their CPUs, memory, huge page pools, distances."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from numalint.model.host import Host, Node
from numalint.model.idset import HostCpu, HostNode, IdSet
from numalint.model.wording import ids_text, node_text, size_text
from numalint.reporters.host.difference import Difference, Value, of_cpus, of_host, sizes, turned

_MOST_NAMED = 4

Sentence = Callable[[str, Value, Value], tuple[str, str]]
"""The label and the predicate of a change, from the nodes as a text and the values before and after."""


def node_changes(old: Host, new: Host) -> Iterator[Difference]:
    """The changes of nodes; nodes that changed alike are told together."""
    if old.nodes is None or new.nodes is None:
        if old.nodes is not new.nodes:
            one, two = (None if host.nodes is None else str(IdSet.of(host.node_by_id)) for host in (old, new))
            yield of_host("nodes", (one, two), "the nodes", turned(one, two, "are"))
        return
    yield from _come_or_gone([node for node in old.nodes if node.id not in new.node_by_id], "vanished")
    yield from _come_or_gone([node for node in new.nodes if node.id not in old.node_by_id], "appeared")
    yield from _homes(old, new)
    both = [(node, new.node_by_id[node.id]) for node in old.nodes if node.id in new.node_by_id]
    yield from _facts(both)
    yield from _pools(both)
    yield from _distances(both)


def _come_or_gone(nodes: Sequence[Node], verb: str) -> Iterator[Difference]:
    """Nodes that are in one of the two alone: a few each with what it has, many together."""
    if len(nodes) > _MOST_NAMED:
        yield _present(ids_text("node", IdSet.of(node.id for node in nodes)), "", verb)
        return
    for node in nodes:
        label, _, has = node_text(node).partition(": ")
        yield _present(label, has, verb)


def _present(label: str, has: str, verb: str) -> Difference:
    state = has or "present"
    before, after = (state, None) if verb == "vanished" else (None, state)
    predicate = f"{verb} ({has})" if has else verb
    return Difference(what="nodes", subject=label, old=before, new=after, label=label, predicate=predicate)


def _homes(old: Host, new: Host) -> Iterator[Difference]:
    """The CPUs that are on another node, of those that are online before and after."""
    before, after = _home_of(old), _home_of(new)
    moved: dict[tuple[HostNode | None, HostNode | None], list[HostCpu]] = {}
    for cpu in sorted(before.keys() & after.keys()):
        if before[cpu] != after[cpu]:
            moved.setdefault((before[cpu], after[cpu]), []).append(cpu)
    for homes, cpus in moved.items():
        one, two = ("no node" if node is None else f"node {node}" for node in homes)
        yield of_cpus("nodes", IdSet.of(cpus), (one, two), f"moved from {one} to {two}")


def _home_of(host: Host) -> dict[HostCpu, HostNode | None]:
    """The node of each CPU, None where it is on none; nothing where the CPUs of a node are unknown."""
    if any(node.cpus is None for node in host.nodes or ()):
        return {}
    homes: dict[HostCpu, HostNode | None] = dict.fromkeys(host.cpus or ())
    return homes | {cpu: node.id for node in host.nodes or () for cpu in node.cpus or ()}


def _facts(both: list[tuple[Node, Node]]) -> Iterator[Difference]:
    known_once = [(one, two) for one, two in both if (one.cpus is None) != (two.cpus is None)]
    yield from _alike("nodes", known_once, lambda node: None if node.cpus is None else _or_none(node.cpus), _of("CPUs"))
    yield from _alike("memory", both, lambda node: node.memory_bytes, _memory)
    yield from _alike("reserved-memory", both, lambda node: node.reserved_bytes, _reserved)
    yield from _alike("kind", both, lambda node: node.kind, _of("memory", "is"))
    yield from _alike("near", both, lambda node: _or_none(node.near), _of("nearest nodes"))
    yield from _alike("names", both, lambda node: _or_none(" ".join(node.names)), _of("other devices"))


def _pools(both: list[tuple[Node, Node]]) -> Iterator[Difference]:
    """The huge page pools, each by its size where both say which there are."""
    known_once = [(one, two) for one, two in both if (one.hugepages is None) != (two.hugepages is None)]
    yield from _alike("hugepages", known_once, _pools_text, _of("huge page pools"))
    known = [(one, two) for one, two in both if one.hugepages is not None and two.hugepages is not None]
    for size in sorted({size for nodes in known for node in nodes for size in node.hugepages or {}}):
        pages = f"pages of {size_text(size)}"
        yield from _alike("hugepages", known, _pages(size, "total"), _of(pages))
        having = [nodes for nodes in known if all(size in (node.hugepages or {}) for node in nodes)]
        yield from _alike("hugepages-free", having, _pages(size, "free"), _of(f"free {pages}"))


def _pools_text(node: Node) -> str | None:
    if node.hugepages is None:
        return None
    pools = sorted(node.hugepages.items())
    return _or_none(", ".join(f"{_shown(pool.total)} of {size_text(size)}" for size, pool in pools))


def _shown(count: int | None) -> str:
    return "unknown" if count is None else str(count)


def _pages(size: int, fact: str) -> Callable[[Node], Value]:
    """How many pages of a size a node has, or has free: ``none`` where it has no such pool, None where unknown."""

    def count(node: Node) -> Value:
        pool = (node.hugepages or {}).get(size)
        value: int | None = getattr(pool, fact, None)
        return value if pool is not None else "none"

    return count


def _alike(
    what: str, both: list[tuple[Node, Node]], fact: Callable[[Node], Value], sentence: Sentence
) -> Iterator[Difference]:
    """The changes of one fact, the nodes together that changed alike."""
    groups: dict[tuple[Value, Value], list[HostNode]] = {}
    for before, after in both:
        values = fact(before), fact(after)
        if values[0] != values[1]:
            groups.setdefault(values, []).append(before.id)
    for (old, new), numbers in groups.items():
        nodes = IdSet.of(numbers)
        label, predicate = sentence(ids_text("node", nodes), old, new)
        subject = f"node{'' if len(nodes) == 1 else 's'} {nodes}"
        yield Difference(what=what, subject=subject, old=old, new=new, label=label, predicate=predicate)


def _of(noun: str, verb: str = "are") -> Sentence:
    return lambda nodes, old, new: (f"the {noun} of {nodes}", turned(old, new, verb))


def _memory(nodes: str, old: Value, new: Value) -> tuple[str, str]:
    if not isinstance(old, int) or not isinstance(new, int):
        return f"the memory of {nodes}", turned(*_sizes(old, new), "is")
    one, two = sizes(old, new)
    each = " each" if nodes.startswith("nodes") else ""
    return nodes, f"{'lost' if new < old else 'gained'} {size_text(abs(new - old))}{each} ({two}, was {one})"


def _reserved(nodes: str, old: Value, new: Value) -> tuple[str, str]:
    return f"the memory of {nodes} that is kept for the host", turned(*_sizes(old, new), "is")


def _sizes(old: Value, new: Value) -> tuple[str | None, str | None]:
    return sizes(old if isinstance(old, int) else None, new if isinstance(new, int) else None)


def _or_none(of: object) -> str:
    return str(of) or "none"


def _distances(both: list[tuple[Node, Node]]) -> Iterator[Difference]:
    """The distances, those together that changed alike; a row that is known in one of the two alone as a whole."""
    known_once = [(one, two) for one, two in both if bool(one.distances) != bool(two.distances)]
    yield from _alike("distances", known_once, _row, _of("distances"))
    changed: dict[tuple[int | None, int | None], list[tuple[HostNode, HostNode]]] = {}
    nodes = {before.id for before, _ in both}
    for before, after in both:
        if before.distances and after.distances:
            for to in sorted((before.distances.keys() | after.distances.keys()) & nodes):
                values = before.distances.get(to), after.distances.get(to)
                if values[0] != values[1]:
                    changed.setdefault(values, []).append((before.id, to))
    for (old, new), ways in changed.items():
        label, verb = _ways(ways)
        subject = ", ".join(f"{one} to {two}" for one, two in ways)
        yield Difference(
            what="distances", subject=subject, old=old, new=new, label=label, predicate=turned(old, new, verb)
        )


def _row(node: Node) -> str | None:
    return " ".join(str(value) for _, value in sorted(node.distances.items())) or None


def _ways(ways: list[tuple[HostNode, HostNode]]) -> tuple[str, str]:
    """The distances from node to node, in words: of both directions at once where they are alike."""
    one, two = ways[0]
    if len(ways) == 1:
        return f"the distance from node {one} to node {two}", "is"
    if ways == [(one, two), (two, one)]:
        return f"the distance between node {one} and node {two}", "is"
    named = ", ".join(f"{source} to {target}" for source, target in ways[:_MOST_NAMED])
    more = len(ways) - _MOST_NAMED
    return f"the distances of nodes {named}{f' and {more} more' if more > 0 else ''}", "are"
