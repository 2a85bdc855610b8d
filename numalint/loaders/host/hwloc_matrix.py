"""Distances between nodes in hwloc's XML: ratios inside an object in version 1, matrices in pieces from version 2."""

from __future__ import annotations

import re

from numalint.loaders.host.values import LARGEST_NODE, Values, cut
from numalint.loaders.xml import Element
from numalint.model.idset import HostNode

Rows = dict[HostNode, dict[HostNode, int]]

_FROM_OS, _LATENCY = 1, 4
_SELF = 10
_LARGEST_DISTANCE = 1 << 16
_MOST_DIGITS = 20
_MOST_NODES = 1024
"""Linux has no more; a matrix of more would be larger than its text by far."""


def read_distances(root: Element, machine: Element, nodes: dict[HostNode, Element], values: Values) -> Rows:
    """The distances of each node, as the kernel gives them (10 is a node to itself); {} where none are there."""
    for matrix in root.iterfind("distances2"):
        kind = values.number(matrix, "kind", 1 << 16)
        if matrix.get("type") != "NUMANode" or matrix.get("name", "NUMALatency") != "NUMALatency":
            continue
        if kind & _FROM_OS and kind & _LATENCY:
            return _matrix(matrix, nodes, values)
    return _of_version_1(machine, nodes, values)


def _matrix(matrix: Element, nodes: dict[HostNode, Element], values: Values) -> Rows:
    """Ids and values come in many pieces, to be put together before they are cut into rows."""
    indexes = _numbers(matrix, "indexes", values)
    cells = [min(value, _LARGEST_DISTANCE) for value in _numbers(matrix, "u64values", values)]
    if matrix.get("indexing") == "gp":
        by_gp = {element.get("gp_index"): node for node, element in nodes.items()}
        ids = [by_gp.get(str(number)) for number in indexes]
    else:
        ids = [HostNode(number) if HostNode(number) in nodes else None for number in indexes]
    return _rows(matrix, ids, cells, values)


def _rows(element: Element, ids: list[HostNode | None], cells: list[int], values: Values) -> Rows:
    count = len(ids)
    if count > _MOST_NODES:
        values.refuse(element, None, f"these are distances between {count} nodes, and Linux has at most {_MOST_NODES}")
    if len(cells) != count * count or count != values.number(element, "nbobjs", LARGEST_NODE + 1):
        values.refuse(element, None, f"the distances of {count} nodes have {len(cells)} values, not {count * count}")
    rows: Rows = {}
    for at, node in enumerate(ids):
        if node is not None:
            row = cells[at * count : (at + 1) * count]
            rows[node] = {to: value for to, value in zip(ids, row, strict=True) if to is not None}
    return rows


def _numbers(matrix: Element, tag: str, values: Values) -> list[int]:
    found: list[int] = []
    for piece in matrix.iterfind(tag):
        text = piece.text or ""
        if not re.fullmatch(r"[0-9\s]*", text, re.ASCII):
            values.refuse(piece, None, f"<{tag}> holds something else than numbers")
        found.extend(int(word) if len(word) <= _MOST_DIGITS else 10**_MOST_DIGITS for word in text.split())
    return found


def _of_version_1(machine: Element, nodes: dict[HostNode, Element], values: Values) -> Rows:
    """Ratios to the smallest latency, which is 10 in the kernel's own numbers.

    They are between all objects ``relative_depth`` levels below the one that holds them. hwloc 2 counts those levels
    otherwise when it writes version 1, so a matrix of the right size with 10 from a node to itself will do too.
    """
    by_element = {element: node for node, element in nodes.items()}
    inside: dict[Element, list[Element]] = {}

    def nodes_in(parent: Element) -> list[Element]:
        """Those below an object, looked for once however many matrices it holds."""
        if parent not in inside:
            inside[parent] = [element for element in parent.iter("object") if element in by_element]
        return inside[parent]

    def is_other(holder: Element) -> bool:
        """Whether its depth says that it is between other objects than nodes."""
        found = nodes_in(_parent(holder))
        return not found or _depth(found[0], _parent(holder)) != values.number(holder, "relative_depth", 256)

    for holder in sorted(machine.iter("distances"), key=is_other):
        ids = [by_element[element] for element in nodes_in(_parent(holder))]
        if len(ids) == values.number(holder, "nbobjs", LARGEST_NODE + 1):
            base = _ratio(holder, "latency_base", values)
            cells = [round(_ratio(latency, "value", values) * base) for latency in holder.iterfind("latency")]
            rows = _rows(holder, list(ids), cells, values)
            if all(row.get(node) == _SELF for node, row in rows.items()):
                return rows
    return {}


def _parent(element: Element) -> Element:
    parent = element.getparent()
    assert parent is not None  # what is below the Machine has one
    return parent


def _depth(element: Element, top: Element) -> int:
    """How many levels below ``top`` an element is."""
    depth = 0
    while element is not top:
        element = _parent(element)
        depth += 1
    return depth


def _ratio(element: Element, attribute: str, values: Values) -> float:
    text = values.text(element, attribute)
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text, re.ASCII):
        values.refuse(element, attribute, f"{attribute}='{cut(text)}' is not a number")
    return float(text)
