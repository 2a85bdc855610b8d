"""The hooks that a plugin may implement, and the one place that loads plugins.

A plugin is a module that an entry point of the group ``numalint`` names. The rules that numalint ships come the same
way. Whatever is wrong with a plugin ends the run: a linter without its rules would pass everything.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import msgspec
import pluggy

from numalint.engine.notices import NOTICES
from numalint.engine.rule import SLUG, Category, Rule
from numalint.engine.select import EVERYTHING
from numalint.loaders.document import HostFormat
from numalint.loaders.host.formats import FORMATS
from numalint.model.finding import Severity
from numalint.model.report import Reporter

GROUP = "numalint"
_TAKEN = {EVERYTHING, *Category, *NOTICES}
hookspec = pluggy.HookspecMarker(GROUP)


class PluginError(Exception):
    """A plugin that cannot be used: a sentence that names it."""


@hookspec
def numalint_rules() -> Sequence[Rule]:  # type: ignore[empty-body]  # a hook has no body
    """Rules of a plugin: the objects that ``@placement_rule`` and ``@domain_rule`` make."""


@hookspec
def numalint_host_formats() -> Sequence[HostFormat]:  # type: ignore[empty-body]  # a hook has no body
    """Formats of host topology that a plugin can read, asked in front of the built-in ones."""


@hookspec
def numalint_reporters() -> Sequence[Reporter]:  # type: ignore[empty-body]  # a hook has no body
    """Formats in which a plugin can report, beside the built-in ones."""


class _BuiltIn:
    """The formats that numalint brings itself come in as a third party's do."""

    @staticmethod
    @pluggy.HookimplMarker(GROUP)
    def numalint_host_formats() -> Sequence[HostFormat]:
        return FORMATS


class Plugins(msgspec.Struct, frozen=True):
    """What all plugins bring: rules by id, formats of host topology (the built-in ones last), reporters."""

    rules: dict[str, Rule]
    formats: tuple[HostFormat, ...]
    reporters: tuple[Reporter, ...]


def load(points: Sequence[EntryPoint] | None = None) -> Plugins:
    """Load every plugin. Raises PluginError for one that is broken, misspells a hook or repeats an id."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(sys.modules[__name__])
    manager.register(_BuiltIn, name="numalint")
    for point in sorted(entry_points(group=GROUP) if points is None else points, key=lambda point: point.name):
        _register(manager, point)
    rules = _rules(manager)
    return Plugins(rules, _formats(manager), _reporters(manager))


def _register(manager: pluggy.PluginManager, point: EntryPoint) -> None:
    try:
        plugin = point.load()
        manager.register(plugin, name=point.name)
        manager.check_pending()
    except (Exception, SystemExit) as error:  # one that leaves would take the run with it, as if all were well
        raise PluginError(f"plugin {point.name} ({point.value}) cannot be loaded: {_said(error)}") from error
    if not manager.get_hookcallers(plugin):
        raise PluginError(f"plugin {point.name} ({point.value}) implements no hook: is @hookimpl missing?")


def _rules(manager: pluggy.PluginManager) -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    for plugin, rule in _answers(manager.hook.numalint_rules):
        add_rule(rules, rule, f"plugin {plugin}")
    if not rules:
        raise PluginError("no rules were found: numalint's own plugin is missing; install numalint as a package")
    return dict(sorted(rules.items()))


def add_rule(rules: dict[str, Rule], rule: object, origin: str) -> None:
    """Add a rule to those by id. Raises PluginError, which names its ``origin``, for what is none or is there already."""
    if not isinstance(rule, Rule):
        raise PluginError(f"{origin}: {rule!r} is no rule; decorate its check with @placement_rule")
    if not SLUG.fullmatch(rule.id):
        raise PluginError(f"{origin}: rule id {rule.id!r} is not words of a-z joined by hyphens")
    if rule.id in rules:
        raise PluginError(f"{origin}: there is a rule {rule.id} already")
    if rule.id in _TAKEN:
        raise PluginError(f"{origin}: {rule.id} is no name for a rule: it names a category, a notice or all rules")
    given: tuple[object, object] = rule.severity, rule.category
    if not (isinstance(given[0], Severity) and isinstance(given[1], Category)):
        raise PluginError(f"{origin}: rule {rule.id} needs one of numalint.Severity and one of numalint.Category")
    rules[rule.id] = rule


def _formats(manager: pluggy.PluginManager) -> tuple[HostFormat, ...]:
    """The formats, those of plugins first: one may know better what a file is."""
    formats = []
    for plugin, each in _answers(manager.hook.numalint_host_formats):
        if not isinstance(each, HostFormat):
            raise PluginError(f"plugin {plugin}: {each!r} is no HostFormat")
        formats.append(each)
    return tuple(sorted(formats, key=lambda each: each in FORMATS))


def _reporters(manager: pluggy.PluginManager) -> tuple[Reporter, ...]:
    found = []
    for plugin, each in _answers(manager.hook.numalint_reporters):
        if not isinstance(each, Reporter):
            raise PluginError(f"plugin {plugin}: {each!r} is no Reporter")
        found.append(each)
    return tuple(found)


def _answers(hook: pluggy.HookCaller) -> Iterator[tuple[str, Any]]:
    """What each plugin returns for a hook, one by one with the plugin's name."""
    for implementation in hook.get_hookimpls():
        try:
            answer: Any = implementation.function()
            found = list(answer)
        except (Exception, SystemExit) as error:
            raise PluginError(f"plugin {implementation.plugin_name}: {hook.name}() failed: {_said(error)}") from error
        for each in found:
            yield implementation.plugin_name, each


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
