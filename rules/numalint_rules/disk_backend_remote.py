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
from typing import NamedTuple

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


class _Served(NamedTuple):
    """A disk on ``node``, and the thread that serves it elsewhere."""

    device: Device
    node: HostNode
    thread: str
    affinity: Affinity


@placement_rule(
    "disk-backend-remote",
    Severity.NOTE,
    Category.IO_LOCALITY,
    needs=Fact.NODES,
    when=Trait.DISKS | Trait.HOST_DEVICES,
    uses=(Fact.PCI, Fact.PCI_NODE, Fact.NAMES, Fact.DISTANCES, Fact.SOCKETS),
)
def check(placement: Placement) -> Iterator[Finding]:
    if placement.host.one_node:
        return
    groups: dict[tuple[int, str], list[_Served]] = {}
    for device in placement.domain.devices:
        for served in _away(placement, device) if device.kind in ("disk block", "disk nvme") else ():
            groups.setdefault((served.node, served.thread), []).append(served)
    for group in groups.values():
        yield _finding(placement, group)


def _away(placement: Placement, device: Device) -> Iterator[_Served]:
    node, host = placement.node_of(device), placement.host
    near = None if node is None else host.homes_of(IdSet.of([node]))
    # a disk that is away from the guest: device-remote
    if node is None or not near or not placement.beside(near | IdSet.of([node])):
        return
    for thread, affinity in _threads(placement, device):
        nodes: HostNodes = IdSet() if affinity.cpus is None else host.nodes_of(affinity.cpus)
        home = placement.home_nodes
        # a thread that is away from the guest: iothread-remote, emulatorpin-remote
        if nodes and not nodes & near and (nodes & home or not home) and not host.near(nodes, near):
            yield _Served(device, node, thread, affinity)


def _threads(placement: Placement, device: Device) -> Iterator[tuple[str, Affinity]]:
    """What serves a disk: the IOThreads that it names, else the emulator; of a SCSI disk it may not be known."""
    guest = placement.domain.guest
    for disk in guest.disks:
        if disk.target == device.target:
            for number in disk.threads:
                if number in placement.iothreads:
                    yield f"IOThread {number}", placement.iothreads[number]
            if guest.served_by_emulator(disk):
                yield "the emulator", placement.emulator


def _finding(placement: Placement, group: list[_Served]) -> Finding:
    first, host = group[0], placement.host
    nodes = host.nodes_of(first.affinity.cpus or IdSet())
    what = f"disk {first.device.target}" if len(group) == 1 else f"{len(group)} disks"
    pin = first.affinity.pin
    runs = f"{first.thread} runs on {ids_text('node', nodes)}"
    far = host.near(nodes, IdSet.of([first.node]))
    return Finding(
        place=first.device.place,
        message=f"{what} {'is' if len(group) == 1 else 'are'} on node {first.node} of {host.name}, "
        f"but {first.thread}, which serves {'it' if len(group) == 1 else 'them'}, runs on {ids_text('node', nodes)}",
        label=f"disk {first.device.target} is on node {first.node}",
        related=(
            *(() if pin is None else (Related(pin.place.at("cpuset"), runs),)),
            *(Related(each.device.place, f"disk {each.device.target} too") for each in group[1:]),
            *node_places(host, nodes | IdSet.of([first.node])),
        )[:MOST_RELATED],
        why="each request and each completion crosses nodes"
        + ("; how far is unknown, for no input states the distances" if far is None else ""),
        help=f"serve it by an IOThread on node {first.node}, such as on CPU {_cpu(placement, first.node)}",
        data={"disks": len(group), "node": first.node, "thread": first.thread},
    )


def _cpu(placement: Placement, node: HostNode) -> int:
    """A CPU beside a node: one that the host keeps, else that no vCPU has, else any."""
    host = placement.host
    own = host.cpus_of(host.homes_of(IdSet.of([node])) or IdSet())
    return min(own & (host.housekeeping or IdSet()) or own - placement.pinned_cpus or own)
