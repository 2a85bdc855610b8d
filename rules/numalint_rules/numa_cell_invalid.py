"""The guest's NUMA cells contradict themselves or the domain.

The cells are numbered from 0 without a gap, share no vCPU, name only vCPUs that the domain has, and have memory. The
distance of a cell from itself is 10, that from another 11 to 255. Anything else libvirt refuses when the domain is defined: "Exactly
one 'cell' element per guest NUMA cell allowed, non-contiguous ranges ...", "Duplicate NUMA cell info for cell id '0'", "NUMA cells 1
and 0 have overlapping vCPU ids", "CPU IDs in <numa> exceed the <vcpu> count", "'value 5' is invalid for 'sibling id 1' under NUMA
'cell id 0'". A cell without memory fails at start: QEMU makes none of size 0. An invalid distance is worse than refused in
libvirt 9.0.0: in 29 of 30 tries the process that had read one crashed.

Bad:

    <domain>
      <name>dw1</name>
      <vcpu>4</vcpu>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='1' unit='GiB'/>
                             --- cell 0
          <cell id='1' cpus='1-3' memory='1' unit='GiB'/>
                             ^^^ vCPU 1 is in cell 0 too
        </numa>
      </cpu>
    </domain>

Bad:

    <domain>
      <name>dw1</name>
      <vcpu>4</vcpu>
      <cpu>
        <numa>
          <cell id='1' cpus='0-1' memory='1' unit='GiB'/>
          <cell id='2' cpus='2-3' memory='1' unit='GiB'/>
                    ^ 2 cells are 0-1
        </numa>
      </cpu>
    </domain>

Bad:

    <domain>
      <name>dw1</name>
      <vcpu>4</vcpu>
            - the domain has 4 vCPUs
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='1' unit='GiB'/>
          <cell id='1' cpus='2-4' memory='1' unit='GiB'/>
                             ^^^ vCPU 4 does not exist
        </numa>
      </cpu>
    </domain>

Bad:

    <domain>
      <name>dw1</name>
      <vcpu>4</vcpu>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='1' unit='GiB'>
            <distances>
              <sibling id='0' value='10'/>
              <sibling id='1' value='2'/>
                                     ^ another cell is 11 to 255 away
            </distances>
          </cell>
          <cell id='1' cpus='2-3' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>dw1</name>
      <vcpu>4</vcpu>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='1' unit='GiB'>
            <distances>
              <sibling id='0' value='10'/>
              <sibling id='1' value='21'/>
            </distances>
          </cell>
          <cell id='1' cpus='2-3' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Fix: Number the cells from 0, put each vCPU into one of them, and give distances as `numactl -H` of the host shows them.

When to ignore it: Never.

Sources:
- measured with libvirt 9.0.0: it refuses each of these; with 11.3.0: shared vCPUs, repeated ids and distances too, with no crash
- libvirt, Domain XML format, "CPU model and topology"
- ACPI, System Locality Distance Information Table: 10 is local, less is reserved
"""

from collections.abc import Iterator
from itertools import pairwise

from numalint import (
    MOST_RELATED,
    TEXT,
    Category,
    Cell,
    Distance,
    Domain,
    Finding,
    IdSet,
    Related,
    Severity,
    Trait,
    Vcpus,
    count_text,
    domain_rule,
    ids_text,
    set_text,
    union,
)

LOCAL, FARTHEST = 10, 255


@domain_rule("numa-cell-invalid", Severity.ERROR, Category.CORRECTNESS, when=Trait.NUMA)
def check(domain: Domain) -> Iterator[Finding]:
    if domain.numa_place is None:
        return
    cells, listed = domain.cells, union(cell.stated for cell in domain.cells)
    if not cells:
        message, label = "it has a <numa> without a cell", "no <cell> in it"
        why = "libvirt refuses to define it: NUMA topology defined without NUMA cells"
        yield Finding(domain.numa_place, message, label, why=why, help="leave out <numa>, or give it a <cell>")
        return
    if [cell.id for cell in cells] != list(range(len(cells))):
        yield _misnumbered(cells)
    elif any(cell.distances for cell in cells):
        yield from _wrong_distances(cells)
    if sum(len(cell.stated) for cell in cells) > len(listed):
        yield _overlap(cells)
    if listed.mask >> domain.maximum:
        yield _strangers(domain)
    if domain.on_qemu:
        yield from (_empty(cell) for cell in cells if not cell.memory_bytes)


