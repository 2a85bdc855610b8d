"""The guest has more memory than the nodes that it is bound to, or than any node.

Memory that is bound with mode strict comes from its nodes or not at all. A guest that is larger than they are starts all the
same, and is killed when it has used what they have, though other nodes have plenty. Where its memory is allocated at start, it
is killed then. Both are errors. With mode preferred or interleave the rest comes from other nodes and stays remote; memory that
is bound nowhere is spread over several nodes of which the guest knows nothing. On two-socket EPYC, large guests without NUMA
cells of their own lost 50 to 60 % in the STREAM benchmark. These are warnings, and a note where the nodes are near each other.

Pools of huge pages and what the host keeps for itself are subtracted. Guests in huge pages are judged by the pools instead.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 2
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      memory_per_node = "32 GiB"
      [node.0]
      hugepages = { "1G" = 16 }
      [node.1]
      hugepages = {}
      reserved_memory = "2 GiB"

Bad:

    <domain>
      <name>db1</name>
      <memory unit='GiB'>20</memory>
      <vcpu cpuset='0-3'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0'/>
                                       ^ 20 GiB of 16 GiB
      </numatune>
    </domain>

Good:

    <domain>
      <name>db1</name>
      <memory unit='GiB'>20</memory>
      <vcpu cpuset='4-7'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>

Bad (warning):

    <domain>
      <name>db1</name>
      <memory unit='GiB'>20</memory>
      <vcpu cpuset='0-3'>4</vcpu>
      <numatune>
        <memory mode='preferred' nodeset='0'/>
                                          ^ 20 GiB of 16 GiB
      </numatune>
    </domain>

Bad (warning):

    <domain>
      <name>db1</name>
      <memory unit='GiB'>40</memory>
                         ^^ 40 GiB, and node 1 has 30 GiB
      <vcpu>4</vcpu>
    </domain>

Good:

    <domain>
      <name>db1</name>
      <memory unit='GiB'>28</memory>
      <vcpu>4</vcpu>
    </domain>

Fix: Bind the guest to a node that can hold it, give it less memory, or as many NUMA cells as it needs nodes, each bound by
`<memnode>`.

When to ignore it: The guest is never to use all that it is given: a balloon keeps it small (`<currentMemory>`, which makes this
a warning).

Sources:
- measured with libvirt 9.0.0 and 11.3.0: a guest of 4 GiB on a node of 2.5 GiB starts; with preallocation QEMU is killed
- oVirt, NumaValidator: a strict node's memory must hold the guest's
- OpenStack nova, virt/hardware.py: a guest cell larger than the host's is not placed
- Red Hat Enterprise Linux 5, Virtualization Guide, chapter 33: locking to a node without the memory offers no benefit
- SUSE Best Practices, Optimizing Linux for AMD EPYC 7002: the STREAM figures
"""

from collections.abc import Iterator

import msgspec

from numalint import (
    MOST_RELATED,
    TEXT,
    Category,
    Fact,
    Finding,
    HostNodes,
    IdSet,
    MemoryPart,
    Placement,
    Related,
    Severity,
    Trait,
    ids_text,
    node_places,
    placement_rule,
    size_text,
)


class Overfull(msgspec.Struct, frozen=True):
    """Nodes that have less memory for guests in ordinary pages than is to come from them."""

    nodes: HostNodes
    parts: list[MemoryPart]
    wanted: int
    has: int


@placement_rule(
    "memory-exceeds-node",
    Severity.ERROR,
    Category.PLACEMENT,
    needs=(Fact.NODES, Fact.MEMORY),
    when=Trait.ORDINARY_PAGES,
    uses=(Fact.HUGEPAGES, Fact.DISTANCES),
    precision="very-high",
)
def check(placement: Placement) -> Iterator[Finding]:
    sizes = [size or 0 for node, size in placement.host.ordinary_bytes.items() if node in placement.host.memory_nodes]
    parts = [part for part in placement.memory_parts if not part.huge]  # the others are hugepage-pool-too-small's
    wanted = sum(part.size_bytes for part in parts)
    if len(sizes) < 2 or wanted <= min(sizes) or wanted > sum(sizes):  # memory-exceeds-host has the last
        return
    overfull = list(_overfull(placement, [part for part in parts if part.policy.nodes is not None]))
    yield from (_bound(placement, each) for each in overfull)
    most = max((placement.host.ordinary_bytes[node] or 0 for node in placement.host.cpu_nodes), default=0)
    large = [part for part in parts if part.policy.nodes is None and part.size_bytes > most]
    if large and most and not overfull and not _more_is_wrong(placement):
        yield _on_no_node(placement, large[0])


def _overfull(placement: Placement, parts: list[MemoryPart]) -> Iterator[Overfull]:
    """Each set of nodes that is bound to and overfull, unless a part of it is."""
    found: list[HostNodes] = []
    sets = {part.policy.nodes.mask: part.policy.nodes for part in parts if part.policy.nodes is not None}
    for nodes in sorted(sets.values(), key=lambda nodes: (len(nodes), nodes.mask)):
        inside = [part for part in parts if part.policy.nodes is not None and part.policy.nodes <= nodes]
        wanted = sum(part.size_bytes for part in inside)
        has = sum(placement.host.ordinary_bytes.get(node) or 0 for node in nodes)
        if wanted <= has or not nodes <= placement.host.memory_nodes or any(part <= nodes for part in found):
            continue
        found.append(nodes)
        if len(inside) > 1 or inside[0].cell is None or len(placement.domain.cells) < 2:  # else guest-cell-exceeds-node
            yield Overfull(nodes, inside, wanted, has)


