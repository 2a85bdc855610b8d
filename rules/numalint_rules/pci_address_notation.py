"""A PCI address is written in decimal or octal digits that read like hexadecimal ones.

`lspci` writes hexadecimal without a mark: bus 41 is 0x41. In domain XML numbers are as in C: `bus='41'` is decimal, which is 0x29, and
`bus='010'` is octal, which is 8. libvirt takes them all and writes them back with 0x, so that the guest gets another device, or none. This
is a warning where the digits could have been meant as hexadecimal and would be another address. Where the host's devices
are known and the address as written is one of them, and the other is not, nothing is said; where it is the other way round, it is an error.

Bad (warning):

    <domain>
      <name>gpu1</name>
      <devices>
        <hostdev mode='subsystem' type='pci'>
          <source>
            <address domain='0x0000' bus='41' slot='0x00' function='0x0'/>
                                          ^^ 0000:29:00.0, in hexadecimal 0000:41:00.0
          </source>
        </hostdev>
      </devices>
    </domain>

Good:

    <domain>
      <name>gpu1</name>
      <devices>
        <hostdev mode='subsystem' type='pci'>
          <source>
            <address domain='0x0000' bus='0x41' slot='0x00' function='0x0'/>
          </source>
        </hostdev>
      </devices>
    </domain>

Good:

    <domain>
      <name>gpu1</name>
      <devices>
        <hostdev mode='subsystem' type='pci'>
          <source>
            <address domain='0' bus='1' slot='00' function='0'/>
          </source>
        </hostdev>
      </devices>
    </domain>

Host: format = 1
      name = "kvm01"
      pci_complete = true
      [topology]
      sockets = 1
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      [node.0]
      pci = ["0000:41:00.0"]

Bad (error):

    <domain>
      <name>gpu1</name>
      <devices>
        <hostdev mode='subsystem' type='pci'>
          <source>
            <address domain='0x0000' bus='41' slot='0x00' function='0x0'/>
                                          ^^ 0000:29:00.0, in hexadecimal 0000:41:00.0
          </source>
        </hostdev>
      </devices>
    </domain>

Fix: Write every number of the address with 0x, as libvirt does.

When to ignore it: The numbers were meant as they are read. With 0x nobody has to ask.

Sources:
- measured with libvirt 9.0.0: `0x3b`, `59` and octal `010` are taken, `3b` and `08` are refused
- libvirt, Domain XML format, "Device Addresses"
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Device,
    Fact,
    Finding,
    PciAddress,
    Place,
    Placement,
    Related,
    Severity,
    Trait,
    placement_rule,
)


@placement_rule(
    "pci-address-notation",
    Severity.WARNING,
    Category.CORRECTNESS,
    when=Trait.HOST_DEVICES,
    uses=Fact.PCI,
)
def check(placement: Placement) -> Iterator[Finding]:
    doubtful = [
        (device, device.reference, device.in_hexadecimal)
        for device in placement.domain.devices
        if device.in_hexadecimal is not None
        and isinstance(device.reference, PciAddress)
        and device.in_hexadecimal != device.reference
    ]
    for severity in (Severity.ERROR, Severity.WARNING):
        alike = [each for each in doubtful if _severity(placement, *each[1:]) is severity]
        if alike:
            yield _finding(placement, alike, severity)


def _severity(placement: Placement, read: PciAddress, meant: PciAddress) -> Severity | None:
    """How sure it is that ``meant`` was meant; an address that is not there at all is pci-device-nonexistent's."""
    present, complete = placement.host.pci or {}, placement.host.complete_pci
    if read in present:
        return Severity.WARNING if meant in present else None
    if complete:
        return Severity.ERROR if meant in present else None
    return Severity.WARNING


def _finding(placement: Placement, alike: list[tuple[Device, PciAddress, PciAddress]], severity: Severity) -> Finding:
    (first, read, meant), name = alike[0], placement.host.name
    several = f"{len(alike)} PCI addresses are" if len(alike) > 1 else "a PCI address is"
    message = f"{several} written without 0x: {_label(read, meant)}"
    if severity is Severity.ERROR:
        message = f"its PCI device {read} is not in {name}, but {meant} is: the address is written without 0x"
    return Finding(
        place=_place(first, read, meant),
        message=message,
        label=_label(read, meant),
        severity=severity,
        related=tuple(
            Related(_place(device, other, wanted), _label(other, wanted))
            for device, other, wanted in alike[1 : 1 + MOST_RELATED]
        ),
        why="it fails at start: the device is not there"
        if severity is Severity.ERROR
        else "libvirt reads decimal, or octal after a 0, where lspci writes hexadecimal: it may be another device",
        help=f"write {_written(meant)} if {meant} is meant, and {_written(read)} if not",
        data={"read": str(read), "in_hexadecimal": str(meant)},
    )


def _label(read: PciAddress, meant: PciAddress) -> str:
    return f"{read}, in hexadecimal {meant}"


def _place(device: Device, read: PciAddress, meant: PciAddress) -> Place:
    """The one number of the address that differs; the whole address where several do."""
    parts = [part for part in PciAddress._fields if getattr(read, part) != getattr(meant, part)]
    return device.place.at(parts[0]) if len(parts) == 1 else device.place


def _written(address: PciAddress) -> str:
    return f"bus='{address.bus:#04x}' slot='{address.slot:#04x}' function='{address.function:#x}'"
