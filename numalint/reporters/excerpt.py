"""The lines of a file that a finding speaks of, with a mark under each place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from numalint.model.report import Span
from numalint.reporters.terminal import BLUE, paint, printable, width

WIDEST = 160
"""The columns of a line that are shown; of a longer one it is those around the place."""

MOST_KEPT = 64
"""Of so many files the lines are kept, which take many times the bytes of the file; results come file by file."""

_BEFORE = 40  # the columns in front of the place, where a line is cut
_MOST = 4096  # the characters that are looked at for what fits: a line may be the whole file


class Mark(msgspec.Struct, frozen=True):
    """A place to underline: with ``^`` where it is the finding's own, with ``-`` where it is related."""

    span: Span
    label: str
    main: bool
    style: str

    def under(self, colour: bool) -> str:
        """The label, painted."""
        return paint(printable(self.label), self.style, colour)


def excerpt(lines: Sequence[str] | None, marks: Sequence[Mark], gutter: int, colour: bool) -> Iterator[str]:
    """The lines with the marks of one file, in order; ``...`` stands for those between.

    ``lines`` is None where the text is not at hand: the labels are shown alone.
    """
    blank = " " * gutter + paint(" |", BLUE, colour)
    yield blank
    before = None
    for number, group in groupby(sorted(marks, key=_order), key=lambda mark: mark.span.line):
        if before is not None and number > before + 1:
            yield paint("...", BLUE, colour)
        before = number
        here = sorted(group, key=lambda mark: not mark.main)
        text = lines[number - 1] if lines is not None and number <= len(lines) else None
        if text is None:
            yield from (f"{blank} {mark.under(colour)}".rstrip() for mark in here)
            continue
        head = paint(f"{number:>{gutter}} |", BLUE, colour)
        long = len(text) > _MOST or width(_plain(text)) > WIDEST
        for index, mark in enumerate(here):
            shown, column, length = _window(text, mark.span) if long else _columns(text, mark.span)
            if long or index == 0:
                yield f"{head} {shown}".rstrip()
            underline = paint(("^" if mark.main else "-") * length, mark.style, colour)
            yield f"{blank} {' ' * column}{underline} {mark.under(colour)}".rstrip()


def _order(mark: Mark) -> tuple[int, int]:
    return mark.span.line, mark.span.column


def _plain(text: str) -> str:
    """A stretch of a line as it is shown."""
    return printable(text.replace("\t", " "))


def _columns(text: str, span: Span) -> tuple[str, int, int]:
    """A line as it is shown, the columns in front of the place, and those that it takes."""
    start, end = span.column - 1, span.end_column - 1
    return _plain(text), width(_plain(text[:start])), max(width(_plain(text[start:end])), 1)


def _window(text: str, span: Span) -> tuple[str, int, int]:
    """The same for a line that is too long: what is around the place, with ``...`` for the rest."""
    start, end = span.column - 1, span.end_column - 1
    first = start - _fitting(text[max(start - _MOST, 0) : start][::-1], _BEFORE)
    head = "..." if first > 0 else ""
    last = first + _fitting(text[first : first + _MOST], WIDEST - 6)
    tail = "..." if last < len(text) else ""
    column = len(head) + width(_plain(text[first:start]))
    return head + _plain(text[first:last]) + tail, column, max(width(_plain(text[start : min(end, last)])), 1)


def _fitting(text: str, columns: int) -> int:
    """How many characters of the text fit into some columns, as they are shown."""
    for count, char in enumerate(text):
        columns -= width(_plain(char))
        if columns < 0:
            return count
    return len(text)
