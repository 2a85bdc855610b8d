"""A finding keeps its fingerprint while its file is edited elsewhere, renamed, and written anew by libvirt."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from lxml import etree

from numalint.cli import main
from numalint.loaders.document import Document
from numalint.loaders.identity import identity
from numalint.loaders.xml import parse_stream
from numalint.model.idset import IdSet, NotationError
from numalint.plugins import load
from numalint.testing import RuleExample, examples

RULES = load().rules
BAD = {str(each): each for each in examples(RULES.values()) if each.example.bad}
Element = etree._Element  # as in the loader


def results(*arguments: object, rules: str = ",".join(RULES)) -> list[dict]:
    done = CliRunner().invoke(main, ["check", *map(str, arguments), "--format", "json", "--select", rules])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return json.loads(done.stdout)["results"]


def prints(*arguments: object, rules: str = ",".join(RULES)) -> list[str]:
    return sorted(result["fingerprint"] for result in results(*arguments, rules=rules))


# --- what is done to a file ---------------------------------------------------------------------------------------------


def stood_lower(root: Element) -> None:
    """Comments and blank lines everywhere."""
    for element in list(root.iter("*")):
        element.addprevious(etree.Comment(" who did this? ")) if element.getparent() is not None else None
        element.tail = f"{element.tail or ''}\n\n"


def indented(root: Element) -> None:
    etree.indent(root, "\t\t")


def attributes_turned(root: Element) -> None:
    for element in root.iter("*"):
        turned = list(element.attrib.items())[::-1]
        element.attrib.clear()
        element.attrib.update(turned)


def pins_shuffled(root: Element) -> None:
    """What libvirt sorts stands in any order."""
    for tag in ("cputune", "numatune"):
        for parent in root.iter(tag):
            parent[:] = [*parent[1::2], *parent[::2][::-1]]


def sections_sorted(root: Element) -> None:
    """libvirt has an order of its own for the sections of a domain."""
    for domain in root.iter("domain"):
        domain[:] = sorted(domain, key=lambda child: str(child.tag))


def disks_sorted(root: Element) -> None:
    """As virDomainDiskInsert has them: by bus as they come, then by target."""
    for devices in root.iter("devices"):
        disks = devices.findall("disk")
        buses = list(dict.fromkeys(disk.find("target").get("bus") for disk in disks))
        disks.sort(key=lambda disk: (buses.index(disk.find("target").get("bus")), disk.find("target").get("dev")))
        devices[:] = [*disks, *(child for child in devices if child.tag != "disk")]


def devices_added(root: Element) -> None:
    """Controllers that a machine has anyhow, and an alias and an address for each device."""
    for domain in root.iter("domain"):
        devices = domain.find("devices")
        devices = etree.SubElement(domain, "devices") if devices is None else devices
        for number, device in enumerate(devices):
            etree.SubElement(device, "alias", name=f"device{number}")
            if device.tag in ("disk", "interface", "hostdev") and device.find("address") is None:
                etree.SubElement(device, "address", type="pci", domain="0x0000", bus="0x00", slot=f"0x{number:02x}")
        given = {(each.get("type"), each.get("index", "0")) for each in devices.findall("controller")}
        for type in ("usb", "sata", "pci"):
            if (type, "0") not in given:
                devices.insert(0, etree.Element("controller", type=type, index="0"))
        for tag in ("memballoon", "input", "video"):
            etree.SubElement(devices, tag)


def sets_normalised(root: Element) -> None:
    _with_sets(root, str)


def sets_counted_out(root: Element) -> None:
    _with_sets(root, lambda cpus: ",".join(map(str, cpus)))


def _with_sets(root: Element, written: Callable[[IdSet], str]) -> None:
    for element in root.iter("*"):
        for name in {"cpuset", "nodeset", "vcpus", "iothreads", "cpus"} & set(element.attrib):
            try:
                element.set(name, written(IdSet.parse(element.get(name))))
            except NotationError:
                continue  # what is no set stays as it is


UNITS = {"KiB": 1, "MiB": 1 << 10, "GiB": 1 << 20, "TiB": 1 << 30, "M": 1 << 10, "G": 1 << 20}


def units_in_kib(root: Element) -> None:
    for element in root.iter("*"):
        kib = UNITS.get(element.get("unit", "KiB"))
        if kib is None or element.tag not in ("memory", "currentMemory", "maxMemory", "cell", "page", "size"):
            continue
        attribute = {"cell": "memory", "page": "size"}.get(element.tag)
        text = element.get(attribute, "") if attribute else (element.text or "")
        if text.strip().isdigit():
            size = str(int(text) * kib)
            element.set("unit", "KiB")
            element.set(attribute, size) if attribute else setattr(element, "text", size)


def numbers_padded(root: Element) -> None:
    """Addresses in hexadecimal with zeros before them, and the domain that is most often 0."""
    for address in root.iter("address"):
        if "bus" in address.attrib and "slot" in address.attrib:
            for name, width in (("domain", 4), ("bus", 2), ("slot", 2), ("function", 1)):
                text = address.get(name, "0")
                if re.fullmatch("0x[0-9a-f]+|[0-9]", text):
                    address.set(name, f"0x{int(text, 0):0{width}x}")
    for uuid in root.xpath("//source/address/@uuid"):
        uuid.getparent().set("uuid", uuid.lower())


def names_said(root: Element) -> None:
    """Attributes that libvirt writes though they were not given."""
    for vcpu in root.xpath("//domain/vcpu[not(@placement)]"):
        vcpu.set("placement", "static")


CHANGES = [
    stood_lower,
    indented,
    attributes_turned,
    pins_shuffled,
    sections_sorted,
    disks_sorted,
    devices_added,
    sets_normalised,
    sets_counted_out,
    units_in_kib,
    numbers_padded,
    names_said,
]

MENDED = "what the set says is written as libvirt understands it, and so the defect is gone"
DIFFERENT = {
    (change, f"cpuset-exclusion-ineffective-bad-{number}"): MENDED
    for change in ("sets_normalised", "sets_counted_out")
    for number in (1, 2)
}
"""Examples whose findings are others after a change, with the reason."""


def everything_changed(text: str) -> str:
    for change in CHANGES:
        text = changed(text, change)
    return text


def changed(text: str, change: Callable[[Element], None]) -> str:
    root = etree.fromstring(f"<stream>{text}</stream>")
    change(root)
    return "\n".join(etree.tostring(child, encoding="unicode") for child in root)


def judged(example: RuleExample, folder: Path, name: str, text: str) -> list[str]:
    folder = folder / str(example)
    folder.mkdir()
    (folder / name).write_text(text)
    host = example.example.host
    if host.startswith("format"):
        (folder / "host.toml").write_text(host)
        host = str(folder / "host.toml")
    return prints(folder / name, *(("--host", host) if host and host != "none" else ()), rules=example.rule.id)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    folder = tmp_path_factory.mktemp("before")
    return {name: judged(each, folder, "domain.xml", each.example.domain) for name, each in BAD.items()}


def test_each_bad_example_has_fingerprints_all_different(before: dict[str, list[str]]) -> None:
    assert len(before) > 100
    for name, found in before.items():
        assert found, name
        assert len(set(found)) == len(found), name


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_fingerprints_survive(change: Callable, before: dict[str, list[str]], tmp_path: Path) -> None:
    after = {
        name: judged(each, tmp_path, "renamed.xml", changed(each.example.domain, change)) for name, each in BAD.items()
    }
    different = {name for name in BAD if after[name] != before[name]}
    assert different == {name for what, name in DIFFERENT if what == change.__name__}


def test_the_findings_of_the_example_fleet_survive_it_all(examples: Path, tmp_path: Path) -> None:
    copy = tmp_path / "examples"
    shutil.copytree(examples, copy)
    before = prints(copy, "--config", copy / "numalint.toml")
    for path in copy.glob("kvm*/*.xml"):
        text = re.sub(r"<\?xml.*?\?>", "", path.read_text())
        path.write_text(everything_changed(text))
    assert prints(copy, "--config", copy / "numalint.toml") == before
    assert len(before) >= 10


# --- what tells elements apart ------------------------------------------------------------------------------------------

DOMAIN = """<domstatus><domain>
  <vcpu>4</vcpu><cputune>
    <vcpupin vcpu='01' cpuset='1'/><vcpupin vcpu='0' cpuset='0'/>
    <vcpusched vcpus='2-3' scheduler='fifo'/><vcpusched vcpus='1' scheduler='fifo'/>
  </cputune>
  <memoryBacking><hugepages><page size='2' unit='M'/><page size='1' unit='G' nodeset='1-2'/></hugepages></memoryBacking>
  <cpu><numa><cell memory='1'/><cell memory='1'/><cell memory='1'/></numa></cpu>
  <devices>
    <disk><driver/><target dev='vdb'/></disk><disk><driver/><target dev='vda'/></disk>
    <controller type='usb'/><controller type='scsi'/><controller type='scsi'/><controller type='scsi' index='1'/>
    <interface><mac address='52:54:00:AA:BB:CC'/></interface><interface/><interface/>
    <interface type='hostdev'><mac address='52:54:00:aa:bb:cd'/><source><address bus='0x3b' function='1'/></source></interface>
    <hostdev><source><address domain='0' bus='59' slot='0x00' function='0x0'/></source></hostdev>
    <hostdev><source><address uuid='4B20d080-1b54-4048-85b3-a6a62d165c01'/></source></hostdev>
    <memory model='dimm'><target><node>1</node></target></memory><memory model='dimm'><target><node> 1 </node></target></memory>
    <rng/><rng/>
  </devices>
