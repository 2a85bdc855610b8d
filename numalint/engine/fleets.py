"""The domains of each host together: claims while files are read, conflicts when all of them are known.

A claim has no place. When a conflict is reported its files are read once more, and each party's target is found there.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet

import msgspec

from numalint.loaders.document import Document, LoadError
from numalint.loaders.domain import load_domains
from numalint.loaders.xml import settled
from numalint.model.claim import Claim, Conflict, Party, Target
from numalint.model.domain import Domain
from numalint.model.finding import Finding, Related
from numalint.model.fleet import Fleet
from numalint.model.host import Host
from numalint.model.place import TEXT, Place
from numalint.model.report import Problem
from numalint.model.wording import MOST_RELATED, node_places

Read = Callable[[str], bytes]
"""The bytes of a document by its path. Raises OSError."""


_MOST_KEPT = 256
"""So many documents are kept as trees, which take ten times the bytes of their files."""


class Reported(msgspec.Struct, frozen=True):
    """A conflict as a finding of its main party. ``identity`` tells it from others of its rule whichever party that is.

    ``others`` are the documents of the other parties.
    """

    finding: Finding
    claim: Claim
    identity: str
    others: tuple[str, ...]


class Fleets:
    """The claims on each host, in the order in which they came."""

    def __init__(self) -> None:
        self._claims: dict[int, list[Claim]] = {}
        self._hosts: dict[int, Host] = {}

    def add(self, host: Host, claim: Claim) -> None:
        """Keep what a domain claims of a host."""
        self._hosts[id(host)] = host
        self._claims.setdefault(id(host), []).append(claim)

    def fleets(self, fleet_of: Callable[[Host, tuple[Claim, ...]], Fleet]) -> Iterator[Fleet]:
        """The fleet of each host, by name, of claims in the order of document and number."""
        for key, host in sorted(self._hosts.items(), key=lambda item: (item[1].name, item[1].sources)):
            claims = sorted(self._claims[key], key=lambda claim: (claim.document, claim.number))
            yield fleet_of(host, tuple(claims))


class Reporting:
    """Makes findings of conflicts; the documents that were read last are kept for the next ones.

    ``problems`` are, by document, those whose conflicts are lost.
    """

    def __init__(self, read: Read) -> None:
        self.problems: dict[str, Problem] = {}
        self._read = read
        self._domains = functools.lru_cache(maxsize=_MOST_KEPT)(self._load)

    def reported(self, conflict: Conflict, fleet: Fleet, focus: AbstractSet[str] | None) -> Reported | None:
        """The conflict as a finding in the first of its parties that is in ``focus`` (None: all are).

        None where no party is in the focus, or where the file of the first that is cannot be read any more.
        """
        parties = conflict.parties
        main = next((party for party in parties if focus is None or party.claim.document in focus), None)
        if main is None:
            return None
        place = self._place(main)
        if place is None:
            self.problems[main.claim.document] = _lost(main.claim.document)
            return None
        others = (each for each in parties if each is not main)
        related = (Related(found, each.label) for each in others if (found := self._place(each)))
        finding = Finding(
            place=place,
            message=conflict.message,
            label=main.label,
            severity=conflict.severity,
            related=(*itertools.islice(related, MOST_RELATED), *node_places(fleet.host, conflict.nodes)),
            why=conflict.why,
            help=conflict.help,
            data=conflict.data,
        )
        names = sorted(f"{party.claim.domain} {party.target.kind} {party.target.name}" for party in parties)
        documents = sorted({party.claim.document for party in parties} - {main.claim.document})
        return Reported(finding, main.claim, conflict.subject or "\0".join(names), tuple(documents))

    def _place(self, party: Party) -> Place | None:
        claim = party.claim
        domains = self._domains(claim.document)
        return settled(place_of(domains[claim.number], party.target)) if claim.number < len(domains) else None

    def _load(self, document: str) -> list[Domain]:
        try:
            return load_domains(Document(document, self._read(document)))
        except (OSError, LoadError):
            return []


def _lost(document: str) -> Problem:
    message = "a second reading does not find its domains, and their conflicts are lost: did it change since the first?"
    return Problem(kind="unreadable-file", message=message, path=document, help="run numalint again")


def place_of(domain: Domain, target: Target) -> Place:
    """The place of a target in a domain; of what it does not have, the nearest thing that it has."""
    find = _FINDERS.get(target.kind)
    found = None if find is None else find(domain, target.name)
    return found or domain.name_place or domain.place


def _vcpupin(domain: Domain, name: str) -> Place | None:
    pin = next((pin for vcpu, pin in domain.vcpupins.items() if str(vcpu) == name), None)
    return _vcpus(domain, "") if pin is None else pin.place.at("cpuset")


def _vcpus(domain: Domain, _name: str) -> Place | None:
    if domain.cpuset is not None:
        return domain.cpuset.place.at("cpuset")
    return None if domain.vcpu_place is None else domain.vcpu_place.at(TEXT)


def _emulatorpin(domain: Domain, _name: str) -> Place | None:
    return _vcpus(domain, "") if domain.emulatorpin is None else domain.emulatorpin.place.at("cpuset")


def _iothreadpin(domain: Domain, name: str) -> Place | None:
    pin = next((pin for thread, pin in domain.iothreadpins.items() if str(thread) == name), None)
    return domain.iothreads_place if pin is None else pin.place.at("cpuset")


def _memory(domain: Domain, _name: str) -> Place | None:
    return None if domain.memory_place is None else domain.memory_place.at(TEXT)


def _cell(domain: Domain, name: str) -> Place | None:
    cell = next((cell for cell in domain.cells if str(cell.id) == name), None)
    return _memory(domain, "") if cell is None else cell.place.at("memory")


def _device(domain: Domain, name: str) -> Place | None:
    called = name.lower()
    return next((each.place for each in domain.devices if called.endswith(f" {each.reference}".lower())), None)


def _uuid(domain: Domain, _name: str) -> Place | None:
    return domain.uuid_place


_FINDERS: dict[str, Callable[[Domain, str], Place | None]] = {
    "uuid": _uuid,
    "vcpus": _vcpus,
    "vcpupin": _vcpupin,
    "emulatorpin": _emulatorpin,
    "iothreadpin": _iothreadpin,
    "memory": _memory,
    "cell": _cell,
    "device": _device,
}
