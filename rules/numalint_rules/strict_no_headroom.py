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
    GuestCells,
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
    union,
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
    found = [
        tight
        for nodes in sets.values()
        if (tight := _tight(placement, nodes, [part for part in parts if _inside(part, nodes)])) is not None
    ]
    if found:
        yield _finding(placement, found[0], union(tight.nodes for tight in found[1:]) - found[0].nodes)


def _inside(part: MemoryPart, nodes: HostNodes) -> bool:
    return part.policy.nodes is not None and part.policy.nodes <= nodes


def _tight(placement: Placement, nodes: HostNodes, parts: list[MemoryPart]) -> Tight | None:
    """The nodes, where little is left on them. What is more than they have is memory-exceeds-node's."""
    host = placement.host
    sizes = [host.ordinary_bytes.get(node) for node in nodes]
    wanted, has = sum(part.size_bytes for part in parts), sum(size or 0 for size in sizes)
    reserved = all(host.node_by_id[node].reserved_bytes for node in nodes if node in host.node_by_id)
    left, enough = has - wanted, max(has // SHARE, 0 if reserved else min(GIB * len(nodes), has // 10))
    return Tight(nodes, parts, wanted, has, enough) if None not in sizes and 0 <= left < enough else None


def _finding(placement: Placement, tight: Tight, others_too: HostNodes) -> Finding:
    host, left = placement.host, tight.has - tight.wanted
    where = ids_text("node", tight.nodes)
    also = f", and so it is on {ids_text('node', others_too)}" if others_too else ""
    first, *others = tight.parts
    of = f"{size_text(tight.wanted)} of {size_text(tight.has)}"
    place = first.nodeset_place
    return Finding(
        place=placement.vcpus_place if place is None else place,
        message=f"its {size_text(tight.wanted)} of strict memory leave {size_text(left)} of {where} of {host.name}{also}",
        label=f"{of}{_whose(placement, tight)}",
        related=(
            *(
                Related(each, f"{size_text(part.size_bytes)} of it")
                for part in others[:MOST_RELATED]
                if (each := part.nodeset_place) is not None and each != place
            ),
            *node_places(host, tight.nodes),
        ),
        why="QEMU, page tables and the kernel need memory there too; when the node is full the guest swaps, or is killed",
        help=_help(placement, tight),
        data={"memory_bytes": tight.wanted, "nodes": str(tight.nodes), "nodes_bytes": tight.has},
    )


def _cells(placement: Placement, tight: Tight) -> GuestCells | None:
    """The guest cells whose memory it is, where others have theirs elsewhere; None where it is the guest's as a whole."""
    cells = [part.cell for part in tight.parts if part.cell is not None]
    return IdSet.of(cell.id for cell in cells) if 0 < len(cells) < len(placement.domain.cells) else None


def _whose(placement: Placement, tight: Tight) -> str:
    cells = _cells(placement, tight)
    return "" if cells is None else f", that of {ids_text('guest cell', cells)}"


def _help(placement: Placement, tight: Tight) -> str:
    cells, room = _cells(placement, tight), tight.has - tight.enough >> 20
    if cells is not None:
        return f"give {ids_text('guest cell', cells)} less memory{f': {room} MiB at most' if room > 0 else ''}"
    return (
        f"give it at most {room} MiB, or NUMA cells on more nodes" if room > 0 else "give it NUMA cells on more nodes"
    )
