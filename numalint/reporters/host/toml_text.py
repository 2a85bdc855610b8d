"""Values as TOML writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from numalint.reporters.terminal import well_formed

LONGEST_LINE = 120
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


class Raw(str):
    """A value that is written already."""

    __slots__ = ()


Value = str | int | Raw
"""What a key may have here: a text, a number, true or false, or what is written already."""


def value(of: Value) -> str:
    """A text in quotes, a number, ``true`` or ``false``."""
    if isinstance(of, Raw):
        return of
    if isinstance(of, str):
        return f'"{"".join(map(_escaped, well_formed(of)))}"'
    return str(of).lower()


def _escaped(char: str) -> str:
    """A character as a string has it: what nobody can see is written out."""
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"


def key(name: str) -> str:
    """A key, in quotes where it must have them."""
    return name if name and _BARE.issuperset(name) else value(name)


def line(name: str, of: Value, comment: str = "") -> str:
    """``name = value  # comment``."""
    return f"{key(name)} = {value(of)}" + (f"  # {comment}" if comment else "")


def table(items: Mapping[str, Value]) -> Raw:
    """A table on one line: ``{ total = 192, free = 100 }``."""
    inside = ", ".join(f"{key(name)} = {value(of)}" for name, of in items.items())
    return Raw(f"{{ {inside} }}" if inside else "{}")


def array(items: Iterable[Value]) -> Raw:
    """A list on one line."""
    return Raw(f"[{', '.join(map(value, items))}]")


def folded(items: Sequence[Value]) -> Raw:
    """A list, over as many lines as it needs."""
    if len(one := array(items)) <= LONGEST_LINE - 20:
        return one
    lines, row = [], ""
    for item in map(value, items):
        if row and len(row) + len(item) + 6 > LONGEST_LINE:
            lines.append(row)
            row = ""
        row += f" {item}," if row else f"{item},"
    return Raw("\n".join(["[", *(f"    {each}" for each in (*lines, row)), "]"]))


def size(of: int) -> str:
    """A size in the largest binary unit of which it is a whole number: ``128 GiB``, ``131783564 KiB``."""
    power = 0
    while of and not of & 1023 and power < len(_UNITS) - 1:
        of >>= 10
        power += 1
    return f"{of} {_UNITS[power]}"


def page_size(of: int) -> str:
    """A size of pages in the words of libvirt: ``2M``, ``1G``."""
    number, unit = size(of).split()
    return number + unit[0]
