"""Sets of host CPUs, guest vCPUs, host nodes and guest cells, in libvirt's notation.

The four kinds of number must never mix, so each has its own type: a mistake between them is a type error.
A set is one int used as a bit mask, so union, intersection and counting are single machine operations
however many CPUs the host has.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from typing import Any, Generic, NewType, TypeVar

import msgspec

HostCpu = NewType("HostCpu", int)
Vcpu = NewType("Vcpu", int)
HostNode = NewType("HostNode", int)
GuestCell = NewType("GuestCell", int)

Id = TypeVar("Id", bound=int)

LARGEST_ID = 16383
"""The largest number that libvirt takes in a set (VIR_DOMAIN_CPUMASK_LEN - 1)."""

ALL_EXCLUDED = "everything in it is excluded"
"""Why a set is refused whose terms are all right."""

_TERM = re.compile(r"(\^?)([0-9]+)[ \t\r\n]*(?:-[ \t\r\n]*([0-9]+)[ \t\r\n]*)?", re.ASCII)
_BLANK = re.compile(r"[ \t\r\n]*")


class NotationError(ValueError):
    """A set that libvirt refuses; ``position`` is the offset of the term that is wrong."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position


class Term(msgspec.Struct, frozen=True):
    """One term of a set as it was written: ``first``-``last``, taken away where ``excluded``.

    ``start`` and ``end`` are offsets into the text, in characters.
    """

    first: int
    last: int
    excluded: bool
    start: int
    end: int

    @property
    def mask(self) -> int:
        return (1 << (self.last + 1)) - (1 << self.first)


def terms(text: str) -> list[Term]:
    """The terms of a set, in the order in which they were written.

    The grammar is that of libvirt's ``virBitmapParseInternal``: ``N``, ``N-M`` and ``^N`` between commas,
    blanks around numbers, commas and dashes, a comma at the end.

    Raises NotationError for what libvirt refuses.
    """
    found: list[Term] = []
    position = _skip_blanks(text, 0)
    while True:
        match = _TERM.match(text, position)
        if match is None:
            raise NotationError(_what_is_wrong(text, position), position)
        caret, first, last = match.groups()
        if caret and last is not None:
            raise NotationError("a range cannot be excluded: write ^N for each number", position)
        low, high = _number(first), _number(first if last is None else last)
        if high > LARGEST_ID:
            written = (last or first)[:12]
            raise NotationError(f"{written} is over {LARGEST_ID}, the largest number that libvirt takes", position)
        if high < low:
            raise NotationError(f"the range {low}-{high} runs backwards", position)
        end = position + len(match.group().rstrip())
        found.append(Term(low, high, bool(caret), position, end))
        position = match.end()
        if position == len(text):
            return found
        if text[position] != ",":
            raise NotationError(_what_is_wrong(text, position), position)
        position = _skip_blanks(text, position + 1)
        if position == len(text):
            return found


def _number(digits: str) -> int:
    """A number; of thousands of digits, which Python does not convert, one that is too large."""
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= 9 else LARGEST_ID + 1


def _skip_blanks(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    return match.end() if match else position


def _what_is_wrong(text: str, position: int) -> str:
    if position >= len(text):
        return "it is empty"
    return f"{text[position : position + 8]!r} is not a number, a range N-M or an exclusion ^N"


class IdSet(msgspec.Struct, Generic[Id], frozen=True):
    """A set of numbers of one kind; bit n of ``mask`` is number n."""

    mask: int = 0

    @classmethod
    def of(cls, ids: Iterable[Id]) -> IdSet[Id]:
        mask = 0
        for number in ids:
            mask |= 1 << number
        return IdSet(mask)

    @classmethod
    def parse(cls, text: str) -> IdSet[Id]:
        """The set that libvirt reads from ``text``; terms act from left to right, so ``^3,0-7`` is 0-7.

        Raises NotationError for what libvirt refuses, a set from which everything was excluded among it.
        """
        return _known(text) if len(text) <= _LONGEST_KNOWN else _parsed(text)

    def __or__(self, other: IdSet[Id]) -> IdSet[Id]:
        return IdSet(self.mask | other.mask)

    def __and__(self, other: IdSet[Id]) -> IdSet[Id]:
        return IdSet(self.mask & other.mask)

    def __sub__(self, other: IdSet[Id]) -> IdSet[Id]:
        return IdSet(self.mask & ~other.mask)

    def __le__(self, other: IdSet[Id]) -> bool:
        return not self.mask & ~other.mask

    def __bool__(self) -> bool:
        return self.mask != 0

    def __len__(self) -> int:
        return self.mask.bit_count()

    def __contains__(self, number: Id) -> bool:
        return bool(self.mask >> number & 1)

    def __iter__(self) -> Iterator[Id]:
        mask = self.mask
        while mask:
            lowest = mask & -mask
            yield lowest.bit_length() - 1  # type: ignore[misc]  # an int is all that Id can be
            mask ^= lowest

    def runs(self) -> list[tuple[int, int]]:
        """First and last number of each unbroken run, in order."""
        found = []
        mask, base = self.mask, 0
        while mask:
            gap = (mask & -mask).bit_length() - 1
            mask >>= gap
            base += gap
            length = (~mask & (mask + 1)).bit_length() - 1
            found.append((base, base + length - 1))
            mask >>= length
            base += length
        return found

    def __str__(self) -> str:
        """The canonical form that libvirt writes: ``0-7,16``; the empty set is the empty string."""
        return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in self.runs())


def _parsed(text: str) -> IdSet[Any]:
    mask = 0
    for term in terms(text):
        mask = mask & ~term.mask if term.excluded else mask | term.mask
    if not mask:
        raise NotationError(ALL_EXCLUDED, 0)
    return IdSet(mask)


_known = functools.lru_cache(maxsize=4096)(_parsed)
_LONGEST_KNOWN = 64
"""The sets of a fleet repeat: those that are no longer in characters are read once."""

HostCpus = IdSet[HostCpu]
Vcpus = IdSet[Vcpu]
HostNodes = IdSet[HostNode]
GuestCells = IdSet[GuestCell]


def union(sets: Iterable[IdSet[Id]]) -> IdSet[Id]:
    """The union of all ``sets``; of none, the empty set."""
    mask = 0
    for one in sets:
        mask |= one.mask
    return IdSet(mask)
