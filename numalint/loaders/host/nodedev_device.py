"""One ``<device>`` of libvirt's node device XML: its PCI address and node where it is one, and what it is called."""

from __future__ import annotations

import re

import msgspec

from numalint.loaders.host.values import LARGEST_NODE, Values
from numalint.loaders.xml import Element
from numalint.model.host import PciAddress
from numalint.model.idset import HostNode
from numalint.model.place import TEXT, Place

_ADDRESS_IN_PATH = re.compile(r"(?:^|/)([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])(?=/|$)")
_MDEV = re.compile(r"mdev_([0-9a-f]{8}(?:_[0-9a-f]{4}){3}_[0-9a-f]{12})", re.IGNORECASE)
_PARTS = (("domain", 0xFFFFFFFF), ("bus", 0xFF), ("slot", 0x1F), ("function", 7))
_LARGEST_GROUP = 1 << 31
_LARGEST_SCSI_HOST = 1 << 32
# Links that say nothing of which disk it is: by-path has the address in its name, by-diskseq changes at every boot.
_VOLATILE = ("disk/by-path/pci-", "disk/by-diskseq/")


class Pci(msgspec.Struct):
    """What ``<capability type='pci'>`` states; ``node`` is None where the kernel says -1 or nothing."""

    address: PciAddress
    node: HostNode | None = None
    iommu_group: int | None = None
    physical_function: PciAddress | None = None
    virtual_functions: tuple[PciAddress, ...] = ()


class NodeDevice(msgspec.Struct):
    """A ``<device>``. ``parent`` is the name of another, ``path`` its folder in /sys.

    ``names`` are what a domain may call it, ``aliases`` further names of the same.
    """

    name: str
    parent: str | None
    path: str
    pci: Pci | None
    names: tuple[str, ...]
    aliases: tuple[str, ...]
    driver: str | None
    is_computer: bool
    place: Place

    @property
    def addresses_on_path(self) -> tuple[PciAddress, ...]:
        """The PCI devices of its path in /sys, from the root bus to itself."""
        return tuple(PciAddress.parse(text) for text in _ADDRESS_IN_PATH.findall(self.path))


def read_device(element: Element, values: Values) -> NodeDevice:
    """Reads a ``<device>``. Raises LoadError for an address or a number that is none."""
    parts: dict[str, Element] = {}
    links: list[str] = []
    for child in element:
        parts.setdefault(child.tag, child)  # of several, libvirt reads the first
        if child.tag == "devnode" and child.get("type") == "link":
            links.append(_in_dev(child.text))
    name, capability, driver = _text(parts.get("name")), parts.get("capability"), parts.get("driver")
    kind = capability.get("type") if capability is not None else None
    return NodeDevice(
        name=name,
        parent=_text(parts.get("parent")) or None,
        path=_text(parts.get("path")) or _path_of_parent(capability),
        pci=_pci(capability, values) if capability is not None and kind == "pci" else None,
        names=_names(name, kind, capability, values) if capability is not None else (),
        aliases=_aliases(kind, capability, links) if capability is not None else (),
        driver=((driver.findtext("name") or "").strip() or None) if driver is not None else None,
        is_computer=kind == "system",
        place=values.place(element),
    )


def _text(element: Element | None) -> str:
    return (element.text or "").strip() if element is not None else ""


def _in_dev(text: str | None) -> str:
    return (text or "").strip().removeprefix("/dev/")


def _path_of_parent(capability: Element | None) -> str:
    """A mediated device that is not started has no path, but since libvirt 7.3 the address of its parent."""
    return (capability.findtext("parent_addr") or "").strip() if capability is not None else ""


def _pci(capability: Element, values: Values) -> Pci:
    """The elements with the address are decimal, the attributes of those of its functions hexadecimal after 0x."""
    parts: dict[str, Element] = {}
    functions: dict[str | None, Element] = {}
    for child in capability:
        if child.tag == "capability":
            functions.setdefault(child.get("type"), child)
        else:
            parts.setdefault(child.tag, child)
    for part, _ in _PARTS:
        if part not in parts:
            values.refuse(capability, None, f"this PCI device has no <{part}>")
    numa, group = parts.get("numa"), parts.get("iommuGroup")
    physical, virtual = functions.get("phys_function"), functions.get("virt_functions")
    of = physical.find("address") if physical is not None else None
    return Pci(
        PciAddress(*(values.number(parts[part], TEXT, largest, hexadecimal=True) for part, largest in _PARTS)),
        node=_node(numa, values) if numa is not None else None,
        iommu_group=values.number_or_none(group, "number", _LARGEST_GROUP) if group is not None else None,
        physical_function=_address(of, values) if of is not None else None,
        virtual_functions=tuple(_address(each, values) for each in virtual.iterfind("address"))
        if virtual is not None
        else (),
    )


def _address(element: Element, values: Values) -> PciAddress:
    return PciAddress(*(values.number(element, part, largest, hexadecimal=True) for part, largest in _PARTS))


def _node(element: Element, values: Values) -> HostNode | None:
    """Where the kernel says -1 libvirt leaves <numa> out, and an edited file may say so itself."""
    if element.get("node") == "-1":
        return None
    return HostNode(values.number(element, "node", LARGEST_NODE))


def _names(name: str, kind: str | None, capability: Element, values: Values) -> tuple[str, ...]:
    """A NIC's interface, a disk's file in /dev, a mediated device's UUID, an HBA's number."""
    found: str | None = None
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
        number = capability.find("host")
        found = name if number is None else f"scsi_host{values.number(number, TEXT, _LARGEST_SCSI_HOST)}"
    found = _in_dev(found)
    return (found,) if found else ()


def _aliases(kind: str | None, capability: Element, links: list[str]) -> tuple[str, ...]:
    """A disk's links in /dev, the WWPN of an HBA."""
    if kind == "storage":
        return tuple(link for link in links if link and not link.startswith(_VOLATILE))
    if kind == "scsi_host":
        port = (capability.findtext("capability[@type='fc_host']/wwpn") or "").strip()
        return (port,) if port else ()
    return ()
