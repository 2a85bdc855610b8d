"""Dedicated vCPUs of different domains are pinned to the threads of one core.

The threads of a core share its execution units and its caches. Each of the two guests then runs at a speed that depends on what the
other does, and neither can see it. SUSE's guide for EPYC gives a guest of one vCPU a whole core rather than put vCPUs of different
guests on two siblings, for speed and for security: what one thread does can be measured from the other, and several attacks on
processors read data that way. OpenStack has a policy for it (`isolate`). It is a trade-off, for it takes whole cores to keep guests
apart. Where one of the vCPUs is realtime it is a warning: the other one delays it by an amount that nobody can bound.

Host: pack:1 [numa(memory=64GiB)] core:4 pu:2

Bad:

    <domain>
      <name>db1</name>
      <vcpu>1</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
                                  ^ vCPU 0 of db1 has CPU 2
      </cputune>
    </domain>
    <domain>
      <name>db2</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='3'/>
                                  - vCPU 0 of db2 has CPU 3
        <vcpupin vcpu='1' cpuset='4'/>
      </cputune>
    </domain>

Bad (warning):

    <domain>
      <name>plc1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
        <vcpupin vcpu='1' cpuset='2'/>
                                  - vCPU 1 of plc1 has CPU 2
        <vcpusched vcpus='1' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>
    <domain>
      <name>db2</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='3'/>
                                  ^ vCPU 0 of db2 has CPU 3
        <vcpupin vcpu='1' cpuset='4'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>db1</name>
      <vcpu>1</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
      </cputune>
    </domain>
    <domain>
      <name>db2</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
      </cputune>
    </domain>

Fix: Pin each domain to whole cores, and give it vCPUs in pairs that it sees as threads of a core (`<topology threads='2'>`).

When to ignore it: The guests trust each other, and there are more of them than cores.

Sources:
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: vCPUs of different guests on two siblings should be avoided
- OpenStack nova, CPU topologies: the thread policies isolate and require
- canonical/lxd, issue 14133: latency-critical guests on one core
"""

from collections.abc import Iterator

from numalint import (
    Claim,
    Conflict,
    Fact,
    Fleet,
    HostCpus,
    IdSet,
    NotJudged,
    Severity,
    dedicated_on,
    host_rule,
    names_text,
    overbooked,
    set_text,
    short_cpus_text,
    union,
)


@host_rule("core-shared-across-domains", Severity.NOTE, uses=Fact.CORES, precision="very-high")
def check(fleet: Fleet) -> Iterator[Conflict | NotJudged]:
    if sum(bool(claim.dedicated) for claim in fleet.claims) < 2:
        return
    if fleet.host.cores is None:
        yield NotJudged(Fact.CORES, "")
        return
    groups: dict[tuple[int, ...], tuple[list[Claim], list[HostCpus]]] = {}
    for core in fleet.host.cores_of(fleet.dedicated_cpus):
        claims = _sharers(fleet, core) if len(core) > 1 else []
        if claims:
            groups.setdefault(tuple(map(id, claims)), (claims, []))[1].append(core)
    for claims, cores in groups.values():
        yield _conflict(fleet, claims, cores)


def _sharers(fleet: Fleet, core: HostCpus) -> list[Claim]:
    """The domains that share a core; none where it has too few CPUs for their vCPUs, which is pcpu-double-booked's."""
    claims = fleet.rivals(fleet.owners_of(core))
    pins = [(claim, own) for claim in claims for own in claim.dedicated.values() if own & core]
    groups = overbooked([own for _, own in pins])
    return [] if any(fleet.rivals(pins[at][0] for at in members) for members, _ in groups) else claims


def _conflict(fleet: Fleet, claims: list[Claim], cores: list[HostCpus]) -> Conflict:
    used = union(cores) & fleet.dedicated_cpus
    claims = sorted(claims, key=lambda claim: bool(claim.realtime & used))  # a realtime one has the better right
    realtime = bool(claims[-1].realtime & used)
    count = "a core" if len(cores) == 1 else f"{len(cores)} cores"
    free = union(core for core in fleet.host.cores or () if not core & fleet.dedicated_cpus)
    free -= fleet.host.housekeeping or IdSet()
    such = f", such as CPUs {set_text(free)}, of which nobody has a part" if free else ""
    return Conflict(
        parties=tuple(dedicated_on(claim, used) for claim in claims),
        message=f"{names_text(claim.domain for claim in claims)} share {count} of {fleet.host.name}: "
        f"{short_cpus_text(used)} {'are its threads' if len(cores) == 1 else 'are their threads'}",
        severity=Severity.WARNING if realtime else None,
        nodes=fleet.host.nodes_of(used),
        why="what the other domain does delays the realtime vCPU, by an amount that nobody can bound"
        if realtime
        else "each is as fast as the other lets it be, and what one does can be measured by the other",
        help=f"pin each domain to whole cores{such}; {fleet.apart_text(claims)}",
        data={"cores": len(cores), "cpus": str(used), "domains": len(claims)},
    )
