from pathlib import Path

import pytest

import numalint
from numalint.loaders.document import Document, LoadError
from numalint.loaders.host import hwloc
from numalint.model.host import Fact, Host, PciAddress, PciBuses, Pool

MIB = 1 << 20


def load(text: str) -> Host:
    return hwloc.load(Document("hosts/kvm01.xml", text.encode()), pytest.fail)


def refused(text: str) -> LoadError:
    with pytest.raises(LoadError) as caught:
        load(text)
    return caught.value


DOCTYPE = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE topology SYSTEM "hwloc2.dtd">\n'


def package(number: int, bits: str, cpus: tuple[int, int], inside: str = "") -> str:
    first, second = cpus
    return f"""
    <object type="Package" os_index="{number}" cpuset="{bits}" nodeset="{number + 1:#x}">
      <object type="NUMANode" os_index="{number}" cpuset="{bits}" local_memory="1073741824">
        <page_type size="4096" count="1000"/><page_type size="2097152" count="{96 + number}"/>
      </object>
      <object type="L3Cache" cpuset="{bits}" cache_size="16777216" depth="3" cache_type="0">
        <object type="Core" os_index="0" cpuset="{bits}">
          <object type="PU" os_index="{first}"/><object type="PU" os_index="{second}"/>
        </object>
      </object>{inside}
    </object>"""


def nic(address: str, name: str) -> str:
    return f"""
      <object type="Bridge" bridge_type="0-1" bridge_pci="0000:[40-42]">
        <object type="Bridge" bridge_type="1-1" pci_busid="0000:40:00.0" bridge_pci="0000:[41-41]">
          <object type="PCIDev" pci_busid="{address}" pci_type="0200 [8086:10d3] [8086:0000] 00">
            <object type="OSDev" name="{name}" osdev_type="2"/><object type="OSDev" name="mlx5_0" osdev_type="3"/>
          </object>
        </object>
      </object>"""


def topology(inside: str, after: str = "", version: str = ' version="2.0"') -> str:
    return f"""{DOCTYPE}<topology{version}>
  <object type="Machine" os_index="0" cpuset="0x0000000f" complete_cpuset="0x0000003f" nodeset="0x3">
    <info name="Architecture" value="x86_64"/>{inside}
  </object>{after}
</topology>
"""


DISTANCES = """
  <distances2 type="NUMANode" nbobjs="2" kind="5" name="NUMALatency" indexing="os">
    <indexes length="1">0</indexes><indexes length="1">1</indexes>
    <u64values length="3">10 21 </u64values><u64values length="1">20 10</u64values>
  </distances2>"""
TWO = package(0, "0x5", (0, 2)) + package(1, "0xa", (1, 3), nic("0000:41:00.0", "enp65s0"))


def test_every_fact_of_a_two_node_host():
    host = load(topology(TWO, DISTANCES))
    assert host.name == "kvm01"
    assert host.arch == "x86_64"
    assert str(host.cpus) == "0-3"
    assert [(node.id, str(node.cpus), node.memory_bytes) for node in host.nodes] == [
        (0, "0,2", 1024 * MIB),
        (1, "1,3", 1024 * MIB),
    ]
    assert [str(core) for core in host.cores] == ["0,2", "1,3"]
    assert [str(socket) for socket in host.sockets] == ["0,2", "1,3"]
    assert [(str(cache.cpus), cache.size_bytes) for cache in host.l3] == [("0,2", 16 * MIB), ("1,3", 16 * MIB)]
    assert host.node_by_id[1].hugepages == {2 * MIB: Pool(97)}
    assert (host.distance(0, 1), host.distance(1, 0)) == (21, 20)


def test_offline_cpus_are_unknown_for_absent_ones_look_the_same():
    host = load(topology(TWO))
    assert host.offline is None
    assert Fact.OFFLINE in host.unknown


def test_pci_device_is_on_the_node_of_the_object_it_hangs_on():
    host = load(topology(TWO))
    address = PciAddress.parse("41:00.0")
    assert list(host.pci) == [address]
    assert host.pci[address].node == 1
    assert host.pci[address].names == ("enp65s0", "mlx5_0")
    assert host.pci_buses == (PciBuses(0, 0x40, 0x42, 1),)
    assert not host.complete_pci


def test_pci_device_on_the_machine_of_several_nodes_is_unknown():
    host = load(topology(TWO.replace("0000:41", "0000:43") + nic("0000:41:00.0", "eth0")))
    assert host.pci[PciAddress.parse("41:00.0")].node is None
    assert host.pci[PciAddress.parse("43:00.0")].node == 1


