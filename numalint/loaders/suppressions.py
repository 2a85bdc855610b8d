"""Suppressions as they stand in a domain file: comments, and elements of numalint's own in ``<metadata>``.

A comment covers the element that follows it with all that is inside, an element in ``<metadata>`` its domain. lxml is
told to drop comments, so both are found by an expat pass, which only a file with the word in its bytes pays for.
What is meant as a suppression and is none is kept, with what is wrong with it.
"""

from __future__ import annotations

import re
from datetime import date
from xml.parsers import expat

import msgspec

from numalint.loaders.document import Document, lines_of
from numalint.loaders.nearest_name import did_you_mean
from numalint.loaders.xml import as_one
from numalint.model.report import Span

WORD = b"numalint"
"""What a file has in its bytes where there is anything to read here."""

NAMESPACE = "https://github.com/numalint/numalint"
"""The XML namespace: a name that files keep, wherever the project may move."""

COMMENT_HELP = "write <!-- numalint: ignore[rule-name] reason -->"
_ELEMENT_HELP = "write <numalint:ignore rules='rule-name' reason='...'/>"
_HOLDER_HELP = f"write each numalint:ignore into one <numalint:suppressions xmlns:numalint='{NAMESPACE}'> in <metadata>"
_DATE_HELP = "write a date as 2026-12-31: the last day on which it holds"

