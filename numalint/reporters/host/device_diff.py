"""What changed in the PCI devices of a host: which there are, where they are, what they are called."""

from __future__ import annotations

from collections.abc import Iterator

from numalint.model.contradictions import buses_text
from numalint.model.host import Host, PciAddress, PciDevice
from numalint.model.idset import HostNode
from numalint.reporters.host.difference import Difference

_MOST_NAMES = 3


def device_changes(old: Host, new: Host) -> Iterator[Difference]:
    """The changes of PCI devices, their names and the ranges of buses."""
    if old.pci is not None and new.pci is not None:
        moved = _moved_names(old, new)
        yield from _names_that_moved(moved, old, new)
        yield from _come_and_gone(old, new)
        for address in sorted(old.pci.keys() & new.pci.keys()):
            yield from _device(address, old, new, set(moved))
    elif old.pci is not None or new.pci is not None:
        count = len(old.pci if old.pci is not None else new.pci or ())
        predicate = f"are no longer known (there were {count})" if new.pci is None else f"became known ({count})"
        yield _of_all("pci", None if old.pci is None else count, None if new.pci is None else count, predicate)
    yield from _buses(old, new)
    if old.complete_pci != new.complete_pci:
        predicate = "are all listed now" if new.complete_pci else "may be more than are listed now"
        yield _of_all("pci-complete", int(old.complete_pci), int(new.complete_pci), predicate)


def _of_all(what: str, old: int | None, new: int | None, predicate: str) -> Difference:
    return Difference(what=what, subject="host", old=old, new=new, label="the PCI devices", predicate=predicate)


def _addresses(host: Host) -> dict[str, PciAddress]:
    """The address of each NIC and disk that one device alone has; links to them say no more."""
    found: dict[str, PciAddress | None] = {}
    for address, device in (host.pci or {}).items():
        for name in device.names:
            found[name] = None if name in found else address
    return {name: address for name, address in found.items() if address is not None}


def _moved_names(old: Host, new: Host) -> dict[str, tuple[PciAddress, PciAddress]]:
    before, after = _addresses(old), _addresses(new)
    both = sorted(before.keys() & after.keys())
    return {name: (before[name], after[name]) for name in both if before[name] != after[name]}


def _names_that_moved(moved: dict[str, tuple[PciAddress, PciAddress]], old: Host, new: Host) -> Iterator[Difference]:
    for name, (source, target) in moved.items():
        predicate = f"moved from {_placed(source, old)} to {_placed(target, new)}"
        yield Difference(what="names", subject=name, old=str(source), new=str(target), label=name, predicate=predicate)


def _placed(address: PciAddress, host: Host) -> str:
    node = host.node_of_pci(address)
    return str(address) if node is None else f"{address} on node {node}"


def _come_and_gone(old: Host, new: Host) -> Iterator[Difference]:
    before, after = old.pci or {}, new.pci or {}
    for address in sorted(before.keys() - after.keys()):
        yield _change("pci", before[address], _node(old, address), None, f"vanished{_on('from', old, address)}")
    for address in sorted(after.keys() - before.keys()):
        yield _change("pci", after[address], None, _node(new, address), f"appeared{_on('on', new, address)}")


def _node(host: Host, address: PciAddress) -> str:
    node = host.node_of_pci(address)
    return "node unknown" if node is None else f"node {node}"


def _on(word: str, host: Host, address: PciAddress) -> str:
    """The node of a device, where the host has several."""
    node = host.node_of_pci(address)
    return "" if node is None or len(host.nodes or ()) == 1 else f" {word} node {node}"


def _device(address: PciAddress, old: Host, new: Host, moved: set[str]) -> Iterator[Difference]:
    before, after = (old.pci or {})[address], (new.pci or {})[address]
    nodes = old.node_of_pci(address), new.node_of_pci(address)
    if nodes[0] != nodes[1]:
        yield _change("pci-node", after, *nodes, _moved(*nodes))
    for what, word, one, two in (
        ("driver", "driver", before.driver, after.driver),
        ("iommu-groups", "IOMMU group", before.iommu_group, after.iommu_group),
        ("physical-function", "physical function", _text(before), _text(after)),
    ):
        if one != two:
            yield _change(what, after, one, two, f"changed the {word} from {_or_none(one)} to {_or_none(two)}")
    known, found = (dict.fromkeys((*device.names, *device.aliases)) for device in (before, after))
    lost = [name for name in known if name not in found and name not in moved]
    got = [name for name in found if name not in known and name not in moved]
    if lost or got:
        predicate = " and ".join(
            f"{verb} the name {_names(names)}" for verb, names in (("lost", lost), ("got", got)) if names
        )
        yield _change("names", before, " ".join(before.names) or None, " ".join(after.names) or None, predicate)


def _moved(old: HostNode | None, new: HostNode | None) -> str:
    if old is None:
        return f"turned out to be on node {new}, which was unknown"
    return f"moved from node {old} to {'an unknown one' if new is None else f'node {new}'}"


def _text(device: PciDevice) -> str | None:
    return None if device.physical_function is None else str(device.physical_function)


def _or_none(value: object) -> object:
    return "none" if value is None else value


def _names(names: list[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _change(what: str, device: PciDevice, old: str | int | None, new: str | int | None, predicate: str) -> Difference:
    address = str(device.address)
    label = f"{address} ({_names(list(device.names))})" if device.names else address
    return Difference(
        what=what, subject=address, old=old, new=new, label=label, predicate=predicate, plural="PCI devices"
    )


def _buses(old: Host, new: Host) -> Iterator[Difference]:
    before, after = ({buses_text(buses): buses.node for buses in host.pci_buses} for host in (old, new))
    for text in (*before, *(each for each in after if each not in before)):
        one, two = before.get(text), after.get(text)
        if one != two:
            label = f"the devices on the PCI buses {text}"
            predicate = f"are on node {two} (was {'unknown' if one is None else one})"
            if two is None:
                predicate = f"are no longer said to be on node {one}"
            yield Difference(what="pci-buses", subject=text, old=one, new=two, label=label, predicate=predicate)
