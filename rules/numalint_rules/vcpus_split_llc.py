"""The vCPUs are pinned to more L3 caches than they need.

On AMD EPYC and Ryzen, and on some Arm servers, a group of cores shares an L3 cache: 8 cores on EPYC 9005, 3 or 4 on older Ryzens.
vCPUs in one group pass data to each other through that cache; in several, from cache to cache. HAProxy's author saw
performance cut in half when a client and a server were on different groups. SUSE places small guests so that each stays in
one. The guest here is dedicated, its cores would fit fewer caches of the same node, and it does not tell its caches apart.

Host: pack:1 [numa(memory=32GiB)] l3:2 core:4 pu:2

Bad:

    <domain>
      <name>cache6</name>
      <memory unit='GiB'>4</memory>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
                                  - vCPU 0 is in the L3 cache of CPUs 0-7
        <vcpupin vcpu='1' cpuset='5'/>
        <vcpupin vcpu='2' cpuset='8'/>
                                  ^ vCPU 2 is in the L3 cache of CPUs 8-15
        <vcpupin vcpu='3' cpuset='9'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>cache6</name>
      <memory unit='GiB'>4</memory>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <vcpupin vcpu='2' cpuset='6'/>
        <vcpupin vcpu='3' cpuset='7'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>cache7</name>
      <memory unit='GiB'>4</memory>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <vcpupin vcpu='2' cpuset='8'/>
        <vcpupin vcpu='3' cpuset='9'/>
      </cputune>
      <cpu>
        <topology sockets='1' dies='2' cores='1' threads='2'/>
      </cpu>
    </domain>

Fix: Pin the vCPUs to CPUs of as few L3 caches as hold them; or give the guest a die for each, `<topology dies='2'>`.

When to ignore it: The guest wants the cache or the bandwidth of several groups: SUSE doubled STREAM's figures by spreading its
threads over the L3 caches. Or the other CPUs of the cache belong to another guest.

Sources:
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: placement of guests by dies, and STREAM over the caches
- haproxy/haproxy, issue 1616: the figure
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3.2: pin to CPUs that share an L3 cache
"""

from collections.abc import Iterator

from numalint import (
    L3,
    Category,
    Fact,
    Finding,
    HostCpus,
    IdSet,
    Placement,
    Related,
    Severity,
    Trait,
    Vcpus,
    count_text,
    placement_rule,
    set_text,
    union,
)


@placement_rule(
    "vcpus-split-llc",
    Severity.NOTE,
    Category.PINNING,
    needs=(Fact.L3, Fact.CORES),
    when=Trait.PINS | Trait.DEDICATED,
    uses=(Fact.NODES, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding]:
    host, pinned = placement.host, placement.pinned_cpus
    used = host.l3_of(pinned)
    if len(used) < 2 or not placement.dedicated or IdSet.of(placement.pinned) != placement.domain.online:
        return
    enough = placement.enough_l3
    if len(used) <= len(enough) or len(placement.vcpu_cores) < len(placement.pinned) or _told_apart(placement):
        return
    caches = {vcpu: host.l3_of(affinity.cpus or IdSet())[:1] for vcpu, affinity in placement.pinned.items()}
    first = next(iter(caches))
    other = next((vcpu for vcpu, cache in caches.items() if cache != caches[first]), first)
    pins = placement.domain.vcpupins
    yield Finding(
        place=pins[other].place.at("cpuset"),
        message=f"its {len(caches)} vCPUs are pinned to {len(used)} L3 caches of {host.name}, "
        f"but {count_text(len(enough), 'cache')} would hold them",
        label=f"vCPU {other} is in {_cache_text(caches[other])}",
        related=(Related(pins[first].place.at("cpuset"), f"vCPU {first} is in {_cache_text(caches[first])}"),),
        why="what the vCPUs share goes from cache to cache, and the guest does not know which of them are near each other",
        help=f"pin them to CPUs of {count_text(len(enough), 'L3 cache')}, such as {_usable_text(placement, enough)}",
        data={"caches": len(used), "enough": len(enough), "cpus": str(pinned)},
    )


def _told_apart(placement: Placement) -> bool:
    """Whether the guest knows of the caches: each of its cells, sockets or dies keeps to one."""
    domain = placement.domain
    cells = [cell.cpus for cell in domain.cells]
    return any(
        len(parts) > 1 and all(len(placement.host.l3_of(_cpus(placement, part))) <= 1 for part in parts)
        for parts in (cells, _parts(domain.guest_sockets), _parts(domain.guest_dies))
    )


def _parts(parts: tuple[Vcpus, ...]) -> list[Vcpus]:
    """Those of more than one vCPU: a socket for each is what a guest gets that says nothing."""
    return [part for part in parts if len(part) > 1]


def _cpus(placement: Placement, vcpus: Vcpus) -> HostCpus:
    return union(placement.domain.vcpupins[vcpu].cpus for vcpu in vcpus if vcpu in placement.pinned)


def _cache_text(caches: tuple[L3, ...]) -> str:
    return f"the L3 cache of CPUs {set_text(caches[0].cpus)}" if caches else "no L3 cache"


def _usable_text(placement: Placement, caches: tuple[L3, ...]) -> str:
    kept: HostCpus = placement.host.housekeeping or IdSet()
    return " and ".join(set_text(cache.cpus - kept) for cache in caches)
