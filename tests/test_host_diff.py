"""What changed from one description of a host to another, in sentences."""

from __future__ import annotations

import json

import pytest
from any_host import any_host
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from stripped import stripped

from numalint.loaders.host.inputs import host_from_text
from numalint.model.host import L3, Host, Node, PciAddress, PciBuses, PciDevice, Pool
from numalint.model.idset import IdSet, union
from numalint.reporters.host.diff import differences
from numalint.reporters.host.difference import as_json, sentences

GIB = 1 << 30
NIC, DISK, SLOT = (PciAddress.parse(address) for address in ("3b:00.0", "5e:00.0", "af:00.0"))


def cpus(text: str) -> IdSet:
    return IdSet.parse(text) if text else IdSet()


PLAIN = replace(
    host_from_text("pack:2 numa:1(memory=128GiB) l3:1(size=32MiB) core:4 pu:1"),
    arch="x86_64",
    offline=cpus(""),
    isolated=cpus("2-3"),
    housekeeping=cpus("0"),
    pci={
        NIC: PciDevice(NIC, 0, ("ens3f0",), (), "ixgbe", 40),
        DISK: PciDevice(DISK, 1, ("nvme0n1",), ("disk/by-id/nvme-a",)),
    },
)
PLAIN = replace(
    PLAIN,
    nodes=tuple(
        replace(node, distances={node.id: 10, 1 - node.id: 21}, hugepages={GIB: Pool(8, 8)}) for node in PLAIN.nodes
    ),
)


def node(number: int, **facts: object) -> Host:
    return replace(PLAIN, nodes=tuple(replace(each, **facts) if each.id == number else each for each in PLAIN.nodes))


def nodes(**facts: object) -> Host:
    return replace(PLAIN, nodes=tuple(replace(each, **facts) for each in PLAIN.nodes))


def device(address: PciAddress, **facts: object) -> Host:
    return replace(PLAIN, pci=PLAIN.pci | {address: replace(PLAIN.pci[address], **facts)})


def without(text: str, **facts: object) -> Host:
    gone = cpus(text)

    def rest(sets: tuple[IdSet, ...]) -> tuple[IdSet, ...]:
        return tuple(each - gone for each in sets if each - gone)

    return replace(
        PLAIN,
        cpus=PLAIN.cpus - gone,
        nodes=tuple(replace(each, cpus=each.cpus - gone) for each in PLAIN.nodes),
        sockets=rest(PLAIN.sockets),
        cores=rest(PLAIN.cores),
        l3=tuple(L3(each.cpus - gone, each.size_bytes) for each in PLAIN.l3),
        **facts,
    )


FUNCTIONS = {
    address: PciDevice(address, 0, physical_function=NIC)
    for address in (PciAddress(0, 0x3B, 2, function) for function in range(6))
}

