"""What a help offers is taken up, and the rule is silent then, and no other one speaks up against it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

import numalint

HOST = """format = 1
name = "kvm01"
[topology]
sockets = 2
cores_per_node = 4
threads_per_core = 1
cpu_numbering = "threads-last"
memory_per_node = "64 GiB"
distances = [[10, 21], [21, 10]]
[cpus]
isolated = "{isolated}"
housekeeping = "{housekeeping}"
offline = ""
"""
FLOATING = """<domain type='kvm'>
  <name>web1</name>
  <memory unit='GiB'>4</memory>
  <vcpu>2</vcpu>
</domain>
"""
DOMAINS = {"numatune-missing": FLOATING, "housekeeping-used": FLOATING.replace("<vcpu>", "<vcpu cpuset='0-7'>")}


def told(folder: Path, rule: str, name: str = "web1.xml") -> list[str]:
    report = numalint.check(folder / name, host=str(folder / "kvm01.toml"))
    assert not report.problems
    return [each.help for each in report.results if each.rule == rule]


@pytest.mark.parametrize(
    ("rule", "isolated", "housekeeping", "offered"),
    [
        ("numatune-missing", "", "", "0-3"),
        ("numatune-missing", "0-2", "", "4-7"),
        ("numatune-missing", "0-2,5-7", "", ""),
        ("housekeeping-used", "", "0,4", "1-3,5-7"),
        ("housekeeping-used", "1,2", "0,4", "3,5-7"),
        ("housekeeping-used", "1-3,5-6", "0,4", ""),
        ("housekeeping-used", "1-3,5-7", "0,4", ""),
    ],
)
def test_a_guest_that_floats_is_offered_no_isolated_cpu(
    tmp_path: Path, rule: str, isolated: str, housekeeping: str, offered: str
) -> None:
    domain = DOMAINS[rule]
    (tmp_path / "kvm01.toml").write_text(HOST.format(isolated=isolated, housekeeping=housekeeping))
    (tmp_path / "web1.xml").write_text(domain)
    (help,) = told(tmp_path, rule)
    sets = re.findall(r"<vcpu cpuset='([^']*)'>", help)
    assert sets == ([offered] if offered else [])
    if offered:
        memory = re.findall(r"<memory mode='strict' nodeset='\d'/>", help)
        numatune = f"<numatune>{memory[0]}</numatune>" if memory else ""
        mended = re.sub(r"<vcpu[^>]*>", f"<vcpu cpuset='{offered}'>", domain)
        (tmp_path / "web1.xml").write_text(mended.replace("</domain>", f"{numatune}</domain>"))
        assert told(tmp_path, rule) == []
        assert told(tmp_path, "floating-over-isolcpus") == []
    else:
        assert "pin" in help


class Mend(NamedTuple):
    """A domain, what the help of a rule offers for it, and the domain that took it up: ``changes`` is old and new."""

    rule: str
    domain: str
    offered: str
    changes: tuple[tuple[str, str], ...]
    host: str = HOST.format(isolated="", housekeeping="")


def guest(*parts: str, vcpu: str = "<vcpu>2</vcpu>", gib: int = 4) -> str:
    return f"<domain type='kvm'><name>web1</name><memory unit='GiB'>{gib}</memory>{vcpu}{''.join(parts)}</domain>"


def tuned(*pins: int, more: str = "") -> str:
    each = "".join(f"<vcpupin vcpu='{vcpu}' cpuset='{cpu}'/>" for vcpu, cpu in enumerate(pins))
    return f"<cputune>{each}{more}</cputune>"


def topology(sockets: int, cores: int, threads: int, more: str = "") -> str:
    told = f"<topology sockets='{sockets}'{more} cores='{cores}' threads='{threads}'/>"
    return f"<cpu>{told}</cpu>"


SMT = """format = 1
name = "kvm01"
[topology]
sockets = 1
cores_per_node = 8
cores_per_l3 = 4
threads_per_core = 2
cpu_numbering = "threads-last"
memory_per_node = "64 GiB"
[cpus]
isolated = ""
housekeeping = ""
offline = ""
"""
"""CPU n and n + 8 are one core, 0-3,8-11 are in one L3 and 4-7,12-15 in the other."""
KINDS = SMT.replace("[cpus]", "[cpus]\nkinds = { efficiency = '4-7,12-15', performance = '0-3,8-11' }")
NODES = SMT.replace("sockets = 1", "sockets = 2").replace("threads-last", "nodes-interleaved").replace("= 8", "= 2")
NODES = NODES.replace("cores_per_l3 = 4", "cores_per_l3 = 2")
"""CPU n is on node n mod 2, in one core with n + 4."""
STRICT = "<numatune><memory mode='strict' nodeset='{}'/></numatune>"
IOTHREADPIN = "<iothreadpin iothread='{}' cpuset='3'/>"
LISTED = "<vcpus><vcpu id='0' enabled='yes' hotpluggable='no'/><vcpu id='3' enabled='no' hotpluggable='yes'/></vcpus>"
DISK = (
    "<devices><disk type='file' device='disk'><driver name='qemu' iothread='{}'/>"
    "<target dev='vda' bus='virtio'/></disk></devices>"
)
DISKS = (
    "<disk type='file' device='disk'><driver name='raw'/><target dev='vdb' bus='virtio'/></disk>"
    "<disk type='file' device='disk'><driver name='raw'/><target dev='vdc' bus='virtio'/></disk></devices>"
)
CELLS = (
    "<memoryBacking><allocation mode='immediate'/></memoryBacking><numatune>"
    "<memnode cellid='0' mode='strict' nodeset='0'/><memnode cellid='1' mode='strict' nodeset='1'/></numatune>"
    "<cpu><numa><cell id='0' cpus='0' memory='2' unit='GiB'/><cell id='1' cpus='1' memory='2' unit='GiB'/></numa></cpu>"
)

FLAT = "<topology sockets='1' cores='3' threads='1'/><numa>"

MENDS = {
    "the only IOThread, and its pin": Mend(
        "iothread-unused",
        guest("<iothreads>1</iothreads>", tuned(more=IOTHREADPIN.format(1))),
        "leave <iothreads> out, delete what <cputune> says of IOThread 1; or",
        (("<iothreads>1</iothreads>", ""), (IOTHREADPIN.format(1), "")),
    ),
    "an IOThread that is listed": Mend(
        "iothread-unused",
        guest(
            "<iothreads>2</iothreads><iothreadids><iothread id='1'/><iothread id='2'/></iothreadids>",
            tuned(more=IOTHREADPIN.format(1) + IOTHREADPIN.format(2)),
            DISK.format(1),
        ),
        "write <iothreads>1</iothreads>, list only 1 in <iothreadids>, delete what <cputune> says of IOThread 2; or",
        (
            ("<iothreads>2<", "<iothreads>1<"),
            ("<iothread id='2'/>", ""),
            (IOTHREADPIN.format(2), ""),
        ),
    ),
    "the first IOThread of two": Mend(
        "iothread-unused",
        guest("<iothreads>2</iothreads>", DISK.format(2)),
        "write <iothreads>1</iothreads>, list only 2 in <iothreadids>; or",
        (("<iothreads>2</iothreads>", "<iothreads>1</iothreads><iothreadids><iothread id='2'/></iothreadids>"),),
    ),
    "the last IOThread of two": Mend(
        "iothread-unused",
        guest("<iothreads>2</iothreads>", DISK.format(1)),
        "write <iothreads>1</iothreads>; or",
        (("<iothreads>2<", "<iothreads>1<"),),
    ),
    "pins for as many CPUs as vCPUs": Mend(
        "vcpupin-partial",
        guest("<cputune><vcpupin vcpu='0' cpuset='0-1'/></cputune>", STRICT.format(0)),
        "add a <vcpupin> for vCPU 1, or set <vcpu cpuset='0-1'>",
        (("<vcpu>", "<vcpu cpuset='0-1'>"),),
    ),
    "pins for fewer CPUs than vCPUs": Mend(
        "vcpupin-partial",
        guest(tuned(0, more="<emulatorpin cpuset='3'/>"), STRICT.format(0)),
        "add a <vcpupin> for vCPU 1",
        (("<emulatorpin", "<vcpupin vcpu='1' cpuset='1'/><emulatorpin"),),
    ),
    "pins on two sockets, and memory on one": Mend(
        "vcpupin-spans-sockets",
        guest(tuned(0, 4, 5, more="<emulatorpin cpuset='3'/>"), STRICT.format(0), vcpu="<vcpu>3</vcpu>"),
        "keep all pins on one socket, such as socket 0: CPUs 0-3",
        (("cpuset='4'", "cpuset='1'"), ("cpuset='5'", "cpuset='2'")),
    ),
    "pins and memory on two sockets": Mend(
        "vcpupin-spans-sockets",
        guest(tuned(0, 4, 5, more="<emulatorpin cpuset='7'/>"), STRICT.format("0-1"), vcpu="<vcpu>3</vcpu>"),
        "keep all pins on one socket, such as socket 1: CPUs 4-7; and bind the memory to node 1",
        (("cpuset='0'", "cpuset='6'"), ("'0-1'", "'1'")),
    ),
    "pins on two sockets, and CPUs for the host": Mend(
        "vcpupin-spans-sockets",
        guest(tuned(1, 5, more="<emulatorpin cpuset='0'/>"), STRICT.format(0)),
        "keep all pins on one socket, such as socket 0: CPUs 1-3",
        (("cpuset='5'", "cpuset='2'"),),
        HOST.format(isolated="", housekeeping="0,4"),
    ),
    "a topology beside a list of vCPUs": Mend(
        "topology-vcpu-mismatch",
        guest(LISTED, "<cpu><topology sockets='1' cores='2' threads='1'/></cpu>", vcpu="<vcpu current='1'>4</vcpu>"),
        "write sockets='2'",
        (("sockets='1'", "sockets='2'"),),
    ),
    "a topology beside guest cells": Mend(
        "topology-vcpu-mismatch",
        guest(
            tuned(0, 1, 4, 5, more="<emulatorpin cpuset='2,6'/>"),
            CELLS.replace("cpus='0'", "cpus='0-1'").replace("cpus='1'", "cpus='2-3'").replace("<numa>", FLAT),
            vcpu="<vcpu>4</vcpu>",
        ),
        "write <topology sockets='2' cores='2' threads='1'/>",
        (("sockets='1' cores='3'", "sockets='2' cores='2'"),),
    ),
    "two IOThreads on the CPUs of vCPUs": Mend(
        "iothread-overlaps-vcpu",
        guest(
            "<iothreads>2</iothreads>",
            tuned(0, 1, more="<emulatorpin cpuset='2'/>" + IOTHREADPIN.format(1) + IOTHREADPIN.format(2)),
            STRICT.format(0),
        ).replace("cpuset='3'", "cpuset='0'"),
        "<iothreadpin iothread='1' cpuset='2'/>, as the emulator has; IOThread 2 likewise",
        (
            ("iothread='1' cpuset='0'", "iothread='1' cpuset='2'"),
            ("iothread='2' cpuset='0'", "iothread='2' cpuset='2'"),
        ),
    ),
    "no emulatorpin, and CPUs left": Mend(
        "emulatorpin-missing",
        guest(tuned(0, 1), STRICT.format(0)),
        "add <emulatorpin cpuset='2'/>: CPU 2 of node 0, which no vCPU of this domain has, or with those of the vCPUs: 0-1",
        (("</cputune>", "<emulatorpin cpuset='2'/></cputune>"),),
    ),
    "no emulatorpin, and no CPU left on the node": Mend(
        "emulatorpin-missing",
        guest(tuned(0, 1, 2, 3), STRICT.format(0), vcpu="<vcpu>4</vcpu>"),
        "its vCPUs have all CPUs of node 0: leave one to the emulator, or add <emulatorpin> with those of the vCPUs: 0-3",
        (("</cputune>", "<emulatorpin cpuset='0-3'/></cputune>"),),
    ),
    "no emulatorpin, and some isolated vCPUs": Mend(
        "emulatorpin-missing",
        guest(tuned(0, 1, 2, 3), STRICT.format(0), vcpu="<vcpu>4</vcpu>"),
        "its vCPUs have all CPUs of node 0: leave one to the emulator, or add <emulatorpin> with those of the vCPUs: 0-1",
        (("</cputune>", "<emulatorpin cpuset='0-1'/></cputune>"),),
        HOST.format(isolated="2-3", housekeeping="").replace('housekeeping = ""', ""),
    ),
    "no emulatorpin, and realtime vCPUs": Mend(
        "emulatorpin-missing",
        guest(
            "<memoryBacking><nosharepages/><locked/><hugepages/></memoryBacking>",
            tuned(2, 3, more="<vcpusched vcpus='0-1' scheduler='fifo' priority='1'/>"),
            STRICT.format(0),
        ),
        "add <emulatorpin cpuset='0'/>: CPU 0 of node 0, which no vCPU of this domain has",
        (("</cputune>", "<emulatorpin cpuset='0'/></cputune>"),),
        HOST.format(isolated="2-3", housekeeping="").replace('housekeeping = ""', ""),
    ),
    "no emulatorpin, and CPUs for the host on one of two nodes": Mend(
        "emulatorpin-missing",
        guest(tuned(0, 4), CELLS),
        "add <emulatorpin cpuset='3,5'/>: CPUs 3,5 of nodes 0-1, which no vCPU of this domain has, "
        "or with those of the vCPUs: 0,4",
        (("</cputune>", "<emulatorpin cpuset='3,5'/></cputune>"),),
        HOST.format(isolated="", housekeeping="3"),
    ),
    "memory that the pinned node does not hold": Mend(
        "prealloc-without-numatune",
        guest("<memoryBacking><allocation mode='immediate'/></memoryBacking>", tuned(0, 1), gib=80),
        "node 0 cannot hold the whole guest: give it less, or NUMA cells with a <memnode> each",
        (
            ("<memory unit='GiB'>80</memory>", "<memory unit='GiB'>8</memory>"),
            ("</cputune>", "<emulatorpin cpuset='2'/></cputune>" + STRICT.format(0)),
        ),
        HOST.format(isolated="", housekeeping="") + "[node.1]\nmemory = '128 GiB'\n",
    ),
    "the emulator of a guest whose memory is allocated on two nodes": Mend(
        "emulatorpin-overlaps-vcpu",
        guest(tuned(0, 4, more="<emulatorpin cpuset='0,4'/>"), CELLS),
        "<emulatorpin cpuset='1,5'/>: CPUs 1,5 of nodes 0-1, which no vCPU of this domain has",
        (("<emulatorpin cpuset='0,4'/>", "<emulatorpin cpuset='1,5'/>"),),
    ),
    "guest cores on several cores, with a core for each vCPU": Mend(
        "vcpu-siblings-mismatch",
        guest(tuned(0, 2, more="<emulatorpin cpuset='7'/>"), topology(1, 1, 2)),
        "pin the vCPUs of each guest core to one host core, such as CPUs 0,8, "
        "or write <topology sockets='1' cores='2' threads='1'/>",
        (("cores='1' threads='2'", "cores='2' threads='1'"),),
        SMT,
    ),
    "guest cores on several cores, some of them whole": Mend(
        "vcpu-siblings-mismatch",
        guest(tuned(0, 2, 1, 9, more="<emulatorpin cpuset='7'/>"), topology(1, 2, 2), vcpu="<vcpu>4</vcpu>"),
        "pin the vCPUs of each guest core to one host core, such as CPUs 1,9",
        (("vcpu='1' cpuset='2'", "vcpu='1' cpuset='8'"),),
        SMT,
    ),
    "siblings in several guest cells": Mend(
        "vcpu-siblings-hidden",
        guest(
            tuned(0, 1, 4, 5, more="<emulatorpin cpuset='2-3'/>"),
            "<numatune><memnode cellid='0' mode='strict' nodeset='0'/>"
            "<memnode cellid='1' mode='strict' nodeset='1'/></numatune><cpu><topology sockets='2' cores='2' threads='1'/>"
            "<numa><cell id='0' cpus='0,2' memory='2' unit='GiB'/><cell id='1' cpus='1,3' memory='2' unit='GiB'/></numa></cpu>",
            vcpu="<vcpu>4</vcpu>",
        ),
        "make guest cells of 2 vCPUs in a row, write <topology sockets='2' cores='1' threads='2'/>, "
        "and pin each 2 vCPUs in turn to the threads of one core",
        (
            ("cpus='0,2'", "cpus='0-1'"),
            ("cpus='1,3'", "cpus='2-3'"),
            ("cores='2' threads='1'", "cores='1' threads='2'"),
            ("vcpu='1' cpuset='1'", "vcpu='1' cpuset='x'"),
            ("vcpu='2' cpuset='4'", "vcpu='2' cpuset='1'"),
            ("cpuset='x'", "cpuset='4'"),
        ),
        NODES,
    ),
    "siblings of an odd number of vCPUs": Mend(
        "vcpu-siblings-hidden",
        guest(tuned(0, 1, 8, more="<emulatorpin cpuset='7'/>"), vcpu="<vcpu>3</vcpu>"),
        "give it 2 vCPUs, write <topology sockets='1' cores='1' threads='2'/>, "
        "and pin each 2 vCPUs in turn to the threads of one core",
        (
            ("<vcpu>3<", "<vcpu>2<"),
            ("<vcpupin vcpu='1' cpuset='1'/>", ""),
            ("vcpu='2'", "vcpu='1'"),
            ("</cputune>", "</cputune>" + topology(1, 1, 2)),
        ),
        SMT,
    ),
    "more vCPUs than cores, for a guest that knows threads": Mend(
        "vcpus-exceed-node-cores",
        guest(topology(1, 5, 2), vcpu="<vcpu>10</vcpu>"),
        "give it at most 8 vCPUs, or pin the vCPUs of each guest core to one host core",
        (("</cpu>", "</cpu>" + tuned(0, 8, 1, 9, 2, 10, 4, 12, 5, 13)),),
        SMT.replace('housekeeping = ""', "housekeeping = '7'"),
    ),
    "a realtime vCPU on CPU 0, and its sibling": Mend(
        "rt-on-housekeeping",
        guest(
            "<memoryBacking><nosharepages/><locked/><hugepages/></memoryBacking>",
            tuned(0, 8, more="<emulatorpin cpuset='7,15'/><vcpusched vcpus='0-1' scheduler='fifo' priority='1'/>"),
            topology(1, 1, 2),
        ),
        "pin it to another CPU, such as 1-6,9-14, and vCPU 1 to the same core",
        (("cpuset='0'", "cpuset='1'"), ("cpuset='8'", "cpuset='9'")),
        SMT.replace('housekeeping = ""', "").replace('isolated = ""', ""),
    ),
    "a socket on two caches, with room in each for half": Mend(
        "guest-socket-vs-host-socket",
        guest(
            tuned(*range(1, 4), *range(9, 12), *range(4, 7), *range(12, 15), more="<emulatorpin cpuset='7'/>"),
            topology(1, 12, 1),
            vcpu="<vcpu>12</vcpu>",
        ),
        "write <topology sockets='1' dies='2' cores='6' threads='1'/>, and pin the vCPUs of each die to one L3 cache",
        (("sockets='1' cores='12'", "sockets='1' dies='2' cores='6'"),),
        SMT,
    ),
    "dies on two caches": Mend(
        "guest-socket-vs-host-socket",
        guest(
            tuned(1, 2, 3, 4, 5, 6, 7, 12, 13, 14, more="<emulatorpin cpuset='0'/>"),
            topology(1, 5, 1, " dies='2'"),
            vcpu="<vcpu>10</vcpu>",
        ),
        "pin the vCPUs of each guest die to one L3 cache",
        (("cpuset='4'", "cpuset='9'"), ("cpuset='5'", "cpuset='10'"), ("cpuset='7'", "cpuset='5'")),
        SMT,
    ),
    "a guest core for what is not realtime": Mend(
        "rt-all-vcpus",
        guest(
            "<memoryBacking><nosharepages/><locked/><hugepages/></memoryBacking>",
            tuned(
                1, 9, 2, 10, more="<emulatorpin cpuset='7,15'/><vcpusched vcpus='0-3' scheduler='fifo' priority='1'/>"
            ),
            topology(1, 2, 2),
            vcpu="<vcpu>4</vcpu>",
        ),
        "leave vCPUs 0-1 out of <vcpusched>",
        (("vcpus='0-3'", "vcpus='2-3'"),),
        SMT.replace('isolated = ""', ""),
    ),
    "two disks beside an IOThread with a number of its own": Mend(
        "disk-without-iothread",
        guest(
            "<iothreads>1</iothreads><iothreadids><iothread id='7'/></iothreadids>",
            tuned(0, 1, more="<emulatorpin cpuset='2'/><iothreadpin iothread='7' cpuset='3'/>"),
            STRICT.format(0),
            DISK.format(7).replace("</devices>", DISKS),
        ),
        "<iothreads>2</iothreads>, iothread='1' in the <driver> of disks vdb and vdc, "
        "<iothreadpin iothread='1' cpuset='2'/>, as the emulator has",
        (
            ("<iothreads>1<", "<iothreads>2<"),
            ("name='raw'", "iothread='1'"),
            ("</cputune>", "<iothreadpin iothread='1' cpuset='2'/></cputune>"),
        ),
    ),
    "two cells that leave little": Mend(
        "strict-no-headroom",
        guest(
            tuned(0, 4, more="<emulatorpin cpuset='3,7'/>"),
            CELLS.replace("<memoryBacking><allocation mode='immediate'/></memoryBacking>", "").replace("'2'", "'62'"),
            gib=124,
        ),
        "give guest cell 0 less memory: 62259 MiB at most",
        (("memory='62'", "memory='60'"), ("<memory unit='GiB'>124<", "<memory unit='GiB'>120<")),
    ),
    "memory that is allocated at start, and isolated CPUs": Mend(
        "prealloc-without-numatune",
        guest("<memoryBacking><allocation mode='immediate'/></memoryBacking>"),
        "add <numatune><memory mode='strict' nodeset='1'/></numatune>, and cpuset='4-7' to <vcpu>",
        (("<vcpu>", STRICT.format(1) + "<vcpu cpuset='4-7'>"),),
        HOST.format(isolated="0-2", housekeeping=""),
    ),
    "memory that is allocated at start, and pins to all": Mend(
        "prealloc-without-numatune",
        guest(
            "<memoryBacking><allocation mode='immediate'/></memoryBacking><cputune><vcpupin vcpu='0' cpuset='0-7'/>"
        ).replace("</domain>", "<vcpupin vcpu='1' cpuset='0-7'/></cputune></domain>"),
        "add <numatune><memory mode='strict' nodeset='0'/></numatune>, and a <vcpupin> on node 0 for each vCPU",
        (
            ("vcpu='0' cpuset='0-7'", "vcpu='0' cpuset='0'"),
            ("vcpu='1' cpuset='0-7'/>", "vcpu='1' cpuset='1'/><emulatorpin cpuset='3'/>"),
            ("<vcpu>", STRICT.format(0) + "<vcpu>"),
        ),
    ),
    "bound memory, and isolated CPUs": Mend(
        "numatune-without-pinning",
        guest(STRICT.format(0)),
        "keep the vCPUs beside the memory: add cpuset='1-3' to <vcpu>",
        (("<vcpu>", "<vcpu cpuset='1-3'>"),),
        HOST.format(isolated="0,5", housekeeping=""),
    ),
    "a cpuset on two nodes, and isolated CPUs": Mend(
        "cpuset-spans-nodes",
        guest(vcpu="<vcpu cpuset='2-4'>2</vcpu>"),
        "<vcpu cpuset='4-7'>, and <memory mode='strict' nodeset='1'/> in <numatune>",
        (("<vcpu cpuset='2-4'>", STRICT.format(1) + "<vcpu cpuset='4-7'>"),),
        HOST.format(isolated="0-2", housekeeping=""),
    ),
    "an emulator on a realtime CPU that is for housekeeping": Mend(
        "rt-emulator-starved",
        guest(
            "<memoryBacking><nosharepages/><locked/><hugepages/></memoryBacking>",
            tuned(2, 3, more="<emulatorpin cpuset='3'/><vcpusched vcpus='1' scheduler='fifo' priority='1'/>"),
            STRICT.format(0),
        ),
        "write <emulatorpin cpuset='0'/>: the housekeeping CPUs of node 0",
        (("<emulatorpin cpuset='3'/>", "<emulatorpin cpuset='0'/>"), ("vcpu='1' cpuset='3'", "vcpu='1' cpuset='1'")),
        HOST.format(isolated="1-2", housekeeping="0,3"),
    ),
    "as many vCPUs on cores of either kind": Mend(
        "pin-mixes-core-types",
        guest(tuned(2, 4, more="<emulatorpin cpuset='0'/>")),
        "pin all of them to one kind, such as performance: CPUs 0-3,8-11",
        (("cpuset='4'", "cpuset='3'"),),
        KINDS,
    ),
}


@pytest.mark.parametrize("mend", MENDS.values(), ids=MENDS)
def test_a_help_that_is_taken_up_silences_its_rule_and_no_other_warns(tmp_path: Path, mend: Mend) -> None:
    (tmp_path / "kvm01.toml").write_text(mend.host)
    (tmp_path / "web1.xml").write_text(mend.domain)
    (help,) = told(tmp_path, mend.rule)
    assert mend.offered in help if mend.offered.endswith("or") else mend.offered == help
    mended = mend.domain
    for old, new in mend.changes:
        assert old in mended
        mended = mended.replace(old, new)
    (tmp_path / "web1.xml").write_text(mended)
    report = numalint.check(tmp_path / "web1.xml", host=str(tmp_path / "kvm01.toml"))
    assert not report.problems
    assert [each.rule for each in report.results if each.severity != "note" or each.rule == mend.rule] == []


def test_each_thread_of_a_domain_is_moved_off_the_cpus_of_another(tmp_path: Path) -> None:
    (tmp_path / "kvm01.toml").write_text(HOST.format(isolated="", housekeeping=""))
    threads = "<emulatorpin cpuset='X'/><iothreadpin iothread='1' cpuset='X'/>"
    both = guest("<iothreads>1</iothreads>", tuned(0, 1, more=threads), DISK.format(1), STRICT.format(0))
    owner = guest(tuned(2, more="<emulatorpin cpuset='3'/>"), STRICT.format(0), vcpu="<vcpu>1</vcpu>")
    (tmp_path / "db1.xml").write_text(owner.replace("web1", "db1"))
    (tmp_path / "web1.xml").write_text(both.replace("X", "2"))
    (help,) = told(tmp_path, "thread-on-foreign-cpus", ".")
    assert help.startswith("<emulatorpin cpuset='3'/> and the same for IOThread 1: no dedicated vCPU has CPU 3; ")
    (tmp_path / "web1.xml").write_text(both.replace("X", "3"))
    assert told(tmp_path, "thread-on-foreign-cpus", ".") == []


def test_what_is_said_of_one_domain_names_it_once(tmp_path: Path) -> None:
    (tmp_path / "kvm01.toml").write_text(HOST.format(isolated="", housekeeping=""))
    (tmp_path / "web1.xml").write_text(guest(tuned(0, 1, 2, 3), STRICT.format(0), vcpu="<vcpu>4</vcpu>"))
    report = numalint.check(tmp_path / "web1.xml", host=str(tmp_path / "kvm01.toml"))
    messages = {each.rule: each.message for each in report.results}
    assert messages["node-without-reserve"] == "web1: its dedicated vCPUs have all 4 CPUs of node 0 of kvm01"
    assert not [message for message in messages.values() if message.count("web1") != 1]
