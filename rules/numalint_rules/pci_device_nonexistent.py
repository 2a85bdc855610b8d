"""A device that is passed through is not in the host.

The address of a `<hostdev>`, of an interface of type hostdev or of an NVMe disk is not among the PCI devices of the host. libvirt
takes such a domain when it is defined, and fails at start. Addresses move when a card is put into another slot, when firmware numbers
the buses anew, and when the file comes from another host. This is judged where the host's list of devices is complete: a
collected sysfs, or all of libvirt's nodedev.

Host: format = 1
      name = "kvm01"
      pci_complete = true
      [topology]
      sockets = 2
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      [node.0]
      pci = ["0000:21:00.0 eno1"]
      [node.1]
      pci = ["0000:81:00.0 ens3f0", "0000:81:00.1 ens3f1"]

Bad:

    <domain>
      <name>fw2</name>
      <devices>
        <hostdev mode='subsystem' type='pci'>
          <source>
            <address domain='0x0000' bus='0x82' slot='0x00' function='0x0'/>
             ^^^^^^^ kvm01 has no such device
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

Fix: Name a device of the host; `lspci -D` and `numalint show` list them.

When to ignore it: The device appears before the domain starts: a virtual function that a script makes, a card that is plugged in.

Sources:
- libvirt, virPCIDeviceNew: a device that is not in sysfs is not found
- libvirt, Domain XML format, "Host device assignment"
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
    "pci-device-nonexistent",
    Severity.ERROR,
    Category.CORRECTNESS,
    needs=Fact.PCI,
    when=Trait.HOST_DEVICES,
    precision="very-high",
)
def check(placement: Placement) -> Iterator[Finding]:
    host, present = placement.host, placement.host.pci
    if present is None or not host.complete_pci:
        return
    missing = [
        (device, device.reference)
        for device in placement.domain.devices
        if device.passthrough
        and isinstance(device.reference, PciAddress)
        and device.reference not in present
        and device.in_hexadecimal not in present  # pci-address-notation says what is meant
    ]
    if not missing:
        return
    first, address = missing[0]
    yield Finding(
        place=first.place,
        message=f"it is given {_names(missing)}, which {host.name} does not have",
        label=f"{host.name} has no such device",
        related=tuple(Related(device.place, f"nor {other}") for device, other in missing[1 : 1 + MOST_RELATED]),
        why="it is defined, but fails at start: the device is not there",
        help=_help(placement, address),
        data={"devices": ",".join(str(each) for _, each in missing)},
    )


def _names(missing: list[tuple[Device, PciAddress]]) -> str:
    named = ", ".join(str(address) for _, address in missing[:3])
    return named if len(missing) <= 3 else f"{named} and {len(missing) - 3} more"


def _help(placement: Placement, address: PciAddress) -> str:
    host = placement.host
    beside = [each for each in sorted(host.pci or {}) if each[:2] == address[:2]]
    if beside:
        return f"on that bus {host.name} has {', '.join(map(str, beside[:4]))}{', ...' if len(beside) > 4 else ''}"
    return f"name a device of {host.name}: numalint show lists them"
