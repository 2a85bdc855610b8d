"""All memory is touched at start by the emulator, and nothing binds it to the node of the vCPUs.

Huge pages, `<allocation mode='immediate'/>`, `<locked/>` and devices that are passed through make QEMU touch all of the guest's
memory before the first vCPU runs. The kernel takes a page from the node of the thread that touches it first, and that is the
emulator. Measured: with vCPUs on node 1 and the emulator on node 0, 124,928 of 131,072 KiB lay on node 0. Without an
`<emulatorpin>` the emulator inherits `<vcpu cpuset>` or all CPUs of the host, never the pins of the vCPUs, and where the memory
lies is a matter of luck. There it stays: the kernel does not move huge pages, nor memory that a device writes to, to the vCPUs
that use it.

With vCPUs that are kept nowhere it is a note, for the memory is then wrong for some of them wherever it lies; and so it is where
the nodes are near each other (distance 12 or less), or the distance is unknown.

Host: pack:2 [numa(memory=16GiB)] core:4 pu:1

Bad:

    <domain>
      <name>db10</name>
      <memory unit='GiB'>8</memory>
      <memoryBacking>
        <hugepages/>
         ^^^^^^^^^ huge pages: touched at start by the emulator
      </memoryBacking>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
                                  - vCPUs 0-1 are on node 1
        <vcpupin vcpu='1' cpuset='5'/>
        <emulatorpin cpuset='0'/>
                             - the emulator runs on node 0
      </cputune>
    </domain>

Good:

    <domain>
      <name>db10</name>
      <memory unit='GiB'>8</memory>
      <memoryBacking>
        <hugepages/>
      </memoryBacking>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <emulatorpin cpuset='6-7'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>

Fix: `<numatune><memory mode='strict' nodeset='...'/></numatune>` with the node of the vCPUs; with several guest cells a
`<memnode>` for each. An `<emulatorpin>` to the same node makes the allocation quick too.

When to ignore it: The guest has the whole machine, or it is meant to float.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: preallocated memory lands where the emulator runs
- libvirt, qemuProcessSetupPid: QEMU allocates its memory from the emulator thread
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3.2: pins with numatune
"""

from collections.abc import Iterator

from numalint import (
    ORDINARY_PAGE,
    Category,
    Fact,
    Finding,
    HostNodes,
    IdSet,
    Origin,
    Place,
    Placement,
    Related,
    Severity,
    Trait,
    binding_text,
    count_text,
    ids_text,
    node_places,
    placement_rule,
    size_text,
)


@placement_rule(
    "prealloc-without-numatune",
    Severity.WARNING,
    Category.MEMORY,
    needs=Fact.NODES,
    when=Trait.PREALLOCATED,
    uses=(Fact.SOCKETS, Fact.DISTANCES, Fact.MEMORY, Fact.ISOLATED, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding]:
    # where the emulator is on the nodes of the vCPUs: numatune-missing
    if placement.host.one_node or not placement.unbound or not placement.touched_elsewhere:
        return
    if placement.confined:
        yield _finding(placement, _own_nodes(placement))
    elif len(placement.domain.cells) > 1:
        return  # vnuma-without-binding
    elif placement.inherited.origin is not Origin.PLACEMENT_AUTO and placement.fitting_nodes:
        yield _finding(placement, placement.host.cpu_nodes)


def _own_nodes(placement: Placement) -> HostNodes:
    if placement.pinned:
        return placement.host.nodes_of(placement.pinned_cpus)
    return placement.vcpu_nodes or IdSet()


def _finding(placement: Placement, own: HostNodes) -> Finding:
    host, emulator = placement.host, placement.emulator
    nodes = host.nodes_of(emulator.cpus or IdSet())
    near = host.near(nodes | own, IdSet.of([next(iter(own))])) if own else False
    place, what = _what(placement)
    size = placement.domain.memory_bytes
    memory = "its memory" if size is None else f"its {size_text(size)} of memory"
    where = ids_text("node", nodes)
    vcpus = count_text(len(placement.domain.online), "vCPU") if not placement.confined else _pins(placement)
    kept = f"{vcpus} {'is' if vcpus.startswith('1 ') else 'are'} on {ids_text('node', own)}"
    side = kept if placement.confined else f"its {vcpus} may run on any"
    pin = emulator.pin
    runs = "runs" if emulator.explicit and len(nodes) == 1 else "may run"
    inherited = () if pin is None else (Related(pin.place.at("cpuset"), f"the emulator {runs} on {where}"),)
    return Finding(
        place=place,
        message=f"{memory} is taken at start from {where} of {host.name}, where the emulator {runs}, but {side}",
        label=f"{what}: touched at start by the emulator",
        severity=None if placement.confined and near is False else Severity.NOTE,
        related=(*_pin_places(placement, own), *inherited, *node_places(host, nodes | own)),
        why="the memory stays on the node where the emulator touched it first"
        + ("; how far that is is unknown, for no input states the distances" if near is None else ""),
        help=_help(placement, own),
        data={"emulator_nodes": str(nodes), "nodes": str(own)},
    )


def _what(placement: Placement) -> tuple[Place, str]:
    """What makes QEMU touch all memory at start, and where that is written."""
    domain = placement.domain
    huge = next((page for page in domain.hugepages if page.size_bytes != ORDINARY_PAGE), None)
    if huge is not None:
        return huge.place, "huge pages"
    backing = domain.backing
    if backing.place is not None and (backing.allocation == "immediate" or backing.locked):
        return backing.place, "allocation immediate" if backing.allocation == "immediate" else "locked"
    device = next(device for device in domain.devices if device.kind in ("hostdev pci", "interface hostdev"))
    return device.place, "memory for a device's DMA"


def _pins(placement: Placement) -> str:
    return count_text(len(placement.pinned) or len(placement.domain.online), "vCPU")


def _pin_places(placement: Placement, own: HostNodes) -> tuple[Related, ...]:
    if not placement.pinned:
        return ()
    first = placement.domain.vcpupins[next(iter(placement.pinned))]
    vcpus = IdSet.of(placement.pinned)
    label = f"{ids_text('vCPU', vcpus)} {'is' if len(vcpus) == 1 else 'are'} on {ids_text('node', own)}"
    return (Related(first.place.at("cpuset"), label),)


def _help(placement: Placement, own: HostNodes) -> str:
    if placement.confined or len(placement.domain.cells) > 1:
        return binding_text(placement, own)
    near = own & placement.fitting_nodes or placement.fitting_nodes
    node = next(iter(near & placement.roomy_nodes or near), None)
    if node is None:
        return f"node {own} cannot hold the whole guest: give it less, or NUMA cells with a <memnode> each"
    vcpus = f"a <vcpupin> on node {node} for each vCPU"
    if node in placement.roomy_nodes and not placement.pinned:  # <vcpu cpuset> would move no pins
        vcpus = f"cpuset='{placement.host.balanced_cpus[node]}' to <vcpu>"
    return f"add <numatune><memory mode='strict' nodeset='{node}'/></numatune>, and {vcpus}"
