"""Values of a domain's XML as libvirt reads them, each with its place; what libvirt refuses becomes a fault."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence

from numalint.loaders.xml import Element
from numalint.model.elements import Fault, VainExclusion
from numalint.model.host import PciAddress
from numalint.model.idset import ALL_EXCLUDED, Id, IdSet, NotationError, terms
from numalint.model.place import TEXT, Place

_DECIMAL = re.compile(r"[0-9]{1,18}", re.ASCII)
_C_LITERAL = re.compile(r"0[xX][0-9a-fA-F]{1,8}|0[0-7]{0,10}|[1-9][0-9]{0,9}", re.ASCII)
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}


MALFORMED = "malformed-domain"
CPUSET_SYNTAX = "cpuset-syntax"


class Sections:
    """The children of some elements by their tag. A section that stands twice is read as one, as libvirt reads it."""

    def __init__(self, *elements: Element) -> None:
        self._children: dict[str, list[Element]] = {}
        children = self._children
        for element in elements:
            for child in element:
                tag = child.tag
                if tag in children:
                    children[tag].append(child)
                else:
                    children[tag] = [child]

    def all(self, tag: str) -> Sequence[Element]:
        return self._children.get(tag, ())

    def first(self, tag: str) -> Element | None:
        found = self._children.get(tag)
        return found[0] if found else None

    def below(self, tag: str) -> Sections:
        """The children of all children with this tag."""
        found = self._children.get(tag)
        return Sections(*found) if found else _NOTHING

    def text(self, tag: str) -> str | None:
        found = self.first(tag)
        return None if found is None else (found.text or "").strip()


_NOTHING = Sections()


def attribute(element: Element | None, name: str) -> str | None:
    """An attribute of an element that may not be there."""
    return None if element is None else element.get(name)


class Reader:
    """Reads the values of one document, and keeps the faults that it meets, and the exclusions in sets that do nothing."""

    def __init__(self, document: str) -> None:
        self._document = document
        self.faults: list[Fault] = []
        self.exclusions: list[VainExclusion] = []

    def place(self, element: Element) -> Place:
        return Place(self._document, element)

    def text_or_none(self, element: Element | None) -> Place | None:
        """The place of the text of an element that may not be there."""
        return None if element is None else Place(self._document, element, TEXT)

    def place_or_none(self, element: Element | None) -> Place | None:
        return None if element is None else Place(self._document, element)

    def fault(self, element: Element, attribute: str | None, message: str, label: str, rule: str = MALFORMED) -> None:
        place = self.place(element)
        if attribute is not None and (attribute == TEXT or attribute in element.attrib):
            place = place.at(attribute)
        self.faults.append(Fault(place, message, label, rule))

    def id_set(self, element: Element, attribute: str, missing: str = MALFORMED) -> IdSet[Id] | None:
        """The set in an attribute; None, and a fault, where libvirt refuses it, or where it is ``missing`` (a rule)."""
        text = element.get(attribute)
        if text is None:
            self.fault(element, None, f"<{element.tag}> has no {attribute}", f"{attribute} is missing", missing)
            return None
        return self._set(element, attribute, text)

    def text_set(self, element: Element) -> IdSet[Id] | None:
        """The set in an element's text; None, and a fault, where libvirt refuses it."""
        return self._set(element, TEXT, (element.text or "").strip())

    def _set(self, element: Element, attribute: str, text: str) -> IdSet[Id] | None:
        try:
            ids: IdSet[Id] = IdSet.parse(text)
        except NotationError as error:
            self.faults.append(
                _no_set(_worded(element, attribute, text), self.place(element).at(attribute), text, error)
            )
            return None
        if "^" in text:
            what, place = _worded(element, attribute, text), self.place(element).at(attribute)
            self.exclusions.extend(_vain_exclusions(text, ids, what, place))
        return ids

    def number(self, element: Element, attribute: str, default: int | None = None) -> int | None:
        """A decimal number of an attribute or, with TEXT, of the element's text (which may have blanks around it).

        ``default`` where the attribute is absent; without a default that is a fault, as is anything else.
        """
        text = _text(element) if attribute == TEXT else element.get(attribute)
        if text is None and default is not None:
            return default
        number = None if text is None else _decimal(text)
        if number is not None:
            return number
        what = "its content" if attribute == TEXT else attribute
        found = "is missing" if text is None else f"is {text!r}, not a decimal number"
        self.fault(element, attribute, f"<{element.tag}>: {what} {found}", f"{what} {found}")
        return None

    def word(self, element: Element, attribute: str, words: tuple[str, ...]) -> str | None:
        """An attribute that is one of ``words``; None where it is absent, and a fault where it is another."""
        text = element.get(attribute)
        if text is not None and text not in words:
            known = f"{', '.join(words[:-1])} or {words[-1]}"
            self.fault(element, attribute, f"{attribute}='{text}' of <{element.tag}> is not {known}", known)
        return text

    def size(self, element: Element, attribute: str, unit_attribute: str = "unit") -> int | None:
        """A size in bytes, rounded up to whole KiB as libvirt does; the unit's default is KiB.

        A letter alone or with ``iB`` counts in 1024, a letter with ``B`` in 1000 (virScaleInteger).
        """
        number = self.number(element, attribute)
        if number is None:
            return None
        unit = element.get(unit_attribute) or "KiB"
        scale = _scale(unit)
        if scale is None:
            self.fault(
                element, unit_attribute, f"<{element.tag}>: {unit!r} is no unit that libvirt knows", "unknown unit"
            )
            return None
        return -(-number * scale // 1024) * 1024

    def pci_address(self, element: Element) -> PciAddress | None:
        """The PCI address in an ``<address>``. The numbers are C literals: decimal, 0x hexadecimal, octal after 0."""
        parts = []
        for attribute, largest in PCI_PARTS:
            text = element.get(attribute, "0")
            value = c_literal(text)
            if value is None or value > largest:
                message = f"{attribute}='{text}' of a PCI <address> is not a number from 0 to {largest:#x}"
                self.fault(element, attribute, message, "hexadecimal is written with 0x")
                return None
            parts.append(value)
        return PciAddress(*parts)


_LONGEST_QUOTED = 48


def _worded(element: Element, attribute: str, text: str) -> str:
    text = text if len(text) <= _LONGEST_QUOTED else f"{text[:_LONGEST_QUOTED]}..."
    return (
        f"the content '{text}' of <{element.tag}>" if attribute == TEXT else f"{attribute}='{text}' of <{element.tag}>"
    )


def _no_set(what: str, place: Place, text: str, error: NotationError) -> Fault:
    """The fault at the term that libvirt refuses; at the whole set where that has no terms, or none is left of it."""
    position = len(text) if error.reason == ALL_EXCLUDED else error.position
    if position < len(text):
        end = text.find(",", position + 1)
        place = place.narrowed(position, len(text) if end < 0 else end)
    message = f"{what} is not a set that libvirt reads: {error.reason}"
    return Fault(place, message, error.reason, CPUSET_SYNTAX, text, position)


def _vain_exclusions(text: str, ids: IdSet[Id], what: str, place: Place) -> Iterator[VainExclusion]:
    """The exclusions of a set that take nothing from it: what they exclude comes later, or never."""
    before = 0
    for term in terms(text):
        if term.excluded and (term.mask & ids.mask or not term.mask & before):
            kept = bool(term.mask & ids.mask)
            yield VainExclusion(term.first, kept, IdSet(ids.mask), what, place.narrowed(term.start, term.end))
        before = before & ~term.mask if term.excluded else before | term.mask


PCI_PARTS = (("domain", 0xFFFFFFFF), ("bus", 0xFF), ("slot", 0x1F), ("function", 7))
"""The parts of a PCI address with the largest number of each."""


def in_hexadecimal(element: Element) -> PciAddress | None:
    """The PCI address as lspci would be read, where it differs: its numbers hexadecimal with or without 0x."""
    texts = [element.get(attribute, "0") for attribute, _ in PCI_PARTS]
    if all(text[:2] in ("0x", "0X") or text in _ALIKE for text in texts):
        return None
    try:
        parts = [int(text, 16) for text in texts]
    except ValueError:
        return None
    fits = all(part <= largest for part, (_, largest) in zip(parts, PCI_PARTS, strict=True))
    return PciAddress(*parts) if fits else None


_ALIKE = tuple("0123456789")
"""Numbers that are the same in decimal, octal and hexadecimal."""


def c_literal(text: str) -> int | None:
    """A number as C writes it (``0x3b``, ``59``, octal ``073``); None where it is none."""
    if not _C_LITERAL.fullmatch(text):
        return None
    return int(text, 16 if text[:2] in ("0x", "0X") else 8 if text[0] == "0" else 10)


@functools.lru_cache(maxsize=4096)
def _decimal(text: str) -> int | None:
    """A decimal number as libvirt's integers hold them; None where it is none. Those of a fleet repeat."""
    return int(text) if _DECIMAL.fullmatch(text) else None


def _text(element: Element) -> str | None:
    return element.text.strip() if element.text else None


def _scale(unit: str) -> int | None:
    lowered = unit.lower()
    if lowered in ("b", "byte", "bytes"):
        return 1
    power = _POWERS.get(lowered[0])
    if power is None or lowered[1:] not in ("", "b", "ib"):
        return None
    return int((1000 if lowered[1:] == "b" else 1024) ** power)
