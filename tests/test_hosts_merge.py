import os

import pytest
from msgspec.structs import replace

from numalint.loaders.document import LoadError
from numalint.loaders.host.disagreement import Contradiction
from numalint.loaders.host.formats import FORMATS
from numalint.loaders.host.inputs import host_from_text, load_inputs
from numalint.loaders.host.merge import merge
from numalint.model.host import L3, Host, PciAddress, PciBuses, PciDevice, Pool
from numalint.model.idset import IdSet

GIB = 1 << 30
NIC = PciAddress.parse("3b:00.0")
DISK = PciAddress.parse("5e:00.0")


def host(text: str, source: str, **facts: object) -> Host:
    return replace(host_from_text(text), name=source, sources=(source,), **facts)


def with_node(one: Host, number: int, **facts: object) -> Host:
    return replace(one, nodes=tuple(replace(node, **facts) if node.id == number else node for node in one.nodes))


PLAIN = host("numa:2 core:2 pu:1", "a.xml")


def test_each_fact_is_of_the_first_that_states_it():
    caps = with_node(host("numa:2(memory=8GiB) pu:2", "caps.xml", arch="x86_64"), 0, hugepages={GIB: Pool(4)})
    declared = with_node(host("numa:2(memory=8GiB) core:2 pu:1", "own.toml"), 0, hugepages={GIB: Pool(None, 3)})
    merged, warnings = merge([(40, caps), (60, declared)])
    assert merged.name == "own.toml"
    assert merged.sources == ("own.toml", "caps.xml")
    assert merged.arch == "x86_64"
    assert len(merged.cores) == 4
    assert merged.node_by_id[0].hugepages == {GIB: Pool(4, 3)}
    assert warnings == ()


def test_nodedev_adds_devices_and_nothing_else():
    devices = Host("dev", ("dev.xml",), pci={NIC: PciDevice(NIC, 1, ("eth0",))}, complete_pci=True)
    merged, warnings = merge([(0, devices), (40, PLAIN)])
    assert merged.name == "a.xml"
    assert merged.pci == devices.pci
    assert merged.complete_pci
    assert warnings == ()


def test_cpu_on_two_nodes_is_an_error():
    other = host("numa:2 core:2 pu:1(indexes=0,2,1,3)", "b.xml")
    with pytest.raises(LoadError) as caught:
        merge([(40, PLAIN), (30, other)])
    assert caught.value.message == (
        "these inputs are not of one host (or one was made in a container): "
        "CPU 1 is on node 0 in a.xml and on node 1 in b.xml"
    )


def test_node_with_cpus_that_the_other_does_not_know_is_an_error():
    with pytest.raises(LoadError) as caught:
        merge([(40, host("numa:3 core:2 pu:1", "c.xml")), (30, PLAIN)])
    assert caught.value.message == (
        "these inputs are not of one host (or one was made in a container): c.xml has node 2, a.xml has only 0-1"
    )


def test_node_without_cpus_may_be_missing():
    more = host("numa:2 core:2 pu:1 ", "c.xml")
    more = replace(more, nodes=(*more.nodes, replace(more.nodes[0], id=250, cpus=IdSet())))
    merged, warnings = merge([(40, PLAIN), (30, more)])
    assert [node.id for node in merged.nodes] == [0, 1, 250]
    assert warnings == ("node 250 without CPUs is in c.xml but not in a.xml",)


def test_cpus_that_only_one_lists_are_told():
    more = host("numa:2 core:2 pu:1(indexes=0,1,2,3)", "b.xml")
    fewer = with_node(replace(PLAIN, cpus=IdSet(0b111)), 1, cpus=IdSet(0b100))
    merged, warnings = merge([(40, fewer), (30, more)])
    assert str(merged.cpus) == "0-2"
    assert [str(core) for core in merged.cores] == ["0", "1", "2"]
    assert warnings == ("CPUs 3 are in b.xml but not in a.xml: they may be offline, or hidden",)


def test_memory_within_two_percent_is_the_same():
    def merged(memory: int, rank: int = 40) -> tuple[str, ...]:
        one = with_node(PLAIN, 0, memory_bytes=memory)
        return merge([(rank, one), (30, with_node(replace(PLAIN, sources=("b.xml",)), 0, memory_bytes=100 * GIB))])[1]

    assert merged(99 * GIB) == ()
    with pytest.raises(LoadError) as caught:
        merged(90 * GIB)
    assert caught.value.message == (
        "these inputs are not of one host (or its memory was changed between them): "
        "node 0 has 90 GiB in a.xml and 100 GiB in b.xml"
    )
    assert merged(90 * GIB, 60) == ("memory of node 0: a.xml says 90 GiB, b.xml says 100 GiB; took 90 GiB",)


def test_memory_that_numactl_rounds_to_mib_is_the_same():
    one, two = (with_node(PLAIN, 0, memory_bytes=memory) for memory in (3 << 20, (4 << 20) - 4096))
    assert merge([(40, one), (20, two)])[1] == ()


