"""Several NUMA cells of the guest are bound to the same node of the host.

Two cells with memory of one node are one place to the host and two to the guest. Its kernel keeps tasks beside "their" memory,
moves pages from one cell to the other, lets one fill up while the other has room, and weighs distances that do not exist. It
costs work and brings nothing; QEMU's documentation of PCI expanders says that cells can and should be put on different nodes of
the host. Cells whose vCPUs are each pinned to an L3 cache of their own, or that are told to be near (distance 12 or less), show
the guest where the caches are: of these nothing is said.

Host: pack:2 [numa(memory=32GiB)] core:4 pu:1

Bad:

    <domain>
      <name>db11</name>
      <vcpu>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0-1'/>
        <memnode cellid='0' mode='strict' nodeset='0'/>
                                                   - cell 0 is on node 0
        <memnode cellid='1' mode='strict' nodeset='0'/>
                                                   ^ cell 1 is on node 0 too
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='4' unit='GiB'/>
          <cell id='1' cpus='2-3' memory='4' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Bad:

    <domain>
      <name>db12</name>
      <vcpu>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='1'/>
                                       ^ cells 0-1 are on node 1
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='4' unit='GiB'/>
          <cell id='1' cpus='2-3' memory='4' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>db11</name>
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

Fix: A node of its own for each cell, in its `<memnode>` and its pins. Or one cell for all that is on one node. The guest sees
the latter.

When to ignore it: The guest tests software for NUMA machines.

Sources:
- QEMU, docs/pci_expander_bridge.txt: guest nodes can and should be put in different host nodes
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: a guest topology is only useful if it is mapped on the host's
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    NEAR,
    Category,
    Cell,
    Fact,
    Finding,
    GuestCells,
    HostNode,
    HostNodes,
    IdSet,
    Place,
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
    "guest-cells-on-one-node",
    Severity.NOTE,
    Category.GUEST_TOPOLOGY,
    needs=Fact.NODES,
    when=Trait.NUMATUNE | Trait.SEVERAL_CELLS,
    uses=Fact.L3,
)
def check(placement: Placement) -> Iterator[Finding]:
    if placement.host.one_node:
        return
    for node, cells in _by_node(placement).items():
        if len(cells) > 1 and _there(placement, node, cells) and not _meant(placement, cells):
            yield _finding(placement, node, cells)


def _by_node(placement: Placement) -> dict[HostNode, list[Cell]]:
    """The cells that are bound to one node."""
    found: dict[HostNode, list[Cell]] = {}
    for cell in placement.domain.cells:
        nodes: HostNodes = placement.memory_of(cell).nodes or IdSet()
        if len(nodes) == 1 and nodes <= placement.host.memory_nodes:
            found.setdefault(next(iter(nodes)), []).append(cell)
    return found


def _there(placement: Placement, node: HostNode, cells: list[Cell]) -> bool:
    """Whether no vCPU of the cells is kept on another node: cell-binding-disagree and numatune-cpu-mismatch have these."""
    held = placement.held
    return all(held[vcpu] <= IdSet.of([node]) for cell in cells for vcpu in cell.cpus if vcpu in held)


def _meant(placement: Placement, cells: list[Cell]) -> bool:
    """Whether the guest is told that they are near, or the vCPUs of each are pinned to L3 caches that no other has."""
    own, pins = IdSet.of(cell.id for cell in cells), placement.domain.vcpupins
    told = [each.value for cell in cells for each in cell.distances if each.to in own and each.to != cell.id]
    if told and max(told) <= NEAR:
        return True
    if placement.host.l3 is None or not all(vcpu in pins for cell in cells for vcpu in cell.cpus):
        return False
    caches = [placement.host.l3_of(union(pins[vcpu].cpus for vcpu in cell.cpus)) for cell in cells if cell.cpus]
    return sum(map(len, caches)) == len({cache.cpus for each in caches for cache in each})


def _finding(placement: Placement, node: HostNode, cells: list[Cell]) -> Finding:
    ids: GuestCells = IdSet.of(cell.id for cell in cells)
    places: dict[Place, list[Cell]] = {}
    for cell in cells:
        binding = placement.memory_of(cell).binding
        if binding is not None:
            places.setdefault(binding.place.at("nodeset"), []).append(cell)
    (place, own), *others = reversed(places.items())
    which, host = ids_text("cell", IdSet.of(cell.id for cell in own)), placement.host
    return Finding(
        place=place,
        message=f"guest {ids_text('cell', ids)} are {'both' if len(ids) == 2 else 'all'} bound to node {node} of "
        f"{host.name}, as if they were apart",
        label=f"{which} {'is' if len(own) == 1 else 'are'} on node {node}{' too' if others else ''}",
        related=(
            *(
                Related(other, f"{ids_text('cell', IdSet.of(cell.id for cell in those))} is on node {node}")
                for other, those in reversed(others[-MOST_RELATED:])
            ),
            *node_places(host, IdSet.of([node])),
        ),
        why="the guest keeps tasks and memory apart that are in one place, and one cell fills up while another has room",
        help=_help(placement, cells),
        data={"cells": str(ids), "node": node},
    )


def _help(placement: Placement, cells: list[Cell]) -> str:
    """A memnode for each of the further cells on a node that has none yet."""
    taken = union(nodes for cell in placement.domain.cells if (nodes := placement.memory_of(cell).nodes) is not None)
    free = [node for node in placement.host.nodes or () if node.cpus and node.id not in taken]
    moved = [
        f"<memnode cellid='{cell.id}' mode='{placement.memory_of(cell).mode}' nodeset='{node.id}'/>"
        for cell, node in zip(cells[1:4], free, strict=False)
        if placement.fits([node], cell)
    ]
    if not moved:
        return "make one cell of them, for there is no other node that holds one"
    return f"bind each to a node of its own: {''.join(moved)}, and pin its vCPUs there; or make one cell of them"
