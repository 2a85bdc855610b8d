"""The domains on one host together: who may run beside whom, and who has which CPUs."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Hashable, Iterable
from typing import TypeVar

import msgspec

from numalint.model.claim import Claim
from numalint.model.host import Host
from numalint.model.idset import HostCpu, HostCpus, union


class Owners(msgspec.Struct, frozen=True, dict=True, eq=False):
    """Domains that have dedicated vCPUs where another one comes; all their dedicated CPUs, and those of realtime vCPUs."""

    claims: tuple[Claim, ...]

    @functools.cached_property
    def cpus(self) -> HostCpus:
        return union(claim.dedicated_cpus for claim in self.claims)

    @functools.cached_property
    def realtime(self) -> HostCpus:
        return union(claim.realtime for claim in self.claims)


T = TypeVar("T", bound=Hashable)


def _repeated(values: Iterable[T]) -> set[T]:
    return {value for value, times in Counter(values).items() if times > 1}


_NONE: frozenset[str] = frozenset()
OVERCOMMIT = 3.0
"""vCPUs for each CPU that they share, where nobody says how many are meant."""


class Fleet(msgspec.Struct, frozen=True, dict=True):
    """The claims on one host, in the order of document and number. ``exclusive`` are groups that never run together.

    ``overcommit`` is how many vCPUs that share CPUs the site means to have for each of these.
    """

    host: Host
    claims: tuple[Claim, ...]
    exclusive: tuple[frozenset[str], ...] = ()
    overcommit: float = OVERCOMMIT

    @functools.cached_property
    def _declared(self) -> dict[int, frozenset[str]]:
        """By the domain, without those that take turns with nobody."""
        groups: dict[str, list[str]] = {}
        for number, group in enumerate(self.exclusive):
            for name in group:
                groups.setdefault(name, []).append(f"group {number}")
        names = _repeated(claim.domain for claim in self.claims if claim.named)
        uuids = _repeated(claim.uuid for claim in self.claims if claim.uuid)
        found = {}
        for claim in self.claims:
            turns = [*groups.get(claim.domain, ())]
            turns += [f"name {claim.domain}"] if claim.named and claim.domain in names else []
            turns += [f"UUID {claim.uuid}"] if claim.uuid in uuids else []
            if turns:
                found[id(claim)] = frozenset(turns)
        return found

    @functools.cached_property
    def _turns(self) -> dict[int, frozenset[str]]:
        """The same, with the devices that several have."""
        shared = _repeated(device for claim in self.claims for device in claim.devices)
        found = self._declared.copy()
        for claim in self.claims:
            if not shared.isdisjoint(claim.devices):
                found[id(claim)] = self.turns(claim, declared=True).union(shared.intersection(claim.devices))
        return found

    def turns(self, claim: Claim, *, declared: bool = False) -> frozenset[str]:
        """What a domain takes turns with others for: a group of which one runs at a time, a device that others have too.

        Of domains of one name or one UUID libvirt has but one at a time. ``declared``: but for devices.
        """
        return (self._declared if declared else self._turns).get(id(claim), _NONE)

    def together(self, one: Claim, other: Claim) -> bool:
        """Whether two domains may run at the same time. Two files of one domain are not two domains."""
        return one is not other and not self.turns(one) & self.turns(other)

    def rivals(self, claims: Iterable[Claim], *, declared: bool = False) -> list[Claim]:
        """The domains among ``claims``, each once, that may run together with another one of them."""
        each = {id(claim): (claim, self.turns(claim, declared=declared)) for claim in claims}
        alike = {turns for _, turns in each.values()}  # of those with the same turns one stands for all
        paired = {turns: len(each) > 1 if not turns else any(not turns & other for other in alike) for turns in alike}
        return [claim for claim, turns in each.values() if paired[turns]]

    @functools.cached_property
    def _owners(self) -> dict[HostCpu, list[int]]:
        """The positions of the domains whose dedicated vCPUs have each CPU."""
        found: dict[HostCpu, list[int]] = {}
        for position, claim in enumerate(self.claims):
            for cpu in claim.dedicated_cpus:
                found.setdefault(cpu, []).append(position)
        return found

    def owners_of(self, cpus: HostCpus) -> list[Claim]:
        """The domains that have dedicated vCPUs on some of ``cpus``."""
        return [self.claims[at] for at in sorted({at for cpu in cpus for at in self._owners.get(cpu, ())})]

    @functools.cached_property
    def dedicated_cpus(self) -> HostCpus:
        """All CPUs of dedicated vCPUs."""
        return union(claim.dedicated_cpus for claim in self.claims)

    @functools.cached_property
    def taken_cpus(self) -> HostCpus:
        """These with their SMT siblings: who runs there disturbs a dedicated vCPU."""
        return self.dedicated_cpus | union(self.host.cores_of(self.dedicated_cpus))

    def others_on(self, cpus: HostCpus, claim: Claim) -> Owners:
        """The domains that have dedicated vCPUs on some of ``cpus`` beside those of ``claim``, and may run while it does.

        The same ones are the same object.
        """
        foreign, turns = (cpus & self.dedicated_cpus) - claim.dedicated_cpus, self.turns(claim)
        key = (foreign.mask, turns)
        if key not in self._others:
            claims = tuple(each for each in self.owners_of(foreign) if not turns & self.turns(each))
            same = tuple(map(id, claims))
            self._others[key] = self._known.setdefault(same, Owners(claims))
        return self._others[key]

    @functools.cached_property
    def _others(self) -> dict[tuple[int, frozenset[str]], Owners]:
        return {}

    @functools.cached_property
    def _known(self) -> dict[tuple[int, ...], Owners]:
        return {}

    def apart_text(self, claims: Iterable[Claim]) -> str:
        """How it is declared that domains never run together; of a few the lines to write."""
        names = [_quoted(name) for name in dict.fromkeys(claim.domain for claim in claims)]
        name = self.host.name if _BARE_KEY.fullmatch(self.host.name) else _quoted(self.host.name)
        if len(names) > _MOST_NAMES:
            return f"those of them that never run together go into exclusive-groups of [hosts.{name}]"
        they = "they never" if len(names) < 3 else "no two of them"
        return f"if {they} run together, write for [hosts.{name}]:\nexclusive-groups = [[{', '.join(names)}]]"


def _quoted(name: str) -> str:
    """A string as TOML has it, which is that of JSON."""
    return msgspec.json.encode(name).decode()


_MOST_NAMES = 4
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
