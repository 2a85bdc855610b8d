"""Broken and hostile descriptions of hosts: each ends in a host or in a sentence, in bounded time and memory."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from numalint.loaders.document import Document, LoadError
from numalint.loaders.host import capabilities, hwloc, nodedev, synthetic
from numalint.loaders.host.formats import FORMATS
from numalint.loaders.host.inputs import load_host
from numalint.model.host import Host

LONGEST_SENTENCE = 400

CAPABILITIES = """<capabilities>
  <host>
    <cpu><arch>x86_64</arch><pages unit='KiB' size='4'/><pages unit='KiB' size='2048'/></cpu>
    <topology><cells num='2'>
      <cell id='0'>
        <memory unit='KiB'>8388608</memory>
        <pages unit='KiB' size='4'>2000</pages><pages unit='KiB' size='2048'>96</pages>
        <distances><sibling id='0' value='10'/><sibling id='1' value='21'/></distances>
        <cpus num='2'>
          <cpu id='0' socket_id='0' die_id='0' core_id='0' siblings='0,2'/>
          <cpu id='2' socket_id='0' die_id='0' core_id='0' siblings='0,2'/>
        </cpus>
      </cell>
      <cell id='1'>
        <distances><sibling id='0' value='21'/><sibling id='1' value='10'/></distances>
        <cpus num='1'><cpu id='1' socket_id='1' die_id='0' core_id='0' siblings='1'/></cpus>
      </cell>
    </cells></topology>
    <cache><bank id='0' level='3' type='both' size='8' unit='MiB' cpus='0,2'/></cache>
  </host>
</capabilities>
"""
HWLOC = """<topology version="2.0">
  <object type="Machine" os_index="0" cpuset="0x7" complete_cpuset="0x0000000f" nodeset="0x3">
    <info name="Architecture" value="x86_64"/>
    <object type="Package" os_index="0" cpuset="0x5" nodeset="0x1">
      <object type="NUMANode" os_index="0" gp_index="4" cpuset="0x5" local_memory="1073741824" subtype="DRAM">
        <page_type size="4096" count="1000"/><page_type size="2097152" count="96"/>
      </object>
      <object type="L3Cache" cpuset="0x5" cache_size="16777216" depth="3" cache_type="0">
        <object type="Core" os_index="0"><object type="PU" os_index="0"/><object type="PU" os_index="2"/></object>
      </object>
    </object>
    <object type="Package" os_index="1" cpuset="0x2" nodeset="0x2">
      <object type="NUMANode" os_index="1" gp_index="5" cpuset="0x00000002" local_memory="1073741824"/>
      <object type="Core" os_index="0"><object type="PU" os_index="1"/></object>
      <object type="Bridge" bridge_type="0-1" bridge_pci="0000:[40-42]">
        <object type="PCIDev" pci_busid="0000:41:00.0" pci_type="0200 [8086:10d3] [8086:0000] 00">
          <object type="OSDev" name="enp65s0" osdev_type="2"/>
        </object>
      </object>
    </object>
  </object>
  <distances2 type="NUMANode" nbobjs="2" kind="5" name="NUMALatency" indexing="os">
    <indexes length="3">0 1</indexes><u64values length="5">10 21 20 10</u64values>
  </distances2>
  <cpukind cpuset="0x5"><info name="CoreType" value="IntelCore"/></cpukind>
  <cpukind cpuset="0x2"><info name="CoreType" value="IntelAtom"/></cpukind>
