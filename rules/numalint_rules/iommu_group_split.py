"""Devices of one IOMMU group are given to two domains.

The IOMMU keeps the devices of different groups apart, and those of one group not: they can reach each other's memory. So a
group is the smallest thing that VFIO hands over, and it has one owner. Two domains may name two different devices and still
not run together: libvirt refuses the one that is started second, because the group is in use. Functions of one card without ACS,
such as a GPU and its sound, and all that is behind one bridge, are most often in one group. It is no error, for they may run in turn.

Which device is in which group is stated by the host's node devices (`virsh nodedev-dumpxml`), or by `numalint topology capture`.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 1
      cores_per_node = 8
      threads_per_core = 1
      cpu_numbering = "threads-last"
      [[pci]]
      address = "0000:3b:00.0"
      iommu_group = 30
      [[pci]]
      address = "0000:3b:00.1"
      iommu_group = 30
      [[pci]]
      address = "0000:86:00.0"
      iommu_group = 61

Bad:

    <domain>
      <name>gpu1</name>
      <devices>
        <hostdev mode='subsystem' type='pci' managed='yes'>
          <source>
            <address domain='0x0000' bus='0x3b' slot='0x00' function='0x0'/>
             ^^^^^^^ 0000:3b:00.0 in gpu1
          </source>
        </hostdev>
      </devices>
    </domain>
    <domain>
      <name>tv1</name>
      <devices>
        <hostdev mode='subsystem' type='pci' managed='yes'>
          <source>
            <address domain='0x0000' bus='0x3b' slot='0x00' function='0x1'/>
             ------- 0000:3b:00.1 in tv1
          </source>
        </hostdev>
      </devices>
    </domain>

Good:

    <domain>
      <name>gpu1</name>
      <devices>
        <hostdev mode='subsystem' type='pci' managed='yes'>
          <source>
            <address domain='0x0000' bus='0x3b' slot='0x00' function='0x0'/>
          </source>
        </hostdev>
      </devices>
    </domain>
    <domain>
      <name>tv1</name>
      <devices>
        <hostdev mode='subsystem' type='pci' managed='yes'>
          <source>
            <address domain='0x0000' bus='0x86' slot='0x00' function='0x0'/>
          </source>
        </hostdev>
      </devices>
    </domain>

Fix: Give all devices of the group to one domain, or take a device of another group: another slot of the board often makes one.

When to ignore it: The domains never run together; declare it as `exclusive-groups` of the host in `numalint.toml`, and it is quiet.

Sources:
- Linux, Documentation/driver-api/vfio: the group is the unit of ownership
- libvirt, virHostdevPreparePCIDevices: devices of one IOMMU group go to one domain
"""

from collections.abc import Iterator

from numalint import (
    Claim,
    Conflict,
    Fact,
    Fleet,
    NotJudged,
    Party,
    PciAddress,
    Severity,
    Target,
    host_rule,
    names_text,
)


@host_rule("iommu-group-split", Severity.WARNING, uses=Fact.IOMMU_GROUPS, precision="very-high")
def check(fleet: Fleet) -> Iterator[Conflict | NotJudged]:
    users = [claim for claim in fleet.claims if claim.pci]
    if len(users) < 2:
        return
    unknown: set[PciAddress] = set()
    members: dict[int, list[tuple[Claim, PciAddress]]] = {}
    for claim in users:
        for address in claim.pci:
            group = _group(fleet, address)
            if group is None:
                unknown.add(address)
            else:
                members.setdefault(group, []).append((claim, address))
    if len(unknown) > 1 or (unknown and members):
        yield from (NotJudged(Fact.IOMMU_GROUPS, str(address)) for address in sorted(unknown))
    for group, devices in members.items():
        several = len({address for _, address in devices}) > 1
        split = [each for each in devices if several and any(_split(fleet, each, other) for other in devices)]
        if split:
            yield _conflict(fleet, group, split)


def _group(fleet: Fleet, address: PciAddress) -> int | None:
    device = (fleet.host.pci or {}).get(address)
    return None if device is None else device.iommu_group


def _split(fleet: Fleet, one: tuple[Claim, PciAddress], other: tuple[Claim, PciAddress]) -> bool:
    """Whether two domains have different devices, and may run together but for that."""
    return one[1] != other[1] and fleet.together(one[0], other[0])


def _conflict(fleet: Fleet, group: int, split: list[tuple[Claim, PciAddress]]) -> Conflict:
    addresses = sorted({address for _, address in split})
    return Conflict(
        parties=tuple(
            Party(claim, Target("device", f"PCI device {address}"), f"{address} in {claim.domain}")
            for claim, address in split
        ),
        message=f"{names_text(map(str, addresses))} are in one IOMMU group of {fleet.host.name}, "
        f"and are given to {names_text(claim.domain for claim, _ in split)}",
        why="libvirt does not start the second of them: a group has one owner",
        help=f"give all devices of group {group} to one domain; {fleet.apart_text(claim for claim, _ in split)}",
        data={"group": group, "devices": len(addresses), "domains": len({id(claim) for claim, _ in split})},
    )
