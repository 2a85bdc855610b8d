"""A `<memnode>` stands in a domain whose memory numad is to place.

numad answers with nodes for the whole guest, when it starts. A memnode binds one guest cell to nodes that are written down. The
two do not go together, and libvirt does not define the domain: "Per-node binding is not compatible with automatic NUMA
placement." It is automatic where `<memory placement='auto'>` says so, and where `<vcpu placement='auto'>` stands without a
`<memory nodeset='...'>`: the vCPUs' placement brings the memory's along.

Host: none

Bad:

    <domain>
      <name>hpc1</name>
      <vcpu>2</vcpu>
      <numatune>
        <memory mode='strict' placement='auto'/>
                                         ---- numad places the memory
        <memnode cellid='0' mode='strict' nodeset='1'/>
         ^^^^^^^ binds cell 0 to node 1
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Bad:

    <domain>
      <name>hpc1</name>
      <vcpu placement='auto'>2</vcpu>
                       ---- numad places the vCPUs, and with them the memory
      <numatune>
        <memnode cellid='0' mode='strict' nodeset='1'/>
         ^^^^^^^ binds cell 0 to node 1
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>hpc1</name>
      <vcpu>2</vcpu>
      <numatune>
        <memory mode='strict' nodeset='1'/>
        <memnode cellid='0' mode='strict' nodeset='1'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Fix: Leave the memory to numad and delete the memnodes, or take `placement='auto'` out and pin the vCPUs of each cell to the
nodes of its memnode. A `<memory nodeset='...'>` beside vCPUs that numad places is taken, but these may then land on other
nodes.

When to ignore it: Never.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: both refuse it, by either way into it
- libvirt, virDomainNumatuneSet: what automatic placement of the vCPUs brings along
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
    count_text,
    domain_rule,
    ids_text,
    union,
)


@domain_rule("auto-placement-conflict", Severity.ERROR, Category.CORRECTNESS, when=Trait.MEMNODES | Trait.AUTOMATIC)
def check(domain: Domain) -> Iterator[Finding]:
    memory, memnodes = domain.memory, domain.written_memnodes
    if memory is None or memory.nodes is not None:
        return
    by_vcpus = memory.place == domain.vcpu_place
    what = "numad places the vCPUs, and with them the memory" if by_vcpus else "numad places the memory"
    nodes: HostNodes = union(each.nodes for each in memnodes if each.nodes is not None)
    others = tuple(Related(each.place, _binds(each)) for each in memnodes[1 : 1 + MOST_RELATED])
    yield Finding(
        place=memnodes[0].place,
        message=f"{count_text(len(memnodes), 'memnode')} {'binds' if len(memnodes) == 1 else 'bind'} memory "
        f"to {ids_text('node', nodes)}, but numad is to place it",
        label=_binds(memnodes[0]),
        related=(Related(memory.place.at("placement"), what), *others),
        why="libvirt refuses to define it: Per-node binding is not compatible with automatic NUMA placement",
        help="delete the memnodes, or take out placement='auto'"
        + ("" if by_vcpus else f" and write nodeset='{nodes}' in <memory>"),
        data={"memnodes": len(memnodes), "nodes": str(nodes)},
    )


def _binds(memnode: MemoryBinding) -> str:
    return f"binds cell {memnode.cell}" + ("" if memnode.nodes is None else f" to {ids_text('node', memnode.nodes)}")
