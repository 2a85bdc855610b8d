"""What holds for every rule, whoever wrote it; the checks are those that ``numalint rules test`` runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from numalint import Category, Fact, Finding, Placement, Severity, placement_rule
from numalint.engine.rule import Rule
from numalint.plugins import load
from numalint.rule_checks import broken_promises, on_nothing, on_one_node, without_a_fact, written_otherwise
from numalint.testing import examples, read_domain, read_host

RULES = load().rules
every_rule = pytest.mark.parametrize(
    "rule", [rule for rule in RULES.values() if rule.shape != "host"], ids=lambda rule: rule.id
)


@every_rule
def test_an_empty_domain_draws_no_error(rule: Rule) -> None:
    assert on_nothing(rule) is None


@every_rule
def test_a_host_of_one_node_is_survived(rule: Rule) -> None:
    assert on_one_node(rule) is None


@every_rule
def test_a_host_that_lacks_a_fact_is_never_guessed_at(rule: Rule) -> None:
    assert without_a_fact(rule) is None


@every_rule
def test_attributes_in_another_order_and_another_layout_change_nothing(rule: Rule) -> None:
    assert written_otherwise(rule) is None


def test_a_rule_has_nothing_to_say_where_the_host_rules_out_a_trait_that_it_is_about() -> None:
    """The engine does not call it there: that spares time, and never a finding."""
    rules = [rule for rule in RULES.values() if rule.shape == "placement"]
    hosts = [read_host(text) for text in ("none", "pack:2 numa:1 l3:2 core:4 pu:2", "pack:1 numa:1 core:8 pu:2")]
    spared = set()
    for example in examples(rules):
        domain = read_domain(example.example.domain)
        for placement in (Placement(domain, host) for host in (read_host(example.example.host), *hosts)):
            for rule in rules:
                ruled_out = not rule.when & ~domain.traits and rule.when & ~placement.traits
                if ruled_out and not rule.needs & placement.host.unknown:
                    spared.add(rule.id)
                    said = [each.message for each in rule.check(placement) if isinstance(each, Finding)]
                    assert not said, f"{rule.id} on {example}, on {placement.host.name}"
    assert len(spared) > 25


PAGE = """A rule.

Why.

Host: pack:2 numa:1 core:2 pu:1

Bad:

    <domain>
      <name>a</name>
      <vcpu current='1'>2</vcpu>
                        ^ here
    </domain>

Good:

    <domain/>
"""


def breaks(check: object) -> list[str]:
    made = placement_rule("promise", Severity.ERROR, Category.PLACEMENT, needs=Fact.SOCKETS)(check)
    rule = Rule(**{name: getattr(made, name) for name in made.__struct_fields__ if name != "page"}, page=PAGE)
    return [said.removeprefix("promise: ") for said in broken_promises(rule)]


def finding(placement: Placement, message: str) -> Iterator[Finding]:
    yield Finding(placement.domain.place, message, "here")


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (lambda p: finding(p, "always"), "it has an error for an empty <domain/>"),
        (
            lambda p: finding(p, f"{1 // (len(p.host.sockets) - 1)}"),
            "on an empty <domain/> it raises ZeroDivisionError",
        ),
        (
            lambda p: finding(p, f"{sum(map(len, p.host.cores))}"),
            "without cores: rule promise failed on domain a: TypeError",
        ),
        (
            lambda p: finding(p, f"{p.host.cores}"),
            "without cores it speaks otherwise, and neither needs nor uses names that",
        ),
        (
            lambda p: finding(p, str(list(p.domain.place.locator.find("vcpu").attrib) if p.domain.maximum > 1 else "")),
            None,
        ),
    ],
    ids=["error", "raises", "guesses", "uses", "keeps"],
)
def test_a_rule_that_breaks_a_promise_is_found_out(check, said: str | None) -> None:
    found = breaks(check)
    assert said is None or any(said in each for each in found), found