def _misnumbered(cells: tuple[Cell, ...]) -> Finding:
    ids, right = [cell.id for cell in cells], f"0-{len(cells) - 1}" if len(cells) > 1 else "0"
    twice = [later for earlier, later in pairwise(cells) if earlier.id == later.id]
    wrong = (twice or [cell for cell in cells if cell.id >= len(cells)])[0]
    written = ", ".join(map(str, ids[:MOST_RELATED])) + (", ..." if len(ids) > MOST_RELATED else "")
    verb = "is" if len(cells) == 1 else "are"
    return Finding(
        place=wrong.place.at("id"),
        message=f"its {count_text(len(cells), 'guest cell')} {verb} numbered {written} and not {right}",
        label=f"a second cell {wrong.id}" if twice else f"{count_text(len(cells), 'cell')} {verb} {right}",
        why="libvirt refuses to define it: guest cells are numbered from 0, without a gap",
        help=f"number the cells {right}; without an id each takes its position",
        data={"ids": written},
    )


def _overlap(cells: tuple[Cell, ...]) -> Finding:
    before: Vcpus = IdSet()
    for later in cells:
        common = later.stated & before
        if common:
            break
        before |= later.stated
    earlier, rest = next(cell for cell in cells if cell.stated & common), later.stated - before
    verb = "is" if len(common) == 1 else "are"
    return Finding(
        place=later.place.at("cpus"),
        message=f"{ids_text('vCPU', common)} {verb} in guest cell {earlier.id} and in cell {later.id}",
        label=f"{ids_text('vCPU', common)} {verb} in cell {earlier.id} too",
        related=(Related(earlier.place.at("cpus"), f"cell {earlier.id}"),),
        why="libvirt refuses to define it: a vCPU is in one cell",
        help=(f"write cpus='{rest}' in cell {later.id}, or " if rest else "") + f"take them out of cell {earlier.id}",
        data={"vcpus": str(common)},
    )


def _strangers(domain: Domain) -> Finding:
    exist: Vcpus = IdSet((1 << domain.maximum) - 1)
    cell = next(each for each in domain.cells if not each.stated <= exist)
    strange = union(each.stated for each in domain.cells) - exist
    has, verb = count_text(domain.maximum, "vCPU"), "does" if len(strange) == 1 else "do"
    place = domain.vcpu_place
    return Finding(
        place=cell.place.at("cpus"),
        message=f"its guest cells name {ids_text('vCPU', strange)}, but the domain has {has}",
        label=f"{ids_text('vCPU', cell.stated - exist)} {verb} not exist",
        related=() if place is None else (Related(place.at(TEXT), f"the domain has {has}"),),
        why="libvirt refuses to define it: CPU IDs in <numa> exceed the <vcpu> count",
        help=f"name only vCPUs {set_text(exist)}, or raise <vcpu>; these are the guest's vCPUs, not the host's CPUs",
        data={"vcpus": str(strange), "maximum": domain.maximum},
    )


def _empty(cell: Cell) -> Finding:
    return Finding(
        place=cell.place.at("memory"),
        message=f"guest cell {cell.id} has no memory",
        label="0",
        why="QEMU refuses to start: property 'size' of memory-backend-ram doesn't take value '0'",
        help="give it memory, or leave the cell out and put its vCPUs into another",
        data={"cell": cell.id},
    )


def _wrong_distances(cells: tuple[Cell, ...]) -> Iterator[Finding]:
    count = len(cells)
    wrong = [(cell, each) for cell in cells for each in cell.distances if _broken(cell, each, count)]
    if not wrong:
        return
    cell, first = wrong[0]
    places = [each.place.at("id" if each.to >= count else "value") for _, each in wrong[: 1 + MOST_RELATED]]
    labels = [_broken(cell, each, count) for cell, each in wrong]
    yield Finding(
        place=places[0],
        message=f"guest cell {cell.id} is {first.value} away from cell {first.to}: {labels[0]}",
        label=labels[0],
        related=tuple(map(Related, places[1:], labels[1:])),
        why="libvirt refuses to define it, and 9.0.0 may crash over it",
        help="write 10 for itself, and for another cell what numactl -H shows of the two nodes that they are bound to",
        data={"distances": len(wrong)},
    )


def _broken(cell: Cell, distance: Distance, count: int) -> str:
    """What a distance should be; nothing where it is right."""
    if distance.to >= count:
        return f"there is no cell {distance.to}"
    if distance.to == cell.id:
        return "" if distance.value == LOCAL else "a cell is 10 away from itself"
    return "" if LOCAL < distance.value <= FARTHEST else "another cell is 11 to 255 away"
