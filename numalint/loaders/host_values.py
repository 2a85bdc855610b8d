"""Values of the XML that describes a host, checked as they are read; what is wrong is refused with its line."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import NoReturn, cast
from xml.parsers.expat import ExpatError

from numalint.loaders.document import Document, LoadError
from numalint.loaders.xml import Element, Indexes, locate
from numalint.model.idset import LARGEST_ID, HostCpus, NotationError
from numalint.model.place import TEXT, Place

LARGEST_CPU = LARGEST_ID
LARGEST_NODE = 4095
"""Linux has at most 1024 nodes (CONFIG_NODES_SHIFT is at most 10); more than this is a slip or an attack."""

LARGEST_SIZE = 1 << 63
_DECIMAL = re.compile(r"[0-9]{1,20}", re.ASCII)
_HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]{1,16}", re.ASCII)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}
_DOCTYPE = re.compile(rb"<!DOCTYPE[^>\[]*(?:\[[^\]]*\])?\s*>")
_UNIT = re.compile(r"([kmgtpe]?)(ib|b|)", re.IGNORECASE)


_NAMELESS = ("capabilities", "caps", "devices", "host", "lstopo", "nodedev", "topology")
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


class Values:
    """Reads the values of one XML document. All its methods raise LoadError, with line and column."""

    def __init__(self, document: Document, indexes: Indexes) -> None:
        # The pass that finds lines takes no DOCTYPE, which hwloc's files have: blanked out, all else stays in place.
        data = _DOCTYPE.sub(lambda match: re.sub(rb"[^\n]", b" ", match.group()), document.data, count=1)
        self._document = Document(document.path, data)
        self._indexes = indexes

    def place(self, element: Element) -> Place:
        return Place(self._document.path, self._indexes[element])

    def refuse(self, element: Element, attribute: str | None, message: str, help: str = "") -> NoReturn:
        place = self.place(element)
        if attribute == TEXT or (attribute is not None and attribute in element.attrib):
            place = place.at(attribute)
        try:
            span, _ = locate(self._document, [place])[place]
        except (ExpatError, KeyError):  # libxml2 takes some names that expat does not
            line = cast("int | None", element.sourceline)
            raise LoadError(message, self._document.path, line, help=help) from None
        raise LoadError(message, self._document.path, span.line, span.column, help)

    def text(self, element: Element, attribute: str) -> str:
        """The value of an attribute or, with TEXT, the element's text; that it is missing is an error."""
        text = element.text if attribute == TEXT else element.get(attribute)
        if text is None or not text.strip():
            what = "content" if attribute == TEXT else attribute
            self.refuse(element, attribute, f"<{element.tag}> has no {what}")
        return text.strip()

    def number(self, element: Element, attribute: str, largest: int, *, hexadecimal: bool = False) -> int:
        """A whole number from 0 to ``largest``: decimal or, with ``hexadecimal``, also after 0x."""
        text = self.text(element, attribute)
        if hexadecimal and _HEXADECIMAL.fullmatch(text):
            value = int(text, 16)
        elif _DECIMAL.fullmatch(text):
            value = int(text)
        else:
            value = -1
        if not 0 <= value <= largest:
            what = f"the content of <{element.tag}>" if attribute == TEXT else f"{attribute} of <{element.tag}>"
            self.refuse(element, attribute, f"{what} is {text!r}, not a number from 0 to {largest}")
        return value

    def number_or_none(self, element: Element, attribute: str, largest: int) -> int | None:
        """The same; None where the attribute is absent."""
        return None if element.get(attribute) is None else self.number(element, attribute, largest)

    def cpus(self, element: Element, attribute: str) -> HostCpus:
        """A set of CPUs in libvirt's notation."""
        text = self.text(element, attribute)
        try:
            return HostCpus.parse(text)
        except NotationError as error:
            self.refuse(
                element, attribute, f"{attribute}='{text}' of <{element.tag}> is not a set of CPUs: {error.reason}"
            )

    def size(self, element: Element, attribute: str) -> int:
        """A size in bytes; its unit is in ``unit``, KiB where that is absent."""
        unit = element.get("unit") or "KiB"
        scale = unit_bytes(unit)
        if scale is None:
            self.refuse(element, "unit", f"unit='{unit}' of <{element.tag}> is no unit that libvirt writes")
        return self.number(element, attribute, LARGEST_SIZE // scale) * scale