</topology>
"""
HWLOC_1 = """<topology>
  <object type="Machine" os_index="0" cpuset="0x3" complete_cpuset="0x0000000f" online_cpuset="0x00000003">
    <distances nbobjs="2" relative_depth="1" latency_base="10.000000">
      <latency value="1.000000"/><latency value="2.100000"/><latency value="2.100000"/><latency value="1.000000"/>
    </distances>
    <object type="NUMANode" os_index="0" cpuset="0x1" local_memory="1048576"><page_type size="4096" count="9"/>
      <object type="Socket" os_index="0"><object type="Cache" depth="3" cache_type="0" cache_size="8192">
        <object type="Core" os_index="0"><object type="PU" os_index="0"/></object></object></object>
    </object>
    <object type="NUMANode" os_index="250" cpuset="0x2" local_memory="1048576">
      <object type="Socket" os_index="1"><object type="PU" os_index="1"/></object>
    </object>
  </object>
</topology>
"""
NODEDEV = """<devices>
<device><name>computer</name><capability type='system'/></device>
<device><name>pci_0000_3b_00_0</name><path>/sys/devices/pci0000:3a/0000:3b:00.0</path><parent>computer</parent>
  <driver><name>ice</name></driver>
  <capability type='pci'><class>0x020000</class>
    <domain>0</domain><bus>59</bus><slot>0</slot><function>0</function>
    <capability type='virt_functions' maxCount='8'><address domain='0x0000' bus='0x3b' slot='0x01' function='0x0'/>
    </capability><iommuGroup number='7'/><numa node='1'/></capability></device>
<device><name>net_ens3f0_52</name><parent>pci_0000_3b_00_0</parent>
  <capability type='net'><interface>ens3f0</interface></capability></device>
<device><name>scsi_host0</name><parent>pci_0000_3b_00_0</parent><capability type='scsi_host'><host>0</host>
  <capability type='fc_host'><wwpn>2001f4e9d4eb02c9</wwpn></capability></capability></device>