def _bound(placement: Placement, over: Overfull) -> Finding:
    host, (severity, why) = placement.host, _verdict(placement, over)
    everything = sum(host.node_by_id[node].memory_bytes or 0 for node in over.nodes)
    modes = {part.policy.mode or "" for part in over.parts}
    how = {"preferred": "to come from", "interleave": "interleaved over"} if len(modes) == 1 else {}
    at = dict.fromkeys(place for part in over.parts if (place := part.nodeset_place) is not None)
    first, *others = at
    return Finding(
        place=first,
        message=f"its {size_text(over.wanted)} of memory is {how.get(min(modes), 'bound to')} "
        f"{ids_text('node', over.nodes)} of {host.name}, which {'has' if len(over.nodes) == 1 else 'have'} "
        f"{size_text(over.has)}{'' if over.has == everything else ' for ordinary pages'}",
        label=f"{size_text(over.wanted)} of {size_text(over.has)}",
        severity=severity,
        related=(
            *(Related(place, "more of it") for place in others[:MOST_RELATED]),
            *node_places(host, over.nodes),
        ),
        why=why,
        help=_help(placement),
        data={"memory_bytes": over.wanted, "nodes": str(over.nodes), "nodes_bytes": over.has},
    )


def _verdict(placement: Placement, over: Overfull) -> tuple[Severity | None, str]:
    """How grave it is, and why. Only strict memory cannot be had elsewhere."""
    strict = sum(part.size_bytes for part in over.parts if part.policy.mode == "strict")
    if not strict and any(part.policy.mode == "restrictive" for part in over.parts):
        return Severity.WARNING, "it starts, and is killed when it has used what is there, if it is not moved before"
    if not strict:
        return Severity.WARNING, "the rest comes from other nodes, where it is remote and stays"
    if strict <= sum(placement.host.unpooled_bytes.get(node) or 0 for node in over.nodes):
        return Severity.WARNING, "it takes what the host keeps for itself there, and may be killed for want of memory"
    if placement.domain.preallocated:
        return None, "all of it is allocated at start: QEMU is killed when the nodes have no more, whatever others have"
    balloon = placement.domain.current_memory
    if balloon is not None and balloon <= over.has:
        return Severity.WARNING, f"only the balloon, at {size_text(balloon)}, keeps it from being killed"
    return None, "it starts, and is killed when it has used what is there, whatever other nodes have"


def _more_is_wrong(placement: Placement) -> bool:
    """Whether vcpus-exceed-node, or wide-vm-without-vnuma for pins on several nodes, says that it is too large."""
    vcpus = len(placement.domain.online)
    if len(placement.domain.cells) > 1:
        return False
    several = not placement.unconfined and len(placement.vcpu_nodes or ()) > 1
    return vcpus > placement.host.most_usable_cpus or (several and vcpus > 1)


def _on_no_node(placement: Placement, part: MemoryPart) -> Finding:
    host, size = placement.host, size_text(part.size_bytes)
    largest = max(host.cpu_nodes, key=lambda node: host.ordinary_bytes[node] or 0)
    most, bare = host.ordinary_bytes[largest] or 0, bool(host.memory_nodes - host.cpu_nodes)
    near = any(placement.fits(list(group)) for group in host.near_groups)
    what = "it has" if part.cell is None else f"guest cell {part.cell.id} has"
    place = placement.domain.place if placement.domain.memory_place is None else placement.domain.memory_place.at(TEXT)
    return Finding(
        place=place if part.cell is None else part.cell.place.at("memory"),
        message=f"{what} {size} of memory, more than any node{' with CPUs' if bare else ''} of {host.name}: "
        f"node {largest} has {size_text(most)}",
        label=f"{size}, and node {largest} has {size_text(most)}",
        severity=Severity.NOTE if near else Severity.WARNING,
        related=node_places(host, IdSet.of([largest])),
        why="it is spread over several nodes, near to each other, as if they were one"
        if near
        else "it is spread over several nodes without knowing it, so much of it is remote to the vCPU that uses it",
        help=_help(placement),
        data={"memory_bytes": part.size_bytes, "largest_node": largest, "node_bytes": most},
    )


def _help(placement: Placement) -> str:
    host, wanted = placement.host, placement.domain.memory_bytes or 0
    able = [node for node in placement.fitting_nodes if (host.ordinary_bytes[node] or 0) >= wanted]
    if able and len(placement.domain.cells) < 2:
        cpus = host.usable_cpus[able[0]]
        return f"<memory mode='strict' nodeset='{able[0]}'/> and CPUs {cpus}: node {able[0]} can hold it"
    parts = len(placement.fewest_nodes)
    most = max((host.ordinary_bytes[node] or 0 for node in host.cpu_nodes), default=0)
    cells = f", or {parts} NUMA cells, each bound to a node by <memnode>" if parts > 1 else ""
    return f"give it less memory than the {size_text(most)} that a node has{cells}"
