"""Runs the rules on placements, and keeps what they said and what they could not say."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple, NoReturn

import msgspec
from msgspec.structs import replace

from numalint.engine.fleets import Reporting
from numalint.engine.policy import Policies, Policy
from numalint.engine.rule import Rule
from numalint.loaders import xml
from numalint.loaders.identity import identity
from numalint.model.claim import Conflict
from numalint.model.domain import Domain, Trait
from numalint.model.finding import Finding, NotJudged, Related, Severity
from numalint.model.fleet import Fleet
from numalint.model.host import Host
from numalint.model.placement import UNKNOWN_HOST, Placement
from numalint.model.report import Problem, Unjudged


class Said(msgspec.Struct, frozen=True):
    """A finding with whose it is: the rule, its severity, the domain's name and the host's.

    ``also_on`` are further hosts of a live-migration set that it is true of; ``movable`` tells that the domain has such
    a set, so that the finding is the same whatever the host.
    """

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
    """The reason of the suppression that covers it, and where that stands: source, configuration or baseline."""
    also_on: tuple[str, ...] = ()
    movable: bool = False
    element: str | None = None
    """What tells the element that the finding is about from others of the domain; None where the place does."""


class _Plan(msgspec.Struct, frozen=True):
    """What to do with a domain of some traits on a host."""

    able: list[Rule]
    unable: list[tuple[Rule, tuple[str, ...]]]


class UnjudgedCount(msgspec.Struct):
    """On how many domains a rule was not judged, the number of the last one, and what that was about."""

    domains: int = 0
    last: int = 0
    subjects: set[str] = set()


UnjudgedCounts = dict[tuple[str, str | None, tuple[str, ...]], UnjudgedCount]
"""By the rule, the host, and the facts that were lacking."""


def add_counts(counts: UnjudgedCounts, more: UnjudgedCounts) -> None:
    """Add the counts of other domains."""
    for key, each in more.items():
        known = counts.setdefault(key, UnjudgedCount())
        known.domains += each.domains
        known.subjects |= each.subjects


class _Whose(NamedTuple):
    """The domain that is judged, the name of the host that it is on, and the policy for it there."""

    domain: Domain
    host: str | None
    policy: Policy


class Judge:
    """Judges one placement after another by the rules that the policies of the run give it."""

    def __init__(self, policies: Policies) -> None:
        self.said: list[Said] = []
        self.problems: list[Problem] = []
        self.judges_fleets = any(rule.shape == "host" for rule in policies.rules)
        self._of_domains = {rule.id for rule in policies.rules if rule.shape == "domain"}
        self._policies = policies
        self._judged = 0
        self._plans: dict[tuple[int, Trait, int], _Plan] = {}
        self.counts: UnjudgedCounts = {}

    def judge(self, domain: Domain, hosts: Sequence[Host]) -> list[Placement]:
        """Run every rule that the hosts have the facts for; the others are counted as not judged. Returns the placements.

        Without hosts it is judged on one of which nothing is known. What is said alike of several hosts is said once.
        """
        self._judged += 1
        placements = [Placement(domain, host) for host in hosts or (UNKNOWN_HOST,)]
        said = [self._judge(placement) for placement in placements]
        self.said += said[0] if len(said) == 1 else _once(said, self._of_domains)
        return placements

    def _judge(self, placement: Placement) -> list[Said]:
        domain, host = placement.domain, placement.host
        name = None if host is UNKNOWN_HOST else host.name
        policy = self._policies.of(domain.document, domain.name, name)
        whose = _Whose(domain, name, policy)
        key = (id(host), placement.traits, id(policy))  # two hosts may have one name
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = _plan(policy.rules, host, placement.traits)
        for rule, facts in plan.unable:
            self._count(rule.id, name, facts, "")
        said: list[Said] = []
        for rule in plan.able:
            try:
                for each in rule.check(domain if rule.shape == "domain" else placement):
                    self._keep(rule, each, whose, said)
            except (Exception, SystemExit) as error:  # noqa: BLE001  # a rule may be anybody's, and the run goes on without it
                self.problems.append(_failed(rule, f"domain {domain.name}", domain.document, error))
        return said

    def judge_fleet(self, fleet: Fleet, reporting: Reporting, focus: AbstractSet[str] | None) -> None:
        """Run the rules about all domains of a host; what touches no document of the ``focus`` is not kept."""
        for rule in self._policies.of_host(fleet.host.name).rules:
            if rule.shape != "host":
                continue
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
                    else:
                        _refuse(each)
            except (Exception, SystemExit) as error:  # noqa: BLE001  # as above
                self.problems.append(_failed(rule, f"host {fleet.host.name}", None, error))

    def _keep_conflict(
        self, rule: Rule, conflict: Conflict, fleet: Fleet, reporting: Reporting, focus: AbstractSet[str] | None
    ) -> None:
        """Keep a conflict that is in the focus, unless overrides leave its rule out for each of its parties."""
        host = fleet.host.name
        policies = [self._policies.of(each.claim.document, each.claim.domain, host) for each in conflict.parties]
        policies = [policy for policy in policies if policy.has(rule.id)]
        found = reporting.reported(conflict, fleet, focus) if policies else None
        if found is not None:
            severity = max((each.severity(rule, conflict.severity) for each in policies), key=lambda each: each.rank)
            name, finding = found.claim.domain, settled(_sound(found.finding))
            self.said.append(Said(rule.id, severity, finding, name, host, found.identity, found.others))

    def _count_fleet(self, rule: Rule, fleet: Fleet, facts: tuple[str, ...], subject: str) -> None:
        known = self.counts.setdefault((rule.id, fleet.host.name, facts), UnjudgedCount())
        known.domains = max(known.domains, len(fleet.claims))  # a rule may say it of each domain, and this counts all
        known.subjects.update([subject] if subject else [])

    def take_in(self, said: Sequence[Said], problems: Sequence[Problem], counts: UnjudgedCounts) -> None:
        """What another one has judged of other domains."""
        self.said += said
        self.problems += problems
        add_counts(self.counts, counts)

    def explain_faults(self, domain: Domain) -> list[Said]:
        """What the rules say whose pages explain the faults of a domain that cannot be judged further.

        It is kept apart from what is said of others, for no suppression covers it.
        """
        wanted = {fault.rule for fault in domain.faults}
        whose = _Whose(domain, None, self._policies.of(domain.document, domain.name, None))
        said: list[Said] = []
        for rule in whose.policy.rules:
            if rule.id in wanted:
                try:
                    for each in rule.check(domain):
                        self._keep(rule, each, whose, said)
                except (Exception, SystemExit) as error:  # noqa: BLE001  # as above
                    self.problems.append(_failed(rule, f"domain {domain.name}", domain.document, error))
        return said

    def _keep(self, rule: Rule, each: Finding | Conflict | NotJudged, whose: _Whose, said: list[Said]) -> None:
        if isinstance(each, NotJudged):
            self._count(rule.id, whose.host, (each.fact.value,), each.subject)
        elif isinstance(each, Finding):
            severity = whose.policy.severity(rule, each.severity)
            said.append(kept(Said(rule.id, severity, _sound(each), whose.domain.name, whose.host)))
        else:
            _refuse(each)

    def _count(self, rule: str, host: str | None, facts: tuple[str, ...], subject: str) -> None:
        known = self.counts.setdefault((rule, host, facts), UnjudgedCount())
        known.domains += known.last != self._judged
        known.last = self._judged
        if subject:
            known.subjects.add(subject)

    @property
    def unjudged(self) -> tuple[Unjudged, ...]:
        """What was not judged, sorted by host, then rule."""
        return tuple(
            Unjudged(rule=rule, host=host, facts=facts, domains=known.domains, subjects=tuple(sorted(known.subjects)))
            for (rule, host, facts), known in sorted(
                self.counts.items(), key=lambda item: (item[0][1] or "", item[0][0], item[0][2])
            )
        )


def _plan(rules: Sequence[Rule], host: Host, traits: Trait) -> _Plan:
    """What to do with a domain of these traits on a host: the rules that can be judged, and those that lack facts."""
    able: list[Rule] = []
    unable: list[tuple[Rule, tuple[str, ...]]] = []
    for rule in rules:
        if rule.shape == "host" or rule.when & ~traits:
            continue
        lacking = rule.needs & host.unknown
        if lacking:
            unable.append((rule, tuple(sorted(fact.value for fact in lacking))))
        else:
            able.append(rule)
    return _Plan(able, unable)


def _once(of_hosts: Sequence[Sequence[Said]], of_domains: AbstractSet[str]) -> list[Said]:
    """What is said of a domain on each host of a live-migration set; what is said of several of them, once.

    It is said as of the host where it is gravest, of equals the first. ``of_domains`` are the rules that know no host.
    """
    groups: dict[tuple[object, ...], list[Said]] = {}
    for said in of_hosts:
        times: dict[tuple[object, ...], int] = {}
        for each in said:
            what = (each.rule, each.finding.place)
            times[what] = times.get(what, 0) + 1
            groups.setdefault((*what, times[what]), []).append(each)
    made = []
    for group in groups.values():
        main = max(group, key=lambda each: each.severity.rank)
        others = [] if main.rule in of_domains else [each.host for each in group if each is not main and each.host]
        made.append(replace(main, also_on=tuple(others), movable=True))
    return made


def kept(said: Said) -> Said:
    """What was said, with what tells its element from others, and no hold on the domain's tree."""
    at = said.finding.place.locator
    element = identity(at) if isinstance(at, xml.Element) else None
    return replace(said, finding=settled(said.finding), element=element)


