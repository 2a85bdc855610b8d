"""Every page of the built-in rules: its examples say what it finds and where, and it has all that a page must have."""

from __future__ import annotations

import pytest

from numalint.plugins import load
from numalint.testing import RuleExample, examples, what_is_missing

RULES = load().rules


@pytest.mark.parametrize("example", list(examples(RULES.values())), ids=str)
def test_the_example_is_judged_as_its_page_says(example: RuleExample) -> None:
    example.run()


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_page_has_a_bad_and_a_good_example_a_fix_and_sources(rule) -> None:
    assert not what_is_missing(rule)
    assert rule.summary.endswith(".")


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_file_is_named_after_the_rule(rule) -> None:
    assert rule.check.__module__ == f"numalint_rules.{rule.id.replace('-', '_')}"
