"""Reads files and judges the domains in them: what a run does file by file, in one process or in several."""

from __future__ import annotations

import os
from collections.abc import Iterable
from xml.parsers.expat import ExpatError

import msgspec
from msgspec.structs import replace

from numalint.engine.judge import Judge, Said, UnjudgedCounts
from numalint.engine.refused import faults, malformed
from numalint.engine.request import Request
from numalint.engine.suppress import InFile, suppressions_in
from numalint.engine.world import Kind, Sniffer, World
from numalint.loaders.document import Document, LoadError
from numalint.loaders.domain import load_domains
from numalint.loaders.suppressions import WORD
from numalint.model.claim import Claim, claim_of
from numalint.model.domain import Domain
from numalint.model.placement import Placement
from numalint.model.report import Problem, Result

Files = Iterable[tuple[str, bool]]
"""Files in order, each with whether it was named on the command line."""


class Examined(msgspec.Struct):
    """What the files of a run, or of a part of it, have shown, each in the order of the files.

    ``said`` is what the rules said, ``faulty`` what is wrong with domains that libvirt refuses, of which there are
    ``refused``; ``malformed`` are files that cannot be read. ``files`` are the bytes of those that have any of these, or
    suppressions. ``read`` are the files that have domains, ``claims`` what these claim: the file, which of its hosts, the
    claim. ``documents`` are the files of each domain, by its name, ``host_files`` those that describe a host. ``overrides``
    are the numbers of those that were about something.
    """

    said: list[Said] = []
    faulty: list[Said] = []
    malformed: list[Result] = []
    files: dict[str, bytes] = {}
    problems: list[Problem] = []
    rules_failed: list[Problem] = []
    unjudged: UnjudgedCounts = {}
    suppressions: dict[str, list[InFile]] = {}
    read: list[str] = []
    claims: list[tuple[str, int, Claim]] = []
    documents: dict[str, set[str]] = {}
    host_files: list[str] = []
    overrides: set[int] = set()
    domains: int = 0
    refused: int = 0
    without_host: int = 0
    passed_over: dict[str, int] = {}


def add_counted(counts: dict[str, int], more: dict[str, int]) -> None:
    for name, number in more.items():
        counts[name] = counts.get(name, 0) + number


class Examiner:
    """Examines one file after the other."""

    def __init__(self, request: Request, sniffer: Sniffer, world: World) -> None:
        self.found = Examined()
        self._request = request
        self._sniffer = sniffer
        self._world = world
        self._judge = Judge(request.policies)

    def examine(self, files: Files) -> Examined:
        """What the files show."""
        for path, named in files:
            self._file(path, named=named)
        found, judge = self.found, self._judge
        found.said, found.rules_failed, found.unjudged = judge.said, judge.problems, judge.counts
        found.overrides = self._request.policies.used
        return found

    def claims(self, path: str) -> None:
        """Take in what the domains of a file claim, and nothing else of it."""
        try:
            kind, data = self._read(path)
            domains = load_domains(Document(path, data)) if kind.domain else []
        except (OSError, LoadError) as error:
            said = error.strerror if isinstance(error, OSError) else error.message
            message = f"what it claims of its host is not known, for it cannot be read: {said}"
            self.found.problems.append(Problem(kind="unreadable-file", message=message, path=path))
            return
        for number, domain in enumerate(domains):
            if not domain.faults:
                self._claim(path, number, [Placement(domain, each.host) for each in self._world.hosts_of(path)])

    def _file(self, path: str, *, named: bool) -> None:
        try:
            kind, data = self._read(path)
        except OSError as error:
            message = f"the file cannot be read: {error.strerror}"
            self.found.problems.append(Problem(kind="unreadable-file", message=message, path=path))
            return
        if not kind.domain:
            self._other(path, kind, named=named)
            return
        try:
            domains = load_domains(Document(path, data))
        except LoadError as error:
            self.found.files[path] = data
            self.found.malformed.append(malformed(error, data))
            return
        if not domains:
            self._other(path, kind, named=named)
        told = len(self._judge.said) + len(self.found.faulty)
        for number, domain in enumerate(domains):
            self._domain(domain, path, number)
        if len(self._judge.said) + len(self.found.faulty) > told:
            self.found.files[path] = data
        if domains and self._request.suppressible is not None and WORD in data:
            self._suppressions(Document(path, data), domains)

    def _read(self, path: str) -> tuple[Kind, bytes]:
        """What a file is, and its bytes where it holds domains."""
        given = self._request.given.get(path)
        if given is not None:
            return self._sniffer.kind_of(given), given
        return self._sniffer.read(path)

    def _suppressions(self, document: Document, domains: list[Domain]) -> None:
        assert self._request.suppressible is not None
        try:
            found = suppressions_in(document, domains, self._request.suppressible)
            self.found.suppressions[document.path] = found
            self.found.files[document.path] = document.data
        except (ExpatError, IndexError) as error:  # lines that end in a carriage return alone
            message = f"the suppressions in it cannot be read: {error}"
            self.found.problems.append(Problem(kind="unreadable-file", message=message, path=document.path))

    def _domain(self, domain: Domain, path: str, number: int) -> None:
        found = self.found
        if domain.faults:
            found.refused += 1
            explained = self._judge.explain_faults(domain)
            found.faulty += (*explained, *faults(domain, {each.rule for each in explained}))
            return
        assigned = self._world.hosts_of(path)
        if self._request.libvirt != domain.libvirt:
            domain = replace(domain, libvirt=self._request.libvirt)
        found.domains += 1
        found.without_host += not assigned
        if found.read[-1:] != [path]:
            found.read.append(path)
        if self._request.known:
            found.documents.setdefault(domain.name, set()).add(path)
        self._claim(path, number, self._judge.judge(domain, [each.host for each in assigned]))

    def _claim(self, path: str, number: int, placements: list[Placement]) -> None:
        """Keep what a domain claims of the hosts that it is at home on."""
        if self._judge.judges_fleets:
            for at, each in enumerate(self._world.hosts_of(path)):
                if each.home:
                    self.found.claims.append((path, at, claim_of(placements[at], number)))

    def _other(self, path: str, kind: Kind, *, named: bool) -> None:
        if kind.format is None and named:
            message = f"it is no libvirt domain and no host file that numalint knows: {self._what(path, kind)}"
            self.found.problems.append(Problem(kind="not-ours", message=message, path=path))
        elif kind.format is None and path.lower().endswith(".xml"):
            element = "domain of another program" if kind.head.element == "domain" else kind.head.element or "none"
            add_counted(self.found.passed_over, {element: 1})
        elif kind.format is not None and not kind.format.partial and path not in self._request.given:
            self.found.host_files.append(path)

    def _what(self, path: str, kind: Kind) -> str:
        """What a file is that was named and is none of ours."""
        element = kind.head.element
        if element == "domain":
            return "its first element is a <domain>, but not libvirt's, which has a type and no namespace"
        if element:
            return f"its first element is <{element}>"
        given = self._request.given.get(path)
        empty = given == b"" if given is not None else os.path.getsize(path) == 0
        return "it is empty" if empty else "it does not start with an XML element"
