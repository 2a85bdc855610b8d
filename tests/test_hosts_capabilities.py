import time

import pytest

from numalint.loaders.document import Document, LoadError
from numalint.loaders.host import capabilities
from numalint.loaders.xml import locate
from numalint.model.host import Fact, Host, Pool

GIB = 1 << 30


def load(text: str, path: str = "hosts/kvm01.xml") -> Host:
    return capabilities.load(Document(path, text.encode()), pytest.fail)


def refused(text: str) -> LoadError:
    with pytest.raises(LoadError) as caught:
        load(text)
    return caught.value


def of_cells(cells: str, rest: str = "") -> str:
    return f"<capabilities><host><topology><cells>{cells}</cells></topology>{rest}</host></capabilities>"


TWO_NODES = """\
<capabilities>
  <host>
    <cpu><arch>x86_64</arch><topology sockets='1' cores='2' threads='2'/>
      <pages unit='KiB' size='4'/><pages unit='KiB' size='2048'/><pages unit='KiB' size='1048576'/></cpu>
    <topology>
      <cells num='2'>
        <cell id='0'>
          <memory unit='KiB'>8388608</memory>
          <pages unit='KiB' size='4'>2000</pages>
          <pages unit='KiB' size='2048'>96</pages>
          <pages unit='KiB' size='1048576'>2</pages>
          <distances><sibling id='0' value='10'/><sibling id='8' value='21'/></distances>
          <cpus num='4'>
            <cpu id='0' socket_id='36' die_id='0' core_id='0' siblings='0,4'/>
            <cpu id='1' socket_id='36' die_id='0' core_id='9' siblings='1,5'/>
            <cpu id='4' socket_id='36' die_id='0' core_id='0' siblings='0,4'/>
            <cpu id='5' socket_id='36' die_id='0' core_id='9' siblings='1,5'/>
          </cpus>
        </cell>
        <cell id='8'>
          <distances><sibling id='0' value='21'/><sibling id='8' value='10'/></distances>
          <cpus num='2'>
            <cpu id='2' socket_id='3180' die_id='0' core_id='0' siblings='2'/>
            <cpu id='3' socket_id='3180' die_id='0' core_id='1' siblings='3'/>
          </cpus>
        </cell>
      </cells>
    </topology>
    <cache>
      <bank id='0' level='3' type='both' size='8' unit='MiB' cpus='0-1,4-5'/>
      <bank id='1' level='3' type='both' size='8192' unit='KiB' cpus='2-3'/>
      <bank id='0' level='4' type='both' size='64' unit='MiB' cpus='0-5'/>
    </cache>
  </host>
</capabilities>
"""


def test_every_fact_of_a_two_node_host():
    host = load(TWO_NODES)
    assert host.name == "kvm01"
    assert host.arch == "x86_64"
    assert str(host.cpus) == "0-5"
    assert [(node.id, str(node.cpus)) for node in host.nodes] == [(0, "0-1,4-5"), (8, "2-3")]
    assert [str(core) for core in host.cores] == ["0,4", "1,5", "2", "3"]
    assert [str(socket) for socket in host.sockets] == ["0-1,4-5", "2-3"]
    assert [(str(cache.cpus), cache.size_bytes) for cache in host.l3] == [("0-1,4-5", 8 << 20), ("2-3", 8 << 20)]
    assert host.distance(0, 8) == 21
    assert host.node_by_id[0].hugepages == {2 << 20: Pool(96), GIB: Pool(2)}
    assert host.notes == ()


def test_node_without_memory_has_none_where_others_have_some():
    host = load(TWO_NODES)
    assert [node.memory_bytes for node in host.nodes] == [8 * GIB, 0]
    assert host.node_by_id[8].hugepages == {}


def test_unknown_is_what_capabilities_never_state():
    assert load(TWO_NODES).unknown == {
        Fact.HUGEPAGES_FREE,
        Fact.PCI,
        Fact.PCI_NODE,
        Fact.NAMES,
        Fact.ISOLATED,
        Fact.OFFLINE,
        Fact.HOUSEKEEPING,
        Fact.IOMMU_GROUPS,
    }


def test_old_release_that_wrote_only_cpu_ids():
    host = load(of_cells("<cell id='0'><cpus><cpu id='0'/><cpu id='2'/></cpus></cell>"))
    assert str(host.cpus) == "0,2"
    assert host.sockets is None
    assert host.cores is None
    assert host.l3 is None
    assert host.nodes[0].memory_bytes is None
    assert host.nodes[0].hugepages is None
    assert host.nodes[0].distances == {}


def test_memory_only_node_has_no_cpus_and_not_unknown_ones():
    cells = (
        "<cell id='0'><cpus><cpu id='0'/></cpus></cell><cell id='2'><memory unit='GiB'>4</memory><cpus num='0'/></cell>"
    )
    host = load(of_cells(cells))
    assert [(str(node.cpus), node.memory_bytes) for node in host.nodes] == [("0", 0), ("", 4 * GIB)]


def test_units_with_a_letter_count_in_1024_and_with_b_in_1000():
    def memory(unit: str) -> int | None:
        return load(of_cells(f"<cell id='0'><memory{unit}>7</memory></cell>")).nodes[0].memory_bytes

    assert memory("") == 7 * 1024
    assert memory(" unit='KB'") == 7000
    assert memory(" unit='M'") == 7 << 20
    assert memory(" unit='bytes'") == 7


