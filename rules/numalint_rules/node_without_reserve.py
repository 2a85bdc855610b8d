"""Dedicated vCPUs have every CPU of a node, and nothing else has one there.

The kernel's own threads, the interrupts of the node's NICs and disks, the emulators and the vhost workers of the guests run
somewhere. Where pinned vCPUs have every CPU of a node, they take time from these, or they run on another node, far from the
memory and the devices that they serve. SUSE's guide for EPYC advises to keep at least one core of each node where guests do I/O
and, if that is too much, one of each node that has devices; its benchmarks, which only compute, take all. Canonical's support tool
warns of hosts that keep less than five cores or 5 %. A node of which the host keeps CPUs (housekeeping) is not judged.

Host: pack:2 [numa(memory=64GiB)] core:4 pu:1

Bad:

    <domain>
      <name>nfv1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
                                  ^ vCPUs 0-1 of nfv1 have CPUs 4-5
        <vcpupin vcpu='1' cpuset='5'/>
      </cputune>
    </domain>
    <domain>
      <name>nfv2</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='6'/>
                                  - vCPUs 0-1 of nfv2 have CPUs 6-7
        <vcpupin vcpu='1' cpuset='7'/>
      </cputune>
    </domain>

Bad:

    <domain>
      <name>nfv1</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
                                  ^ vCPUs 0-3 of nfv1 have CPUs 4-7
        <vcpupin vcpu='1' cpuset='5'/>
        <vcpupin vcpu='2' cpuset='6'/>
        <vcpupin vcpu='3' cpuset='7'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>nfv1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='5'/>
        <vcpupin vcpu='1' cpuset='6'/>
      </cputune>
    </domain>
    <domain>
      <name>nfv2</name>
      <vcpu>1</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='7'/>
      </cputune>
    </domain>

Fix: Leave a core of each node to the host and to the emulators of its guests, and declare it as housekeeping.

When to ignore it: The guests only compute, or mind no delay: a desktop that gives all to one guest does so on purpose.

Sources:
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: at least one core of each node for the host, if any
- canonical/hotsos, cpu_pinning: fewer than 5 cores, or 5 %, are left to the host
- Linux, drivers/vhost/vhost.c: vhost workers have the affinity of the emulator
"""

from collections.abc import Iterator

from numalint import (
    Claim,
    Conflict,
    Fact,
    Fleet,
    HostCpus,
    HostNode,
    HostNodes,
    IdSet,
    Severity,
    Share,
    Target,
    at_once,
    dedicated_on,
    host_rule,
    ids_text,
    names_text,
    union,
)


@host_rule(
    "node-without-reserve", Severity.NOTE, needs=Fact.NODES, uses=(Fact.HOUSEKEEPING, Fact.CORES), precision="very-high"
)
def check(fleet: Fleet) -> Iterator[Conflict]:
    groups: dict[tuple[int, ...], tuple[list[Claim], list[HostNode]]] = {}
    for region in fleet.host.node_regions:
        if region.cpus <= fleet.dedicated_cpus and not region.cpus & (fleet.host.housekeeping or IdSet()):
            claims = _running(fleet, region.cpus)
            if claims:
                groups.setdefault(tuple(map(id, claims)), (claims, []))[1].append(HostNode(region.id))
    for claims, nodes in groups.values():
        yield _conflict(fleet, claims, IdSet.of(nodes))


def _running(fleet: Fleet, cpus: HostCpus) -> list[Claim]:
    """The domains on ``cpus``; none where those that run at once leave some of these."""
    claims = fleet.owners_of(cpus)
    shares = [Share(claim, len(claim.dedicated_cpus & cpus), Target("domain")) for claim in claims]
    largest_first = sorted(shares, key=lambda share: -share.size)
    held = union(share.claim.dedicated_cpus for share in at_once(fleet, largest_first))
    return claims if cpus <= held else []


def _conflict(fleet: Fleet, claims: list[Claim], nodes: HostNodes) -> Conflict:
    host, cpus = fleet.host, fleet.host.cpus_of(nodes)
    kept = ids_text("node", host.nodes_of(host.housekeeping)) if host.housekeeping else ""
    where = f"run on {kept}, which has CPUs for housekeeping" if kept else "take time from them, or run on another node"
    core = host.cores_of(cpus)
    such = f", such as {ids_text('CPU', core[0])}" if core else ""
    names = names_text(claim.domain for claim in claims)
    whose = "its dedicated vCPUs" if len(claims) == 1 else f"dedicated vCPUs of {names}"
    return Conflict(
        parties=tuple(dedicated_on(claim, cpus) for claim in claims),
        message=f"{whose} have {_all(len(cpus))} of {ids_text('node', nodes)} of {host.name}",
        subject=ids_text("node", nodes),
        nodes=nodes,
        why=f"the kernel's threads, interrupts and vhost workers of the guests there {where}",
        help=f"leave a core of each node to the host{such}, and declare it as housekeeping",
        data={"nodes": str(nodes), "cpus": len(cpus), "domains": len(claims)},
    )


def _all(count: int) -> str:
    return "the one CPU" if count == 1 else f"all {count} CPUs"
