"""The PCI devices and buses of two inputs of one host, made one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from numalint.loaders.host.disagreement import Disagreements, first
from numalint.model.contradictions import buses_text
from numalint.model.device_name import canonical_name
from numalint.model.host import Host, PciAddress, PciBuses, PciDevice
from numalint.model.idset import HostNode

_FACTS = {"driver": "driver", "iommu_group": "IOMMU group", "physical_function": "physical function"}


def merge_buses(merged: Host, other: Host, told: Disagreements) -> tuple[PciBuses, ...]:
    """The ranges of buses of both, without those of the other that are on another node."""
    kept = list(merged.pci_buses)
    for theirs in other.pci_buses:
        against = next((ours for ours in merged.pci_buses if _overlap(ours, theirs) and ours.node != theirs.node), None)
        if against is not None:
            what = f"node of PCI buses {buses_text(theirs)}"
            told.differ(what, (against.node, theirs.node), lambda host: against if against in host.pci_buses else None)  # noqa: B023  # called at once
        elif theirs not in kept:
            kept.append(theirs)
    return tuple(kept)


def _overlap(one: PciBuses, two: PciBuses) -> bool:
    return one.domain == two.domain and one.first <= two.last and two.first <= one.last


def merge_pci(merged: Host, other: Host, whole: Host, told: Disagreements) -> dict[PciAddress, PciDevice] | None:
    """The devices of both, on nodes that ``whole``, the host of both, has.

    A range of buses that the merged inputs declare wins over a device of the other.
    """
    if merged.pci is None and other.pci is None:
        return None
    ours, theirs = merged.pci or {}, other.pci or {}
    declared = Host(name="", pci_buses=merged.pci_buses)
    found = {}
    for address in sorted(ours.keys() | theirs.keys()):
        one, two = ours.get(address), theirs.get(address)
        node = first(one.node if one is not None else None, declared.node_of_pci(address))
        if node is not None and two is not None and two.node is not None and two.node != node:
            told.differ(f"node of PCI device {address}", (node, two.node), partial(_node_said, address))
        node = first(node, two.node if two is not None else None)
        if node is not None and whole.nodes is not None and node not in whole.node_by_id:
            told.tell(f"PCI device {address} is on node {node}, which no input describes: taken as unknown")
            node = None
        found[address] = replace(_device(one, _renamed(two, merged, told), told), node=node)
    return found


def _node_said(address: PciAddress, host: Host) -> HostNode | None:
    device = (host.pci or {}).get(address)
    said = device.node if device is not None else None
    return first(said, Host(name="", pci_buses=host.pci_buses).node_of_pci(address))


def _renamed(device: PciDevice | None, merged: Host, told: Disagreements) -> PciDevice | None:
    """A device of the other input without the names that belong to another one in those that are merged."""
    if device is None:
        return None
    known = {name: merged.names.get(canonical_name(name), device.address) for name in (*device.names, *device.aliases)}
    for name, address in known.items():
        if address != device.address:
            told.differ(f"PCI device of {name}", (address, device.address), lambda host: host.names.get(name))  # noqa: B023  # called at once
    own = {name for name, address in known.items() if address == device.address}
    return replace(
        device,
        names=tuple(name for name in device.names if name in own),
        aliases=tuple(name for name in device.aliases if name in own),
    )


def _device(one: PciDevice | None, two: PciDevice | None, told: Disagreements) -> PciDevice:
    if one is None or two is None:
        device = one or two
        assert device is not None
        return device
    for fact, word in _FACTS.items():
        ours, theirs = getattr(one, fact), getattr(two, fact)
        if ours is not None and theirs is not None and ours != theirs:
            told.differ(f"{word} of PCI device {one.address}", (ours, theirs), _fact(one.address, fact))
    return replace(
        one,
        names=tuple(dict.fromkeys((*one.names, *two.names))),
        aliases=tuple(dict.fromkeys((*one.aliases, *two.aliases))),
        driver=first(one.driver, two.driver),
        iommu_group=first(one.iommu_group, two.iommu_group),
        physical_function=first(one.physical_function, two.physical_function),
        place=first(one.place, two.place),
    )


def _fact(address: PciAddress, fact: str) -> Callable[[Host], object]:
    return lambda host: getattr((host.pci or {}).get(address), fact, None)
