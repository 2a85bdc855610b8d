"""XML as numalint reads it: safely, and with the place of every element.

No DTD is read, no entity is expanded, nothing is fetched, and libxml2's own bounds on size and depth hold.
lxml keeps no columns, and the line that it keeps is that of the end of a start tag; so a place is the index of an
element in document order, and an expat pass over the same bytes finds the line and columns of those that are
reported.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Collection, Iterable
from typing import Any
from xml.parsers import expat

from lxml import etree

from numalint.loaders.document import Document, LoadError, lines_of
from numalint.model.place import TEXT, Place
from numalint.model.report import Span

Element = etree._Element  # noqa: SLF001  # lxml has no public name for it
Indexes = dict[Element, int]
"""The index of each element in document order."""

_DECLARED_ENCODING = re.compile(rb"""^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?\sencoding\s*=\s*["']([^"']*)["']""")
_DECLARATION = re.compile(rb"<\?xml\s[^<>]*\?>")
_DOCTYPE = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s++|<\?.*?\?>|<!--.*?-->)*+(?P<doctype><!DOCTYPE[^<>\[]*(?:\[[^\]]*\]\s*)?>)", re.DOTALL
)
_ADVICE = re.compile(r",? (?:use|try) XML_PARSE_HUGE.*", re.DOTALL)
"""What libxml2 adds where one of its bounds is met, for programmers."""

_LONGEST_REASON = 160
_CHUNK = 1 << 20
"""So much of a stream is given to the parser at a time: it refuses 10 MB at once."""

_NEAR = 4096
"""So much of a line is looked at first: the rest of it may be the rest of the file."""

STREAM = "stream"
UTF8_BOM = b"\xef\xbb\xbf"
_NAME = r"[^\s=/>\"']+"
_START_TAG = re.compile(rf"""<(?P<name>{_NAME})(?P<attributes>(?:[^>"']|"[^"]*"|'[^']*')*)>""")
_ATTRIBUTE = re.compile(rf"""\s(?P<name>{_NAME})\s*=\s*(?P<quote>["'])(?P<value>.*?)(?P=quote)""", re.DOTALL)


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        dtd_validation=False,
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=True,  # between elements: half of all nodes
        huge_tree=False,
    )


_PARSER = _parser()


def parse(document: Document, *, doctype_allowed: bool = False) -> Element:
    """The root of an XML document.

    ``doctype_allowed``: hwloc's files name a DTD that nobody has; it is passed over, but entities are refused.

    Raises LoadError, with line and column, where the document is not UTF-8, has a DOCTYPE or is not well-formed.
    """
    _refuse_encoding(document)
    try:
        root = etree.fromstring(document.data, _PARSER)
    except etree.XMLSyntaxError as error:
        raise _malformed(document, error) from None
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None:
        if not doctype_allowed:
            raise LoadError(
                "it has a DOCTYPE, which numalint does not read",
                document.path,
                help="remove the DOCTYPE and write the value of each entity in its place",
            )
        if any(declared.entities()):  # type: ignore[union-attr]  # lxml-stubs do not know it
            raise LoadError("its DOCTYPE declares entities, which numalint does not expand", document.path)
    return root


def parse_stream(document: Document) -> list[Element]:
    """The roots of several XML documents that follow one another in one file, or of the only one.

    A line or an element's index counts over the whole file. Raises LoadError as ``parse`` does.
    """
    _refuse_encoding(document)
    parser = _parser()
    try:
        for piece in as_one(document.data):
            for start in range(0, len(piece), _CHUNK):
                parser.feed(piece[start : start + _CHUNK])
        stream = parser.close()
    except etree.XMLSyntaxError as error:
        raise _malformed(document, error) from None
    return list(stream)


def index(*roots: Element, tags: Collection[str] | None = None) -> Indexes:
    """The index in document order of each element, or of those with one of ``tags``.

    ``roots`` are the root of a document or all of those of a stream, over the whole of which the index counts.
    """
    numbered = enumerate(element for root in roots for element in root.iter("*"))
    return {element: number for number, element in numbered if tags is None or element.tag in tags}


def settled(place: Place) -> Place:
    """The same place without its element, so that it can be kept without the whole tree."""
    if isinstance(place.locator, int | str):
        return place
    return Place(place.document, number_of(place), place.attribute, place.term)


def number_of(place: Place) -> int:
    """The index in document order of the element of a place."""
    if isinstance(place.locator, int):
        return place.locator
    element: Any = place.locator
    top: Element = element.getroottree().getroot()
    return _index_below(top)[element] - (top.tag == STREAM)


@functools.lru_cache(maxsize=1)
def _index_below(top: Element) -> Indexes:
    """The index of each element of one tree: the places of a document are asked for one after the other."""
    return index(top)


def as_one(data: bytes) -> list[bytes]:
    """A stream as the pieces of one document: in a root of its own, XML declarations blanked out."""
    body = data.removeprefix(UTF8_BOM)
    blanked = _DECLARATION.sub(lambda match: re.sub(rb"[^\n]", b" ", match.group()), body)
    return [f"<{STREAM}>".encode(), blanked, f"</{STREAM}>".encode()]


def _refuse_encoding(document: Document) -> None:
    declared = _DECLARED_ENCODING.match(document.data)
    name = declared[1].decode("ascii", "replace") if declared else ""
    if document.data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        name = "UTF-16"
    if name and name.upper() not in ("UTF-8", "UTF8", "US-ASCII", "ASCII"):
        raise LoadError(
            f"it is encoded in {name}, and libvirt reads only UTF-8", document.path, 1, 1, "save the file as UTF-8"
        )


def _malformed(document: Document, error: etree.XMLSyntaxError) -> LoadError:
    try:
        document.data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        before = document.data[: wrong.start]
        line, column = before.count(b"\n") + 1, len(before.rpartition(b"\n")[2].decode("utf-8")) + 1
        message = f"it is not UTF-8: byte {document.data[wrong.start]:#04x}"
        return LoadError(message, document.path, line, column, "save the file as UTF-8")
    line, column = error.position
    reason = _ADVICE.sub("", (error.msg or "it is not well-formed").split(", line ")[0])
    reason = " ".join(reason.split())[:_LONGEST_REASON]  # it quotes the document, line ends and all
    return LoadError(f"it is not well-formed XML: {reason}", document.path, max(line, 1), max(column, 1))


def locate(document: Document, places: Iterable[Place]) -> dict[Place, tuple[Span, str]]:
    """The span and the path (``/domain/cputune/vcpupin[2]/@cpuset``) of each of ``places``, all in ``document``.

    A span never leaves a line: where a value goes over several, it ends with the first.
    Raises expat.ExpatError where the bytes are no longer those that were parsed.
    """
    wanted: dict[int, list[Place]] = {}
    for place in places:
        wanted.setdefault(number_of(place), []).append(place)
    starts = _StartTags(set(wanted))
    starts.run(as_one(_without_doctype(document.data)))
    lines = lines_of(document.data)
    found = {}
    for number, (line, column, path) in starts.found.items():
        for place in wanted[number]:
            tail = f"/{'@' if place.attribute != TEXT else ''}{place.attribute}" if place.attribute else ""
            found[place] = (_span(document.path, lines, line, column, place), path + tail)
    return found


def _without_doctype(data: bytes) -> bytes:
    """The same with its DOCTYPE, which cannot stand inside an element, blanked out: all else stays in place."""
    found = _DOCTYPE.match(data)
    if found is None:
        return data
    start, end = found.span("doctype")
    return data[:start] + re.sub(rb"[^\n]", b" ", data[start:end]) + data[end:]


def start_tags(document: Document) -> dict[str, tuple[int, int]]:
    """Line (from 1) and column (from 0) of every start tag, by the path of its element, in document order."""
    starts = _StartTags(range(sys.maxsize))
    starts.run(as_one(document.data))
    return {path: (line, column) for line, column, path in starts.found.values()}


class _AllFound(Exception):  # noqa: N818  # no error
    """The rest of a document need not be read."""


class _StartTags:
    """Line, column and path of the start tags that are wanted, by one expat pass."""

    def __init__(self, wanted: Collection[int]) -> None:
        self.wanted = wanted
        self.found: dict[int, tuple[int, int, str]] = {}
        self._count = -2  # the root that holds the stream is not counted
        self._path: list[str] = []
        self._children: list[dict[str, int]] = [{}]

    def run(self, pieces: list[bytes]) -> None:
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._shift = len(pieces[0])
        try:
            for piece in pieces[:-1]:
                self._parser.Parse(piece, False)
            self._parser.Parse(pieces[-1], True)
        except _AllFound:
            pass
        finally:
            del self._parser  # it holds on to the handlers, and a run collects no circles

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self._count += 1
        siblings = self._children[-1]
        siblings[name] = siblings.get(name, 0) + 1
        nth = siblings[name]
        self._path.append(name if nth == 1 else f"{name}[{nth}]")
        self._children.append({})
        if self._count in self.wanted:
            line, column = self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber
            column -= self._shift if line == 1 else 0
            self.found[self._count] = (line, column, "/" + "/".join(self._path[1:]))
            if len(self.found) == len(self.wanted):
                raise _AllFound

    def _end(self, _name: str) -> None:
        self._path.pop()
        self._children.pop()


def _span(path: str, lines: list[str], line: int, column: int, place: Place) -> Span:
    """The span of a place of the element whose start tag begins at ``line`` (from 1) and ``column`` (from 0)."""
    text = lines[line - 1][column : column + _NEAR]
    if "<" not in text[1:]:  # neither a tag nor its text has one
        text = "\n".join([lines[line - 1][column:], *lines[line : line + 200]])
    tag = _START_TAG.match(text)
    start, end = 0, 1
    if tag is not None:
        start, end = tag.span("name")
        if place.attribute == TEXT:
            content = text[tag.end() :].partition("<")[0]
            blank = len(content) - len(content.lstrip())
            if content.strip():
                start, end = tag.end() + blank, tag.end() + len(content.rstrip())
                start, end = _narrowed(place, start, end, content.strip())
        elif place.attribute is not None:
            for attribute in _ATTRIBUTE.finditer(text, tag.end("name"), tag.end()):
                if attribute["name"] == place.attribute:
                    start, end = attribute.span("value")
                    start, end = _narrowed(place, start, end, attribute["value"])
    before = text[:start]
    first = line + before.count("\n")
    from_column = len(before) - before.rfind("\n") if "\n" in before else column + start + 1
    length = len(text[start:end].partition("\n")[0])
    return Span(path, first, from_column, from_column + max(length, 1))


def _narrowed(place: Place, start: int, end: int, value: str) -> tuple[int, int]:
    """The term of a value, unless an entity in it has moved the characters."""
    if place.term is None or "&" in value:
        return start, end
    first, last = place.term
    return start + min(first, end - start), min(start + last, end)
