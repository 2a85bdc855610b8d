"""A `<memnode>` names a guest cell that the domain does not have, names it twice, or names no nodes.

A memnode binds the memory of one guest NUMA cell: `cellid` is the cell's `id` in `<cpu><numa>`, `nodeset` is the host's nodes.
In a guest without cells there is nothing to bind, `<memory>` alone says it all. libvirt does not define such a domain: "Element
'memnode' is invalid without any guest NUMA cells", "Argument 'cellid' in memnode element must correspond to existing guest's
NUMA cell", "Multiple memnode elements with cellid 1", "Missing required nodeset attribute in memnode element". Most often the
cell was taken for the host's node, which is another number, or a guide was followed that shows one memnode for a guest without
cells.

Host: none

Bad:

    <domain>
      <name>vdi1</name>
      <numatune>
        <memory mode='strict' nodeset='1'/>
        <memnode cellid='0' mode='strict' nodeset='1'/>
         ^^^^^^^ the guest has no cells
      </numatune>
    </domain>

Bad:

    <domain>
      <name>vdi1</name>
      <vcpu>2</vcpu>
      <numatune>
        <memnode cellid='1' mode='strict' nodeset='1'/>
                         ^ the guest has cell 0
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Bad:

    <domain>
      <name>vdi1</name>
      <vcpu>2</vcpu>
      <numatune>
        <memnode cellid='0' mode='strict'/>
         ^^^^^^^ nodeset is missing
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>vdi1</name>
      <vcpu>2</vcpu>
      <numatune>
        <memnode cellid='0' mode='strict' nodeset='1'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Fix: One memnode for each guest cell, by the cell's id, with the host node that its memory is to come from. A guest without
cells needs none.

When to ignore it: Never.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: no cells, no nodeset; with 9.0.0: a cell that is not there or named twice
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: a NUMA-unaware guest "will have only one memnode", which is true of one cell
- libvirt, Domain XML format, "NUMA Node Tuning"
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Domain,
    Fault,
    Finding,
    GuestCell,
    MemoryBinding,
    Related,
    Severity,
    count_text,
    domain_rule,
    written_ids_text,
)


@domain_rule("memnode-invalid", Severity.ERROR, Category.CORRECTNESS)
def check(domain: Domain) -> Iterator[Finding]:
    if domain.faults:  # its cells may not have been read
        faults = [fault for fault in domain.faults if fault.rule == "memnode-invalid"]
        if faults:
            yield _without_nodes(faults)
        return
    memnodes = domain.written_memnodes
    if not memnodes:
        return
    cells = {cell.id for cell in domain.cells}
    if not cells:
        if domain.memory is None or domain.memory.nodes is not None:  # auto-placement-conflict has the others
            yield _without_cells(memnodes)
        return
    strange = [each for each in memnodes if each.cell is not None and each.cell not in cells]
    if strange:
        yield _strangers(strange, cells)
    if len({each.cell for each in memnodes}) < len(memnodes):
        yield _twice(memnodes)


def _without_nodes(faults: list[Fault]) -> Finding:
    one = len(faults) == 1
    return Finding(
        place=faults[0].place,
        message=f"{count_text(len(faults), 'memnode')} of numatune {'names' if one else 'name'} no nodes",
        label=faults[0].label,
        related=tuple(Related(each.place, each.label) for each in faults[1 : 1 + MOST_RELATED]),
        why="libvirt refuses to define it: Missing required nodeset attribute in memnode element",
        help="add nodeset='...' with the host node that the cell's memory is to come from",
    )


def _without_cells(memnodes: tuple[MemoryBinding, ...]) -> Finding:
    return Finding(
        place=memnodes[0].place,
        message=f"numatune has {count_text(len(memnodes), 'memnode')}, but the guest has no NUMA cells",
        label="the guest has no cells",
        related=tuple(
            Related(each.place, "nor is there a cell for this one") for each in memnodes[1 : 1 + MOST_RELATED]
        ),
        why="libvirt refuses to define it: Element 'memnode' is invalid without any guest NUMA cells",
        help="leave out <memnode>, for <memory> binds the whole guest; or give the guest <cell>s in <cpu><numa>",
        data={"memnodes": len(memnodes)},
    )


def _strangers(strange: list[MemoryBinding], cells: set[GuestCell]) -> Finding:
    unknown = written_ids_text("cell", (each.cell for each in strange if each.cell is not None))
    has = written_ids_text("cell", cells)
    others = tuple(
        Related(each.place.at("cellid"), f"nor a cell {each.cell}") for each in strange[1 : 1 + MOST_RELATED]
    )
    return Finding(
        place=strange[0].place.at("cellid"),
        message=f"numatune binds guest {unknown}, but the guest has {has}",
        label=f"the guest has {has}",
        related=others,
        why="libvirt refuses to define it: cellid must correspond to existing guest's NUMA cell",
        help=f"name one that the guest has: {has}; nodeset is what names the host's nodes",
        data={"unknown": unknown, "cells": has},
    )


def _twice(memnodes: tuple[MemoryBinding, ...]) -> Finding:
    first: dict[GuestCell | None, MemoryBinding] = {}
    again = [each for each in memnodes if first.setdefault(each.cell, each) is not each]
    later = again[0]
    others = tuple(Related(each.place.at("cellid"), f"cell {each.cell} again") for each in again[1 : 1 + MOST_RELATED])
    return Finding(
        place=later.place.at("cellid"),
        message=f"guest cell {later.cell} has more than one memnode",
        label=f"cell {later.cell} a second time",
        related=(Related(first[later.cell].place.at("cellid"), "its first memnode"), *others),
        why=f"libvirt refuses to define it: Multiple memnode elements with cellid {later.cell}",
        help="keep one; a nodeset may name several nodes",
        data={"cell": later.cell if later.cell is not None else ""},
    )