CASES = {
    "nothing": (PLAIN, []),
    "a name": (replace(PLAIN, name="other", sources=("x",), notes=("odd",)), []),
    "architecture": (replace(PLAIN, arch="aarch64"), ["the architecture is aarch64 (was x86_64)"]),
    "a CPU offline": (without("7", offline=cpus("7")), ["CPU 7 went offline"]),
    "CPUs gone": (without("6-7"), ["CPUs 6-7 vanished"]),
    "a CPU that was never on": (replace(PLAIN, offline=cpus("9")), ["CPU 9 appeared, but offline"]),
    "isolated": (replace(PLAIN, isolated=cpus("3-4")), ["CPU 4 is isolated now", "CPU 2 is no longer isolated"]),
    "isolated unknown": (replace(PLAIN, isolated=None), ["the isolated CPUs are no longer known (were 2-3)"]),
    "isolated none": (replace(PLAIN, isolated=cpus("")), ["CPUs 2-3 are no longer isolated"]),
    "housekeeping": (replace(PLAIN, housekeeping=cpus("0-1")), ["CPU 1 is kept for the host now"]),
    "kinds": (
        replace(PLAIN, kinds={"efficiency": cpus("4-7")}),
        ["the kinds of CPUs became known: efficiency 4-7"],
    ),
    "sockets": (
        replace(PLAIN, sockets=(cpus("0-7"),)),
        ["CPUs 0-7 are in 1 socket: 0-7 (were in 2 sockets: 0-3; 4-7)"],
    ),
    "cores": (
        replace(PLAIN, cores=(cpus("0-1"), *PLAIN.cores[2:])),
        ["CPUs 0-1 are in 1 core: 0-1 (were in 2 cores: 0; 1)"],
    ),
    "cores unknown": (replace(PLAIN, cores=None), ["the cores are no longer known (were 8 cores)"]),
    "L3 size": (
        replace(PLAIN, l3=tuple(L3(each.cpus, 16 << 20) for each in PLAIN.l3)),
        ["the size of the L3 cache of CPUs 0-7 is 16 MiB (was 32 MiB)"],
    ),
    "no L3": (replace(PLAIN, l3=()), ["CPUs 0-7 are in no L3 cache (were in 2 L3 caches: 0-3; 4-7)"]),
    "memory lost": (node(1, memory_bytes=96 * GIB), ["node 1 lost 32 GiB (96 GiB, was 128 GiB)"]),
    "memory gained": (nodes(memory_bytes=160 * GIB), ["nodes 0-1 gained 32 GiB each (160 GiB, was 128 GiB)"]),
    "a little memory": (
        node(1, memory_bytes=(128 << 30) - 4096),
        ["node 1 lost 4 KiB (134217724 KiB, was 128 GiB)"],
    ),
    "memory unknown": (nodes(memory_bytes=None), ["the memory of nodes 0-1 is no longer known (was 128 GiB)"]),
    "reserved": (
        node(0, reserved_bytes=4 * GIB),
        ["the memory of node 0 that is kept for the host is 4 GiB (was 0 B)"],
    ),
    "kind": (node(0, kind="hbm"), ["the memory of node 0 became known: hbm"]),
    "near": (node(0, near=cpus("1")), ["the nearest nodes of node 0 are 1 (were none)"]),
    "DAX": (node(0, names=("dax0.0",)), ["the other devices of node 0 are dax0.0 (were none)"]),
    "pages": (nodes(hugepages={GIB: Pool(16, 8)}), ["the pages of 1 GiB of nodes 0-1 are 16 (were 8)"]),
    "free pages": (node(0, hugepages={GIB: Pool(8, 2)}), ["the free pages of 1 GiB of node 0 are 2 (were 8)"]),
    "another pool": (
        node(0, hugepages={GIB: Pool(8, 8), 2 << 20: Pool(512)}),
        ["the pages of 2 MiB of node 0 are 512 (were none)"],
    ),
    "pools unknown": (
        node(0, hugepages=None),
        ["the huge page pools of node 0 are no longer known (were 8 of 1 GiB)"],
    ),
    "a distance": (node(0, distances={0: 10, 1: 31}), ["the distance from node 0 to node 1 is 31 (was 21)"]),
    "both distances": (
        replace(PLAIN, nodes=tuple(replace(each, distances={each.id: 10, 1 - each.id: 31}) for each in PLAIN.nodes)),
        ["the distance between node 0 and node 1 is 31 (was 21)"],
    ),
    "distances unknown": (node(1, distances={}), ["the distances of node 1 are no longer known (were 21 10)"]),
    "a node more": (
        replace(PLAIN, nodes=(*PLAIN.nodes, Node(250, cpus(""), 64 * GIB))),
        ["node 250 appeared (no CPUs, 64 GiB)"],
    ),
    "nodes unknown": (replace(PLAIN, nodes=None), ["the nodes are no longer known (were 0-1)"]),
    "CPUs moved": (
        replace(
            PLAIN,
            nodes=(replace(PLAIN.nodes[0], cpus=cpus("0-2")), replace(PLAIN.nodes[1], cpus=cpus("3-7"))),
        ),
        ["CPU 3 moved from node 0 to node 1"],
    ),
    "CPUs unknown": (node(1, cpus=None), ["the CPUs of node 1 are no longer known (were 4-7)"]),
    "device moved": (device(NIC, node=1), ["0000:3b:00.0 (ens3f0) moved from node 0 to node 1"]),
    "device's node unknown": (
        device(NIC, node=None),
        ["0000:3b:00.0 (ens3f0) moved from node 0 to an unknown one"],
    ),
    "device gone": (
        replace(PLAIN, pci={NIC: PLAIN.pci[NIC]}),
        ["0000:5e:00.0 (nvme0n1) vanished from node 1"],
    ),
    "functions": (
        replace(PLAIN, pci=PLAIN.pci | FUNCTIONS),
        ["6 PCI devices appeared on node 0: 0000:3b:02.0, 0000:3b:02.1, 0000:3b:02.2, 0000:3b:02.3 and 2 more"],
    ),
    "NIC in another slot": (
        replace(PLAIN, pci={SLOT: PciDevice(SLOT, 1, ("ens3f0",)), DISK: PLAIN.pci[DISK]}),
        [
            "ens3f0 moved from 0000:3b:00.0 on node 0 to 0000:af:00.0 on node 1",
            "0000:3b:00.0 (ens3f0) vanished from node 0",
            "0000:af:00.0 (ens3f0) appeared on node 1",
        ],
    ),
    "names": (device(NIC, names=("eth4",)), ["0000:3b:00.0 (ens3f0) lost the name ens3f0 and got the name eth4"]),
    "driver": (device(NIC, driver="vfio-pci"), ["0000:3b:00.0 (ens3f0) changed the driver from ixgbe to vfio-pci"]),
    "group": (device(NIC, iommu_group=41), ["0000:3b:00.0 (ens3f0) changed the IOMMU group from 40 to 41"]),
    "devices unknown": (replace(PLAIN, pci=None), ["the PCI devices are no longer known (there were 2)"]),
    "complete": (replace(PLAIN, complete_pci=True), ["the PCI devices are all listed now"]),
    "buses": (
        replace(PLAIN, pci_buses=(PciBuses(0, 0xD7, 0xFF, 1),)),
        ["the devices on the PCI buses 0000:d7-ff are on node 1 (was unknown)"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_changed_is_a_sentence(case: str) -> None:
    new, expected = CASES[case]
    assert sentences(differences(PLAIN, new)) == expected


def test_what_came_back_is_told_too() -> None:
    assert sentences(differences(without("7", offline=cpus("7")), PLAIN)) == ["CPU 7 came online"]
    hybrid = replace(PLAIN, kinds={"efficiency": cpus("4-7")})
    assert sentences(differences(hybrid, replace(hybrid, kinds={"efficiency": cpus("4-6")}))) == [
        "CPU 7 is no longer of the kind efficiency"
    ]
    assert sentences(differences(without("6-7"), PLAIN)) == ["CPUs 6-7 appeared"]
    assert sentences(differences(node(1, memory_bytes=None), PLAIN)) == ["the memory of node 1 became known: 128 GiB"]
    assert sentences(differences(device(NIC, node=None), PLAIN)) == [
        "0000:3b:00.0 (ens3f0) turned out to be on node 0, which was unknown"
    ]


def test_json_has_the_values() -> None:
    new = replace(node(1, memory_bytes=96 * GIB), pci=PLAIN.pci | FUNCTIONS)
    found = json.loads(as_json(differences(PLAIN, new)))
    assert len(found) == 7
    assert found[0] == {
        "what": "memory",
        "subject": "node 1",
        "old": 128 * GIB,
        "new": 96 * GIB,
        "text": "node 1 lost 32 GiB (96 GiB, was 128 GiB)",
    }
    assert found[1]["subject"] == "0000:3b:02.0"


@given(any_host())
@settings(max_examples=100, deadline=None)
def test_a_host_does_not_differ_from_itself(host: Host) -> None:
    assert differences(host, host) == []


FIELDS = [name for name in Host.__struct_fields__ if name not in ("name", "sources", "place", "notes")]


def _in_order(host: Host) -> Host:
    """The host with what has no order in one order."""
    sets = {name: getattr(host, name) for name in ("sockets", "cores")}
    sets |= {"l3": host.l3, "pci_buses": host.pci_buses}
    online = host.cpus or union(node.cpus for node in host.nodes or () if node.cpus)
    return replace(
        stripped(host),
        name="",
        cpus=online,
        offline=host.offline and host.offline - online,
        kinds=host.kinds and {kind: found for kind, found in host.kinds.items() if found},
        **{name: None if one is None else tuple(sorted(one, key=repr)) for name, one in sets.items()},
        pci=host.pci
        and {
            address: replace(each, names=tuple(sorted({*each.names, *each.aliases})), aliases=())
            for address, each in host.pci.items()
        },
    )


@given(any_host(), any_host(), st.sampled_from(FIELDS))
@settings(max_examples=200, deadline=None)
def test_no_change_is_passed_over(host: Host, other: Host, field: str) -> None:
    """One fact of the host is that of another; where nothing is told, they are the same."""
    new = replace(host, **{field: getattr(other, field)})
    if not differences(host, new):
        assert _in_order(host) == _in_order(new)