def test_without_pci_devices_none_are_known():
    assert load(topology(package(0, "0x5", (0, 2)))).pci is None


def test_memory_of_another_kind_shares_the_cpus_and_gets_none():
    hbm = '<object type="NUMANode" os_index="1" cpuset="0x5" local_memory="512" subtype="HBM"/>'
    dram = '<object type="NUMANode" os_index="4" cpuset="0x5" local_memory="1024" subtype="DRAM"/>'
    pus = '<object type="PU" os_index="0"/><object type="PU" os_index="2"/>'
    host = load(topology(hbm + dram + pus))
    assert [(node.id, str(node.cpus), node.kind, str(node.near)) for node in host.nodes] == [
        (1, "", "hbm", "4"),
        (4, "0,2", "dram", ""),
    ]
    assert host.cores is None
    assert host.sockets is None


def test_version_1_with_nodes_in_the_main_tree():
    text = f"""{DOCTYPE}<topology>
  <object type="Machine" os_index="0" cpuset="0x00000003" complete_cpuset="0x0000000f" online_cpuset="0x00000003">
    <distances nbobjs="2" relative_depth="1" latency_base="10.000000">
      <latency value="1.000000"/><latency value="2.100000"/><latency value="2.100000"/><latency value="1.000000"/>
    </distances>
    <object type="NUMANode" os_index="0" cpuset="0x1" local_memory="1048576">
      <object type="Socket" os_index="0"><object type="Cache" depth="3" cache_type="0" cache_size="8192">
        <object type="Core" os_index="0"><object type="PU" os_index="0"/></object></object></object>
    </object>
    <object type="NUMANode" os_index="250" cpuset="0x2" local_memory="1048576">
      <object type="Socket" os_index="1"><object type="Core" os_index="0"><object type="PU" os_index="1"/></object></object>
    </object>
  </object>
</topology>"""
    host = load(text)
    assert [(node.id, str(node.cpus)) for node in host.nodes] == [(0, "0"), (250, "1")]
    assert host.distance(0, 250) == 21
    assert str(host.offline) == "2-3"
    assert [str(socket) for socket in host.sockets] == ["0", "1"]
    assert [str(cache.cpus) for cache in host.l3] == ["0"]


def test_version_1_without_any_node():
    text = topology('<object type="PU" os_index="0"/>', version="").replace("nodeset", 'local_memory="4096" nodeset')
    host = load(text)
    assert [(node.id, str(node.cpus), node.memory_bytes) for node in host.nodes] == [(0, "0", 4096)]
    assert host.notes == ("this hwloc XML has no NUMANode: took all CPUs and memory as node 0",)


def test_version_3_says_which_buses_are_local_and_no_huge_pages():
    pages = TWO.replace("page_type", "info")
    locality = '<pci_locality domain="0x1" bus_min="0x0" bus_max="0xc" cpuset="0x0000000a"/>'
    host = load(topology(pages, locality, ' version="3.0"'))
    assert PciBuses(1, 0, 12, 1) in host.pci_buses
    assert host.nodes[0].hugepages is None


def test_bitmap_with_empty_words():
    pus = "".join(f'<object type="PU" os_index="{cpu}"/>' for cpu in (0, 96))
    host = load(topology('<object type="NUMANode" os_index="0" cpuset="0x00ffffff,,,0x00ffffff"/>' + pus))
    assert str(host.nodes[0].cpus) == "0,96"


def test_file_of_a_batch_job_says_so():
    host = load(topology(TWO + '<info name="LinuxCgroup" value="/slurm/job_1"/>'))
    assert host.notes == ("this XML was made inside cgroup /slurm/job_1: it may show only a part of the host",)


def test_hybrid_cpus_by_their_kind():
    kind = '<cpukind cpuset="{}"><info name="CoreType" value="{}"/></cpukind>'
    kinds = kind.format("0x5", "IntelCore") + kind.format("0x8", "IntelAtom") + kind.format("0x2", "IntelLowPower")
    host = load(topology(TWO, kinds))
    assert {word: str(cpus) for word, cpus in host.kinds.items()} == {"efficiency": "1,3", "performance": "0,2"}
    assert load(topology(TWO, kind.format("0xf", "IntelCore"))).kinds is None
    assert load(topology(TWO, '<cpukind cpuset="0x5"/><cpukind cpuset="0xa"/>')).kinds is None


