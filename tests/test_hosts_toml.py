import pytest

from numalint.loaders.document import Document, LoadError
from numalint.loaders.host import toml as host_toml
from numalint.loaders.host.formats import FORMATS
from numalint.loaders.host.inputs import host_from_text, load_inputs
from numalint.model.host import Fact, Host, PciAddress, PciBuses, Pool
from numalint.model.place import Place

GIB = 1 << 30


def load(text: str, base: Host | None = None) -> Host:
    return host_toml.load(Document("hosts/kvm01.host.toml", text.encode()), lambda name: base or pytest.fail(name))


def refused(text: str, base: Host | None = None) -> LoadError:
    with pytest.raises(LoadError) as caught:
        load(text, base)
    return caught.value


def cpus(host: Host) -> list[tuple[int, str]]:
    return [(node.id, str(node.cpus)) for node in host.nodes]


XEON = """\
format = 1
name = "hv07"
arch = "x86_64"

[topology]
sockets = 2
nodes_per_socket = 2
cores_per_node = 16
threads_per_core = 2
cpu_numbering = "threads-last"
memory_per_node = "256 GiB"
distances = [[10, 12, 21, 21], [12, 10, 21, 21], [21, 21, 10, 12], [21, 21, 12, 10]]

[cpus]
housekeeping = "0-1,64-65"
isolated = "2-15,66-79"

[node.0]
hugepages = { "1G" = 192, "2M" = 0 }
reserved_memory = "16 GiB"

[node.1]
pci = ["0000:3b:00.0 ens3f0", "5e:00.0 nvme0n1"]

[node.3]
pci_buses = ["0000:d7-ff"]
"""

SMALL = """\
format = 1
[topology]
sockets = 2
cores_per_node = 2
threads_per_core = 2
cpu_numbering = "threads-last"
memory_per_node = "1 GiB"
"""


def test_two_sockets_of_two_nodes():
    host = load(XEON)
    assert (host.name, host.arch) == ("hv07", "x86_64")
    assert cpus(host) == [(0, "0-15,64-79"), (1, "16-31,80-95"), (2, "32-47,96-111"), (3, "48-63,112-127")]
    assert len(host.cores) == 64
    assert str(host.cores[0]) == "0,64"
    assert [str(socket) for socket in host.sockets] == ["0-31,64-95", "32-63,96-127"]
    assert host.distance(0, 3) == 21
    assert [node.memory_bytes for node in host.nodes] == [256 * GIB] * 4
    assert host.node_by_id[0].reserved_bytes == 16 * GIB
    assert host.node_by_id[0].hugepages == {GIB: Pool(192), 2 << 20: Pool(0)}
    assert str(host.housekeeping) == "0-1,64-65"
    assert str(host.isolated) == "2-15,66-79"
    assert host.names == {"ens3f0": PciAddress.parse("3b:00.0"), "nvme0n1": PciAddress.parse("5e:00.0")}
    assert host.node_of_pci(PciAddress.parse("3b:00.0")) == 1
    assert host.pci_buses == (PciBuses(0, 0xD7, 0xFF, 3),)


def test_what_is_not_declared_is_unknown():
    host = load(XEON)
    assert host.l3 is None
    assert host.offline is None
    assert host.node_by_id[2].hugepages is None
    assert not host.complete_pci
    assert host.nodes[0].hugepages[GIB].free is None
    assert load(SMALL).unknown >= {Fact.PCI, Fact.ISOLATED, Fact.HOUSEKEEPING, Fact.DISTANCES, Fact.L3}


def test_caches_smaller_than_a_node_and_distances_in_short():
    host = load("""
format = 1
[topology]
sockets = 1
nodes_per_socket = 4
cores_per_node = 16
cores_per_l3 = 8
threads_per_core = 2
cpu_numbering = "threads-last"
node_distance = { same_socket = 12 }
""")
    assert cpus(host)[2] == (2, "32-47,96-111")
    assert [str(cache.cpus) for cache in host.l3][:2] == ["0-7,64-71", "8-15,72-79"]
    assert len(host.l3) == 8
    assert host.distance(0, 3) == 12
    assert host.node_by_id[2].memory_bytes is None


def test_numberings():
    adjacent = load(SMALL.replace("threads-last", "threads-adjacent"))
    assert cpus(adjacent) == [(0, "0-3"), (1, "4-7")]
    assert str(adjacent.cores[0]) == "0-1"
    interleaved = load(SMALL.replace("threads-last", "nodes-interleaved"))
    assert cpus(interleaved) == [(0, "0,2,4,6"), (1, "1,3,5,7")]
    assert str(interleaved.cores[0]) == "0,4"


