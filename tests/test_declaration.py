"""A host as TOML: what it looks like, and that reading it back gives the same host."""

from __future__ import annotations

import tomllib

import pytest
from any_host import any_host
from hypothesis import given, settings
from msgspec.structs import replace
from stripped import stripped

from numalint.loaders.host.inputs import host_from_text
from numalint.loaders.host.toml_cores import cores_texts, parse_cores
from numalint.model.host import L3, Host, Node, PciAddress, PciBuses, PciDevice, Pool
from numalint.model.idset import IdSet
from numalint.reporters.host.declaration import declaration

GIB = 1 << 30


def cpus(text: str) -> IdSet:
    return IdSet.parse(text) if text else IdSet()


NIC = PciAddress.parse("3b:00.0")
FUNCTION = PciAddress.parse("3b:02.0")
HV07 = Host(
    name="hv07",
    sources=("/sys",),
    arch="x86_64",
    cpus=cpus("0-3,8-11"),
    offline=cpus(""),
    isolated=cpus("2-3,10-11"),
    nodes=(
        Node(
            0,
            cpus("0-3,8-11"),
            131783564 << 10,
            4 * GIB,
            {0: 10, 250: 17},
            {2 << 20: Pool(1024, 1000), GIB: Pool(64), 64 << 10: Pool()},
            "dram",
        ),
        Node(250, cpus(""), 64 * GIB, 0, {0: 17}, {}, "cxl", cpus("0"), ("dax0.0",)),
    ),
    sockets=(cpus("0-3,8-11"),),
    cores=tuple(cpus(f"{core},{core + 8}") for core in range(4)),
    l3=(L3(cpus("0-1,8-9"), 32 << 20), L3(cpus("2-3,10-11"), 32 << 20)),
    kinds={"performance": cpus("0-3,8-11")},
    pci={
        NIC: PciDevice(NIC, 0, ("ens3f0",), (), "ixgbe", 41),
        FUNCTION: PciDevice(FUNCTION, 0, ("ens3f0v0", "mlx5_4"), (), "iavf", 42, NIC),
        PciAddress(0x10000, 0, 0, 0): PciDevice(PciAddress(0x10000, 0, 0, 0), aliases=("disk/by-path/pci-a b",)),
    },
    complete_pci=True,
    pci_buses=(PciBuses(0, 0xD7, 0xFF, 250), PciBuses(0, 0x3B, 0x3B, 0)),
    notes=("read in a container",),
)

HV07_TOML = """\
# A host for numalint, written by `numalint topology capture`. Capturing it again overwrites this file: what you declare
# yourself, such as the CPUs that you keep for the host, belongs in a file of its own that has this one as its base.
# A key that is missing is not known: that is neither zero nor none. Sizes are binary, sets are as in libvirt: "0-7,16".
# Not known here: housekeeping, hugepages-free, pci-node.

format = 1
name = "hv07"
arch = "x86_64"
pci_complete = true  # a PCI device that is not listed does not exist

# Cores: "0-3+8-11" are 0,8 1,9 2,10 3,11; "0-7/2" are 0-1 2-3 4-5 6-7; "0-3" are four of one thread each.

[[nodes]]
id = 0
socket = 0
cores = "0-3+8-11"  # 4 cores, 8 CPUs
memory = "131783564 KiB"  # about 125.7 GiB
reserved_memory = "4 GiB"  # what the host keeps of it for itself
hugepages = { 64K = {}, 2M = { total = 1024, free = 1000 }, 1G = 64 }  # pages of each size: 66 GiB
kind = "dram"
distances = [10, 17]  # to nodes 0,250

[[nodes]]
id = 250
# no CPUs: memory alone
memory = "64 GiB"
hugepages = {}  # no pool
kind = "cxl"
near = [0]  # the nodes whose CPUs are near to this memory
distances = { 0 = 17 }
names = ["dax0.0"]  # devices on this node that are no PCI devices

[cpus]
offline = ""  # no CPU is off
isolated = "2-3,10-11"  # 4 CPUs that the scheduler leaves alone
kinds = { performance = "0-3,8-11" }

[[l3]]
cpus = ["0-1,8-9", "2-3,10-11"]  # 2 caches
size = "32 MiB"  # of each

[pci_buses]  # every device on these buses is on this node
"0000:d7-ff" = 250
"0000:3b" = 0

[pci]  # 3 devices
# on node 0
"0000:3b:00.0" = { name = "ens3f0", node = 0, driver = "ixgbe", iommu_group = 41 }
"0000:3b:02.0" = { names = ["ens3f0v0", "mlx5_4"], node = 0, driver = "iavf", iommu_group = 42, physical_function = \
"0000:3b:00.0" }
# on which node is not said
"10000:00:00.0" = { aliases = ["disk/by-path/pci-a b"] }
"""


