import bz2
import gzip
import io
import lzma
import os
import platform
import tarfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from numalint.loaders.document import Document, LoadError, read_head
from numalint.loaders.host import sysfs, tree_archive, tree_stream
from numalint.loaders.host.formats import FORMATS
from numalint.loaders.host.inputs import load_inputs, recognise
from numalint.model.host import Fact, Host, PciAddress, Pool

MIB = 1 << 20
CPU, NODE, BUS = "sys/devices/system/cpu", "sys/devices/system/node", "sys/bus/pci/devices"


class Link(NamedTuple):
    target: str


Tree = dict[str, str | Link | None]
"""What stands at each path: a text, a link, or a folder (None)."""


def packed(tree: Tree, top: str = "kvm01/") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for path, content in tree.items():
            member = tarfile.TarInfo(top + path)
            if isinstance(content, Link):
                member.type, member.linkname = tarfile.SYMTYPE, content.target
            elif content is None:
                member.type = tarfile.DIRTYPE
            text = content.encode() if isinstance(content, str) else b""
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    return data.getvalue()


def unended(tree: Tree) -> bytes:
    """The archive of a tree, whose last file is not empty, without the mark of its end."""
    data = packed(tree)
    return data[: len(data.rstrip(b"\0")) + 511 & ~511]


def written(tree: Tree, folder: Path) -> Path:
    for path, content in tree.items():
        at = folder / path
        at.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Link):
            at.symlink_to(content.target)
        elif content is None:
            at.mkdir(exist_ok=True)
        else:
            at.write_text(content)
    return folder


def load(tree: Tree | bytes, path: str = "hosts/kvm01.tar.gz") -> Host:
    return sysfs.load(Document(path, tree if isinstance(tree, bytes) else packed(tree)), pytest.fail)


def refused(tree: Tree | bytes) -> LoadError:
    with pytest.raises(LoadError) as caught:
        load(tree)
    return caught.value


def cpu(number: int, siblings: str, package: int = 0, l3: str = "") -> Tree:
    folder = f"{CPU}/cpu{number}"
    found: Tree = {
        f"{folder}/topology/thread_siblings_list": f"{siblings}\n",
        f"{folder}/topology/physical_package_id": f"{package}\n",
        f"{folder}/cache/index0/level": "1\n",
    }
    if l3:
        found |= {
            f"{folder}/cache/index3/level": "3\n",
            f"{folder}/cache/index3/type": "Unified\n",
            f"{folder}/cache/index3/size": "32768K\n",
            f"{folder}/cache/index3/shared_cpu_list": f"{l3}\n",
        }
    return found


def node(number: int, cpus: str, distance: str, memory_kb: int = 1 << 20) -> Tree:
    folder = f"{NODE}/node{number}"
    return {
        f"{folder}/cpulist": f"{cpus}\n",
        f"{folder}/distance": f"{distance}\n",
        f"{folder}/meminfo": f"Node {number} MemTotal:       {memory_kb} kB\nNode {number} MemFree:  5 kB\n",
        f"{folder}/hugepages/hugepages-2048kB/nr_hugepages": "96\n",
        f"{folder}/hugepages/hugepages-2048kB/free_hugepages": "7\n",
    }


def device(address: str, numa: int | None = None, above: str = "", **links: str) -> Tree:
    """A PCI device below those ``above``, as the kernel has it: a folder, and a link to it on the bus."""
    folder = f"devices/pci0000:00/{above}{address}"
    found: Tree = {f"{BUS}/{address}": Link(f"../../../{folder}"), f"sys/{folder}": None}
    if numa is not None:
        found[f"sys/{folder}/numa_node"] = f"{numa}\n"
    return found | {f"sys/{folder}/{name}": Link(target) for name, target in links.items()}


def two_nodes() -> Tree:
    """Nodes 0 and 8 of two cores with two threads each; CPUs 3 and 7, one core, are isolated."""
    found: Tree = {
        f"{CPU}/present": "0-7\n",
        f"{CPU}/online": "0-7\n",
        f"{CPU}/offline": "\n",
        f"{CPU}/isolated": "3,7\n",
        f"{NODE}/online": "0,8\n",
        **node(0, "0-1,4-5", "10 21"),
        **node(8, "2-3,6-7", "20 10", 2 << 20),
    }
    for number in range(8):
        right = number % 4 // 2
        found |= cpu(number, f"{number % 4},{number % 4 + 4}", right * 36, ("0-1,4-5", "2-3,6-7")[right])
    return found


def one_node(cpus: int = 2) -> Tree:
    found: Tree = {f"{CPU}/online": f"0-{cpus - 1}\n", **node(0, f"0-{cpus - 1}", "10")}
    for number in range(cpus):
        found |= cpu(number, str(number))
    return found


def nodes(host: Host) -> list[tuple[int, str]]:
    return [(each.id, str(each.cpus)) for each in host.nodes or ()]


NIC = device("0000:01:00.0", 8, "0000:00:03.0/", driver="../../../bus/pci/drivers/ice", iommu_group="/sys/kernel/x/17")