_MEANT = re.compile(r"\s*numalint\s*(?::|\W?\s*(?:ignore|disable|suppress|noqa|nolint)\b)", re.IGNORECASE)
_COMMENT = re.compile(
    r"\s*numalint:\s*ignore\s*\[(?P<rules>[^\]]*)\](?:\s*until=(?P<until>\S*))?(?P<reason>.*)", re.DOTALL
)
_HEAD = re.compile(r"numalint[^\]\n]*\]?", re.IGNORECASE)
_UNTIL_LATE = re.compile(r"\buntil\s*(?:=|:\s*\d)", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ASIDE = re.compile(r"^[^<]*-->|<!--.*?-->|<\?.*?\?>")
_ATTRIBUTES = ("rules", "reason", "until")


class Terms(msgspec.Struct, frozen=True):
    """What a suppression says. With a ``fault``, a clause that says what is wrong with it, it suppresses nothing."""

    rules: tuple[str, ...] = ()
    reason: str = ""
    until: date | None = None
    fault: str = ""
    help: str = ""


class Written(msgspec.Struct):
    """A suppression in a domain file: what it says, where it stands, and what it covers.

    That are the elements from ``first`` to ``last``, indexes in document order; ``element`` is the path of the first.
    """

    terms: Terms
    span: Span
    first: int
    last: int
    element: str


def read_suppressions(document: Document) -> list[Written]:
    """The suppressions in a document that holds domains, in the order in which they stand, faulty ones included.

    Raises expat.ExpatError where the bytes are not those that the domains were read from.
    """
    reading = _Reading(document)
    reading.run(as_one(document.data))
    return reading.found


def parse_comment(text: str) -> Terms | None:
    """What the text of a comment says; None where it is not meant for numalint."""
    if not _MEANT.match(text):
        return None
    match = _COMMENT.fullmatch(text)
    if match is None:
        bare = re.match(r"\s*numalint:\s*ignore\b", text)
        fault = "ignore has no [rule-name] behind it" if bare else "it does not start with numalint: ignore[rule-name]"
        return Terms(fault=fault, help=COMMENT_HELP)
    terms = _terms(match["rules"], match["reason"], match["until"], COMMENT_HELP)
    if not terms.fault and _UNTIL_LATE.search(terms.reason):
        help = "write until=2026-12-31 between the brackets and the reason"
        return Terms(terms.rules, fault="its date does not stand where it is read", help=help)
    return terms


def _parse_element(attributes: dict[str, str]) -> Terms:
    for name in attributes:
        if name not in _ATTRIBUTES:
            help = did_you_mean(name, _ATTRIBUTES, f"the attributes are {', '.join(_ATTRIBUTES)}", 0.5)
            return Terms(fault=f"there is no attribute {name.partition(' ')[0]!r}", help=help)
    return _terms(attributes.get("rules", ""), attributes.get("reason", ""), attributes.get("until"), _ELEMENT_HELP)


def _terms(rules: str, reason: str, until: str | None, help: str) -> Terms:
    names = tuple(dict.fromkeys(rules.replace(",", " ").split()))
    said = " ".join(reason.split()).lstrip(":;,.-\u2013\u2014 ")
    date = None if until is None else _date(until)
    if not names:
        return Terms(fault="it names no rule", help=help)
    if until is not None and date is None:
        return Terms(names, fault=f"{until!r} is no date", help=_DATE_HELP)
    if not is_reason(said):
        return Terms(names, fault="it gives no reason", help=help)
    return Terms(names, said, date)


def is_reason(text: str) -> bool:
    """Whether a text says anything: it has a letter or a digit."""
    return any(char.isalnum() for char in text)


def _date(text: str) -> date | None:
    """A date written as 2026-12-31; None where it is none."""
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def _refuse(written: Written, fault: str, help: str) -> None:
    if not written.terms.fault:
        written.terms = Terms(written.terms.rules, fault=fault, help=help)


class _Frame(msgspec.Struct):
    """An element that is open. ``lost``: nothing of numalint's inside it is read any more."""

    namespace: str
    name: str
    index: int
    path: str
    children: dict[str, int] = {}
    covered_by: list[Written] = []
    has_own: bool = False
    lost: bool = False


class _Reading:
    """One expat pass that keeps the elements that are open, and the comments that wait for the next one.

    With a comment that stands behind something on its line waits the number of the line on which it ends.
    """

    def __init__(self, document: Document) -> None:
        self.found: list[Written] = []
        self._document = document.path
        self._lines = lines_of(document.data)
        self._count = -2  # the root that holds the stream is not counted
        self._open = [_Frame("", "", self._count, "")]
        self._waiting: list[tuple[Written, int | None]] = []
        self._read = (0, 0, False)

    def run(self, pieces: list[bytes]) -> None:
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.namespace_prefixes = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CommentHandler = self._comment
        self._shift = len(pieces[0])
        try:
            for piece in pieces[:-1]:
                self._parser.Parse(piece, False)
            self._parser.Parse(pieces[-1], True)
        finally:
            del self._parser  # it holds on to the handlers, and a run collects no circles

    def _here(self) -> tuple[int, int]:
        """Line from 1 and column from 0."""
        line, column = self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber
        return line, column - (self._shift if line == 1 else 0)

    def _keep(self, terms: Terms, covered: _Frame, text: str, start: int, end: int) -> Written:
        """A suppression that is told at the characters ``start`` to ``end`` of the text at the current place."""
        line, column = self._here()
        before = text[:start]
        column = len(before) - before.rfind("\n") if "\n" in before else column + start + 1
        span = Span(self._document, line + before.count("\n"), column, column + end - start)
        first = covered.index if covered.index >= 0 else max(self._count, 0)
        found = Written(terms, span, first, first, covered.path)
        self.found.append(found)
        return found

    def _comment(self, text: str) -> None:
        terms = parse_comment(text)
        if terms is None:
            return
        line, column = self._here()
        text = f"<!--{text}"
        head = _HEAD.search(text)
        start, end = (0, len("<!--")) if head is None else (head.start(), head.start() + len(head[0].rstrip()))
        written = self._keep(terms, self._open[-1], text, start, end)
        self._waiting.append((written, line + text.count("\n") if self._is_behind(line, column) else None))

    def _is_behind(self, line: int, column: int) -> bool:
        """Whether something stands in front of a comment on its line; a line that has many is read once."""
        before, start, behind = self._read
        if line != before:
            start, behind = 0, False
        behind = behind or bool(_ASIDE.sub("", self._lines[line - 1][start:column]).strip())
        self._read = line, column, behind
        return behind

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        namespace, local, prefix = [*name.split(" "), ""][:3] if " " in name else ("", name, "")
        shown = f"{prefix}:{local}" if prefix else local
        above = self._open[-1]
        nth = above.children[shown] = above.children.get(shown, 0) + 1
        step = shown if nth == 1 else f"{shown}[{nth}]"
        path = "" if self._count < 0 else f"{above.path}/{step}"
        frame = _Frame(namespace, local, self._count, path, lost=above.lost)
        self._cover(frame)
        if not frame.lost and (namespace == NAMESPACE or prefix == "numalint"):
            self._own(frame, shown, attributes)
        self._open.append(frame)

    def _end(self, _name: str) -> None:
        frame = self._open.pop()
        for each in frame.covered_by:
            each.last = self._count
        for each, _ in self._waiting:
            _refuse(each, "no element follows it", "put it in front of the element that it is to cover")
        self._waiting.clear()

    def _cover(self, frame: _Frame) -> None:
        """Let the comments that wait cover the element that starts here."""
        line, _ = self._here()
        for each, end in self._waiting:
            if end is not None and line > end:
                fault = "it stands behind something on its line"
                help = "put it on a line of its own in front of the element that it is to cover"
                _refuse(each, fault, help)
            each.first, each.element = frame.index, frame.path
            frame.covered_by.append(each)
        self._waiting.clear()

    def _own(self, frame: _Frame, shown: str, attributes: dict[str, str]) -> None:
        """An element of numalint's: a suppression, what holds several, or a slip."""
        parent, above = self._open[-1], self._open[-2]
        if above.name == "inactiveDomain":  # libvirt keeps it in a snapshot, beside the domain that is judged
            frame.lost = True
            return
        terms = self._terms(frame, parent, above, attributes)
        if terms is not None:
            domain = next((each for each in reversed(self._open) if each.name == "domain"), self._open[1])
            domain.covered_by.append(self._keep(terms, domain, f"<{shown}", 1, len(shown) + 1))
            frame.lost = True

    def _terms(self, frame: _Frame, parent: _Frame, above: _Frame, attributes: dict[str, str]) -> Terms | None:
        """What an element says; None for one that only holds others."""
        if frame.namespace != NAMESPACE:
            return Terms(fault=f"its namespace {frame.namespace!r} is not numalint's", help=_HOLDER_HELP)
        inside = parent.namespace == NAMESPACE and parent.name == "suppressions"
        if not inside and (parent.name, above.name) != ("metadata", "domain"):
            return Terms(fault="it is not in the <metadata> of a domain", help=_HOLDER_HELP)
        if not inside and parent.has_own:
            fault = "libvirt keeps one element of numalint's in <metadata>, and this is the second"
            return Terms(fault=fault, help=_HOLDER_HELP)
        parent.has_own = True
        if frame.name == "ignore":
            return _parse_element(attributes)
        if frame.name == "suppressions" and not inside:
            return None
        return Terms(fault=f"there is no element {frame.name!r}", help=_HOLDER_HELP)
