"""The guest is on one node, but its emulator threads may run on several.

The scheduler moves the emulator's threads over the whole set: now they work beside the guest's memory, now on another node, from where
each packet of vhost-net and each block of a disk without an IOThread crosses the interconnect. The guest is fast or slow by
chance. OpenStack's libvirt driver says of emulator threads over several nodes that they guarantee accesses across nodes. Nodes near each
other (distance 12 or less) are left alone.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 2
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      distances = [[10, 21], [21, 10]]

Bad:

    <domain>
      <name>web4</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='5'/>
        <vcpupin vcpu='1' cpuset='6'/>
        <emulatorpin cpuset='0-1,4'/>
                             ^^^ on node 0
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>

Good:

    <domain>
      <name>web4</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='5'/>
        <vcpupin vcpu='1' cpuset='6'/>
        <emulatorpin cpuset='4'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>

Fix: Leave those CPUs of `<emulatorpin>` that are on the guest's node.

When to ignore it: The set is a pool of the host for the emulators of all guests, as OpenStack's `cpu_shared_set`.

Sources:
- OpenStack nova, libvirt driver: emulator threads over several nodes guarantee accesses across nodes
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3.6: vhost threads on the guest's CPUs and memory
- measured with libvirt 9.0.0 and 11.3.0: vhost-net workers run where the emulator runs
"""

from collections.abc import Iterator

from numalint import (
    Category,
    Fact,
    Finding,
    Pin,
    Placement,
    Severity,
    Trait,
    emulatorpin_text,
    ids_text,
    node_places,
    place_of_term,
    placement_rule,
)


@placement_rule(
    "emulatorpin-spans-nodes",
    Severity.NOTE,
    Category.THREADS,
    needs=Fact.NODES,
    when=Trait.SEVERAL_NODES,
    uses=(Fact.SOCKETS, Fact.DISTANCES, Fact.HOUSEKEEPING, Fact.ISOLATED),
)
def check(placement: Placement) -> Iterator[Finding]:
    pin, host = placement.emulator.pin, placement.host
    if pin is None or host.one_node:
        return
    nodes, home = host.nodes_of(pin.cpus), placement.home_nodes
    # none of them on the guest's node: emulatorpin-remote
    if len(nodes) < 2 or len(home) != 1 or not home <= nodes or _said_elsewhere(placement):
        return
    near = host.near(nodes, home)
    if near:
        return
    others = nodes - home
    strange = pin.cpus & host.cpus_of(others)
    yield Finding(
        place=place_of_term(pin, lambda term: bool(term & strange)),
        message=f"the emulator threads may run on {ids_text('node', nodes)} of {host.name}, "
        f"but the guest is on {ids_text('node', home)}",
        label=f"on {ids_text('node', others)}",
        related=node_places(host, home),
        why="what they serve is remote to the guest while they are there"
        + ("; how far is unknown, for no input states the distances" if near is None else ""),
        help=_help(placement, pin),
        data={"nodes": str(nodes), "guest_nodes": str(home)},
    )


def _said_elsewhere(placement: Placement) -> bool:
    """Whether emulatorpin-missing says it, or prealloc-without-numatune, for the memory comes from where they are."""
    inherited = not placement.emulator.explicit and placement.dedicated
    return inherited or (placement.unbound and placement.touched_elsewhere)


def _help(placement: Placement, pin: Pin) -> str:
    own = pin.cpus & placement.host.cpus_of(placement.home_nodes)
    taken = own & placement.pinned_cpus
    if taken == own and placement.aside_cpus:
        return emulatorpin_text(placement)
    left = own if taken == own else own - taken
    return f"<emulatorpin cpuset='{left}'/>: what it has on {ids_text('node', placement.home_nodes)}"
