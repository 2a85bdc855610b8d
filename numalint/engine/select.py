"""Names of rules and categories, and the rules that they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from numalint.engine.notices import NOTICES
from numalint.engine.rule import Category, Rule
from numalint.loaders.nearest_name import did_you_mean

EVERYTHING = "all"


class UnknownRule(ValueError):  # noqa: N818  # it is said to the user, who knows no errors by their class
    """A name that is no rule, no category and not ``all``: a sentence with the nearest name."""


def rules_named(rules: dict[str, Rule], names: Sequence[str]) -> set[str]:
    """The ids of the rules that are named, themselves, by category or by ``all``. Raises UnknownRule."""
    found: set[str] = set()
    for name in names:
        if name == EVERYTHING:
            found.update(rules)
        elif name in rules:
            found.add(name)
        elif name in set(Category):
            found.update(rule.id for rule in rules.values() if rule.category == name)
        else:
            raise UnknownRule(unknown_rule(name, rules))
    return found


def unknown_rule(name: str, rules: Iterable[str]) -> str:
    """The sentence for a rule that does not exist."""
    if name in NOTICES:
        return f"{name} is a notice and no rule; numalint explain {name} says what it is about"
    known = [*rules, *(each.value for each in Category)]
    return f"there is no rule {name!r}; {did_you_mean(name, known, 'numalint rules lists them')}"
