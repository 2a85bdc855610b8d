"""The guest is spread over several nodes, and believes that it has one.

Its kernel places tasks and memory as if all memory were equally near, for nothing tells it otherwise (sockets in `<topology>`
do not); much of what it uses is then on the other node. With a NUMA cell for each host node, each bound to it, the guest's
kernel and its software can keep tasks beside their data. Usually that pays: on hosts with several nodes, guests that saw them
were 2 to 7 times as fast in the STREAM benchmark, where pinning alone gained nothing. On some hosts with many GPUs it made
all-reduce of NCCL slower. VMware shows a guest of more than eight vCPUs its nodes by itself. Where the nodes are near each
other (distance 12 or less), this is a note.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 2
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      memory_per_node = "32 GiB"
      distances = [[10, 21], [21, 10]]

Bad:

    <domain>
      <name>dw1</name>
      <memory unit='GiB'>40</memory>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
                                  - vCPU 0 is on node 0
        <vcpupin vcpu='1' cpuset='1'/>
        <vcpupin vcpu='2' cpuset='4'/>
                                  ^ vCPU 2 is on node 1
        <vcpupin vcpu='3' cpuset='5'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='0-1'/>
      </numatune>
    </domain>

Bad:

    <domain>
      <name>dw1</name>
      <memory unit='GiB'>40</memory>
      <vcpu>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0-1'/>
                                       ^^^ the memory is on nodes 0-1
      </numatune>
    </domain>

Bad (note):

    <domain>
      <name>dw1</name>
      <memory unit='GiB'>40</memory>
      <vcpu>4</vcpu>
      <numatune>
        <memory mode='interleave' nodeset='0-1'/>
                                           ^^^ the memory is on nodes 0-1
      </numatune>
    </domain>

Bad:

    <domain>
      <name>dw1</name>
      <memory unit='GiB'>20</memory>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
                                  - vCPU 0 is on node 0
        <vcpupin vcpu='1' cpuset='1'/>
        <vcpupin vcpu='2' cpuset='4'/>
                                  ^ vCPU 2 is on node 1
        <vcpupin vcpu='3' cpuset='5'/>
      </cputune>
      <cpu>
        <topology sockets='2' cores='2' threads='1'/>
      </cpu>
    </domain>

Good:

    <domain>
      <name>dw1</name>
      <memory unit='GiB'>40</memory>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
        <vcpupin vcpu='1' cpuset='1'/>
        <vcpupin vcpu='2' cpuset='4'/>
        <vcpupin vcpu='3' cpuset='5'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='0-1'/>
        <memnode cellid='0' mode='strict' nodeset='0'/>
        <memnode cellid='1' mode='strict' nodeset='1'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='20' unit='GiB'/>
          <cell id='1' cpus='2-3' memory='20' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Fix: A `<cell>` in `<cpu><numa>` for each host node, a `<memnode>` that binds it there, and the vCPUs of each cell pinned to
that node. This changes the machine that the guest sees. A guest that fits a node is better kept on one.

When to ignore it: The guest's software cannot live with NUMA, or measurements show that it is faster so. Memory that is
interleaved over just these nodes is a choice of bandwidth, and makes this a note.

Sources:
- OpenStack nova-specs, juno/virt-driver-numa-placement: what spans nodes needs a guest NUMA topology
- cloudrift.ai, GPU VM Performance (April 2026): the STREAM and NCCL figures
- SUSE Best Practices, Optimizing Linux for AMD EPYC 7002: large guests without NUMA cells lost 50 to 60 % in STREAM
- VMware vSphere, Virtual NUMA
"""

from collections.abc import Iterator

from numalint import (
    NEAR,
    Category,
    Fact,
    Finding,
    HostNodes,
    IdSet,
    Origin,
    Place,
    Placement,
    Related,
    Severity,
    Trait,
    count_text,
    ids_text,
    node_places,
    node_spread,
    placement_rule,
    size_text,
    socket_spread,
)


