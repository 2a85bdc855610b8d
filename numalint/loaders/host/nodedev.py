"""PCI devices from ``virsh nodedev-dumpxml``: one document, many one after another, or many under a wrapper root.

Neither NICs nor disks have a node of their own: their names go to the PCI device that their parents lead to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from numalint.loaders.document import Document, LoadError, ReadInput
from numalint.loaders.host.nodedev_device import NodeDevice, read_device
from numalint.loaders.host.values import Values, cut, host_name, torn_note
from numalint.loaders.xml import parse_stream
from numalint.model.host import Host, PciAddress, PciDevice
from numalint.model.idset import HostNode
from numalint.model.place import Place

_HIGHEST_TREE = 64
"""No tree of devices is as high; parents that go on so are in a circle, or an attack."""


def load(document: Document, read_input: ReadInput) -> Host:  # noqa: ARG001  # the hook's signature
    """The PCI devices of one file. Raises LoadError."""
    return load_all([document])


def load_all(documents: Sequence[Document]) -> Host:
    """The PCI devices of several files of one host, whose parents may be in other files. Raises LoadError."""
    notes: list[str] = []
    tree = _Tree([device for document in documents for device in _read(document, notes)])
    pci = tree.pci_devices()
    has_computer = any(device.is_computer for device in tree.devices)
    if tree.missing and has_computer:
        which = ", ".join(map(cut, tree.missing[:5]))
        notes.append(f"the parents {which} are in no file: the nodes of devices below them may be missing")
    if tree.torn:
        notes.append(torn_note(tree.torn))
    first = documents[0].path
    return Host(
        name=host_name(first),
        sources=tuple(document.path for document in documents),
        pci=pci,
        complete_pci=has_computer and bool(tree.by_address) and not tree.missing,
        place=Place(first, 0),
        notes=tuple(notes),
    )


def _read(document: Document, notes: list[str]) -> Iterator[NodeDevice]:
    try:
        document.data.decode()
    except UnicodeDecodeError as error:
        if b"type='system'" not in document.data and b'type="system"' not in document.data:
            line = document.data.count(b"\n", 0, error.start) + 1
            raise LoadError("it is not UTF-8", document.path, line, help="save the file as UTF-8") from None
        # DMI strings of the computer itself can be raw bytes. Nothing in it matters here but that it is there.
        notes.append(f"{document.path} has strings of the firmware that are not UTF-8: read with those replaced")
        document = Document(document.path, _replaced(document.data))
    roots = parse_stream(document)
    values = Values(document, *roots, placed=("device",))
    for root in roots:
        for element in root.iter("device"):
            parent = element.getparent()
            if parent is None or parent.tag != "capability":  # there <device> is the number of a USB device
                yield read_device(element, values)


def _replaced(data: bytes) -> bytes:
    """The same bytes with those that are not UTF-8 written as ``?``, so that all lines and columns stay."""
    return data.decode("utf-8", "surrogateescape").translate(_SURROGATES).encode()


_SURROGATES = dict.fromkeys(range(0xDC80, 0xDD00), "?")


class _Tree:
    """The devices of one host, joined by the names of their parents.

    ``torn`` are PCI devices that two documents put on different nodes; ``functions`` maps a virtual function to its
    physical one; ``missing`` are the parents of PCI devices that are in no file.
    """

    def __init__(self, devices: list[NodeDevice]) -> None:
        self.devices = devices
        self.by_address: dict[PciAddress, NodeDevice] = {}
        self.torn: set[PciAddress] = set()
        self.functions: dict[PciAddress, PciAddress] = {}
        self._by_name = _by_name(devices)
        self.missing = sorted(
            {each.parent for each in devices if each.pci and each.parent and each.parent not in self._by_name}
        )
        for device in devices:
            self._add(device)

    def _add(self, device: NodeDevice) -> None:
        if device.pci is None:
            return
        address = device.pci.address
        known = self.by_address.get(address)
        before = known.pci.node if known is not None and known.pci is not None else None
        if before is None:  # of two documents, the one that states more
            self.by_address[address] = device
        elif device.pci.node not in (None, before):
            self.torn.add(address)
        for function in device.pci.virtual_functions:
            self.functions.setdefault(function, address)
        if device.pci.physical_function is not None:
            self.functions[address] = device.pci.physical_function

    def pci_devices(self) -> dict[PciAddress, PciDevice]:
        """The PCI devices that are described, that carry a name, or that are functions of one described."""
        names: dict[PciAddress, dict[str, None]] = {}
        aliases: dict[PciAddress, dict[str, None]] = {}
        for device in self.devices:
            address = self._pci_of(device) if device.names else None
            if address is not None:
                names.setdefault(address, {}).update(dict.fromkeys(device.names))
                aliases.setdefault(address, {}).update(dict.fromkeys(device.aliases))
        return {
            address: self._pci_device(address, tuple(names.get(address, ())), tuple(aliases.get(address, ())))
            for address in sorted({*self.by_address, *names, *self.functions})
        }

    def _pci_device(self, address: PciAddress, names: tuple[str, ...], aliases: tuple[str, ...]) -> PciDevice:
        device, physical = self.by_address.get(address), self.functions.get(address)
        stated = device or (self.by_address.get(physical) if physical is not None else None)
        return PciDevice(
            address,
            node=None if address in self.torn else self._node(address),
            names=names,
            aliases=aliases,
            driver=device.driver if device is not None else None,
            iommu_group=device.pci.iommu_group if device is not None and device.pci is not None else None,
            physical_function=physical,
            place=stated.place if stated is not None else None,
        )

    def _pci_of(self, device: NodeDevice) -> PciAddress | None:
        """The PCI device that something hangs on: found by its parents, else by its path in /sys."""
        for each in self._upward(device):
            if each.pci is not None:
                return each.pci.address
        on_path = device.addresses_on_path
        return on_path[-1] if on_path else None

    def _upward(self, device: NodeDevice) -> Iterator[NodeDevice]:
        """The device and its parents as far as they are in the files."""
        at: NodeDevice | None = device
        for _ in range(_HIGHEST_TREE):
            if at is None:
                return
            yield at
            at = self._by_name.get(at.parent or "")

    def _node(self, address: PciAddress) -> HostNode | None:
        """The node of a PCI device: its own, else of its physical function, else of the bridges above."""
        device, physical = self.by_address.get(address), self.functions.get(address)
        if device is not None and device.pci is not None and device.pci.node is not None:
            return device.pci.node
        for start in (self.by_address.get(physical) if physical is not None else None, device):
            node = self._node_above(start) if start is not None else None
            if node is not None:
                return node
        return None

    def _node_above(self, device: NodeDevice) -> HostNode | None:
        bridges = (self.by_address.get(address) for address in reversed(device.addresses_on_path))
        for above in (*self._upward(device), *bridges):
            if above is not None and above.pci is not None and above.pci.node is not None:
                return None if above.pci.address in self.torn else above.pci.node
        return None


def _by_name(devices: list[NodeDevice]) -> dict[str, NodeDevice | None]:
    """The devices by their names; a name that two different ones have, as before libvirt 0.9, tells neither."""
    found: dict[str, NodeDevice | None] = {}
    for device in devices:
        if device.name:  # one that is yet to be created has none
            known = found.get(device.name, device)
            found[device.name] = device if known is not None and _same(known, device) else None
    return found


def _same(one: NodeDevice, other: NodeDevice) -> bool:
    addresses = tuple(each.pci and each.pci.address for each in (one, other))
    return addresses[0] == addresses[1] and (one.parent, one.path) == (other.parent, other.path)
