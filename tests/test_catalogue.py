"""The whole catalogue on one defect at a time: reported once, at the right place, with the numbers of both sides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from numalint.cli import main

HOST = """format = 1
name = "kvm01"
[topology]
sockets = 2
cores_per_node = 8
cores_per_l3 = 8
threads_per_core = 1
cpu_numbering = "threads-last"
memory_per_node = "64 GiB"
distances = [[10, 21], [21, 10]]
[cpus]
isolated = "4-7,12-15"
housekeeping = "0,8"
offline = ""
[node.0]
hugepages = { "1G" = { total = 16, free = 16 } }
pci = ["0000:08:00.0 nic0"]
[node.1]
hugepages = { "1G" = { total = 4, free = 4 } }
pci = ["0000:3b:00.0 nic1", "0000:10:00.0 nic2"]
"""

GOOD = """<domain type='kvm'>
  <name>vm1</name>
  <memory unit='GiB'>8</memory>
  <memoryBacking>
    <hugepages/>
    <nosharepages/>
    <locked/>
  </memoryBacking>
  <vcpu>4</vcpu>
  <cputune>
    <vcpupin vcpu='0' cpuset='4'/>
    <vcpupin vcpu='1' cpuset='5'/>
    <vcpupin vcpu='2' cpuset='12'/>
    <vcpupin vcpu='3' cpuset='13'/>
    <emulatorpin cpuset='0,8'/>
  </cputune>
  <numatune>
    <memory mode='strict' nodeset='0-1'/>
    <memnode cellid='0' mode='strict' nodeset='0'/>
    <memnode cellid='1' mode='strict' nodeset='1'/>
  </numatune>
  <os><type arch='x86_64' machine='pc-q35-9.2'>hvm</type></os>
  <cpu mode='host-passthrough'>
    <topology sockets='2' dies='1' clusters='1' cores='2' threads='1'/>
    <numa>
      <cell id='0' cpus='0-1' memory='4' unit='GiB'>
        <distances><sibling id='0' value='10'/><sibling id='1' value='21'/></distances>
      </cell>
      <cell id='1' cpus='2-3' memory='4' unit='GiB'>
        <distances><sibling id='0' value='21'/><sibling id='1' value='10'/></distances>
      </cell>
    </numa>
  </cpu>
</domain>
"""
PAGES = ("<hugepages/>", "<hugepages><page size='1' unit='GiB'/></hugepages>")
NIC = (
    "</domain>",
    """  <devices>
    <controller type='pci' index='0' model='pcie-root'/>
    <controller type='pci' index='1' model='pcie-expander-bus'>
      <target busNr='128'><node>0</node></target>
    </controller>
    <controller type='pci' index='2' model='pcie-root-port'><address type='pci' bus='0x01'/></controller>
    <hostdev mode='subsystem' type='pci'>
      <source><address domain='0x0000' bus='0x08' slot='0x00' function='0x0'/></source>
      <address type='pci' bus='0x02'/>
    </hostdev>
  </devices>
</domain>""",
)


def check(folder: Path, *changes: tuple[str, str]) -> list[dict]:
    text = GOOD
    for old, new in (PAGES, *changes):
        assert old in text, old
        text = text.replace(old, new, 1)
    (folder / "kvm01.host.toml").write_text(HOST)
    (folder / "vm1.xml").write_text(text)
    done = CliRunner().invoke(main, ["check", str(folder), "--format", "json"])
    assert done.exit_code < 2, done.output
    return [
        each | {"line_text": text.splitlines()[each["span"]["line"] - 1]} for each in json.loads(done.stdout)["results"]
    ]


def test_without_a_defect_it_says_nothing(tmp_path: Path) -> None:
    assert check(tmp_path) == []
    assert check(tmp_path, NIC) == []


DEFECTS = {
    "crossed memnodes": (
        [("cellid='0' mode='strict' nodeset='0'", "cellid='0' mode='strict' nodeset='1'"), ("cellid='1' mode='strict' nodeset='1'", "cellid='1' mode='strict' nodeset='0'")],
        "cell-binding-disagree", "1", ["cells 0 and 1", "kvm01", "nodes 0 and 1", "nodes 1 and 0"],
    ),
    "a partial pin": ([("    <vcpupin vcpu='3' cpuset='13'/>\n", "")], "vcpupin-partial", "4", ["vCPU 3", "0-15 (16 CPUs)", "3 vCPUs"]),
    "a page pool too small": (
        [("cpus='0-1' memory='4'", "cpus='0-1' memory='6'"), ("cpus='2-3' memory='4'", "cpus='2-3' memory='6'"), ("'GiB'>8<", "'GiB'>12<")],
        "hugepage-pool-too-small", None, ["6 pages", "has 4", "node 1", "the host has 20"],
    ),
    "a FIFO vCPU on a shared CPU": (
        [("vcpu='0' cpuset='4'", "vcpu='0' cpuset='5'"), ("<emulatorpin cpuset='0,8'/>", "<emulatorpin cpuset='0,8'/>\n    <vcpusched vcpus='1' scheduler='fifo' priority='1'/>")],
        "rt-vcpu-shared-cpu", "5", ["vCPU 1", "vCPU 0", "CPU 5"],
    ),
    "an address that looks octal": ([(NIC[0], NIC[1].replace("bus='0x08'", "bus='010'"))], "pci-address-notation", "010", ["0000:08:00.0", "0000:10:00.0"]),
    "an exclusion before its range": ([("vcpu='0' cpuset='4'", "vcpu='0' cpuset='^5,4'")], "cpuset-exclusion-ineffective", "^5", ["^5"]),
}  # fmt: skip


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_reported_once_at_its_place_with_the_numbers_of_both_sides(tmp_path: Path, name: str) -> None:
    changes, rule, spot, numbers = DEFECTS[name]
    found = check(tmp_path, *changes)
    assert [each["rule"] for each in found] == [rule], [each["message"] for each in found]
    (result,) = found
    if spot is not None:
        span = result["span"]
        assert result["line_text"][span["column"] - 1 : span["end_column"] - 1] == spot
    for number in numbers:
        assert number in result["message"]


def test_a_remote_nic_is_reported_once(tmp_path: Path) -> None:
    text = (
        "<domain type='kvm'>\n  <name>vm1</name>\n  <memory unit='GiB'>4</memory>\n  <vcpu cpuset='4-7'>2</vcpu>\n"
        "  <numatune><memory mode='strict' nodeset='0'/></numatune>\n  <devices>\n    <hostdev mode='subsystem' type='pci'>\n"
        "      <source><address domain='0' bus='0x3b' slot='0' function='0'/></source>\n    </hostdev>\n  </devices>\n</domain>\n"
    )
    (tmp_path / "kvm01.host.toml").write_text(HOST.replace('isolated = "4-7,12-15"', 'isolated = ""'))
    (tmp_path / "vm1.xml").write_text(text)
    done = CliRunner().invoke(main, ["check", str(tmp_path), "--format", "json"])
    (result,) = json.loads(done.stdout)["results"]
    assert (result["rule"], result["severity"]) == ("device-remote", "warning")
    assert (result["span"]["line"], result["span"]["column"], result["span"]["end_column"]) == (8, 16, 23)
    assert result["message"] == "vm1: 0000:3b:00.0 (nic1) is on node 1 of kvm01, but vCPUs and memory are on node 0"
