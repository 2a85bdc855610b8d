"""The memory is bound to a node that has no CPUs.

CXL memory, HBM and the memory of GPUs are nodes of their own, which no vCPU can be near: memory there is slower (or, with HBM,
wanted for its bandwidth), and the guest knows nothing of it. With mode strict over a CPU's node and such a one, the kernel
takes the near node first and the far one for the rest, silently; interleave puts a share of every page range there. A tier that
the host file declares as such (`kind`) beside a node with CPUs is taken for a choice, and nothing is said.

A guest that is bound to such nodes alone may not start: measured with memory on node 2 of a host whose CPUs are on nodes 0 and
1, QEMU refuses memory that is allocated at start ("The nodes select no CPUs"), and libvirt 11.3.0 refuses strict memory of a
guest without cells ("cannot set CPU affinity on process"). These are errors.

Host: format = 1
      name = "cxl1"
      [[nodes]]
      id = 0
      cpus = "0-3"
      memory = "32 GiB"
      [[nodes]]
      id = 1
      cpus = "4-7"
      memory = "32 GiB"
      [[nodes]]
      id = 2
      memory = "64 GiB"

Bad:

    <domain>
      <name>cache1</name>
      <memory unit='GiB'>40</memory>
      <vcpu cpuset='0-3'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0,2'/>
                                       ^^^ node 2 has no CPUs
      </numatune>
    </domain>

Bad (error):

    <domain>
      <name>cache1</name>
      <memory unit='GiB'>40</memory>
      <vcpu cpuset='0-3'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='2'/>
                                       ^ node 2 has no CPUs
      </numatune>
    </domain>

Bad (error):

    <domain>
      <name>cache1</name>
      <memory unit='GiB'>40</memory>
      <memoryBacking>
        <allocation mode='immediate'/>
      </memoryBacking>
      <vcpu>4</vcpu>
      <numatune>
        <memnode cellid='0' mode='strict' nodeset='0'/>
        <memnode cellid='1' mode='strict' nodeset='2'/>
                                                   ^ node 2 has no CPUs
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-3' memory='20' unit='GiB'/>
          <cell id='1' memory='20' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>cache1</name>
      <memory unit='GiB'>20</memory>
      <vcpu cpuset='0-3'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0'/>
      </numatune>
    </domain>

Fix: Bind to nodes with CPUs; or give the guest a cell without vCPUs for the far memory, so that it knows, with a `<memnode>`
and without preallocation.

When to ignore it: The far memory is meant. Declare the node's `kind` in the host file (cxl, hbm, pmem, gpu), and nothing is
said.

Sources:
- measured with libvirt 9.0.0 and 11.3.0 on a host with a node without CPUs: what starts, and the words of what does not
- libvirt, capabilities: a node without CPUs is <cpus num='0'/>
- kubevirt/kubevirt, pull request 17493: nodes of GB200 that have no CPUs
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Fact,
    Finding,
    HostNodes,
    IdSet,
    MemoryPart,
    Origin,
    Placement,
    Related,
    Release,
    Severity,
    ids_text,
    node_places,
    placement_rule,
    size_text,
    union,
)

FIRST_THREAD_CONTEXTS = Release(8, 10)
"""From this libvirt on, preallocating threads run on the CPUs of the memory's nodes; where these have none QEMU refuses."""

FIRST_STRICT_REFUSAL = Release(11, 3)
"""The first libvirt of which it is known that it refuses strict memory on nodes without CPUs; 9.0.0 does not."""


@placement_rule("node-cpuless-in-set", Severity.NOTE, Category.PLACEMENT, needs=Fact.NODES, precision="very-high")
def check(placement: Placement) -> Iterator[Finding]:
    host = placement.host
    bare = host.memory_nodes - host.cpu_nodes
    if not bare:
        return
    parts = [part for part in placement.memory_parts if part.policy.nodes is not None and part.policy.nodes & bare]
    refused = {part: why for part in parts if (why := _refused(placement, part, bare))}
    if refused:
        yield _finding(placement, list(refused), bare, Severity.ERROR, next(iter(refused.values())))
    undeclared: HostNodes = IdSet.of(node for node in bare if host.node_by_id[node].kind is None)
    rest = [part for part in parts if part not in refused and not _meant(part, undeclared)]
    if rest:
        why = "no vCPU can be near that memory, and the guest does not know which of its memory it is"
        yield _finding(placement, rest, undeclared, None, why)


def _refused(placement: Placement, part: MemoryPart, bare: HostNodes) -> str:
    """Why the guest does not start; nothing where it does."""
    domain, nodes = placement.domain, part.policy.nodes
    if nodes is None or not nodes <= bare or part.policy.mode != "strict":
        return ""
    preallocated = part.huge or domain.backing.allocation == "immediate"
    if preallocated and domain.libvirt >= FIRST_THREAD_CONTEXTS:
        return "QEMU allocates it at start on the CPUs of its nodes, and refuses, for they have none"
    if part.policy.origin is Origin.MEMORY and len(domain.cells) < 2 and domain.libvirt >= FIRST_STRICT_REFUSAL:
        return "libvirt starts QEMU on the CPUs of the nodes of strict memory, and fails, for they have none"
    return ""


def _meant(part: MemoryPart, undeclared: HostNodes) -> bool:
    """Whether the host file calls the far nodes a tier, or the memory is a cell of the guest that has no vCPUs either."""
    alone = part.cell is not None and not part.cell.cpus
    return alone or part.policy.nodes is None or not part.policy.nodes & undeclared


def _finding(
    placement: Placement, parts: list[MemoryPart], bare: HostNodes, severity: Severity | None, why: str
) -> Finding:
    host = placement.host
    nodes: HostNodes = union(part.policy.nodes & bare for part in parts if part.policy.nodes is not None)
    places = list(dict.fromkeys(place for part in parts if (place := part.nodeset_place) is not None))
    has = f"{ids_text('node', nodes)} {'has' if len(nodes) == 1 else 'have'} no CPUs"
    near = _instead(placement, parts)
    return Finding(
        place=places[0],
        message=f"{_memory(parts)} {ids_text('node', _all_nodes(parts))} of {host.name}, and {has}",
        label=has,
        severity=severity,
        related=(*(Related(place, has) for place in places[1 : 1 + MOST_RELATED]), *node_places(host, nodes)),
        why=why,
        help=f"bind it to nodes with CPUs, such as nodeset='{near}'" if near else "bind it to nodes with CPUs",
        data={"nodes": str(_all_nodes(parts)), "without_cpus": str(nodes)},
    )


def _memory(parts: list[MemoryPart]) -> str:
    return f"{size_text(sum(part.size_bytes for part in parts))} of its memory is bound to"


def _all_nodes(parts: list[MemoryPart]) -> HostNodes:
    return union(part.policy.nodes for part in parts if part.policy.nodes is not None)


def _instead(placement: Placement, parts: list[MemoryPart]) -> HostNodes:
    """The nodes with CPUs that are in the set, or else are nearest to it."""
    nodes, host = _all_nodes(parts), placement.host
    return nodes & host.cpu_nodes or host.homes_of(nodes) or IdSet()