def test_interleaved_nodes_lie_on_the_sockets_in_turn():
    text = SMALL.replace("threads-last", "nodes-interleaved").replace(
        "sockets = 2", "sockets = 2\nnodes_per_socket = 2"
    )
    host = load(text)
    assert cpus(host) == [(0, "0,4,8,12"), (1, "1,5,9,13"), (2, "2,6,10,14"), (3, "3,7,11,15")]
    assert [str(socket) for socket in host.sockets] == ["0,2,4,6,8,10,12,14", "1,3,5,7,9,11,13,15"]


def test_several_sockets_in_one_node():
    text = SMALL.replace("sockets = 2", "sockets = 4\nsockets_per_node = 2")
    host = load(text)
    assert cpus(host) == [(0, "0-1,4-5"), (1, "2-3,6-7")]
    assert [str(socket) for socket in host.sockets] == ["0,4", "1,5", "2,6", "3,7"]


def test_offline_cpus_are_in_nothing():
    host = load(SMALL + '[cpus]\noffline = "1,5"\nisolated = ""\n')
    assert str(host.cpus) == "0,2-4,6-7"
    assert cpus(host) == [(0, "0,4"), (1, "2-3,6-7")]
    assert [str(core) for core in host.cores] == ["0,4", "2,6", "3,7"]
    assert str(host.offline) == "1,5"
    assert str(host.isolated) == ""


LISTED = """\
format = 1
[[nodes]]
id = 0
socket = 0
cores = "0-15+32-47"
memory = "120 GiB"
[[nodes]]
id = 8
socket = 1
cores = "16-31+48-63"
pci = ["0000:81:00.0 eth1"]
distances = [20, 10, 17]
[[nodes]]
id = 250
memory = "64 GiB"
kind = "cxl"
near = [8]
[[l3]]
cpus = "0-3,32-35"
"""


def test_nodes_one_by_one():
    host = load(LISTED)
    assert host.name == "kvm01"
    assert cpus(host) == [(0, "0-15,32-47"), (8, "16-31,48-63"), (250, "")]
    assert str(host.cores[0]) == "0,32"
    assert [str(socket) for socket in host.sockets] == ["0-15,32-47", "16-31,48-63"]
    assert (host.node_by_id[250].kind, str(host.node_by_id[250].near)) == ("cxl", "8")
    assert host.node_by_id[8].memory_bytes is None
    assert (host.distance(8, 250), host.distance(0, 8)) == (17, None)
    assert host.node_of_pci(PciAddress.parse("81:00.0")) == 8
    assert [str(cache.cpus) for cache in host.l3] == ["0-3,32-35"]


def test_cpus_without_cores_leave_the_cores_unknown():
    host = load('format = 1\n[[nodes]]\nid = 0\ncpus = "0-3"\n[[nodes]]\nid = 1\ncores = "4-5"\n')
    assert cpus(host) == [(0, "0-3"), (1, "4-5")]
    assert host.cores is None
    assert host.sockets is None


def test_pci_in_long_form():
    text = (
        SMALL
        + '[[pci]]\naddress = "0a:00.0"\nname = "gpu"\n[[pci]]\naddress = "3b:00.0"\nnode = 1\nvfs = ["3b:02.0"]\n'
        + '[[pci]]\naddress = "5e:00.0"\nnames = ["ib0", "mlx5_0"]\ndriver = "mlx5_core"\niommu_group = 7\n'
    )
    host = load(text)
    port = host.pci[PciAddress.parse("5e:00.0")]
    assert (port.names, port.driver, port.iommu_group) == (("ib0", "mlx5_0"), "mlx5_core", 7)
    assert host.node_of_pci(PciAddress.parse("0a:00.0")) is None
    virtual = host.pci[PciAddress.parse("3b:02.0")]
    assert (virtual.node, virtual.physical_function) == (1, PciAddress.parse("3b:00.0"))


