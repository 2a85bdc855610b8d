"""What a rule says: findings with symbolic places, and what could not be judged."""

from __future__ import annotations

import enum

import msgspec

from numalint.model.host import Fact
from numalint.model.place import Place


class Severity(enum.StrEnum):
    """SARIF's levels, from the mildest; ``>=`` compares by gravity."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        return ("note", "warning", "error").index(self.value)


class Related(msgspec.Struct, frozen=True):
    """Another place that a finding speaks of, with a clause of its own."""

    place: Place
    label: str


class Finding(msgspec.Struct, frozen=True):
    """One defect of one domain.

    ``message`` is the observed fact in one sentence, with numbers and units, without the domain's name and
    without advice; ``label`` is the clause under the caret; ``why`` the consequence, ``help`` what to write.
    ``severity`` is given where it differs from the rule's own. ``data`` are the numbers of the message for
    machines.
    """

    place: Place
    message: str
    label: str
    severity: Severity | None = None
    related: tuple[Related, ...] = ()
    why: str = ""
    help: str = ""
    data: dict[str, str | int] = {}


class NotJudged(msgspec.Struct, frozen=True):
    """A rule's word that it could not judge ``subject`` for lack of ``fact``."""

    fact: Fact
    subject: str
