"""The guest has more vCPUs than a host node has CPUs, and no NUMA cells that fit the host.

Such a guest runs on several nodes whatever is pinned, and does not know it: its kernel spreads tasks and memory as if all of it
were equally near. On two-socket EPYC, large guests without NUMA cells of their own lost 50 to 60 % in the STREAM
benchmark, tuned ones 1 %. A guest that fits several nodes near each other (SNC, NPS: distance 12 or less) gets a note.

Host: pack:2 numa:1 core:4 pu:1

Bad:

    <domain>
      <name>etl1</name>
      <memory unit='MiB'>512</memory>
      <vcpu>6</vcpu>
            ^ 6 vCPUs at start
    </domain>

Good:

    <domain>
      <name>etl1</name>
      <memory unit='GiB'>1</memory>
      <vcpu>6</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0-1'/>
        <memnode cellid='0' mode='strict' nodeset='0'/>
        <memnode cellid='1' mode='strict' nodeset='1'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-2' memory='512' unit='MiB'/>
          <cell id='1' cpus='3-5' memory='512' unit='MiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>etl1</name>
      <memory unit='MiB'>512</memory>
      <vcpu current='4'>6</vcpu>
    </domain>

Fix: Give the guest fewer vCPUs, or as many NUMA cells as it needs nodes, each bound by `<memnode>` and its vCPUs pinned there.

When to ignore it: The guest's load is not bound by memory, or its software cannot live with NUMA.

Sources:
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3: limit the guest to the resources of one node
- SUSE Best Practices, Optimizing Linux for AMD EPYC 7002: the STREAM figures
- OpenStack nova-specs, juno/virt-driver-numa-placement: what is larger than a node needs a guest NUMA topology
"""

from collections.abc import Iterator

from numalint import (
    Category,
    Fact,
    Finding,
    IdSet,
    Placement,
    Severity,
    count_text,
    node_places,
    placement_rule,
)


@placement_rule(
    "vcpus-exceed-node",
    Severity.WARNING,
    Category.PLACEMENT,
    needs=Fact.NODES,
    uses=(Fact.MEMORY, Fact.DISTANCES, Fact.HOUSEKEEPING),
    precision="very-high",
)
def check(placement: Placement) -> Iterator[Finding]:
    host, vcpus = placement.host, len(placement.domain.online)
    if vcpus <= host.most_usable_cpus:
        return
    largest = max(host.usable_cpus, key=lambda node: len(host.usable_cpus[node]))
    room = len(host.usable_cpus[largest])
    if vcpus > len(host.guest_cpus) or placement.guest_nodes_fit:
        return  # vcpus-exceed-host has those that exceed the whole host
    kept = len(host.cpus_of(IdSet.of([largest]))) - room
    has = f"{count_text(room, 'CPU')}{f' beside {kept} for housekeeping' if kept else ''}"
    parts = -(-vcpus // room) if room else 0
    split = f", or {parts} NUMA cells, each bound to a node by <memnode>" if 1 < parts <= len(host.usable_cpus) else ""
    near = any(placement.fits(list(group)) for group in host.near_groups)
    yield Finding(
        place=placement.vcpus_place,
        message=f"{count_text(vcpus, 'vCPU')} do not fit a node of {host.name}: the largest has {has}",
        label=f"{count_text(vcpus, 'vCPU')} at start",
        severity=Severity.NOTE if near else None,
        related=node_places(host, IdSet.of([largest])),
        why="it runs on several nodes, near to each other, as if they were one"
        if near
        else "it runs on several nodes without knowing it, so much of its memory is remote to the vCPU that uses it",
        help=f"give it at most {count_text(room, 'vCPU')}{split}",
        data={"vcpus": vcpus, "largest_node": largest, "cpus": room},
    )
