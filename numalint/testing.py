"""Runs the examples in a rule's page: they are the rule's tests, and its documentation cannot lie.

Public, so that a pack of rules tests itself with it::

    @pytest.mark.parametrize("example", examples(my_pack.numalint_rules()), ids=str)
    def test_example(example):
        example.run()
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from numalint.engine.fleets import Fleets, Reporting
from numalint.engine.page import Example, Mark, read_page
from numalint.engine.rule import Rule
from numalint.loaders.document import Document
from numalint.loaders.domain import load_domains
from numalint.loaders.host.inputs import host_from_text
from numalint.loaders.xml import locate
from numalint.model.claim import Conflict, claim_of
from numalint.model.domain import Domain
from numalint.model.finding import Finding
from numalint.model.fleet import Fleet
from numalint.model.host import Host
from numalint.model.placement import UNKNOWN_HOST, Placement


class RuleExample(msgspec.Struct, frozen=True):
    """The example number ``number`` (from 1) of a rule's page."""

    rule: Rule
    number: int
    example: Example

    def __str__(self) -> str:
        return f"{self.rule.id}-{'bad' if self.example.bad else 'good'}-{self.number}"

    def run(self) -> None:
        """Raises AssertionError where the rule does not say what the page says."""
        host = read_host(self.example.host)
        if self.rule.shape == "host":
            found = list(fleet_findings(self.rule, self.example.domain, host))
        else:
            found = list(findings(self.rule, read_domain(self.example.domain, self.rule.id), host))
        if not self.example.bad:
            assert not found, f"{self}: a Good example, yet: {found[0].message}"
            return
        assert found, f"{self}: a Bad example, and the rule says nothing"
        assert self._main_marks(), f"{self}: a Bad example needs a line with ^^^ under the place"
        for finding, mark in zip(found, self._main_marks(), strict=True):
            self._compare(finding, mark)
        expected = self.example.severity or self.rule.severity
        said = [finding.severity or self.rule.severity for finding in found]
        assert set(said) == {expected}, f"{self}: severity is {', '.join(said)}, the page says {expected}"

    def _main_marks(self) -> list[Mark]:
        return [mark for mark in self.example.marks if mark.main]

    def _compare(self, finding: Finding, mark: Mark) -> None:
        document = Document(DOCUMENT, self.example.domain.encode())
        own = [each for each in finding.related if each.place.document == DOCUMENT]
        spans = locate(document, [finding.place, *(each.place for each in own)])
        _assert_mark(f"{self}", mark, spans[finding.place][0], finding.label)
        related = [each for each in self.example.marks if not each.main]
        for expected in related:
            at = [each for each in own if spans[each.place][0].line == expected.line]
            assert at, f"{self}: no related place in line {expected.line} ({expected.text})"
            _assert_mark(f"{self}", expected, spans[at[0].place][0], at[0].label)


DOCUMENT = "example.xml"


def _assert_mark(name: str, mark: Mark, span: object, label: str) -> None:
    at = (mark.line, mark.column, mark.end_column)
    found = (getattr(span, "line", 0), getattr(span, "column", 0), getattr(span, "end_column", 0))
    assert found == at, f"{name}: it points at line, columns {found}, the page at {at}: {label}"
    assert label.startswith(mark.text), f"{name}: it says {label!r}, the page {mark.text!r}"


def examples(rules: Iterable[Rule]) -> Iterator[RuleExample]:
    """Every example of every page."""
    for rule in rules:
        for number, example in enumerate(read_page(rule.page).examples, 1):
            yield RuleExample(rule, number, example)


def what_is_missing(rule: Rule) -> str:
    """What the page of a rule lacks, in a sentence; empty where it has all that a page must have."""
    page = read_page(rule.page)
    kinds = {example.bad for example in page.examples}
    lacking = [word for word, bad in (("a Bad example", True), ("a Good example", False)) if bad not in kinds]
    lacking += [f"{title}:" for title in ("Fix", "When to ignore it", "Sources") if title not in page.sections]
    lacking += [] if page.why else ["a paragraph that says why it hurts"]
    return f"{rule.id}: its page has no {', no '.join(lacking)}" if lacking else ""


def findings(rule: Rule, domain: Domain, host: Host = UNKNOWN_HOST) -> Iterator[Finding]:
    """What a rule says of a domain on a host, called as the engine calls it.

    Nothing where the host lacks a fact that the rule needs, or the domain a trait that it is about.
    """
    placement = Placement(domain, host)
    if rule.needs & host.unknown or rule.when & ~placement.traits:
        return
    subject = domain if rule.shape == "domain" else placement
    for said in rule.check(subject):
        if isinstance(said, Finding):
            yield said


def fleet_findings(rule: Rule, text: str, host: Host) -> Iterator[Finding]:
    """What a rule says of the domains in a text, one after another, that are on a host together."""
    if rule.needs & host.unknown:
        return
    fleets = Fleets()
    for number, domain in enumerate(load_domains(Document(DOCUMENT, text.encode()))):
        assert not domain.faults, domain.faults[0].message
        fleets.add(host, claim_of(Placement(domain, host), number))
    reporting = Reporting(lambda _path: text.encode())
    for fleet in fleets.fleets(Fleet):
        for each in rule.check(fleet):
            reported = reporting.reported(each, fleet, None) if isinstance(each, Conflict) else None
            if reported is not None:
                yield reported.finding


def read_domain(text: str, rule: str = "") -> Domain:
    """The domain in a text.

    Raises LoadError, or AssertionError where libvirt would refuse to read one of its values, unless ``rule`` is the one
    that says so.
    """
    domain = load_domains(Document(DOCUMENT, text.encode()))[0]
    strange = [fault.message for fault in domain.faults if fault.rule != rule]
    assert not strange, strange[0]
    return domain


def read_host(text: str) -> Host:
    """The host that a synthetic string or numalint's TOML describes; of the empty text nothing is known."""
    return host_from_text(text) if text and text != "none" else UNKNOWN_HOST
