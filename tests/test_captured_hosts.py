"""Real libvirt, hwloc and kernels on one machine each: every input agrees with what the others say of it."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from numalint.loaders.host.formats import FORMATS
from numalint.loaders.host.inputs import load_host, load_inputs, read_document
from numalint.model.host import Host, PciAddress
from numalint.model.idset import IdSet, union

HOSTS = ("2s1n", "memonly", "smt")
NIC, OTHER_NIC, NVME = (PciAddress.parse(text) for text in ("21:00.0", "41:00.0", "42:00.0"))

CAPABILITIES = {
    "128arm-2pa2n8cluster4co.xml": "hwloc-128arm-2pa2n8cluster4co.tar.bz2",
    "16em64t-4s2c2t-offlines.xml": None,
    "40intel64-2g2n4c-pcilocality.xml": "hwloc-40intel64-2g2n4c+pcilocality.tar.bz2",
    "64amd64-4s2n4ca2co.xml": None,
    "96em64t-4no4pa3ca2co.xml": "hwloc-96em64t-4no4pa3ca2co.tar.bz2",
    "fakeheteromemtiers.xml": "hwloc-fakeheteromemtiers.tar.bz2",
    "memorysidecaches.xml": None,
    "offline-cpu0-node0.xml": "hwloc-offline-cpu0-node0.tar.bz2",
}
"""libvirt's capabilities of captures, and the snapshot of the same host in facts.json where it is there."""

DIFFERENCES = {
    ("offline-cpu0-node0.xml", "cpus"): "CPUs 4,6..20 are on no node, and libvirt lists the CPUs of nodes alone",
    ("offline-cpu0-node0.xml", "sockets"): "the same: socket 0 has no CPU of a node",
    ("offline-cpu0-node0.xml", "cores"): "the same",
    ("offline-cpu0-node0.xml", "l3"): "the same",
}


def load(path: Path) -> Host:
    return load_host(read_document(str(path)), FORMATS, pytest.fail)


def nodes_by_numactl(text: str) -> dict[int, tuple[str, int]]:
    """The CPUs and the MiB of each node."""
    cpus = re.findall(r"(?m)^node (\d+) cpus:([\d ]*)$", text)
    sizes = dict(re.findall(r"(?m)^node (\d+) size: (\d+) MB$", text))
    return {int(node): (str(IdSet.of(map(int, found.split()))), int(sizes[node])) for node, found in cpus}


def distances_by_numactl(text: str) -> dict[int, dict[int, int]]:
    rows = re.findall(r"(?m)^ +(\d+):((?: +\d+)+) *$", text)
    ids = [int(node) for node, _ in rows]
    return {int(node): dict(zip(ids, map(int, row.split()), strict=True)) for node, row in rows}


def pools_by_virsh(text: str) -> dict[int, dict[int, int]]:
    found = {}
    for part in text.split("Node ")[1:]:
        sizes = re.findall(r"(\d+)KiB: (\d+)", part)
        found[int(part.partition(":")[0])] = {int(size) << 10: int(count) for size, count in sizes if size != "4"}
    return found


def sets_by_lscpu(text: str, column: int) -> Counter[str]:
    """The CPUs that have one number in a column of ``lscpu -p``."""
    found: dict[str, list[int]] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            found.setdefault(line.split(",")[column], []).append(int(line.split(",")[0]))
    return Counter(str(IdSet.of(each)) for each in found.values())


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize("file", ["capabilities.xml", "lstopo.xml"])
def test_libvirt_and_hwloc_agree_with_numactl_lscpu_and_virsh(corpus: Path, name: str, file: str) -> None:
    folder = corpus / "captured/hosts" / name
    host = load(folder / file)
    numactl, lscpu = (folder / "numactl-H.txt").read_text(), (folder / "lscpu-p.txt").read_text()
    assert host.name == name
    assert {node.id: (str(node.cpus), node.memory_bytes >> 20) for node in host.nodes} == nodes_by_numactl(numactl)
    assert {node.id: node.distances for node in host.nodes} == distances_by_numactl(numactl)
    assert Counter(map(str, host.cores)) == sets_by_lscpu(lscpu, 1)
    assert Counter(map(str, host.sockets)) == sets_by_lscpu(lscpu, 2)
    assert {
        node.id: {size: pool.total for size, pool in node.hugepages.items()} for node in host.nodes
    } == pools_by_virsh((folder / "virsh-freepages.txt").read_text())
    assert union(cache.cpus for cache in host.l3) == host.cpus
    assert host.notes == ()


def test_memory_only_node_is_near_the_node_that_hwloc_puts_beside_it(corpus: Path) -> None:
    host = load(corpus / "captured/hosts/memonly/lstopo.xml")
    assert [(node.id, str(node.cpus), str(node.near)) for node in host.nodes] == [
        (0, "0-3", ""),
        (1, "4-7", ""),
        (2, "", "0"),
    ]


