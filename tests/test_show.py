"""What ``numalint show`` prints: hosts as pictures, domains as pages, both as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from numalint.cli import main
from numalint.loaders.document import Document
from numalint.loaders.domain import load_domains
from numalint.model.host import L3, Fact, Host, Node, PciAddress, PciBuses, PciDevice, Pool
from numalint.model.idset import HostCpus, HostNode, IdSet, union
from numalint.model.placement import UNKNOWN_HOST, Placement
from numalint.model.report import Unjudged
from numalint.reporters.drawing import Marked, Surface, folded
from numalint.reporters.host import summary as host_summary
from numalint.reporters.show import show_text

GIB, MIB = 1 << 30, 1 << 20


@pytest.fixture(autouse=True)
def how_to_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentences of the tests' own: those of the reporters change as inputs are added."""

    def sources(unjudged: Iterable[Unjudged]) -> Iterator[str]:
        return (f"to know {fact}: ask for {fact}" for each in unjudged for fact in each.facts)

    monkeypatch.setattr(host_summary, "sources", sources)


def cpus(text: str) -> HostCpus:
    return IdSet.parse(text)


def cores(*texts: str) -> tuple[HostCpus, ...]:
    return tuple(map(cpus, texts))


def siblings(first: int, last: int, step: int) -> tuple[HostCpus, ...]:
    """Cores of two threads, the second ``step`` CPUs after the first."""
    return tuple(cpus(f"{cpu},{cpu + step}") for cpu in range(first, last + 1))


def node(number: int, text: str | None, gib: float | None, **changes: object) -> Node:
    own: HostCpus | None = None if text is None else cpus(text) if text else IdSet()
    return Node(HostNode(number), own, None if gib is None else int(gib * GIB), **changes)  # type: ignore[arg-type]


def slit(nodes: Iterable[Node], rows: str) -> tuple[Node, ...]:
    """The nodes with their distances, a row each."""
    found = list(nodes)
    ids = [each.id for each in found]
    values = [list(map(int, row.split())) for row in rows.split("/")]
    return tuple(
        replace(each, distances=dict(zip(ids, row, strict=True))) for each, row in zip(found, values, strict=True)
    )


def devices(*rows: tuple[object, ...]) -> dict[PciAddress, PciDevice]:
    """Rows of address, node, names, driver, IOMMU group and physical function."""
    found = {}
    for address, at, names, *rest in rows:
        driver, group, parent = [*rest, None, None, None][:3]
        where = PciAddress.parse(str(address))
        function = PciAddress.parse(str(parent)) if parent else None
        found[where] = PciDevice(
            where, at, tuple(str(names).split()), driver=driver, iommu_group=group, physical_function=function
        )
    return found


def drawn(host: Host, unfold: bool = False, **surface: object) -> str:
    return show_text([host], Surface(**surface), unfold)  # type: ignore[arg-type]


def golden(text: str) -> str:
    return dedent(text).lstrip("\n")


XEON = Host(
    "kvm01",
    ("hosts/kvm01/capabilities.xml", "hosts/kvm01/nodedev.xml"),
    "x86_64",
    cpus=cpus("0-31"),
    offline=IdSet(),
    sockets=cores("0-7,16-23", "8-15,24-31"),
    cores=siblings(0, 15, 16),
    l3=(L3(cpus("0-7,16-23"), 22 * MIB), L3(cpus("8-15,24-31"), 22 * MIB)),
    nodes=slit(
        (
            node(0, "0-7,16-23", 62.7, hugepages={2 * MIB: Pool(1024, 1000), GIB: Pool(0, 0)}),
            node(1, "8-15,24-31", 63, hugepages={2 * MIB: Pool(0, 0), GIB: Pool(32, 8)}, reserved_bytes=4 * GIB),
        ),
        "10 21/21 10",
    ),
    pci=devices(
        ("0000:5d:00.0", 0, "", "pcieport", 28),
        ("0000:5e:00.0", 0, "nvme0n1", "nvme", 29),
        ("0000:85:00.0", 1, "", "pcieport", 61),
        ("0000:86:00.0", 1, "ens2f0", "i40e", 62),
        *((f"0000:86:02.{n}", 1, f"ens2f0v{n}", "iavf", 97 + n, "0000:86:00.0") for n in range(8)),
        ("0000:af:00.0", 1, "", "vfio-pci", 70),
        *((f"0000:b0:0{n}.0", 1, "", None, 80 + n) for n in range(8)),
    ),
)

