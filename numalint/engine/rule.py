"""What a rule is: an id, a severity, the facts that it needs, a function, and a page of documentation."""

from __future__ import annotations

import enum
import re
import sys
from collections.abc import Callable, Iterator

import msgspec

from numalint.model.claim import Conflict
from numalint.model.domain import Domain, Trait
from numalint.model.finding import Finding, NotJudged, Severity
from numalint.model.fleet import Fleet
from numalint.model.host import Fact
from numalint.model.placement import Placement

DomainCheck = Callable[[Domain], Iterator[Finding]]
PlacementCheck = Callable[[Placement], Iterator[Finding | NotJudged]]
HostCheck = Callable[[Fleet], Iterator[Conflict | NotJudged]]

NOTHING = Trait(0)
"""No trait: the rule is called for every domain."""

SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class Category(enum.StrEnum):
    """What a rule is about."""

    CORRECTNESS = "correctness"
    PLACEMENT = "placement"
    PINNING = "vcpu-pinning"
    MEMORY = "memory"
    THREADS = "threads"
    IO_LOCALITY = "io-locality"
    GUEST_TOPOLOGY = "guest-topology"
    HUGEPAGES = "hugepages"
    REALTIME = "realtime"
    ISOLATION = "isolation"
    HOST_WIDE = "host-wide"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule, as a decorator below makes it of a check function.

    ``page`` is the docstring of the module that defines it. ``when`` are the traits of a domain without any of which the
    rule has nothing to say: it is called only where all of them are there. ``needs`` are the facts of the host without which the
    rule is not judged, ``uses`` those that only sharpen it. ``shape`` tells what the check is given: a domain,
    or a placement. ``suppressible``: whether a suppression may cover its findings.
    """

    id: str
    severity: Severity
    category: Category
    shape: str
    check: Callable[..., Iterator[Finding | Conflict | NotJudged]]
    page: str
    needs: frozenset[Fact] = frozenset()
    uses: frozenset[Fact] = frozenset()
    when: Trait = NOTHING
    enabled: bool = True
    precision: str = "high"
    suppressible: bool = True

    @property
    def summary(self) -> str:
        """The first paragraph of the page: what is wrong, as a sentence."""
        return " ".join(self.page.strip().split("\n\n")[0].split())


def domain_rule(
    id: str,
    severity: Severity,
    category: Category,
    *,
    when: Trait = NOTHING,
    enabled: bool = True,
    precision: str = "very-high",
    suppressible: bool = True,
) -> Callable[[DomainCheck], Rule]:
    """Make a rule of ``check(domain)``, for what is wrong on any host.

    ``when``: traits of the domain without which it has nothing to say.
    """

    def decorate(check: DomainCheck) -> Rule:
        return Rule(
            id=id,
            severity=severity,
            category=category,
            shape="domain",
            check=check,
            page=_page_of(check),
            when=when,
            enabled=enabled,
            precision=precision,
            suppressible=suppressible,
        )

    return decorate


def placement_rule(
    id: str,
    severity: Severity,
    category: Category,
    *,
    needs: Fact | tuple[Fact, ...] = (),
    uses: Fact | tuple[Fact, ...] = (),
    when: Trait = NOTHING,
    enabled: bool = True,
    precision: str = "high",
    suppressible: bool = True,
) -> Callable[[PlacementCheck], Rule]:
    """Make a rule of ``check(placement)``, for what is wrong with a domain on its host.

    ``needs``: facts without which the rule is not judged; ``uses``: facts that only sharpen it; ``when``: traits of the
    domain, or of it on the host, without which it has nothing to say. ``precision`` is
    SARIF's: very-high for arithmetic on declared facts, down to low for a guess.
    """

    def decorate(check: PlacementCheck) -> Rule:
        return Rule(
            id=id,
            severity=severity,
            category=category,
            shape="placement",
            check=check,
            page=_page_of(check),
            needs=frozenset((needs,) if isinstance(needs, Fact) else needs),
            uses=frozenset((uses,) if isinstance(uses, Fact) else uses),
            when=when,
            enabled=enabled,
            precision=precision,
            suppressible=suppressible,
        )

    return decorate


def host_rule(
    id: str,
    severity: Severity,
    category: Category = Category.HOST_WIDE,
    *,
    needs: Fact | tuple[Fact, ...] = (),
    uses: Fact | tuple[Fact, ...] = (),
    enabled: bool = True,
    precision: str = "high",
    suppressible: bool = True,
) -> Callable[[HostCheck], Rule]:
    """Make a rule of ``check(fleet)``, for clashes and sums over the domains of one host.

    ``needs`` and ``uses`` are as for a rule about placement.
    """

    def decorate(check: HostCheck) -> Rule:
        return Rule(
            id=id,
            severity=severity,
            category=category,
            shape="host",
            check=check,
            page=_page_of(check),
            needs=frozenset((needs,) if isinstance(needs, Fact) else needs),
            uses=frozenset((uses,) if isinstance(uses, Fact) else uses),
            enabled=enabled,
            precision=precision,
            suppressible=suppressible,
        )

    return decorate


def _page_of(check: Callable[..., object]) -> str:
    return sys.modules[check.__module__].__doc__ or ""
