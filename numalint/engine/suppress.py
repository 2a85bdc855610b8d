"""Suppressions at work: which findings they cover, and what is wrong with the suppressions themselves.

A suppression covers findings of the rules that it names and no others, where it stands or where its globs say. One that
is over, covers nothing or cannot be read is a finding too, so that none outlives its reason.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date

import msgspec
from msgspec.structs import replace

from numalint.engine.condition import meets
from numalint.engine.fingerprint import fingerprint
from numalint.engine.judge import Said
from numalint.engine.notices import NOTICES, SUPPRESSION_EXPIRED, SUPPRESSION_MALFORMED, SUPPRESSION_UNUSED
from numalint.engine.policy import Policies
from numalint.engine.rule import Category
from numalint.engine.select import EVERYTHING
from numalint.loaders.config import IgnoreEntry, LoadedConfig
from numalint.loaders.config_check import refusal
from numalint.loaders.document import Document
from numalint.loaders.nearest_name import did_you_mean
from numalint.loaders.suppressions import Terms, Written, is_reason, read_suppressions
from numalint.loaders.xml import number_of
from numalint.model.domain import Domain
from numalint.model.finding import Finding
from numalint.model.place import Place
from numalint.model.report import Result

_TABLE = "ignore"
_MOST_NAMED = 3


class Suppressible(msgspec.Struct, frozen=True):
    """Every rule there is, and whether it may be suppressed.

    ``incomplete``: rules were left out (--no-local-rules), so that a name which is not there may be one of them.
    """

    rules: dict[str, bool]
    incomplete: bool = False

    def fault(self, names: Iterable[str]) -> tuple[str, str] | None:
        """What is wrong with the rules that a suppression names, and what to do; None where all may be suppressed."""
        for name in names:
            if name in NOTICES or self.rules.get(name) is False:
                return f"{name} may not be suppressed", "mend what it reports"
            if name == EVERYTHING or name in set(Category):
                return f"{name!r} is no rule", "name each rule: a suppression covers no more than it says"
            if name not in self.rules and not self.incomplete:
                return f"there is no rule {name!r}", did_you_mean(name, self.rules, "numalint rules lists them")
        return None


class Ran(msgspec.Struct, frozen=True):
    """What a run has judged, for whoever says that a suppression covers nothing.

    ``rules``: the shape of each rule that ran; ``policies``: which of them are for which domain; ``unjudged``: rules and
    hosts where a fact was lacking; ``hosts_of``: the hosts of a document, by name; ``parties``: rules and documents that
    share in a conflict; ``whole``: whether all domains of the hosts were looked at; ``all_of_config``: whether all that
    the configuration speaks of was.
    """

    rules: dict[str, str]
    policies: Policies
    unjudged: AbstractSet[tuple[str, str | None]]
    hosts_of: Callable[[str], Sequence[str]]
    parties: AbstractSet[tuple[str, str]]
    whole: bool
    all_of_config: bool

    def judged(self, rule: str, document: str, domain: str) -> bool:
        """Whether a rule has had its say on a domain, on each of its hosts."""
        hosts = self.hosts_of(document)
        for host in hosts or (None,):
            if (rule, host) in self.unjudged or not self.policies.of(document, domain, host).has(rule):
                return False
        if self.rules.get(rule) != "host":
            return rule in self.rules
        return self.whole and bool(hosts) and (rule, document) not in self.parties


class InFile(msgspec.Struct):
    """A suppression of a domain file. ``judged``: whether it covers a domain that could be."""

    written: Written
    domain: str
    judged: bool
    used: set[str] = set()


def suppressions_in(document: Document, domains: Sequence[Domain], suppressible: Suppressible) -> list[InFile]:
    """The suppressions in a file that has the word. Raises expat.ExpatError where it has changed."""
    roots = [(number_of(domain.place), domain) for domain in domains]
    found = []
    for written in read_suppressions(document):
        fault = None if written.terms.fault else suppressible.fault(written.terms.rules)
        if fault is not None:
            written.terms = Terms(written.terms.rules, fault=fault[0], help=fault[1])
        inside = [domain for index, domain in roots if written.first <= index <= written.last]
        around = [domain for index, domain in roots if index <= written.first][-1:]
        covered = inside or around or [domains[0]]
        judged = any(not domain.faults for domain in covered)
        found.append(InFile(written, covered[0].name, judged))
    return found


class _Entry(msgspec.Struct):
    """An ``[[ignore]]`` of the configuration with its number from 1, and the rules whose findings it met."""

    number: int
    entry: IgnoreEntry
    used: set[str] = set()


class Suppressor:
    """The suppressions of a run: those of numalint.toml, and those of each file that is read."""

    def __init__(self, config: LoadedConfig, suppressible: Suppressible, today: date) -> None:
        """Raises LoadError for an ``[[ignore]]`` that cannot be obeyed."""
        self._suppressible = suppressible
        self._today = today
        self._config = config
        self._spoken: set[tuple[str, str]] = set()
        self._files: dict[str, list[InFile]] = {}
        self._entries = [_Entry(number, entry) for number, entry in enumerate(config.config.ignore, 1)]
        self._by_rule: dict[str, list[_Entry]] = {}
        for each in self._entries:
            self._refuse(each)
            for rule in each.entry.rules:
                self._by_rule.setdefault(rule, []).append(each)

    def take_in(self, suppressions: Mapping[str, list[InFile]]) -> None:
        """The suppressions of files, by their paths."""
        self._files |= suppressions

    def apply(self, said: Iterable[Said]) -> tuple[list[Said], list[Said]]:
        """The findings that no suppression covers, and those that one does, with its reason."""
        kept: list[Said] = []
        hidden: list[Said] = []
        for each in said:
            in_file, entries = self._in_file(each), self._met(each)
            self._spoken.add((each.rule, each.finding.place.document))
            for used in (*(one.used for one in in_file), *(one.used for one in entries)):
                used.add(each.rule)
            entries = [one for one in entries if self._holds(one.entry.until)]
            if in_file:
                hidden.append(replace(each, suppressed=in_file[0].written.terms.reason, suppressed_by="source"))
            elif entries:
                hidden.append(replace(each, suppressed=entries[0].entry.reason, suppressed_by="configuration"))
            else:
                kept.append(each)
        return kept, hidden

    def results(self, ran: Ran) -> list[Result]:
        """What is wrong with the suppressions in files."""
        return [
            result for path, found in self._files.items() for each in found for result in self._wrong(each, path, ran)
        ]

    def said(self, ran: Ran) -> list[Said]:
        """What is wrong with those of the configuration."""
        return [said for each in self._entries for said in self._wrong_entry(each, ran)]

    def _holds(self, until: date | None) -> bool:
        return until is None or self._today <= until

    def _in_file(self, said: Said) -> list[InFile]:
        """The suppressions in its file that cover a finding, the innermost first."""
        place = said.finding.place
        found = [
            each
            for each in self._files.get(place.document, ())
            if said.rule in each.written.terms.rules
            and not each.written.terms.fault
            and self._holds(each.written.terms.until)
            and isinstance(place.locator, int)
            and each.written.first <= place.locator <= each.written.last
        ]
        return sorted(found, key=lambda each: -each.written.first)

    def _met(self, said: Said) -> list[_Entry]:
        """The entries whose globs a finding meets."""
        return [each for each in self._by_rule.get(said.rule, ()) if self._meets(said, each.entry)]

    def _meets(self, said: Said, entry: IgnoreEntry) -> bool:
        document, hosts = said.finding.place.document, (said.host, *said.also_on)
        return all(meets(entry, self._config, document, said.domain, host) for host in hosts)

    def _refuse(self, each: _Entry) -> None:
        entry = each.entry
        fault = self._suppressible.fault(entry.rules)
        if not entry.rules:
            fault = ("it names no rule", "list the rules that it covers")
        elif not is_reason(entry.reason):
            fault = ("it gives no reason", "say why the findings are accepted")
        if fault is not None:
            raise refusal(self._config, (_TABLE, each.number), *fault)

    def _wrong(self, each: InFile, path: str, ran: Ran) -> Iterator[Result]:
        terms = each.written.terms
        if terms.fault:
            yield _result(each, _malformed(terms))
        elif not self._holds(terms.until):
            yield _result(each, _expired(terms.rules, terms.until, terms.reason))
        elif each.judged:
            unused = [rule for rule in terms.rules if rule not in each.used and ran.judged(rule, path, each.domain)]
            if unused:
                elsewhere = any((rule, path) in self._spoken for rule in unused)
                yield _result(each, _unused(terms.rules, unused, elsewhere=elsewhere))

    def _wrong_entry(self, each: _Entry, ran: Ran) -> Iterator[Said]:
        entry = each.entry
        place = self._config.places[_TABLE, each.number]
        if not self._holds(entry.until):
            if not (each.used or ran.all_of_config):
                return
            owner = f" ({entry.owner})" if entry.owner else ""
            yield _said(each, place, _expired(entry.rules, entry.until, entry.reason + owner))
        elif ran.all_of_config:
            lacking = {rule for rule, _ in ran.unjudged}
            unused = [rule for rule in entry.rules if rule in ran.rules and rule not in each.used | lacking]
            if unused:
                yield _said(each, place, _unused(entry.rules, unused, elsewhere=False))


class _Notice(msgspec.Struct, frozen=True):
    """What is wrong with a suppression."""

    rule: str
    message: str
    label: str
    why: str
    help: str


def _malformed(terms: Terms) -> _Notice:
    message = f"this suppression is void: {terms.fault}"
    why = "what it was meant to cover is reported as if it were not there"
    return _Notice(SUPPRESSION_MALFORMED, message, terms.fault, why, terms.help)


def _expired(rules: Sequence[str], until: date | None, reason: str) -> _Notice:
    message = f"the suppression of {_names(rules)} ended with {until}"
    why = f"what it covered was accepted only till then: {reason}"
    help = "mend what it covers, or give it a new date if the reason still holds"
    return _Notice(SUPPRESSION_EXPIRED, message, f"its last day was {until}", why, help)


def _unused(rules: Sequence[str], unused: Sequence[str], *, elsewhere: bool) -> _Notice:
    """``elsewhere``: the rule has a finding in the same file."""
    message = f"the suppression of {_names(unused)} covers no finding"
    why = "a suppression that outlives its defect hides the next one"
    help = "remove it" if len(unused) == len(rules) else f"take {_names(unused)} out of it"
    help += ", or put it in front of the element that the finding points at" if elsewhere else ""
    label = "the finding is elsewhere in this file" if elsewhere else "nothing is left for it to cover"
    return _Notice(SUPPRESSION_UNUSED, message, label, why, help)


def _names(rules: Sequence[str]) -> str:
    more = len(rules) - _MOST_NAMED
    return ", ".join(rules[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _result(each: InFile, notice: _Notice) -> Result:
    written = each.written
    identity = "\0".join((notice.rule, each.domain, written.element, *written.terms.rules))
    return Result(
        rule=notice.rule,
        severity=NOTICES[notice.rule].level,
        message=f"{each.domain}: {notice.message}",
        label=notice.label,
        span=written.span,
        element=written.element or "/",
        domain=each.domain,
        why=notice.why,
        help=notice.help,
        fingerprint=fingerprint(identity),
    )


def _said(each: _Entry, place: Place, notice: _Notice) -> Said:
    finding = Finding(place, notice.message, notice.label, why=notice.why, help=notice.help)
    globs = (each.entry.domain or "", each.entry.host or "", each.entry.path or "")
    identity = "\0".join((*each.entry.rules, *globs))
    return Said(notice.rule, NOTICES[notice.rule].level, finding, os.path.basename(place.document), None, identity)
