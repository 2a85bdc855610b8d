"""Runs the rules on placements, and keeps what they said and what they could not say."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from numalint.engine.rule import Rule
from numalint.loaders import xml
from numalint.model.domain import Domain
from numalint.model.finding import Finding, NotJudged, Related, Severity
from numalint.model.host import Host
from numalint.model.placement import UNKNOWN_HOST, Placement
from numalint.model.report import Problem, Unjudged


class Said(msgspec.Struct, frozen=True):
    """A finding with whose it is: the rule, its severity, the domain's name and the host's."""

    rule: str
    severity: Severity
    finding: Finding
    domain: str
    host: str | None


class Judge:
    """Judges one placement after another by the same rules."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = list(rules)
        self.said: list[Said] = []
        self.problems: list[Problem] = []
        self._judged = 0
        self._able: dict[str, list[Rule]] = {}
        self._unable: dict[str, list[tuple[Rule, tuple[str, ...]]]] = {}
        self._unjudged: dict[tuple[str, str | None, tuple[str, ...]], tuple[set[int], set[str]]] = {}

    def judge(self, domain: Domain, host: Host | None) -> None:
        """Run every rule that the host has the facts for; the others are counted as not judged."""
        self._judged += 1
        placement = Placement(domain, host or UNKNOWN_HOST)
        name = None if host is None else host.name
        if placement.host.name not in self._able:
            self._sort_rules(placement.host)
        for rule, facts in self._unable[placement.host.name]:
            self._count(rule.id, name, facts, "")
        for rule in self._able[placement.host.name]:
            try:
                for each in rule.check(domain if rule.shape == "domain" else placement):
                    self._keep(rule, each, domain, name)
            except Exception as error:  # noqa: BLE001  # a rule may be anybody's, and the run goes on without it
                self.problems.append(_failed(rule, domain, error))

    def _sort_rules(self, host: Host) -> None:
        able: list[Rule] = []
        unable: list[tuple[Rule, tuple[str, ...]]] = []
        for rule in self.rules:
            lacking = rule.needs & host.unknown
            if lacking:
                unable.append((rule, tuple(sorted(fact.value for fact in lacking))))
            else:
                able.append(rule)
        self._able[host.name], self._unable[host.name] = able, unable

    def _keep(self, rule: Rule, each: Finding | NotJudged, domain: Domain, host: str | None) -> None:
        if isinstance(each, NotJudged):
            self._count(rule.id, host, (each.fact.value,), each.subject)
        else:
            self.said.append(Said(rule.id, each.severity or rule.severity, settled(each), domain.name, host))

    def _count(self, rule: str, host: str | None, facts: tuple[str, ...], subject: str) -> None:
        domains, subjects = self._unjudged.setdefault((rule, host, facts), (set(), set()))
        domains.add(self._judged)
        if subject:
            subjects.add(subject)

    @property
    def unjudged(self) -> tuple[Unjudged, ...]:
        """What was not judged, sorted by host, then rule."""
        return tuple(
            Unjudged(rule=rule, host=host, facts=facts, domains=len(domains), subjects=tuple(sorted(subjects)))
            for (rule, host, facts), (domains, subjects) in sorted(
                self._unjudged.items(), key=lambda item: (item[0][1] or "", item[0][0], item[0][2])
            )
        )


def settled(finding: Finding) -> Finding:
    """The finding with places that do not hold on to the domain's tree."""
    related = tuple(Related(xml.settled(each.place), each.label) for each in finding.related)
    return replace(finding, place=xml.settled(finding.place), related=related)


def _failed(rule: Rule, domain: Domain, error: Exception) -> Problem:
    return Problem(
        kind="rule-failed",
        message=f"rule {rule.id} failed on domain {domain.name}: {type(error).__name__}: {error}",
        path=domain.document,
        help=f"leave it out with --ignore {rule.id}, and report this to its author",
    )
