"""hwloc's synthetic string, such as ``pack:2 numa:1(memory=64GiB) core:16 pu:2``, meaning what hwloc means by it.

CPUs are numbered depth first, so that the threads of a core are neighbours, unless ``indexes=`` says otherwise.
hwloc gives a node of which no memory is said 1 GiB; here its memory is unknown, for nobody declared it.
"""

from __future__ import annotations

import re
from typing import NoReturn

import msgspec

from numalint.loaders.document import Document, Head, HostFormat, LoadError, ReadInput
from numalint.loaders.host_values import LARGEST_CPU, LARGEST_NODE, unit_bytes
from numalint.model.host import L3, Host, Node
from numalint.model.idset import HostCpu, HostCpus, HostNode, IdSet
from numalint.model.place import Place

_ITEM = re.compile(
    r"\s*(?P<attached>\[)?\s*(?P<type>[A-Za-z0-9]+)(?::(?P<count>[0-9]{1,6}))?(?P<attributes>\([^)]*\))?"
)
_LOOKS_LIKE = re.compile(
    r"\s*(?:\[numa\w*[(\]]|\[node[(\]]|[A-Za-z]\w*:[0-9])[\w\[\]():=,.*\s]*", re.ASCII | re.IGNORECASE
)
_SIZE = re.compile(r"([0-9]{1,18})\s*([A-Za-z]*)")
_LOOP = re.compile(r"([0-9]{1,6})\*([0-9]{1,6})")
_EXAMPLE = "write for instance: pack:2 numa:1 core:16 pu:2"

# Each type by all the beginnings that hwloc takes for it, the shortest first.
_TYPES = (
    ("machine", 2, "machine"),
    ("package", 1, "package"),
    ("socket", 2, "package"),
    ("numanode", 2, "numa"),
    ("node", 2, "numa"),
    ("group", 1, "group"),
    ("die", 2, "group"),
    ("core", 2, "core"),
    ("pu", 2, "pu"),
)
_CACHE = re.compile(r"l([1-5])([iud])?(?:c(?:a(?:c(?:he?)?)?)?)?", re.IGNORECASE)


class _Level(msgspec.Struct):
    """A level of the tree: ``total`` objects of ``type``; ``attached`` marks memory hung on the level before."""

    type: str
    total: int
    attached: bool
    attributes: dict[str, str]


def load(document: Document, read_input: ReadInput) -> Host:  # noqa: ARG001  # the hook's signature
    """The host that a file with a synthetic string describes. Raises LoadError."""
    return read(document.data.decode("utf-8", "replace"), document.path)


def read(text: str, path: str, place: Place | None = None) -> Host:
    """The host that a synthetic string describes; it says nothing of PCI, huge pages or distances.

    ``path`` is named in errors, ``place`` is given to the host and its nodes. Raises LoadError.
    """
    levels = _levels(text.strip(), path)
    units = levels[-1]
    if units.type != "pu":
        _refuse(path, f"the synthetic string ends with {units.type}, not with pu: it has no CPUs")
    cpus = [HostCpu(number) for number in _indexes(units, LARGEST_CPU, path)]
    memories = [level for level in levels if level.type == "numa"]
    nodes = _nodes(memories, cpus, place, path)
    return Host(
        name="synthetic",
        sources=(path,),
        cpus=IdSet.of(cpus),
        nodes=nodes,
        sockets=_sets(levels, "package", cpus),
        cores=_sets(levels, "core", cpus),
        l3=_l3(levels, cpus, path),
        place=place,
    )


def looks_synthetic(text: str) -> bool:
    """Whether a text that is no path is meant as a synthetic string: ``TYPE:N`` first, and no slash in it."""
    return _LOOKS_LIKE.fullmatch(text) is not None


def _refuse(path: str, message: str) -> NoReturn:
    raise LoadError(message, path, help=_EXAMPLE)


def _levels(text: str, path: str) -> list[_Level]:
    found: list[_Level] = []
    total, position = 1, 0
    while position < len(text):
        match = _ITEM.match(text, position)
        if match is None:
            _refuse(path, f"the synthetic string is not understood from {text[position : position + 20]!r}")
        attached = match["attached"] is not None
        kind = _type(match["type"], path)
        position = match.end()
        if attached:
            if kind != "numa" or match["count"] is not None or not text.startswith("]", position):
                _refuse(path, f"{match.group().strip()!r}: only [numa] or [numa(memory=...)] can stand in brackets")
            position += 1
        elif match["count"] is None:
            _refuse(path, f"{match['type']!r} has no count")
        else:
            total *= int(match["count"])
        if not 0 < total <= LARGEST_CPU + 1:
            _refuse(path, f"the synthetic string makes {total} objects; a host has 1 to {LARGEST_CPU + 1} CPUs")
        if found and found[-1].type == "pu":
            _refuse(path, f"{match['type']!r} stands after pu, which is the last")
        found.append(_Level(kind, total, attached, _attributes(match["attributes"] or "", path)))
        position += len(text[position:]) - len(text[position:].lstrip())
    if not found:
        _refuse(path, "the synthetic string is empty")
    return found


