"""The guest has several NUMA cells, and the memory of each may come from any of several nodes.

`<memory mode='strict' nodeset='0-1'/>` binds every cell to all these nodes: libvirt gives each cell's memory `host-nodes` 0-1,
and nothing ties cell 0 to node 0. Measured, one release put the memory of both cells on node 0, another happened to split it
right. The guest meanwhile believes what its cells say, and runs each task beside memory that may be on the other side of the
machine. It takes a `<memnode>` for each cell. Red Hat's own example of guest NUMA lacks them.

On nodes that are near each other (distance 12 or less) this is a note. Mode restrictive, which is made to be changed while the
guest runs, and memory that numad places say nothing.

Host: none

Bad:

    <domain>
      <name>db6</name>
      <vcpu>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0-1'/>
                                       ^^^ guest cells 0-1 may each have memory of nodes 0-1
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='4' unit='GiB'/>
           ---- no <memnode> for guest cell 0
          <cell id='1' cpus='2-3' memory='4' unit='GiB'/>
           ---- no <memnode> for guest cell 1
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>db6</name>
      <vcpu>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0-1'/>
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

Fix: A `<memnode>` for each cell, with the node that its vCPUs are pinned to. The guest does not see the change.

When to ignore it: The cells are there for a test, and nobody measures.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: no cell is matched to a node
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3.4: the example
- SUSE, SAP HANA on KVM; SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: a memnode for every cell
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Bound,
    Category,
    Fact,
    Finding,
    GuestCells,
    IdSet,
    Placement,
    Related,
    Severity,
    Trait,
    ids_text,
    node_places,
    placement_rule,
    union,
)


@placement_rule(
    "multi-cell-without-memnode",
    Severity.WARNING,
    Category.MEMORY,
    when=Trait.NUMATUNE | Trait.SEVERAL_CELLS,
    uses=(Fact.NODES, Fact.SOCKETS, Fact.DISTANCES),
)
def check(placement: Placement) -> Iterator[Finding]:
    if len(placement.domain.cells) < 2:
        return
    for bound in placement.bound:
        shared = bound.binding.cell is None and bound.binding.mode != "restrictive" and len(bound.nodes) > 1
        if shared and not placement.host.one_node and not _one_home(placement, bound):
            yield _finding(placement, bound)


def _one_home(placement: Placement, bound: Bound) -> bool:
    """Whether the nodes are one with CPUs and memory tiers beside it."""
    homes = placement.host.homes_of(bound.nodes) if placement.host.nodes is not None else None
    return homes is not None and len(homes) < 2


def _finding(placement: Placement, bound: Bound) -> Finding:
    host, nodes = placement.host, bound.nodes
    cells: GuestCells = IdSet.of(cell.id for cell in bound.cells)
    near = host.nodes is not None and host.near(nodes, IdSet.of([next(iter(nodes))])) is True
    of = f" of {host.name}" if host.name else ""
    each = "may each have" if len(cells) > 1 else "may have"
    return Finding(
        place=bound.binding.place.at("nodeset"),
        message=f"{ids_text('guest cell', cells)} {'have' if len(cells) > 1 else 'has'} no <memnode>: "
        f"memory may come from any of {ids_text('node', nodes)}{of}",
        label=f"{ids_text('guest cell', cells)} {each} memory of {ids_text('node', nodes)}",
        severity=Severity.NOTE if near else None,
        related=(
            *(Related(cell.place, f"no <memnode> for guest cell {cell.id}") for cell in bound.cells[:MOST_RELATED]),
            *node_places(host, nodes),
        ),
        why="the guest places its tasks by its cells, and what it holds for near may be far",
        help=_help(placement, bound),
        data={"cells": str(cells), "memory_nodes": str(nodes)},
    )


def _help(placement: Placement, bound: Bound) -> str:
    """A memnode for each of the first cells whose vCPUs are kept on one node."""
    homes = [(cell, union(placement.held.get(vcpu, IdSet()) for vcpu in cell.cpus)) for cell in bound.cells[:4]]
    found = [f"<memnode cellid='{cell.id}' mode='{bound.binding.mode}' nodeset='{nodes}'/>"
             for cell, nodes in homes if len(nodes) == 1 and nodes <= bound.nodes]  # fmt: skip
    if len(found) < len(homes):
        return "add a <memnode> for each guest cell, each with a node of its own, and pin the cell's vCPUs there"
    rest = " and so on" if len(bound.cells) > len(found) else ""
    return f"add a <memnode> for each guest cell, as its vCPUs are pinned: {''.join(found)}{rest}"
