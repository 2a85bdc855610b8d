"""The guest's NUMA cells are not alike: one has more vCPUs or memory than another.

What runs on several nodes is mostly made for equal ones. Linux spreads tasks over vCPUs and takes memory where a task runs, so
the cell that is short of memory is full first and spills, and the one that is short of vCPUs lends its memory to the others,
over the interconnect. Databases cut their work into as many equal parts as there are nodes. SUSE demands of a guest for SAP
HANA that its cells are balanced. The rule speaks where one cell has over a quarter more than another.

Bad:

    <domain>
      <name>erp1</name>
      <vcpu>8</vcpu>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='16' unit='GiB'/>
                             --- cell 0 has 2 vCPUs
          <cell id='1' cpus='2-7' memory='16' unit='GiB'/>
                             ^^^ cell 1 has 6 vCPUs
        </numa>
      </cpu>
    </domain>

Bad:

    <domain>
      <name>erp2</name>
      <vcpu>8</vcpu>
      <cpu>
        <numa>
          <cell id='0' cpus='0-3' memory='24' unit='GiB'/>
                                          ^^ cell 0 has 24 GiB
          <cell id='1' cpus='4-7' memory='8' unit='GiB'/>
                                          - cell 1 has 8 GiB
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>erp1</name>
      <vcpu>8</vcpu>
      <cpu>
        <numa>
          <cell id='0' cpus='0-3' memory='16' unit='GiB'/>
          <cell id='1' cpus='4-7' memory='16' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Fix: The same number of vCPUs and the same memory for each cell. Host nodes that do not have as much set the measure: that of
the smallest.

When to ignore it: The cells mirror nodes that are unlike, or a flavor asks for it (OpenStack's `hw:numa_mem.N`).

Sources:
- SUSE, SAP HANA on KVM: the cells of the guest must be balanced
- OpenStack nova, CPU topologies: hw:numa_cpus.N and hw:numa_mem.N for cells that are unlike
"""

from collections.abc import Iterator

from numalint import (
    Category,
    Cell,
    Domain,
    Finding,
    Related,
    Severity,
    Trait,
    count_text,
    domain_rule,
    size_text,
)

QUARTER = 4
"""One part in so many may a cell have more than another."""


@domain_rule("guest-cells-unbalanced", Severity.NOTE, Category.GUEST_TOPOLOGY, when=Trait.SEVERAL_CELLS)
def check(domain: Domain) -> Iterator[Finding]:
    cells = [cell for cell in domain.cells if cell.stated and cell.memory_bytes]  # others are memory alone
    if len(cells) < 2:
        return
    complete = sum(len(cell.stated) for cell in cells) == domain.maximum  # else numa-cell-incomplete, or -invalid
    vcpus = [len(cell.stated) for cell in cells]
    memory = [cell.memory_bytes for cell in cells]
    if complete and max(vcpus) - min(vcpus) > 1 and _uneven(vcpus):
        yield _finding(domain, cells, vcpus, "cpus")
    elif _uneven(memory):
        yield _finding(domain, cells, memory, "memory")


def _uneven(sizes: list[int]) -> bool:
    return max(sizes) * QUARTER > min(sizes) * (QUARTER + 1)


def _finding(domain: Domain, cells: list[Cell], sizes: list[int], attribute: str) -> Finding:
    most, least = cells[sizes.index(max(sizes))], cells[sizes.index(min(sizes))]
    return Finding(
        place=most.place.at(attribute),
        message=f"guest cell {most.id} has {_size(most)}, guest cell {least.id} has {_size(least)}",
        label=f"cell {most.id} has {_part(most, attribute)}",
        related=(Related(least.place.at(attribute), f"cell {least.id} has {_part(least, attribute)}"),),
        why="what runs on several nodes mostly takes them for equal: the smaller one is full first, and spills",
        help=_help(domain, cells),
        data={"largest_cell": most.id, "smallest_cell": least.id, "most": max(sizes), "least": min(sizes)},
    )


def _size(cell: Cell) -> str:
    return f"{_part(cell, 'cpus')} and {_part(cell, 'memory')}"


def _part(cell: Cell, attribute: str) -> str:
    return count_text(len(cell.stated), "vCPU") if attribute == "cpus" else size_text(cell.memory_bytes)


def _help(domain: Domain, cells: list[Cell]) -> str:
    memory = sum(cell.memory_bytes for cell in cells) // len(cells)
    vcpus, rest = divmod(domain.maximum, len(cells))
    each = f"{count_text(vcpus, 'vCPU')} and" if not rest else f"{vcpus} or {vcpus + 1} vCPUs and"
    return f"give each of the {len(cells)} cells {each} {size_text(memory)}"
