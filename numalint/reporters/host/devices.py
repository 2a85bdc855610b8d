"""A host's PCI devices as branches of a tree, those of a node together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from numalint.model.host import Fact, Host, Node, PciAddress, PciBuses, PciDevice
from numalint.model.idset import HostNode
from numalint.model.wording import count_text
from numalint.reporters.drawing import Branch, Word, stated, unknown, words
from numalint.reporters.terminal import CYAN, width

_MOST_DEVICES = 8
_MOST_BUSES = 4
_FEW_FUNCTIONS = 2
_MOST_NAMES = 4
_PLUMBING = (None, "pcieport", "shpchp")
"""The drivers of bridges, and none: no guest is given such a device."""


class Devices:
    """The PCI devices and buses of a host, by node. Of many, those with names come first and the rest is counted."""

    def __init__(self, host: Host, unfold: bool) -> None:
        self.host, self.unfold = host, unfold
        self.by_node: dict[HostNode | None, list[PciDevice]] = {}
        for address in sorted(host.pci or {}):
            self.by_node.setdefault(host.node_of_pci(address), []).append((host.pci or {})[address])
        self.buses: dict[HostNode, list[PciBuses]] = {}
        for buses in sorted(host.pci_buses, key=lambda each: (each.domain, each.first)):
            self.buses.setdefault(buses.node, []).append(buses)

    def __contains__(self, node: HostNode) -> bool:
        return node in self.by_node or node in self.buses

    def of(self, node: Node) -> Iterator[Branch]:
        """The devices of a node, the buses that are declared to be its own, and what is on no PCI device."""
        yield from self._branches(self.by_node.get(node.id, []))
        buses = [_range(each) for each in self.buses.get(node.id, [])]
        if buses:
            shown = buses if self.unfold else buses[:_MOST_BUSES]
            more = len(buses) - len(shown)
            yield Branch(words("PCI buses", *shown, *([f"and {more} more"] if more else [])))
        if node.names:
            yield Branch([Word("on no PCI device:"), *words(*node.names, style=CYAN)])

    def homeless(self) -> Iterator[Branch]:
        """The devices whose node is unknown, and what is unknown of all devices."""
        if self.host.pci is None:
            yield Branch(stated([unknown("PCI devices")]))
            return
        if not self.host.pci:
            yield Branch(words("no PCI devices" if self.host.complete_pci else "no PCI device is named"))
        if None in self.by_node:
            yield Branch(stated([Word("PCI devices"), unknown("node")]), list(self._branches(self.by_node[None])))
        lacking = {Fact.NAMES: "names", Fact.IOMMU_GROUPS: "IOMMU groups"}
        what = " and ".join(noun for fact, noun in lacking.items() if fact in self.host.unknown)
        if what and self.host.pci:
            yield Branch(stated([unknown(f"{what} of PCI devices")]))

    def _branches(self, devices: Sequence[PciDevice]) -> Iterator[Branch]:
        if len(devices) <= _MOST_DEVICES or self.unfold:
            yield from self._rows(devices)
            return
        functions = [each for each in _virtual_functions(devices).values() if len(each) > _FEW_FUNCTIONS]
        folded = {device.address for each in functions for device in each}
        others = sorted((each for each in devices if each.address not in folded), key=_rank)
        shown = others[:_MOST_DEVICES]
        rows = dict(zip([device.address for device in shown], self._rows(shown), strict=True))
        for each in functions:
            what = f"({len(each)} virtual functions of {each[0].physical_function})"
            rows[each[0].address] = Branch(words(f"PCI {each[0].address} ... {each[-1].address}", what))
        yield from (rows[address] for address in sorted(rows))
        if len(others) > len(shown):
            yield Branch(words(f"and {count_text(len(others) - len(shown), 'more PCI device')}"))

    def _rows(self, devices: Sequence[PciDevice]) -> Iterator[Branch]:
        """One device a row, the names in a column."""
        names = [self._names(device) for device in devices]
        column = max(map(width, names), default=0)
        for device, text in zip(devices, names, strict=True):
            rest = [device.driver] if device.driver else []
            rest += [f"IOMMU group {device.iommu_group}"] if device.iommu_group is not None else []
            rest += [f"virtual function of {device.physical_function}"] if device.physical_function else []
            title = [Word(f"PCI {device.address}")]
            if text or (column and rest):
                title.append(Word(text + " " * (column - width(text) if rest else 0), CYAN))
            yield Branch([*title, *words(*([f"({', '.join(rest)})"] if rest else []))])

    def _names(self, device: PciDevice) -> str:
        more = 0 if self.unfold else len(device.names) - _MOST_NAMES
        return " ".join(device.names) if more <= 0 else f"{' '.join(device.names[:_MOST_NAMES])} and {more} more"


def _virtual_functions(devices: Sequence[PciDevice]) -> dict[PciAddress, list[PciDevice]]:
    found: dict[PciAddress, list[PciDevice]] = {}
    for device in devices:
        if device.physical_function is not None:
            found.setdefault(device.physical_function, []).append(device)
    return found


def _rank(device: PciDevice) -> tuple[bool, bool, PciAddress]:
    """What an operator looks for first: NICs, disks and GPUs, by their names; then what has a driver of its own."""
    return (not device.names, device.driver in _PLUMBING, device.address)


def _range(buses: PciBuses) -> str:
    last = "" if buses.last == buses.first else f"-{buses.last:02x}"
    return f"{buses.domain:04x}:{buses.first:02x}{last}"
