"""Symbolic places to lines and columns, for what is reported and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from xml.parsers.expat import ExpatError

from numalint.engine.judge import Said
from numalint.loaders import xml
from numalint.loaders.document import Document
from numalint.loaders.host import toml as host_toml
from numalint.model.place import Place
from numalint.model.report import Problem, RelatedSpan, Result, Span


class Locator:
    """Finds the spans of places, reading each document once more."""

    def __init__(self, kept: dict[str, bytes]) -> None:
        self.files = dict(kept)
        self.problems: list[Problem] = []

    def results(self, said: list[Said]) -> list[Result]:
        """The findings with their spans. One whose file has changed or is gone becomes a problem."""
        places: dict[str, set[Place]] = {}
        for each in said:
            for place in (each.finding.place, *(related.place for related in each.finding.related)):
                places.setdefault(place.document, set()).add(place)
        spans: dict[Place, tuple[Span, str]] = {}
        for document, wanted in sorted(places.items()):
            spans.update(self._locate(document, wanted))
        return [_result(each, spans) for each in said if each.finding.place in spans]

    def _locate(self, path: str, places: Iterable[Place]) -> dict[Place, tuple[Span, str]]:
        try:
            data = self.read(path)
        except OSError:
            return {}  # a synthetic string, or a host file that went away: nothing to point at
        document = Document(path, data)
        in_toml = any(isinstance(place.locator, str) for place in places)
        try:
            return host_toml.locate(document, places) if in_toml else xml.locate(document, places)
        except (ExpatError, IndexError):
            message = "the file changed while it was being checked; run numalint again"
            self.problems.append(Problem(kind="unreadable-file", message=message, path=path))
            return {}

    def read(self, path: str) -> bytes:
        """The bytes of a document, kept for the reporters."""
        if path not in self.files:
            with open(path, "rb") as file:
                self.files[path] = file.read()
        return self.files[path]


def _result(said: Said, spans: dict[Place, tuple[Span, str]]) -> Result:
    finding = said.finding
    span, element = spans[finding.place]
    identity = "\0".join(
        (said.rule, said.identity or f"{said.domain}\0{element}", "" if said.movable else said.host or "")
    )
    return Result(
        rule=said.rule,
        severity=said.severity,
        message=_message(said),
        label=finding.label,
        span=span,
        element=element,
        domain=said.domain,
        host=said.host,
        related=tuple(RelatedSpan(spans[each.place][0], each.label) for each in finding.related if each.place in spans),
        why=finding.why,
        help=finding.help,
        data=finding.data,
        also_on=said.also_on,
        others=said.others,
        fingerprint=hashlib.sha256(identity.encode()).hexdigest()[:16],
        suppressed=said.suppressed,
        suppressed_by=said.suppressed_by,
    )


def _message(said: Said) -> str:
    """A conflict names its domains itself; what is true on further hosts of a live-migration set says so."""
    whose = "" if said.others else f"{said.domain}: "
    hosts = f" (also on {', '.join(said.also_on)})" if said.also_on else ""
    return f"{whose}{said.finding.message}{hosts}"
