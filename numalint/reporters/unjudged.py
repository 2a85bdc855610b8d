"""What was not judged, in sentences, how the host facts that were lacking are stated, and what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from numalint.model.host import Fact
from numalint.model.report import Coverage, Unjudged

_SUBJECTS = 4
_CAPABILITIES = "virsh capabilities > capabilities.xml"
_NODEDEV = "virsh nodedev-dumpxml of each device that virsh nodedev-list names"
_SYSFS = "numalint topology capture on the host"

_STATED_BY: dict[Fact, str] = {
    Fact.NODES: _CAPABILITIES,
    Fact.SOCKETS: _CAPABILITIES,
    Fact.CORES: _CAPABILITIES,
    Fact.L3: f"{_CAPABILITIES}, or cores_per_l3 or [[l3]] in the host's TOML",
    Fact.MEMORY: f"{_CAPABILITIES}, or memory_per_node in the host's TOML",
    Fact.DISTANCES: f"{_CAPABILITIES}, or node_distance in the host's TOML",
    Fact.HUGEPAGES: f"{_CAPABILITIES}, or hugepages of each node in the host's TOML",
    Fact.HUGEPAGES_FREE: _SYSFS,
    Fact.PCI: f"{_NODEDEV}, or pci of each node in the host's TOML",
    Fact.PCI_NODE: f"{_NODEDEV}; where the firmware does not say, pci of each node in the host's TOML",
    Fact.NAMES: f"{_NODEDEV}, or the name after an address of pci in the host's TOML",
    Fact.ISOLATED: f"{_SYSFS}, or isolated under [cpus] in the host's TOML",
    Fact.OFFLINE: f"{_SYSFS}, or offline under [cpus] in the host's TOML",
    Fact.HOUSEKEEPING: "housekeeping under [cpus] in the host's TOML",
    Fact.IOMMU_GROUPS: f"{_NODEDEV}, or {_SYSFS}",
}


def count(number: int, noun: str) -> str:
    """``1 domain``, ``3 domains``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def sentences(unjudged: Iterable[Unjudged]) -> Iterator[str]:
    """One sentence for all that lacks a host, and one for each set of rules that lack the same of one host."""
    homeless: list[Unjudged] = []
    groups: dict[tuple[str, tuple[str, ...], int, tuple[str, ...]], list[str]] = {}
    for each in unjudged:
        if each.host is None:
            homeless.append(each)
        else:
            groups.setdefault((each.host, each.facts, each.domains, each.subjects), []).append(each.rule)
    if homeless:
        yield _without_host(homeless)
    for (host, facts, domains, subjects), rules in groups.items():
        yield f"not judged: {', '.join(rules)} on {host} ({_lacking(facts, subjects)}), {count(domains, 'domain')}"


def sentence(each: Unjudged) -> str:
    """What was not judged, by itself."""
    domains = count(each.domains, "domain")
    if each.host is None:
        return f"Rule {each.rule} needs a host and was not judged on {domains}."
    return f"Rule {each.rule} was not judged on {domains} of host {each.host} ({_lacking(each.facts, each.subjects)})."


def sources(unjudged: Iterable[Unjudged]) -> Iterator[str]:
    """How each fact that a host lacks is stated, one line a fact."""
    lacking = {fact for each in unjudged if each.host is not None for fact in each.facts}
    for fact, source in _STATED_BY.items():
        if fact.value in lacking:
            yield f"to know {fact.value}: {source}"


def left_out(coverage: Coverage, hint: str = "") -> Iterator[str]:
    """How many findings are none of the results, a sentence each for those that are suppressed and those known before.

    ``hint`` says how to see them, where that is so.
    """
    if coverage.suppressed:
        yield f"suppressed: {count(coverage.suppressed, 'finding')}{hint}"
    if coverage.known:
        were = "that was" if coverage.known == 1 else "that were"
        yield f"known: {count(coverage.known, 'finding')} {were} there before{hint}"


def _without_host(unjudged: list[Unjudged]) -> str:
    rules, domains = len({each.rule for each in unjudged}), max(each.domains for each in unjudged)
    need, were = ("needs", "was") if rules == 1 else ("need", "were")
    return (
        f"not judged: {count(rules, 'rule')} {need} a host and {were} not judged on {count(domains, 'domain')}; "
        "give one with --host FILE, numalint.toml, or a host file beside the domains"
    )


def _lacking(facts: tuple[str, ...], subjects: tuple[str, ...]) -> str:
    more = len(subjects) - _SUBJECTS
    shown = ", ".join(subjects[:_SUBJECTS]) + (f" and {more} more" if more > 0 else "")
    return f"{', '.join(facts)} unknown" + (f": {shown}" if shown else "")
