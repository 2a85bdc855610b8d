"""A `<page nodeset>` names a NUMA cell that the guest does not have.

The nodeset of a `<page>` counts the guest's own cells, not the host's nodes; it says which of the guest's memory is made of these
pages. On which host node the pages are taken is said by `<numatune>`. libvirt refuses to define the domain ("hugepages: node 1
not found"). For a guest without cells it forgives `nodeset='0'`, which it drops, and nothing else. The mistake is so near
that an example in libvirt's own documentation on real-time guests has it.

Bad:

    <domain>
      <name>rt1</name>
      <memory unit='GiB'>4</memory>
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB' nodeset='1'/>
                                             ^ the guest has no cells
        </hugepages>
      </memoryBacking>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>

Bad:

    <domain>
      <name>dw4</name>
      <vcpu>4</vcpu>
      <memoryBacking>
        <hugepages>
          <page size='2' unit='MiB' nodeset='0-3'/>
                                             ^^^ the guest has cells 0-1
        </hugepages>
      </memoryBacking>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='1' unit='GiB'/>
          <cell id='1' cpus='2-3' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>rt1</name>
      <memory unit='GiB'>4</memory>
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB'/>
        </hugepages>
      </memoryBacking>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>

Good:

    <domain>
      <name>dw4</name>
      <vcpu>4</vcpu>
      <memoryBacking>
        <hugepages>
          <page size='2' unit='MiB' nodeset='0-1'/>
        </hugepages>
      </memoryBacking>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='1' unit='GiB'/>
          <cell id='1' cpus='2-3' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Fix: Leave the nodeset out: the pages are then for all cells. Say the host node in `<numatune>`.

When to ignore it: Never.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: both refuse to define it
- libvirt, Domain XML format, "Memory Backing": the nodeset is of guest NUMA nodes
- libvirt, tests, hugepages-nodeset-nonexist
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Domain,
    Finding,
    GuestCells,
    IdSet,
    Related,
    Severity,
    Trait,
    domain_rule,
    ids_text,
    union,
)

FORGIVEN: GuestCells = IdSet(1)
"""Cell 0, which libvirt lets pass, and drops, where the guest has no cells."""


@domain_rule("hugepage-nodeset-invalid", Severity.ERROR, Category.CORRECTNESS, when=Trait.HUGEPAGES)
def check(domain: Domain) -> Iterator[Finding]:
    cells = domain.cells
    exist: GuestCells = IdSet.of(cell.id for cell in cells if cell.id < len(cells))  # numa-cell-invalid has the rest
    wrong = [
        (page, page.cells - exist)
        for page in domain.hugepages
        if page.cells is not None and not page.cells <= exist and (cells or page.cells != FORGIVEN)
    ]
    if not wrong:
        return
    has = f"the guest has {ids_text('cell', exist)}" if cells else "the guest has no cells"
    missing = union(strange for _, strange in wrong)
    yield Finding(
        place=wrong[0][0].place.at("nodeset"),
        message=f"its huge pages are for {ids_text('guest cell', missing)}, but {has}",
        label=has,
        related=tuple(Related(page.place.at("nodeset"), has) for page, _ in wrong[1 : 1 + MOST_RELATED]),
        why=f"libvirt refuses to define it: hugepages: node {next(iter(missing))} not found",
        help=f"leave nodeset out, or write {ids_text('cell', exist)}" if cells else _help(domain),
        data={"missing": str(missing), "cells": len(cells)},
    )


def _help(domain: Domain) -> str:
    where = "" if domain.memory is not None else ", and name a host node by <memory nodeset='...'/> in <numatune>"
    return f"leave nodeset out{where}: it counts guest cells, not host nodes"