@pytest.mark.parametrize("name", HOSTS)
def test_devices_are_where_the_machine_was_built_to_have_them(corpus: Path, name: str) -> None:
    folder = corpus / "captured/hosts" / name
    libvirt, _ = load_inputs([str(folder / "nodedev")], FORMATS)
    hwloc = load(folder / "lstopo.xml")
    for host in (libvirt, hwloc):
        assert [host.node_of_pci(address) for address in (NIC, OTHER_NIC, NVME)] == [0, 1, 1]
        assert {address: host.pci[address].names for address in (NIC, OTHER_NIC, NVME)} == {
            NIC: ("enp33s0",),
            OTHER_NIC: ("enp65s0",),
            NVME: ("nvme0n1",),
        }
        assert {host.pci[address].node for address in host.pci if address.bus == 0} == {None}
    assert libvirt.names.keys() >= {"enp33s0", "enp65s0", "nvme0n1", "disk/by-id/nvme-QEMU_NVMe_Ctrl_realvirt1"}
    lspci = re.findall(r"(?m)^([0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) ", (folder / "lspci.txt").read_text())
    assert {PciAddress.parse(text) for text in lspci} >= libvirt.pci.keys() >= hwloc.pci.keys()


def test_real_libvirt_on_captures_agrees_with_what_is_known_of_the_same_host(corpus: Path) -> None:
    folder = corpus / "captured/capabilities-of-hwloc-captures"
    assert {path.name for path in folder.iterdir()} == CAPABILITIES.keys()
    facts = {
        Path(each["file"]).name: each
        for each in json.loads((corpus / "hosts/facts.json").read_text())["files"]
        if each["format"] == "sysfs"
    }
    different, unknown = set(), set()
    for name, snapshot in CAPABILITIES.items():
        host = load(folder / name)
        assert host.nodes, name
        if snapshot is not None:
            ours, theirs = of_host(host), of_snapshot(facts[snapshot])
            different |= {(name, what) for what in theirs if ours[what] not in (None, theirs[what])}
            unknown |= {(name, what) for what in theirs if ours[what] is None}
    assert different == DIFFERENCES.keys()
    # libvirt lists the caches that the kernel gives a number, and those of these kernels have none
    assert unknown == {(name, "l3") for name in CAPABILITIES if name.startswith(("128arm", "40intel64", "96em64t"))}


def of_host(host: Host) -> dict:
    return {
        "cpus": str(host.cpus),
        "nodes": {node.id: (str(node.cpus), node.memory_bytes) for node in host.nodes},
        "distances": {node.id: node.distances for node in host.nodes if node.distances},
        "sockets": Counter(map(str, host.sockets or ())),
        "cores": Counter(map(str, host.cores or ())),
        "l3": None if host.l3 is None else Counter((str(each.cpus), each.size_bytes) for each in host.l3),
        "pools": {node.id: {size: pool.total for size, pool in (node.hugepages or {}).items()} for node in host.nodes},
    }


def of_snapshot(entry: dict) -> dict:
    """What the plain files of a snapshot say (``cpulist``, ``distance``, ``meminfo``), and hwloc of the rest."""
    facts, nodes = entry["facts"], entry["node_files"]
    online = IdSet.parse(facts["pus"])
    ids, pools = sorted(map(int, nodes)), entry.get("hugepages_nr_by_node_and_kib") or {}
    distances = {int(node): list(map(int, files["distance"].split())) for node, files in nodes.items()}
    return {
        "cpus": facts["pus"],
        "nodes": {
            int(node): (str(kernel_list(files) & online), files["MemTotal_kB"] << 10) for node, files in nodes.items()
        },
        "distances": {
            node: dict(zip(ids, row, strict=True)) for node, row in distances.items() if len(row) == len(ids)
        },
        "sockets": Counter(each["cpus"] for each in facts["packages"]),
        "cores": Counter(facts["cores"]),
        "l3": Counter((each["cpus"], each["size_bytes"]) for each in facts["l3_caches"]),
        "pools": {node: {int(size) << 10: count for size, count in pools.get(str(node), {}).items()} for node in ids},
    }


def kernel_list(files: dict) -> IdSet:
    text = files.get("cpulist", "").strip("\n\0")
    if text:
        return IdSet.parse(text)
    return IdSet(int(files["cpumap"].strip("\n\0").replace(",", ""), 16))


def test_what_libvirt_made_up_for_offline_cpus_is_not_taken_for_sockets(corpus: Path) -> None:
    host = load(corpus / "captured/capabilities-of-hwloc-captures/16em64t-4s2c2t-offlines.xml")
    assert host.sockets is None
    assert host.cores is None
    assert host.notes == (
        "CPUs 0,2,5,8,13-14 all say socket 0, core 0: libvirt did not know; sockets and cores are not known",
    )


def test_distances_whose_columns_libvirt_mixed_up_are_unknown(corpus: Path) -> None:
    host = load(corpus / "captured/capabilities-of-hwloc-captures/offline-cpu0-node0.xml")
    assert [node.distances for node in host.nodes] == [{}]
    assert host.notes == (
        "node 1 is at distance 21 from itself, where 10 is the only one: "
        "libvirt mixed up the columns, distances are not known",
    )
    assert [str(cache.cpus) for cache in host.l3] == ["5,7,9,11,13,15,17,19"]
