"""A CPU is pinned by the dedicated vCPUs of two domains.

Each of them counts on a CPU of its own, and each gets half of it, with the other's cache misses. OpenStack lets no pinned
instance use the CPUs of another. Sets are matched, not compared: two domains may name the same CPUs where each of their
vCPUs can still have one of its own. Where a vCPU is realtime, the other one starves, and this is an error. Domains that have a
device in common cannot run together: pci-device-double-assigned has these.

Host: pack:2 numa:1 core:4 pu:1

Bad:

    <domain>
      <name>db1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
                                  ^ vCPU 1 of db1 has CPU 5
      </cputune>
    </domain>
    <domain>
      <name>db2</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='5'/>
                                  - vCPU 0 of db2 has CPU 5
        <vcpupin vcpu='1' cpuset='6'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>db1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
      </cputune>
    </domain>
    <domain>
      <name>db2</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='6'/>
        <vcpupin vcpu='1' cpuset='7'/>
      </cputune>
    </domain>

Fix: Give each domain CPUs of its own. Domains that never run together are declared so in `numalint.toml`, as
`exclusive-groups = [["db1", "db2"]]` of their host.

When to ignore it: One of them is only started when the other is off; declare it, and it is quiet.

Sources:
- OpenStack nova, CPU topologies: no instance can use the pinned CPUs of another
- oVirt, exclusive CPU pinning policies
- canonical/lxd, issue 14133: latency-critical guests on one core
"""

from collections.abc import Iterator

from numalint import (
    Claim,
    Conflict,
    Fleet,
    HostCpus,
    Severity,
    Share,
    Target,
    Vcpu,
    at_once,
    count_text,
    dedicated_on,
    host_rule,
    ids_text,
    names_text,
    overbooked,
    union,
)

Booking = tuple[Claim, Vcpu, HostCpus]

MOST_TRIED = 64
"""Of more domains than these on the same CPUs, some clash whoever runs."""


@host_rule("pcpu-double-booked", Severity.WARNING, precision="very-high")
def check(fleet: Fleet) -> Iterator[Conflict]:
    bookings = list(_contested(fleet))
    groups: dict[tuple[int, ...], list[tuple[list[Booking], HostCpus]]] = {}  # what the same domains share is one
    for members, cpus in overbooked([cpus for _, _, cpus in bookings]):
        group = _clashing(fleet, [bookings[member] for member in members])
        if group:
            groups.setdefault(tuple(dict.fromkeys(id(claim) for claim, _, _ in group)), []).append((group, cpus))
    for found in groups.values():
        together = [booking for group, _ in found for booking in group]
        yield _conflict(fleet, together, union(cpus for _, cpus in found))


def _contested(fleet: Fleet) -> Iterator[Booking]:
    """The dedicated vCPUs that share a CPU with those of another domain: one mask a domain shows that there are none."""
    seen = twice = 0
    for claim in fleet.claims:
        twice |= seen & claim.dedicated_cpus.mask
        seen |= claim.dedicated_cpus.mask
    if twice:
        for claim in fleet.claims:
            if claim.dedicated_cpus.mask & twice:
                yield from ((claim, vcpu, cpus) for vcpu, cpus in claim.dedicated.items() if cpus.mask & twice)


def _clashing(fleet: Fleet, group: list[Booking]) -> list[Booking]:
    """Those of a group that have too few CPUs at some time: of domains that take turns, each is tried with the others."""
    rivals = fleet.rivals(claim for claim, _, _ in group)
    if not any(map(fleet.turns, rivals)):
        return [booking for booking in group if rivals]
    shares = [Share(claim, 1, Target("domain")) for claim in rivals]
    found: set[int] = set()
    for first in shares[:MOST_TRIED]:
        running = {id(share.claim) for share in at_once(fleet, [first, *shares])}
        at = [number for number, (claim, _, _) in enumerate(group) if id(claim) in running]
        for members, _ in overbooked([group[number][2] for number in at]):
            if len({id(group[at[member]][0]) for member in members}) > 1:
                found.update(at[member] for member in members)
    return [booking for number, booking in enumerate(group) if number in found]


def _conflict(fleet: Fleet, group: list[Booking], cpus: HostCpus) -> Conflict:
    claims = list({id(claim): claim for claim, _, _ in group}.values())
    claims.sort(key=lambda claim: bool(claim.realtime & cpus))  # a realtime one has the better right
    realtime = bool(claims[-1].realtime & cpus)
    return Conflict(
        parties=tuple(dedicated_on(claim, cpus) for claim in claims),
        message=f"{count_text(len(group), 'dedicated vCPU')} of {names_text(claim.domain for claim in claims)} "
        f"share {ids_text('CPU', cpus)} of {fleet.host.name}",
        severity=Severity.ERROR if realtime else None,
        nodes=fleet.host.nodes_of(cpus),
        why="the other vCPU starves while the realtime one runs"
        if realtime
        else "each gets a part of a CPU that it counts on",
        help=f"pin them to different CPUs; {fleet.apart_text(claims)}",
        data={"cpus": str(cpus), "vcpus": len(group), "taken": str(union(own for _, _, own in group))},
    )
