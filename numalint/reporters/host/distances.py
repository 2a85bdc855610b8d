"""The distances between a host's nodes as a small table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from numalint.model.host import Host, Node
from numalint.model.idset import IdSet
from numalint.model.wording import ids_text
from numalint.reporters.drawing import Surface, Word, lines, stated, unknown
from numalint.reporters.terminal import BOLD, paint

_MOST_NODES = 8

Group = list[Node]


def distance_lines(host: Host, surface: Surface, unfold: bool = False) -> Iterator[str]:
    """From each node, a row, to each other; none for one node. Of many nodes those with equal distances share a row."""
    nodes = host.nodes or ()
    if len(nodes) < 2:
        return
    if not any(node.distances for node in nodes):
        yield from lines(stated([unknown("distances")]), surface)
        return
    groups: list[Group] = [[node] for node in nodes]
    if len(nodes) > _MOST_NODES and not unfold:
        groups = _twins(host, nodes)
    labels = [ids_text("node", IdSet.of(node.id for node in group)) for group in groups]
    heads = [label.split(" ", 1)[1] for label in labels]
    cells = [[_cell(host, one, other) for other in groups] for one in groups]
    yield from _table(labels, heads, cells, surface)
    if len(groups) < len(nodes):
        itself = next(cell for row in cells for cell in row if "/" in cell)
        near, far = itself.split("/")
        meaning = f"{itself}: {near} to the node itself, {far} to the others of its row"
        yield from lines([Word(meaning)], surface, "  ")


def _table(
    labels: Sequence[str], heads: Sequence[str], cells: Sequence[Sequence[str]], surface: Surface
) -> Iterator[str]:
    """The table, in as many parts as the width of the surface asks for."""
    margin = max(map(len, ("distances", *labels)))
    columns = max(map(len, (*heads, *(cell for row in cells for cell in row)))) + 2
    most = max((surface.width - margin) // columns, 1)
    for start in range(0, len(heads), most):
        part = slice(start, start + most)
        yield paint(
            "distances".ljust(margin) + "".join(head.rjust(columns) for head in heads[part]), BOLD, surface.colour
        )
        for label, row in zip(labels, cells, strict=True):
            yield label.rjust(margin) + "".join(cell.rjust(columns) for cell in row[part])


def _twins(host: Host, nodes: Sequence[Node]) -> list[Group]:
    """The nodes in groups: two of one group are equally far from every other node, in both directions."""
    groups: list[Group] = []
    for node in nodes:
        home = next((group for group in groups if _twin(host, group[0], node)), None)
        if home is None:
            groups.append([node])
        else:
            home.append(node)
    return groups


def _twin(host: Host, one: Node, other: Node) -> bool:
    def far(a: Node, b: Node) -> int | None:
        return host.distance(a.id, b.id)

    return (far(one, one), far(one, other)) == (far(other, other), far(other, one)) and all(
        (far(one, third), far(third, one)) == (far(other, third), far(third, other))
        for third in host.nodes or ()
        if third is not one and third is not other
    )


def _cell(host: Host, one: Group, other: Group) -> str:
    first = _text(host.distance(one[0].id, other[0].id))
    if one is not other or len(one) == 1:
        return first
    return f"{first}/{_text(host.distance(one[0].id, one[1].id))}"


def _text(distance: int | None) -> str:
    return "?" if distance is None else str(distance)