def test_ids_that_libvirt_made_up_are_no_sockets_and_no_cores():
    cpus = "".join(f"<cpu id='{n}' socket_id='0' die_id='0' core_id='0' siblings='{n}'/>" for n in range(4))
    host = load(of_cells(f"<cell id='0'><cpus>{cpus}</cpus></cell>"))
    assert host.sockets is None
    assert host.cores is None
    assert host.notes == ("CPUs 0-3 all say socket 0, core 0: libvirt did not know; sockets and cores are not known",)


def test_cpu_without_ids_beside_others_is_offline():
    cpus = "<cpu id='0' socket_id='0' core_id='0' siblings='0'/><cpu id='1'/>"
    host = load(of_cells(f"<cell id='0'><cpus>{cpus}</cpus></cell>"))
    assert str(host.cpus) == "0"
    assert str(host.nodes[0].cpus) == "0"
    assert [str(core) for core in host.cores] == ["0"]
    assert host.notes == ("CPUs 1 are listed without a socket, as libvirt shows offline CPUs: taken as offline",)


def test_sibling_outside_every_cell_is_left_out():
    cpus = "<cpu id='0' socket_id='0' core_id='0' siblings='0,64'/><cpu id='1' socket_id='0' core_id='1' siblings='1'/>"
    host = load(of_cells(f"<cell id='0'><cpus>{cpus}</cpus></cell>"))
    assert [str(core) for core in host.cores] == ["0", "1"]
    assert host.notes == ("CPUs 64 are siblings but in no cell: left out",)


def test_cpu_in_two_cells_stays_in_the_first():
    cell = "<cell id='{}'><cpus><cpu id='0'/><cpu id='{}'/></cpus></cell>"
    host = load(of_cells(cell.format(0, 1) + cell.format(1, 2)))
    assert [str(node.cpus) for node in host.nodes] == ["0-1", "2"]
    assert host.notes == ("CPU 0 is in nodes 0 and 1: took 0",)


def test_cpus_in_several_cells_are_one_note_a_pair():
    cell = "<cell id='{}'><cpus>" + "".join(f"<cpu id='{number}'/>" for number in range(4)) + "</cpus></cell>"
    host = load(of_cells(cell.format(0) + cell.format(1)))
    assert [str(node.cpus) for node in host.nodes] == ["0-3", ""]
    assert host.notes == ("CPUs 0-3 are in nodes 0 and 1: took 0",)


def test_distances_in_which_a_node_is_not_10_from_itself_are_unknown():
    host = load(TWO_NODES.replace("<sibling id='8' value='10'/>", "<sibling id='8' value='21'/>"))
    assert [node.distances for node in host.nodes] == [{}, {}]
    assert Fact.DISTANCES in host.unknown
    assert host.notes[0].startswith("node 8 is at distance 21 from itself, where 10 is the only one: ")


def test_distance_to_a_node_that_no_cell_is():
    host = load(
        TWO_NODES.replace("<sibling id='8' value='21'/>", "<sibling id='8' value='21'/><sibling id='9' value='30'/>")
    )
    assert host.node_by_id[0].distances == {0: 10, 8: 21}


def test_cache_keeps_the_cpus_that_are_online():
    host = load(TWO_NODES.replace("cpus='2-3'", "cpus='2-3,9'").replace("cpus='0-1,4-5'", "cpus='9-10'"))
    assert [str(cache.cpus) for cache in host.l3] == ["2-3"]


def test_place_of_a_node_is_its_cell():
    document = Document("kvm01.xml", TWO_NODES.encode())
    place = capabilities.load(document, pytest.fail).node_by_id[8].place
    span, path = locate(document, [place])[place]
    assert (span.line, span.column, span.end_column) == (20, 10, 14)
    assert path == "/capabilities/host/topology/cells/cell[2]"


def test_no_topology():
    error = refused("<capabilities><host/></capabilities>")
    assert error.message == "this capabilities XML has no <topology>: host CPU placement cannot be checked"
    assert error.help == "take it from a QEMU/KVM host: virsh -c qemu:///system capabilities"


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        (TWO_NODES[:700], "it is not well-formed XML: ", None),
        (TWO_NODES.replace("id='8'>", "id='-1'>", 1), "id of <cell> is '-1', not a number from 0 to 1023", 20),
        (TWO_NODES.replace("cell id='8'", "cell id='0'"), "node 0 is described twice", 20),
        (TWO_NODES.replace("cpu id='3'", "cpu id='16384'"), "id of <cpu> is '16384', not a number from 0 to 16383", 24),
        (TWO_NODES.replace("siblings='2'", "siblings='a'"), "siblings='a' of <cpu> is not a set of CPUs: ", 23),
        (TWO_NODES.replace(">8388608<", ">much<"), "the content of <memory> is 'much', not a number from 0 to ", 8),
        (TWO_NODES.replace("<memory unit='KiB'", "<memory unit='pages'"), "unit='pages' of <memory> is no unit ", 8),
        (of_cells(""), "this capabilities XML has a <topology> without cells", 1),
        (of_cells("<cell/>"), "<cell> has no id", 1),
    ],
)
def test_errors_say_what_and_where(text, message, line):
    error = refused(text)
    assert error.message.startswith(message)
    assert error.path == "hosts/kvm01.xml"
    assert line is None or error.line == line


def test_loading_512_cpus_takes_milliseconds():
    cpus = "".join(
        f"<cpu id='{n}' socket_id='0' die_id='0' core_id='{n % 256}' siblings='{n % 256},{n % 256 + 256}'/>"
        for n in range(512)
    )
    text = of_cells(f"<cell id='0'><cpus>{cpus}</cpus></cell>")
    started = time.perf_counter()
    assert len(load(text).cores) == 256
    assert time.perf_counter() - started < 0.2
