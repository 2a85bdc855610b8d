"""The vCPUs have CPUs of their own, but a disk is served by the emulator's main loop.

Without an IOThread all virtio disks of a guest share one thread, QEMU's main loop, with the monitor, timers, emulated devices
and each other: one slow request, or a `virsh` command, holds up the rest. A guest whose vCPUs were given CPUs of their own was meant
to have better. An IOThread serves its disks alone, can be pinned to a CPU of the guest's node, and takes the load from the CPUs of the
emulator. It changes nothing that the guest sees.

Host: none

Bad:

    <domain>
      <name>db9</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
      </cputune>
      <devices>
        <disk type='block' device='disk'>
         ^^^^ disk vda has no IOThread
          <driver name='qemu' type='raw'/>
          <source dev='/dev/vg0/db9'/>
          <target dev='vda' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Good:

    <domain>
      <name>db9</name>
      <vcpu>2</vcpu>
      <iothreads>1</iothreads>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
        <iothreadpin iothread='1' cpuset='0-1'/>
      </cputune>
      <devices>
        <disk type='block' device='disk'>
          <driver name='qemu' type='raw' iothread='1'/>
          <source dev='/dev/vg0/db9'/>
          <target dev='vda' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Fix: `<iothreads>1</iothreads>`, `iothread='1'` in the `<driver>` of the disk (for SCSI disks, of their virtio-scsi controller), and an
`<iothreadpin>` for it.

When to ignore it: The disk holds little more than the system, and is hardly used once the guest is up.

Sources:
- libvirt, Domain XML format, IOThreads allocation, and defaultiothread: other disks are in the default event loop
- KubeVirt and oVirt engine: guests of high performance get IOThreads, pinned beside the guest
"""

import itertools
from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Disk,
    Fact,
    Finding,
    Placement,
    Related,
    Severity,
    Trait,
    iothreadpin_text,
    names_text,
    placement_rule,
)


@placement_rule(
    "disk-without-iothread",
    Severity.NOTE,
    Category.THREADS,
    when=Trait.DISKS | Trait.PINS | Trait.DEDICATED,
    uses=(Fact.CORES, Fact.NODES, Fact.HOUSEKEEPING),
    precision="medium",
)
def check(placement: Placement) -> Iterator[Finding]:
    disks = [disk for disk in placement.domain.guest.disks if _slow(placement, disk)]
    # IOThreads that are there and not used: iothread-unused
    idle = len(placement.used_iothreads) < len(placement.domain.iothreads)
    if not disks or idle or not placement.dedicated or not placement.domain.on_qemu:
        return
    first, more = disks[0], len(disks) - 1
    names = f"disk {first.target}" if not more else f"{len(disks)} disks"
    yield Finding(
        place=first.place,
        message=f"{names} of a guest with dedicated CPUs {'is' if not more else 'are'} served by the emulator's main loop",
        label=f"disk {first.target} has no IOThread",
        related=tuple(Related(disk.place, f"nor has disk {disk.target}") for disk in disks[1 : 1 + MOST_RELATED]),
        why="its requests wait for the monitor, for emulated devices and for the other disks in the same thread",
        help=_help(placement, disks),
        data={"disks": ",".join(disk.target for disk in disks)},
    )


def _slow(placement: Placement, disk: Disk) -> bool:
    """Whether a disk could have an IOThread, by itself or by its controller, and has none."""
    guest = placement.domain.guest
    if disk.device not in ("disk", "lun") or not guest.served_by_emulator(disk):
        return False
    scsi = disk.bus == "scsi" and any((each.model or "").startswith("virtio") for each in guest.controllers)
    return disk.bus == "virtio" or scsi


def _help(placement: Placement, disks: list[Disk]) -> str:
    made = placement.domain.iothreads
    thread = next(id for id in itertools.count(1) if id not in made)  # as libvirt fills up
    virtio = [disk.target for disk in disks if disk.bus == "virtio"]
    owners = [f"disk{'' if len(virtio) == 1 else 's'} {names_text(virtio)}"] if virtio else []
    owners += ["the virtio-scsi controller"] if len(virtio) < len(disks) else []
    full = f"<iothreadpin iothread='{thread}'>, for which a vCPU has to give up its CPU: they have all of their node"
    pin = iothreadpin_text(placement, thread) or full
    where = " and of ".join(owners)
    return f"<iothreads>{len(made) + 1}</iothreads>, iothread='{thread}' in the <driver> of {where}, {pin}"
