"""hwloc's synthetic string, such as ``pack:2 numa:1(memory=64GiB) core:16 pu:2``, meaning what hwloc means by it.

CPUs are numbered depth first, so that the threads of a core are neighbours, unless ``indexes=`` says otherwise.
hwloc gives a node of which no memory is said 1 GiB; here its memory is unknown, for nobody declared it.
What hwloc refuses or passes over is refused.
"""

from __future__ import annotations

import re
from typing import NoReturn

import msgspec

from numalint.loaders.document import Document, LoadError, ReadInput
from numalint.loaders.host.values import LARGEST_CPU, LARGEST_NODE, LARGEST_SIZE, cut, in_order
from numalint.model.host import L3, Host, Node
from numalint.model.idset import HostCpu, HostCpus, HostNode, IdSet
from numalint.model.place import Place

_ITEM = re.compile(r"\s*(?P<attached>\[)?(?P<type>[A-Za-z0-9]+)(?::(?P<count>[0-9]{1,6}))?(?P<attributes>\([^)]*\))?")
_SIZE = re.compile(r"([1-9][0-9]{0,17})(?:([kmgt])(i?)b)?", re.IGNORECASE | re.ASCII)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_LIST = re.compile(r"[0-9]{1,18}(?:,[0-9]{1,18})*", re.ASCII)
_LOOP = re.compile(r"([1-9][0-9]{0,5})\*([1-9][0-9]{0,5})", re.ASCII)
_LONGEST = 1 << 20
_MOST_LEVELS = 128
_EXAMPLE = "write for instance: pack:2 numa:1 core:16 pu:2"

# Each type by all the beginnings that hwloc takes for it, the shortest first.
_TYPES = (
    ("package", 1, "package"),
    ("socket", 2, "package"),
    ("numanode", 2, "numa"),
    ("node", 2, "numa"),
    ("group", 2, "group"),
    ("die", 2, "die"),
    ("core", 2, "core"),
    ("pu", 2, "pu"),
)
_CACHE = re.compile(r"l([1-5])([iud])?(?:c(?:a(?:c(?:he?)?)?)?)?", re.IGNORECASE)
_ONCE = ("package", "die", "numa", "core", "l3")


class _Level(msgspec.Struct):
    """A level of the tree: ``total`` objects of ``type``; ``attached`` marks memory hung on the level before."""

    type: str
    total: int
    attached: bool
    attributes: dict[str, str]


class _Memory(msgspec.Struct):
    """A node of ``size`` bytes before it has its number: the CPUs from ``first`` to ``end`` in the order of the tree are near it.

    ``depth`` is that of the object that it hangs on, ``order`` its place among those of one object.
    """

    size: int | None
    first: int
    end: int
    depth: int
    order: int


def load(document: Document, read_input: ReadInput) -> Host:  # noqa: ARG001  # the hook's signature
    """The host that a file with a synthetic string describes. Raises LoadError."""
    return read(document.data.decode("utf-8", "replace"), document.path)


def read(text: str, path: str, place: Place | None = None) -> Host:
    """The host that a synthetic string describes; it says nothing of PCI, huge pages or distances.

    ``path`` is named in errors, ``place`` is given to the host and its nodes. Raises LoadError.
    """
    if len(text) > _LONGEST:
        _refuse(path, f"the synthetic string is longer than {_LONGEST} characters")
    levels = _levels(text.strip(), path)
    units = levels[-1]
    if units.type != "pu":
        _refuse(path, f"the synthetic string ends with {units.type}, not with pu: it has no CPUs")
    numbers = _indexes(units.attributes.get("indexes"), units.total, "pu", LARGEST_CPU, path)
    cpus = [HostCpu(number) for number in numbers]
    nodes = _nodes(levels, cpus, place, path)
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


def _refuse(path: str, message: str) -> NoReturn:
    raise LoadError(message, path, help=_EXAMPLE)