def settled(finding: Finding) -> Finding:
    """The finding with places that do not hold on to the domain's tree."""
    related = tuple(Related(xml.settled(each.place), each.label) for each in finding.related)
    return replace(finding, place=xml.settled(finding.place), related=related)


def _sound(finding: Finding) -> Finding:
    """The finding, if reports can write what is in it. Raises TypeError."""
    texts: tuple[object, ...] = (finding.message, finding.label, finding.why, finding.help)
    if not all(isinstance(each, str) for each in texts):
        raise TypeError(f"message, label, why and help of a Finding are texts, and not {texts!r}")
    severity: object = finding.severity
    if not isinstance(severity, Severity | None):
        raise TypeError(f"the severity of a Finding is a Severity or None, and not {severity!r}")
    if not all(isinstance(each, str | int) for each in finding.data.values()):
        raise TypeError(f"the data of a Finding are texts and whole numbers, and not {finding.data!r}")
    return finding


def _refuse(each: object) -> NoReturn:
    """Raises TypeError for what a rule yields that means nothing here: passed over, it would be seen by nobody."""
    raise TypeError(f"it yields {each!r}, and not a Finding (of a host_rule a Conflict) or a NotJudged")


def _failed(rule: Rule, subject: str, path: str | None, error: BaseException) -> Problem:
    return Problem(
        kind="rule-failed",
        message=f"rule {rule.id} failed on {subject}: {type(error).__name__}: {error}",
        path=path,
        help=f"leave it out with --ignore {rule.id}, and report this to its author",
    )
