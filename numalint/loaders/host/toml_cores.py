"""Cores in few words: ``0-15+32-47`` are 16 cores, the n-th of the n-th CPU of each part; ``0-31/2`` are each two in turn.

The first is how most servers number the threads of a core, the second how POWER, Arm and hybrid hosts do.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from numalint.model.idset import HostCpu, HostCpus, IdSet, NotationError, union


def parse_cores(text: str) -> list[HostCpus]:
    """The cores of a text, in order, none sharing a CPU. Raises NotationError with what is wrong."""
    if "/" in text:
        return _in_turn(text)
    parts: list[HostCpus] = [HostCpus.parse(part) for part in text.split("+")]
    if len({len(part) for part in parts}) != 1:
        lengths = " and ".join(str(len(part)) for part in parts)
        raise NotationError(f"its parts have {lengths} CPUs; each has one CPU of every core", 0)
    if len(union(parts)) != sum(map(len, parts)):
        raise NotationError("a CPU is in two of its parts", 0)
    return [IdSet.of(threads) for threads in zip(*parts, strict=True)]


def _in_turn(text: str) -> list[HostCpus]:
    among, _, width = text.partition("/")
    if not (width.strip().isdecimal() and width.isascii() and int(width.strip()[:6])):
        raise NotationError(f"after / stands the number of threads of a core, not {width[:8]!r}", len(among) + 1)
    cpus, threads = list[HostCpu](HostCpus.parse(among)), int(width.strip()[:6])
    if len(cpus) % threads:
        raise NotationError(f"{len(cpus)} CPUs do not divide into cores of {threads}", 0)
    return [IdSet.of(cpus[first : first + threads]) for first in range(0, len(cpus), threads)]


def cores_texts(cores: Sequence[HostCpus]) -> list[str]:
    """The fewest texts, from the front on, that parse_cores reads as ``cores``: those and in that order."""
    texts: list[str] = []
    run: list[list[HostCpu]] = []
    for core in cores:
        threads = list(core)
        if run and not _continues(run[-1], threads):
            texts.append(_run_text(run))
            run = []
        run.append(threads)
    return [*texts, _run_text(run)] if run else texts


def _continues(before: list[HostCpu], threads: list[HostCpu]) -> bool:
    return len(before) == len(threads) and all(one < two for one, two in zip(before, threads, strict=True))


def _run_text(run: list[list[HostCpu]]) -> str:
    parts = [IdSet.of(column) for column in zip(*run, strict=True)]
    zipped, whole = "+".join(map(str, parts)), union(parts)
    in_turn = f"{whole}/{len(parts)}"
    neighbours = len(parts) > 1 and all(one[-1] < two[0] for one, two in pairwise(run))
    return in_turn if neighbours and (len(whole.runs()) == 1 or len(in_turn) < len(zipped)) else zipped
