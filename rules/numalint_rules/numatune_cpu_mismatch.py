"""The vCPUs are pinned to one node and the memory is bound to another.

Pins and numatune are two settings that libvirt never compares: it starts a domain whose vCPUs run on node 0 and whose memory is
strictly on node 1 without a word, and every access of the guest then crosses the interconnect. Red Hat puts NUMA misses at 10 %
and more, and wants the two to be configured together; nova's specification wants the CPUs that execute a process on the node of
the memory that it uses.

vCPUs and memory with no node in common are an error: the file contradicts itself, also where the distance is unknown. It is a
warning where some vCPUs are beside the memory, or where memory may also come from a node on which none runs. It is a note where
the nodes are near each other (distance 12 or less: SNC, NPS, L3 as NUMA), for a miss costs little there; for mode restrictive,
which is made to be changed while the guest runs; where the node of the vCPUs could not hold the memory; and, of a warning, where
the distance is unknown. A node without CPUs (CXL, HBM) counts as part of the nodes nearest to it.

Host: pack:2 [numa(memory=16GiB)] core:4 pu:1

Bad:

    <domain>
      <name>db4</name>
      <memory unit='GiB'>8</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
                                  - vCPUs 0-1 are on node 0
        <vcpupin vcpu='1' cpuset='3'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='1'/>
                                       ^ the memory is bound to node 1
      </numatune>
    </domain>

Bad (warning):

    <domain>
      <name>db4</name>
      <memory unit='GiB'>8</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
                                  - vCPUs 0-1 are on node 0
        <vcpupin vcpu='1' cpuset='3'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='0-1'/>
                                       ^^^ the memory is bound to nodes 0-1
      </numatune>
    </domain>

Good:

    <domain>
      <name>db4</name>
      <memory unit='GiB'>8</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='0'/>
      </numatune>
    </domain>

Host: format = 1
      name = "snc"
      [topology]
      sockets = 1
      nodes_per_socket = 2
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      memory_per_node = "16 GiB"
      node_distance = { same_socket = 12 }

Bad (note):

    <domain>
      <name>db4</name>
      <memory unit='GiB'>8</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='1'/>
                                       ^ the memory is bound to node 1
      </numatune>
    </domain>

Fix: Bind the memory to the node of the pins. Where that has no room for it, pin the vCPUs to the node of the memory.

When to ignore it: The guest has more memory than its node, on purpose. Then bind it to both with mode preferred.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: both start it, all memory lies on the other node
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3.2: the figure, and pins with numatune
- OpenStack nova-specs, juno/virt-driver-numa-placement
- canonical/lxd, issue 15082: a guest whose memory came from the other node, found only with numastat
- OpenStack nova-specs, wallaby/pci-socket-affinity: nodes inside one socket are near enough
"""

from collections.abc import Iterator

from numalint import (
    Apart,
    Category,
    Fact,
    Finding,
    IdSet,
    Placement,
    Severity,
    Trait,
    apart,
    bound_text,
    count_text,
    ids_text,
    node_places,
    node_spread,
    placement_rule,
    size_text,
    socket_spread,
)


@placement_rule(
    "numatune-cpu-mismatch",
    Severity.ERROR,
    Category.MEMORY,
    needs=Fact.NODES,
    when=Trait.NUMATUNE | Trait.SEVERAL_NODES,
    uses=(Fact.SOCKETS, Fact.DISTANCES, Fact.MEMORY, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding]:
    if placement.host.one_node:
        return
    for bound in placement.bound:
        # a memnode and its cell: cell-binding-disagree
        found = apart(placement, bound) if bound.binding.cell is None else None
        if found is not None and not _said_elsewhere(placement, found):
            yield _finding(placement, found)


def _said_elsewhere(placement: Placement, found: Apart) -> bool:
    """Whether a rule that knows more of it says it."""
    if not found.strays:
        # numatune-mode-loose, and multi-cell-without-memnode
        return found.bound.binding.mode == "interleave" or len(found.bound.cells) > 1
    # vCPUs that are on other nodes than the rest: vcpupin-spans-sockets, vcpupin-spans-nodes
    spread = socket_spread(placement) or node_spread(placement)
    return not found.whole and spread is not None and not spread.roaming


def _finding(placement: Placement, found: Apart) -> Finding:
    first, second = found.sides
    return Finding(
        place=first.place,
        message=_message(placement, found),
        label=first.label,
        severity=found.severity,
        related=(second, *node_places(placement.host, found.nodes | found.bound.nodes)),
        why=found.why,
        help=found.help,
        data=found.data,
    )


def _message(placement: Placement, found: Apart) -> str:
    name, bound = placement.host.name, bound_text(found.bound.binding)
    size = placement.domain.memory_bytes
    memory = "the memory" if size is None else f"its {size_text(size)} of memory"
    if not found.strays:
        vcpus = count_text(len(found.held), "vCPU")
        verb = "is" if len(found.held) == 1 else "are"
        return f"{memory} is {bound} of {name}, but its {vcpus} {verb} on {ids_text('node', found.nodes)}"
    if found.strays == IdSet.of(found.held) and found.strays == placement.domain.online:
        vcpus = count_text(len(found.strays), "vCPU")
        verb = "is" if len(found.strays) == 1 else "are"
        return f"its {vcpus} {verb} on {ids_text('node', found.nodes)} of {name}, but {memory} is {bound}"
    return f"{found.pin_label} of {name}, but {memory} is {bound}"