def _levels(text: str, path: str) -> list[_Level]:
    found: list[_Level] = []
    total, position = 1, 0
    while position < len(text):
        match = _ITEM.match(text, position)
        if match is None:
            _refuse(path, f"the synthetic string is not understood from {text[position:].lstrip()[:20]!r}")
        attached = match["attached"] is not None
        kind = _type(match["type"], path)
        position = match.end()
        if attached:
            if kind != "numa" or match["count"] is not None or not text.startswith("]", position):
                _refuse(
                    path, f"{cut(match.group().strip())!r}: only [numa] or [numa(memory=...)] can stand in brackets"
                )
            position += 1
        elif match["count"] is None:
            _refuse(path, f"{cut(match['type'])!r} has no count")
        elif len(match["count"]) > 1 and match["count"].startswith("0"):
            _refuse(path, f"{match['count']} begins with 0: hwloc reads it in octal")
        else:
            total *= int(match["count"])
        if not 0 < total <= LARGEST_CPU + 1:
            _refuse(path, f"the synthetic string makes {total} objects; a host has 1 to {LARGEST_CPU + 1} CPUs")
        found.append(_Level(kind, total, attached, _attributes(match["attributes"] or "", kind, path)))
        _check_order(found, match["type"], path)
    if not found:
        _refuse(path, "the synthetic string is empty")
    return found


def _check_order(levels: list[_Level], word: str, path: str) -> None:
    """Refuses a level that cannot stand where it does, the last of ``levels``."""
    last, before = levels[-1], levels[:-1]
    if before and before[-1].type == "pu":
        _refuse(path, f"{cut(word)!r} stands after pu, which is the last")
    if not last.attached and any(
        level.type == last.type for level in before if last.type in _ONCE and not level.attached
    ):
        _refuse(path, f"{cut(word)!r} stands there twice")
    if last.type == "numa" and any(level.type == "numa" and level.attached != last.attached for level in before):
        _refuse(path, "nodes are levels (numa:2) or in brackets ([numa]), not both")
    if len(levels) > _MOST_LEVELS:
        _refuse(path, f"the synthetic string has more than {_MOST_LEVELS} levels")


def _type(word: str, path: str) -> str:
    if word.isdecimal():
        _refuse(path, f"{cut(word)!r} has no type: hwloc would choose one, numalint does not")
    lowered = word.lower()
    cache = _CACHE.fullmatch(lowered)
    if cache is not None:
        return "l3" if cache[1] == "3" and cache[2] != "i" else "cache"
    for name, shortest, kind in _TYPES:
        if len(lowered) >= shortest and name.startswith(lowered):
            return kind
    if lowered in ("numa", "pack"):
        return {"numa": "numa", "pack": "package"}[lowered]
    _refuse(path, f"{cut(word)!r} is no type that numalint reads in a synthetic string")


def _attributes(text: str, kind: str, path: str) -> dict[str, str]:
    found = {}
    for part in text.strip("()").split():
        name, equals, value = part.partition("=")
        if not equals or name not in ("memory", "size", "indexes"):
            _refuse(path, f"{cut(part)!r}: of the attributes only memory=, size= and indexes= are read")
        if (name == "memory" and kind != "numa") or (name == "size" and kind not in ("l3", "cache")):
            _refuse(path, f"{cut(part)!r}: memory= is that of a node, size= that of a cache; here hwloc passes over it")
        found[name] = value
    return found


def _indexes(text: str | None, total: int, what: str, largest: int, path: str) -> list[int]:
    """The numbers of ``total`` objects, in the order of the tree."""
    if text is None:
        numbers = list(range(total))
    elif _LIST.fullmatch(text):
        numbers = [int(word) for word in text.split(",")]
    elif all(_LOOP.fullmatch(part) for part in text.split(":")):
        numbers = _interleaved(text, total, path)
    else:
        _refuse(path, f"indexes={cut(text)}: only a list 0,2,1,3 and loops 2*64:64*1 are read")
    if len(numbers) != total or len(set(numbers)) != total:
        _refuse(path, f"indexes={cut(text or '')} must give {total} different numbers, one for each {what}")
    if max(numbers) > largest:
        _refuse(path, f"indexes={cut(text or '')}: {max(numbers)} is over {largest}")
    return numbers