def test_a_host_is_written_for_people_and_is_the_same_when_it_is_read_back() -> None:
    assert declaration(HV07) == HV07_TOML
    assert stripped(host_from_text(HV07_TOML)) == stripped(HV07)


def test_nothing_of_how_it_was_captured_is_in_it() -> None:
    elsewhere = replace(HV07, sources=("/root/x",), notes=("odd",), place=None)
    assert declaration(elsewhere) == HV07_TOML


def test_an_order_of_the_devices_makes_no_other_bytes() -> None:
    assert declaration(replace(HV07, pci=dict(reversed(HV07.pci.items())))) == HV07_TOML


def test_what_contradicts_itself_is_told_and_read_back_all_the_same() -> None:
    small = replace(HV07, nodes=(replace(HV07.nodes[0], memory_bytes=GIB), HV07.nodes[1]))
    text = declaration(small)
    assert (
        "lenient = true  # not refused, though it contradicts itself:\n"
        "# - node 0 has 1 GiB, but huge page pools of 66 GiB\n"
        "# - node 0 has 1 GiB, but 4 GiB of it are reserved\n"
    ) in text
    assert stripped(host_from_text(text)) == stripped(small)


def test_a_host_without_nodes() -> None:
    bare = Host("bare", cpus=cpus("0-3"), cores=(cpus("0-1"), cpus("2"), cpus("3")))
    assert declaration(bare).endswith("""
[cpus]
online = "0-3"  # 4 CPUs
# Cores: "0-3+8-11" are 0,8 1,9 2,10 3,11; "0-7/2" are 0-1 2-3 4-5 6-7; "0-3" are four of one thread each.
cores = ["0-1/2", "2-3"]  # 3 cores
""")
    assert stripped(host_from_text(declaration(bare))) == stripped(bare)


@pytest.mark.parametrize(
    ("cores", "texts"),
    [
        (["0,4", "1,5", "2,6", "3,7"], ["0-3+4-7"]),
        (["0-1", "2-3", "4-5", "6-7"], ["0-7/2"]),
        (["0", "2", "4"], ["0,2,4"]),
        (["0-1", "2-3", "4", "5", "6"], ["0-3/2", "4-6"]),
        (["0-7", "8-15"], ["0-15/8"]),
        (["0,2"], ["0+2"]),
        (["4,5", "0,1"], ["4-5/2", "0-1/2"]),
        ([], []),
    ],
)
def test_cores_in_few_words(cores: list[str], texts: list[str]) -> None:
    sets = [IdSet.parse(core) for core in cores]
    assert cores_texts(sets) == texts
    assert [core for text in texts for core in parse_cores(text)] == sets


@settings(max_examples=400, deadline=None)
@given(any_host())
def test_every_host_is_the_same_when_it_is_read_back(host: Host) -> None:
    text = declaration(host)
    assert stripped(host_from_text(text)) == stripped(host)


@settings(max_examples=100, deadline=None)
@given(any_host())
def test_the_same_host_gives_the_same_bytes(host: Host) -> None:
    text = declaration(host)
    assert declaration(host_from_text(text)) == text
    assert tomllib.loads(text)["format"] == 1


def test_no_fact_of_a_host_is_left_out() -> None:
    """A new field must be written and read too: the property above sees only those that a host of its making has."""
    assert set(Host.__struct_fields__) - {"sources", "place", "notes"} == {
        *("name", "arch", "cpus", "offline", "isolated", "housekeeping", "nodes", "sockets", "cores", "l3", "kinds"),
        *("pci", "complete_pci", "pci_buses"),
    }
    assert set(Node.__struct_fields__) - {"place"} == {
        *("id", "cpus", "memory_bytes", "reserved_bytes", "distances", "hugepages", "kind", "near", "names"),
    }
    assert set(PciDevice.__struct_fields__) - {"place"} == {
        *("address", "node", "names", "aliases", "driver", "iommu_group", "physical_function"),
    }
