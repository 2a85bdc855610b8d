"""Guest cells have restrictive memory, but it is allocated at start by a thread that no cell confines.

Mode restrictive gives QEMU no policy: it only confines threads, the vCPUs of a cell to the nodes of its memnode, the emulator to
all nodes of the domain. That places what a vCPU touches first. Huge pages and `<allocation mode='immediate'/>` are touched by the
emulator, and so the memory of every cell comes from the node where that happens to run. Measured: of two cells with restrictive
memnodes for nodes 0 and 1, preallocated, 60 of 64 MiB and 62 of 64 MiB lay on node 1.

Host: none

Bad:

    <domain>
      <name>db12</name>
      <vcpu>4</vcpu>
      <memoryBacking>
        <allocation mode='immediate'/>
      </memoryBacking>
      <numatune>
        <memory mode='restrictive' nodeset='0-1'/>
                                            --- the emulator is confined to nodes 0-1
        <memnode cellid='0' mode='restrictive' nodeset='0'/>
                                                        ^ holds for what vCPUs touch first, and all is touched before
        <memnode cellid='1' mode='restrictive' nodeset='1'/>
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
      <name>db12</name>
      <vcpu>4</vcpu>
      <memoryBacking>
        <allocation mode='immediate'/>
      </memoryBacking>
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

Fix: `mode='strict'`, or memory that is not allocated at start.

When to ignore it: The memory is to be moved while the guest runs, which strict does not allow, and its place at start does not
count.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: preallocated memory ignores a restrictive memnode
- libvirt, Domain XML format, NUMA Node Tuning: that restrictive memory is placed "is not guaranteed to happen"
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Domain,
    Finding,
    HostNodes,
    MemoryBinding,
    Related,
    Severity,
    Trait,
    domain_rule,
    ids_text,
    union,
)


@domain_rule(
    "restrictive-not-placing",
    Severity.NOTE,
    Category.MEMORY,
    when=Trait.NUMATUNE | Trait.PREALLOCATED | Trait.SEVERAL_CELLS,
)
def check(domain: Domain) -> Iterator[Finding]:
    if len(domain.cells) < 2 or not domain.preallocated:
        return
    written = [domain.memory, *domain.memnodes.values()]
    bindings = [each for each in written if each is not None and each.nodes is not None]
    nodes: HostNodes = union(each.nodes for each in bindings if each.nodes is not None)
    if len(nodes) > 1 and all(each.mode == "restrictive" for each in bindings):
        yield _finding(domain, bindings, nodes)


def _finding(domain: Domain, bindings: list[MemoryBinding], nodes: HostNodes) -> Finding:
    memnodes = [each for each in bindings if each.cell is not None]
    first, *others = memnodes or bindings
    whole = [each for each in bindings if each.cell is None and memnodes]
    return Finding(
        place=first.place.at("nodeset"),
        message=f"the memory of {len(domain.cells)} guest cells is restrictive, but allocated at start: "
        f"all of it may come from any of {ids_text('node', nodes)}",
        label="holds for what vCPUs touch first, and all is touched before"
        if memnodes
        else f"no cell is confined to less than {ids_text('node', nodes)}",
        related=(
            *(
                Related(each.place.at("nodeset"), f"the emulator is confined to {ids_text('node', nodes)}")
                for each in whole
            ),
            *(Related(each.place.at("nodeset"), "and so this one") for each in others[:MOST_RELATED]),
        ),
        why="restrictive is no policy for memory, and the thread that touches it first is the emulator's",
        help="write mode='strict' in <memory> and each <memnode>, or drop what makes QEMU allocate at start",
        data={"memory_nodes": str(nodes)},
    )
