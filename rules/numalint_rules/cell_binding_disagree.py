"""A guest NUMA cell has its vCPUs on one node of the host and its memory on another.

A guest that has NUMA cells trusts them: its kernel runs a task beside the task's memory, as the cells say. On the host a cell is
true only where three places agree: `<cell cpus>` says which vCPUs are its own, their `<vcpupin>` on which node they run, and
`<memnode>` on which node its memory is. libvirt compares none of them and starts the domain. Where they disagree, all that the
guest holds for near is far, and it works to keep it so. Red Hat puts NUMA misses at 10 % and more; on two-socket EPYC large
guests that had only a part of the tuning lost 17 % and more in the NAS benchmarks.

A cell that has no node in common with its memory is an error: the file contradicts itself, and what it says of the guest cannot
hold, also where the distance is unknown. Where some vCPUs are beside the memory, or the memory may also come from a node where none
runs, it is a warning. It is a note where the nodes are near each other (distance 12 or less: SNC, NPS, L3 as NUMA), for a miss
costs little there; for mode restrictive, which is made to be changed while the guest runs; and, of a warning, where the distance
is unknown. A node without CPUs (CXL, HBM) counts as part of the nodes nearest to it.

Host: pack:2 numa:1 core:4 pu:1

Bad:

    <domain>
      <name>db3</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
                                  - vCPUs 0-1 are on node 1
        <vcpupin vcpu='1' cpuset='5'/>
        <vcpupin vcpu='2' cpuset='0'/>
                                  - vCPUs 2-3 are on node 0
        <vcpupin vcpu='3' cpuset='1'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='0-1'/>
        <memnode cellid='0' mode='strict' nodeset='0'/>
                                                   ^ the memory is bound to node 0
        <memnode cellid='1' mode='strict' nodeset='1'/>
                                                   - the memory is bound to node 1
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='512' unit='MiB'/>
                             --- guest cell 0: vCPUs 0-1, 512 MiB
          <cell id='1' cpus='2-3' memory='512' unit='MiB'/>
                             --- guest cell 1: vCPUs 2-3, 512 MiB
        </numa>
      </cpu>
    </domain>

Bad (warning):

    <domain>
      <name>db3</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
        <vcpupin vcpu='1' cpuset='1'/>
        <vcpupin vcpu='2' cpuset='4'/>
        <vcpupin vcpu='3' cpuset='3'/>
                                  ^ vCPU 3 is on node 0
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='0-1'/>
        <memnode cellid='0' mode='strict' nodeset='0'/>
        <memnode cellid='1' mode='strict' nodeset='1'/>
                                                   - the memory is bound to node 1
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='512' unit='MiB'/>
          <cell id='1' cpus='2-3' memory='512' unit='MiB'/>
                             --- guest cell 1: vCPUs 2-3, 512 MiB
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>db3</name>
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
          <cell id='0' cpus='0-1' memory='512' unit='MiB'/>
          <cell id='1' cpus='2-3' memory='512' unit='MiB'/>
        </numa>
      </cpu>
    </domain>

Host: format = 1
      name = "hbm01"
      [[nodes]]
      id = 0
      cores = "0-3"
      memory = "16 GiB"
      distances = [10, 21, 13]
      [[nodes]]
      id = 1
      cores = "4-7"
      memory = "16 GiB"
      distances = [21, 10, 23]
      [[nodes]]
      id = 2
      kind = "hbm"
      near = [0]
      memory = "8 GiB"
      distances = [13, 23, 10]

Good:

    <domain>
      <name>hpc1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
        <vcpupin vcpu='1' cpuset='1'/>
      </cputune>
      <numatune>
        <memnode cellid='0' mode='strict' nodeset='0,2'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='512' unit='MiB'/>
        </numa>
      </cpu>
    </domain>

Fix: Move the side that fewer places speak for: the `<memnode>` to the node of its cell's vCPUs, or the pins that stray to the
node of the `<memnode>`. Of cells that are crossed swap the nodes of the memnodes. The guest sees neither.

When to ignore it: Never, where it is an error. A warning may be meant where the memory of the vCPUs' node does not suffice.

Sources:
- OpenStack nova makes cells, memnodes and pins of one mapping: nova/virt/hardware.py
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3.2: the figure, and pins with numatune
- SUSE Best Practices, Optimizing Linux for AMD EPYC 7002: the NAS figures
- measured with libvirt 9.0.0 and 11.3.0: memory strict on one node and vCPUs on the other start without a word
- OpenStack nova-specs, wallaby/pci-socket-affinity: nodes inside one socket are near enough
"""

from collections.abc import Iterator, Sequence

from numalint import (
    MOST_RELATED,
    Apart,
    Category,
    Cell,
    Fact,
    Finding,
    IdSet,
    Placement,
    Related,
    Severity,
    Trait,
    apart,
    bound_text,
    count_text,
    crossed,
    ids_text,
    node_places,
    node_spread,
    placement_rule,
    size_text,
    socket_spread,
    union,
)