EPYC = Host(
    "nps4",
    ("nps4.toml",),
    cpus=cpus("0-127"),
    sockets=cores("0-31,64-95", "32-63,96-127"),
    cores=siblings(0, 63, 64),
    l3=tuple(L3(cpus(f"{n}-{n + 3},{n + 64}-{n + 67}"), 16 * MIB) for n in range(0, 64, 4)),
    nodes=slit(
        (node(n, f"{8 * n}-{8 * n + 7},{8 * n + 64}-{8 * n + 71}", 32 - n / 8, hugepages={}) for n in range(8)),
        "/".join(" ".join(str(10 if a == b else 12 if a // 4 == b // 4 else 32) for b in range(8)) for a in range(8)),
    ),
    pci={},
    complete_pci=True,
)

RYZEN = Host(
    "desk",
    ("desk.toml",),
    cpus=cpus("0-11"),
    offline=cpus("12-15"),
    isolated=cpus("3-5,9-11"),
    housekeeping=cpus("0,6,10"),
    sockets=cores("0-11"),
    cores=siblings(0, 5, 6),
    l3=(L3(cpus("0-2,6-8"), 16 * MIB), L3(cpus("3-5,9-11"), 16 * MIB)),
    nodes=(node(0, "0-11", 31.3, hugepages={GIB: Pool(16)}),),
    pci=devices(("0000:01:00.0", None, "", "vfio-pci", 14), ("0000:04:00.0", None, "enp4s0", "igb", 15)),
)

ODD = Host(
    "od\x1b[31md\u202e",
    ("odd\n.xml",),
    cpus=cpus("8-19"),
    nodes=(
        node(0, "8-15", 64, kind="dram"),
        node(8, "16-17", None, hugepages={}),
        node(250, "", 16, kind="hbm", near=cpus("0"), hugepages={2 * MIB: Pool(None)}),
        node(252, "", 0, hugepages={}),
        node(254, None, 1.5, hugepages={}),
    ),
    pci=devices(
        ("0000:01:00.0", 0, "e\x1b]0;th0\x07 名前 \udcff"),
        ("0000:02:00.0", None, ""),
        ("0001:03:00.0", 9, "eth1"),
    ),
    pci_buses=(PciBuses(0, 0x40, 0x7F, HostNode(8)), PciBuses(0, 0x80, 0x80, HostNode(8))),
    notes=("made inside a\tcontainer",),
)

DOMAIN = """
<domain type='kvm'>
  <name>db1</name>
  <memory unit='GiB'>16</memory>
  <memoryBacking><hugepages><page size='1' unit='GiB' nodeset='0'/><page size='2' unit='MiB'/></hugepages></memoryBacking>
  <vcpu placement='static' cpuset='0-3' current='10'>12</vcpu>
  <iothreads>3</iothreads>
  <cputune>
    <vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='1' cpuset='17'/>
    <vcpupin vcpu='2' cpuset='2'/><vcpupin vcpu='3' cpuset='18'/>
    <vcpupin vcpu='4' cpuset='8'/><vcpupin vcpu='5' cpuset='9'/>
    <vcpupin vcpu='6' cpuset='10'/><vcpupin vcpu='7' cpuset='11'/>
    <vcpupin vcpu='8' cpuset='40'/>
    <emulatorpin cpuset='0,8'/>
    <iothreadpin iothread='2' cpuset='0'/>
    <vcpusched vcpus='4-7' scheduler='fifo' priority='1'/>
  </cputune>
  <numatune><memory mode='strict' nodeset='0-2'/><memnode cellid='1' mode='preferred' nodeset='1'/></numatune>
  <cpu>
    <topology sockets='2' dies='1' clusters='1' cores='3' threads='2'/>
    <numa><cell id='0' cpus='0-3,8-11' memory='8' unit='GiB'/><cell id='1' cpus='4-7' memory='8' unit='GiB'/></numa>
  </cpu>
  <devices>
    <disk type='block' device='disk'><source dev='/dev/nvme0n1'/><target dev='vda'/></disk>
    <interface type='direct'><source dev='ens9' mode='bridge'/></interface>
    <hostdev mode='subsystem' type='pci'>
      <source><address domain='0' bus='0x86' slot='0' function='0'/></source>
    </hostdev>
  </devices>
</domain>
"""


def page(text: str, host: Host = UNKNOWN_HOST, unfold: bool = False, **surface: object) -> str:
    placements: list[Placement | Host] = [
        Placement(domain, host) for domain in load_domains(Document("db.xml", text.encode()))
    ]
    return show_text(placements, Surface(**surface), unfold)  # type: ignore[arg-type]


def guest(rest: str = "", vcpus: int = 1) -> str:
    return f"<domain type='kvm'><name>g</name><vcpu>{vcpus}</vcpu>{rest}</domain>"


def pins(sets: Iterable[str]) -> str:
    return "<cputune>" + "".join(f"<vcpupin vcpu='{n}' cpuset='{each}'/>" for n, each in enumerate(sets)) + "</cputune>"


def test_a_domain_on_its_host_has_the_nodes_of_all_its_parts() -> None:
    assert page(DOMAIN, XEON) == golden(
        r"""
        domain db1 on host kvm01 (db.xml)
          intent           realtime
          topology         2 sockets, 1 die, 1 cluster, 3 cores, 2 threads
          vCPUs            12, 2 of them offline
            vCPUs 0-3      -> CPUs 1,17,2,18 one each, node 0 (vcpupin)
            vCPUs 4-7      -> CPUs 8-11 one each, node 1 (vcpupin, realtime)
            vCPU 8         -> CPU 40, not on kvm01 (vcpupin)
            vCPU 9         -> CPUs 0-3, node 0 (vcpu-cpuset)
            vCPUs 10-11    -> CPUs 0-3, node 0 (vcpu-cpuset, offline)
          emulator         -> CPUs 0,8, nodes 0-1 (emulatorpin)
          IOThreads 1,3    -> CPUs 0-3, node 0 (vcpu-cpuset)
          IOThread 2       -> CPU 0, node 0 (iothreadpin)
          memory           16 GiB, strict on nodes 0-2 (memory), node 2 not on kvm01
            cell 0         vCPUs 0-3,8-11, 8 GiB, strict on nodes 0-2 (memory), node 2 not on kvm01,
                           pages of 1 GiB
            cell 1         vCPUs 4-7, 8 GiB, preferred on node 1 (memnode), pages of 2 MiB
          disk block       0000:5e:00.0 nvme0n1, node 0
          interface direct ens9, node unknown
          hostdev pci      0000:86:00.0 ens2f0, node 1
        """
    )


def test_a_domain_without_a_host_has_no_nodes() -> None:
    assert page(DOMAIN) == golden(
        r"""
        domain db1 (db.xml)
          intent           realtime
          topology         2 sockets, 1 die, 1 cluster, 3 cores, 2 threads
          vCPUs            12, 2 of them offline
            vCPUs 0-3,8    -> CPUs 1,17,2,18,40 one each (vcpupin)
            vCPUs 4-7      -> CPUs 8-11 one each (vcpupin, realtime)
            vCPU 9         -> CPUs 0-3 (vcpu-cpuset)
            vCPUs 10-11    -> CPUs 0-3 (vcpu-cpuset, offline)
          emulator         -> CPUs 0,8 (emulatorpin)
          IOThreads 1,3    -> CPUs 0-3 (vcpu-cpuset)
          IOThread 2       -> CPU 0 (iothreadpin)
          memory           16 GiB, strict on nodes 0-2 (memory)
            cell 0         vCPUs 0-3,8-11, 8 GiB, strict on nodes 0-2 (memory), pages of 1 GiB
            cell 1         vCPUs 4-7, 8 GiB, preferred on node 1 (memnode), pages of 2 MiB
          disk block       nvme0n1
          interface direct ens9
          hostdev pci      0000:86:00.0
        """
    )


def test_all_gives_each_vcpu_a_line() -> None:
    lines = page(guest(pins(["1", "17", "2"]), 3), XEON, unfold=True).splitlines()
    assert lines[3:6] == [
        "    vCPU 0 -> CPU 1, node 0 (vcpupin)",
        "    vCPU 1 -> CPU 17, node 0 (vcpupin)",
        "    vCPU 2 -> CPU 2, node 0 (vcpupin)",
    ]


@pytest.mark.parametrize(
    ("sets", "line"),
    [
        (["3"], "vCPU 0    -> CPU 3 (vcpupin)"),
        (["5", "5"], "vCPUs 0-1 -> CPU 5 (vcpupin)"),
        (["0", "1", "2", "8", "9"], "vCPUs 0-4 -> CPUs 0-2,8,9 one each (vcpupin)"),
        (["2", "1"], "vCPUs 0-1 -> CPUs 2,1 one each (vcpupin)"),
        ([str(2 * n) for n in range(12)], "vCPUs 0-11 -> CPUs 0,2,...,22 one each (vcpupin)"),
        ([f"{n},{n + 16}" for n in range(10)], "vCPUs 0-9 -> CPUs 0,16 1,17 ... 9,25 one each (vcpupin)"),
        (
            [f"{n},{n + 16}" for n in range(10) for _ in range(2)],
            "vCPUs 0-19 -> CPUs 0,16 1,17 ... 9,25, 2 on each (vcpupin)",
        ),
    ],
)  # fmt: skip
def test_pins_one_to_one_share_a_line_in_the_order_of_the_vcpus(sets: list[str], line: str) -> None:
    assert page(guest(pins(sets), len(sets))).splitlines()[3].split() == line.split()


def test_numad_and_the_hosts_page_size_are_named() -> None:
    text = """<domain type='kvm'><name>auto</name><memory unit='MiB'>512</memory><vcpu placement='auto'>2</vcpu>
    <memoryBacking><hugepages/></memoryBacking><numatune><memory mode='strict' placement='auto'/></numatune></domain>"""
    assert page(text) == golden(
        r"""
        domain auto (db.xml)
          intent      floating
          vCPUs       2
            vCPUs 0-1 -> the CPUs that numad chooses (placement-auto)
          emulator    -> the CPUs that numad chooses (placement-auto)
          memory      512 MiB, strict on the nodes that numad chooses (placement-auto),
                      huge pages of the host's default size
        """
    )


def test_an_intent_that_the_host_does_not_tell_is_unknown() -> None:
    text = guest(pins(["0,1"]))
    assert "intent   unknown without a host\n" in page(text)
    assert "intent   unknown without the host's cores\n" in page(text, replace(XEON, cores=None))


def test_names_of_a_domain_do_not_drive_the_terminal() -> None:
    text = guest().replace("<name>g<", "<name>名\u202e\x7f<")
    assert page(text).startswith("domain 名\\u202e\\x7f (db.xml)\n")
    assert page(text, unicode=False).startswith("domain \\u540d\\u202e\\x7f (db.xml)\n")


def test_a_two_socket_xeon() -> None:
    assert drawn(XEON) == golden(
        r"""
        host kvm01 (x86_64): 2 sockets, 2 nodes, 2 L3 caches, 16 cores of 2 threads, 32 CPUs, 125.7 GiB
            from         hosts/kvm01/capabilities.xml, hosts/kvm01/nodedev.xml
            online       CPUs 0-31
            offline      none
            unknown      housekeeping and isolated CPUs

        socket 0, node 0: CPUs 0-7,16-23, memory 62.7 GiB, 1024 pages of 2 MiB (1000 free), L3 22 MiB
        ├─ 8 cores of 2 threads: 0,16 1,17 2,18 3,19 4,20 5,21 6,22 7,23
        ├─ PCI 0000:5d:00.0         (pcieport, IOMMU group 28)
        └─ PCI 0000:5e:00.0 nvme0n1 (nvme, IOMMU group 29)
        socket 1, node 1: CPUs 8-15,24-31, memory 63 GiB (4 GiB reserved), 32 pages of 1 GiB (8 free),
        │  L3 22 MiB
        ├─ 8 cores of 2 threads: 8,24 9,25 10,26 11,27 12,28 13,29 14,30 15,31
        ├─ PCI 0000:85:00.0        (pcieport, IOMMU group 61)
        ├─ PCI 0000:86:00.0 ens2f0 (i40e, IOMMU group 62)
        ├─ PCI 0000:86:02.0 ... 0000:86:02.7 (8 virtual functions of 0000:86:00.0)
        ├─ PCI 0000:af:00.0        (vfio-pci, IOMMU group 70)
        ├─ PCI 0000:b0:00.0        (IOMMU group 80)
        ├─ PCI 0000:b0:01.0        (IOMMU group 81)
        ├─ PCI 0000:b0:02.0        (IOMMU group 82)
        ├─ PCI 0000:b0:03.0        (IOMMU group 83)
        ├─ PCI 0000:b0:04.0        (IOMMU group 84)
        └─ and 3 more PCI devices

        distances   0   1
           node 0  10  21
           node 1  21  10

        unknown, and what states it
          isolated: ask for isolated
          housekeeping: ask for housekeeping
        """
    )


def test_an_epyc_of_eight_nodes_is_folded_to_a_row_each() -> None:
    assert drawn(EPYC) == golden(
        r"""
        host nps4: 2 sockets, 8 nodes, 16 L3 caches, 64 cores of 2 threads, 128 CPUs, 252.5 GiB
            from         nps4.toml
            online       CPUs 0-127
            unknown      offline, housekeeping and isolated CPUs

        sockets 0-1, nodes 0-7, each node with 8 cores of 2 threads, no huge pages, 2 L3 caches of 16 MiB
        ├─ socket 0, node 0  memory 32 GiB    CPUs 0-7,64-71      L3 0-3,64-67 4-7,68-71
        ├─ socket 0, node 1  memory 31.9 GiB  CPUs 8-15,72-79     L3 8-11,72-75 12-15,76-79
        ├─ socket 0, node 2  memory 31.8 GiB  CPUs 16-23,80-87    L3 16-19,80-83 20-23,84-87
        ├─ socket 0, node 3  memory 31.6 GiB  CPUs 24-31,88-95    L3 24-27,88-91 28-31,92-95
        ├─ socket 1, node 4  memory 31.5 GiB  CPUs 32-39,96-103   L3 32-35,96-99 36-39,100-103
        ├─ socket 1, node 5  memory 31.4 GiB  CPUs 40-47,104-111  L3 40-43,104-107 44-47,108-111
        ├─ socket 1, node 6  memory 31.2 GiB  CPUs 48-55,112-119  L3 48-51,112-115 52-55,116-119
        ├─ socket 1, node 7  memory 31.1 GiB  CPUs 56-63,120-127  L3 56-59,120-123 60-63,124-127
        └─ 64 cores of 2 threads: 0,64 1,65 ... 63,127
        no PCI devices

        distances   0   1   2   3   4   5   6   7
           node 0  10  12  12  12  32  32  32  32
           node 1  12  10  12  12  32  32  32  32
           node 2  12  12  10  12  32  32  32  32
           node 3  12  12  12  10  32  32  32  32
           node 4  32  32  32  32  10  12  12  12
           node 5  32  32  32  32  12  10  12  12
           node 6  32  32  32  32  12  12  10  12
           node 7  32  32  32  32  12  12  12  10

        unknown, and what states it
          names: ask for names
          isolated: ask for isolated
          offline: ask for offline
          housekeeping: ask for housekeeping
          iommu-groups: ask for iommu-groups
        """
    )


def test_all_unfolds_nodes_caches_and_cores() -> None:
    lines = drawn(EPYC, unfold=True).splitlines(keepends=True)
    first = golden(
        r"""
        socket 0: CPUs 0-31,64-95
        ├─ node 0: CPUs 0-7,64-71, memory 32 GiB, no huge pages
        │  ├─ L3 16 MiB, 4 cores of 2 threads: 0,64 1,65 2,66 3,67
        │  └─ L3 16 MiB, 4 cores of 2 threads: 4,68 5,69 6,70 7,71
        ├─ node 1: CPUs 8-15,72-79, memory 31.9 GiB, no huge pages
        │  ├─ L3 16 MiB, 4 cores of 2 threads: 8,72 9,73 10,74 11,75
        │  └─ L3 16 MiB, 4 cores of 2 threads: 12,76 13,77 14,78 15,79
        """
    )
    assert "".join(lines[5:12]) == first
    assert sum("L3 16 MiB" in line for line in lines) == 16


def test_a_desktop_has_its_cores_marked() -> None:
    assert drawn(RYZEN) == golden(
        r"""
        host desk: 1 socket, 1 node, 2 L3 caches, 6 cores of 2 threads, 12 CPUs, 31.3 GiB
            from         desk.toml
            online       CPUs 0-11
          ! offline      CPUs 12-15
          # housekeeping CPUs 0,6,10 (the host's own, not for guests)
          * isolated     CPUs 3-5,9-11 (kept free for pinned guests)
            for guests   CPUs 1-5,7-9,11

        socket 0, node 0: CPUs 0-11, memory 31.3 GiB, 16 pages of 1 GiB (free unknown)
        ├─ L3 16 MiB, 3 cores of 2 threads: 0#,6# 1,7 2,8
        ├─ L3 16 MiB, 3 cores of 2 threads: 3*,9* 4*,10#* 5*,11*
        ├─ PCI 0000:01:00.0        (vfio-pci, IOMMU group 14)
        └─ PCI 0000:04:00.0 enp4s0 (igb, IOMMU group 15)

        unknown, and what states it
          hugepages-free: ask for hugepages-free
        """
    )


def test_colour_adds_nothing_but_colour() -> None:
    coloured = drawn(RYZEN, colour=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == drawn(RYZEN)
    assert "\x1b" not in drawn(RYZEN)
    assert coloured.splitlines()[3:6] == [
        "  \x1b[1;31m! offline     \x1b[0m \x1b[1;31mCPUs 12-15\x1b[0m",
        "  \x1b[1;34m# housekeeping\x1b[0m \x1b[1;34mCPUs 0,6,10\x1b[0m (the host's own, not for guests)",
        "  \x1b[1;32m* isolated    \x1b[0m \x1b[1;32mCPUs 3-5,9-11\x1b[0m (kept free for pinned guests)",
    ]
    assert "\x1b[2m├─ \x1b[0mL3 16 MiB, 3 cores of 2 threads: \x1b[1;34m0#,6#\x1b[0m 1,7 2,8" in coloured


def test_what_is_odd_or_unknown_is_said_where_it_would_stand() -> None:
    assert drawn(ODD) == golden(
        r"""
        host od\x1b[31md\u202e: 5 nodes (2 without CPUs), 12 CPUs,
          sockets, L3 caches, cores and memory unknown
            from         odd\n.xml
            online       CPUs 8-19
            unknown      offline, housekeeping and isolated CPUs

        node 0 (dram): CPUs 8-15, memory 64 GiB, huge pages unknown
        ├─ node 250 (hbm): no CPUs, memory 16 GiB, pages of 2 MiB of unknown number, near node 0
        └─ PCI 0000:01:00.0 e\x1b]0;th0\x07 名前 \udcff
        node 8: CPUs 16-17, no huge pages, memory, L3 and cores unknown
        └─ PCI buses 0000:40-7f 0000:80
        node 9: CPUs, memory and huge pages unknown
        └─ PCI 0001:03:00.0 eth1
        node 252: no CPUs, no memory, no huge pages
        node 254: memory 1.5 GiB, no huge pages, CPUs unknown
        PCI devices, node unknown
        └─ PCI 0000:02:00.0
        IOMMU groups of PCI devices unknown

        distances unknown

        unknown, and what states it
          nodes: ask for nodes
          sockets: ask for sockets
          cores: ask for cores
          l3: ask for l3
          memory: ask for memory
          distances: ask for distances
          hugepages: ask for hugepages
          hugepages-free: ask for hugepages-free
          pci-node: ask for pci-node
          isolated: ask for isolated
          offline: ask for offline
          housekeeping: ask for housekeeping
          iommu-groups: ask for iommu-groups

        note: made inside a\tcontainer
        """
    )


def test_ascii_where_the_terminal_is_not_utf_8() -> None:
    assert drawn(ODD, unicode=False).isascii()
    assert drawn(RYZEN, unicode=False) == drawn(RYZEN).replace("├─", "|-").replace("└─", "`-").replace("│", "|")
    assert "`- PCI 0000:01:00.0 e\\x1b]0;th0\\x07 \\u540d\\u524d \\udcff\n" in drawn(ODD, unicode=False)


def test_lines_are_as_wide_as_the_terminal() -> None:
    assert drawn(RYZEN, width=48) == golden(
        r"""
        host desk: 1 socket, 1 node, 2 L3 caches,
          6 cores of 2 threads, 12 CPUs, 31.3 GiB
            from         desk.toml
            online       CPUs 0-11
          ! offline      CPUs 12-15
          # housekeeping CPUs 0,6,10 (the host's own,
                         not for guests)
          * isolated     CPUs 3-5,9-11
                         (kept free for pinned guests)
            for guests   CPUs 1-5,7-9,11

        socket 0, node 0: CPUs 0-11, memory 31.3 GiB,
        │  16 pages of 1 GiB (free unknown)
        ├─ L3 16 MiB, 3 cores of 2 threads: 0#,6# 1,7
        │     2,8
        ├─ L3 16 MiB, 3 cores of 2 threads: 3*,9*
        │     4*,10#* 5*,11*
        ├─ PCI 0000:01:00.0
        │     (vfio-pci, IOMMU group 14)
        └─ PCI 0000:04:00.0 enp4s0 (igb, IOMMU group 15)

        unknown, and what states it
          hugepages-free: ask for hugepages-free
        """
    )
    for host in (XEON, EPYC, RYZEN):
        for width in (60, 80, 100, 200):
            assert max(map(len, drawn(host, width=width).splitlines())) <= width


def test_a_path_or_a_name_is_never_broken() -> None:
    name = "n" * 300
    assert f"host {name}:\n" in drawn(replace(RYZEN, name=name))


def test_hosts_of_which_only_a_part_is_known() -> None:
    assert drawn(Host("h", ("lscpu.txt",), cpus=cpus("0-3"), cores=cores("0-1", "2-3"))) == golden(
        r"""
        host h: 2 cores of 2 threads, 4 CPUs, sockets, nodes, L3 caches and memory unknown
            from         lscpu.txt
            online       CPUs 0-3
            unknown      offline, housekeeping and isolated CPUs

        2 cores of 2 threads: 0-1 2-3
        PCI devices unknown

        unknown, and what states it
          nodes: ask for nodes
          sockets: ask for sockets
          l3: ask for l3
          memory: ask for memory
          distances: ask for distances
          hugepages: ask for hugepages
          hugepages-free: ask for hugepages-free
          pci, pci-node, names, iommu-groups: ask for pci
          isolated: ask for isolated
          offline: ask for offline
          housekeeping: ask for housekeeping
        """
    )
    nodes = tuple(node(n, None, n + 1) for n in range(6))
    assert drawn(Host("m", ("numastat",), nodes=nodes)).split("\n\n")[1] + "\n" == golden(
        r"""
        nodes 0-5, each node with CPUs and huge pages unknown
        ├─ node 0  memory 1 GiB
        ├─ node 1  memory 2 GiB
        ├─ node 2  memory 3 GiB
        ├─ node 3  memory 4 GiB
        ├─ node 4  memory 5 GiB
        └─ node 5  memory 6 GiB
        PCI devices unknown
        """
    )


def test_caches_and_sockets_inside_one_node_are_folded() -> None:
    sixteen = siblings(0, 15, 16)
    host = Host(
        "h",
        cpus=cpus("0-31"),
        sockets=(*sixteen[:6], union(sixteen[6:])),
        cores=sixteen,
        l3=tuple(L3(union(sixteen[n : n + 2]), 4 * MIB) for n in range(6, 16, 2)),
        nodes=(node(1, "0-31", 8),),
    )
    assert drawn(host).split("\n\n")[1] + "\n" == golden(
        r"""
        node 1: CPUs 0-31, memory 8 GiB, huge pages unknown
        ├─ sockets 0-5, each with 1 core of 2 threads: 0,16 1,17 ... 5,21
        └─ socket 6: CPUs 6-15,22-31
           ├─ 5 L3 caches of 4 MiB, each with 2 cores of 2 threads: 6-7,22-23 8-9,24-25 ... 14-15,30-31
           └─ 10 cores of 2 threads: 6,22 7,23 ... 15,31
        PCI devices unknown
        """
    )


def test_kinds_of_cores_are_drawn_apart() -> None:
    host = Host(
        "hybrid",
        cpus=cpus("0-5"),
        sockets=cores("0-5"),
        cores=cores("0-1", "2-3", "4", "5"),
        kinds={"efficiency": cpus("4-5"), "performance": cpus("0-3")},
        nodes=(node(0, "0-5", 8),),
    )
    picture = drawn(host)
    assert "4 cores (2 of 2 threads, 2 of 1 thread)" in picture
    assert "    performance  CPUs 0-3\n    efficiency   CPUs 4-5\n" in picture
    assert "├─ 2 performance cores of 2 threads: 0-1 2-3\n└─ 2 efficiency cores of 1 thread: 4 5\n" in picture


def test_many_names_of_a_device_and_what_is_on_no_device() -> None:
    found = devices(("0000:01:00.0", 0, "sda sdb sdc sdd sde sdf"))
    host = Host("h", nodes=(replace(node(0, "0", 1), names=("dax0.0",)),), cpus=cpus("0"), pci=found)
    assert "├─ PCI 0000:01:00.0 sda sdb sdc sdd and 2 more\n└─ on no PCI device: dax0.0\n" in drawn(host)
    assert "├─ PCI 0000:01:00.0 sda sdb sdc sdd sde sdf\n" in drawn(host, unfold=True)


def test_distances_of_many_nodes_share_rows_where_they_are_equal() -> None:
    def far(one: int, other: int) -> int:
        return 10 if one == other else 12 if one // 6 == other // 6 else 21 if one < other else 22

    rows = "/".join(" ".join(str(far(a, b)) for b in range(12)) for a in range(12))
    host = Host("h", nodes=slit((node(n, str(n), 1) for n in range(12)), rows))
    assert drawn(host).split("\n\n")[2] + "\n" == golden(
        r"""
        distances     0-5   6-11
         nodes 0-5  10/12     21
        nodes 6-11     22  10/12
          10/12: 10 to the node itself, 12 to the others of its row
        """
    )
    assert drawn(host, unfold=True).count("  node ") == 12
    assert drawn(host, unfold=True, width=40).count("distances") == 2  # the columns in two parts


def test_folded_runs_are_those_in_equal_steps() -> None:
    def text(sets: Iterable[str]) -> str:
        return " ".join(word.text for word in folded(Marked(cpus(each)) for each in sets))

    assert text(f"{n},{n + 64}" for n in range(64)) == "0,64 1,65 ... 63,127"
    assert text(str(4 * n) for n in range(9)) == "0 4 ... 32"
    assert text(str(n) for n in range(8)) == "0 1 2 3 4 5 6 7"
    assert text([*(str(n) for n in range(9)), "20", *(str(n) for n in range(30, 39))]) == "0 1 ... 8 20 30 31 ... 38"


def test_every_unknown_fact_is_named_once_at_the_end() -> None:
    end = drawn(Host("h")).split("\n\n")[-1]
    for fact in Fact:
        assert len(re.findall(rf"(?<![\w-]){fact}(?=[,:])", end)) == 1


class Terminal:
    """A stream that is a terminal."""

    def __init__(self, encoding: str | None, tty: bool) -> None:
        self.encoding, self.tty = encoding, tty

    def isatty(self) -> bool:
        return self.tty


@pytest.mark.parametrize(
    ("encoding", "tty", "surface"),
    [
        ("UTF-8", True, Surface(72, True)),
        ("utf8", False, Surface(100, True)),
        ("ANSI_X3.4-1968", True, Surface(72, False)),
        ("latin-1", False, Surface(100, False)),
        ("no such", False, Surface(100, False)),
        (None, False, Surface(100, False)),
    ],
)
def test_the_surface_is_that_of_the_stream(
    monkeypatch: pytest.MonkeyPatch, encoding: str | None, tty: bool, surface: Surface
) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    assert Surface.of(Terminal(encoding, tty), False) == surface


HOST_TOML = """format = 1
name = "kvm02"
[topology]
sockets = 1
nodes_per_socket = 2
cores_per_node = 2
threads_per_core = 2
cpu_numbering = "threads-adjacent"
memory_per_node = "8 GiB"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    Path("kvm02.host.toml").write_text(HOST_TOML)
    Path("db.xml").write_text(DOMAIN)
    return tmp_path


def show(*arguments: str, charset: str = "utf-8", input: str | None = None) -> str:
    done = CliRunner(charset=charset).invoke(main, ["show", *arguments], input=input)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_command_draws_hosts_and_domains_with_a_blank_line_between(folder: Path) -> None:
    text = show("kvm02.host.toml", "db.xml", "--host", "kvm02.host.toml")
    host, domain = text.split("\n\ndomain ")
    assert host.startswith("host kvm02")
    assert "├─ node 0: CPUs 0-3, memory 8 GiB" in host
    assert domain.startswith("db1 on host kvm02 (db.xml)\n")


def test_the_command_takes_all_color_and_the_encoding_of_its_output(folder: Path) -> None:
    plain = show("kvm02.host.toml")
    assert "\x1b" not in plain
    assert "\x1b[1mhost\x1b[0m" in show("kvm02.host.toml", "--color", "always")
    assert "|- node 0: CPUs 0-3" in show("kvm02.host.toml", charset="ascii")
    assert "    vCPU 0 " in show("db.xml", "--all")


def test_the_json_is_that_which_machines_read(folder: Path) -> None:
    domain, host = json.loads(show("db.xml", "kvm02.host.toml", "-f", "json", "--color", "always"))
    assert list(domain) == [
        "kind", "name", "vcpus", "online_vcpus", "affinities", "memory_bytes", "cells", "memory", "topology",
        "pci_devices", "intent",
    ]  # fmt: skip
    assert domain["affinities"]["vcpus"]["0"] == {"cpus": "1", "origin": "vcpupin"}
    assert domain["cells"][1] == {
        "id": 1, "cpus": "4-7", "memory_bytes": 8 * GIB, "mode": "preferred", "nodes": "1", "origin": "memnode",
        "page_bytes": 2 * MIB,
    }  # fmt: skip
    assert list(host) == [
        "kind", "name", "sources", "sockets", "cpus", "offline_cpus", "isolated_cpus", "housekeeping_cpus", "nodes",
        "cores", "l3", "pci", "unknown",
    ]  # fmt: skip
    assert host["nodes"][0] == {
        "id": 0, "cpus": "0-3", "memory_bytes": 8 * GIB, "distances": {}, "hugepages": {},
    }  # fmt: skip


def test_what_the_inputs_of_a_host_disagree_on_is_a_note(folder: Path) -> None:
    Path("other.host.toml").write_text(HOST_TOML.replace("8 GiB", "4 GiB"))
    assert "\nnote: " in show("--host", "kvm02.host.toml", "--host", "other.host.toml")


def test_a_host_and_a_domain_may_come_on_standard_input(folder: Path) -> None:
    assert show("-", input=HOST_TOML).startswith("host kvm02: 1 socket, 2 nodes, ")
    assert show("-", input=DOMAIN).startswith("domain db1 (-)\n")
    assert show("-", input=DOMAIN + DOMAIN).count("domain db1 (-)\n") == 2
    done = CliRunner().invoke(main, ["show", "-"], input=guest("<iothreads>x</iothreads>"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: -:1:")
