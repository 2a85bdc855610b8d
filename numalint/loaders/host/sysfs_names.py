"""What a domain may call the devices of a host, from sysfs: NICs, disks, mediated devices, HBAs, DAX.

A thing is on the last PCI device of its path. What is under devices/virtual, such as bonds, loops and the disks of
device mapper, is on none.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

import msgspec

from numalint.loaders.host.sysfs_values import Values
from numalint.loaders.host.tree import Tree
from numalint.model.host import PciAddress
from numalint.model.idset import HostNode

_NAMED = (
    "sys/class/net",
    "sys/block",
    "sys/class/infiniband",
    "sys/class/scsi_host",
    "sys/bus/mdev/devices",
    "sys/bus/vdpa/devices",
    "sys/bus/dax/devices",
)
"""The folders that have a link to each thing, by the name of the thing."""

_LINKS = "dev/disk/by-id"
_HBAS = "sys/class/fc_host"
_ADDRESS = re.compile(r"(?:^|/)([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])(?=/|$)")
_DEVICES, _VIRTUAL = "sys/devices/", "sys/devices/virtual/"
_DEEPEST = 16
_NVME_SUBSYSTEM = f"{_VIRTUAL}nvme-subsystem/"
_NVME_CONTROLLER = re.compile(r"nvme[0-9]+", re.ASCII)


class Names(msgspec.Struct, frozen=True):
    """The names and further names (aliases) on each PCI device, and those on a node that are on no PCI device."""

    names: dict[PciAddress, list[str]] = {}
    aliases: dict[PciAddress, list[str]] = {}
    on_nodes: dict[HostNode, list[str]] = {}


def read_names(values: Values) -> Names:
    """All names that lead to a PCI device or a node."""
    tree, found = values.tree, Names()
    for folder in _NAMED:
        for name in filter(_is_plain, tree.names(folder)):
            target = tree.link(f"{folder}/{name}") or f"{folder}/{name}"
            address = _address_of(tree, target)
            node = _node_of(values, target) if address is None else None
            for each in _called(tree, folder, name, target):
                if address is not None:
                    found.names.setdefault(address, []).append(each)
                elif node is not None:
                    found.on_nodes.setdefault(node, []).append(each)
    _add_aliases(values, found)
    return found


def addresses_on(path: str) -> list[PciAddress]:
    """The PCI devices on a path, from the root bus on."""
    return [PciAddress.parse(text) for text in _ADDRESS.findall(path)]


def _is_plain(name: str) -> bool:
    return name.isascii() and name.isprintable()


def _address_of(tree: Tree, target: str) -> PciAddress | None:
    """The PCI device of what has its folder at ``target``.

    On old kernels that folder is in the class, with a link to the device; a namespace of a multipath NVMe disk is in
    its subsystem's, with links to the controllers, of which it has one unless it can be reached in several ways.
    """
    on_path = addresses_on(target) or addresses_on(tree.link(f"{target}/device") or "")
    if not on_path and target.startswith(_NVME_SUBSYSTEM):
        subsystem = posixpath.dirname(target)
        controllers = [name for name in tree.names(subsystem) if _NVME_CONTROLLER.fullmatch(name)]
        ways = {tuple(addresses_on(tree.link(f"{subsystem}/{name}") or "")) for name in controllers}
        on_path = list(ways.pop()) if len(ways) == 1 else []
    return on_path[-1] if on_path else None


def _node_of(values: Values, target: str) -> HostNode | None:
    """The node of what is on no PCI device, as it or what it is part of states it: DAX and persistent memory."""
    if target.startswith(_VIRTUAL):
        return None
    for _ in range(_DEEPEST):
        if not target.startswith(_DEVICES):
            break
        number = values.number(f"{target}/numa_node", smallest=-1)
        if number is not None and number >= 0:
            return HostNode(number)
        target = posixpath.dirname(target)
    return None


def _called(tree: Tree, folder: str, name: str, target: str) -> Iterator[str]:
    """The names by which the XML of a domain may mean a thing."""
    if folder.endswith("/scsi_host"):
        yield f"scsi_{name}"
        return
    yield name.replace("!", "/")  # so the kernel writes the slash of /dev/cciss/c0d0
    if folder.endswith("/vdpa/devices"):
        yield from (each for each in tree.names(target) if each.startswith("vhost-vdpa-"))


def _add_aliases(values: Values, found: Names) -> None:
    """The links to disks by their ids, where the tree has /dev, and the WWPNs of fibre channel HBAs."""
    tree = values.tree
    owners = {name: address for address, names in found.names.items() for name in names}
    for name in filter(_is_plain, tree.names(_LINKS)):
        disk = (tree.link(f"{_LINKS}/{name}") or "").removeprefix("dev/")
        if disk in owners:
            found.aliases.setdefault(owners[disk], []).append(f"disk/by-id/{name}")
    for name in tree.names(_HBAS):
        target = tree.link(f"{_HBAS}/{name}") or f"{_HBAS}/{name}"
        port, address = values.text(f"{target}/port_name"), _address_of(tree, target)
        if port and address is not None and _is_plain(port):
            found.aliases.setdefault(address, []).append(port)