def test_every_fact_of_a_two_node_host():
    ens3f0 = {"sys/class/net/ens3f0": Link("../../devices/pci0000:00/0000:00:03.0/0000:01:00.0/net/ens3f0")}
    host = load(two_nodes() | NIC | ens3f0)
    assert (host.name, host.sources, host.arch, host.notes) == ("kvm01", ("hosts/kvm01.tar.gz",), None, ())
    assert (str(host.cpus), str(host.offline), str(host.isolated)) == ("0-7", "", "3,7")
    assert nodes(host) == [(0, "0-1,4-5"), (8, "2-3,6-7")]
    assert [each.memory_bytes for each in host.nodes] == [1024 * MIB, 2048 * MIB]
    assert (host.distance(0, 8), host.distance(8, 0), host.distance(8, 8)) == (21, 20, 10)
    assert host.node_by_id[8].hugepages == {2 * MIB: Pool(96, 7)}
    assert [str(each) for each in host.cores] == ["0,4", "1,5", "2,6", "3,7"]
    assert [str(each) for each in host.sockets] == ["0-1,4-5", "2-3,6-7"]
    assert [(str(each.cpus), each.size_bytes) for each in host.l3] == [("0-1,4-5", 32 * MIB), ("2-3,6-7", 32 * MIB)]
    nic = host.pci[PciAddress(0, 1, 0, 0)]
    assert (nic.node, nic.driver, nic.iommu_group, nic.names) == (8, "ice", 17, ("ens3f0",))
    assert host.complete_pci
    assert host.unknown == {Fact.HOUSEKEEPING}


def test_a_folder_states_the_same_at_its_top_and_below(tmp_path):
    host = load(two_nodes() | NIC)
    for below in ("", "kvm01", "kvm01/fsroot", "a/b/c"):
        folder = written(two_nodes() | NIC, tmp_path / f"of{below.count('/')}{len(below)}" / below)
        given = next(each for each in (folder, *folder.parents) if each.parent == tmp_path)
        assert sysfs.load_folder(str(given)) == replace(host, name=given.name, sources=(str(given),))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("top", ["", "./", "/", "kvm01/", "./a//./kvm01/fsroot/"])
def test_an_archive_is_packed_and_rooted_as_it_likes(pack: Callable[[bytes], bytes], top: str):
    data = pack(packed(two_nodes(), top))
    assert recognise(read_head(data), FORMATS).name == "sysfs"
    assert load(data) == load(two_nodes())


def test_the_shortest_root_is_the_hosts():
    inner = packed(one_node(), "kvm01/var/lib/machines/guest/")
    with tarfile.open(fileobj=io.BytesIO(inner)) as archive:
        assert archive.getnames()[0].startswith("kvm01/var")
    both = {f"var/lib/guest/{path}": content for path, content in one_node().items()} | two_nodes()
    assert nodes(load(both)) == [(0, "0-1,4-5"), (8, "2-3,6-7")]


def test_no_place_is_given_since_a_file_of_sysfs_has_one_value():
    host = load(two_nodes() | NIC)
    assert host.place is None
    assert {each.place for each in host.nodes} == {None}


@pytest.mark.parametrize(
    ("path", "name"),
    [("hosts/kvm01.tar", "kvm01"), ("a/kvm01.example.tar.bz2", "kvm01.example"), ("x.TGZ", "x"), ("x.txz", "x")],
)
def test_name_is_the_archives_without_what_it_is_packed_by(path: str, name: str):
    assert load(packed(one_node()), path).name == name


# What a CPU says ------------------------------------------------------------------------------------------------------


def test_missing_file_is_unknown_where_an_empty_line_is_none():
    host = load(one_node())
    assert (host.isolated, str(load(one_node() | {f"{CPU}/isolated": "\n"}).isolated)) == (None, "")
    assert {Fact.ISOLATED, Fact.L3, Fact.PCI, Fact.PCI_NODE, Fact.NAMES} <= host.unknown


def test_offline_list_goes_on_beyond_the_cpus_that_are_present():
    off = {f"{CPU}/present": "0-3\n", f"{CPU}/online": "0-1\n", f"{CPU}/offline": "2-3,4-191\n"}
    host = load(one_node(4) | off)
    assert (str(host.cpus), str(host.offline)) == ("0-1", "2-3")


def test_offline_cpu_has_no_topology_and_no_home():
    off: Tree = {f"{CPU}/present": "0-2\n", f"{CPU}/offline": "2\n", f"{CPU}/cpu2/online": "0\n"}
    host = load(one_node(2) | off | {f"{NODE}/node0/cpulist": "0-2\n"})
    assert (str(host.offline), nodes(host)) == ("2", [(0, "0-1")])
    assert [str(core) for core in host.cores] == ["0", "1"]


def test_old_kernel_has_no_lists_but_a_flag_for_each_cpu_that_can_be_off():
    tree: Tree = {f"{CPU}/cpu0/topology/thread_siblings": "00000000,00000005\n"}
    for number in (1, 2):
        tree[f"{CPU}/cpu{number}/online"] = f"{number // 2}\n"
        tree[f"{CPU}/cpu{number}/topology/thread_siblings"] = "5\n"
    host = load(tree)
    assert (str(host.cpus), str(host.offline), [str(core) for core in host.cores]) == ("0,2", "1", ["0,2"])
    assert load({f"{CPU}/cpu0/online": "1\n", f"{CPU}/cpu1": None}).offline is not None
    assert load({f"{CPU}/cpu0": None, f"{CPU}/cpu1": None}).offline is None


