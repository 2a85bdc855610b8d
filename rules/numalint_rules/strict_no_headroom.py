"""Memory that is strict on a node takes nearly all that the node has.

Strict memory cannot go elsewhere. The node also serves QEMU's own memory and page tables, the kernel and whatever else runs
there, and the kernel keeps a reserve on each node (`min_free_kbytes`). When it is full the kernel reclaims and swaps there, and
at last kills the guest for want of memory, while other nodes have plenty. SUSE wants 5 to 10 % of the memory for the host. The
rule speaks where less than 5 % is left of what the host can give; where no `reserved_memory` is declared, less than 1 GiB, or 10
% of a small node. Huge pages are counted by their pools, and left out here.

Host: format = 1
      name = "tr01"
      [topology]
      sockets = 2
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      memory_per_node = "16 GiB"

Bad:

    <domain>
      <name>win1</name>
      <memory unit='MiB'>15872</memory>
      <vcpu cpuset='0-3'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0'/>
                                       ^ 15.5 GiB of 16 GiB
      </numatune>
    </domain>

Good:

    <domain>
      <name>win1</name>
      <memory unit='GiB'>14</memory>
      <vcpu cpuset='0-3'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0'/>
      </numatune>
    </domain>

Fix: Give the guest less memory, or more nodes with a NUMA cell each.

When to ignore it: Nothing else ever runs on that node.

Sources:
- Rocky Linux, KVM tuning: min_free_kbytes for each node
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: 5 to 10 % for the host
- measured with libvirt 9.0.0 and 11.3.0: a guest larger than its node starts, and is killed later
"""

from collections.abc import Iterator

import msgspec

from numalint import (
    MOST_RELATED,
    Category,
    Fact,
    Finding,
    HostNodes,
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

GIB = 1 << 30
SHARE = 20
"""One part in so many of the memory is to be left: 5 %."""


class Tight(msgspec.Struct, frozen=True):
    """Nodes that have ``has`` bytes for guests, the strict memory on just them, and what would be ``enough`` to leave."""

    nodes: HostNodes
    parts: list[MemoryPart]
    wanted: int
    has: int
    enough: int


@placement_rule(
    "strict-no-headroom",
    Severity.NOTE,
    Category.MEMORY,
    needs=(Fact.NODES, Fact.MEMORY),
    when=Trait.NUMATUNE | Trait.ORDINARY_PAGES,
    uses=Fact.HUGEPAGES,
)
def check(placement: Placement) -> Iterator[Finding]:
    if placement.host.one_node:
        return
    parts = [part for part in placement.memory_parts if part.policy.mode == "strict" and not part.huge]
    sets = {part.policy.nodes.mask: part.policy.nodes for part in parts if part.policy.nodes}
    for nodes in sets.values():
        inside = [part for part in parts if part.policy.nodes is not None and part.policy.nodes <= nodes]
        tight = _tight(placement, nodes, inside)
        if tight is not None:
            yield _finding(placement, tight)
            return


def _tight(placement: Placement, nodes: HostNodes, parts: list[MemoryPart]) -> Tight | None:
    """The nodes, where little is left on them. What is more than they have is memory-exceeds-node's."""
    host = placement.host
    sizes = [host.ordinary_bytes.get(node) for node in nodes]
    wanted, has = sum(part.size_bytes for part in parts), sum(size or 0 for size in sizes)
    reserved = all(host.node_by_id[node].reserved_bytes for node in nodes if node in host.node_by_id)
    left, enough = has - wanted, max(has // SHARE, 0 if reserved else min(GIB * len(nodes), has // 10))
    return Tight(nodes, parts, wanted, has, enough) if None not in sizes and 0 <= left < enough else None


def _finding(placement: Placement, tight: Tight) -> Finding:
    host, left = placement.host, tight.has - tight.wanted
    where = ids_text("node", tight.nodes)
    first, *others = tight.parts
    of = f"{size_text(tight.wanted)} of {size_text(tight.has)}"
    binding = first.policy.binding
    return Finding(
        place=binding.place.at("nodeset") if binding is not None else placement.vcpus_place,
        message=f"its {size_text(tight.wanted)} of strict memory leave {size_text(left)} of {where} of {host.name}",
        label=of,
        related=(
            *(
                Related(part.policy.binding.place.at("nodeset"), f"{size_text(part.size_bytes)} of it")
                for part in others[:MOST_RELATED]
                if part.policy.binding is not None and part.policy.binding is not binding
            ),
            *node_places(host, tight.nodes),
        ),
        why="QEMU, page tables and the kernel need memory there too; when the node is full the guest swaps, or is killed",
        help=f"give it at most {tight.has - tight.enough >> 20} MiB, or NUMA cells on more nodes"
        if tight.has > tight.enough
        else "give it NUMA cells on more nodes",
        data={"memory_bytes": tight.wanted, "nodes": str(tight.nodes), "nodes_bytes": tight.has},
    )
