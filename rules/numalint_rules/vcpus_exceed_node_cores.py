"""The guest fits a node only if its vCPUs share cores.

Two vCPUs on the two threads of one core share what the core can do. xen-api measured 40 to 75 % less CPU capacity for guests
that were squeezed onto SMT siblings of one node, against some 20 % better memory latency: a trade-off, so this is a note.

Host: pack:2 numa:1 core:4 pu:2

Bad:

    <domain>
      <name>build1</name>
      <memory unit='MiB'>512</memory>
      <vcpu>6</vcpu>
            ^ 6 vCPUs at start
    </domain>

Good:

    <domain>
      <name>build1</name>
      <memory unit='MiB'>512</memory>
      <vcpu>4</vcpu>
    </domain>

Good:

    <domain>
      <name>hana1</name>
      <memory unit='MiB'>512</memory>
      <vcpu>6</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0-1'/>
        <vcpupin vcpu='1' cpuset='0-1'/>
        <vcpupin vcpu='2' cpuset='2-3'/>
        <vcpupin vcpu='3' cpuset='2-3'/>
        <vcpupin vcpu='4' cpuset='4-5'/>
        <vcpupin vcpu='5' cpuset='4-5'/>
      </cputune>
      <cpu>
        <topology sockets='1' cores='3' threads='2'/>
      </cpu>
    </domain>

Fix: Give the guest no more vCPUs than a node has cores; or let it know of the threads, with `<topology threads='2'>` and each
guest core pinned to one host core.

When to ignore it: The guest waits for memory more than it computes.

Sources:
- xapi-project/xen-api, pull request 6763: the figures
- VMware vSphere, Virtual CPU and NUMA: count cores, not threads
"""

from collections.abc import Iterator

from numalint import (
    Category,
    Fact,
    Finding,
    HostNodes,
    IdSet,
    Placement,
    Severity,
    Vcpus,
    count_text,
    node_places,
    placement_rule,
)


@placement_rule(
    "vcpus-exceed-node-cores",
    Severity.NOTE,
    Category.PLACEMENT,
    needs=(Fact.NODES, Fact.CORES),
    uses=(Fact.MEMORY, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding]:
    host, vcpus = placement.host, len(placement.domain.online)
    if vcpus <= max(host.usable_cores.values()) or placement.guest_nodes_fit or _meant(placement):
        return
    own: HostNodes = placement.vcpu_nodes or IdSet()
    node = max(host.usable_cores, key=lambda node: (host.usable_cores[node], node in own))
    cores, cpus = host.usable_cores[node], len(host.usable_cpus[node])
    if vcpus > max(map(len, host.usable_cpus.values())):
        return
    yield Finding(
        place=placement.vcpus_place,
        message=f"{count_text(vcpus, 'vCPU')} fit a node of {host.name} only as SMT siblings: "
        f"it has {count_text(cores, 'core')} with {count_text(cpus, 'CPU')}",
        label=f"{count_text(vcpus, 'vCPU')} at start",
        related=node_places(host, IdSet.of([node])),
        why="two vCPUs on one core get little more than one core's work done"
        f"{'' if _told(placement) else ', and the guest does not know of it'}",
        help=f"give it at most {count_text(cores, 'vCPU')}, or {_pairs(placement)}",
        data={"vcpus": vcpus, "cores": cores, "node": node},
    )


def _meant(placement: Placement) -> bool:
    """Whether the pins have a core for each vCPU, or a core for each core of the guest."""
    if IdSet.of(placement.pinned) != placement.domain.online:
        return False
    if len(placement.host.cores_of(placement.pinned_cpus)) >= len(placement.domain.online):
        return True
    return _told(placement) and all(
        _on_one_core(placement, core & placement.domain.online) for core in placement.domain.guest_cores
    )


def _told(placement: Placement) -> bool:
    """Whether the guest knows that its cores have threads."""
    return placement.domain.topology is not None and placement.domain.topology.threads > 1


def _pairs(placement: Placement) -> str:
    if _told(placement):
        return "pin the vCPUs of each guest core to one host core"
    return "<topology threads='2'> with each guest core pinned to one core"


def _on_one_core(placement: Placement, vcpus: Vcpus) -> bool:
    cpus = placement.cpus_of(vcpus)
    return cpus is not None and len(placement.host.cores_of(cpus)) <= 1