</devices>
"""
SYNTHETIC = "pack:2 [numa(memory=64GiB)] [numa] l3:1(size=32MiB) core:2 pu:2(indexes=0,2,4,6,1,3,5,7)"

Load = Callable[[bytes], Host]
LOADERS: dict[str, tuple[Load, str]] = {
    name: (lambda data, module=module: module.load(Document("hosts/a", data), pytest.fail), text)  # type: ignore[misc]  # a default binds it
    for name, module, text in (
        ("capabilities", capabilities, CAPABILITIES),
        ("hwloc", hwloc, HWLOC),
        ("hwloc-1", hwloc, HWLOC_1),
        ("nodedev", nodedev, NODEDEV),
        ("synthetic", synthetic, SYNTHETIC),
    )
}


def outcome(load: Load, data: bytes) -> Host | LoadError:
    """What a load ends in: a host whose facts can be asked for, or a sentence of one line. Nothing else is caught."""
    try:
        host = load(data)
    except LoadError as error:
        check_sentence(error)
        return error
    assert host.unknown is not None
    assert host.names is not None
    assert all(host.node_of_pci(address) in (None, *host.node_by_id, *range(1024)) for address in host.pci or {})
    assert all(len(note) < LONGEST_SENTENCE for note in host.notes)
    return host


def check_sentence(error: LoadError) -> None:
    assert error.message
    assert "\n" not in error.message
    assert len(error.message) < LONGEST_SENTENCE
    assert error.path == "hosts/a"
    assert error.line is None or error.line >= 1


@pytest.mark.parametrize("name", LOADERS)
def test_the_documents_that_are_broken_here_are_whole(name: str) -> None:
    load, text = LOADERS[name]
    found = outcome(load, text.encode())
    assert isinstance(found, Host)
    assert found.notes == ()


@pytest.mark.parametrize("name", LOADERS)
def test_cut_at_every_twentieth(name: str) -> None:
    load, text = LOADERS[name]
    data = text.encode()
    for part in range(20):
        found = outcome(load, data[: len(data) * part // 20])
        # half a nodedev file of no documents, or half a synthetic string, may be whole
        assert isinstance(found, LoadError) or (name == "nodedev" and part == 0)


def test_corpus_files_cut_at_every_twentieth(corpus: Path) -> None:
    for name in (
        "hwloc/v1-192em64t-24n8c2t-nodistancegroups.xml",
        "hwloc/v3-192em64t-12gr2n8c2t.xml",
        "capabilities/virtmanager-kvm-aarch64.xml",
        "nodedev/vdsm-devicetree-asus-z10.xml",
    ):
        data = (corpus / "hosts" / name).read_bytes()
        for part in range(20):
            cut = data[: len(data) * part // 20]
            outcome(lambda data: load_host(Document("hosts/a", data), FORMATS, pytest.fail), cut)


NASTY = ("", "-1", "0", "99999999999999999999999", "9" * 5000, "0x", "1e9", "٣", "\t", "0-", "^0", "0-16383", "0xf...f")
NASTY_BYTES = (b"\xff", b"\0", b"<", b"&", b"&a;", b"<!--", b"<?xml version='1.0'?>", b"]]>", b"\r", "é".encode())


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(sorted(LOADERS)), st.data())
def test_changed_bytes(name: str, data: st.DataObject) -> None:
    load, text = LOADERS[name]
    mutated = text.encode()
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(mutated)))
        end = min(len(mutated), start + data.draw(st.integers(0, 40)))
        piece = mutated[start:end]
        new = data.draw(st.sampled_from([b"", piece * 2, piece[::-1], *NASTY_BYTES]) | st.binary(max_size=8))
        mutated = mutated[:start] + new + mutated[end:]
    outcome(load, mutated)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(sorted(set(LOADERS) - {"synthetic"})), st.data())
def test_changed_elements(name: str, data: st.DataObject) -> None:
    """Well-formed documents in which something is missing, doubled, moved or of another value."""
    load, text = LOADERS[name]
    root = etree.fromstring(text)
    for _ in range(data.draw(st.integers(1, 4))):
        change(root, data)
    outcome(load, etree.tostring(root))


def change(root: etree._Element, data: st.DataObject) -> None:
    element = data.draw(st.sampled_from(list(root.iter())))
    parent = element.getparent()
    what = data.draw(st.sampled_from(["delete", "double", "move", "attribute", "drop", "text"]))
    if what == "text":
        element.text = data.draw(st.sampled_from([each for each in NASTY if each != "\0"]))
    elif what == "drop" and element.attrib:
        del element.attrib[data.draw(st.sampled_from(sorted(element.attrib)))]
    elif what == "attribute" and element.attrib:
        element.set(data.draw(st.sampled_from(sorted(element.attrib))), data.draw(st.sampled_from(NASTY)))
    elif parent is not None and what in ("delete", "double", "move"):
        copy = etree.fromstring(etree.tostring(element, with_tail=False))
        target = parent if what == "double" else data.draw(st.sampled_from(list(root.iter())))
        if what != "delete" and not set(target.iterancestors()) & {element} and target is not element:
            target.append(copy)
        if what != "double":
            parent.remove(element)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.sampled_from(
            ["pack", "numa", "[numa", "]", "core", "pu", "l3", ":", "2", "16384", "0", "(", ")", " ", "2*1"]
        )
        | st.sampled_from(["memory=", "indexes=", "size=", "GiB", ",", "1*2:2*1", "9" * 30, "é", "٣"]),
        max_size=30,
    )
)
def test_synthetic_strings_of_any_pieces(pieces: list[str]) -> None:
    outcome(LOADERS["synthetic"][0], "".join(pieces).encode())


PU = '<object type="PU" os_index="0"/>'


def machine(inside: str, after: str = "", version: str = ' version="2.0"', before: str = "") -> str:
    inside = f'<object type="Machine" cpuset="0x1" nodeset="0x1">{inside}</object>'
    return f"{before}<topology{version}>{inside}{after}</topology>"


def cells(inside: str, after: str = "") -> str:
    return f"<capabilities><host><topology><cells>{inside}</cells></topology>{after}</host></capabilities>"


def laughs(root: str) -> str:
    """A billion of them, by entities of entities."""
    names = "abcdefghij"
    entities = "".join(f'<!ENTITY {n} "{f"&{m};" * 10}">' for m, n in itertools.pairwise(names))
    return f'<!DOCTYPE {root} [<!ENTITY a "ha">{entities}]>'


HTTP_DTD = '<!DOCTYPE topology SYSTEM "http://192.0.2.1/hwloc2.dtd">'

REFUSED = {
    "entities": ("hwloc", machine(PU, before='<!DOCTYPE topology [<!ENTITY a "b">]>'), "its DOCTYPE declares entities"),
    "entity-of-a-file": ("hwloc", machine(PU, before='<!DOCTYPE t [<!ENTITY a SYSTEM "file:///etc/passwd">]>'), "its DOC"),
    "doctype": ("capabilities", "<!DOCTYPE capabilities>" + cells(""), "it has a DOCTYPE, which numalint does not read"),
    "doctype-in-a-stream": ("nodedev", '<!DOCTYPE d [<!ENTITY a "b">]><device/>', "it is not well-formed XML: "),
    "laughs": ("capabilities", laughs("capabilities") + cells('<cell id="&j;"/>'), "it "),
    "laughs-in-an-attribute": ("hwloc", machine(PU + '<info name="&j;"/>', before=laughs("topology")), "it"),
    "laughs-in-a-text": ("hwloc", machine(PU + "<info>&j;</info>", before=laughs("topology")), "it"),
    "version-4": ("hwloc", machine(PU, version=' version="4.0"'), "hwloc XML version 4.0 is newer than I know (3.0)"),
    "version-x": ("hwloc", machine(PU, version=' version="x"'), "hwloc XML version 'x' is no version"),
    "version-long": ("hwloc", machine(PU, version=f' version="{"9" * 9999}.0"'), "hwloc XML version '9999"),
    "0xff-hwloc": ("hwloc", machine(PU + "<info name='\udcff'/>"), "it is not UTF-8: byte 0xff"),
    "0xff-capabilities": ("capabilities", cells("<!-- \udcff -->"), "it is not UTF-8: byte 0xff"),
    "0xff-nodedev": ("nodedev", "<device><name>\udcff</name></device>", "it is not UTF-8"),
    "utf-16": ("hwloc", "<?xml version='1.0' encoding='UTF-16'?><topology/>", "it is encoded in UTF-16, and libvirt"),
    "depth-capabilities": ("capabilities", cells("<cell>" * 9999), "it is not well-formed XML: Excessive depth in docum"),
    "depth-hwloc": ("hwloc", machine('<object type="Group">' * 9999), "it is not well-formed XML: Excessive depth in doc"),
    "depth-nodedev": ("nodedev", "<node>" * 9999, "it is not well-formed XML: Excessive depth in document: 256"),
    "huge-id": ("capabilities", cells(f'<cell id="{"9" * 99999}"/>'), "id of <cell> is '9999"),
    "huge-memory": ("capabilities", cells(f'<cell id="0"><memory>{"9" * 99999}</memory></cell>'), "the content of <memo"),
    "huge-set": (
        "capabilities",
        cells(f'<cell id="0"><cpus><cpu id="0" socket_id="0" siblings="0-{"9" * 99999}"/></cpus></cell>'),
        "siblings='0-9999",
    ),
    "huge-bitmap": ("hwloc", machine(PU + f'<object type="NUMANode" os_index="0" cpuset="{"0x1," * 9999}"/>'), "cpuset nam"),
    "huge-slot": (
        "nodedev",
        f"<device><capability type='pci'><domain>0</domain><bus>0</bus><slot>{'9' * 99999}</slot><function>0</function>"
        "</capability></device>",
        "the content of <slot> is '9999",
    ),
    "negative-cell": ("capabilities", cells('<cell id="-1"/>'), "id of <cell> is '-1', not a number from 0 to 1023"),
    "negative-cpu": ("hwloc", machine('<object type="PU" os_index="-1"/>'), "os_index of <object> is '-1', not a number"),
    "negative-node": ("hwloc", machine(PU + '<object type="NUMANode" os_index="-1"/>'), "os_index of <object> is '-1'"),
    "negative-bus": ("nodedev", NODEDEV.replace("<bus>59<", "<bus>-1<"), "the content of <bus> is '-1', not a number"),
    "more-caches-than-cpus": (
        "capabilities",
        cells(
            '<cell id="0"><cpus><cpu id="0"/><cpu id="1"/></cpus></cell>',
            "<cache>" + "".join(f'<bank level="3" cpus="{cpus}"/>' for cpus in ("0", "1", "0-1")) + "</cache>",
        ),
        "there are more L3 caches than the 2 CPUs",
    ),
    "synthetic-long": ("synthetic", "group:1 " * 999_999, "the synthetic string is longer than 1048576 characters"),
    "synthetic-levels": ("synthetic", "group:1 " * 999, "the synthetic string has more than 128 levels"),
    "synthetic-blanks": ("synthetic", "core:1" + " " * 999_999 + "$", "the synthetic string is not understood from '$'"),
    "synthetic-loops": ("synthetic", f"pu:16384(indexes={'2*1:' * 9999}2*1)", "indexes=2*1:2*1"),
    "synthetic-memory": ("synthetic", "numa:1(memory=999999999999EiB) pu:1", "'999999999999EiB' is not a size such as"),
    "synthetic-zeros": ("synthetic", f"pu:1(indexes={'0' * 30}1)", "indexes=0000"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_said_in_a_sentence(name: str) -> None:
    loader, text, sentence = REFUSED[name]
    found = outcome(LOADERS[loader][0], text.encode("utf-8", "surrogateescape"))
    assert isinstance(found, LoadError)
    assert found.message.startswith(sentence)


ATTRIBUTES = " ".join(f'a{number}="1"' for number in range(100_000))
ONE_PCI = "<device><name>p</name><capability type='pci'><domain>0</domain><bus>0</bus><slot>0</slot><function>0</function></capability></device>"


def many(text: str, count: int) -> str:
    """A text so many times, with the number of each in the place of N."""
    return "".join(text.replace("N", str(number)) for number in range(count))


def burdens() -> Iterator[tuple[str, str, str]]:
    """Documents that cost a careless reader minutes or gigabytes, by the name of their loader."""
    cpu = '<cpu id="N" socket_id="0" core_id="N" siblings="0-16383,^N"/>'
    node = '<object type="NUMANode" os_index="N" cpuset="0x1" nodeset="0x1"/>'
    yield "attributes", "capabilities", cells(f'<cell id="0" {ATTRIBUTES}><cpus><cpu id="0"/></cpus></cell>')
    yield "attributes", "hwloc", machine(f'<object type="PU" os_index="0" {ATTRIBUTES}/>')
    yield "attributes", "nodedev", f"<device {ATTRIBUTES}><name>a</name></device>"
    yield "DTD elsewhere", "hwloc", machine(PU, before=HTTP_DTD)
    yield "siblings", "capabilities", cells(f'<cell id="0"><cpus>{many(cpu, 16384)}</cpus></cell>')
    yield "one CPU again", "capabilities", cells(f'<cell id="0"><cpus>{cpu.replace("N", "0") * 99999}</cpus></cell>')
    fake = many(f'<cell id="N"><cpus>{"".join(f"<cpu id={n!r}/>" for n in map(str, range(500)))}</cpus></cell>', 100)
    yield "numa=fake", "capabilities", cells(fake)
    nested = '<object type="Package"><object type="Core">' * 100 + '<object type="PU" os_index="N"/>'
    yield "packages", "hwloc", machine(many(nested + "</object></object>" * 100, 1000))
    again = '<object type="PCIDev" pci_busid="00:00.0"><object type="OSDev" name="nN"/></object>'
    yield "one device again", "hwloc", machine(PU + many(again, 30000))
    named = many('<object type="OSDev" name="nN"/>', 50000)
    yield "names", "hwloc", machine(f'{PU}<object type="PCIDev" pci_busid="00:00.0">{named}</object>')
    group = '<object type="Group" nodeset="0xf...f" cpuset="0x1"><object type="PCIDev" pci_busid="00:00.0"/></object>'
    yield "nodes", "hwloc", machine(PU + many(node, 1024) + group * 30000)
    yield (
        "buses",
        "hwloc",
        machine(PU + many('<object type="Bridge" bridge_type="0-1" bridge_pci="0000:[00-ff]"/>', 50000)),
    )
    matrix = '<distances nbobjs="9" relative_depth="1" latency_base="10"/>'
    yield "matrices", "hwloc", machine(PU + matrix * 50000 + '<object type="Group"/>' * 50000, version="")
    device = "<device><name>dN</name><parent>dM</parent><capability type='net'><interface>eN</interface></capability></device>"
    yield "parents", "nodedev", "".join(device.replace("N", str(n)).replace("M", str(n + 1)) for n in range(30000))
    disk = "<device><name>bN</name><parent>p</parent><capability type='storage'><block>/dev/sN</block></capability></device>"
    yield "disks", "nodedev", ONE_PCI + many(disk, 100_000)
    yield (
        "path",
        "nodedev",
        f"<device><name>a</name><path>{'/0000:00:00.0' * 99999}</path><capability type='net'><interface>e</interface></capability></device>",
    )
    yield "declarations", "nodedev", "<?xml <?xml " * 99999
    yield "doctypes", "hwloc", "<!-- " + "<!DOCTYPE " * 99999 + "[ --><topology/>"
    yield "blank doctype", "hwloc", "<!-- <!DOCTYPE " + " " * 999_999 + "[ --><topology/>"


def test_burdens_are_borne_in_bounded_time_and_memory() -> None:
    """In a process of its own, so that the limits hold: a gigabyte of addresses, and a minute of CPU for all."""
    limits = "import resource; [resource.setrlimit(getattr(resource, n), (v, v)) for n, v in"
    limits += " (('RLIMIT_AS', 1 << 30), ('RLIMIT_CPU', 60))]"
    script = f"{limits}; import test_hosts_hostile as each; each.bear()"
    folder = Path(__file__).parent
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(done.stdout.splitlines()) == sum(1 for _ in burdens())


def bear() -> None:
    """Loads each, and prints what it ended in."""
    for name, loader, text in burdens():
        found = outcome(LOADERS[loader][0], text.encode())
        print(f"{loader}: {name}: {found.message if isinstance(found, LoadError) else 'a host'}")  # noqa: T201


def test_stream_of_more_than_10_mb_is_read() -> None:
    disk = "<device><name>bN</name><parent>p</parent><capability type='storage'><block>/dev/sN</block></capability></device>"
    found = outcome(LOADERS["nodedev"][0], (ONE_PCI + many(disk, 100_000)).encode())
    assert isinstance(found, Host)
    assert len(found.names) == 100_000


@pytest.mark.parametrize("depth", [1, 50, 200])
def test_wrappers_in_wrappers_are_read(depth: int) -> None:
    text = "<node>" * depth + NODEDEV + "</node>" * depth
    found = outcome(LOADERS["nodedev"][0], text.encode())
    assert isinstance(found, Host)
    assert len(found.pci or {}) == 2


def test_carriage_returns_alone_do_not_lose_the_sentence() -> None:
    text = CAPABILITIES.replace("\n", "\r").replace("cell id='1'", "cell id='x'")
    found = outcome(LOADERS["capabilities"][0], text.encode())
    assert isinstance(found, LoadError)
    assert found.message == "id of <cell> is 'x', not a number from 0 to 1023"
