"""A disk is on a host node where the thread that serves it does not run.

The guest has several nodes, and the disk is beside one of them: so far all is well. But the IOThread or the emulator that submits its requests
and takes its completions is pinned to another node of the guest, so that doorbells, queues and interrupts of the disk cross the
interconnect for each request, whichever node the guest's own work is on. It costs latency where the disk is as fast as an NVMe;
hence a note.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 2
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      distances = [[10, 21], [21, 10]]
      [node.1]
      pci = ["0000:81:00.0 nvme1n1"]

Bad:

    <domain>
      <name>db11</name>
      <vcpu>4</vcpu>
      <iothreads>1</iothreads>
      <cputune>
        <vcpupin vcpu='0' cpuset='1'/>
        <vcpupin vcpu='1' cpuset='2'/>
        <vcpupin vcpu='2' cpuset='5'/>
        <vcpupin vcpu='3' cpuset='6'/>
        <iothreadpin iothread='1' cpuset='0'/>
                                          - IOThread 1 runs on node 0
      </cputune>
      <numatune>
        <memory mode='interleave' nodeset='0-1'/>
      </numatune>
      <devices>
        <disk type='block' device='disk'>
          <driver name='qemu' type='raw' iothread='1'/>
          <source dev='/dev/nvme1n1'/>
                       ^^^^^^^^^^^^ disk vda is on node 1
          <target dev='vda' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Good:

    <domain>
      <name>db11</name>
      <vcpu>4</vcpu>
      <iothreads>1</iothreads>
      <cputune>
        <vcpupin vcpu='0' cpuset='1'/>
        <vcpupin vcpu='1' cpuset='2'/>
        <vcpupin vcpu='2' cpuset='5'/>
        <vcpupin vcpu='3' cpuset='6'/>
        <iothreadpin iothread='1' cpuset='4'/>
      </cputune>
      <numatune>
        <memory mode='interleave' nodeset='0-1'/>
      </numatune>
      <devices>
        <disk type='block' device='disk'>
          <driver name='qemu' type='raw' iothread='1'/>
          <source dev='/dev/nvme1n1'/>
          <target dev='vda' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Fix: An IOThread for the disk on CPUs of the disk's node.

When to ignore it: The disk is slow enough that it does not matter.

Sources:
- OpenStack nova-specs, kilo/input-output-based-numa-scheduling: devices and what uses them belong on one node
- libvirt, Domain XML format, IOThreads allocation, and defaultiothread: what serves a disk
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Affinity,
    Category,
    Device,
    Fact,
    Finding,
    HostNode,
    HostNodes,
    IdSet,
    Placement,
    Related,
    Severity,
    Trait,
    ids_text,
    node_places,
    placement_rule,
)

EMULATOR = 0
"""Stands for the emulator among the numbers of IOThreads, which begin at 1."""


@placement_rule(
    "disk-backend-remote",
    Severity.NOTE,
    Category.IO_LOCALITY,
    needs=Fact.NODES,
    when=Trait.DISKS | Trait.HOST_DEVICES | Trait.SEVERAL_NODES,
    uses=(Fact.PCI, Fact.PCI_NODE, Fact.NAMES, Fact.DISTANCES, Fact.SOCKETS),
)
def check(placement: Placement) -> Iterator[Finding]:
    if placement.host.one_node:
        return
    groups: dict[tuple[HostNode, int], list[Device]] = {}
    for device in placement.domain.devices:
        node = placement.node_of(device) if device.kind in ("disk block", "disk nvme") else None
        for thread in _threads(placement, device) if node is not None else ():
            if node is not None and _away(placement, node, thread):
                groups.setdefault((node, thread), []).append(device)
    for (node, thread), disks in groups.items():
        yield _finding(placement, node, thread, disks)


def _threads(placement: Placement, device: Device) -> Iterator[int]:
    """What serves a disk: the IOThreads that it names, else the emulator; of a SCSI disk it may not be known."""
    guest = placement.domain.guest
    for disk in guest.disks:
        if disk.target == device.target:
            yield from (number for number in disk.threads if number in placement.iothreads)
            if guest.served_by_emulator(disk):
                yield EMULATOR


def _affinity(placement: Placement, thread: int) -> Affinity:
    return placement.emulator if thread == EMULATOR else placement.iothreads[thread]


def _away(placement: Placement, node: HostNode, thread: int) -> bool:
    """Whether a thread is away from a disk, and both are beside the guest.

    A disk that is not is device-remote's, a thread that is not iothread-remote's or emulatorpin-remote's.
    """
    host, home = placement.host, placement.home_nodes
    near, cpus = host.homes_of(IdSet.of([node])), _affinity(placement, thread).cpus
    nodes: HostNodes = IdSet() if cpus is None else host.nodes_of(cpus)
    if not near or not nodes or nodes & near or (home and not nodes & home):
        return False
    return placement.beside(near | IdSet.of([node])) and not host.near(nodes, near)


def _finding(placement: Placement, node: HostNode, thread: int, disks: list[Device]) -> Finding:
    host, own = placement.host, IdSet.of([node])
    affinity = _affinity(placement, thread)
    nodes = host.nodes_of(affinity.cpus or IdSet())
    who = "the emulator" if thread == EMULATOR else f"IOThread {thread}"
    what, are, them = (
        (f"disk {disks[0].target}", "is", "it") if len(disks) == 1 else (f"{len(disks)} disks", "are", "them")
    )
    pin = () if affinity.pin is None else (affinity.pin.place.at("cpuset"),)
    cpus = host.cpus_of(host.homes_of(own) or own)
    unknown = host.near(nodes, own) is None
    return Finding(
        place=disks[0].place,
        message=f"{what} {are} on node {node} of {host.name}, but {who}, which serves {them}, "
        f"runs on {ids_text('node', nodes)}",
        label=f"disk {disks[0].target} is on node {node}",
        related=(
            *(Related(place, f"{who} runs on {ids_text('node', nodes)}") for place in pin),
            *(Related(each.place, f"disk {each.target} too") for each in disks[1:]),
            *node_places(host, nodes | own),
        )[:MOST_RELATED],
        why="each request and each completion crosses nodes"
        + ("; how far is unknown, for no input states the distances" if unknown else ""),
        help=f"serve {them} by an IOThread that is pinned to some of {ids_text('CPU', cpus - placement.pinned_cpus or cpus)}",
        data={"disks": len(disks), "node": node, "thread": who},
    )