def test_inputs_without_a_common_cpu_are_of_two_hosts():
    other = host("numa:2 core:2 pu:1(indexes=4,5,6,7)", "b.xml")
    with pytest.raises(LoadError) as caught:
        merge([(40, PLAIN), (30, other)])
    assert caught.value.message == (
        "these inputs are not of one host (or one was made in a container): a.xml has CPUs 0-3, b.xml has CPUs 4-7"
    )


def test_every_fact_that_two_state_otherwise_is_told_with_both_files_and_values():
    facts = {
        "arch": ("x86_64", "aarch64"),
        "isolated": (IdSet(0b1), IdSet()),
        "kinds": ({"performance": IdSet(0b11)}, {"performance": IdSet(0b111)}),
        "l3": ((L3(IdSet(0b1111), GIB),), (L3(IdSet(0b1111), 2 * GIB),)),
        "pci": (
            {NIC: PciDevice(NIC, 0, ("eth0",), (), "ixgbe", 4)},
            {NIC: PciDevice(NIC, 0, (), (), "vfio-pci", 5), DISK: PciDevice(DISK, 0, ("eth0", "sda"))},
        ),
        "pci_buses": ((PciBuses(0, 0, 9, 0),), (PciBuses(0, 9, 10, 1), PciBuses(0, 0xFF, 0xFF, 1))),
    }
    one, two = (
        replace(PLAIN, sources=(name,), **{fact: both[at] for fact, both in facts.items()})
        for at, name in enumerate(("a.xml", "b.xml"))
    )
    merged, warnings = merge([(40, with_node(one, 1, kind="dram")), (30, with_node(two, 1, kind="cxl"))])
    assert warnings == (
        "kind of node 1: a.xml says dram, b.xml says cxl; took dram",
        "architecture: a.xml says x86_64, b.xml says aarch64; took x86_64",
        "isolated CPUs: a.xml says 0, b.xml says none; took 0",
        "size of the L3 of CPUs 0-3: a.xml says 1 GiB, b.xml says 2 GiB; took 1 GiB",
        "kinds of CPUs: a.xml says performance 0-1, b.xml says performance 0-2; took performance 0-1",
        "node of PCI buses 0000:09-0a: a.xml says 0, b.xml says 1; took 0",
        "driver of PCI device 0000:3b:00.0: a.xml says ixgbe, b.xml says vfio-pci; took ixgbe",
        "IOMMU group of PCI device 0000:3b:00.0: a.xml says 4, b.xml says 5; took 4",
        "PCI device of eth0: a.xml says 0000:3b:00.0, b.xml says 0000:5e:00.0; took 0000:3b:00.0",
    )
    assert all(isinstance(each, Contradiction) for each in warnings)
    assert merged.names == {"eth0": NIC, "sda": DISK}
    assert merged.pci_buses == (PciBuses(0, 0, 9, 0), PciBuses(0, 0xFF, 0xFF, 1))


def test_the_input_that_states_a_fact_is_named_and_not_all_that_were_merged():
    one = host("numa:2 core:2 pu:1", "own.toml")
    two = with_node(replace(PLAIN, sources=("b.xml",)), 0, hugepages={GIB: Pool(4)})
    three = with_node(replace(PLAIN, sources=("c.xml",)), 0, hugepages={GIB: Pool(5)})
    assert merge([(60, one), (40, two), (30, three)])[1] == (
        "pages of 1 GiB on node 0: b.xml says 4, c.xml says 5; took 4",
    )


def test_names_of_both_are_kept():
    one = with_node(replace(PLAIN, pci={NIC: PciDevice(NIC, 0, aliases=("net/a",))}), 0, names=("dax0.0",))
    two = with_node(replace(PLAIN, pci={NIC: PciDevice(NIC, 0, ("eth0",), ("net/b",))}), 0, names=("pmem0",))
    merged, warnings = merge([(40, one), (30, two)])
    assert merged.pci[NIC] == PciDevice(NIC, 0, ("eth0",), ("net/a", "net/b"))
    assert merged.nodes[0].names == ("dax0.0", "pmem0")
    assert warnings == ()


def test_that_there_is_no_l3_is_known():
    none = replace(PLAIN, l3=())
    assert merge([(40, none), (30, PLAIN)])[0].l3 == ()
    some = replace(PLAIN, sources=("b.xml",), l3=(L3(IdSet(0b11)),))
    assert merge([(40, none), (30, some)])[1] == (
        "L3 caches differ: a.xml has none where b.xml has 0-1; took the former",
    )


def test_distances_cores_and_devices_that_differ_are_warnings():
    one = with_node(replace(PLAIN, pci={NIC: PciDevice(NIC, 0)}), 0, distances={0: 10, 1: 20})
    two = host("numa:2 core:1 pu:2", "b.xml", pci={NIC: PciDevice(NIC, 1, ("eth0",))})
    merged, warnings = merge([(40, one), (30, with_node(two, 0, distances={0: 10, 1: 21}))])
    assert merged.distance(0, 1) == 20
    assert merged.pci[NIC] == PciDevice(NIC, 0, ("eth0",))
    assert warnings == (
        "distance from node 0 to 1: a.xml says 20, b.xml says 21; took 20",
        "cores differ: a.xml has 0 where b.xml has 0-1; took the former",
        "node of PCI device 0000:3b:00.0: a.xml says 0, b.xml says 1; took 0",
    )