def test_pages_of_64_kib_are_a_pool_where_smaller_ones_are_ordinary():
    assert load(topology(TWO.replace("2097152", "65536"))).node_by_id[0].hugepages == {65536: Pool(96)}
    only = TWO.replace('<page_type size="4096" count="1000"/>', "").replace("2097152", "65536")
    assert load(topology(only)).node_by_id[0].hugepages == {}


def test_memory_only_node_of_version_1_is_near_the_cpus_of_the_object_it_stands_in():
    node = '<object type="NUMANode" os_index="{}" cpuset="{}" local_memory="1">{}</object>'
    inside = node.format(0, "0x1", '<object type="PU" os_index="0"/>') + node.format(
        4, "0x0", '<info name="Type" value="MCDRAM"/>'
    )
    group = f'<object type="Group" cpuset="0x1">{inside}</object>'
    host = load(topology(group + node.format(9, "0x0", ""), version=""))
    assert [(each.id, str(each.cpus), str(each.near), each.kind) for each in host.nodes] == [
        (0, "0", "", None),
        (4, "", "0", "hbm"),
        (9, "", "", None),
    ]


def test_buses_that_a_device_on_them_contradicts_are_left_out():
    moved = nic("0000:41:00.0", "a").replace("0000:[40-42]", "0000:[80-82]")
    host = load(topology(TWO.replace("0000:41:00.0", "0000:42:00.0") + package(2, "0x10", (4, 5), moved)))
    assert host.node_of_pci(PciAddress.parse("42:00.0")) == 1
    assert host.node_of_pci(PciAddress.parse("41:00.0")) == 2
    assert host.pci_buses == (PciBuses(0, 0x80, 0x82, 2),)


def test_devices_on_no_pci_device_are_named_at_their_node():
    dax = '<object type="OSDev" name="dax0.0" osdev_type="0" subtype="NVM"/>'
    host = load(topology(package(0, "0x5", (0, 2)) + package(1, "0xa", (1, 3), dax) + dax.replace("dax0", "dax1")))
    assert [node.names for node in host.nodes] == [(), ("dax0.0",)]
    assert host.node_named("/dev/dax0.0") == 1
    assert host.node_named("dax1.0") is None


def test_minor_version_above_is_read_with_a_note():
    host = load(topology(TWO, version=' version="3.1"'))
    assert host.notes == ("hwloc XML version 3.1 is newer than I know (3.0): what is new in it is not read",)


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        (topology(TWO, version=' version="4.0"'), "hwloc XML version 4.0 is newer than I know (3.0)", None),
        (topology(TWO)[:900], "it is not well-formed XML: ", None),
        (topology(""), "this hwloc XML has no PU: it has no CPUs", 4),
        (DOCTYPE + "<topology/>", "this hwloc XML has no Machine: nothing can be known of the host", 3),
        (topology(TWO.replace('PU" os_index="3"', 'PU" os_index="2"')), "CPU 2 is described twice", 22),
        (topology(TWO.replace('PU" os_index="3"', 'PU" os_index="-3"')), "os_index of <object> is '-3', not a n", 22),
        (topology(TWO.replace('cpuset="0x5" l', 'cpuset="5" l')), "cpuset='5' is not a bitmap of hwloc", 7),
        (topology(TWO, DISTANCES.replace(">10 21 <", ">10<")), "the distances of 2 nodes have 3 values, not 4", 34),
        (topology(TWO.replace("0000:41:00.0", "41")), "'41' is not a PCI address such as 0000:3b:00.0", 27),
        (
            DOCTYPE.replace('"hwloc2.dtd"', '"d" [<!ENTITY a "b">]') + "<topology/>",
            "its DOCTYPE declares entities",
            None,
        ),
    ],
)
def test_errors_say_what_and_where(text, message, line):
    error = refused(text)
    assert error.message.startswith(message)
    assert line is None or error.line == line


def test_a_finding_shows_the_line_of_its_node_behind_the_doctype(tmp_path: Path):
    (tmp_path / "kvm01.xml").write_text(topology(TWO, DISTANCES))
    (tmp_path / "db.xml").write_text(
        "<domain type='kvm'><name>db</name><memory unit='MiB'>512</memory><vcpu cpuset='1,3'>2</vcpu>"
        "<numatune><memory mode='strict' nodeset='0'/></numatune></domain>"
    )
    report = numalint.check(tmp_path / "db.xml", host=tmp_path / "kvm01.xml", select=["memory"])
    related = {(Path(each.span.path).name, each.span.line) for result in report.results for each in result.related}
    assert ("kvm01.xml", 7) in related
    assert report.problems == ()
