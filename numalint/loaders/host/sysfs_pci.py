"""The PCI devices that sysfs states: their nodes, drivers, IOMMU groups and physical functions."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

import msgspec

from numalint.loaders.host.sysfs_names import Names, addresses_on
from numalint.loaders.host.sysfs_values import Values
from numalint.loaders.host.tree import Tree
from numalint.model.host import Node, PciAddress, PciDevice
from numalint.model.idset import HostCpus, HostNode

_BUS = "sys/bus/pci"
_DEVICES = f"{_BUS}/devices"
_Homes = dict[HostNode, HostCpus | None]


class _Function(msgspec.Struct, frozen=True):
    """A PCI function: its folder, the node that its own files state, and the address of its physical function."""

    folder: str
    node: HostNode | None
    physical: PciAddress | None


def read_pci(
    values: Values, nodes: Sequence[Node], online: HostCpus, names: Names
) -> dict[PciAddress, PciDevice] | None:
    """All PCI devices; None where the tree has no folder of them."""
    tree = values.tree
    if "devices" not in tree.names(_BUS):
        return None
    homes = {node.id: node.cpus for node in nodes}
    functions = {}
    for name in tree.names(_DEVICES):
        for address in addresses_on(name):
            functions[address] = _function(values, name, homes, online)
    return {
        address: PciDevice(
            address,
            node=_node(function, functions),
            names=tuple(names.names.get(address, ())),
            aliases=tuple(names.aliases.get(address, ())),
            driver=_end_of_link(tree, f"{function.folder}/driver"),
            iommu_group=_iommu_group(tree, function.folder),
            physical_function=function.physical,
        )
        for address, function in sorted(functions.items())
    }


def _function(values: Values, name: str, homes: _Homes, online: HostCpus) -> _Function:
    listed = f"{_DEVICES}/{name}"
    folder = values.tree.link(listed) or listed  # some copies have the folder where the kernel has a link
    physical = addresses_on(values.tree.link(f"{folder}/physfn") or "")
    return _Function(folder, _own_node(values, folder, homes, online), physical[-1] if physical else None)


def _own_node(values: Values, folder: str, homes: _Homes, online: HostCpus) -> HostNode | None:
    """The node that a device's own files state: its numa_node, by which the kernel places buffers, else its CPUs.

    Where the kernel does not know it writes -1 and lists all CPUs. A node that is not there is not known either.
    """
    number = values.number(f"{folder}/numa_node", smallest=-1)
    if number is not None and number >= 0:
        return HostNode(number) if number in homes else None
    if len(homes) == 1:
        return None
    local = values.set_of_cpus(f"{folder}/local_cpulist", f"{folder}/local_cpus")
    if local is None or online <= local:
        return None
    near = [node for node, cpus in homes.items() if cpus and cpus & local]
    return near[0] if len(near) == 1 else None


def _node(function: _Function, functions: dict[PciAddress, _Function]) -> HostNode | None:
    """The node of a device: its own, else that of its physical function, else of the nearest bridge that has one."""
    physical = functions.get(function.physical) if function.physical is not None else None
    for start in (function, physical):
        if start is not None and start.node is not None:
            return start.node
    for address in reversed(addresses_on(function.folder)):
        bridge = functions.get(address)
        if bridge is not None and bridge.node is not None:
            return bridge.node
    return None


def _iommu_group(tree: Tree, folder: str) -> int | None:
    group = _end_of_link(tree, f"{folder}/iommu_group") or ""
    return int(group) if group.isascii() and group.isdecimal() and len(group) < 10 else None


def _end_of_link(tree: Tree, path: str) -> str | None:
    target = tree.link(path)
    return posixpath.basename(target) if target is not None else None
