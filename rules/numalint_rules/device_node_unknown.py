"""No input says on which node of the host a device is.

Whether a passed through device is near the guest can then not be told, and device-remote is not judged for it. Often the host file was made
without its devices, or is older than the device. Some firmware does not say: the kernel then shows -1, which is not node 0. This rule
is off by default, for the summary counts such devices too; it is for those who want each of them to be known.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 2
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      [node.1]
      pci = ["0000:81:00.0 ens3f0"]

Bad:

    <domain>
      <name>fw2</name>
      <devices>
        <hostdev mode='subsystem' type='pci'>
          <source>
            <address domain='0x0000' bus='0x82' slot='0x00' function='0x0'/>
             ^^^^^^^ on which node of the host?
          </source>
        </hostdev>
      </devices>
    </domain>

Good:

    <domain>
      <name>fw2</name>
      <devices>
        <hostdev mode='subsystem' type='pci'>
          <source>
            <address domain='0x0000' bus='0x81' slot='0x00' function='0x0'/>
          </source>
        </hostdev>
      </devices>
    </domain>

Fix: Give the output of `virsh nodedev-dumpxml` for the device, or of `lstopo --of xml`, beside the host file; or declare the device below its
`[node.N]`: `pci = ["0000:82:00.0"]`.

When to ignore it: The device is hardly used.

Sources:
- libvirt, Node devices: a PCI device has `<numa node='N'/>` where the kernel knows it
- kubevirt/kubevirt, pull request 17493: -1 is unknown, not node 0
- OpenStack nova, PCI affinity policies: legacy takes devices whose node is not known
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Device,
    Fact,
    Finding,
    PciAddress,
    Placement,
    Related,
    Severity,
    Trait,
    placement_rule,
)


@placement_rule(
    "device-node-unknown",
    Severity.NOTE,
    Category.IO_LOCALITY,
    needs=Fact.NODES,
    when=Trait.HOST_DEVICES | Trait.SEVERAL_NODES,
    uses=(Fact.PCI, Fact.PCI_NODE, Fact.NAMES),
    enabled=False,
)
def check(placement: Placement) -> Iterator[Finding]:
    if placement.host.one_node:
        return
    unknown = [each for each in placement.domain.devices if each.passthrough and placement.node_of(each) is None]
    if not unknown:
        return
    first = unknown[0]
    what = str(first.reference) if len(unknown) == 1 else f"{len(unknown)} passthrough devices"
    verb = "is" if len(unknown) == 1 else "are"
    yield Finding(
        place=first.place,
        message=f"no input of {placement.host.name} says on which node {what} {verb}",
        label="on which node of the host?",
        related=tuple(Related(each.place, f"nor where {each.reference} is") for each in unknown[1 : 1 + MOST_RELATED]),
        why="whether the guest is beside it cannot be told; unknown is not node 0",
        help=_help(first),
        data={"devices": ",".join(str(each.reference) for each in unknown)},
    )


def _help(device: Device) -> str:
    if not isinstance(device.reference, PciAddress):
        return "add the output of lstopo --of xml, or name it below its [node.N] in the host's TOML"
    domain, bus, slot, function = device.reference
    name = f"pci_{domain:04x}_{bus:02x}_{slot:02x}_{function:x}"
    return f"add the output of virsh nodedev-dumpxml {name} to the host's inputs, or pci = [...] below its [node.N]"
