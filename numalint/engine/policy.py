"""Which rules a domain is judged by, and how grave they are: the selection of a run, and the overrides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from numalint.engine.condition import meets, meets_host
from numalint.engine.rule import Rule
from numalint.engine.select import EVERYTHING, UnknownRule, rules_named
from numalint.loaders.config import Config, Keys, Lint, LoadedConfig, Override
from numalint.loaders.config_check import refusal
from numalint.model.finding import Severity


class Policy(msgspec.Struct, frozen=True):
    """The rules for a domain on a host, sorted by id, and the severities that are given to some."""

    rules: tuple[Rule, ...]
    severities: dict[str, Severity] = {}

    def has(self, rule: str) -> bool:
        return any(each.id == rule for each in self.rules)

    def severity(self, rule: Rule, given: Severity | None) -> Severity:
        """How grave a finding is: as the configuration says, else as it says itself, else as its rule does."""
        return self.severities.get(rule.id) or given or rule.severity


class _Change(msgspec.Struct, frozen=True):
    """What an override does, in ids of rules. ``number`` counts from 1."""

    entry: Override
    number: int
    added: frozenset[str]
    removed: frozenset[str]
    severities: dict[str, Severity]


class Policies:
    """The policies of a run: one for all that no override is about, and one for each set of overrides."""

    def __init__(
        self, rules: dict[str, Rule], config: LoadedConfig, options: Lint, notices: AbstractSet[str] = frozenset()
    ) -> None:
        """``rules``: all that there are; ``options``: what the command line says, which wins over the configuration.

        ``notices`` may be ignored too, by the command line and by ``[lint]``. Raises UnknownRule for a name of the command line, LoadError for one of the
        configuration.
        """
        self._all = rules
        self._config = config
        self._notices = notices
        self._only = options.select is not None
        self._never = self._ids(self._but_notices(options.ignore))
        self._base = frozenset(self._selected(config.config.lint, options))
        self._severities = self._graded(("lint", "severity"), config.config.lint.severity)
        self._changes = [self._change(number, each) for number, each in enumerate(config.config.overrides, 1)]
        self._known: dict[tuple[int, ...], Policy] = {}
        self.used: set[int] = set()

    @classmethod
    def all(cls, rules: Iterable[Rule]) -> Policies:
        """One policy for everything: each of ``rules``, those that are off by default among them."""
        return cls({rule.id: rule for rule in rules}, LoadedConfig(Config(), ""), Lint(select=[EVERYTHING]))

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule that some domain may be judged by, sorted by id."""
        added = () if self._only else (id for change in self._changes for id in change.added)
        wanted = {*self._base, *added} - self._never
        return tuple(rule for id, rule in self._all.items() if id in wanted)

    @property
    def held(self) -> frozenset[str]:
        """The rules whose findings no suppression covers. Raises LoadError for a name that is no rule."""
        return self._named(("lint", "unsuppressible"), self._config.config.lint.unsuppressible)

    def of(self, document: str, domain: str, host: str | None) -> Policy:
        """The policy for a domain of a file on a host, None for one without."""
        return self._policy(
            tuple(each.number for each in self._changes if meets(each.entry, self._config, document, domain, host))
        )

    def of_host(self, host: str) -> Policy:
        """The policy for all domains of a host together: what overrides say of some files or domains is not in it."""
        return self._policy(
            tuple(
                each.number
                for each in self._changes
                if not (each.entry.path or each.entry.domain) and meets_host(each.entry, self._config, host)
            )
        )

    def unused(self) -> Iterable[int]:
        """The numbers of the overrides that were about nothing so far."""
        return [each.number for each in self._changes if each.number not in self.used]

    def _policy(self, numbers: tuple[int, ...]) -> Policy:
        """The policy where these overrides are met, the later one winning; the same one each time."""
        if numbers not in self._known:
            chosen, severities = set(self._base), dict(self._severities)
            for change in (self._changes[number - 1] for number in numbers):
                chosen |= set() if self._only else change.added
                chosen -= change.removed
                severities |= change.severities
            chosen -= self._never
            rules = tuple(rule for id, rule in self._all.items() if id in chosen)
            self._known[numbers] = Policy(rules, severities)
            self.used.update(numbers)
        return self._known[numbers]

    def _selected(self, written: Lint, options: Lint) -> set[str]:
        """The rules without any override: the default ones or those selected, as the command line changes them last."""
        chosen = {rule.id for rule in self._all.values() if rule.enabled}
        if written.select is not None:
            chosen = set(self._named(("lint", "select"), written.select))
        chosen |= self._named(("lint", "extend-select"), written.extend_select)
        ignored = self._named(("lint", "ignore"), self._but_notices(written.ignore))
        chosen -= ignored
        if options.select is not None:
            chosen = self._ids(options.select) - ignored
        return (chosen | self._ids(options.extend_select)) - self._never

    def _change(self, number: int, entry: Override) -> _Change:
        keys = ("overrides", number)
        added = self._named(keys, entry.extend_select)
        if entry.path or entry.domain:
            for name in entry.extend_select:
                if name in self._all and self._all[name].shape == "host":
                    message = f"{name} is about all domains of a host together"
                    raise refusal(self._config, keys, message, "select it by host or class, or in [lint]")
        return _Change(entry, number, added, self._named(keys, entry.ignore), self._graded(keys, entry.severity))

    def _graded(self, keys: Keys, severities: dict[str, Severity]) -> dict[str, Severity]:
        """The severity of each rule; what is said of a rule wins over what is said of its category."""
        by_size = sorted(severities, key=lambda name: name in self._all)
        return {id: severities[name] for name in by_size for id in self._named(keys, [name])}

    def _named(self, keys: Keys, names: Sequence[str]) -> frozenset[str]:
        try:
            return frozenset(self._ids(names))
        except UnknownRule as error:
            sentence, _, help = str(error).partition("; ")
            raise refusal(self._config, keys, sentence, help) from None

    def _but_notices(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if name not in self._notices]

    def _ids(self, names: Sequence[str]) -> set[str]:
        return rules_named(self._all, names)
