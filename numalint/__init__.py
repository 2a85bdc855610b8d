"""numalint finds what is wrong with the NUMA placement of libvirt domains.

A pack of rules imports all that it needs from here.
"""

__version__ = "0.1.0"

HOMEPAGE = "https://github.com/numalint/numalint"

from typing import TYPE_CHECKING  # noqa: E402

from pluggy import HookimplMarker  # noqa: E402  # the version stands above all, where the build reads it

from numalint.engine.rule import Category, Rule, domain_rule, host_rule, placement_rule  # noqa: E402
from numalint.loaders.document import Document, Head, HostFormat, LoadError  # noqa: E402
from numalint.model.apart import Apart, apart, bound_text, crossed  # noqa: E402
from numalint.model.claim import Claim, Conflict, MemoryClaim, Party, Target, dedicated_on  # noqa: E402
from numalint.model.devices import (  # noqa: E402
    Controller,
    Device,
    Disk,
    GuestDevices,
    Interface,
    Iommu,
    IOThreadUse,
    MemoryDevice,
    SharedMemoryUser,
)
from numalint.model.domain import NEWEST_LIBVIRT, REALTIME_POLICIES, Domain, Release, Trait  # noqa: E402
from numalint.model.elements import (  # noqa: E402
    ORDINARY_PAGE,
    Cell,
    Distance,
    Fault,
    HugePages,
    ListedIOThread,
    ListedVcpu,
    MaxMemory,
    MemoryBacking,
    MemoryBinding,
    NodeSet,
    Pin,
    Repeated,
    Scheduler,
    ThreadPin,
    Topology,
    VainExclusion,
)
from numalint.model.finding import Finding, NotJudged, Related, Severity  # noqa: E402
from numalint.model.fleet import Fleet, Owners  # noqa: E402
from numalint.model.home import (  # noqa: E402
    binding_text,
    device_text,
    emulatorpin_cpus,
    emulatorpin_text,
    home_places,
    home_text,
    iothreadpin_text,
)
from numalint.model.host import L3, NEAR, Fact, Host, Node, PciAddress, PciDevice, Pool, Region  # noqa: E402
from numalint.model.idset import (  # noqa: E402
    GuestCell,
    GuestCells,
    HostCpu,
    HostCpus,
    HostNode,
    HostNodes,
    IdSet,
    Vcpu,
    Vcpus,
    union,
)
from numalint.model.intrusion import Intrusion, alike, intrusion  # noqa: E402
from numalint.model.matching import overbooked  # noqa: E402
from numalint.model.overcommit import Excess, Share, at_once, excess, overcommitted  # noqa: E402
from numalint.model.place import TEXT, Place  # noqa: E402
from numalint.model.placement import Placement, place_of_term  # noqa: E402
from numalint.model.report import Report, Reporter, Result  # noqa: E402
from numalint.model.resolved import Affinity, Bound, Intent, MemoryPart, MemoryPolicy, Origin, WrittenSet  # noqa: E402
from numalint.model.spread import Spread, node_spread, socket_spread  # noqa: E402
from numalint.model.wording import (  # noqa: E402
    MOST_RELATED,
    count_text,
    cpus_text,
    ids_text,
    names_text,
    node_places,
    node_text,
    set_text,
    short_cpus_text,
    size_text,
    written_ids_text,
)

if TYPE_CHECKING:
    from numalint.api import check

hookimpl = HookimplMarker("numalint")
"""Marks the functions of a plugin that implement one of numalint's hooks."""

__all__ = [
    "HOMEPAGE",
    "L3",
    "MOST_RELATED",
    "NEAR",
    "NEWEST_LIBVIRT",
    "ORDINARY_PAGE",
    "REALTIME_POLICIES",
    "TEXT",
    "Affinity",
    "Apart",
    "Bound",
    "Category",
    "Cell",
    "Claim",
    "Conflict",
    "Controller",
    "Device",
    "Disk",
    "Distance",
    "Document",
    "Domain",
    "Excess",
    "Fact",
    "Fault",
    "Finding",
    "Fleet",
    "GuestCell",
    "GuestCells",
    "GuestDevices",
    "Head",
    "Host",
    "HostCpu",
    "HostCpus",
    "HostFormat",
    "HostNode",
    "HostNodes",
    "HugePages",
    "IOThreadUse",
    "IdSet",
    "Intent",
    "Interface",
    "Intrusion",
    "Iommu",
    "ListedIOThread",
    "ListedVcpu",
    "LoadError",
    "MaxMemory",
    "MemoryBacking",
    "MemoryBinding",
    "MemoryClaim",
    "MemoryDevice",
    "MemoryPart",
    "MemoryPolicy",
    "Node",
    "NodeSet",
    "NotJudged",
    "Origin",
    "Owners",
    "Party",
    "PciAddress",
    "PciDevice",
    "Pin",
    "Place",
    "Placement",
    "Pool",
    "Region",
    "Related",
    "Release",
    "Repeated",
    "Report",
    "Reporter",
    "Result",
    "Rule",
    "Scheduler",
    "Severity",
    "Share",
    "SharedMemoryUser",
    "Spread",
    "Target",
    "ThreadPin",
    "Topology",
    "Trait",
    "VainExclusion",
    "Vcpu",
    "Vcpus",
    "WrittenSet",
    "__version__",
    "alike",
    "apart",
    "at_once",
    "binding_text",
    "bound_text",
    "check",
    "count_text",
    "cpus_text",
    "crossed",
    "dedicated_on",
    "device_text",
    "domain_rule",
    "emulatorpin_cpus",
    "emulatorpin_text",
    "excess",
    "home_places",
    "home_text",
    "hookimpl",
    "host_rule",
    "ids_text",
    "intrusion",
    "iothreadpin_text",
    "names_text",
    "node_places",
    "node_spread",
    "node_text",
    "overbooked",
    "overcommitted",
    "place_of_term",
    "placement_rule",
    "set_text",
    "short_cpus_text",
    "size_text",
    "socket_spread",
    "union",
    "written_ids_text",
]


def __getattr__(name: str) -> object:
    """``numalint.check``, which loads the command line: rules and the command itself need not pay for it."""
    if name == "check":
        from numalint.api import check  # noqa: PLC0415  # see above

        return check
    raise AttributeError(f"module 'numalint' has no attribute {name!r}")