def test_online_cpus_that_were_cut_out_of_the_copy_are_left_out():
    host = load(one_node(2) | {f"{CPU}/online": "0-63\n", f"{CPU}/present": "0-63\n"})
    assert (str(host.cpus), str(host.offline)) == ("0-1", "")
    assert host.notes == ("CPUs 2-63 are online but have no folder in this copy of sysfs: left out",)


def test_null_of_the_kernel_is_an_empty_list():
    assert str(load(one_node() | {f"{CPU}/isolated": "         (null)\n"}).isolated) == ""


@pytest.mark.parametrize(
    ("line", "isolated"),
    [
        ("ro isolcpus=1,5-99 quiet", "1"),
        ("isolcpus=nohz,domain,managed_irq,0-1", "0-1"),
        ("isolcpus=managed_irq,1", ""),
        ("quiet", ""),
        ("isolcpus=1-N", "None"),
    ],
)
def test_command_line_says_what_is_isolated_where_the_kernel_has_no_file(line: str, isolated: str):
    host = load(one_node() | {"proc/cmdline": f"{line}\n"})
    assert str(host.isolated) == isolated
    assert bool(host.notes) == (isolated == "None")
    assert str(load(one_node() | {"proc/cmdline": f"{line}\n", f"{CPU}/isolated": "0\n"}).isolated) == "0"


def test_core_is_the_thread_siblings_whatever_core_ids_say():
    """The two CPUs of a Bulldozer module have different core ids; on other hosts ids repeat."""
    ids: Tree = {f"{CPU}/cpu0/topology/core_id": "0\n", f"{CPU}/cpu1/topology/core_id": "1\n"}
    host = load(one_node(3) | cpu(0, "0-1") | cpu(1, "0-1") | ids)
    assert [str(core) for core in host.cores] == ["0-1", "2"]


def test_hybrid_has_cores_of_one_and_of_two_threads():
    kinds: Tree = {"sys/devices/cpu_core/cpus": "0-1\n", "sys/devices/cpu_atom/cpus": "2-3\n"}
    host = load(one_node(4) | cpu(0, "0-1") | cpu(1, "0-1") | kinds)
    assert [str(core) for core in host.cores] == ["0-1", "2", "3"]
    assert {kind: str(cpus) for kind, cpus in host.kinds.items()} == {"performance": "0-1", "efficiency": "2-3"}


