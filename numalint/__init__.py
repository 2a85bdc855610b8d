"""numalint finds what is wrong with the NUMA placement of libvirt domains.

A pack of rules imports all that it needs from here.
"""

__version__ = "0.1.0"

HOMEPAGE = "https://github.com/numalint/numalint"

from pluggy import HookimplMarker  # noqa: E402  # the version stands above all, where the build reads it

from numalint.engine.rule import Category, Rule, domain_rule, placement_rule  # noqa: E402
from numalint.model.domain import Cell, Device, Domain, MemoryBinding, Pin, Topology  # noqa: E402
from numalint.model.finding import Finding, NotJudged, Related, Severity  # noqa: E402
from numalint.model.host import NEAR, Fact, Host, Node, PciAddress  # noqa: E402
from numalint.model.idset import GuestCells, HostCpus, HostNodes, IdSet, Vcpu, Vcpus  # noqa: E402
from numalint.model.place import TEXT, Place  # noqa: E402
from numalint.model.placement import (  # noqa: E402
    Affinity,
    Intent,
    MemoryPolicy,
    Origin,
    Placement,
    place_of_term,
)
from numalint.model.spread import Spread, node_spread, socket_spread  # noqa: E402
from numalint.model.wording import (  # noqa: E402
    MOST_RELATED,
    count_text,
    cpus_text,
    ids_text,
    node_places,
    node_text,
    set_text,
    size_text,
)

hookimpl = HookimplMarker("numalint")
"""Marks the functions of a plugin that implement one of numalint's hooks."""

__all__ = [
    "HOMEPAGE",
    "MOST_RELATED",
    "NEAR",
    "TEXT",
    "Affinity",
    "Category",
    "Cell",
    "Device",
    "Domain",
    "Fact",
    "Finding",
    "GuestCells",
    "Host",
    "HostCpus",
    "HostNodes",
    "IdSet",
    "Intent",
    "MemoryBinding",
    "MemoryPolicy",
    "Node",
    "NotJudged",
    "Origin",
    "PciAddress",
    "Pin",
    "Place",
    "Placement",
    "Related",
    "Rule",
    "Severity",
    "Spread",
    "Topology",
    "Vcpu",
    "Vcpus",
    "__version__",
    "count_text",
    "cpus_text",
    "domain_rule",
    "hookimpl",
    "ids_text",
    "node_places",
    "node_spread",
    "node_text",
    "place_of_term",
    "placement_rule",
    "set_text",
    "size_text",
    "socket_spread",
]
