"""Some guest cells have a memnode, and the memory of the others may come from any node.

A `<memnode>` binds the memory of its cell alone. A cell without one takes what `<numatune>` says of the guest in `<memory>`;
where there is no `<memory>` either, it has no policy at all: its memory comes from wherever it is touched first, while the guest
trusts all its cells alike. Mostly a cell was added later, and its memnode forgotten.

Host: none

Bad:

    <domain>
      <name>db7</name>
      <vcpu>4</vcpu>
      <numatune>
        <memnode cellid='0' mode='strict' nodeset='0'/>
         ------- the memory of guest cell 0 is bound to node 0
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='4' unit='GiB'/>
          <cell id='1' cpus='2-3' memory='4' unit='GiB'/>
           ^^^^ nothing binds the memory of guest cell 1
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>db7</name>
      <vcpu>4</vcpu>
      <numatune>
        <memnode cellid='0' mode='strict' nodeset='0'/>
        <memnode cellid='1' mode='strict' nodeset='1'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='4' unit='GiB'/>
          <cell id='1' cpus='2-3' memory='4' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Fix: A `<memnode>` for every cell, with the node that its vCPUs are pinned to.

When to ignore it: The guest uses the other cell as spare memory, wherever that comes from.

Sources:
- measured with libvirt 9.0.0: of two cells, the one without a memnode gets no host-nodes and no policy
- SUSE, SAP HANA on KVM; SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: a memnode for every cell
"""

from collections.abc import Iterator, Sequence

from numalint import (
    MOST_RELATED,
    Category,
    Cell,
    Fact,
    Finding,
    GuestCells,
    IdSet,
    Placement,
    Related,
    Severity,
    Trait,
    bound_text,
    ids_text,
    placement_rule,
    size_text,
    union,
)


@placement_rule(
    "memnode-partial",
    Severity.WARNING,
    Category.MEMORY,
    when=Trait.MEMNODES | Trait.SEVERAL_CELLS,
    uses=Fact.NODES,
)
def check(placement: Placement) -> Iterator[Finding]:
    domain = placement.domain
    free = [cell for cell in domain.cells if placement.memory_of(cell).free]
    if free and placement.bound and not placement.host.one_node:
        yield _finding(placement, free)


def _finding(placement: Placement, free: Sequence[Cell]) -> Finding:
    cells: GuestCells = IdSet.of(cell.id for cell in free)
    size = size_text(sum(cell.memory_bytes for cell in free))
    some = [bound for bound in placement.bound if bound.binding.cell is not None]
    bound = tuple(
        Related(each.binding.place, f"the memory of guest cell {each.binding.cell} is {bound_text(each.binding)}")
        for each in some[:MOST_RELATED]
    )
    others = tuple(Related(cell.place, f"nothing binds the memory of guest cell {cell.id}") for cell in free[1:])
    return Finding(
        place=free[0].place,
        message=f"{len(some)} of {len(placement.domain.cells)} guest cells {'is' if len(some) == 1 else 'are'} bound by a "
        f"<memnode>, but the {size} of {ids_text('cell', cells)} may come from any node",
        label=f"nothing binds the memory of guest cell {free[0].id}",
        related=(*bound, *others[:MOST_RELATED]),
        why="it comes from wherever it is touched first, and the guest trusts all its cells alike",
        help=_help(placement, free, some[0].binding.mode),
        data={"cells": str(cells)},
    )


def _help(placement: Placement, free: Sequence[Cell], mode: str) -> str:
    homes = [(cell, union(placement.held.get(vcpu, IdSet()) for vcpu in cell.cpus)) for cell in free[:4]]
    found = [
        f"<memnode cellid='{cell.id}' mode='{mode}' nodeset='{nodes}'/>" for cell, nodes in homes if len(nodes) == 1
    ]
    if len(found) < len(homes):
        return f"add a <memnode> for {ids_text('cell', IdSet.of(cell.id for cell in free))}, with the node of its vCPUs"
    return f"add, as the vCPUs are pinned: {''.join(found)}{' and so on' if len(free) > len(found) else ''}"
