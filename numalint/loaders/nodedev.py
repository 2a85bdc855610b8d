"""PCI devices from ``virsh nodedev-dumpxml``: one document, many one after another, or many under a wrapper root.

Neither NICs nor disks have a node of their own: their names go to the PCI device that their parents lead to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from numalint.loaders.document import Document, Head, HostFormat, LoadError, ReadInput
from numalint.loaders.host_values import LARGEST_NODE, Values, host_name
from numalint.loaders.xml import Element, index_stream, parse_stream
from numalint.model.host import Host, PciAddress, PciDevice
from numalint.model.idset import HostNode
from numalint.model.place import TEXT, Place

_ADDRESS_IN_PATH = re.compile(r"(?:^|/)([0-9a-f]{4,8}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])(?=/|$)")
_MDEV = re.compile(r"mdev_([0-9a-f]{8}(?:_[0-9a-f]{4}){3}_[0-9a-f]{12})")
_LARGEST = (0xFFFFFFFF, 0xFF, 0x1F, 7)
_PARTS = ("domain", "bus", "slot", "function")
_ROOTS = ("device", "node", "devices", "nodedevs")


class _Device(msgspec.Struct):
    """A <device>: ``on_path`` are the PCI addresses of its sysfs path, from the root bus to itself."""

    name: str
    parent: str | None
    address: PciAddress | None
    on_path: tuple[PciAddress, ...]
    node: HostNode | None
    names: tuple[str, ...]
    driver: str | None
    iommu_group: int | None
    physical_function: PciAddress | None
    is_computer: bool
    place: Place


def load(document: Document, read_input: ReadInput) -> Host:  # noqa: ARG001  # the hook's signature
    """The PCI devices of one file. Raises LoadError."""
    return load_all([document])


def load_all(documents: Sequence[Document]) -> Host:
    """The PCI devices of several files of one host, whose parents may be in other files. Raises LoadError."""
    notes: list[str] = []
    devices = [device for document in documents for device in _read(document, notes)]
    by_name = {device.name: device for device in devices if device.name}  # a device yet to be created has no name
    by_address = {device.address: device for device in devices if device.address is not None}
    names = _names_by_address(devices, by_name)
    pci = {}
    for address in sorted(by_address.keys() | names.keys()):
        device = by_address.get(address)
        pci[address] = PciDevice(
            address,
            node=_node(device, by_name, by_address) if device else None,
            names=tuple(names.get(address, ())),
            driver=device.driver if device else None,
            iommu_group=device.iommu_group if device else None,
            physical_function=device.physical_function if device else None,
            place=device.place if device else None,
        )
    missing = sorted({d.parent for d in devices if d.address and d.parent and d.parent not in by_name})
    complete = not missing and bool(by_address) and any(device.is_computer for device in devices)
    if missing and any(device.is_computer for device in devices):
        notes.append(
            f"the parents {', '.join(missing[:5])} are in no file: the nodes of devices below them may be missing"
        )
    first = documents[0].path
    return Host(
        name=host_name(first),
        sources=tuple(document.path for document in documents),
        pci=pci,
        complete_pci=complete,
        place=Place(first, 0),
        notes=tuple(notes),
    )


def _read(document: Document, notes: list[str]) -> Iterator[_Device]:
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
    values = Values(document, index_stream(roots))
    for root in roots:
        for element in root.iter("device"):
            parent = element.getparent()
            if parent is None or parent.tag != "capability":  # there <device> is the number of a USB device
                yield _device(element, values)


def _replaced(data: bytes) -> bytes:
    """The same bytes with those that are not UTF-8 written as ``?``, so that all lines and columns stay."""
    return data.decode("utf-8", "surrogateescape").translate(_SURROGATES).encode()


_SURROGATES = dict.fromkeys(range(0xDC80, 0xDD00), "?")


def _device(element: Element, values: Values) -> _Device:
    capability = element.find("capability")
    kind = capability.get("type") if capability is not None else None
    pci = capability if kind == "pci" else None
    numa = pci.find("numa") if pci is not None else None
    group = pci.find("iommuGroup") if pci is not None else None
    function = pci.find("capability[@type='phys_function']/address") if pci is not None else None
    name = (element.findtext("name") or "").strip()
    return _Device(
        name=name,
        parent=(element.findtext("parent") or "").strip() or None,
        address=_address(pci, values) if pci is not None else None,
        on_path=_addresses_in(element.findtext("path") or ""),
        node=_numa(numa, values) if numa is not None else None,
        names=_names(name, kind, capability) if capability is not None else (),
        driver=(element.findtext("driver/name") or "").strip() or None,
        iommu_group=values.number_or_none(group, "number", 1 << 31) if group is not None else None,
        physical_function=_hexadecimal_address(function, values) if function is not None else None,
        is_computer=kind == "system",
        place=values.place(element),
    )


def _address(capability: Element, values: Values) -> PciAddress:
    """The address in the elements of a PCI capability, which are decimal."""
    parts = []
    for part, largest in zip(_PARTS, _LARGEST, strict=True):
        element = capability.find(part)
        if element is None:
            values.refuse(capability, None, f"this PCI device has no <{part}>")
        parts.append(values.number(element, TEXT, largest, hexadecimal=True))
    return PciAddress(*parts)


def _hexadecimal_address(element: Element, values: Values) -> PciAddress:
    """The address in the attributes of <address>, which are hexadecimal after 0x."""
    return PciAddress(
        *(
            values.number(element, part, largest, hexadecimal=True)
            for part, largest in zip(_PARTS, _LARGEST, strict=True)
        )
    )


def _numa(element: Element, values: Values) -> HostNode | None:
    """The node; libvirt leaves <numa> out where the kernel says -1, and an edited file may say so itself."""
    if element.get("node") == "-1":
        return None
    return HostNode(values.number(element, "node", LARGEST_NODE))


def _addresses_in(path: str) -> tuple[PciAddress, ...]:
    return tuple(PciAddress(*(int(part, 16) for part in parts)) for parts in _ADDRESS_IN_PATH.findall(path))


def _names(name: str, kind: str | None, capability: Element) -> tuple[str, ...]:
    """What a domain calls the device: a NIC's interface, a disk's file in /dev, a mediated device's UUID."""
    if kind == "net":
        found = capability.findtext("interface")
    elif kind == "storage":
        found = capability.findtext("block")
    elif kind == "vdpa":
        found = capability.findtext("chardev")
    elif kind == "mdev":
        match = _MDEV.match(name)
        found = capability.findtext("uuid") or (match[1].replace("_", "-") if match else None)
    elif kind == "scsi_host":
        found = name
    else:
        found = None
    found = (found or "").strip().removeprefix("/dev/")
    return (found,) if found else ()