</domain></domstatus>"""

IDENTITIES = """
vcpu
cputune cputune/vcpupin:1 cputune/vcpupin cputune/vcpusched:2 cputune/vcpusched:1
memoryBacking memoryBacking/hugepages memoryBacking/hugepages/page memoryBacking/hugepages/page:1
cpu cpu/numa cpu/numa/cell cpu/numa/cell:1 cpu/numa/cell:2
devices
devices/disk:vdb devices/disk:vdb/driver devices/disk:vdb/target devices/disk:vda devices/disk:vda/driver devices/disk:vda/target
devices/controller:usb devices/controller:scsi devices/controller:scsi:2 devices/controller:scsi:1
devices/interface:0:0:0:0:52:54:00:aa:bb:cc devices/interface:0:0:0:0:52:54:00:aa:bb:cc/mac devices/interface devices/interface:1
devices/interface:0:59:0:1 devices/interface:0:59:0:1/mac devices/interface:0:59:0:1/source
devices/interface:0:59:0:1/source/address
devices/hostdev:0:0:0:0:59 devices/hostdev:0:0:0:0:59/source devices/hostdev:0:0:0:0:59/source/address
devices/hostdev:0:0:0:0:0:0:0:4b20d080-1b54-4048-85b3-a6a62d165c01
devices/hostdev:0:0:0:0:0:0:0:4b20d080-1b54-4048-85b3-a6a62d165c01/source
devices/hostdev:0:0:0:0:0:0:0:4b20d080-1b54-4048-85b3-a6a62d165c01/source/address
devices/memory:dimm:1 devices/memory:dimm:1/target devices/memory:dimm:1/target/node
devices/memory:dimm:1:1 devices/memory:dimm:1:1/target devices/memory:dimm:1:1/target/node
devices/rng devices/rng:1
"""


def test_elements_are_told_by_what_libvirt_tells_them_by() -> None:
    elements = [each for root in parse_stream(Document("a.xml", DOMAIN.encode())) for each in root.iter("*")]
    found = [identity(element) for element in elements]
    assert found[2:] == IDENTITIES.split()
    assert len(set(found)) == len(found)


def test_two_findings_on_one_element_and_two_domains_of_one_name_in_a_stream_differ(tmp_path: Path) -> None:
    pins = "<vcpupin vcpu='0' cpuset='90'/><emulatorpin cpuset='90'/>"
    domain = f"<domain><name>a</name><vcpu current='1'>2</vcpu><cputune>{pins}</cputune></domain>"
    (tmp_path / "one.xml").write_text(domain)
    (tmp_path / "two.xml").write_text(domain * 2)
    host = ("--host", "pack:1 numa:1 core:4 pu:1")
    one = prints(tmp_path / "one.xml", *host, rules="cpu-nonexistent")
    two = prints(tmp_path / "two.xml", *host, rules="cpu-nonexistent")
    assert len(one) == 1
    assert len(set(two)) == 2
    assert set(one) < set(two)