def test_arms_kinds_are_the_capacities_where_there_are_several():
    capacities: Tree = {f"{CPU}/cpu{number}/cpu_capacity": ("446\n", "1024\n")[number // 2] for number in range(4)}
    host = load(one_node(4) | capacities)
    assert {kind: str(cpus) for kind, cpus in host.kinds.items()} == {"capacity-1024": "2-3", "capacity-446": "0-1"}
    assert load(one_node(2) | dict.fromkeys(list(capacities)[:2], "1024\n")).kinds is None


def test_cpu_that_does_not_name_its_siblings_or_package_leaves_cores_and_sockets_unknown():
    silent = {path: text for path, text in one_node().items() if "cpu1/topology" not in path}
    host = load(silent)
    assert (host.cores, host.sockets) == (None, None)
    assert load(one_node() | {f"{CPU}/cpu1/topology/physical_package_id": "-1\n"}).sockets is None


def test_siblings_that_contradict_each_other_are_no_cores():
    host = load(one_node(2) | cpu(1, "0"))
    assert host.cores is None
    assert host.notes == ("the thread siblings of its CPUs contradict each other: cores are not known",)


def test_new_names_of_the_sibling_files():
    tree: Tree = {f"{CPU}/online": "0-1\n"}
    for number in range(2):
        tree[f"{CPU}/cpu{number}/topology/core_cpus_list"] = "0-1\n"
    assert [str(core) for core in load(tree).cores] == ["0-1"]
    tree = {path.removesuffix("_list"): "00000003\n" if "core_cpus" in path else text for path, text in tree.items()}
    assert [str(core) for core in load(tree).cores] == ["0-1"]


# What a node says -----------------------------------------------------------------------------------------------------


def test_cpus_of_old_nodes_are_known_by_links_only():
    tree: Tree = {f"{NODE}/node0/cpu0": Link("../../cpu/cpu0"), f"{NODE}/node1/cpu1": Link("../../cpu/cpu1")}
    tree |= {f"{NODE}/node1/cpu7": Link("../../cpu/cpu7"), f"{NODE}/node2/meminfo": "Node 2 MemTotal: 4 kB\n"}
    host = load(tree | cpu(0, "0") | cpu(1, "1"))
    assert nodes(host) == [(0, "0"), (1, "1"), (2, "")]
    assert [each.memory_bytes for each in host.nodes] == [None, None, 4096]


def test_nodes_that_list_no_cpus_at_all_are_not_nodes_without_cpus():
    host = load({f"{NODE}/node0": None, f"{NODE}/node1": None, **cpu(0, "0")})
    assert nodes(host) == [(0, "None"), (1, "None")]
    assert Fact.NODES in host.unknown


def test_mask_is_read_where_there_is_no_list():
    tree = {path: text for path, text in two_nodes().items() if not path.endswith("cpulist")}
    maps: Tree = {f"{NODE}/node0/cpumap": "00,00000033\n", f"{NODE}/node8/cpumap": "00,000000cc\n"}
    assert nodes(load(tree | maps)) == [(0, "0-1,4-5"), (8, "2-3,6-7")]


def test_columns_of_distances_are_the_online_nodes_in_order():
    tree = two_nodes() | node(2, "", "13 10 14") | {f"{NODE}/online": "0,2,8\n"}
    tree |= {f"{NODE}/node0/distance": "10 12 21\n", f"{NODE}/node8/distance": "20 15 10\n"}
    host = load(tree)
    assert (host.distance(0, 2), host.distance(2, 8), host.distance(8, 2), host.distance(0, 8)) == (12, 14, 15, 21)


def test_row_of_distances_that_fits_no_nodes_is_unknown():
    host = load(two_nodes() | {f"{NODE}/node8/distance": "20 15 10\n"})
    assert host.node_by_id[8].distances == {}
    assert host.notes == ("node 8 has 3 distances for 2 online nodes: they are not known",)


def test_memory_only_node_has_no_cpus_and_is_known_to_have_none():
    host = load(two_nodes() | node(250, "", "17 28 10") | {f"{NODE}/online": "0,8,250\n"})
    assert nodes(host)[2] == (250, "")
    assert Fact.NODES not in host.unknown


def test_node_may_list_cpus_that_are_not_there():
    host = load(one_node(2) | {f"{NODE}/node0/cpulist": "0-140\n"})
    assert nodes(host) == [(0, "0-1")]


def test_cpu_in_two_nodes_is_in_the_lower():
    host = load(two_nodes() | {f"{NODE}/node8/cpulist": "1-3,6-7\n"})
    assert nodes(host) == [(0, "0-1,4-5"), (8, "2-3,6-7")]
    assert host.notes == ("CPU 1 is in each of the nodes 0,8: took the lowest",)


def test_no_folder_of_nodes_is_one_node():
    tree = {path: text for path, text in one_node().items() if not path.startswith(NODE)}
    pools: Tree = {"sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages": "3\n"}
    host = load(tree | pools | {"proc/meminfo": "MemTotal:        2048 kB\nMemFree: 1 kB\n"})
    assert nodes(host) == [(0, "0-1")]
    assert host.nodes[0].memory_bytes == 2 * MIB
    assert host.nodes[0].hugepages == {1024 * MIB: Pool(3)}
    assert host.notes == (f"there is no {NODE}: took all CPUs and memory as node 0 (assumed)",)
    assert load(tree).nodes[0].memory_bytes is None


def test_only_node_without_meminfo_has_all_memory_that_there_is():
    tree = {path: text for path, text in one_node().items() if not path.endswith("meminfo")}
    assert load(tree | {"proc/meminfo": "MemTotal: 8 kB\n"}).nodes[0].memory_bytes == 8192


# What PCI devices say -------------------------------------------------------------------------------------------------


def node_of(host: Host, address: str) -> int | None:
    return host.pci[PciAddress.parse(address)].node


def test_numa_node_counts_before_local_cpus_and_those_before_bridges():
    tree = two_nodes() | device("0000:00:03.0", 8)
    for number, (numa, cpus) in enumerate([(0, "2-3,6-7"), (-1, "0-1"), (-1, "0-7"), (None, "1-2"), (7, "0")]):
        address = f"0000:01:00.{number}"
        tree |= device(address, numa, "0000:00:03.0/")
        tree[f"sys/devices/pci0000:00/0000:00:03.0/{address}/local_cpulist"] = f"{cpus}\n"
    host = load(tree)
    assert [node_of(host, f"0000:01:00.{number}") for number in range(5)] == [0, 0, 8, 8, 8]


def test_minus_one_up_to_the_root_is_unknown_but_on_a_host_of_one_node():
    tree = device("0000:00:03.0", -1) | device("0000:01:00.0", -1, "0000:00:03.0/")
    host = load(two_nodes() | tree)
    assert node_of(host, "0000:01:00.0") is None
    assert Fact.PCI_NODE in host.unknown
    assert Fact.PCI_NODE not in load(one_node() | tree).unknown


def test_virtual_function_without_a_node_has_that_of_its_physical_function():
    functions = device("0000:01:00.0", 8) | device("0000:01:10.0", -1, physfn="../0000:01:00.0")
    host = load(two_nodes() | functions)
    virtual = host.pci[PciAddress(0, 1, 16, 0)]
    assert (virtual.node, str(virtual.physical_function)) == (8, "0000:01:00.0")


def test_devices_are_folders_where_the_copy_followed_links():
    host = load(two_nodes() | {f"{BUS}/0000:01:00.0/numa_node": "8\n"})
    assert node_of(host, "0000:01:00.0") == 8


def test_bus_without_devices_is_known_to_have_none_and_no_bus_is_unknown():
    assert load(one_node() | {BUS: None}).pci == {}
    assert load(one_node()).pci is None
    assert not load(one_node()).complete_pci


def test_names_are_those_that_a_domain_uses():
    above = "../../devices/pci0000:00/0000:01:00.0"
    uuid = "b1ae8bf3-38e6-4a3b-a1f0-11a6b1a1a1a1"
    host = load(
        one_node()
        | device("0000:01:00.0")
        | device("10000:e1:00.0")
        | {
            "sys/class/net/eth0": Link(f"{above}/virtio0/net/eth0"),
            "sys/class/net/bond0": Link("../../devices/virtual/net/bond0"),
            "sys/block/sda": Link("../devices/pci0000:00/0000:01:00.0/ata1/host0/target0:0:0/0:0:0:0/block/sda"),
            "sys/block/cciss!c0d0": Link("../devices/pci0000:00/0000:01:00.0/cciss0/c0d0/block/cciss!c0d0"),
            "sys/block/dm-0": Link("../devices/virtual/block/dm-0"),
            "sys/class/infiniband/mlx5_0": Link(f"{above}/infiniband/mlx5_0"),
            "sys/class/scsi_host/host0": Link(f"{above}/ata1/host0/scsi_host/host0"),
            "sys/bus/mdev/devices/" + uuid: Link(f"../{above}/{uuid}"),
            "sys/bus/vdpa/devices/vdpa0": Link(f"../{above}/vdpa0"),
            "sys/devices/pci0000:00/0000:01:00.0/vdpa0/vhost-vdpa-0": None,
            "sys/block/nvme0n1": Link(
                "../devices/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e1:00.0/nvme/nvme0/nvme0n1"
            ),
        }
    )
    names = ("eth0", "cciss/c0d0", "sda", "mlx5_0", "scsi_host0", uuid, "vdpa0", "vhost-vdpa-0")
    assert host.pci[PciAddress(0, 1, 0, 0)].names == names
    assert host.address_named("/dev/sda2") == PciAddress(0, 1, 0, 0)
    assert host.pci[PciAddress(0x10000, 0xE1, 0, 0)].names == ("nvme0n1",)


def test_aliases_are_links_to_disks_by_id_and_wwpns():
    hba = "devices/pci0000:00/0000:01:00.0/host0"
    tree: Tree = {
        "sys/block/sda": Link(f"../{hba}/rport-0:0-1/target0:0:0/0:0:0:0/block/sda"),
        "dev/disk/by-id/wwn-0x5000": Link("../../sda"),
        "dev/disk/by-id/wwn-0x5000-part1": Link("../../sda1"),
        "dev/disk/by-id/dm-name-root": Link("../../dm-0"),
        "sys/class/fc_host/host0": Link(f"../../{hba}/fc_host/host0"),
        f"sys/{hba}/fc_host/host0/port_name": "0x21000024ff7b1b4a\n",
    }
    host = load(one_node() | device("0000:01:00.0") | tree)
    assert host.pci[PciAddress(0, 1, 0, 0)].aliases == ("disk/by-id/wwn-0x5000", "0x21000024ff7b1b4a")


def test_dax_and_persistent_memory_are_on_a_node_and_no_pci_device():
    region = "devices/LNXSYSTM:00/ACPI0012:00/ndbus0/region0"
    tree: Tree = {
        f"sys/{region}/numa_node": "8\n",
        f"sys/{region}/dax0.0/numa_node": "-1\n",
        "sys/bus/dax/devices/dax0.0": Link(f"../../../{region}/dax0.0/dax0.0"),
        "sys/block/pmem0": Link(f"../{region}/namespace0.0/block/pmem0"),
        "sys/block/vda": Link("../devices/platform/a003e00.virtio_mmio/virtio0/block/vda"),
    }
    host = load(two_nodes() | tree)
    assert [each.names for each in host.nodes] == [(), ("pmem0", "dax0.0")]
    assert host.node_named("/dev/dax0.0") == 8


def test_old_kernels_have_a_folder_with_a_link_to_the_device_in_the_class():
    eth0 = {"sys/class/net/eth0/device": Link("../../../devices/pci0000:00/0000:01:00.0")}
    assert load(one_node() | device("0000:01:00.0") | eth0).names == {"eth0": PciAddress(0, 1, 0, 0)}


def test_multipath_namespace_is_on_its_controller_unless_it_has_several():
    subsystem = "devices/virtual/nvme-subsystem/nvme-subsys0"
    tree = one_node() | device("0000:01:00.0") | {"sys/block/nvme0n1": Link(f"../{subsystem}/nvme0n1")}
    tree[f"sys/{subsystem}/nvme0"] = Link("../../../pci0000:00/0000:01:00.0/nvme/nvme0")
    assert load(tree).names == {"nvme0n1": PciAddress(0, 1, 0, 0)}
    tree[f"sys/{subsystem}/nvme1"] = Link("../../../pci0000:00/0000:02:00.0/nvme/nvme1")
    assert load(tree).names == {}


# What is wrong --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        (f"{CPU}/online", "0-x\n", "holds '0-x', which is no list of CPUs: "),
        (f"{CPU}/online", "0-16384\n", "holds '0-16384', which is no list of CPUs: 16384 is over 16383"),
        (f"{CPU}/online", "9\n", "names no CPU that is online"),
        (f"{CPU}/cpu16384", None, "is over 16383, the largest that there is"),
        (f"{CPU}/cpu{'9' * 3000}", None, "is over 16383, the largest that there is"),
        (f"{NODE}/node4096", None, "is over 1023, the largest that there is"),
        (f"{NODE}/online", "a\n", "holds 'a', which is no list of nodes: "),
        (f"{NODE}/node0/distance", "10 -1\n", "holds '10 -1', which is no row of distances"),
        (f"{CPU}/cpu0/topology/physical_package_id", "-2\n", "holds '-2', which is no number from -1 on"),
        (
            f"{NODE}/node0/hugepages/hugepages-2048kB/nr_hugepages",
            "many\n",
            "holds 'many', which is no number from 0 on",
        ),
        (f"{CPU}/cpu0/cache/index3/size", "1 MB\n", "holds '1 MB', which is no size"),
        (f"{CPU}/online", "x" * 70000, "is larger than 64 KiB, which no file of sysfs is"),
        (f"{CPU}/online", Link("/etc/passwd"), "is no plain file (a link, a pipe, a device?)"),
    ],
)
def test_errors_say_which_file_and_what(path: str, text: str | Link | None, message: str):
    error = refused(two_nodes() | {path: text})
    assert error.path == "hosts/kvm01.tar.gz"
    assert error.message.startswith((path[:60], CPU))
    assert message in error.message
    assert "hwloc-gather-topology" in error.help


