"""Threads of one domain on CPUs that dedicated vCPUs of others have: what they may do there, and how grave it is."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from numalint.model.claim import Claim, Target
from numalint.model.finding import Severity
from numalint.model.fleet import Fleet, Owners
from numalint.model.idset import HostCpus


class Intrusion(msgspec.Struct, frozen=True):
    """Threads of a domain that may run on the dedicated CPUs ``cpus`` of ``owners``; ``stuck``: and nowhere else.

    ``target`` is where their set is written.
    """

    claim: Claim
    target: Target
    cpus: HostCpus
    stuck: bool
    owners: Owners

    @property
    def severity(self) -> Severity:
        """An error where they starve beside realtime vCPUs, a note where they have other CPUs too and disturb no such vCPU."""
        realtime = self.owners.realtime & self.cpus
        if self.stuck and self.cpus <= realtime:
            return Severity.ERROR
        return Severity.WARNING if self.stuck or realtime else Severity.NOTE


def intrusion(fleet: Fleet, claim: Claim, target: Target, cpus: HostCpus) -> Intrusion | None:
    """What threads of a domain do that may run on ``cpus``; None where no dedicated vCPU of another one has some of these."""
    owners = fleet.others_on(cpus, claim)
    held = (cpus & owners.cpus) - claim.dedicated_cpus
    return Intrusion(claim, target, held, held == cpus, owners) if held else None


def alike(intrusions: Iterable[Intrusion]) -> list[list[Intrusion]]:
    """The intrusions that are equally grave for the same owners, in the order in which they came."""
    groups: dict[tuple[Severity, int], list[Intrusion]] = {}
    for each in intrusions:
        groups.setdefault((each.severity, id(each.owners)), []).append(each)
    return list(groups.values())
