"""Memory that is allocated at start is bound to nodes on which the emulator has no CPU.

Huge pages and `<allocation mode='immediate'/>` make QEMU touch all memory before the guest runs. Its helper threads do so on the
emulator's CPUs that lie on the memory's nodes. Where there are none, libvirt 8.10 to 9.2 asks for CPUs that QEMU may not have,
and the domain does not start: "Setting CPU affinity failed: Invalid argument". libvirt 9.3 and later let the allocation run from
afar: the start of a guest with much memory takes longer, and QEMU's own tables for it lie on the other node. libvirt recommends
to include CPUs of the wanted nodes in the emulator's set; one CPU of each is enough.

Host: pack:2 [numa(memory=16GiB)] core:4 pu:1

Bad:

    <domain>
      <name>db11</name>
      <vcpu>2</vcpu>
      <memoryBacking>
        <hugepages/>
      </memoryBacking>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='4'/>
        <emulatorpin cpuset='0-1'/>
                             ^^^ the emulator has CPUs of node 0
      </cputune>
      <numatune>
        <memnode cellid='0' mode='strict' nodeset='0'/>
        <memnode cellid='1' mode='strict' nodeset='1'/>
                                                   - the memory is bound to node 1
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0' memory='4' unit='GiB'/>
          <cell id='1' cpus='1' memory='4' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>db11</name>
      <vcpu>2</vcpu>
      <memoryBacking>
        <hugepages/>
      </memoryBacking>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='4'/>
        <emulatorpin cpuset='0-1,7'/>
      </cputune>
      <numatune>
        <memnode cellid='0' mode='strict' nodeset='0'/>
        <memnode cellid='1' mode='strict' nodeset='1'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0' memory='4' unit='GiB'/>
          <cell id='1' cpus='1' memory='4' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Fix: Add one CPU of each of the memory's nodes to `<emulatorpin>`.

When to ignore it: libvirt is 9.3 or later, and nobody waits for the start.

Sources:
- measured: libvirt 9.0.0 refuses to start it, 11.3.0 starts it
- libvirt, Domain XML format, Memory Backing, allocation
- autotest/tp-libvirt, memory_binding_with_emulator_thread: the change came with 9.3
- libvirt, NEWS, 8.10.0: threads for the allocation
"""

from collections.abc import Iterator, Sequence

from numalint import (
    MOST_RELATED,
    Bound,
    Category,
    Domain,
    Fact,
    Finding,
    HostCpus,
    HostNodes,
    IdSet,
    Pin,
    Placement,
    Related,
    Release,
    Severity,
    Trait,
    bound_text,
    ids_text,
    node_places,
    placement_rule,
    union,
)

THREADS, FORGIVING = Release(8, 10), Release(9, 3)
"""From the first on libvirt asks for threads near the memory; from the second on it does not insist."""


@placement_rule(
    "prealloc-emulator-remote",
    Severity.NOTE,
    Category.MEMORY,
    needs=Fact.NODES,
    when=Trait.PREALLOCATED | Trait.NUMATUNE | Trait.SEVERAL_NODES,
)
def check(placement: Placement) -> Iterator[Finding]:
    pin, host = placement.emulator.pin, placement.host
    nodes = host.nodes_of(pin.cpus) if pin is not None else IdSet()
    if pin is None or not nodes or host.one_node or not placement.domain.preallocated:
        return
    remote = [
        bound for bound in placement.bound if bound.binding.mode != "restrictive" and _away(placement, bound, nodes)
    ]
    if not remote:
        return
    refused = THREADS <= placement.domain.libvirt < FORGIVING and any(_allocates(placement, bound) for bound in remote)
    # a <vcpu cpuset> away from the memory keeps the vCPUs away too: numatune-cpu-mismatch, cell-binding-disagree
    if refused or placement.emulator.explicit or placement.pinned:
        yield _finding(placement, pin, nodes, remote, refused)


def _away(placement: Placement, bound: Bound, nodes: HostNodes) -> bool:
    """Whether no CPU of ``nodes`` is on a node of the memory. What has no CPUs at all is another matter."""
    own = bound.nodes & placement.host.cpu_nodes
    return bool(own) and not own & nodes


def _allocates(placement: Placement, bound: Bound) -> bool:
    """Whether libvirt tells QEMU to allocate this memory; it does not where it is only locked, or for a device."""
    domain: Domain = placement.domain
    if domain.backing.allocation == "immediate":
        return True
    return any(placement.in_huge_pages(cell) for cell in bound.cells) if bound.cells else placement.in_huge_pages()


def _finding(placement: Placement, pin: Pin, nodes: HostNodes, remote: Sequence[Bound], refused: bool) -> Finding:
    host, libvirt = placement.host, placement.domain.libvirt
    memory_nodes: HostNodes = union(bound.nodes for bound in remote)
    cells = IdSet.of(cell.id for bound in remote for cell in bound.cells)
    some = len(cells) and len(cells) < len(placement.domain.cells)
    memory = f"the memory of {ids_text('guest cell', cells)}" if some else "the memory"
    where = ids_text("node", memory_nodes)
    added = union(_some_cpu(placement, IdSet.of([node])) for node in memory_nodes)
    return Finding(
        place=pin.place.at("cpuset"),
        message=f"{memory} is allocated at start on {where} of {host.name}, but the emulator has only CPUs of "
        f"{ids_text('node', nodes)}",
        label=f"the emulator has CPUs of {ids_text('node', nodes)}",
        severity=Severity.ERROR if refused else None,
        related=(
            *(
                Related(bound.binding.place.at("nodeset"), f"the memory is {bound_text(bound.binding)}")
                for bound in remote[:MOST_RELATED]
            ),
            *node_places(host, nodes | memory_nodes),
        ),
        why=f"libvirt {libvirt} refuses to start it: QEMU may not run where it is to allocate"
        if refused
        else "the memory is filled from another node, which takes longer, and QEMU's tables for it lie there",
        help=f"give the emulator a CPU of {where} too: <emulatorpin cpuset='{pin.cpus | added}'/>",
        data={"nodes": str(nodes), "memory_nodes": str(memory_nodes)},
    )


def _some_cpu(placement: Placement, node: HostNodes) -> HostCpus:
    """A CPU of a node that no vCPU has; best one that the host keeps for such work."""
    cpus = placement.host.cpus_of(node)
    kept = cpus & (placement.host.housekeeping or IdSet())
    best = kept or cpus - placement.pinned_cpus or cpus
    return IdSet.of([next(iter(best))]) if best else best
