"""Dedicated vCPUs of different domains share an L3 cache.

A guest that streams through memory throws the data of its neighbours out of the L3 that they share, and these wait for memory
instead. SUSE's guide for EPYC, whose L3 caches serve few cores each, takes fewer vCPUs for a guest rather than let it share a
cache with the host, where that interference hurts. On most hosts guests share caches because there are more guests than
caches, so this rule is off unless it is asked for, by hosts on which latency counts.

Host: pack:1 [numa(memory=64GiB)] l3:2 core:4 pu:1

Bad:

    <domain>
      <name>feed1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
                                  ^ vCPUs 0-1 of feed1 have CPUs 0-1
        <vcpupin vcpu='1' cpuset='1'/>
      </cputune>
    </domain>
    <domain>
      <name>feed2</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
                                  - vCPUs 0-1 of feed2 have CPUs 2-3
        <vcpupin vcpu='1' cpuset='3'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>feed1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
        <vcpupin vcpu='1' cpuset='1'/>
      </cputune>
    </domain>
    <domain>
      <name>feed2</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
      </cputune>
    </domain>

Fix: Pin the domains to the CPUs of different L3 caches, or let the kernel divide the cache (`<cachetune>`).

When to ignore it: The domains are small, or do not mind.

Sources:
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: a die that is split, and its L3 cache
- libvirt, Domain XML format, "CPU Tuning": cachetune
"""

from collections.abc import Iterator

from numalint import (
    L3,
    Claim,
    Conflict,
    Fact,
    Fleet,
    IdSet,
    NotJudged,
    Severity,
    count_text,
    dedicated_on,
    host_rule,
    ids_text,
    names_text,
    set_text,
    union,
)


@host_rule("llc-shared-across-domains", Severity.NOTE, uses=Fact.L3, enabled=False, precision="very-high")
def check(fleet: Fleet) -> Iterator[Conflict | NotJudged]:
    if sum(bool(claim.dedicated) for claim in fleet.claims) < 2:
        return
    if fleet.host.l3 is None:
        yield NotJudged(Fact.L3, "")
        return
    groups: dict[tuple[int, ...], tuple[list[Claim], list[L3]]] = {}
    for cache in fleet.host.l3_of(fleet.dedicated_cpus):
        claims = fleet.rivals(fleet.owners_of(cache.cpus))
        if claims:
            groups.setdefault(tuple(map(id, claims)), (claims, []))[1].append(cache)
    for claims, caches in groups.values():
        yield _conflict(fleet, claims, caches)


def _conflict(fleet: Fleet, claims: list[Claim], caches: list[L3]) -> Conflict:
    shared = union(cache.cpus for cache in caches)
    used = shared & fleet.dedicated_cpus
    free = union(cache.cpus for cache in fleet.host.l3 or () if not cache.cpus & fleet.dedicated_cpus)
    free -= fleet.host.housekeeping or IdSet()
    such = f": no dedicated vCPU is on CPUs {set_text(free)}" if free else ", if there are enough"
    which = "the L3 cache" if len(caches) == 1 else count_text(len(caches), "L3 cache")
    return Conflict(
        parties=tuple(dedicated_on(claim, used) for claim in claims),
        message=f"{names_text(claim.domain for claim in claims)} share {which} of {ids_text('CPU', shared)} "
        f"of {fleet.host.name}",
        nodes=fleet.host.nodes_of(used),
        why="what one of them streams through memory throws the data of the others out of the cache",
        help=f"pin them to the CPUs of different caches{such}",
        data={"caches": len(caches), "cpus": str(used), "domains": len(claims)},
    )
