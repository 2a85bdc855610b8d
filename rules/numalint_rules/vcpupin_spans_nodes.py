"""The pins of a domain lie on several nodes of one socket, though one would hold it.

With sub-NUMA clustering (SNC), NPS or L3 as NUMA a socket has several nodes. Between them the distance is small, 11 or 12, and
crossing costs little: this is then a note. Where the distance is larger it is a warning, as on several sockets.

Host: format = 1
      name = "epyc"
      [topology]
      sockets = 1
      nodes_per_socket = 2
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      memory_per_node = "8 GiB"
      node_distance = { same_socket = 12 }

Bad (note):

    <domain>
      <name>lb1</name>
      <memory unit='GiB'>1</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2-5'/>
                                  ^^^ vCPU 0 may run on nodes 0-1
        <vcpupin vcpu='1' cpuset='2-5'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>lb1</name>
      <memory unit='GiB'>1</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0-3'/>
        <vcpupin vcpu='1' cpuset='0-3'/>
      </cputune>
    </domain>

Host: format = 1
      name = "two-dies"
      [topology]
      sockets = 1
      nodes_per_socket = 2
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      memory_per_node = "8 GiB"
      node_distance = { same_socket = 16 }

Bad:

    <domain>
      <name>lb1</name>
      <memory unit='GiB'>1</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
                                  - vCPU 0 is on node 0
        <vcpupin vcpu='1' cpuset='4'/>
                                  ^ vCPU 1 is on node 1
      </cputune>
    </domain>

Fix: Pin all vCPUs to CPUs of one node, and bind the memory there. A guest that needs several nodes gets a NUMA cell for each.

When to ignore it: The guest needs more memory bandwidth than one node has.

Sources:
- OpenStack nova-specs, wallaby/pci-socket-affinity: nodes inside one socket are near enough
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3
"""

from collections.abc import Iterator

from numalint import NEAR, Category, Fact, Finding, HostNodes, Placement, Severity, Trait, node_spread, placement_rule


@placement_rule(
    "vcpupin-spans-nodes",
    Severity.WARNING,
    Category.PINNING,
    needs=Fact.NODES,
    when=Trait.PINS | Trait.SEVERAL_NODES,
    uses=(Fact.SOCKETS, Fact.DISTANCES, Fact.MEMORY, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding]:
    spread = node_spread(placement)
    if spread is None:
        return
    nodes: HostNodes = placement.host.nodes_of(placement.pinned_cpus)
    distance = placement.host.widest_distance(nodes)
    far = distance is not None and distance > NEAR
    yield Finding(
        place=spread.place,
        message=spread.message,
        label=spread.label,
        severity=None if far and not spread.interleaved else Severity.NOTE,
        related=spread.related,
        why=_why(distance),
        help=spread.help,
        data=spread.data,
    )


def _why(distance: int | None) -> str:
    if distance is None:
        return "memory on the other node is farther away; how far is unknown, for no input states the distances"
    if distance <= NEAR:
        return f"the nodes are near each other (distance {distance}), but each has its own memory channels"
    return f"memory on the other node is {distance / 10:g} times as far away (distance {distance}, 10 is local)"