CAPTURED = """\
format = 1
lenient = false
pci_complete = true
[[nodes]]
id = 0
cores = ["0-3/2", "4-5"]
hugepages = { "1G" = { total = 192, free = 100 }, "2M" = 0, "64K" = {} }
names = ["dax0.0"]
distances = { 8 = 17 }
[[nodes]]
id = 8
cpus = "unknown"
memory = "1023 B"
[cpus]
online = "0-7"
offline = "8-9"
kinds = { performance = "0-3", efficiency = "4-9" }
sockets = ["0-5", "6-7"]
[[l3]]
cpus = ["0-3", "4-5"]
size = "2 MiB"
[pci_buses]
"0000:d7-ff" = 8
[pci]
"3b:00.0" = { names = ["ens3f0", "mlx5_0"], node = 8, driver = "mlx5_core", iommu_group = 41 }
"3b:00.1" = { physical_function = "3b:00.0", aliases = ["net/a"] }
[pci."0000:5e:00.0"]
name = "nvme0n1"
"""


def test_what_a_captured_host_needs():
    host = load(CAPTURED)
    assert [(node.id, node.cpus and str(node.cpus), node.memory_bytes) for node in host.nodes] == [
        (0, "0-5", None),
        (8, None, 1023),
    ]
    assert host.nodes[0].hugepages == {GIB: Pool(192, 100), 2 << 20: Pool(0), 64 << 10: Pool()}
    assert host.nodes[0].names == ("dax0.0",)
    assert (host.distance(0, 8), host.distance(8, 0), host.distance(0, 0)) == (17, None, None)
    assert (str(host.cpus), str(host.offline)) == ("0-7", "8-9")
    assert {kind: str(found) for kind, found in host.kinds.items()} == {"performance": "0-3", "efficiency": "4-9"}
    assert [str(socket) for socket in host.sockets] == ["0-5", "6-7"]
    assert host.cores is None
    assert [(str(cache.cpus), cache.size_bytes) for cache in host.l3] == [("0-3", 2 << 20), ("4-5", 2 << 20)]
    assert host.pci_buses == (PciBuses(0, 0xD7, 0xFF, 8),)
    assert host.complete_pci
    nic, function, disk = (host.pci[PciAddress.parse(address)] for address in ("3b:00.0", "3b:00.1", "5e:00.0"))
    assert (nic.node, nic.names, nic.driver, nic.iommu_group) == (8, ("ens3f0", "mlx5_0"), "mlx5_core", 41)
    assert (function.physical_function, function.aliases, function.node) == (nic.address, ("net/a",), None)
    assert (disk.names, disk.driver, disk.iommu_group) == (("nvme0n1",), None, None)


def test_places_of_devices_are_their_lines():
    host = load(CAPTURED)
    locators = [device.place.locator for device in host.pci.values()]
    assert located(CAPTURED, *locators) == [(25, 1, 10), (26, 1, 10), (27, 1, 21)]


def test_cores_of_any_width_in_the_nodes():
    host = load('format = 1\n[[nodes]]\nid = 0\ncores = ["1,3/2", "4-6", "0+2"]\n')
    assert [str(core) for core in host.cores] == ["0,2", "1,3", "4", "5", "6"]
    assert str(host.cpus) == "0-6"


def test_cores_by_themselves_keep_their_order():
    host = load('format = 1\n[cpus]\nonline = "0-7"\ncores = ["4-7/2", "0-1"]\nsockets = ["4-7", "0-3"]\n')
    assert host.nodes is None
    assert [str(core) for core in host.cores] == ["4-5", "6-7", "0", "1"]
    assert [str(socket) for socket in host.sockets] == ["4-7", "0-3"]


def test_that_there_is_none_is_not_that_it_is_unknown():
    host = load(SMALL.replace("[topology]", "pci = []\nl3 = []\n[topology]") + "[node.0]\nhugepages = {}\n")
    assert (host.pci, host.l3, host.nodes[0].hugepages, host.nodes[1].hugepages) == ({}, (), {}, None)
    assert Fact.PCI not in host.unknown


def test_lenient_takes_what_contradicts_itself():
    odd = SMALL + "[cpus]\nisolated = '99'\n[node.1]\nhugepages = { '1G' = 3 }\nreserved_memory = '2G'\n"
    assert refused(odd).message == "[node.1] hugepages: they take 3 GiB, and node 1 has 1 GiB"
    host = load("lenient = true\n" + odd)
    assert (host.nodes[1].hugepages, host.nodes[1].reserved_bytes) == ({GIB: Pool(3)}, 2 * GIB)
    assert str(host.isolated) == "99"


