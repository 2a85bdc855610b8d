"""Hosts from Linux sysfs: of the machine that numalint runs on, of a copy in a folder, or of an archive.

It states all that a rule asks for but libvirt's own names and what the operator intends (housekeeping CPUs).
"""

from __future__ import annotations

import os
import platform
import re

from msgspec.structs import replace

from numalint.loaders.document import Document, LoadError, ReadInput
from numalint.loaders.host.sysfs_cpus import read_cores, read_cpus, read_kinds, read_l3, read_sockets
from numalint.loaders.host.sysfs_names import read_names
from numalint.loaders.host.sysfs_nodes import read_nodes
from numalint.loaders.host.sysfs_pci import read_pci
from numalint.loaders.host.sysfs_values import Values
from numalint.loaders.host.tree import CPU_FOLDER, Folder, Tree, find_folder
from numalint.loaders.host.tree_archive import read_archive
from numalint.loaders.host.values import host_name
from numalint.model.host import Host

_LOCAL = "local"
_PACKED = re.compile(r"\.(?:t(?:ar|gz|bz2?|xz)|gz|bz2|xz)$", re.IGNORECASE)
_PCI = r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]"
_POOLS = r"hugepages(?:/hugepages-[0-9]+kB(?:/(?:nr|free)_hugepages)?)?"
_WANTED = re.compile(
    rf"""
    sys/devices/system/cpu(?:/(?:online|offline|present|isolated|cpu[0-9]+(?:/(?:
        online|cpu_capacity|topology(?:/(?:physical_package_id|(?:thread_siblings|core_cpus)(?:_list)?))?
        |cache(?:/index[0-9]+(?:/(?:level|type|size|shared_cpu_list|shared_cpu_map))?)?))?))?
    |sys/devices/system/node(?:/(?:online|node[0-9]+(?:/(?:cpulist|cpumap|distance|meminfo|cpu[0-9]+|{_POOLS}))?))?
    |sys/devices/cpu_(?:core|atom|lowpower)/cpus
    |sys/kernel/mm/{_POOLS}
    |sys/(?:devices/(?:[^/]+/)*|bus/pci/devices/){_PCI}
        (?:/(?:numa_node|local_cpulist|local_cpus|driver|iommu_group|physfn))?
    |sys/devices/(?:[^/]+/)*(?:numa_node|nvme-subsystem/[^/]+/nvme[0-9]+|vhost-vdpa-[0-9]+|fc_host/[^/]+/port_name)
    |sys/bus/(?:pci|mdev|vdpa|dax)/devices(?:/[^/]+)?
    |sys/(?:block|class/(?:net|infiniband|scsi_host|fc_host))(?:/[^/]+(?:/(?:device|port_name))?)?
    |dev/disk/by-id/[^/]+
    |proc/(?:cmdline|meminfo)
    """,
    re.VERBOSE | re.ASCII,
)
"""All paths that this module and those beside it read: no other member of an archive is kept."""


def load(document: Document, read_input: ReadInput) -> Host:  # noqa: ARG001  # the hook's signature
    """The host of an archive. Raises LoadError."""
    archive = read_archive(document, lambda path: _WANTED.fullmatch(path) is not None)
    return _host(archive, host_name(f"{_PACKED.sub('', _PACKED.sub('', document.path))}.tar"), document.path)


def load_folder(path: str) -> Host | None:
    """The host of a copy of sysfs in a folder; None where it holds none. Raises LoadError."""
    folder = find_folder(path)
    if folder is None:
        return None
    return _host(folder, os.path.basename(os.path.abspath(path)) or _LOCAL, path)


def load_local() -> Host:
    """The host of the machine that this runs on. Raises LoadError where it is no Linux."""
    folder = Folder("/", _LOCAL)
    if not folder.has_folder(CPU_FOLDER):
        raise LoadError(
            f"this machine has no /{CPU_FOLDER}: it is no Linux, or sysfs is not mounted",
            _LOCAL,
            help="name a file that describes the host, for example what virsh capabilities prints",
        )
    return _host(folder, platform.node() or _LOCAL, _LOCAL, platform.machine() or None)


def _host(tree: Tree, name: str, source: str, arch: str | None = None) -> Host:
    """What a tree states. No place is given: a file of sysfs has one value, and its path says where."""
    values, notes = Values(tree), list[str]()
    cpus = read_cpus(values, notes)
    online = cpus.online
    nodes, names = read_nodes(values, online, notes), read_names(values)
    pci = read_pci(values, nodes, online, names)
    return Host(
        name=name,
        sources=(source,),
        arch=arch,
        cpus=online,
        offline=cpus.offline,
        isolated=cpus.isolated,
        nodes=tuple(replace(node, names=tuple(names.on_nodes.get(node.id, ()))) for node in nodes),
        sockets=read_sockets(values, online),
        cores=read_cores(values, online, notes),
        l3=read_l3(values, online),
        kinds=read_kinds(values, online),
        pci=pci,
        complete_pci=pci is not None,
        notes=tuple(notes),
    )
