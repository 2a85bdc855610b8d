"""Runs the rules on placements, and keeps what they said and what they could not say."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import msgspec
from msgspec.structs import replace

from numalint.engine.fleets import Reporting
from numalint.engine.rule import Rule
from numalint.loaders import xml
from numalint.model.claim import Conflict
from numalint.model.domain import Domain, Trait
from numalint.model.finding import Finding, NotJudged, Related, Severity
from numalint.model.fleet import Fleet
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
    identity: str = ""
    """What tells a conflict of several domains from others; empty where the element and the domain do."""
    others: tuple[str, ...] = ()
    """The files of the other domains in a conflict."""
    suppressed: str | None = None
    suppressed_by: str = ""
    """The reason of the suppression that covers it, and where that stands: source or configuration."""


class _Plan(msgspec.Struct, frozen=True):
    """What to do with a domain of some traits on a host."""

    able: list[Rule]
    unable: list[tuple[Rule, tuple[str, ...]]]


class Judge:
    """Judges one placement after another by the same rules."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = [rule for rule in rules if rule.shape != "host"]
        self.host_rules = [rule for rule in rules if rule.shape == "host"]
        self.said: list[Said] = []
        self.problems: list[Problem] = []
        self._judged = 0
        self._plans: dict[tuple[int, Trait], _Plan] = {}
        self._unjudged: dict[tuple[str, str | None, tuple[str, ...]], tuple[set[int], set[str]]] = {}

    def judge(self, domain: Domain, host: Host | None) -> Placement:
        """Run every rule that the host has the facts for; the others are counted as not judged. Returns the placement."""
        self._judged += 1
        placement = Placement(domain, host or UNKNOWN_HOST)
        name = None if host is None else host.name
        key = (id(placement.host), domain.traits)  # two hosts may have one name
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._plan(placement.host, domain.traits)
        for rule, facts in plan.unable:
            self._count(rule.id, name, facts, "")
        for rule in plan.able:
            try:
                for each in rule.check(domain if rule.shape == "domain" else placement):
                    self._keep(rule, each, domain, name)
            except Exception as error:  # noqa: BLE001  # a rule may be anybody's, and the run goes on without it
                self.problems.append(_failed(rule, f"domain {domain.name}", domain.document, error))
        return placement

    def judge_fleet(self, fleet: Fleet, reporting: Reporting, focus: AbstractSet[str] | None) -> None:
        """Run the rules about all domains of a host; what touches no document of the ``focus`` is not kept."""
        for rule in self.host_rules:
            lacking = rule.needs & fleet.host.unknown
            if lacking:
                self._count_fleet(rule, fleet, tuple(sorted(fact.value for fact in lacking)), "")
                continue
            try:
                for each in rule.check(fleet):
                    if isinstance(each, NotJudged):
                        self._count_fleet(rule, fleet, (each.fact.value,), each.subject)
                    elif isinstance(each, Conflict):
                        self._keep_conflict(rule, each, fleet, reporting, focus)
            except Exception as error:  # noqa: BLE001  # a rule may be anybody's, and the run goes on without it
                self.problems.append(_failed(rule, f"host {fleet.host.name}", None, error))

    def _keep_conflict(
        self, rule: Rule, conflict: Conflict, fleet: Fleet, reporting: Reporting, focus: AbstractSet[str] | None
    ) -> None:
        found = reporting.reported(conflict, fleet, focus)
        if found is not None:
            severity = conflict.severity or rule.severity
            name, host, finding = found.claim.domain, fleet.host.name, settled(found.finding)
            self.said.append(Said(rule.id, severity, finding, name, host, found.identity, found.others))

    def _count_fleet(self, rule: Rule, fleet: Fleet, facts: tuple[str, ...], subject: str) -> None:
        domains, subjects = self._unjudged.setdefault((rule.id, fleet.host.name, facts), (set(), set()))
        domains.update(range(len(fleet.claims)))
        subjects.update([subject] if subject else [])

    def explain_faults(self, domain: Domain) -> list[Said]:
        """What the rules say whose pages explain the faults of a domain that cannot be judged further.

        It is kept apart from what is said of others, for no suppression covers it.
        """
        wanted = {fault.rule for fault in domain.faults}
        rules = [rule for rule in self.rules if rule.id in wanted]
        before = len(self.said)
        for rule in rules:
            for each in rule.check(domain):
                self._keep(rule, each, domain, None)
        said = self.said[before:]
        del self.said[before:]
        return said

    def _plan(self, host: Host, traits: Trait) -> _Plan:
        """The rules for a domain of these traits on a host: those that can be judged, and those that lack facts."""
        able: list[Rule] = []
        unable: list[tuple[Rule, tuple[str, ...]]] = []
        for rule in self.rules:
            if rule.when & ~traits:
                continue
            lacking = rule.needs & host.unknown
            if lacking:
                unable.append((rule, tuple(sorted(fact.value for fact in lacking))))
            else:
                able.append(rule)
        return _Plan(able, unable)

    def _keep(self, rule: Rule, each: Finding | Conflict | NotJudged, domain: Domain, host: str | None) -> None:
        if isinstance(each, NotJudged):
            self._count(rule.id, host, (each.fact.value,), each.subject)
        elif isinstance(each, Finding):
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


def _failed(rule: Rule, subject: str, path: str | None, error: Exception) -> Problem:
    return Problem(
        kind="rule-failed",
        message=f"rule {rule.id} failed on {subject}: {type(error).__name__}: {error}",
        path=path,
        help=f"leave it out with --ignore {rule.id}, and report this to its author",
    )
