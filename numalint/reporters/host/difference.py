"""One thing in which two descriptions of a host differ, and many of them in few sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from numalint.model.idset import HostCpus
from numalint.model.wording import ids_text, size_text
from numalint.reporters.host.toml_text import size
from numalint.reporters.json_text import json_text

Value = str | int | None

_MOST_ALIKE = 4
"""So many of a kind that changed alike are told one by one; more are told in one sentence, with so many named."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A change of one fact of one subject.

    ``what`` is the fact (``memory``, ``pci-node``), ``old`` and ``new`` are its values: sizes in bytes, sets in libvirt's
    notation, None for what is unknown or not there. ``label`` and ``predicate`` are the sentence; ``plural`` is what many
    such subjects are, where they may be told in one sentence.
    """

    what: str
    subject: str
    old: Value
    new: Value
    label: str
    predicate: str
    plural: str = ""

    @property
    def text(self) -> str:
        """The change as a sentence."""
        return f"{self.label} {self.predicate}"


def of_host(what: str, values: tuple[Value, Value], label: str, predicate: str) -> Difference:
    """A change of the whole host."""
    return Difference(what=what, subject="host", old=values[0], new=values[1], label=label, predicate=predicate)


def of_cpus(what: str, cpus: HostCpus, values: tuple[Value, Value], predicate: str) -> Difference:
    """A change of several CPUs at once."""
    subject = f"CPU{'' if len(cpus) == 1 else 's'} {cpus}"
    return Difference(
        what=what, subject=subject, old=values[0], new=values[1], label=ids_text("CPU", cpus), predicate=predicate
    )


def turned(old: object, new: object, verb: str) -> str:
    """What became of a fact: it has another value, is known now, or is no longer. ``verb`` is ``is`` or ``are``."""
    past = "was" if verb == "is" else "were"
    if old is None:
        return f"became known: {new}"
    return f"{verb} no longer known ({past} {old})" if new is None else f"{verb} {new} ({past} {old})"


def sizes(old: int | None, new: int | None) -> tuple[str | None, str | None]:
    """Two sizes as they are read best; exact where they are so near that they would look the same."""
    rounded = tuple(None if each is None else size_text(each) for each in (old, new))
    if old is not None and new is not None and rounded[0] == rounded[1]:
        return size(old), size(new)
    return rounded[0], rounded[1]


def sentences(found: Iterable[Difference]) -> list[str]:
    """The changes as sentences; what many devices have in common is told of all of them together."""
    alike: dict[tuple[str, ...], list[Difference]] = {}
    for each in found:
        alike.setdefault((each.what, each.predicate, each.plural or each.label), []).append(each)
    return [sentence for group in alike.values() for sentence in _told(group)]


def _told(alike: Sequence[Difference]) -> list[str]:
    first = alike[0]
    if not first.plural or len(alike) <= _MOST_ALIKE:
        return [each.text for each in alike]
    named = ", ".join(each.label for each in alike[:_MOST_ALIKE])
    return [f"{len(alike)} {first.plural} {first.predicate}: {named} and {len(alike) - _MOST_ALIKE} more"]


def as_json(found: Iterable[Difference]) -> str:
    """The changes as an array of objects with ``what``, ``subject``, ``old``, ``new`` and ``text``."""
    objects = [{key: getattr(each, key) for key in ("what", "subject", "old", "new", "text")} for each in found]
    return json_text(objects)
