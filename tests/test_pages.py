"""Examples in a rule's page are tests: each kind of lie in a page is found out."""

from __future__ import annotations

import pytest

from numalint import Category, Finding, Placement, Related, Severity, placement_rule
from numalint.engine.page import markdown, read_page
from numalint.engine.rule import Rule
from numalint.testing import examples

PAGE = """A vCPU is pinned.

It hurts.

Host: pack:2 numa:1 core:2 pu:1

Bad:

    <domain>
      <vcpu>2</vcpu>
            - 2 vCPUs
      <cputune>
        <vcpupin vcpu='0' cpuset='1'/>
                                  ^ pinned here
      </cputune>
    </domain>

Good:

    <domain>
      <vcpu>2</vcpu>
    </domain>

Fix: Remove it.
"""


def rule(page: str, severity: Severity | None = None) -> Rule:
    @placement_rule("vcpu-pinned", Severity.WARNING, Category.PINNING)
    def check(placement: Placement):
        for pin in placement.domain.vcpupins.values():
            count = Related(placement.vcpus_place, f"{placement.domain.maximum} vCPUs")
            yield Finding(pin.place.at("cpuset"), "one", "pinned here, to one", related=(count,), severity=severity)

    return Rule(**{name: getattr(check, name) for name in check.__struct_fields__ if name != "page"}, page=page)


def run(page: str, severity: Severity | None = None) -> None:
    for example in examples([rule(page, severity)]):
        example.run()


def test_a_page_that_tells_the_truth_passes() -> None:
    run(PAGE)
    run(PAGE.replace("Bad:", "Bad (note):"), Severity.NOTE)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"                                  ^ p": "                                 ^ p"}, "it points at line, columns (4, 31, 32), the page at (4, 30, 31)"),
        ({"^ pinned here": "^^ pinned here"}, "the page at (4, 31, 33)"),
        ({"^ pinned here": "^ pinned there"}, "it says 'pinned here, to one', the page 'pinned there'"),
        ({"            - 2 vCPUs": "            - 3 vCPUs"}, "it says '2 vCPUs', the page '3 vCPUs'"),
        ({"            - 2 vCPUs\n      <cputune>": "      <cputune>\n       ------- 2 vCPUs"}, "no related place in line 3"),
        ({"                                  ^ pinned here\n": ""}, "a Bad example needs a line with ^^^"),
        ({"<vcpupin vcpu='0' cpuset='1'/>\n                                  ^ pinned here\n": "\n"}, "a Bad example, and the rule says nothing"),
        ({"Good:": "Bad:", "Bad:": "Good:"}, "a Good example, yet: one"),
        ({"Bad:": "Bad (error):"}, "severity is warning, the page says error"),
        ({"cpuset='1'": "cpuset='x'"}, "is not a set that libvirt reads"),
    ],
)  # fmt: skip
def test_a_page_that_lies_fails(changes: dict[str, str], said: str) -> None:
    page = PAGE
    for old, new in changes.items():
        assert old in page
        page = page.replace(old, new, 1)
    with pytest.raises(AssertionError) as failed:
        run(page)
    assert said in str(failed.value)


def test_the_page_is_rendered_whole() -> None:
    text = markdown(read_page(PAGE))
    assert text.startswith(
        "It hurts.\n\nOn this host:\n\n```\npack:2 numa:1 core:2 pu:1\n```\n\n**Bad**\n\n```xml\n<domain>\n"
    )
    assert text.endswith("**Fix:** Remove it.")
    assert "**Bad (note)**" in markdown(read_page(PAGE.replace("Bad:", "Bad (note):")))
    assert "Without a host:" in markdown(read_page(PAGE.replace("pack:2 numa:1 core:2 pu:1", "none")))


def test_an_example_without_a_domain_is_refused() -> None:
    with pytest.raises(ValueError, match="an example has no <domain>"):
        read_page("A.\n\nBad:\n\n    <network/>\n")
