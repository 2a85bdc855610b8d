"""Symbolic places to lines and columns, for what is reported and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from xml.parsers.expat import ExpatError

from numalint.engine.fingerprint import fingerprint
from numalint.engine.judge import Said
from numalint.loaders import xml
from numalint.loaders.document import Document
from numalint.model.place import Place
from numalint.model.report import Problem, RelatedSpan, Result, Span

_Spots = dict[Place, tuple[Span, str]]
"""The span of each place, and the path of its element."""


class Locator:
    """Finds the spans of places.

    ``files`` are the documents that something is reported of, ``at_hand`` some that were read; any other is read for it.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = dict(files)
        self.at_hand: dict[str, bytes] = {}
        self.problems: list[Problem] = []

    def results(self, said: list[Said]) -> list[Result]:
        """The findings with their spans. A file of some that has changed or is gone becomes a problem."""
        own = {each.finding.place.document for each in said}
        places: dict[str, set[Place]] = {}
        for each in said:
            for place in (each.finding.place, *(related.place for related in each.finding.related)):
                places.setdefault(place.document, set()).add(place)
        spots: _Spots = {}
        for document, wanted in sorted(places.items()):
            spots |= self._locate(document, wanted, vital=document in own)
        said = [each for each in said if each.finding.place in spots]
        return [_result(each, spots, print) for each, print in zip(said, _fingerprints(said, spots), strict=True)]

    def _locate(self, path: str, places: AbstractSet[Place], *, vital: bool) -> _Spots:
        """Where ``places`` are. ``vital``: without the file findings are lost, and not only places that are related to one."""
        try:
            data = self.read(path)
        except OSError as error:
            if vital:
                self._lost(path, f"it cannot be read a second time ({error.strerror}), and its findings are lost")
            return {}  # else a synthetic string, or a host file that went away: nothing to point at
        document = Document(path, data)
        try:
            if any(isinstance(place.locator, str) for place in places):
                from numalint.loaders.host import toml  # noqa: PLC0415  # as every format, when it is met

                return toml.locate(document, places)
            return xml.locate(document, places)
        except (ExpatError, IndexError) as error:
            self._lost(path, f"a second reading does not find its places ({error}): did it change since the first?")
            return {}

    def _lost(self, path: str, message: str) -> None:
        self.problems.append(Problem(kind="unreadable-file", message=message, path=path, help="run numalint again"))

    def read(self, path: str) -> bytes:
        """The bytes of a document, kept for the reporters. Raises OSError."""
        if path not in self.files:
            data = self.at_hand.pop(path, None)
            self.files[path] = Path(path).read_bytes() if data is None else data
        return self.files[path]


def _fingerprints(said: Iterable[Said], spots: _Spots) -> Iterator[str]:
    """A hash for each finding over what tells it from all others: no line, and no path of a file.

    That is the rule, what it is about (an element of a domain, or what a conflict is about) and the host. Of several
    findings on one element, those after the first are told by their number.
    """
    times: Counter[tuple[str, str]] = Counter()
    for each in said:
        place = each.finding.place
        element = spots[place][1] if each.element is None else each.element
        about = each.identity or f"{each.domain}\0{element}"
        identity = "\0".join((each.rule, about, "" if each.movable else each.host or ""))
        same = identity, "" if each.identity else place.document
        times[same] += 1
        number = f"\0{times[same]}" if times[same] > 1 else ""
        yield fingerprint(f"{identity}{number}")


def _result(said: Said, spots: _Spots, fingerprint: str) -> Result:
    finding = said.finding
    span, element = spots[finding.place]
    return Result(
        rule=said.rule,
        severity=said.severity,
        message=_message(said),
        label=finding.label,
        span=span,
        element=element,
        domain=said.domain,
        host=said.host,
        related=tuple(RelatedSpan(spots[each.place][0], each.label) for each in finding.related if each.place in spots),
        why=finding.why,
        help=finding.help,
        data=finding.data,
        also_on=said.also_on,
        others=said.others,
        fingerprint=fingerprint,
        suppressed=said.suppressed,
        suppressed_by=said.suppressed_by,
    )


def _message(said: Said) -> str:
    """A conflict names its domains itself; what is true on further hosts of a live-migration set says so."""
    whose = "" if said.others else f"{said.domain}: "
    hosts = f" (also on {', '.join(said.also_on)})" if said.also_on else ""
    return f"{whose}{said.finding.message}{hosts}"
