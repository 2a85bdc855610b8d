"""Pages of 1 GiB leave the guest no room: it may grow, and none is left on its node, or it lies on several nodes by the GiB.

A page of 1 GiB is in one piece on one node. Once the host has run for a while there is mostly no such piece left, and a write
to `nr_hugepages` yields fewer pages than were asked for: the pool of a node is what was reserved at boot. A guest that takes
all of it starts, and runs well. But where it may grow (`<maxMemory>`), the DIMM that is plugged in finds no page. And memory
that is interleaved over nodes goes by whole pages: of 1 GiB each, a working set of less is on one node, remote to the vCPUs of
the others, and has the bandwidth of one.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 2
      cores_per_node = 8
      threads_per_core = 1
      cpu_numbering = "threads-last"
      memory_per_node = "64 GiB"
      [node.0]
      hugepages = { "1G" = 32 }
      [node.1]
      hugepages = { "1G" = 16, "2M" = 8192 }

Bad:

    <domain>
      <name>nfv7</name>
      <maxMemory slots='8' unit='GiB'>24</maxMemory>
       --------- it may grow to 24 GiB
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB'/>
                      - pages of 1 GiB
        </hugepages>
      </memoryBacking>
      <vcpu cpuset='8-15'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='1'/>
                                       ^ all 16 pages of node 1
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-3' memory='16' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Bad:

    <domain>
      <name>nfv8</name>
      <memory unit='GiB'>24</memory>
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB'/>
                      - pages of 1 GiB
        </hugepages>
      </memoryBacking>
      <vcpu>4</vcpu>
      <numatune>
        <memory mode='interleave' nodeset='0-1'/>
                                           ^^^ interleaved by the GiB
      </numatune>
    </domain>

Good:

    <domain>
      <name>nfv7</name>
      <maxMemory slots='8' unit='GiB'>24</maxMemory>
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB'/>
        </hugepages>
      </memoryBacking>
      <vcpu cpuset='0-7'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-3' memory='16' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>nfv9</name>
      <memory unit='GiB'>16</memory>
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB'/>
        </hugepages>
      </memoryBacking>
      <vcpu cpuset='8-15'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>

Fix: Reserve more pages at boot (`hugepagesz=1G hugepages=0:32,1:24` on the kernel's command line), or use pages of 2 MiB, which
interleave more finely.

When to ignore it: The guest never grows. Its maxMemory is only there because a template has it.

Sources:
- OpenStack nova, Huge pages: pages allocated at run time fail where memory is fragmented
- measured with libvirt 9.0.0 and 11.3.0: a pool that is exactly used up is enough; interleaved huge pages are halved exactly
- Linux, Documentation/admin-guide/mm/hugetlbpage: pools, and hugepages= for a node
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Fact,
    Finding,
    HostNodes,
    IdSet,
    MaxMemory,
    MemoryPart,
    Node,
    Placement,
    Related,
    Severity,
    Trait,
    count_text,
    ids_text,
    node_places,
    placement_rule,
    size_text,
)

GIB = 1 << 30


@placement_rule(
    "hugepage-1g-scattered",
    Severity.NOTE,
    Category.HUGEPAGES,
    needs=(Fact.NODES, Fact.HUGEPAGES),
    when=Trait.HUGEPAGES | Trait.NUMATUNE,
)
def check(placement: Placement) -> Iterator[Finding]:
    if placement.host.one_node:
        return
    parts = [part for part in placement.memory_parts if part.page_bytes == GIB and part.policy.nodes]
    spread = [part for part in parts if part.policy.mode == "interleave" and len(part.policy.nodes or ()) > 1]
    if spread:
        yield _interleaved(placement, spread[0])
    most = placement.domain.maximum_memory
    if most is not None and most.size_bytes > (placement.domain.memory_bytes or 0):  # else the pool may be made for it
        full = {node.id: own for node in placement.host.nodes or () if (own := _all_of(node, parts))}
        if full:
            yield _used_up(placement, IdSet.of(full), [part for own in full.values() for part in own], most)


def _all_of(node: Node, parts: list[MemoryPart]) -> list[MemoryPart]:
    """The parts that are on a node alone and take every page of it; none where one is left, or hugepage-pool-too-small."""
    own = [part for part in parts if part.policy.nodes == IdSet.of([node.id])]
    pool = (node.hugepages or {}).get(GIB)
    return own if own and pool is not None and _pages(own) == pool.total else []


def _pages(parts: list[MemoryPart]) -> int:
    return sum(-(-part.size_bytes // GIB) for part in parts)


def _used_up(placement: Placement, nodes: HostNodes, parts: list[MemoryPart], most: MaxMemory) -> Finding:
    pages, where = count_text(_pages(parts), "page"), ids_text("node", nodes)
    first, *others = dict.fromkeys(place for part in parts if (place := part.nodeset_place) is not None)
    of = f"all {pages} of 1 GiB of {where} of {placement.host.name}"
    return Finding(
        place=first,
        message=f"it takes {of}, but may grow to {size_text(most.size_bytes)}",
        label=f"all {pages} of {where}",
        related=(
            Related(most.place, f"it may grow to {size_text(most.size_bytes)}"),
            *(Related(place, "the last pages of its node too") for place in others[:MOST_RELATED]),
            *_page_place(placement, parts[0]),
            *node_places(placement.host, nodes),
        ),
        why="a DIMM that is plugged in finds no page, and more can hardly be had before the host boots again",
        help=f"reserve more pages of 1 GiB on {where} at boot, or leave out <maxMemory>",
        data={"nodes": str(nodes), "pages": _pages(parts), "maximum_bytes": most.size_bytes},
    )


def _nodes(part: MemoryPart) -> HostNodes:
    return part.policy.nodes or IdSet()


def _interleaved(placement: Placement, part: MemoryPart) -> Finding:
    nodes, page = _nodes(part), _page_place(placement, part)
    whose = "its" if part.cell is None else f"guest cell {part.cell.id}'s"
    return Finding(
        place=part.nodeset_place or placement.domain.place,
        message=f"{whose} {size_text(part.size_bytes)} are interleaved over {ids_text('node', nodes)} of "
        f"{placement.host.name} by the GiB",
        label="interleaved by the GiB",
        related=(*page, *node_places(placement.host, nodes)),
        why="a page of 1 GiB is on one node: what works on less has the bandwidth of that node, and is remote to the others",
        help="use pages of 2 MiB, which interleave more finely, or give the guest a cell for each node",
        data={"nodes": str(nodes), "memory_bytes": part.size_bytes},
    )


def _page_place(placement: Placement, part: MemoryPart) -> tuple[Related, ...]:
    page = placement.domain.page_of(part.cell)
    return () if page is None else (Related(page.place.at("size"), "pages of 1 GiB"),)
