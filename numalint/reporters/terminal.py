"""Text that is safe to print, its width in columns, and colour."""

from __future__ import annotations

import unicodedata

from numalint.model.report import Span

RED, YELLOW, BLUE, CYAN, BOLD, DIM = "1;31", "1;33", "1;34", "1;36", "1", "2"

_JOINERS = "\u200c\u200d"  # within words of several scripts, and harmless


def printable(text: str) -> str:
    r"""The text with all that could drive a terminal or hide in it written out: ``\x1b``, ``\n``, ``\u202e``.

    Names and lines come from files that anybody may have written, and file names may be no UTF-8 at all.
    """
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(char: str) -> str:
    if char.isprintable() or char in _JOINERS or unicodedata.category(char) == "Zs":
        return char
    return char.encode("unicode_escape").decode("ascii")


def well_formed(text: str) -> str:
    """The text with U+FFFD for what no encoding has a word for: the bytes of a file name that is not UTF-8."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def location(span: Span) -> str:
    """``path:line:column``, as editors and terminals make a link of it."""
    return f"{printable(span.path)}:{span.line}:{span.column}"


def width(text: str) -> int:
    """The columns that a printable text takes: two for a wide character, none for one that combines."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(char: str) -> int:
    if char in _JOINERS or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def paint(text: str, style: str, colour: bool) -> str:
    """The text in a style, where colour is wanted."""
    return f"\x1b[{style}m{text}\x1b[0m" if colour and text else text
