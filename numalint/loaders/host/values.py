"""Values of the XML that describes a host, checked as they are read; what is wrong is refused with its line."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable
from pathlib import PurePath
from typing import NoReturn, cast
from xml.parsers.expat import ExpatError

from numalint.loaders.document import Document, LoadError
from numalint.loaders.xml import Element, Indexes, index, locate
from numalint.model.host import PciAddress
from numalint.model.idset import LARGEST_ID, HostCpus, IdSet, NotationError
from numalint.model.place import TEXT, Place

LARGEST_CPU = LARGEST_ID
LARGEST_NODE = 1023
"""Linux has at most 1024 nodes (CONFIG_NODES_SHIFT is at most 10)."""

LARGEST_SIZE = 1 << 63
_LONGEST_QUOTE = 60
_DIGITS = 20
_DECIMAL = re.compile(rf"[0-9]{{1,{_DIGITS}}}", re.ASCII)
_HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]{1,16}", re.ASCII)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}
_UNIT = re.compile(r"([kmgtpe]?)(ib|b|)", re.IGNORECASE)


_NAMELESS = (
    *("capabilities", "caps", "devices", "host", "lscpu", "lstopo", "nodedev", "numactl", "numastat", "sys", "sysfs"),
    "topology",
)
"""Names of files that say what the input is, not of which host: that is the folder's name, if anything's."""


def host_name(path: str) -> str:
    """The name of a host that is described by a file: ``kvm01`` for ``hosts/kvm01.host.toml``."""
    file = PurePath(path)
    name = file.stem.removesuffix(".host")
    return (file.parent.name if name.lower() in _NAMELESS else "") or name or path


def unit_bytes(unit: str) -> int | None:
    """The bytes of a unit as libvirt and hwloc read it: K and KiB are 1024, KB is 1000; None for no unit."""
    if unit.lower() in ("byte", "bytes"):
        return 1
    match = _UNIT.fullmatch(unit)
    if match is None or not unit:
        return None
    letter, rest = match[1].lower(), match[2].lower()
    if not letter and rest == "ib":
        return None
    return int((1000 if rest == "b" else 1024) ** _POWERS[letter])


def cut(text: str) -> str:
    """A value as a message quotes it: the beginning is enough of one that goes on."""
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}..."


def in_order(sets: Iterable[HostCpus]) -> tuple[HostCpus, ...]:
    """Sockets, cores or caches by their lowest CPUs, which is how they are numbered whatever the input calls them."""
    return tuple(sorted(sets, key=lambda cpus: cpus.mask & -cpus.mask))


def torn_note(torn: Collection[PciAddress]) -> str:
    """The note on PCI devices that an input puts on two nodes."""
    first = min(torn)
    if len(torn) == 1:
        return f"PCI device {first} is described twice, on different nodes: its node is not known"
    return f"PCI devices {first} and {len(torn) - 1} more are described twice, on different nodes: theirs are not known"


def _plain(text: str | None) -> int | None:
    """The number that a text is when it is digits and nothing else."""
    return int(text) if text is not None and text.isdecimal() and text.isascii() and len(text) < _DIGITS else None


class Values:
    """Reads the values of one XML document. All its methods raise LoadError, with line and column."""

    def __init__(self, document: Document, *roots: Element, placed: Collection[str]) -> None:
        """``roots`` are the document's root or, of a stream, all of its roots in order.

        ``placed`` are the tags of the elements whose places are asked for, as a matter of course; those of others
        are looked for one by one.
        """
        self._document = document
        self._roots = roots
        self._placed = placed
        self._sets: dict[str, HostCpus] = {}

    @functools.cached_property
    def _indexes(self) -> Indexes:
        return index(*self._roots, tags=self._placed)

    def place(self, element: Element) -> Place:
        number = self._indexes.get(element)
        return Place(self._document.path, index(*self._roots)[element] if number is None else number)

    def refuse(self, element: Element, attribute: str | None, message: str, help: str = "") -> NoReturn:
        place = self.place(element)
        if attribute == TEXT or (attribute is not None and attribute in element.attrib):
            place = place.at(attribute)
        path = self._document.path
        try:
            span, _ = locate(self._document, [place])[place]
        except (ExpatError, LookupError):  # libxml2 takes some names and counts some lines that expat does not
            line = cast("int | None", element.sourceline)
            raise LoadError(message, path, line, help=help) from None
        raise LoadError(message, path, span.line, span.column, help)

    def text(self, element: Element, attribute: str) -> str:
        """The value of an attribute or, with TEXT, the element's text; that it is missing is an error."""
        text = element.text if attribute == TEXT else element.get(attribute)
        if text is None or not text.strip():
            what = "content" if attribute == TEXT else attribute
            self.refuse(element, attribute, f"<{element.tag}> has no {what}")
        return text.strip()

    def number(self, element: Element, attribute: str, largest: int, *, hexadecimal: bool = False) -> int:
        """A whole number from 0 to ``largest``: decimal or, with ``hexadecimal``, also after 0x."""
        value = _plain(element.text if attribute == TEXT else element.get(attribute))
        if value is not None and value <= largest:
            return value  # as nearly all are
        text = self.text(element, attribute)
        if hexadecimal and _HEXADECIMAL.fullmatch(text):
            value = int(text, 16)
        elif _DECIMAL.fullmatch(text):
            value = int(text)
        else:
            value = -1
        if not 0 <= value <= largest:
            what = f"the content of <{element.tag}>" if attribute == TEXT else f"{attribute} of <{element.tag}>"
            self.refuse(element, attribute, f"{what} is {cut(text)!r}, not a number from 0 to {largest}")
        return value

    def number_or_none(self, element: Element, attribute: str, largest: int) -> int | None:
        """The same; None where the attribute is absent."""
        raw = element.get(attribute)
        value = _plain(raw)
        if raw is None or (value is not None and value <= largest):
            return value
        return self.number(element, attribute, largest)

    def cpus(self, element: Element, attribute: str) -> HostCpus:
        """A set of CPUs in libvirt's notation."""
        text = self.text(element, attribute)
        known = self._sets.get(text)  # the CPUs of a core all name the same siblings
        if known is not None:
            return known
        try:
            return self._sets.setdefault(text, IdSet.parse(text))
        except NotationError as error:
            what = f"{attribute}='{cut(text)}' of <{element.tag}>"
            self.refuse(element, attribute, f"{what} is not a set of CPUs: {error.reason}")

    def size(self, element: Element, attribute: str) -> int:
        """A size in bytes; its unit is in ``unit``, KiB where that is absent."""
        unit = element.get("unit") or "KiB"
        scale = unit_bytes(unit)
        if scale is None:
            self.refuse(element, "unit", f"unit='{cut(unit)}' of <{element.tag}> is no unit that libvirt writes")
        return self.number(element, attribute, LARGEST_SIZE // scale) * scale
