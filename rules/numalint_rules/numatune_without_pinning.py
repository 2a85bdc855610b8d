"""The memory is bound to a node, but the vCPUs may run on others.

`<numatune>` says where memory comes from, and nothing of where vCPUs run: without `<vcpu cpuset>` or vcpupins the host's
scheduler moves them over all its CPUs. Whenever one is on another node than the memory, each of its accesses crosses the
interconnect, and strict memory cannot follow it. Red Hat puts NUMA misses at 10 % and more, and says that pins and numatune
belong together.

Where the nodes are near each other (distance 12 or less: SNC, NPS, L3 as NUMA) this is a note, and so it is where the distance is
unknown. Mode restrictive is left out: it is made for guests whose memory is to be moved.

Host: pack:2 [numa(memory=16GiB)] core:4 pu:1

Bad:

    <domain>
      <name>vm1</name>
      <memory unit='GiB'>8</memory>
      <vcpu>2</vcpu>
            - 2 vCPUs may run on nodes 0-1
      <numatune>
        <memory mode='strict' nodeset='1'/>
                                       ^ the memory is bound to node 1
      </numatune>
    </domain>

Good:

    <domain>
      <name>vm1</name>
      <memory unit='GiB'>8</memory>
      <vcpu cpuset='4-7'>2</vcpu>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>

Fix: `<vcpu cpuset='...'>` with the CPUs of the memory's nodes, or a `<vcpupin>` for each vCPU; where guest cells are bound to
nodes of their own, pin the vCPUs of each there.

When to ignore it: The guest was bound for want of memory on the other nodes, and its work is not bound by memory.

Sources:
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3.2: the figure, and pins with numatune
- measured with libvirt 9.0.0 and 11.3.0: memory strict on a node does not confine the vCPUs
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005
"""

from collections.abc import Iterator, Sequence

from numalint import (
    NEAR,
    Bound,
    Category,
    Fact,
    Finding,
    HostCpus,
    HostNodes,
    IdSet,
    Placement,
    Related,
    Severity,
    Trait,
    bound_text,
    count_text,
    ids_text,
    node_places,
    placement_rule,
    set_text,
    size_text,
    union,
)


@placement_rule(
    "numatune-without-pinning",
    Severity.WARNING,
    Category.MEMORY,
    needs=Fact.NODES,
    when=Trait.NUMATUNE | Trait.SEVERAL_NODES,
    uses=(Fact.SOCKETS, Fact.DISTANCES, Fact.HOUSEKEEPING, Fact.ISOLATED),
)
def check(placement: Placement) -> Iterator[Finding]:
    # vCPUs with pins of their own: numatune-cpu-mismatch, cell-binding-disagree, vcpupin-partial
    if placement.host.one_node or (placement.pinned_vcpus and not placement.unconfined):
        return
    reach = placement.vcpu_nodes
    if reach is None:
        return
    loose = [bound for bound in placement.bound if _leaves(placement, bound, reach)]
    if loose:
        yield _finding(placement, loose, reach)


def _leaves(placement: Placement, bound: Bound, reach: HostNodes) -> bool:
    """Whether vCPUs that reach the nodes ``reach`` may leave the memory, and are not all away from it."""
    homes = _homes(placement, bound)
    loose = bound.binding.mode != "restrictive" and bool(bound.vcpus)
    return loose and bool(reach - homes) and bool(reach & homes)


def _homes(placement: Placement, bound: Bound) -> HostNodes:
    """The nodes beside the memory; none where it is on nodes that do not exist."""
    host = placement.host
    return (host.homes_of(bound.nodes) if bound.nodes <= IdSet.of(host.node_by_id) else None) or IdSet()


def _finding(placement: Placement, loose: Sequence[Bound], reach: HostNodes) -> Finding:
    name, first = placement.host.name, loose[0]
    nodes = union(bound.nodes for bound in loose)
    homes = _homes(placement, first)
    near = placement.host.near(reach - homes, homes)
    vcpus = f"{count_text(len(placement.domain.online), 'vCPU')} may run on {ids_text('node', reach)}"
    memory = _memory(placement, loose)
    where = bound_text(first.binding) if len(loose) == 1 else f"bound to {ids_text('node', nodes)} cell by cell"
    pin = placement.inherited.pin
    return Finding(
        place=first.binding.place.at("nodeset"),
        message=f"{memory} is {where}{' of ' if len(loose) == 1 else ' on '}{name}, but its {vcpus}",
        label=f"the memory is {bound_text(first.binding)}",
        severity=None if near is False else Severity.NOTE,
        related=(
            Related(placement.vcpus_place if pin is None else pin.place.at("cpuset"), vcpus),
            *node_places(placement.host, reach | nodes),
        ),
        why=_why(near),
        help=_help(placement, loose),
        data={"nodes": str(reach), "memory_nodes": str(nodes)},
    )


def _memory(placement: Placement, loose: Sequence[Bound]) -> str:
    size, cells = placement.domain.memory_bytes, loose[0].cells
    if len(loose) == 1 and len(placement.domain.cells) > len(cells):
        return f"the memory of {ids_text('guest cell', IdSet.of(cell.id for cell in cells))}"
    return "its memory" if size is None or len(loose) > 1 else f"its {size_text(size)} of memory"


def _why(near: bool | None) -> str:
    if near:
        return f"a vCPU may leave its memory, though not far: the nodes are near each other (distance {NEAR} or less)"
    if near is None:
        return "a vCPU may leave its memory; how far is unknown, for no input states the distances"
    return (
        "while a vCPU runs on another node all its memory is remote (10 % and more), and bound memory cannot follow it"
    )


def _help(placement: Placement, loose: Sequence[Bound]) -> str:
    rooms = [_room(placement, bound) for bound in loose]
    if any(len(bound.vcpus) > len(room) for bound, room in zip(loose, rooms, strict=True)):
        return (
            "bind the memory to as many nodes as the vCPUs need, by a <memnode> for each guest cell, and pin them there"
        )
    if len(loose) == 1:
        return f"keep the vCPUs beside the memory: add cpuset='{rooms[0]}' to <vcpu>"
    pins = [f"vCPUs {set_text(bound.vcpus)} to {set_text(room)}" for bound, room in zip(loose[:4], rooms, strict=False)]
    return f"pin the vCPUs of each guest cell to CPUs of its node: {', '.join(pins)}"


def _room(placement: Placement, bound: Bound) -> HostCpus:
    """The CPUs beside the memory; without those between which the kernel moves no threads, if there are enough."""
    usable, homes = placement.host.usable_cpus, _homes(placement, bound)
    balanced = union(placement.host.balanced_cpus[node] for node in homes)
    return balanced if len(balanced) >= len(bound.vcpus) else union(usable[node] for node in homes)
