"""The guest has several NUMA cells, but neither its vCPUs nor its memory are bound to nodes.

Cells tell the guest which vCPUs have which memory beside them, and its kernel and its applications arrange themselves by that.
Here nothing makes it true: the host moves the vCPUs where it likes and takes the memory from wherever it is touched first. The
guest optimises for a fiction, and pays for it twice: it keeps tasks on vCPUs that are not where they seem to be, and does not
spread what it could. SUSE says that such a topology is only useful if it is properly and effectively mapped on the resources of
the host.

Without a host that is known to have several nodes this is a note.

Host: pack:2 [numa(memory=16GiB)] core:4 pu:1

Bad:

    <domain>
      <name>db9</name>
      <vcpu>4</vcpu>
      <cpu>
        <numa>
         ^^^^ 2 guest cells, bound to no node
          <cell id='0' cpus='0-1' memory='4' unit='GiB'/>
          <cell id='1' cpus='2-3' memory='4' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>db9</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0-3'/>
        <vcpupin vcpu='1' cpuset='0-3'/>
        <vcpupin vcpu='2' cpuset='4-7'/>
        <vcpupin vcpu='3' cpuset='4-7'/>
      </cputune>
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

Fix: Pin the vCPUs of each cell to the CPUs of a node, and bind its memory there by a `<memnode>`. Or leave the cells out.

When to ignore it: The guest tests software for NUMA machines, and its speed is of no matter.

Sources:
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: guest NUMA must be mapped on the host's
- SUSE Best Practices, Optimizing Linux for AMD EPYC 7002: topology alone, without pins, lost 17 % and more
- measured with libvirt 9.0.0 and 11.3.0: cells alone bind nothing
"""

from collections.abc import Iterator

from numalint import (
    Category,
    Fact,
    Finding,
    Origin,
    Placement,
    Severity,
    Trait,
    count_text,
    node_places,
    placement_rule,
    size_text,
)


@placement_rule(
    "vnuma-without-binding",
    Severity.WARNING,
    Category.GUEST_TOPOLOGY,
    when=Trait.SEVERAL_CELLS,
    uses=(Fact.NODES, Fact.ISOLATED, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding]:
    domain, host = placement.domain, placement.host
    # with vCPUs that are kept somewhere: numatune-missing, prealloc-without-numatune
    if len(domain.cells) < 2 or host.one_node or not placement.unbound or placement.confined:
        return
    if host.nodes is None and placement.inherited.origin is not Origin.DEFAULT:
        return  # a <vcpu cpuset> may lie inside one node
    cells = domain.cells
    sizes = size_text(sum(cell.memory_bytes for cell in cells))
    on = f" of {host.name}" if host.name else ""
    yield Finding(
        place=domain.numa_place or cells[0].place,
        message=f"{len(cells)} guest cells, but neither their {count_text(len(domain.online), 'vCPU')} nor their {sizes} of memory "
        f"are bound to nodes{on}",
        label=f"{len(cells)} guest cells, bound to no node",
        severity=Severity.NOTE if host.nodes is None else None,
        related=node_places(host, host.memory_nodes),
        why="the guest places its tasks by cells that do not exist on the host",
        help="pin the vCPUs of each cell to CPUs of a node and add a <memnode> with that node, or leave the cells out",
        data={"cells": len(cells), "vcpus": len(domain.online)},
    )
