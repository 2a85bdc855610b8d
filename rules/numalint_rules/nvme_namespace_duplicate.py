"""An NVMe drive is given to the guest twice.

A `<disk type='nvme'>` takes the drive from the host: QEMU's own driver talks to its controller. Two disks may share a controller by
different namespaces. The same namespace in two disks, or a disk and a `<hostdev>` of one controller, is taken when the domain is
defined, and fails at start: the drive has one owner. Two owners would write over each other.

Bad:

    <domain>
      <name>log1</name>
      <devices>
        <disk type='nvme' device='disk'>
          <source type='pci' namespace='1'>
            <address domain='0x0000' bus='0x42' slot='0x00' function='0x0'/>
             ------- first of 2
          </source>
          <target dev='vda' bus='virtio'/>
        </disk>
        <disk type='nvme' device='disk'>
          <source type='pci' namespace='1'>
            <address domain='0x0000' bus='0x42' slot='0x00' function='0x0'/>
             ^^^^^^^ namespace 1 of 0000:42:00.0 again
          </source>
          <target dev='vdb' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Good:

    <domain>
      <name>log1</name>
      <devices>
        <disk type='nvme' device='disk'>
          <source type='pci' namespace='1'>
            <address domain='0x0000' bus='0x42' slot='0x00' function='0x0'/>
          </source>
          <target dev='vda' bus='virtio'/>
        </disk>
        <disk type='nvme' device='disk'>
          <source type='pci' namespace='2'>
            <address domain='0x0000' bus='0x42' slot='0x00' function='0x0'/>
          </source>
          <target dev='vdb' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Fix: Leave one of the two out, or name the namespace, or the drive, that was meant.

When to ignore it: Never.

Sources:
- measured with libvirt 9.0.0: both are taken when the domain is defined
- libvirt, virHostdevPrepareNVMeDevices: a namespace is on the list once
- libvirt, Domain XML format, "Hard drives, floppy disks, CDROMs"
"""

from collections.abc import Iterator

from numalint import Category, Device, Domain, Finding, Related, Severity, Trait, domain_rule


@domain_rule("nvme-namespace-duplicate", Severity.ERROR, Category.CORRECTNESS, when=Trait.HOST_DEVICES)
def check(domain: Domain) -> Iterator[Finding]:
    disks = [device for device in domain.devices if device.kind == "disk nvme"]
    if not disks:
        return
    taken = {device.reference: device for device in domain.devices if device.kind == "hostdev pci"}
    first: dict[tuple[object, int | None], Device] = {}
    for disk in disks:
        earlier = first.setdefault((disk.reference, disk.namespace), disk)
        if earlier is not disk:
            yield _finding(disk, earlier, f"namespace {disk.namespace} of {disk.reference} again", "two disks")
        elif disk.reference in taken:
            yield _finding(disk, taken[disk.reference], f"{disk.reference} is a hostdev too", "a disk and a hostdev")


def _finding(disk: Device, other: Device, label: str, twice: str) -> Finding:
    what = f"namespace {disk.namespace} of {disk.reference}" if twice == "two disks" else f"NVMe drive {disk.reference}"
    return Finding(
        place=disk.place,
        message=f"{what} is given to the guest by {twice}",
        label=label,
        related=(Related(other.place, "first of 2" if twice == "two disks" else "the whole drive is passed through"),),
        why="it is defined, but fails at start: the drive has one owner",
        help="leave one of the two out, or name the namespace or the drive that was meant",
        data={"device": str(disk.reference), "namespace": disk.namespace or 0},
    )