@placement_rule(
    "cell-binding-disagree",
    Severity.ERROR,
    Category.MEMORY,
    needs=Fact.NODES,
    when=Trait.CELLS | Trait.MEMNODES,
    uses=(Fact.SOCKETS, Fact.DISTANCES, Fact.MEMORY, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding]:
    if placement.host.one_node:
        return
    bindings = [bound for bound in placement.bound if bound.binding.cell is not None]
    found = [each for bound in bindings if (each := apart(placement, bound)) is not None]
    exchanged = crossed(found)
    if exchanged:
        yield _exchanged(placement, exchanged)
    alike: dict[object, list[Apart]] = {}
    for each in found:
        if each not in exchanged and not _said_elsewhere(placement, each):
            one = each.strays if not each.whole else IdSet()
            alike.setdefault((each.whole, each.bound.nodes, each.severity, one), []).append(each)
    for group in alike.values():
        yield _finding(placement, group)


def _said_elsewhere(placement: Placement, each: Apart) -> bool:
    """Whether numatune-mode-loose has it, or vcpupin-spans-*: that some of the vCPUs of the only cell are elsewhere."""
    if not each.strays:
        return each.bound.binding.mode == "interleave"
    if each.whole or len(placement.domain.cells) > 1:
        return False
    spread = socket_spread(placement) or node_spread(placement)
    return spread is not None and not spread.roaming


def _exchanged(placement: Placement, found: Sequence[Apart]) -> Finding:
    host, cells = placement.host.name, [each.bound.cells[0] for each in found]
    vcpu_nodes, memory_nodes = (
        " and ".join(map(str, nodes))
        for nodes in ([each.nodes for each in found], [each.bound.nodes for each in found])
    )
    if len(found) == 2:
        which = f"guest cells {cells[0].id} and {cells[1].id} are crossed on {host}"
        message = f"{which}: vCPUs on nodes {vcpu_nodes}, memory on nodes {memory_nodes}"
    else:
        message = f"{len(cells)} guest cells have each other's memory on {host}: none is on the node of its vCPUs"
    related = [place for each in found for place in (*each.sides, _cell_place(each.bound.cells[0]))]
    related = [place for place in related if place.place != found[0].binding_place]
    room = all(placement.fits([placement.host.node_by_id[node] for node in each.nodes], each.bound.cells[0])
               for each in found)  # fmt: skip
    swapped = "".join(each.element(each.nodes) for each in found[:4])
    return Finding(
        place=found[0].binding_place,
        message=message,
        label=found[0].binding_label,
        severity=min((each.severity for each in found), key=lambda severity: severity.rank),
        related=(*related[:MOST_RELATED], *node_places(placement.host, union(each.nodes for each in found))),
        why=found[0].why,
        help=f"swap the memnodes: {swapped}" if room else "swap the pins: what the memnodes bind fits no other node",
        data={"cells": ",".join(str(cell.id) for cell in cells), "nodes": vcpu_nodes, "memory_nodes": memory_nodes},
    )


def _finding(placement: Placement, alike: Sequence[Apart]) -> Finding:
    """Of the cells that are wrong in the same way, with memory on the same nodes."""
    first, cells = alike[0], [each.bound.cells[0] for each in alike]
    one, other = first.sides
    others = [place for each in alike[1:] for place in (*each.sides, _cell_place(each.bound.cells[0]))]
    nodes = union(each.nodes | each.bound.nodes for each in alike)
    return Finding(
        place=one.place,
        message=_message(placement, first, cells[0]) if len(alike) == 1 else _common_message(placement, alike),
        label=one.label,
        severity=first.severity,
        related=(
            *(other, _cell_place(cells[0]), *others)[: MOST_RELATED + 1],
            *node_places(placement.host, nodes),
        ),
        why=first.why,
        help=first.help if len(alike) == 1 else "; ".join(each.help for each in alike[:3]),
        data={**first.data, "cells": ",".join(str(cell.id) for cell in cells)},
    )


def _message(placement: Placement, each: Apart, cell: Cell) -> str:
    name, memory = placement.host.name, bound_text(each.bound.binding)
    if each.whole:
        vcpus = f"the vCPUs of guest cell {cell.id} are on {ids_text('node', each.nodes)} of {name}"
        return f"{vcpus}, but its {size_text(cell.memory_bytes)} of memory is {memory}"
    if each.strays:
        strays = f"{ids_text('vCPU', each.strays)} of guest cell {cell.id} {'is' if len(each.strays) == 1 else 'are'}"
        return f"{strays} on {ids_text('node', each.stray_nodes)} of {name}, but the cell's memory is {memory}"
    return (
        f"the memory of guest cell {cell.id} is {memory} of {name}, but its vCPUs are on {ids_text('node', each.nodes)}"
    )


def _common_message(placement: Placement, alike: Sequence[Apart]) -> str:
    cells = ids_text("guest cell", IdSet.of(each.bound.cells[0].id for each in alike))
    name, memory = placement.host.name, bound_text(alike[0].bound.binding)
    if alike[0].whole:
        nodes = ids_text("node", union(each.nodes for each in alike))
        return f"the vCPUs of {cells} are on {nodes} of {name}, but the memory of each is {memory}"
    return f"the memory of each of {cells} is {memory} of {name}, but its vCPUs are on fewer of them"


def _cell_place(cell: Cell) -> Related:
    vcpus = ids_text("vCPU", cell.stated) if cell.stated else count_text(0, "vCPU")
    place = cell.place.at("cpus") if cell.stated else cell.place
    return Related(place, f"guest cell {cell.id}: {vcpus}, {size_text(cell.memory_bytes)}")