def test_a_base_gets_what_a_device_lacks():
    base = load(CAPTURED)
    text = """format = 1
base = "hv07.host.toml"
[pci]
"3b:00.0" = { name = "wan0", driver = "vfio-pci" }
[cpus]
cores = "0-5/2"
"""
    host = load(text, base)
    nic = host.pci[PciAddress.parse("3b:00.0")]
    assert (nic.names, nic.driver, nic.iommu_group, nic.node) == (("wan0", "ens3f0", "mlx5_0"), "vfio-pci", 41, 8)
    assert host.complete_pci
    assert len(host.pci) == 3
    assert [str(core) for core in host.cores] == ["0-1", "2-3", "4-5"]


def test_synthetic_string():
    host = load('format = 1\nsynthetic = "numa:2 core:2 pu:1"\n[node.1]\nmemory = "4G"\n')
    assert host.name == "kvm01"
    assert cpus(host) == [(0, "0-1"), (1, "2-3")]
    assert [node.memory_bytes for node in host.nodes] == [None, 4 * GIB]


def test_base_is_added_to_and_corrected():
    base = host_from_text("numa:2(memory=8GiB) core:2 pu:1")
    text = (
        'format = 1\nbase = "caps.xml"\n[cpus]\nisolated = "2-3"\n[node.1]\nmemory = "6 GiB"\nhugepages = {"1G" = 2}\n'
    )
    host = load(text, base)
    assert (host.name, host.sources) == ("kvm01", ("hosts/kvm01.host.toml", "synthetic"))
    assert [node.memory_bytes for node in host.nodes] == [8 * GIB, 6 * GIB]
    assert host.node_by_id[1].hugepages == {GIB: Pool(2)}
    assert str(host.isolated) == "2-3"
    assert refused(text.replace("node.1", "node.2"), base).message == "[node.2]: there is no node 2: the host has 0-1"


def test_base_is_found_beside_the_file(tmp_path):
    (tmp_path / "a.host.toml").write_text('format = 1\nbase = "b.host.toml"\n[cpus]\nhousekeeping = "0"\n')
    (tmp_path / "b.host.toml").write_text(SMALL)
    host, warnings = load_inputs([str(tmp_path / "a.host.toml")], FORMATS)
    assert (host.name, str(host.housekeeping), str(host.cpus)) == ("a", "0", "0-7")
    assert warnings == ()


def test_base_that_leads_back_to_itself(tmp_path):
    (tmp_path / "a.host.toml").write_text('format = 1\nbase = "a.host.toml"\n')
    with pytest.raises(LoadError) as caught:
        load_inputs([str(tmp_path / "a.host.toml")], FORMATS)
    assert caught.value.message == "its base leads through too many files, or back to itself"


def located(text: str, *locators: str) -> list[tuple[int, int, int]]:
    document = Document("kvm01.host.toml", text.encode())
    places = [Place(document.path, locator) for locator in locators]
    found = host_toml.locate(document, places)
    return [(span.line, span.column, span.end_column) for span in (found[place][0] for place in places)]


