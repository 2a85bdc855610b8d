"""The distances that the guest is told between its cells are not those of the host nodes that they are bound to.

A guest's kernel reads the distances of its cells as a host's does those of its nodes: it takes memory from the nearest cell
that has some, moves tasks step by step to farther ones, and from distance 31 on rather reclaims what it has than go there.
Where a guest has no `<distances>`, every cell is 20 from every other. On a host of four sockets, or of several nodes a socket,
that hides which are neighbours; an order that is not the host's sends memory and tasks the long way. SUSE asks that the
distances between the cells are those of the hardware.

The rule speaks where the order of the distances is not the host's, where one is over 30 and the other is not, and where the way
there is told to be longer than the way back, and on the host is not. Just 20 in place of 21 makes no difference to a guest.

Host: format = 1
      name = "kvm04"
      [topology]
      sockets = 2
      nodes_per_socket = 2
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      memory_per_node = "32 GiB"
      node_distance = { same_socket = 12, other_socket = 32 }

Bad:

    <domain>
      <name>db14</name>
      <vcpu>6</vcpu>
      <numatune>
        <memnode cellid='0' mode='strict' nodeset='0'/>
        <memnode cellid='1' mode='strict' nodeset='1'/>
        <memnode cellid='2' mode='strict' nodeset='2'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='4' unit='GiB'/>
           ^^^^ no distances: all cells are 20 from cell 0
          <cell id='1' cpus='2-3' memory='4' unit='GiB'/>
          <cell id='2' cpus='4-5' memory='4' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Bad:

    <domain>
      <name>db15</name>
      <vcpu>4</vcpu>
      <numatune>
        <memnode cellid='0' mode='strict' nodeset='0'/>
        <memnode cellid='1' mode='strict' nodeset='2'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='4' unit='GiB'>
            <distances>
              <sibling id='0' value='10'/>
              <sibling id='1' value='12'/>
                                     ^^ 12 from cell 0 to cell 1
            </distances>
          </cell>
          <cell id='1' cpus='2-3' memory='4' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>db14</name>
      <vcpu>6</vcpu>
      <numatune>
        <memnode cellid='0' mode='strict' nodeset='0'/>
        <memnode cellid='1' mode='strict' nodeset='1'/>
        <memnode cellid='2' mode='strict' nodeset='2'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='4' unit='GiB'>
            <distances>
              <sibling id='0' value='10'/>
              <sibling id='1' value='12'/>
              <sibling id='2' value='32'/>
            </distances>
          </cell>
          <cell id='1' cpus='2-3' memory='4' unit='GiB'>
            <distances>
              <sibling id='1' value='10'/>
              <sibling id='2' value='32'/>
            </distances>
          </cell>
          <cell id='2' cpus='4-5' memory='4' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Fix: Write the distances of the host nodes (`numactl -H` there) into `<distances>` of each cell; libvirt fills in the way back.
The guest sees the change, at its next start.

When to ignore it: The guest moves between hosts whose nodes are unlike, or its cells are a test.

Sources:
- SUSE, SAP HANA on KVM: distances between the cells are identical to those of the physical hardware
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: 10 and 32 for a guest of two sockets
- measured with libvirt 9.0.0 and 11.3.0: one-way distances are mirrored, absent ones are 10 and 20
- Linux, RECLAIM_DISTANCE: nodes more than 30 away
"""

from collections.abc import Iterator
from itertools import pairwise, permutations

import msgspec

from numalint import (
    Category,
    Cell,
    Fact,
    Finding,
    GuestCell,
    HostNode,
    IdSet,
    Place,
    Placement,
    Severity,
    Trait,
    ids_text,
    node_places,
    placement_rule,
)

REMOTE = 20
"""How far libvirt makes cells of which it is not said."""

RECLAIM = 30
"""Linux takes no memory from a node that is farther while it can free some."""

MOST_CELLS = 4
"""Distances of more cells are no help that one reads."""


class Way(msgspec.Struct, frozen=True):
    """From one guest cell to another: how far the guest is told it is, and how far their nodes are."""

    start: Cell
    end: Cell
    told: int
    real: int


@placement_rule(
    "guest-distances-mismatch",
    Severity.NOTE,
    Category.GUEST_TOPOLOGY,
    needs=(Fact.NODES, Fact.DISTANCES),
    when=Trait.NUMATUNE | Trait.SEVERAL_CELLS,
)
def check(placement: Placement) -> Iterator[Finding]:
    homes = _homes(placement)
    if placement.host.one_node or len(homes) < 2 or len(set(homes.values())) < len(homes):
        return  # cells on one node: guest-cells-on-one-node
    ways = _ways(placement, homes)
    wrong = _out_of_order(ways) or next(([way] for way in ways if _misjudged(way)), [])
    if wrong:
        yield _finding(placement, homes, ways, wrong)