def _names_by_address(devices: list[_Device], by_name: dict[str, _Device]) -> dict[PciAddress, list[str]]:
    """The names of what hangs on each PCI device, found by its parents, else by its sysfs path."""
    found: dict[PciAddress, list[str]] = {}
    for device in devices:
        address = _pci_above(device, by_name) if device.names else None
        if address is not None:
            known = found.setdefault(address, [])
            known.extend(name for name in device.names if name not in known)
    return found


def _pci_above(device: _Device, by_name: dict[str, _Device]) -> PciAddress | None:
    for each in _upward(device, by_name):
        if each.address is not None:
            return each.address
    return device.on_path[-1] if device.on_path else None


def _upward(device: _Device, by_name: dict[str, _Device]) -> Iterator[_Device]:
    """The device and its parents as far as they are in the files; a loop of parents ends."""
    seen = set()
    at: _Device | None = device
    while at is not None and at.name not in seen:
        seen.add(at.name)
        yield at
        at = by_name.get(at.parent or "")


def _node(device: _Device, by_name: dict[str, _Device], by_address: dict[PciAddress, _Device]) -> HostNode | None:
    """The node of a PCI device: its own, else of its physical function, else of the bridges above."""
    if device.node is not None:
        return device.node
    physical = by_address.get(device.physical_function) if device.physical_function else None
    for start in (physical, device):
        for above in _upward(start, by_name) if start is not None else ():
            if above.node is not None:
                return above.node
    for address in reversed(device.on_path):
        bridge = by_address.get(address)
        if bridge is not None and bridge.node is not None:
            return bridge.node
    return None


def _recognise(head: Head) -> bool:
    if head.namespace or head.element not in _ROOTS:
        return False
    return "<device>" in head.text and "<capability" in head.text


FORMAT = HostFormat("nodedev", 0, _recognise, load, partial=True)