def _type(word: str, path: str) -> str:
    if word.isdecimal():
        _refuse(path, f"{word!r} has no type: hwloc would choose one, numalint does not")
    lowered = word.lower()
    cache = _CACHE.fullmatch(lowered)
    if cache is not None:
        return "l3" if cache[1] == "3" and cache[2] != "i" else "cache"
    for name, shortest, kind in _TYPES:
        if len(lowered) >= shortest and name.startswith(lowered):
            return kind
    if lowered in ("numa", "pack"):
        return {"numa": "numa", "pack": "package"}[lowered]
    _refuse(path, f"{word!r} is no type that numalint reads in a synthetic string")


def _attributes(text: str, path: str) -> dict[str, str]:
    found = {}
    for part in text.strip("()").split():
        name, equals, value = part.partition("=")
        if not equals or name not in ("memory", "size", "indexes"):
            _refuse(path, f"{part!r}: of the attributes only memory=, size= and indexes= are read")
        found[name] = value
    return found


def _indexes(level: _Level, largest: int, path: str) -> list[int]:
    """The numbers of the objects of a level, in the order of the tree."""
    text = level.attributes.get("indexes")
    if text is None:
        return list(range(level.total))
    if re.fullmatch(r"[0-9]+(,[0-9]+)*", text):
        numbers = [int(word[:9]) for word in text.split(",")]
    elif all(_LOOP.fullmatch(part) for part in text.split(":")):
        numbers = _interleaved(text, level.total, path)
    else:
        _refuse(path, f"indexes={text}: only a list 0,2,1,3 and loops 2*64:64*1 are read")
    if len(numbers) != level.total or len(set(numbers)) != level.total:
        _refuse(path, f"indexes={text} must give {level.total} different numbers, one for each {level.type}")
    if max(numbers) > largest:
        _refuse(path, f"indexes={text}: {max(numbers)} is over {largest}")
    return numbers


def _interleaved(text: str, total: int, path: str) -> list[int]:
    """Loops ``COUNT*STEP``, the innermost first."""
    numbers, period = [0] * total, 1
    for part in text.split(":"):
        count, step = map(int, part.split("*"))
        if count == 0:
            _refuse(path, f"indexes={text}: a loop of nothing")
        numbers = [number + at // period % count * step for at, number in enumerate(numbers)]
        period *= count
    return numbers


def _slices(total: int, cpus: list[HostCpu]) -> list[HostCpus]:
    width = len(cpus) // total
    return [IdSet.of(cpus[at * width : (at + 1) * width]) for at in range(total)]


def _sets(levels: list[_Level], kind: str, cpus: list[HostCpu]) -> tuple[HostCpus, ...] | None:
    """The CPUs of each object of a kind, the lowest level of it; None where there is no such level."""
    level = next((level for level in reversed(levels) if level.type == kind), None)
    return tuple(_slices(level.total, cpus)) if level is not None else None


def _l3(levels: list[_Level], cpus: list[HostCpu], path: str) -> tuple[L3, ...] | None:
    level = next((level for level in levels if level.type == "l3"), None)
    if level is None:
        return None
    size = _size(level.attributes.get("size"), path)
    return tuple(L3(each, size) for each in _slices(level.total, cpus))


def _nodes(memories: list[_Level], cpus: list[HostCpu], place: Place | None, path: str) -> tuple[Node, ...]:
    """The nodes. A CPU's home is the deepest node above it; of several on one object the first has the CPUs."""
    if not memories:
        return (Node(HostNode(0), IdSet.of(cpus), place=place),)
    homes = max(memories, key=lambda level: level.total)
    nodes, first = [], 0
    for level in memories:
        size = _size(level.attributes.get("memory"), path)
        if "indexes" in level.attributes:
            ids = _indexes(level, LARGEST_NODE, path)
        else:
            ids = list(range(first, first + level.total))
        first += level.total
        for number, near in zip(ids, _slices(level.total, cpus), strict=True):
            if number > LARGEST_NODE:
                _refuse(path, f"node {number} is over {LARGEST_NODE}")
            own: HostCpus = near if level is homes else IdSet()
            nodes.append((Node(HostNode(number), own, size, place=place), near))
    by_home = [(node.id, node.cpus) for node, _ in nodes if node.cpus]
    placed = [
        node if node.cpus else msgspec.structs.replace(node, near=IdSet.of(id for id, own in by_home if own & near))
        for node, near in nodes
    ]
    if len({node.id for node in placed}) != len(placed):
        _refuse(path, "two nodes of the synthetic string have one number")
    return tuple(sorted(placed, key=lambda node: node.id))


def _size(text: str | None, path: str) -> int | None:
    """A size in bytes: a bare number is bytes, GiB is 1024 to the third, GB 1000 to the third."""
    if text is None:
        return None
    match = _SIZE.fullmatch(text)
    scale = (unit_bytes(match[2]) if match[2] else 1) if match else None
    if match is None or scale is None:
        _refuse(path, f"{text!r} is not a size such as 64GiB")
    return int(match[1]) * scale


def _recognise(head: Head) -> bool:
    return head.element is None and "pu:" in head.text.lower() and looks_synthetic(head.text)


FORMAT = HostFormat("synthetic", 55, _recognise, load)
