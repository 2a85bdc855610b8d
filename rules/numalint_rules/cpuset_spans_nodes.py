"""`<vcpu cpuset>` names CPUs of several nodes, though one would hold the guest.

All vCPUs inherit the set, so each of them may be moved at any moment to the node where its memory is not. Red Hat puts NUMA
misses at 10 % and more. A set of no more CPUs than the guest has vCPUs is meant for this guest alone, and so is one whose nodes
are those that its memory is bound to: then this is a warning. A larger set is a pool that guests share, as OpenStack's
cpu_shared_set, and the guest is meant to float in it: a note, as it is where the nodes are near each other (distance 12 or
less).

Host: pack:2 [numa(memory=16GiB)] core:4 pu:1

Bad (note):

    <domain>
      <name>app1</name>
      <memory unit='GiB'>8</memory>
      <vcpu cpuset='1-6'>2</vcpu>
                    ^^^ CPUs of nodes 0-1
    </domain>

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 2
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      memory_per_node = "16 GiB"
      distances = [[10, 21], [21, 10]]

Bad:

    <domain>
      <name>app1</name>
      <memory unit='GiB'>8</memory>
      <vcpu cpuset='2-5'>4</vcpu>
                    ^^^ CPUs of nodes 0-1
    </domain>

Bad:

    <domain>
      <name>app1</name>
      <memory unit='GiB'>8</memory>
      <vcpu cpuset='1-3,5-6'>2</vcpu>
                    ^^^^^^^ CPUs of nodes 0-1
      <numatune>
        <memory mode='strict' nodeset='0-1'/>
      </numatune>
    </domain>

Bad (note):

    <domain>
      <name>app1</name>
      <memory unit='GiB'>8</memory>
      <vcpu cpuset='2-5'>4</vcpu>
                    ^^^ CPUs of nodes 0-1
      <numatune>
        <memory mode='interleave' nodeset='0-1'/>
      </numatune>
    </domain>

Good:

    <domain>
      <name>app1</name>
      <memory unit='GiB'>8</memory>
      <vcpu cpuset='4-7'>4</vcpu>
    </domain>

Fix: Name CPUs of one node, and bind the memory to that node.

When to ignore it: The set is a pool for many guests, and the kernel is to choose. Memory that is interleaved over just these
nodes is a choice of bandwidth, and makes this a note.

Sources:
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3: avoid splitting resources across NUMA nodes
- measured with libvirt 9.0.0 and 11.3.0: each vCPU without a vcpupin may run on all of the set
- SUSE Best Practices, Optimizing Linux for AMD EPYC 7002: guests without pins
- canonical/lxd, issue 15082: memory that always came from the other node
"""

from collections.abc import Iterator

from numalint import (
    NEAR,
    Category,
    Fact,
    Finding,
    HostNodes,
    Origin,
    Pin,
    Placement,
    Severity,
    Trait,
    count_text,
    ids_text,
    node_places,
    place_of_term,
    placement_rule,
)


@placement_rule(
    "cpuset-spans-nodes",
    Severity.WARNING,
    Category.PLACEMENT,
    needs=Fact.NODES,
    when=Trait.CPUSET,
    uses=(Fact.SOCKETS, Fact.DISTANCES, Fact.MEMORY, Fact.HOUSEKEEPING, Fact.ISOLATED),
)
def check(placement: Placement) -> Iterator[Finding]:
    pin, host = placement.domain.cpuset, placement.host
    if pin is None or host.one_node or placement.pinned or len(placement.domain.cells) > 1:
        return  # vcpupin-partial has the vCPUs that inherit beside pins, vnuma-without-binding and kin several cells
    nodes = host.nodes_of(pin.cpus)
    if len(nodes) < 2 or placement.unconfined or not placement.fitting_nodes or _said_elsewhere(placement, nodes):
        return
    distance, vcpus = host.widest_distance(nodes), count_text(len(placement.domain.online), "vCPU")
    yield Finding(
        place=place_of_term(pin, lambda cpus: len(host.nodes_of(cpus)) > 1),
        message=f"its {vcpus} may run on {ids_text('node', nodes)} of {host.name} by <vcpu cpuset>, but would fit one",
        label=f"CPUs of {ids_text('node', nodes)}",
        severity=None if _meant_for_it(placement, pin, nodes) and (distance or 0) > NEAR else Severity.NOTE,
        related=node_places(host, nodes),
        why=_why(distance),
        help=_help(placement, pin),
        data={"cpus": str(pin.cpus), "nodes": str(nodes)},
    )


def _said_elsewhere(placement: Placement, nodes: HostNodes) -> bool:
    """Whether the memory moves along, or is bound to fewer nodes, which numatune-without-pinning and kin tell."""
    return any(
        policy.origin is Origin.PLACEMENT_AUTO
        or policy.mode == "restrictive"
        or (policy.nodes is not None and not nodes <= policy.nodes)
        for policy in placement.memory_policies
    )


def _meant_for_it(placement: Placement, pin: Pin, nodes: HostNodes) -> bool:
    """Whether the set is for this guest alone: no larger than it, or of the nodes that its memory is bound to."""
    if placement.memory.mode == "interleave" and placement.memory_nodes == nodes:
        return False
    small = placement.host.cpus is not None and len(pin.cpus & placement.host.cpus) <= len(placement.domain.online)
    return small or placement.memory_nodes is not None


def _why(distance: int | None) -> str:
    if distance is None:
        return "its memory may be on the other node; how far that is is unknown, for no input states the distances"
    if distance <= NEAR:
        return f"the nodes are near each other (distance {distance}), but each has its own memory channels"
    return (
        f"its memory may be on the other node, {distance / 10:g} times as far away (distance {distance}, 10 is local)"
    )


def _help(placement: Placement, pin: Pin) -> str:
    balanced, vcpus = placement.host.balanced_cpus, len(placement.domain.online)
    nodes = placement.roomy_nodes or placement.fitting_nodes
    best = max(nodes, key=lambda node: len(balanced[node] & pin.cpus))
    sets = (balanced[best] & pin.cpus, balanced[best], placement.host.usable_cpus[best])
    cpus = next((cpus for cpus in sets if len(cpus) >= vcpus), sets[-1])
    return f"<vcpu cpuset='{cpus}'>, and <memory mode='strict' nodeset='{best}'/> in <numatune>"
