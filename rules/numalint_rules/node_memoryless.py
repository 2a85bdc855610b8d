"""Memory is bound to a node that has no memory.

A node may have CPUs and no DIMM: on a Threadripper two of the four, on any host one whose slots were left empty. No page can
come from there. The kernel refuses to bind memory where none of the nodes has any (EINVAL of mbind), and QEMU then stops with
"cannot bind memory to host NUMA nodes: Invalid argument". Where other nodes of the set have memory, all of it comes from these:
the guest has less than was planned, and interleaving is less wide. libvirt leaves such nodes out of numad's answer, because
cgroups do not take them either: a strict or restrictive set that names one may be refused where a cgroup is to hold it. A
preferred node with memory beside it is fine.

Host: format = 1
      name = "tr1950"
      [[nodes]]
      id = 0
      cpus = "0-3"
      memory = "32 GiB"
      [[nodes]]
      id = 1
      cpus = "4-7"
      memory = "0 GiB"

Bad:

    <domain>
      <name>render2</name>
      <vcpu cpuset='4-7'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='1'/>
                                       ^ node 1 has no memory
      </numatune>
    </domain>

Bad (warning):

    <domain>
      <name>render2</name>
      <vcpu>8</vcpu>
      <numatune>
        <memory mode='interleave' nodeset='0-1'/>
                                           ^^^ node 1 has no memory
      </numatune>
    </domain>

Good:

    <domain>
      <name>render2</name>
      <vcpu cpuset='0-3'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0'/>
      </numatune>
    </domain>

Fix: Name nodes with memory, and keep the vCPUs on them, for the CPUs of the others have remote memory only.

When to ignore it: The host file was captured while the memory of the node was offline.

Sources:
- Linux, mbind(2) and set_mempolicy(2), EINVAL: none of the specified nodes contain memory
- libvirt, qemuProcessPrepareDomainNUMAPlacement: nodes without memory are taken out of what numad says
- harvester/harvester, issue 8182: a Threadripper with two cells without memory
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Fact,
    Finding,
    HostNodes,
    IdSet,
    NodeSet,
    NotJudged,
    Placement,
    Related,
    Severity,
    ids_text,
    node_places,
    placement_rule,
    union,
)


@placement_rule(
    "node-memoryless", Severity.ERROR, Category.CORRECTNESS, needs=Fact.NODES, uses=Fact.MEMORY, precision="very-high"
)
def check(placement: Placement) -> Iterator[Finding | NotJudged]:
    known, empty, partly = placement.host.node_by_id, [], []
    for each in placement.domain.node_sets:
        sizes = {
            node: known[node].memory_bytes for node in each.nodes if node in known
        }  # node-nonexistent has the rest
        if None in sizes.values():
            unknown: HostNodes = IdSet.of(node for node, size in sizes.items() if size is None)
            yield NotJudged(Fact.MEMORY, ids_text("node", unknown))
        elif sizes and not any(sizes.values()):
            empty.append(each)
        elif not all(sizes.values()) and each.mode != "preferred":
            partly.append(each)
    if empty:
        yield _finding(placement, empty, None)
    if partly:
        yield _finding(placement, partly, Severity.WARNING)


def _finding(placement: Placement, sets: list[NodeSet], severity: Severity | None) -> Finding:
    host, first = placement.host, sets[0]
    bare = _bare(placement, union(each.nodes for each in sets))
    whole = union(each.nodes for each in sets) & host.memory_nodes
    who = first.what if len(sets) == 1 else f"{len(sets)} sets of nodes"
    verb = "names" if len(sets) == 1 else "name"
    others = tuple(Related(each.place, _none(_bare(placement, each.nodes))) for each in sets[1 : 1 + MOST_RELATED])
    return Finding(
        place=first.place,
        message=f"{who} {verb} {ids_text('node', bare)} of {host.name}, which {'has' if len(bare) == 1 else 'have'} no memory",
        label=_none(_bare(placement, first.nodes)),
        severity=severity,
        related=(*others, *node_places(host, bare)),
        why="no page can come from there: the kernel refuses to bind memory to it"
        if severity is None
        else f"all of it comes from {ids_text('node', whole)}; where a cgroup is to hold the set it may be refused",
        help=f"write nodeset='{whole or host.memory_nodes}': nodes of {host.name} that have memory",
        data={"without_memory": str(bare), "with_memory": str(host.memory_nodes)},
    )


def _bare(placement: Placement, nodes: HostNodes) -> HostNodes:
    known = placement.host.node_by_id
    return IdSet.of(node for node in nodes if node in known and known[node].memory_bytes == 0)


def _none(bare: HostNodes) -> str:
    return f"{ids_text('node', bare)} {'has' if len(bare) == 1 else 'have'} no memory"
