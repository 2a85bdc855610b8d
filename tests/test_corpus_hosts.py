"""Real hosts against what independent tools say of each file: libhwloc, xmlstarlet. Skipped where the corpus is absent.

Every difference is named with its reason; one that is gone fails as one that is new does.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from lxml import etree

from numalint.loaders.document import LoadError
from numalint.loaders.host import synthetic
from numalint.loaders.host.formats import FORMATS
from numalint.loaders.host.inputs import load_host, load_inputs, read_document
from numalint.model.host import Fact, Host, PciAddress, Pool
from numalint.model.idset import IdSet

HWLOC_FILES, CAPABILITIES_FILES, NODEDEV_FILES, SYNTHETIC_STRINGS = 65, 23, 38, 8

REFUSED = {
    "capabilities/libvirt-caps-test2.xml": (
        "this capabilities XML has no <topology>: host CPU placement cannot be checked",
        "take it from a QEMU/KVM host: virsh -c qemu:///system capabilities",
    ),
}

HWLOC_DIFFERENCES = {
    ("v1-16amd64-4distances.xml", "distances"): (
        "it has several matrices without a name. The tool that made the facts took the first, which is of packages; "
        "ours is that of its depth, and equal to what version 2 and 3 of the same host name NUMALatency"
    ),
    ("v3-16amd64-8n2c-cpusets-xml.xml", "sockets"): "libhwloc counts a package all of whose CPUs are disallowed",
    ("v1-llnl-knl-snc4-flat.xml", "pci"): (
        "the devices are local to a group with a DRAM node and the MCDRAM node beside it: on the one that has the CPUs"
    ),
} | dict.fromkeys(
    (
        (name, "pci")
        for name in (
            "v2-32em64t-2n8c2t-pci-normalio.xml",
            "v2-32em64t-2n8c2t-pci-wholeio.xml",
            "v3-32em64t-2n8c2t-pci-normalio.xml",
            "v3-32em64t-2n8c2t-pci-wholeio.xml",
        )
    ),
    "0000:04:00.0 is there twice, on different nodes: unknown, and not the node that the buses of one bridge say",
)

NEAR_OTHER_NODES = {"v1-llnl-knl-quad-flat.xml", "v1-llnl-knl-snc4-flat.xml", "v3-64intel64-heteromem.xml"}
"""Where hwloc gives several nodes the same CPUs (its sets are a locality): ours are at home on one, near the others."""


def entries(corpus: Path, kind: str) -> list[dict]:
    return [each for each in json.loads((corpus / "hosts/facts.json").read_text())["files"] if each["format"] == kind]


def load(corpus: Path, name: str) -> Host:
    return load_host(read_document(str(corpus / "hosts" / name)), FORMATS, pytest.fail)


def mask(text: str) -> int:
    return IdSet.parse(text).mask if text else 0


def texts(sets: tuple[IdSet, ...] | None) -> Counter:
    return Counter(str(each) for each in sets or ())


def test_every_file_is_read_or_refused_with_a_sentence(corpus: Path) -> None:
    refused = {}
    for kind in ("hwloc", "capabilities", "nodedev"):
        for entry in entries(corpus, kind):
            try:
                load(corpus, entry["file"])
            except LoadError as error:
                refused[entry["file"]] = (error.message, error.help)
    assert refused == REFUSED


def test_hwloc(corpus: Path) -> None:
    found = entries(corpus, "hwloc")
    assert len(found) == HWLOC_FILES
    different, near = set(), set()
    for entry in found:
        name, host, facts = Path(entry["file"]).name, load(corpus, entry["file"]), entry["facts"]
        ours, theirs = hwloc_host(host), hwloc_facts(facts)
        different |= {(name, what) for what in theirs if ours[what] != theirs[what]}
        # A node without CPUs of its own: hwloc gives it those of the nodes that it is near.
        for node, cpus in {each["os_index"]: mask(each["cpus"]) for each in facts["numa_nodes"]}.items():
            mine = host.node_by_id[node]
            assert mine.cpus.mask == cpus or (not mine.cpus and host.cpus_of(mine.near).mask == cpus), (name, node)
            near |= {name} if mine.cpus.mask != cpus else set()
        plain = plain_pools(corpus / "hosts" / entry["file"])
        assert {node.id: node.hugepages for node in host.nodes} == plain, name
    assert different == HWLOC_DIFFERENCES.keys()
    assert near == NEAR_OTHER_NODES


def hwloc_host(host: Host) -> dict:
    return {
        "arch": host.arch,
        "cpus": str(host.cpus),
        "sockets": texts(host.sockets),
        "cores": texts(host.cores),
        "l3": Counter((str(cache.cpus), cache.size_bytes) for cache in host.l3 or ()),
        "memory": {node.id: node.memory_bytes for node in host.nodes},
        "distances": {node.id: node.distances for node in host.nodes if node.distances},
        "kinds": host.kinds,
        "pci": Counter(
            (device.address, host.node_of_pci(device.address), frozenset(device.names))
            for device in (host.pci or {}).values()
        ),
    }


def hwloc_facts(facts: dict) -> dict:
    distances, nodes = facts["numa_distances"] or {"nodes": [], "values": []}, facts["numa_nodes"]
    return {
        "arch": facts["architecture"],
        "cpus": facts["pus"],
        "sockets": Counter(each["cpus"] for each in facts["packages"]),
        "cores": Counter(facts["cores"]),
        "l3": Counter((each["cpus"], each["size_bytes"]) for each in facts["l3_caches"]),
        "memory": {each["os_index"]: each["memory_bytes"] for each in nodes},
        "distances": {
            node: dict(zip(distances["nodes"], row, strict=True))
            for node, row in zip(distances["nodes"], distances["values"], strict=True)
        },
        "kinds": kinds_of_facts(facts["cpu_kinds"]),
        "pci": Counter(
            (PciAddress.parse(each["address"]), only(each["local_nodes"]), frozenset(each["os_devices"]))
            for each in facts["pci_devices"]
        ),
    }


def only(nodes: str) -> int | None:
    """The node of a device that is local to one; several are how hwloc says that it does not know."""
    found = list(IdSet.parse(nodes)) if nodes else []
    return found[0] if len(found) == 1 else None


def kinds_of_facts(kinds: list[dict]) -> dict | None:
    masks: dict[str, int] = {}
    for each in kinds:
        if each["core_type"] is not None:
            kind = "performance" if each["core_type"] == "IntelCore" else "efficiency"
            masks[kind] = masks.get(kind, 0) | mask(each["cpus"])
    return {kind: IdSet(cpus) for kind, cpus in masks.items()} if len(masks) > 1 else None


def plain_pools(path: Path) -> dict:
    """The pages of each node by a plain search; the smallest size is no pool."""
    root = etree.parse(path).getroot()
    found = {}
    for node in root.findall(".//object[@type='NUMANode']") or root.findall("./object[@type='Machine']"):
        sizes = {int(each.get("size")): Pool(int(each.get("count"))) for each in node.findall("page_type")}
        pools = {size: pool for size, pool in sizes.items() if size != min(sizes)}
        found[int(node.get("os_index"))] = pools if sizes else None
    return found


def test_offline_cpus_of_hwloc_are_known_in_version_1_alone(corpus: Path) -> None:
    for entry in entries(corpus, "hwloc"):
        host, facts = load(corpus, entry["file"]), entry["facts"]
        if entry["xml_version"].startswith("1"):
            assert str(host.cpus | host.offline) == facts["complete_cpus"], entry["file"]
        else:
            assert Fact.OFFLINE in host.unknown


def test_distances_of_version_1_are_those_of_the_same_host_in_version_2(corpus: Path) -> None:
    first, second = (load(corpus, f"hwloc/v{version}-16amd64-4distances.xml") for version in (1, 2))
    assert {node.id: node.distances for node in first.nodes} == {node.id: node.distances for node in second.nodes}


def test_device_that_is_there_twice_has_no_node(corpus: Path) -> None:
    host = load(corpus, "hwloc/v2-32em64t-2n8c2t-pci-wholeio.xml")
    assert host.node_of_pci(PciAddress.parse("04:00.0")) is None
    assert host.node_of_pci(PciAddress.parse("03:00.0")) == 0
    assert host.notes == ("PCI device 0000:04:00.0 is described twice, on different nodes: its node is not known",)


def test_capabilities(corpus: Path) -> None:
    found = [entry for entry in entries(corpus, "capabilities") if entry["file"] not in REFUSED]
    assert len(found) == CAPABILITIES_FILES - len(REFUSED)
    different = set()
    for entry in found:
        name, host, facts = Path(entry["file"]).name, load(corpus, entry["file"]), entry["facts"]
        assert host.arch == facts["arch"]
        assert capabilities_host(host) == capabilities_facts(facts), name
        for what, sets, count in (
            ("sockets", host.sockets, facts["distinct_socket_ids"]),
            ("cores", host.cores, facts["distinct_siblings"]),
        ):
            if count == 0:
                assert sets is None, name
            else:
                assert sum(len(each) for each in sets) == len(host.cpus) == facts["cpus"], name
                different |= {(name, what)} if len(sets) != count else set()
    # siblings='3-30,35' names CPUs that are in no cell, and that do not name it back (topology.md, T9)
    assert different == {("kubevirt-capabilities.xml", "cores")}


def capabilities_host(host: Host) -> dict:
    return {
        "nodes": [
            (node.id, str(node.cpus), node.memory_bytes, node.hugepages or {}, node.distances) for node in host.nodes
        ],
        "l3": [(str(cache.cpus), cache.size_bytes) for cache in host.l3 or ()],
    }


def capabilities_facts(facts: dict) -> dict:
    cells, units = facts["cells"], {"KiB": 1 << 10, "MiB": 1 << 20}
    stated = any(cell["memory"] for cell in cells)
    base = min((int(size) for cell in cells for size in cell["pages"]), default=0)
    return {
        "nodes": [
            (
                cell["id"],
                str(IdSet.of(map(int, cell["cpu_ids"].split()))),
                int(cell["memory"] or 0) * units[cell["memory_unit"] or "KiB"] if stated else None,
                {int(size) << 10: Pool(count) for size, count in cell["pages"].items() if int(size) > base},
                {int(node): value for node, value in cell["distances"].items()},
            )
            for cell in cells
        ],
        "l3": [
            (bank["cpus"], int(bank["size"]) * units[bank["unit"]])
            for bank in facts["cache_banks"]
            if bank["level"] == "3"
        ],
    }


def test_nodedev(corpus: Path) -> None:
    found = entries(corpus, "nodedev")
    assert len(found) == NODEDEV_FILES
    unplaced = Counter()
    for entry in found:
        host, name = load(corpus, entry["file"]), Path(entry["file"]).name
        devices = {address_of(each): each for each in entry["facts"]["list"] if "pci_decimal" in each}
        assert len(devices) == entry["facts"]["pci"]
        for address, facts in devices.items():
            device = host.pci[address]
            assert device.node == facts.get("numa_node"), (name, address)
            assert device.driver == facts.get("driver")
            assert device.iommu_group == (int(facts["iommu_group"]) if "iommu_group" in facts else None)
            assert (device.physical_function is not None) == ("phys_function" in facts)
            own = [each for each in host.pci.values() if each.physical_function == address]
            assert len(own) == int(facts.get("virt_functions") or 0), name
        for facts in entry["facts"]["list"]:
            called = facts.get("interface") or facts.get("block", "").removeprefix("/dev/")
            unplaced[name] += bool(called) and called not in host.names
        others = host.pci.keys() - devices.keys()
        assert all(host.pci[each].names or host.pci[each].physical_function for each in others), name
    # Its parent is in another file and it has no path, or it is virtual: lo, dummy0, ovs-system.
    assert {name: count for name, count in unplaced.items() if count} == {
        "libvirt-DVD_with_media.xml": 1,
        "libvirt-net_00_15_58_2f_e9_55.xml": 1,
        "libvirt-storage_serial_SATA_HTS721010G9SA00_MPCZ12Y0GNGWSE.xml": 1,
        "vdsm-devicetree-asus-z10.xml": 3,
    }


def address_of(facts: dict) -> PciAddress:
    return PciAddress(*map(int, facts["pci_decimal"]))


def test_several_files_of_node_devices_are_one_host(corpus: Path) -> None:
    names = [f"pci_0000_{rest}.xml" for rest in ("04_00_1", "04_11_7")] + ["net_enp2s2_02_9a_a1_37_be_54.xml"]
    host, _ = load_inputs([str(corpus / "hosts/nodedev" / f"nova-{name}") for name in names], FORMATS)
    # Its parent wins over its path, which nova's test wrote for another device.
    assert host.address_named("enp2s2") == PciAddress.parse("04:11.7")


def test_synthetic(corpus: Path) -> None:
    found = json.loads((corpus / "hosts/synthetic/strings.json").read_text())
    assert len(found) == SYNTHETIC_STRINGS
    refused = []
    for each in found:
        try:
            host = synthetic.read(each["string"], "--host")
        except LoadError as error:
            refused.append((each["string"], error.message))
            continue
        facts = each["facts"]
        given = ("memory=" in each["string"], "size=" in each["string"])
        assert str(host.cpus) == facts["pus"]
        assert texts(host.sockets) == Counter(one["cpus"] for one in facts["packages"])
        assert texts(host.cores) == Counter(facts["cores"])
        # hwloc makes up 1 GiB a node and 16 MiB a cache where the string says nothing: to us they are unknown.
        assert [(node.id, str(node.cpus), node.memory_bytes) for node in host.nodes] == [
            (one["os_index"], one["cpus"], one["memory_bytes"] if given[0] else None) for one in facts["numa_nodes"]
        ]
        assert [(str(cache.cpus), cache.size_bytes) for cache in host.l3 or ()] == [
            (one["cpus"], one["size_bytes"] if given[1] else None) for one in facts["l3_caches"]
        ]
    assert refused == [("2 3 4 5 6", "'2' has no type: hwloc would choose one, numalint does not")]
