"""The guest is spread over more nodes than it needs.

It does not fit one node, or nothing keeps it on one, but it would fit fewer than it is on. Each further node puts more of its
memory far from the vCPU that uses it, and takes room from guests that would fit there. SUSE says to use the smallest possible
number of host nodes; Red Hat puts NUMA misses at 10 % and more. Guests that float, and nodes that are near each other (distance
12 or less), make this a note.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 4
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      memory_per_node = "16 GiB"
      node_distance = { other_socket = 21 }

Bad:

    <domain>
      <name>sim1</name>
      <memory unit='GiB'>8</memory>
      <vcpu>6</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='1'/>
         ^^^^^^^ first of 6 pins, on nodes 0-2 together
        <vcpupin vcpu='1' cpuset='2'/>
        <vcpupin vcpu='2' cpuset='4'/>
        <vcpupin vcpu='3' cpuset='5'/>
        <vcpupin vcpu='4' cpuset='8'/>
        <vcpupin vcpu='5' cpuset='9'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>sim1</name>
      <memory unit='GiB'>8</memory>
      <vcpu>6</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='1'/>
        <vcpupin vcpu='1' cpuset='2'/>
        <vcpupin vcpu='2' cpuset='3'/>
        <vcpupin vcpu='3' cpuset='4'/>
        <vcpupin vcpu='4' cpuset='5'/>
        <vcpupin vcpu='5' cpuset='6'/>
      </cputune>
    </domain>

Bad (note):

    <domain>
      <name>web1</name>
      <memory unit='GiB'>8</memory>
      <vcpu>2</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0-3'/>
                                       ^^^ the memory may come from nodes 0-3
      </numatune>
    </domain>

Good:

    <domain>
      <name>web1</name>
      <memory unit='GiB'>8</memory>
      <vcpu cpuset='0-3'>2</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0'/>
      </numatune>
    </domain>

Fix: Keep vCPUs and memory on as few nodes as hold them, those that have the guest's devices first. A guest that needs several
gets a NUMA cell for each.

When to ignore it: The guest wants the memory bandwidth of all these nodes. Memory that is interleaved over just them says so,
and so do several NUMA cells: then nothing is said.

Sources:
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: the smallest possible number of host NUMA nodes
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3: avoid splitting resources across NUMA nodes
- OpenStack nova-specs, juno/virt-driver-numa-placement: several nodes for their bandwidth are a legitimate wish
"""

from collections.abc import Iterator

from numalint import (
    NEAR,
    Category,
    Fact,
    Finding,
    HostNodes,
    IdSet,
    Intent,
    Origin,
    Place,
    Placement,
    Severity,
    Trait,
    count_text,
    ids_text,
    node_places,
    node_spread,
    placement_rule,
    set_text,
    size_text,
    socket_spread,
)


@placement_rule(
    "spans-more-nodes-than-needed",
    Severity.WARNING,
    Category.PLACEMENT,
    needs=Fact.NODES,
    when=Trait.SEVERAL_NODES,
    uses=(Fact.MEMORY, Fact.DISTANCES, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding]:
    host = placement.host
    if host.one_node or placement.domain.automatic or len(placement.domain.cells) > 1:
        return
    nodes = _bound_to(placement) if placement.unconfined else _run_on(placement)
    fewest: HostNodes = IdSet.of(node.id for node in placement.fewest_nodes) if len(nodes) > 1 else IdSet()
    if not fewest or len(fewest) >= len(nodes):
        return
    distance = host.widest_distance(nodes)
    far = distance is not None and distance > NEAR
    place, label = _where(placement, nodes)
    yield Finding(
        place=place,
        message=f"{_what(placement)} {ids_text('node', nodes)} of {host.name}, but would fit {ids_text('node', fewest)}",
        label=label,
        severity=None if far and placement.intent is not Intent.FLOATING else Severity.NOTE,
        related=node_places(host, nodes),
        why=_why(distance),
        help=_help(placement, fewest),
        data={"nodes": str(nodes), "fewest_nodes": str(fewest)},
    )


def _run_on(placement: Placement) -> HostNodes:
    """The nodes of the vCPUs, where the guest needs several and nothing says that all of these are meant.

    That it would fit one is what vcpupin-spans-* and cpuset-spans-nodes say, and vcpupin-partial has forgotten pins.
    """
    nodes: HostNodes = placement.vcpu_nodes or IdSet()
    forgotten = 0 < len(placement.pinned) < len(placement.domain.online)
    if placement.fitting_nodes or forgotten or _roams(placement):
        return IdSet()
    for policy in placement.memory_policies:
        bandwidth = policy.mode == "interleave" and policy.nodes == nodes
        fewer = policy.nodes is not None and not nodes <= policy.nodes  # numatune-cpu-mismatch has this
        if bandwidth or fewer or policy.mode == "restrictive" or policy.origin is Origin.PLACEMENT_AUTO:
            return IdSet()
    return nodes


def _roams(placement: Placement) -> bool:
    return bool(placement.pinned) and (socket_spread(placement) or node_spread(placement)) is not None


def _bound_to(placement: Placement) -> HostNodes:
    """The nodes of the memory of a guest that floats and would fit one; of one that would not it is wide-vm-without-vnuma.

    Where it is not all nodes, numatune-without-pinning says that the vCPUs may run on others.
    """
    nodes: HostNodes = (placement.memory_nodes or IdSet()) & placement.host.cpu_nodes
    held = placement.memory.mode in ("strict", "preferred") and bool(placement.fitting_nodes)
    return nodes if held and placement.host.cpu_nodes & placement.host.memory_nodes <= nodes else IdSet()


def _where(placement: Placement, nodes: HostNodes) -> tuple[Place, str]:
    where, pins = ids_text("node", nodes), count_text(len(placement.pinned), "pin")
    if placement.unconfined and placement.domain.memory is not None:
        return placement.domain.memory.place.at("nodeset"), f"the memory may come from {where}"
    if placement.pinned:
        return placement.domain.vcpupins[next(iter(placement.pinned))].place, f"first of {pins}, on {where} together"
    assert placement.domain.cpuset is not None, "without pins it is <vcpu cpuset> that confines"
    return placement.domain.cpuset.place.at("cpuset"), f"CPUs of {where}"


def _what(placement: Placement) -> str:
    if placement.unconfined:
        size = placement.domain.memory_bytes
        return f"it may have its {'memory' if size is None else f'{size_text(size)} of memory'} from"
    return f"its {count_text(len(placement.domain.online), 'vCPU')} {'are pinned to' if placement.pinned else 'may run on'}"


def _why(distance: int | None) -> str:
    if distance is None:
        return "more of its memory is on another node; how far that is is unknown, for no input states the distances"
    if distance <= NEAR:
        return f"the nodes are near each other (distance {distance}), but each has its own memory channels"
    return (
        f"more of its memory is on another node, {distance / 10:g} times as far away (distance {distance}, 10 is local)"
    )


def _help(placement: Placement, fewest: HostNodes) -> str:
    cpus = placement.host.cpus_of(fewest) & placement.host.guest_cpus
    if len(fewest) == 1:
        return f"<vcpu cpuset='{cpus}'>, and <memory mode='strict' nodeset='{fewest}'/> in <numatune>"
    return f"keep vCPUs and memory on nodes {fewest} (CPUs {set_text(cpus)}), with a NUMA cell for each"