def _interleaved(text: str, total: int, path: str) -> list[int]:
    """Loops ``STEP*COUNT``: the first tells which objects have neighbouring numbers, ``2*64`` every second of 128.

    One loop may be missing, that over the objects between the smallest steps.
    """
    loops = [(int(step), int(count)) for step, _, count in (part.partition("*") for part in text.split(":"))]
    covered, smallest = 1, min(step for step, _ in loops)
    for _, count in loops:
        covered *= count
        if covered > total:
            _refuse(path, f"indexes={cut(text)}: its loops are over more than {total} numbers")
    if smallest * covered == total:
        loops.append((1, smallest))
    numbers, factor = [0] * total, 1
    for step, count in loops:
        if count > 1:
            numbers = [number + at // step % count * factor for at, number in enumerate(numbers)]
            factor *= count
    return numbers


def _slices(total: int, cpus: list[HostCpu]) -> list[HostCpus]:
    width = len(cpus) // total
    return [IdSet.of(cpus[at * width : (at + 1) * width]) for at in range(total)]


def _sets(levels: list[_Level], kind: str, cpus: list[HostCpu]) -> tuple[HostCpus, ...] | None:
    """The CPUs of each object of a kind, the lowest level of it; None where there is no such level."""
    level = next((level for level in reversed(levels) if level.type == kind), None)
    return in_order(_slices(level.total, cpus)) if level is not None else None


def _l3(levels: list[_Level], cpus: list[HostCpu], path: str) -> tuple[L3, ...] | None:
    level = next((level for level in levels if level.type == "l3"), None)
    if level is None:
        return None
    size = _size(level.attributes.get("size"), path)
    return tuple(L3(each, size) for each in in_order(_slices(level.total, cpus)))


def _nodes(levels: list[_Level], cpus: list[HostCpu], place: Place | None, path: str) -> tuple[Node, ...]:
    """The nodes. A CPU's home is, as in hwloc's XML, the node of the fewest CPUs, of several that of the lowest number."""
    memories = _memories(levels, len(cpus), path)
    if not memories:
        return (Node(HostNode(0), IdSet.of(cpus), place=place),)
    given = [level.attributes["indexes"] for level in levels if level.type == "numa" and "indexes" in level.attributes]
    if len(given) > 1:
        _refuse(path, "several [numa] have indexes=: one list is for all of them")
    numbers = _indexes(given[0] if given else None, len(memories), "node", LARGEST_NODE, path)
    width = min(memory.end - memory.first for memory in memories)
    homes: dict[int, HostNode] = {}
    for memory, number in zip(memories, numbers, strict=True):
        if memory.end - memory.first == width:
            homes[memory.first] = HostNode(min(number, homes.get(memory.first, number)))
    return tuple(
        _node(HostNode(number), memory, [homes[first] for first in range(memory.first, memory.end, width)], cpus, place)
        for number, memory in sorted(zip(numbers, memories, strict=True), key=lambda pair: pair[0])
    )


def _node(number: HostNode, memory: _Memory, near: list[HostNode], cpus: list[HostCpu], place: Place | None) -> Node:
    if near == [number]:
        return Node(number, IdSet.of(cpus[memory.first : memory.end]), memory.size, place=place)
    return Node(number, IdSet(), memory.size, near=IdSet.of(near), place=place)


def _memories(levels: list[_Level], total: int, path: str) -> list[_Memory]:
    """The nodes in hwloc's order: those of an object after all that is below it, then by their order on it."""
    found: list[_Memory] = []
    depth, order = 0, 0
    for level in levels:
        depth, order = (depth, order) if level.attached else (depth + 1, 0)
        if level.type == "numa":
            if len(found) + level.total > LARGEST_NODE + 1:
                _refuse(path, f"node {len(found) + level.total - 1} is over {LARGEST_NODE}")
            width, size = total // level.total, _size(level.attributes.get("memory"), path)
            found += [_Memory(size, at * width, (at + 1) * width, depth, order) for at in range(level.total)]
            order += 1
    return sorted(found, key=lambda memory: (memory.end, -memory.depth, memory.order))


def _size(text: str | None, path: str) -> int | None:
    """A size in bytes: a bare number is bytes, GiB is 1024 to the third, GB 1000 to the third."""
    if text is None:
        return None
    match = _SIZE.fullmatch(text)
    size = int(match[1]) * (1024 if match[3] else 1000) ** _POWERS[(match[2] or "").lower()] if match else 0
    if not 0 < size <= LARGEST_SIZE:
        _refuse(path, f"{cut(text)!r} is not a size such as 64GiB")
    return size