def test_what_a_terminal_obeys_is_not_in_an_error():
    folder = "sys/devices/\x1b[2J/0000:01:00.0"
    error = refused(one_node() | {f"{BUS}/0000:01:00.0": Link(f"../../../../{folder}"), f"{folder}/numa_node": "x\n"})
    assert error.message.startswith("'sys/devices/\\x1b[2J/0000:01:00.0/numa_node' holds 'x'")


def test_mask_that_is_none():
    tree = {path: text for path, text in two_nodes().items() if not path.endswith("cpulist")}
    for text in ("0x3", "3,3", "1" + ",00000000" * 512):
        assert "which is no mask of CPUs up to 16383" in refused(tree | {f"{NODE}/node0/cpumap": f"{text}\n"}).message


# Archives that mean no good -------------------------------------------------------------------------------------------


def raw(*members: tuple[tarfile.TarInfo, bytes], pax: bool = False) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT if pax else tarfile.GNU_FORMAT) as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


def member(path: str, type: bytes = tarfile.REGTYPE, size: int = 0, link: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(path)
    found.type, found.size, found.linkname = type, size, link
    return found


def appended(*members: tuple[tarfile.TarInfo, bytes], tree: Tree | None = None) -> bytes:
    """The archive of a tree with more members after it."""
    data = io.BytesIO(packed(one_node() if tree is None else tree, ""))
    with tarfile.open(fileobj=data, mode="a") as archive:
        for each, content in members:
            archive.addfile(each, io.BytesIO(content))
    return data.getvalue()


def test_members_that_climb_out_are_passed_over():
    climbing = (member(f"x/../{CPU}/online", size=2), b"9\n")
    assert load(appended(climbing)) == load(one_node())


def test_links_that_leave_the_archive_lead_nowhere():
    tree = device("0000:01:00.0") | {
        "sys/class/net/eth0": Link("../../../../../../0000:01:00.0"),
        f"{BUS}/0000:02:00.0": Link("../../../../../etc"),
    }
    host = load(one_node() | tree)
    assert host.names == {}
    assert host.pci[PciAddress(0, 2, 0, 0)].node is None


def test_hard_link_is_the_member_that_it_names_or_no_file():
    linked = (member(f"{CPU}/isolated", tarfile.LNKTYPE, link=f"{CPU}/online"), b"")
    assert str(load(appended(linked)).isolated) == "0-1"
    astray = (member(f"{CPU}/isolated", tarfile.LNKTYPE, link="/etc/shadow"), b"")
    message = f"{CPU}/isolated is a hard link to a member that the archive does not have before it"
    assert refused(appended(astray)).message == message


@pytest.mark.parametrize("type", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_what_is_no_file_is_never_taken_for_one(type: bytes):
    special = (member(f"{CPU}/isolated", type), b"")
    assert refused(appended(special)).message == f"{CPU}/isolated is no plain file (a link, a pipe, a device?)"
    assert load(appended((member("dev/null", type), b""))) == load(one_node())


def sparse(path: str, size: int) -> tuple[tarfile.TarInfo, bytes]:
    """A file of one byte at the end of a hole, as GNU tar packs it."""
    chart = f"1\n{size - 1}\n1\n".encode().ljust(512, b"\0")
    found = member("GNUSparseFile.0/x", size=len(chart) + 1)
    found.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": path}
    found.pax_headers["GNU.sparse.realsize"] = str(size)
    return found, chart + b"\n"


def test_hole_of_ten_gibibytes_is_not_filled():
    data = raw(sparse(f"{CPU}/online", 10 << 30), pax=True)
    tracemalloc.start()
    assert refused(data).message == f"{CPU}/online is packed as a sparse file"
    assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("pack", "message"),
    [
        (lambda zeros: raw((member(f"{CPU}/online", size=len(zeros)), zeros)), f"{CPU}/online is larger than 64 KiB"),
        (lambda zeros: zeros, "this archive holds no sysfs tree"),
        (lambda zeros: raw((member("x", size=len(zeros)), zeros)), "this archive holds no sysfs tree"),
    ],
)
def test_200_mib_of_zeros_in_200_kib_are_not_held(pack: Callable[[bytes], bytes], message: str):
    bomb = gzip.compress(pack(bytes(200 * MIB)), compresslevel=1)
    assert len(bomb) < MIB
    tracemalloc.start()
    assert refused(bomb).message.startswith(message)
    assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    tracemalloc.stop()


def test_xz_of_several_streams_is_one_and_takes_no_memory_that_it_asks_for(monkeypatch):
    data = packed(two_nodes())
    pieces = [lzma.compress(data[:5000]), b"\0" * 8, lzma.compress(b""), lzma.compress(data[5000:]), b"\0" * 4]
    assert load(b"".join(pieces)) == load(two_nodes())
    monkeypatch.setattr(tree_stream, "MOST_XZ_MEMORY", MIB)
    error = refused(lzma.compress(data))
    assert error.message.startswith("this archive has headers that ask for more than 1 MiB to unpack it")


def test_unpacked_stream_is_bounded(monkeypatch):
    monkeypatch.setattr(tree_stream, "MOST_BYTES", MIB)
    message = "this archive has more than 1 MiB, which no copy of sysfs has"
    assert refused(gzip.compress(packed(one_node()) + bytes(MIB))).message == message
    claimed = member("x", size=10 << 30).tobuf()
    assert refused(unended(one_node()) + claimed).message == message
    assert refused(claimed).message == message


def test_members_and_what_is_kept_of_them_are_bounded(monkeypatch):
    monkeypatch.setattr(tree_archive, "MOST_MEMBERS", 5)
    assert refused(one_node()).message == "this archive has more than 5 members, which no copy of sysfs has"
    monkeypatch.setattr(tree_archive, "MOST_MEMBERS", 500)
    monkeypatch.setattr(tree_archive, "MOST_KEPT", MIB)
    long: Tree = {f"sys/class/net/{number}": Link("x" * 60000) for number in range(20)}
    assert "more than 1 MiB of files of sysfs" in refused(raw(*[
        (member(path, tarfile.SYMTYPE, link=link.target), b"") for path, link in long.items()
    ])).message  # fmt: skip


def test_headers_without_end_are_refused():
    named = "this archive has a member with more than 64 KiB of headers, which no copy of sysfs has"
    assert refused(raw((member("x" * MIB), b""))).message == named
    assert refused(raw((member("x" * MIB), b""), pax=True)).message == named
    chain = member("././@LongLink", tarfile.GNUTYPE_LONGNAME, size=1).tobuf() + b"x".ljust(512, b"\0")
    assert refused(chain * 5000).message == named


def test_size_below_zero_does_not_lead_back_without_end():
    header = bytearray(member("x").tobuf())
    header[124:136] = (-(1 << 12)).to_bytes(12, "big", signed=True)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    assert "damaged or cut off" in refused(unended(one_node()) + bytes(header) + bytes(1024)).message


def test_a_path_of_thousands_of_folders_is_passed_over():
    deep = member("sys/devices/" + "a/" * 4000 + "0000:01:00.0/numa_node")
    assert load(appended((deep, b""))) == load(one_node())


def test_archive_that_is_cut_off_anywhere_is_refused():
    data = packed(two_nodes())
    end = len(unended(two_nodes()))
    for cut in (512, 700, end - 512, end - 100, end, 512 * 20):
        error = refused(data[:cut])
        assert error.message.startswith("this archive is damaged or cut off after "), cut
        assert error.help == "copy it again, or make it anew"
    for pack in (gzip.compress, bz2.compress, lzma.compress):
        squeezed = pack(data)
        for cut in (len(squeezed) // 2, len(squeezed) - 1):
            assert (
                "damaged or cut off" in refused(squeezed[:cut]).message
                or "no tar archive" in refused(squeezed[:cut]).message
            )


def test_archive_that_is_damaged_is_refused():
    data = bytearray(packed(two_nodes()))
    data[512 * 10 + 150 :: 512] = bytes(len(data[512 * 10 + 150 :: 512]))  # checksums of headers
    assert "damaged or cut off after " in refused(bytes(data)).message
    squeezed = bytearray(gzip.compress(packed(two_nodes())))
    squeezed[-6] ^= 1  # the checksum of all
    assert "damaged or cut off after " in refused(bytes(squeezed)).message


@pytest.mark.parametrize("data", [b"<domain/>\n" * 100, b"", bytes(100), os.urandom(20000)])
@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_file_that_is_no_archive(pack: Callable[[bytes], bytes], data: bytes):
    error = refused(pack(data))
    assert error.message.startswith("it is no tar archive: ")
    assert error.help == "hwloc-gather-topology --io NAME makes one"


def test_archive_without_sysfs_says_what_was_looked_for():
    error = refused({"etc/passwd": "x"})
    assert error.message == f"this archive holds no sysfs tree: {CPU} is not among its 1 members"
    assert error.help == "hwloc-gather-topology --io NAME makes one"
    assert refused({"kvm01.tar.bz2": "x"}).help == "unpack the archive 'kvm01/kvm01.tar.bz2' that is in it"


def test_archive_of_several_hosts_names_them():
    both = {f"{name}/{path}": text for name in ("kvm02", "kvm03") for path, text in one_node().items()}
    error = refused(both)
    assert error.message == "it holds the sysfs trees of 2 hosts: 'kvm01/kvm02', 'kvm01/kvm03'"
    assert error.help == "give each host a folder or an archive of its own"


# Folders that mean no good --------------------------------------------------------------------------------------------


def test_folder_without_sysfs_is_none(tmp_path):
    written({"net.xml": "<device/>", "sys/devices/other": None}, tmp_path)
    assert sysfs.load_folder(str(tmp_path)) is None
    assert sysfs.load_folder(str(tmp_path / "not there")) is None


def test_folder_of_several_hosts_names_them(tmp_path):
    for name in ("kvm01", "kvm02"):
        written(one_node(), tmp_path / name)
    with pytest.raises(LoadError, match="it holds the sysfs trees of 2 hosts: 'kvm01', 'kvm02'"):
        sysfs.load_folder(str(tmp_path))


def test_links_in_a_folder_are_not_followed(tmp_path):
    outside = written(one_node(), tmp_path / "outside")
    inside = tmp_path / "inside"
    (inside / "sys/devices").mkdir(parents=True)
    (inside / "sys/devices/system").symlink_to(outside / "sys/devices/system")
    assert sysfs.load_folder(str(inside)) is None
    (inside / "loop").symlink_to(inside)
    assert sysfs.load_folder(str(inside)) is None
    written(one_node(), inside / "kvm01")
    (inside / "kvm01" / CPU / "isolated").symlink_to(outside / CPU / "online")
    with pytest.raises(LoadError, match="cpu/isolated is no plain file"):
        sysfs.load_folder(str(inside))


def test_pipe_in_a_folder_does_not_hang_and_a_large_file_is_refused(tmp_path):
    folder = written(one_node(), tmp_path)
    os.mkfifo(folder / CPU / "isolated")
    with pytest.raises(LoadError, match="cpu/isolated is no plain file"):
        sysfs.load_folder(str(folder))
    (folder / CPU / "isolated").unlink()
    with (folder / CPU / "isolated").open("wb") as file:
        file.truncate(10 << 30)
    with pytest.raises(LoadError, match="cpu/isolated is larger than 64 KiB"):
        sysfs.load_folder(str(folder))


def test_link_through_thousands_of_folders_leads_nowhere(tmp_path):
    tree = one_node() | {BUS: None, f"{BUS}/0000:01:00.0": Link("a/" * 2000), "sys/block/sda": Link("b/" * 2000)}
    assert node_of(sysfs.load_folder(str(written(tree, tmp_path))), "0000:01:00.0") is None
    assert node_of(load(tree), "0000:01:00.0") is None


def test_search_for_a_tree_in_a_large_folder_ends(tmp_path, monkeypatch):
    monkeypatch.setattr("numalint.loaders.host.tree._MOST_FOLDERS", 10)
    for number in range(20):
        (tmp_path / str(number)).mkdir()
    written(one_node(), tmp_path / "1/2")
    assert sysfs.load_folder(str(tmp_path)) is None


# How it is asked for --------------------------------------------------------------------------------------------------


def test_folder_and_archive_are_inputs_and_may_be_of_one_host(tmp_path):
    archive = tmp_path / "kvm01.tar.gz"
    archive.write_bytes(gzip.compress(packed(two_nodes() | NIC)))
    folder = written(two_nodes(), tmp_path / "kvm01")
    host, notes = load_inputs([str(folder), str(archive)], FORMATS)
    assert (host.name, notes) == ("kvm01", ())
    assert node_of(host, "0000:01:00.0") == 8


@pytest.mark.skipif(platform.system() != "Linux", reason="only Linux has sysfs")
def test_the_machine_that_it_runs_on():
    started = time.perf_counter()
    host, _ = load_inputs(["local"], FORMATS)
    assert time.perf_counter() - started < 1
    assert (host.name, host.sources, host.arch) == (platform.node(), ("local",), platform.machine())
    assert os.sched_getaffinity(0) <= set(host.cpus)
    assert {Fact.NODES, Fact.MEMORY}.isdisjoint(host.unknown)


def test_machine_without_sysfs(monkeypatch):
    monkeypatch.setattr(sysfs, "CPU_FOLDER", "sys/devices/system/nothing")
    with pytest.raises(LoadError, match="this machine has no /sys/devices/system/nothing: it is no Linux") as caught:
        sysfs.load_local()
    assert caught.value.path == "local"


def test_loading_1024_cpus_takes_a_fraction_of_a_second(tmp_path):
    tree: Tree = {f"{CPU}/online": "0-1023\n", f"{CPU}/present": "0-1023\n", f"{CPU}/offline": "\n"}
    for number in range(8):
        tree |= node(number, f"{number * 128}-{number * 128 + 127}", " ".join(["10"] * 8))
    for number in range(1024):
        first = number // 16 * 16
        tree |= cpu(number, f"{number & ~1}-{number | 1}", number // 512, f"{first}-{first + 15}")
    started = time.perf_counter()
    host = load(gzip.compress(packed(tree), compresslevel=1))
    assert (len(host.cores), len(host.l3), len(host.sockets)) == (512, 64, 2)
    assert time.perf_counter() - started < 3