def _homes(placement: Placement) -> dict[GuestCell, HostNode]:
    """The node of each cell that is bound to one which the host has."""
    found = {}
    for cell in placement.domain.cells:
        nodes = placement.memory_of(cell).nodes
        if nodes is not None and len(nodes) == 1 and nodes <= IdSet.of(placement.host.node_by_id):
            found[cell.id] = next(iter(nodes))
    return found


def _ways(placement: Placement, homes: dict[GuestCell, HostNode]) -> list[Way]:
    """From each cell to each other, as libvirt makes the distances; those of unknown length on the host are left out."""
    cells = [cell for cell in placement.domain.cells if cell.id in homes]
    written = {(cell.id, each.to): each.value for cell in cells for each in cell.distances}
    found = []
    for start, end in permutations(cells, 2):
        told = written.get((start.id, end.id)) or written.get((end.id, start.id)) or REMOTE
        real = placement.host.distance(homes[start.id], homes[end.id])
        if real is not None:
            found.append(Way(start, end, told, real))
    return found


def _out_of_order(ways: list[Way]) -> list[Way]:
    """Two ways of which the guest is not told which is longer, or that they are equally long; none where it is."""
    alike: dict[int, Way] = {}
    for way in ways:
        first = alike.setdefault(way.real, way)
        if first.told != way.told:
            return [first, way]
    rows = sorted(alike.values(), key=lambda way: way.real)
    return next(([shorter, longer] for shorter, longer in pairwise(rows) if shorter.told >= longer.told), [])


def _misjudged(way: Way) -> bool:
    return (way.told > RECLAIM) != (way.real > RECLAIM)


def _finding(placement: Placement, homes: dict[GuestCell, HostNode], ways: list[Way], wrong: list[Way]) -> Finding:
    name, silent = placement.host.name, not any(cell.distances for cell in placement.domain.cells)
    worst = max(wrong, key=lambda way: abs(way.told - way.real))
    place, label = _where(worst)
    told = " and ".join(f"{way.told} from cell {way.start.id} to {way.end.id}" for way in wrong)
    if silent:
        told = f"no distances, so {REMOTE} from each cell to each other"
        place, label = wrong[0].start.place, f"no distances: all cells are {REMOTE} from cell {wrong[0].start.id}"
    lengths = sorted({way.real for way in (ways if silent else wrong)})
    real = " to ".join(map(str, dict.fromkeys((lengths[0], lengths[-1]))))
    nodes = IdSet.of(homes[cell.id] for way in (ways if silent else wrong) for cell in (way.start, way.end))
    return Finding(
        place=place,
        message=f"the guest is told {told}, but {ids_text('node', nodes)} of {name} are {real} apart",
        label=label,
        related=node_places(placement.host, nodes),
        why="the guest takes memory from, and moves tasks to, what it holds for nearest"
        if len(wrong) > 1
        else f"over {RECLAIM} Linux frees what it has rather than take memory there, and up to that it goes there",
        help=_help(placement, ways),
        data={"told": worst.told, "distance": worst.real, "nodes": str(nodes)},
    )


def _where(way: Way) -> tuple[Place, str]:
    """Where the length of a way is written, there or back; where it is not, the cell that it starts from."""
    for start, end in ((way.start, way.end), (way.end, way.start)):
        for each in start.distances:
            if each.to == end.id:
                return each.place.at("value"), f"{way.told} from cell {start.id} to cell {end.id}"
    return way.start.place, f"{REMOTE} from cell {way.start.id} to cell {way.end.id}, which is not written"


def _help(placement: Placement, ways: list[Way]) -> str:
    """The rows of the cells, each with those that come after it: libvirt fills in the way back."""
    if len(placement.domain.cells) > MOST_CELLS:
        return f"write the distances of these nodes of {placement.host.name} into <distances> of each cell"
    rows: dict[GuestCell, str] = {}
    for way in ways:
        if way.start.id < way.end.id:
            row = rows.get(way.start.id, "")
            rows[way.start.id] = f"{row}<sibling id='{way.end.id}' value='{way.real}'/>"
    return "write " + ", ".join(f"<distances>{row}</distances> in cell {cell}" for cell, row in rows.items())
