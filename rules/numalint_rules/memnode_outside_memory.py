"""A memnode names nodes that the strict memory of the guest as a whole does not.

`<memory mode='strict'>` confines all of the domain's threads to its nodes, by their cgroup. Up to libvirt 9.3 the emulator, which
makes the guest's memory, is confined to just these, and cannot bind a cell's memory to another: a `<memnode>` with none of them
is refused at start ("cannot bind memory to host NUMA nodes: Invalid argument"). From 9.4 on libvirt widens the cgroup to the
union of all nodes that are named. Then the domain starts, the memnode is obeyed, and the strict nodeset, as it is written, is
not: QEMU's own memory may come from the other nodes too.

Host: none

Bad:

    <domain>
      <name>db8</name>
      <vcpu>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0'/>
                                       - the memory as a whole is confined to node 0
        <memnode cellid='0' mode='strict' nodeset='0'/>
        <memnode cellid='1' mode='strict' nodeset='1'/>
                                                   ^ node 1 is outside
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
      <name>db8</name>
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

Fix: Widen the nodeset of `<memory>` to the union of all memnodes, or leave `<memory>` out.

When to ignore it: The domain never runs on a libvirt before 9.4. What is written is still not what is done.

Sources:
- measured: libvirt 9.0.0 refuses to start it, 11.3.0 starts it; with memory preferred both do
- libvirt, NEWS, 9.4.0 and 9.5.0: cpuset.mems is the union of all nodes of the domain
"""

from collections.abc import Iterator, Sequence

from numalint import (
    MOST_RELATED,
    Category,
    Domain,
    Finding,
    HostNodes,
    IdSet,
    MemoryBinding,
    Related,
    Release,
    Severity,
    Trait,
    domain_rule,
    ids_text,
    union,
)

WIDENED = Release(9, 4)
"""From this libvirt on the cgroup has the nodes of all memnodes."""


@domain_rule("memnode-outside-memory", Severity.WARNING, Category.MEMORY, when=Trait.NUMATUNE | Trait.MEMNODES)
def check(domain: Domain) -> Iterator[Finding]:
    memory = domain.memory
    if memory is None or memory.nodes is None or memory.mode != "strict":
        return
    outside = [each for each in domain.memnodes.values() if each.nodes is not None and not each.nodes <= memory.nodes]
    if outside:
        yield _finding(domain, memory, memory.nodes, outside)


def _finding(domain: Domain, memory: MemoryBinding, nodes: HostNodes, outside: Sequence[MemoryBinding]) -> Finding:
    strange: HostNodes = union(each.nodes for each in outside if each.nodes is not None) - nodes
    refused = domain.libvirt < WIDENED and any(not (each.nodes or nodes) & nodes for each in outside)
    cells = IdSet.of(each.cell for each in outside if each.cell is not None)
    whole = ids_text("node", nodes)
    named = union(each.nodes for each in domain.memnodes.values() if each.nodes is not None)
    return Finding(
        place=outside[0].place.at("nodeset"),
        message=f"the memory of {ids_text('guest cell', cells)} is bound to {ids_text('node', strange)}, "
        f"but that of the whole guest is strict on {whole}",
        label=f"{ids_text('node', (outside[0].nodes or nodes) - nodes)} {'is' if len(strange) == 1 else 'are'} outside",
        severity=Severity.ERROR if refused else None,
        related=(
            Related(memory.place.at("nodeset"), f"the memory as a whole is confined to {whole}"),
            *(Related(each.place.at("nodeset"), f"guest cell {each.cell}") for each in outside[1:MOST_RELATED]),
        ),
        why=f"libvirt {domain.libvirt} refuses to start it: the emulator cannot bind memory to a node that it may not use"
        if refused
        else "libvirt before 9.4 refuses to start it; later ones let the domain use both, and strict is not what it says",
        help=f"widen it: <memory mode='strict' nodeset='{nodes | named}'/>",
        data={"cells": str(cells), "nodes": str(strange), "memory_nodes": str(nodes)},
    )