def test_places_are_the_headers_of_tables():
    document = Document("kvm01.host.toml", XEON.encode())
    host = host_toml.load(document, pytest.fail)
    assert [node.place.locator for node in host.nodes] == ["node.0", "node.1", "topology", "node.3"]
    assert located(XEON, "node.0", "node.1", "topology") == [(18, 1, 9), (22, 1, 9), (5, 1, 11)]
    assert located(LISTED, "[[nodes]] 2", "[[l3]] 1") == [(7, 1, 10), (18, 1, 7)]
    assert located('format = 1\n  [ node . "1" ]  # one\n', "node.1") == [(2, 3, 17)]
    assert located('format = 1\nsynthetic = "pu:1"\n', "synthetic", "") == [(2, 1, 10), (1, 1, 2)]


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("", "the key 'format' is missing", 1),
        ("format = 2", "format: format 2 is not known; this numalint knows 1", 1),
        ("format = 1", "it declares nothing", 1),
        ("format = 1\nname = ", "it is not TOML: Invalid value", 2),
        ("format = 1\nsynthetik = 'pu:1'", "synthetik: unknown key (did you mean 'synthetic'?)", 2),
        (SMALL.replace("sockets", "socket"), "[topology] socket: unknown key (did you mean 'sockets'?)", 3),
        (SMALL + "[[pci]]\nadress = 'x'", "[[pci]] 1 adress: unknown key (did you mean 'address'?)", 9),
        (SMALL.replace("= 2\ncores", "= '2'\ncores"), "[topology] sockets: expected a whole number, got a string ", 3),
        (SMALL.replace("threads-last", "odd"), "[topology] cpu_numbering: 'odd' is none of threads-last, ", 6),
        (SMALL.replace('cpu_numbering = "threads-last"\n', ""), "[topology]: the key 'cpu_numbering' is missing: ", 2),
        (SMALL.replace("= 2\ncpu", "= 3\ncpu"), "[topology] threads_per_core: 3 is not 1, 2, 4 or 8", 5),
        (
            SMALL.replace("= 2\nthreads", "= 99999\nthreads"),
            "[topology] cores_per_node: 99999 is not from 1 to 16384",
            4,
        ),
        (
            SMALL.replace("1 GiB", "1 GB"),
            "[topology] memory_per_node: '1 GB': write GiB, for tools differ on what GB",
            7,
        ),
        (SMALL.replace("1 GiB", "1"), "[topology] memory_per_node: '1' is not a size such as '64 GiB'", 7),
        (SMALL + "distances = [[10, 20]]", "[topology] distances: they are not 2 rows of 2 values, one for each ", 8),
        (SMALL + "distances = [[10, 20], [20, 11]]", "[topology] distances: from node 1 to itself it is 10, not", 8),
        (SMALL + "node_distance = {}", "[topology] node_distance: other_socket is missing, and some nodes are so ", 8),
        (SMALL + "[node.7]", "[node.7]: there is no node 7: the host has 0-1", 8),
        (SMALL + "[node.1]\nhugepages = {'1G' = 3}", "[node.1] hugepages: they take 3 GiB, and node 1 has 1 GiB", 9),
        (SMALL + "[cpus]\nisolated = '99'", "[cpus] isolated: the host has no CPU 99", 9),
        (SMALL + "[cpus]\nisolated = '1-x'", "[cpus] isolated: '1-x' is not a set such as '0-7,16': ", 9),
        (
            SMALL + "[cpus]\nreserved = '0'\nhousekeeping = '0'",
            "[cpus] reserved: it is another word for housekeeping",
            9,
        ),
        (
            SMALL + "[node.0]\npci = ['3b:00.0', '0000:3b:00.0 x']",
            "[node.0] pci: PCI device 0000:3b:00.0 is declared ",
            9,
        ),
        (SMALL + "[node.0]\npci = ['']", "[node.0] pci: '' is not a PCI address such as 0000:3b:00.0", 9),
        (SMALL + "[node.0]\npci_buses = ['d7']", "[node.0] pci_buses: 'd7' is not a range of buses such as ", 9),
        (SMALL + "[[nodes]]\nid = 1", "topology and nodes are given: each declares the nodes, so write one of them", 1),
        (LISTED.replace("16-31+48-63", "15-31+48-64"), "[[nodes]] 2 cores: CPU 15 is in node 0 too", 10),
        (
            LISTED.replace("0-15+32-47", "0-15+32-46"),
            "[[nodes]] 1 cores: '0-15+32-46': its parts have 16 and 15 CPUs; each has",
            5,
        ),
        (LISTED.replace("id = 8", "id = -8"), "[[nodes]] 2 id: -8 is not from 0 to 1023", 8),
        (LISTED.replace("id = 8", "id = 0"), "[[nodes]] 2 id: node 0 is declared twice", 8),
        (LISTED.replace("near = [8]", "near = [9]"), "[[nodes]] 3 near: there is no node 9", 17),
        (LISTED.replace('"cxl"', '"slow"'), "[[nodes]] 3 kind: 'slow' is none of dram, hbm, cxl, pmem, gpu", 16),
        (
            CAPTURED.replace("free = 100", "fre = 100"),
            "[[nodes]] 1.hugepages.1G fre: unknown key (did you mean 'free'?)",
            7,
        ),
        (
            CAPTURED.replace("free = 100", "free = 193"),
            "[[nodes]] 1 hugepages: of 192 pages of 1G 193 cannot be free",
            7,
        ),
        (
            CAPTURED.replace('"2M" = 0', '"2M" = true'),
            "[[nodes]] 1 hugepages: '2M' is a number of pages, or total and",
            7,
        ),
        (CAPTURED.replace('"0-3/2"', '"0-4/2"'), "[[nodes]] 1 cores: '0-4/2': 5 CPUs do not divide into cores of 2", 6),
        (CAPTURED.replace('"0-3/2"', '"0-3/x"'), "[[nodes]] 1 cores: '0-3/x': after / stands the number of threads", 6),
        (CAPTURED.replace('"0-3/2"', '"0-3/0"'), "[[nodes]] 1 cores: '0-3/0': after / stands the number of threads", 6),
        (CAPTURED.replace('"4-5"]\nhuge', '"3-5"]\nhuge'), "[[nodes]] 1 cores: CPU 3 is in two of them", 6),
        (
            CAPTURED.replace('"0-3/2", "4-5"', '"0-1+1-2"'),
            "[[nodes]] 1 cores: '0-1+1-2': a CPU is in two of its parts",
            6,
        ),
        (CAPTURED.replace("{ 8 = 17 }", "{ 9 = 17 }"), "[[nodes]] 1 distances: there is no node 9", 9),
        (CAPTURED.replace("{ 8 = 17 }", "{ 8 = 256 }"), "[[nodes]] 1 distances: 256 is not from 0 to 255", 9),
        (CAPTURED.replace("{ 8 = 17 }", "{ 0 = 17 }"), "[[nodes]] 1 distances: from node 0 to node 0 it cannot be", 9),
        (CAPTURED.replace('"0-7"', '"0-4"'), "[cpus] online: node 0 has CPU 5 too", 15),
        (
            SMALL + "[cpus]\nonline = '0-7'",
            "[cpus] online: the CPUs are given already: write offline for those that",
            9,
        ),
        (CAPTURED.replace('"6-7"', '"5-7"'), "[cpus] sockets: CPU 5 is in two of them", 18),
        (CAPTURED.replace('"6-7"', '"6-8"'), "[cpus] sockets: the host has no CPU 8 online", 18),
        (SMALL + "[cpus]\nsockets = ['0-7']", "[cpus] sockets: the topology states the sockets too: write one", 9),
        (LISTED + "[cpus]\ncores = ['0-7']", "[cpus] cores: [[nodes]] states the cores too: write one of the two", 21),
        (CAPTURED.replace('"4-9"', '"4-10"'), "[cpus] kinds: the host has no CPU 10", 17),
        (CAPTURED.replace('"4-5"]\nsize', '"4-8"]\nsize'), "[[l3]] 1 cpus: the host has no CPU 8 online", 20),
        (CAPTURED.replace('" = 8\n', '" = 7\n'), "[pci_buses] 0000:d7-ff: there is no node 7: the host has 0,8", 23),
        (CAPTURED.replace("d7-ff", "ff-d7"), "[pci_buses] 0000:ff-d7: '0000:ff-d7' runs backwards", 23),
        (CAPTURED.replace("node = 8", "node = 1"), "[pci.3b:00.0] node: there is no node 1: the host has 0,8", 25),
        (
            CAPTURED.replace("iommu_group", "iommu_grup"),
            "[pci.3b:00.0] iommu_grup: unknown key (did you mean 'iommu_g",
            25,
        ),
        (
            CAPTURED.replace("iommu_group = 41", "iommu_group = -1"),
            "[pci.3b:00.0] iommu_group: -1 is not from 0 to",
            25,
        ),
        (
            CAPTURED.replace('names = ["ens', "name = 'x', names = [\"ens"),
            "[pci.3b:00.0] name: names are given too",
            25,
        ),
        (CAPTURED.replace('"mlx5_0"', '""'), "[pci.3b:00.0] names: one of them is empty", 25),
        (
            CAPTURED.replace('function = "3b:00.0"', 'function = "3b"'),
            "[pci.3b:00.1] physical_function: '3b' is not a PCI",
            26,
        ),
        (
            CAPTURED.replace('[pci."0000:5e', '[pci."0000:3b'),
            "[pci.0000:3b:00.0] address: PCI device 0000:3b:00.0 is",
            27,
        ),
        (CAPTURED.replace('"3b:00.1"', '"3b:00.9"'), "[pci.3b:00.9] address: '3b:00.9' is not a PCI address such", 26),
        (
            CAPTURED.replace("pci_complete = true", "pci_complete = 1"),
            "pci_complete: expected true or false, got a whole nu",
            3,
        ),
        ("format = 1\nsynthetic = 'foo:1'", "'foo' is no type that numalint reads in a synthetic string", None),
        ("format = 1\ntopology = 3", "topology: expected a table, got a whole number", 2),
    ],
)
def test_errors_name_table_key_and_line(text, message, line):
    error = refused(text)
    assert error.message.startswith(message)
    assert error.path == "hosts/kvm01.host.toml"
    assert error.line == line
