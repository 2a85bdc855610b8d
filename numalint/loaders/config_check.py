"""What one table of a configuration says of another: names that are not there, entries that would do nothing."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from numalint.loaders.config import Condition, HostPolicy, Keys, LoadedConfig, Override, PlacementEntry
from numalint.loaders.document import Document, LoadError
from numalint.loaders.nearest_name import did_you_mean
from numalint.model.idset import NotationError
from numalint.model.place import Place


def refusal(loaded: LoadedConfig, keys: Keys, message: str, help: str = "") -> LoadError:
    """What is wrong with the value at ``keys``, with its name and its line."""
    name = [str(key) for key in keys]
    if isinstance(keys[-1], int):
        name[-2:] = [f"[[{keys[-2]}]] {keys[-1]}"]
    place = loaded.places.get(keys) or _table_of(loaded, keys)
    line = None if place is None else _line_of(place)
    return LoadError(f"{'.'.join(name)}: {message}", place.document if place else loaded.path or "", line, help=help)


def _table_of(loaded: LoadedConfig, keys: Keys) -> Place | None:
    """The place of a table of which some value is written."""
    inside = next((place for known, place in loaded.places.items() if known[: len(keys)] == keys), None)
    return None if inside is None else Place(inside.document, inside.locator)


def _line_of(place: Place) -> int | None:
    from numalint.loaders.toml_places import locate  # noqa: PLC0415  # most configurations are right

    try:
        with open(place.document, "rb") as file:
            return locate(Document(place.document, file.read()), [place])[place][0].line
    except OSError:
        return None


def check_config(loaded: LoadedConfig) -> None:
    """Raises LoadError for what can be known to be wrong without a look at domains, hosts or rules."""
    for name, host in loaded.config.hosts.items():
        _check_class(loaded, ("hosts", name, "class"), host.class_)
        _check_policy(loaded, ("hosts", name), host)
        if not loaded.config.topology(name):
            help = "say which file describes it, or a string such as 'pack:2 numa:1 core:8 pu:2'"
            raise refusal(loaded, ("hosts", name), "neither it nor its class has a topology", help)
    for name, entry in loaded.config.classes.items():
        _check_policy(loaded, ("classes", name), entry)
    for number, placement in enumerate(loaded.config.placement, 1):
        _check_placement(loaded, ("placement", number), placement)
    for number, override in enumerate(loaded.config.overrides, 1):
        _check_override(loaded, ("overrides", number), override)
    for number, ignore in enumerate(loaded.config.ignore, 1):
        _check_condition(loaded, ("ignore", number), ignore)


def _check_placement(loaded: LoadedConfig, keys: Keys, placement: PlacementEntry) -> None:
    _check_class(loaded, keys, placement.class_)
    for name in placement.hosts:
        _check_name(loaded, keys, "host", name, loaded.config.hosts)
    if not loaded.config.hosts_of(placement):
        raise refusal(loaded, keys, "it names no host", "list them in hosts, or name the class of several")


def _check_override(loaded: LoadedConfig, keys: Keys, override: Override) -> None:
    _check_condition(loaded, keys, override)
    if not (override.path or override.domain or override.host or override.class_):
        help = "write path, domain, host or class; what is meant for all belongs into [lint]"
        raise refusal(loaded, keys, "it does not say what it is about", help)
    if not (override.extend_select or override.ignore or override.severity):
        raise refusal(loaded, keys, "it changes nothing", "write extend-select, ignore or severity")


def _check_policy(loaded: LoadedConfig, keys: Keys, policy: HostPolicy) -> None:
    try:
        _ = policy.housekeeping
    except NotationError as error:
        key, said = "housekeeping-cpus", policy.housekeeping_cpus
        raise refusal(loaded, (*keys, key), f"{said!r} is not a set such as '0-1,16': {error.reason}") from None
    try:
        _ = policy.reserved_bytes
    except ValueError as error:
        raise refusal(loaded, (*keys, "reserved-memory"), str(error)) from None


def _check_condition(loaded: LoadedConfig, keys: Keys, condition: Condition) -> None:
    """A glob on hosts or classes has to be met by a declared one; without declared hosts it cannot be known."""
    hosts, classes = loaded.config.hosts, loaded.config.classes
    if hosts and condition.host is not None and not fnmatch.filter(hosts, condition.host):
        _check_name(loaded, keys, "host", condition.host, hosts)
    if isinstance(condition, Override) and condition.class_ and not fnmatch.filter(classes, condition.class_):
        _check_name(loaded, keys, "class", condition.class_, classes)


def _check_class(loaded: LoadedConfig, keys: Keys, name: str | None) -> None:
    if name is not None:
        _check_name(loaded, keys, "class", name, loaded.config.classes)


def _check_name(loaded: LoadedConfig, keys: Keys, word: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        table = "hosts" if word == "host" else "classes"
        help = did_you_mean(name, known, f"write [{table}.{name}]")
        raise refusal(loaded, keys, f"there is no {word} {name!r}", help)