@placement_rule(
    "wide-vm-without-vnuma",
    Severity.WARNING,
    Category.GUEST_TOPOLOGY,
    needs=Fact.NODES,
    when=Trait.SEVERAL_NODES,
    uses=(Fact.SOCKETS, Fact.DISTANCES, Fact.MEMORY, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding]:
    domain, host = placement.domain, placement.host
    if host.one_node or domain.automatic or len(domain.cells) > 1 or len(domain.online) < 2:
        return
    by_pins = not placement.unconfined
    nodes: HostNodes = (placement.vcpu_nodes if by_pins else placement.memory_nodes) or IdSet()
    nodes = nodes & host.cpu_nodes
    if len(nodes) < 2 or len(domain.online) > host.most_usable_cpus or _said_elsewhere(placement):
        return  # vcpus-exceed-node has those with more vCPUs than a node
    fewest: HostNodes = IdSet.of(node.id for node in placement.fewest_nodes)
    if by_pins and 1 < len(fewest) < len(nodes):
        return  # spans-more-nodes-than-needed
    place, label, related = _where(placement, by_pins)
    distance, what = host.widest_distance(nodes), _what(placement, by_pins)
    interleaved = placement.memory.mode == "interleave" and placement.memory_nodes == nodes
    yield Finding(
        place=place,
        message=f"{what} on {ids_text('node', nodes)} of {host.name}, but the guest sees a single node",
        label=label,
        severity=None if (distance or 0) > NEAR and not interleaved else Severity.NOTE,
        related=(*related, *node_places(host, nodes)),
        why=_why(distance),
        help=f"give it a NUMA cell for each of {ids_text('node', fewest if len(fewest) > 1 else nodes)}, "
        "bound by <memnode> and with its vCPUs pinned there",
        data={"vcpus": len(domain.online), "nodes": str(nodes)},
    )


def _said_elsewhere(placement: Placement) -> bool:
    """Whether the pins are at fault (vcpupin-spans-*, vcpupin-partial), or it would fit one node (cpuset-spans-nodes)."""
    if any(
        policy.origin is Origin.PLACEMENT_AUTO or policy.mode == "restrictive" for policy in placement.memory_policies
    ):
        return True
    if not placement.pinned:
        return bool(placement.fitting_nodes)
    forgotten = len(placement.pinned) < len(placement.domain.online)
    return forgotten or socket_spread(placement) is not None or node_spread(placement) is not None


def _where(placement: Placement, by_pins: bool) -> tuple[Place, str, tuple[Related, ...]]:
    """The first thing that puts it on another node: a vcpupin unlike the first, ``<vcpu cpuset>`` or the nodeset."""
    domain, host = placement.domain, placement.host
    if by_pins and placement.pinned:
        pins = {vcpu: domain.vcpupins[vcpu] for vcpu in placement.pinned}
        on = {vcpu: host.nodes_of(pin.cpus) for vcpu, pin in pins.items()}
        first = next(iter(on))
        other = next((vcpu for vcpu, nodes in on.items() if nodes != on[first]), first)
        beside = Related(pins[first].place.at("cpuset"), f"vCPU {first} is on {ids_text('node', on[first])}")
        label = f"vCPU {other} is on {ids_text('node', on[other])}"
        return pins[other].place.at("cpuset"), label, () if other == first else (beside,)
    if by_pins and domain.cpuset is not None:
        return domain.cpuset.place.at("cpuset"), "what all vCPUs inherit", ()
    binding = next(policy.binding for policy in placement.memory_policies if policy.binding is not None)
    nodes: HostNodes = placement.memory_nodes or IdSet()
    return binding.place.at("nodeset"), f"the memory is on {ids_text('node', nodes)}", ()


def _what(placement: Placement, by_pins: bool) -> str:
    if by_pins:
        return f"its {count_text(len(placement.domain.online), 'vCPU')} are"
    size = placement.domain.memory_bytes
    return "its memory is" if size is None else f"its {size_text(size)} of memory is"


def _why(distance: int | None) -> str:
    if distance is None:
        return (
            "its kernel takes all memory for equally near; how far it is is unknown, for no input states the distances"
        )
    if distance <= NEAR:
        return f"its kernel takes all memory for equally near, and nearly so it is (distance {distance}, 10 is local)"
    return f"its kernel takes all memory for equally near, but some is {distance / 10:g} times as far (distance {distance})"
