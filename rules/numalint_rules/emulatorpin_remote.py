"""The emulator threads run on another node than the guest.

The emulator serves every disk without an IOThread, emulates devices, and takes the vhost-net workers along, which run where it runs. On
another node than the guest's memory they copy each packet across the interconnect, fetch each request of a disk from there, and each
kick and interrupt between them and a vCPU crosses too. Red Hat tells to run the vhost threads on the CPUs and the memory of the
guest, and puts NUMA misses at 10 % and more. Huge pages and other preallocated memory are filled by the emulator too. Where the
guest has neither such a NIC nor such a disk, or the nodes are near each other (distance 12 or less), it is a note.

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
                                  - vCPU 0 is on node 1
        <vcpupin vcpu='1' cpuset='6'/>
        <emulatorpin cpuset='0-1'/>
                             ^^^ CPUs of node 0
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='1'/>
                                       - the memory is bound to node 1
      </numatune>
      <devices>
        <interface type='bridge'>
          <source bridge='br0'/>
          <model type='virtio'/>
        </interface>
      </devices>
    </domain>

Bad (note):

    <domain>
      <name>web4</name>
      <vcpu cpuset='0-3'>2</vcpu>
                    ^^^ CPUs of node 0
      <cputune>
        <vcpupin vcpu='0' cpuset='4-7'/>
        <vcpupin vcpu='1' cpuset='4-7'/>
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
      <devices>
        <interface type='bridge'>
          <source bridge='br0'/>
          <model type='virtio'/>
        </interface>
      </devices>
    </domain>

Fix: `<emulatorpin>` with CPUs of the guest's node.

When to ignore it: The node of the guest has no CPU to spare, and the guest does little I/O through the emulator.

Sources:
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3.2 and 9.3.6: the figure, and vhost threads
- measured with libvirt 9.0.0 and 11.3.0: vhost-net workers run where the emulator runs
- OpenStack nova, libvirt driver: emulator threads over several nodes guarantee accesses across nodes
"""

from collections.abc import Iterator

from numalint import (
    NEAR,
    Category,
    Fact,
    Finding,
    HostNodes,
    Placement,
    Severity,
    Trait,
    emulatorpin_text,
    home_places,
    home_text,
    ids_text,
    node_places,
    placement_rule,
)


@placement_rule(
    "emulatorpin-remote",
    Severity.WARNING,
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
    if not nodes or not home or nodes & home or _said_elsewhere(placement):
        return
    near = host.near(nodes, home)
    busy = _busy(placement)
    yield Finding(
        place=pin.place.at("cpuset"),
        message=f"the emulator threads run on {ids_text('node', nodes)} of {host.name}, but {home_text(placement)}",
        label=f"CPUs of {ids_text('node', nodes)}",
        severity=None if busy and near is False else Severity.NOTE,
        related=(*home_places(placement), *node_places(host, nodes | home)),
        why=_why(placement, nodes, near, busy=busy),
        help=emulatorpin_text(placement)
        or f"give <emulatorpin> the CPUs of the vCPUs: all of {ids_text('node', home)} are theirs",
        data={"nodes": str(nodes), "guest_nodes": str(home)},
    )


def _said_elsewhere(placement: Placement) -> bool:
    """Whether a rule that knows more of it says it."""
    if not placement.emulator.explicit and placement.dedicated:
        return True  # emulatorpin-missing
    if placement.unbound and placement.touched_elsewhere:
        return True  # prealloc-without-numatune: the memory follows the emulator
    # what is filled at start: prealloc-emulator-remote
    return placement.domain.preallocated and placement.memory_nodes is not None and not _busy(placement)


def _busy(placement: Placement) -> bool:
    """Whether the emulator or vhost serves a NIC or a disk of the guest."""
    guest = placement.domain.guest
    return any(each.on_emulator for each in guest.interfaces) or any(
        guest.served_by_emulator(disk) for disk in guest.disks if disk.device in ("disk", "lun")
    )


def _why(placement: Placement, nodes: HostNodes, near: bool | None, *, busy: bool) -> str:
    if near:
        return f"the nodes are near each other (distance {NEAR} or less), but each has its own memory channels"
    what = "NICs and disks are served" if busy else "emulated devices are served"
    if near is None:
        return f"{what} from another node; how far that is is unknown, for no input states the distances"
    distance = placement.distance_to(next(iter(nodes)), placement.home_nodes)
    how = "" if distance is None else f" (distance {distance}, 10 is local)"
    return f"{what} from there: each copy, kick and interrupt crosses the interconnect{how}"