def test_declared_buses_win_over_a_device_that_was_read():
    declared = Host("own", ("own.toml",), pci_buses=(PciBuses(0, 0x3B, 0x3C, 1),))
    merged, warnings = merge([(0, replace(PLAIN, pci={NIC: PciDevice(NIC, 0)})), (60, declared)])
    assert merged.node_of_pci(NIC) == 1
    assert warnings == ("node of PCI device 0000:3b:00.0: own.toml says 1, a.xml says 0; took 1",)


def test_device_on_a_node_that_no_input_describes():
    devices = Host("dev", ("dev.xml",), pci={NIC: PciDevice(NIC, 7)})
    merged, warnings = merge([(40, PLAIN), (0, devices)])
    assert merged.pci[NIC].node is None
    assert warnings == ("PCI device 0000:3b:00.0 is on node 7, which no input describes: taken as unknown",)


CAPABILITIES = """<capabilities><host><topology><cells>
<cell id='0'><cpus><cpu id='0' socket_id='0' core_id='0' siblings='0'/></cpus></cell>
<cell id='1'><cpus><cpu id='1' socket_id='1' core_id='0' siblings='1'/></cpus></cell>
</cells></topology></host></capabilities>"""
DEVICE = """<device><name>pci_0000_3b_00_0</name><parent>computer</parent><capability type='pci'>
<domain>0</domain><bus>59</bus><slot>0</slot><function>0</function><numa node='1'/></capability></device>"""
INTERFACE = """<device><name>net_eth0</name><parent>pci_0000_3b_00_0</parent>
<capability type='net'><interface>eth0</interface></capability></device>"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kvm01.xml").write_text(CAPABILITIES)
    (tmp_path / "nodedev").mkdir()
    (tmp_path / "nodedev" / "net_eth0.xml").write_text(INTERFACE)
    (tmp_path / "nodedev" / "pci_0000_3b_00_0.xml").write_text(DEVICE)
    (tmp_path / "nodedev" / "readme.txt").write_text("made by a loop")
    return tmp_path


def test_files_and_a_folder_make_one_host(folder):
    (folder / "own.host.toml").write_text('format = 1\nname = "hv1"\n[cpus]\nisolated = "1"\n[node.1]\nmemory = "8G"\n')
    found, warnings = load_inputs(["kvm01.xml", "nodedev", "own.host.toml"], FORMATS)
    assert found.name == "hv1"
    assert found.sources == ("own.host.toml", "kvm01.xml", "nodedev/net_eth0.xml", "nodedev/pci_0000_3b_00_0.xml")
    assert [(node.id, str(node.cpus), node.memory_bytes) for node in found.nodes] == [(0, "0", None), (1, "1", 8 * GIB)]
    assert found.names == {"eth0": NIC}
    assert found.node_of_pci(NIC) == 1
    assert found.node_by_id[1].place.document == "kvm01.xml"
    assert warnings == ()


def test_name_may_be_given_and_a_synthetic_string_is_an_input(folder):
    assert load_inputs(["kvm01.xml"], FORMATS)[0].name == "kvm01"
    assert load_inputs(["kvm01.xml"], FORMATS, "hv2")[0].name == "hv2"
    found, warnings = load_inputs(["pack:2 numa:1 core:4 pu:1"], FORMATS)
    assert (found.name, str(found.cpus), warnings) == ("synthetic", "0-7", ())


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("absent.xml", "it cannot be read: No such file or directory"),
        ("pipe", "it is no plain file (a pipe, a socket, a device?)"),
        ("empty", "this folder has neither a sysfs tree nor a file that describes a host"),
        ("notes.txt", "it is not a host description that numalint knows: it has no XML element "),
        ("pom.xml", "it is not a host description that numalint knows: its first element is <project> "),
        ("nul\0", "it cannot be read: the path has a NUL in it"),
    ],
)
def test_what_is_no_input_is_refused(folder, path, message):
    os.mkfifo(folder / "pipe")
    (folder / "empty").mkdir()
    (folder / "notes.txt").write_text("hello")
    (folder / "pom.xml").write_text("<project/>")
    with pytest.raises(LoadError) as caught:
        load_inputs([path], FORMATS)
    assert caught.value.message.startswith(message)
    assert caught.value.path == path


def test_huge_file_is_refused(folder):
    with (folder / "huge.xml").open("wb") as file:
        file.truncate((256 << 20) + 1)
    with pytest.raises(LoadError) as caught:
        load_inputs(["huge.xml"], FORMATS)
    assert caught.value.message == "it is larger than 256 MiB, which no description of a host is"
