"""An IOThread that serves a disk runs on another node than the guest.

It reads each request from the guest's memory, starts the transfer and tells the vCPU that it is done. From another node each of these
crosses the interconnect; Red Hat puts NUMA misses at 10 % and more. Nodes near each other (distance 12 or less) make this a note.

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
      <name>db8</name>
      <vcpu>2</vcpu>
      <iothreads>1</iothreads>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
                                  - vCPU 0 is on node 1
        <vcpupin vcpu='1' cpuset='5'/>
        <iothreadpin iothread='1' cpuset='2'/>
                                          ^ on node 0
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='1'/>
                                       - the memory is bound to node 1
      </numatune>
      <devices>
        <disk type='file' device='disk'>
          <driver name='qemu' type='raw' iothread='1'/>
          <source file='/srv/db8.img'/>
          <target dev='vda' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Good:

    <domain>
      <name>db8</name>
      <vcpu>2</vcpu>
      <iothreads>1</iothreads>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <iothreadpin iothread='1' cpuset='6'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
      <devices>
        <disk type='file' device='disk'>
          <driver name='qemu' type='raw' iothread='1'/>
          <source file='/srv/db8.img'/>
          <target dev='vda' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Fix: `<iothreadpin>` with CPUs of the guest's node.

When to ignore it: The disk's controller is on that other node, and the guest cannot be moved there.

Sources:
- OpenStack nova-specs, rocky/numa-aware-vswitches: what works for a guest belongs on its node
- OpenStack nova, KubeVirt, oVirt engine: all put IOThreads on the guest's own node
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3.2: the figure
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    NEAR,
    Category,
    Fact,
    Finding,
    HostNodes,
    IdSet,
    Pin,
    Placement,
    Related,
    Severity,
    Trait,
    home_places,
    home_text,
    ids_text,
    iothreadpin_text,
    node_places,
    placement_rule,
    union,
)


@placement_rule(
    "iothread-remote",
    Severity.WARNING,
    Category.THREADS,
    needs=Fact.NODES,
    when=Trait.IOTHREADS | Trait.PINS | Trait.SEVERAL_NODES,
    uses=(Fact.SOCKETS, Fact.DISTANCES, Fact.HOUSEKEEPING, Fact.ISOLATED),
)
def check(placement: Placement) -> Iterator[Finding]:
    host, home = placement.host, placement.home_nodes
    if host.one_node or not home:
        return
    remote = {
        thread: affinity.pin
        for thread, affinity in placement.used_iothreads.items()
        if affinity.explicit and affinity.pin is not None and _away(placement, affinity.pin)
    }
    # memory that the emulator touches first comes from its node: prealloc-without-numatune
    if not remote or (placement.unbound and placement.touched_elsewhere):
        return
    threads, pins = IdSet.of(remote), list(remote.values())
    nodes: HostNodes = union(host.nodes_of(pin.cpus) for pin in pins)
    near = host.near(nodes, home)
    yield Finding(
        place=pins[0].place.at("cpuset"),
        message=f"{ids_text('IOThread', threads)} {'runs' if len(remote) == 1 else 'run'} on {ids_text('node', nodes)} "
        f"of {host.name}, but {home_text(placement)}",
        label=f"on {ids_text('node', host.nodes_of(pins[0].cpus))}",
        severity=None if near is False else Severity.NOTE,
        related=(
            *home_places(placement),
            *(
                Related(pin.place.at("cpuset"), f"IOThread {thread} is on {ids_text('node', host.nodes_of(pin.cpus))}")
                for thread, pin in list(remote.items())[1:]
            ),
            *node_places(host, nodes | home),
        )[:MOST_RELATED],
        why=_why(near),
        help=iothreadpin_text(placement, min(threads))
        or f"give it the CPUs of the vCPUs: all of {ids_text('node', home)} are theirs",
        data={"iothreads": str(threads), "nodes": str(nodes), "guest_nodes": str(home)},
    )


def _away(placement: Placement, pin: Pin) -> bool:
    nodes = placement.host.nodes_of(pin.cpus)
    return bool(nodes) and not nodes & placement.home_nodes


def _why(near: bool | None) -> str:
    if near:
        return f"the nodes are near each other (distance {NEAR} or less), but each has its own memory channels"
    far = "crosses the interconnect (10 % and more)"
    if near is None:
        far = "crosses nodes; how far is unknown, for no input states the distances"
    return f"each request of the disk, and each word that it is done, {far}"
