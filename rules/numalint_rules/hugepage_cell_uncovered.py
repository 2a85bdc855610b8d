"""Some of the guest's NUMA cells are in huge pages, and others in ordinary ones.

A `<page nodeset>` names the guest cells whose memory is made of such pages. A cell that none names, where no `<page>` is for
all, has ordinary memory. It is mostly a cell that was added later, or a nodeset that was written for the host's nodes. Nothing
says so: the guest runs, one of its cells with more TLB misses, open to swapping and to KSM, and allocated only when it is
touched. A cell that is meant to have ordinary pages says so with `<page size='4' unit='KiB' nodeset='N'/>`.

Bad:

    <domain>
      <name>vnf5</name>
      <vcpu>4</vcpu>
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB' nodeset='0'/>
                                             ^ cell 0 alone
        </hugepages>
      </memoryBacking>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='4' unit='GiB'/>
          <cell id='1' cpus='2-3' memory='4' unit='GiB'/>
           ---- cell 1 has ordinary pages
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>vnf5</name>
      <vcpu>4</vcpu>
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB' nodeset='0-1'/>
        </hugepages>
      </memoryBacking>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='4' unit='GiB'/>
          <cell id='1' cpus='2-3' memory='4' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>vnf6</name>
      <vcpu>4</vcpu>
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB' nodeset='0'/>
          <page size='4' unit='KiB' nodeset='1'/>
        </hugepages>
      </memoryBacking>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='4' unit='GiB'/>
          <cell id='1' cpus='2-3' memory='4' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Fix: Name every cell, or leave the nodeset out: the pages are then for all.

When to ignore it: The cell is meant to have ordinary memory. `<page size='4' unit='KiB' nodeset='N'/>` says so, and is left
alone.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: `nodeset='1'` puts cell 1 into huge pages and leaves cell 0 in pages of 4 KiB
- libvirt, Domain XML format, "Memory Backing": the nodeset of a page
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Domain,
    Finding,
    GuestCells,
    HugePages,
    IdSet,
    Related,
    Severity,
    Trait,
    domain_rule,
    ids_text,
    size_text,
    union,
)


@domain_rule(
    "hugepage-cell-uncovered",
    Severity.WARNING,
    Category.HUGEPAGES,
    when=Trait.HUGEPAGES | Trait.SEVERAL_CELLS,
)
def check(domain: Domain) -> Iterator[Finding]:
    if any(page.cells is None for page in domain.hugepages):
        return
    named: GuestCells = union(page.cells for page in domain.hugepages if page.cells is not None)
    huge = [cell for cell in domain.cells if domain.page_of(cell) is not None]
    rest: GuestCells = IdSet.of(cell.id for cell in domain.cells) - named
    if huge and rest:
        page = domain.page_of(huge[0])
        assert page is not None, "a cell in huge pages has a page"
        yield _finding(domain, page, rest)


def _finding(domain: Domain, page: HugePages, rest: GuestCells) -> Finding:
    size = "" if page.size_bytes is None else f" of {size_text(page.size_bytes)}"
    own: GuestCells = IdSet.of(cell.id for cell in domain.cells if domain.page_of(cell) is page)
    verb = "has" if len(rest) == 1 else "have"
    return Finding(
        place=page.place.at("nodeset"),
        message=f"guest {ids_text('cell', own)} {'is' if len(own) == 1 else 'are'} in pages{size}, "
        f"but {ids_text('cell', rest)} {verb} ordinary pages",
        label=f"{ids_text('cell', own)} alone",
        related=tuple(
            Related(cell.place, f"cell {cell.id} has ordinary pages") for cell in domain.cells if cell.id in rest
        )[:MOST_RELATED],
        why="that memory misses the TLB more often, may be swapped, and is allocated only when it is touched",
        help=f"write nodeset='{own | rest}', or leave nodeset out for all cells"
        if len(domain.hugepages) == 1
        else f"name {ids_text('cell', rest)} in a <page>, or leave the nodeset out of one",
        data={"cells": str(own), "ordinary_cells": str(rest)},
    )
