"""A device of the host is given to two domains.

A device that is passed through belongs to one running domain: a PCI function, an NVMe drive with all its namespaces, a mediated
device, a vDPA device. Each of the files is right by itself, and libvirt takes both. It refuses the domain that is started second:
"PCI device 0000:3b:00.0 is in use by driver QEMU, domain vm1". Who counts on both finds that out on the day on which the host
was booted. It is no error, for a device that several domains use in turn is written in each of them, as the one GPU of several
desktops, and no file says which of them are to run at once: say it in `numalint.toml`.

Host: pack:1 [numa(memory=64GiB)] core:8 pu:1

Bad:

    <domain>
      <name>gpu1</name>
      <vcpu>2</vcpu>
      <devices>
        <hostdev mode='subsystem' type='pci' managed='yes'>
          <source>
            <address domain='0x0000' bus='0x3b' slot='0x00' function='0x0'/>
             ^^^^^^^ PCI device 0000:3b:00.0 in gpu1
          </source>
        </hostdev>
      </devices>
    </domain>
    <domain>
      <name>gpu2</name>
      <vcpu>2</vcpu>
      <devices>
        <hostdev mode='subsystem' type='pci' managed='yes'>
          <source>
            <address domain='0x0000' bus='0x3b' slot='0x00' function='0x0'/>
             ------- PCI device 0000:3b:00.0 in gpu2
          </source>
        </hostdev>
      </devices>
    </domain>

Bad:

    <domain>
      <name>vgpu1</name>
      <devices>
        <hostdev mode='subsystem' type='mdev' model='vfio-pci'>
          <source>
            <address uuid='4b20d080-1b54-4048-85b3-a6a62d165c01'/>
                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ mediated device 4b20d080
          </source>
        </hostdev>
      </devices>
    </domain>
    <domain>
      <name>vgpu2</name>
      <devices>
        <hostdev mode='subsystem' type='mdev' model='vfio-pci'>
          <source>
            <address uuid='4B20D080-1B54-4048-85B3-A6A62D165C01'/>
                           ------------------------------------ mediated device 4b20d080
          </source>
        </hostdev>
      </devices>
    </domain>

Good:

    <domain>
      <name>gpu1</name>
      <vcpu>2</vcpu>
      <devices>
        <hostdev mode='subsystem' type='pci' managed='yes'>
          <source>
            <address domain='0x0000' bus='0x3b' slot='0x00' function='0x0'/>
          </source>
        </hostdev>
      </devices>
    </domain>
    <domain>
      <name>gpu2</name>
      <vcpu>2</vcpu>
      <devices>
        <hostdev mode='subsystem' type='pci' managed='yes'>
          <source>
            <address domain='0x0000' bus='0x86' slot='0x00' function='0x0'/>
          </source>
        </hostdev>
      </devices>
    </domain>

Fix: Give each domain a device of its own, or a virtual function of one. Domains that never run together are declared so in
`numalint.toml`, as `exclusive-groups = [["gpu1", "gpu2"]]` of their host.

When to ignore it: The domains use the device in turn; declare it, and it is quiet.

Sources:
- libvirt, virHostdevPreparePCIDevices: PCI device is in use by driver QEMU, domain so-and-so; NVMe drives likewise
- Linux, Documentation/driver-api/vfio: a device has one owner
"""

from collections.abc import Iterator

from numalint import Claim, Conflict, Fleet, Party, Severity, Target, host_rule, names_text


@host_rule("pci-device-double-assigned", Severity.WARNING, precision="very-high")
def check(fleet: Fleet) -> Iterator[Conflict]:
    holders: dict[str, list[Claim]] = {}
    for claim in fleet.claims:
        for device in claim.devices:
            holders.setdefault(device, []).append(claim)
    groups: dict[tuple[int, ...], tuple[list[Claim], list[str]]] = {}
    for device, claims in holders.items():
        rivals = fleet.rivals(claims, declared=True)
        if rivals:
            groups.setdefault(tuple(map(id, rivals)), (rivals, []))[1].append(device)
    for claims, devices in groups.values():
        yield _conflict(fleet, claims, devices)


def _conflict(fleet: Fleet, claims: list[Claim], devices: list[str]) -> Conflict:
    more = f" and {len(devices) - 1} more" if len(devices) > 1 else ""
    return Conflict(
        parties=tuple(
            Party(claim, Target("device", devices[0]), f"{devices[0]} in {claim.domain}") for claim in claims
        ),
        message=f"{devices[0]}{more} of {fleet.host.name} {'are' if more else 'is'} given to "
        f"{names_text(claim.domain for claim in claims)}",
        why="libvirt does not start the second of them: the device is in use",
        help=f"give each a device of its own; {fleet.apart_text(claims)}",
        data={"device": devices[0], "devices": len(devices), "domains": len(claims)},
    )
