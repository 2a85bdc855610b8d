"""The table of CPUs that ``lscpu -p`` and ``lscpu -e`` print: its rows, and what they say of cores, sockets and caches.

Core and Socket are numbers that lscpu makes up (from 0 on) unless it ran with --physical; Node is the kernel's id. The
numbers of cores and of sockets start again for each type of CPU (big.LITTLE), so an equal number alone proves nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from numalint.loaders.host.tables import Text, quoted
from numalint.loaders.host.values import LARGEST_CPU, LARGEST_NODE
from numalint.model.host import L3
from numalint.model.idset import HostCpu, HostCpus, HostNode, IdSet

_LARGEST_LABEL = (1 << 32) - 1
_CACHE = re.compile(r"l[0-9][a-z]?", re.ASCII)
_YES, _NO = ("yes", "y", "true"), ("no", "n", "false")
_BETTER = "virsh capabilities states them"

Label = tuple[int, ...]


class Row(msgspec.Struct, frozen=True):
    """A CPU as the table lists it; what its columns do not state is None.

    ``socket`` is (drawer, book, socket), of which s390 has all three, ``core`` the socket's label and the core's;
    ``caches`` maps the name of a cache (``l2``) to its number.
    """

    cpu: HostCpu
    node: HostNode | None = None
    socket: Label | None = None
    core: Label | None = None
    online: bool | None = None
    caches: dict[str, int] = {}


class Table(msgspec.Struct, frozen=True):
    """What all rows state. ``nodes`` are only those that have CPUs online: a table does not list others."""

    cpus: HostCpus | None = None
    offline: HostCpus | None = None
    nodes: dict[HostNode, HostCpus] = {}
    sockets: tuple[HostCpus, ...] | None = None
    cores: tuple[HostCpus, ...] | None = None
    l3: tuple[L3, ...] | None = None


def cells(names: Sequence[str], values: Sequence[str], text: Text, line: int) -> dict[str, str]:
    """The values of a row by their columns' names, in small letters.

    lscpu leaves out a cache that a CPU has not, without a trace of which one; and MODELNAME may hold the separator.
    """
    names = [name.strip().lower() for name in names]
    extra = len(values) - len(names)
    if extra > 0 and names.count("modelname") == 1:
        at = names.index("modelname")
        values = [*values[: at + 1], *values[at + 1 + extra :]]
    elif extra < 0 and all(_CACHE.fullmatch(name) for name in names[extra:]):
        return {name: value for name, value in zip(names, values, strict=False) if not _CACHE.fullmatch(name)}
    elif extra:
        text.refuse(line, f"{len(values)} values where the table has {len(names)} columns: {quoted(' '.join(values))}")
    return dict(zip(names, values, strict=True))


def read_row(found: Mapping[str, str], text: Text, line: int | None) -> Row:
    """A row from its cells. Raises LoadError."""

    def number(name: str, largest: int = _LARGEST_LABEL) -> int | None:
        value = found.get(name, "").strip()
        return None if value in ("", "-") else text.number(value, largest, f"{name} of a CPU", line)

    cpu, node = number("cpu", LARGEST_CPU), number("node", LARGEST_NODE)
    if cpu is None:
        text.refuse(
            line,
            "lscpu output has no CPU column" if "cpu" not in found else "a CPU without a number",
            "run LC_ALL=C lscpu -p, without a list of columns",
        )
    socket, core = number("socket"), number("core")
    label = None if socket is None else (number("drawer") or 0, number("book") or 0, socket)
    return Row(
        cpu=HostCpu(cpu),
        node=None if node is None else HostNode(node),
        socket=label,
        core=None if core is None else (*(label or ()), core),
        online=_online(found.get("online", "").strip().lower(), text, line),
        caches=_caches(found, text, line),
    )


def _online(said: str, text: Text, line: int | None) -> bool | None:
    if said in ("", "-"):
        return None
    if said not in _YES and said not in _NO:
        text.refuse(line, f"online is {quoted(said)}, neither yes nor no", "run it as LC_ALL=C lscpu")
    return said in _YES


def _caches(found: Mapping[str, str], text: Text, line: int | None) -> dict[str, int]:
    """The number of each cache, from columns of their own (``L2``) and joined ones (``L1d:L1i:L2:L3``)."""
    numbers = {}
    for column, value in found.items():
        names, values = column.split(":"), value.strip().split(":")
        if len(names) == len(values) and all(_CACHE.fullmatch(name) for name in names):
            for name, each in zip(names, values, strict=True):
                if each not in ("", "-"):
                    numbers[name] = text.number(each, _LARGEST_LABEL, f"{name} of a CPU", line)
    return numbers


def read_table(rows: Sequence[tuple[int | None, Row]], text: Text, notes: list[str]) -> Table:
    """What the rows, each with its line, state together. Raises LoadError."""
    seen: set[int] = set()
    for line, row in rows:
        if row.cpu in seen:
            text.refuse(line, f"CPU {row.cpu} is listed twice")
        seen.add(row.cpu)
    every = [row for _, row in rows]
    online = _online_rows(every, notes)
    if not online:
        text.refuse(rows[-1][0], "no CPU in this table is online", "run LC_ALL=C lscpu -p")
    cpus: HostCpus = IdSet.of(row.cpu for row in online)
    homes: dict[HostNode, int] = defaultdict(int)
    for row in online:
        if row.node is not None:
            homes[row.node] |= 1 << row.cpu
    sockets, cores = _sockets_and_cores(online, notes)
    return Table(
        cpus=cpus,
        # lscpu -b leaves offline CPUs out and does not say so: none listed is none known.
        offline=IdSet.of(row.cpu for row in every) - cpus or None,
        nodes={node: IdSet(mask) for node, mask in homes.items()},
        sockets=sockets,
        cores=cores,
        l3=_l3(online),
    )


def _online_rows(rows: list[Row], notes: list[str]) -> list[Row]:
    """The CPUs that are online. ``lscpu -a -p`` prints offline ones without ids and does not say that they are."""
    listed = [row for row in rows if row.online is not False]
    bare: HostCpus = IdSet.of(
        row.cpu for row in listed if row.online is None and row.core is None and row.socket is None
    )
    if bare and len(bare) < len(listed):
        notes.append(f"CPUs {bare} are listed without a core or socket, as lscpu shows offline CPUs: taken as offline")
        return [row for row in listed if row.cpu not in bare]
    return listed


def _sockets_and_cores(
    rows: list[Row], notes: list[str]
) -> tuple[tuple[HostCpus, ...] | None, tuple[HostCpus, ...] | None]:
    """The sockets and the cores, each None where its column is not filled or where others contradict it."""
    sockets = _groups((row.socket, row.cpu) for row in rows)
    cores = _groups((row.core, row.cpu) for row in rows)
    by_cpu = {row.cpu: row for row in rows}
    shared = [(core, [by_cpu[cpu] for cpu in core]) for core in cores or () if len(core) > 1]
    for core, threads in shared:
        apart = "L2 cache" if _differ(row.caches.get("l2") for row in threads) else ""
        apart = apart or ("node" if _differ(row.node for row in threads) else "")
        if apart:
            notes.append(
                f"CPUs {core} have one Core number but not one {apart}, as where lscpu numbers the cores of each "
                f"type of CPU from 0: its cores and sockets are not used ({_BETTER})"
            )
            return None, None
    for core, threads in shared:
        doubt = _doubt(threads)
        if doubt:
            notes.append(f"CPUs {core} have one Core number but {doubt}")
            return sockets, None
    return sockets, cores


def _doubt(threads: list[Row]) -> str:
    """Why CPUs with one Core number may be no core: on several types of CPU they would not share their caches."""
    first, second = ([row.caches.get(cache) for row in threads] for cache in ("l1d", "l2"))
    if _differ(first):
        return f"not one L1d cache: its cores are not used ({_BETTER})"
    if None in first and None in second:
        return (
            "no L1d or L2 column that confirms that they are one core: its cores are not used "
            f"(run lscpu -p without a list of columns; {_BETTER})"
        )
    return ""


def _differ(numbers: Iterable[int | None]) -> bool:
    return len(set(numbers) - {None}) > 1


def _groups(labelled: Iterable[tuple[Label | None, HostCpu]]) -> tuple[HostCpus, ...] | None:
    """The sets of CPUs that have one label, by their lowest CPUs; None where a CPU has none."""
    groups: dict[Label | None, int] = defaultdict(int)
    for label, cpu in labelled:
        groups[label] |= 1 << cpu
    if None in groups:
        return None
    return tuple(IdSet(mask) for mask in sorted(groups.values(), key=lambda mask: mask & -mask))


def _l3(rows: list[Row]) -> tuple[L3, ...] | None:
    """The L3 caches by their numbers; None where a CPU has none, for lscpu does not say whether it is missing."""
    numbers = ((row.caches.get("l3"), row.cpu) for row in rows)
    caches = _groups((None if number is None else (number,), cpu) for number, cpu in numbers)
    return None if caches is None else tuple(L3(cpus) for cpus in caches)
