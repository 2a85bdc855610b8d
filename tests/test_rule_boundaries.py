"""Where each of some rules begins and ends to speak, and what it then says: its numbers, its severity, its advice."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

import numalint
from numalint.engine.rule import Rule
from numalint.model.domain import NEWEST_LIBVIRT, Release
from numalint.model.finding import Finding, NotJudged, Severity
from numalint.model.idset import IdSet
from numalint.model.place import TEXT, Place
from numalint.model.placement import Placement
from numalint.plugins import load
from numalint.testing import findings, fleet_findings, read_domain, read_host

RULES = load().rules
TWO = "pack:2 numa:1(memory=8GiB) core:4 pu:1"
"""Two nodes, with the CPUs 0-3 and 4-7."""


def host(synthetic: str = TWO, **tables: str) -> str:
    """A host in hwloc's words; ``tables`` are lines of numalint's TOML."""
    written = "".join(f"[{name.replace('_', '.')}]\n{lines}\n" for name, lines in tables.items())
    return f"format = 1\nname = 'kvm'\nsynthetic = '{synthetic}'\n{written}"


def vm(vcpus: str, pins: str = "", *rest: str, gib: float | None = None, cpuset: str = "", name: str = "db") -> str:
    """A domain of ``4`` vCPUs, or of ``2/4`` at start; ``pins`` such as ``0-3=4-7 emulator=0 iothread1=2``."""
    current, _, maximum = vcpus.rpartition("/")
    attributes = (f" current='{current}'" if current else "") + (f" cpuset='{cpuset}'" if cpuset else "")
    memory = "" if gib is None else f"<memory unit='MiB'>{int(gib * 1024)}</memory>"
    tune = "".join(pin(*each.split("=")) for each in pins.split())
    inside = f"<vcpu{attributes}>{maximum}</vcpu><cputune>{tune}</cputune>{''.join(rest)}"
    return f"<domain type='kvm'><name>{name}</name>{memory}{inside}</domain>"


def pin(thread: str, cpus: str) -> str:
    if thread == "emulator":
        return f"<emulatorpin cpuset='{cpus}'/>"
    if thread.startswith("iothread"):
        return f"<iothreadpin iothread='{thread[8:]}' cpuset='{cpus}'/>"
    return "".join(f"<vcpupin vcpu='{vcpu}' cpuset='{cpus}'/>" for vcpu in IdSet.parse(thread))


def one_each(vcpus: str, first: int) -> str:
    """Pins of ``vcpus`` to a CPU each, from ``first`` on."""
    return " ".join(f"{vcpu}={first + number}" for number, vcpu in enumerate(IdSet.parse(vcpus)))


def cells(*guest: tuple[str, float]) -> str:
    """Guest cells, each with its vCPUs and its GiB."""
    written = "".join(
        f"<cell id='{n}' cpus='{c}' memory='{int(m * 1024)}' unit='MiB'/>" for n, (c, m) in enumerate(guest)
    )
    return f"<cpu><numa>{written}</numa></cpu>"


def bound(nodes: str, mode: str = "strict", *memnodes: str) -> str:
    """A numatune; ``memnodes`` are the nodes of each guest cell."""
    memory = f"<memory mode='{mode}' nodeset='{nodes}'/>" if nodes else ""
    apart = "".join(f"<memnode cellid='{n}' mode='{mode}' nodeset='{m}'/>" for n, m in enumerate(memnodes) if m)
    return f"<numatune>{memory}{apart}</numatune>"


def huge(size: str = "2 MiB", nodeset: str = "") -> str:
    """Huge pages of a size, for the guest cells of ``nodeset``."""
    number, unit = size.split()
    named = f" nodeset='{nodeset}'" if nodeset else ""
    return f"<memoryBacking><hugepages><page size='{number}' unit='{unit}'{named}/></hugepages></memoryBacking>"


def pools(first: int | str, second: int | str, synthetic: str = TWO, **tables: str) -> str:
    """A host of two nodes with so many pages of 2 MiB."""
    pages = {f"node_{node}": f"hugepages = {{ '2M' = {count} }}" for node, count in enumerate((first, second))}
    return host(synthetic, **pages, **tables)


def listed(nodes: str) -> str:
    """A host of two nodes of which each says ``nodes``; a NIC is on node 1."""
    text = "format = 1\nname = 'kvm'\n"
    for node, cpus in enumerate(("0-3", "4-7")):
        card = "pci = ['0000:81:00.0']" if node else "pci = []"
        text += f"[[nodes]]\nid = {node}\ncores = '{cpus}'\nmemory = '8 GiB'\n{card}\n{nodes}\n"
    return text


def far(distance: int) -> str:
    """The same with a distance from node to node."""
    first = listed("").replace("id = 0", f"id = 0\ndistances = [10, {distance}]")
    return first.replace("id = 1", f"id = 1\ndistances = [{distance}, 10]")


def disks(*iothreads: int) -> str:
    """A disk for each of some IOThreads, of which there are two."""
    each = "<disk type='file'><driver name='qemu' iothread='{0}'/><target dev='vd{0}' bus='virtio'/></disk>"
    return f"<iothreads>2</iothreads><devices>{''.join(map(each.format, iothreads))}</devices>"


def fifo(vcpus: str = "0") -> str:
    return f"<cputune><vcpusched vcpus='{vcpus}' scheduler='fifo' priority='1'/></cputune>"


def topology(sockets: int, cores: int, threads: int, more: str = "") -> str:
    return f"<cpu><topology sockets='{sockets}' {more} cores='{cores}' threads='{threads}'/></cpu>"


def dimm(mib: int, source: str = "", cell: int = 0) -> str:
    target = f"<target><size unit='MiB'>{mib}</size><node>{cell}</node></target>"
    return f"<devices><memory model='dimm'>{source}{target}</memory></devices>"


def hostdevs(*buses: str) -> str:
    each = "<hostdev type='pci'><source><address bus='0x{}'/></source></hostdev>"
    return f"<devices>{''.join(map(each.format, buses))}</devices>"


def fleet(count: int, vcpus: str, **more: str) -> str:
    return "".join(vm(vcpus, name=f"db{number}", **more) for number in range(1, count + 1))


HOST = host()
ONE = host("pack:1 numa:1(memory=8GiB) core:4 pu:1")
THREE = host("pack:3 numa:1(memory=8GiB) core:4 pu:1")
NEAR = host("pack:1 numa:2(memory=8GiB) core:4 pu:1")
"""Two nodes of one socket."""
SMT = host("pack:2 numa:1(memory=8GiB) core:4 pu:2")
"""Node 0 has the CPUs 0-7, node 1 has 8-15; 0 and 1 are one core."""
KEPT = host(cpus="housekeeping = '0-1'")
ISOLATED = host(cpus="isolated = '2-3,6-7'\nhousekeeping = '0'")
RESERVED = host(node_0="reserved_memory = '1 GiB'")
LARGER = host(node_0="memory = '8 GiB'", node_1="memory = '10 GiB'")
PAGED = host(node_0="hugepages = { '1G' = 2 }", node_1="hugepages = {}")
"""Node 0 has but 6 GiB for ordinary pages."""
PCI = {"node_0": "pci = ['0000:01:00.0']", "node_1": "pci = ['0000:81:00.0 eth1 mlx5_1 eth3', '0000:82:00.0']"}
CARDS = host(**PCI)
LOCKED = "<memoryBacking><locked/></memoryBacking>"
NUMAD = f"<domain type='kvm'><vcpu placement='auto'>2</vcpu>{fifo()}</domain>"
HALF_NUMAD = (
    "<domain type='kvm'><vcpu placement='auto'>2</vcpu><cputune><vcpupin vcpu='0' cpuset='0'/></cputune></domain>"
)


def balloon(gib: int) -> str:
    return f"<currentMemory unit='GiB'>{gib}</currentMemory>"


# fmt: off
CASES: dict[str, list[tuple[str, ...]]] = {
    # a domain, a host, and what is said of it: "severity: message", then parts of the advice, after ! what is none of it;
    # nothing where the rule is silent
    "vcpus-exceed-node": [
        (vm("4"), HOST),
        (vm("5"), HOST, "warning: 5 vCPUs do not fit a node of kvm: the largest has 4 CPUs", "give it at most 4 vCPUs, or 2 NUMA cells, each", "5 vCPUs at start"),
        (vm("5/9"), HOST, "warning: 5 vCPUs do not fit a node of kvm: the largest has 4 CPUs", "without knowing it"),
        (vm("8"), HOST, "warning: 8 vCPUs do not fit a node of kvm: the largest has 4 CPUs", "or 2 NUMA cells, each", "node 0: CPUs 0-3"),
        (vm("9"), HOST),
        (vm("9"), THREE, "warning: 9 vCPUs do not fit a node of kvm: the largest has 4 CPUs", "or 3 NUMA cells, each"),
        (vm("4"), host(cpus="housekeeping = '0-1,4'"), "warning: 4 vCPUs do not fit a node of kvm: the largest has 3 CPUs beside 1 for housekeeping", "give it at most 3 vCPUs, or 2 NUMA cells", "node 1: CPUs 4-7"),
        (vm("5"), host("pack:3 numa:1 core:2 pu:1", cpus="housekeeping = '0'"), "warning: 5 vCPUs do not fit a node of kvm: the largest has 2 CPUs", "give it at most 2 vCPUs, or 3 NUMA cells"),
        (vm("5"), host(cpus="housekeeping = '1-3,5-7'")),
        (vm("5", gib=16), NEAR, "note: 5 vCPUs do not fit a node of kvm: the largest has 4 CPUs", "it runs on several nodes, near to each other"),
        (vm("5", gib=17), NEAR, "warning: 5 vCPUs do not fit a node of kvm: the largest has 4 CPUs"),
        (vm("6", "", cells(("0-2", 1), ("3-5", 1))), HOST),
        (vm("6", "", cells(("0-3", 1), ("4-5", 1)), bound("", "strict", "0", "0")), HOST, "warning: 6 vCPUs do not fit a node of kvm: the largest has 4 CPUs"),
        (vm("4"), host("pack:2 numa:2 core:1 pu:1", cpus="housekeeping = ''"), "warning: 4 vCPUs do not fit a node of kvm: the largest has 1 CPU", "give it at most 1 vCPU, or 4 NUMA cells"),
    ],
    "vcpus-exceed-node-cores": [
        (vm("4"), SMT),
        (vm("5"), SMT, "note: 5 vCPUs fit a node of kvm only as SMT siblings: it has 4 cores with 8 CPUs", "at most 4 vCPUs, or <topology threads='2'>", "5 vCPUs at start", "node 0: CPUs 0-7"),
        (vm("8"), SMT, "note: 8 vCPUs fit a node of kvm only as SMT siblings: it has 4 cores with 8 CPUs"),
        (vm("9"), SMT),
        (vm("5", cpuset="8-15"), SMT, "note: 5 vCPUs fit a node of kvm only as SMT siblings: it has 4 cores with 8 CPUs", "node 1: CPUs 8-15"),
        (vm("5"), host("pack:2 numa:1 core:4 pu:2", cpus="housekeeping = '0-1,8'"), "note: 5 vCPUs fit a node of kvm only as SMT siblings: it has 4 cores with 7 CPUs", "node 1: CPUs 8-15"),
        (vm("2"), host("pack:2 numa:1 core:1 pu:2"), "note: 2 vCPUs fit a node of kvm only as SMT siblings: it has 1 core with 2 CPUs", "at most 1 vCPU, or"),
        (vm("6", "", cells(("0-2", 1), ("3-5", 1))), SMT),
        (vm("5", "0=0 1=2 2=4 3=6 4=8"), SMT),
        (vm("5", "0=0 1=2 2=4 3=6"), SMT, "note: 5 vCPUs fit a node of kvm only as SMT siblings: it has 4 cores with 8 CPUs"),
        (vm("5", "0-4=0-7"), SMT, "note: 5 vCPUs fit a node of kvm only as SMT siblings: it has 4 cores with 8 CPUs"),
        (vm("6", one_each("0-5", 0), topology(1, 3, 2)), SMT),
        (vm("6", one_each("0-5", 0), topology(1, 6, 1)), SMT, "note: 6 vCPUs fit a node of kvm only as SMT siblings: it has 4 cores with 8 CPUs"),
        (vm("6", one_each("0-4", 0), topology(1, 3, 2)), SMT, "note: 6 vCPUs fit a node of kvm only as SMT siblings: it has 4 cores with 8 CPUs"),
        (vm("6", "0=0 1=2 2=1 3=3 4=4 5=5", topology(1, 3, 2)), SMT, "note: 6 vCPUs fit a node of kvm only as SMT siblings: it has 4 cores with 8 CPUs"),
    ],
    "vcpupin-spans-sockets": [
        (vm("2", "0=0 1=1"), HOST),
        (vm("2", "0=0 1=4"), HOST, "warning: 2 vCPUs are pinned to sockets 0-1 of kvm, but would fit one socket", "vCPU 1 is on socket 1", "vCPU 0 is on socket 0", "such as socket 0: CPUs 0-3"),
        (vm("3", "0=0 1-2=4-5"), HOST, "warning: 3 vCPUs are pinned to sockets 0-1 of kvm, but would fit one socket", "such as socket 1: CPUs 4-7"),
        (vm("2", "0=0 1=4", bound("0-1", "interleave")), HOST, "note: 2 vCPUs are pinned to sockets 0-1 of kvm, but would fit one socket"),
        (vm("2", "0=0 1=4", bound("0", "interleave")), HOST, "warning: 2 vCPUs are pinned to sockets 0-1 of kvm, but would fit one socket"),
        (vm("2", "0=0-4 1=0", bound("0-1", "interleave")), HOST, "warning: vCPU 0 may run on sockets 0-1 of kvm", "vCPU 0 may run on sockets 0-1", "keep all pins on one socket"),
        (vm("2", "0=0-4 1=3-7"), HOST, "warning: vCPUs 0-1 may each run on several sockets of kvm, vCPU 0 on sockets 0-1"),
        (vm("4", "0-2=0-2 3=4"), HOST, "warning: 4 vCPUs are pinned to sockets 0-1 of kvm, but would fit one socket"),
        (vm("5", "0-3=0-3 4=4"), HOST),
        (vm("5", "0-3=0-3 4=4-5,0"), HOST, "warning: vCPU 4 may run on sockets 0-1 of kvm", "give each vCPU CPUs of one socket, and the guest a NUMA cell for each socket"),
        (vm("2", "0=0 1=4", gib=8), HOST, "warning: 2 vCPUs are pinned to sockets 0-1 of kvm, but would fit one socket"),
        (vm("2", "0=0 1=4", gib=9), HOST),
        (vm("2", "0=0 1=4", cells(("0", 1), ("1", 1))), HOST),
        (vm("4", "0-1=0 2-3=4", topology(2, 2, 1)), HOST),
        (vm("2", "0=0 1=4", topology(2, 1, 1)), HOST, "warning: 2 vCPUs are pinned to sockets 0-1 of kvm, but would fit one socket"),
    ],
    "numatune-missing": [
        (vm("2", "0-1=0-3", gib=4), HOST, "warning: 2 vCPUs are pinned to node 0 of kvm, but its 4 GiB of memory may come from any node", "first of 2 pins, all on node 0", "add <numatune><memory mode='strict' nodeset='0'/></numatune>"),
        (vm("1", "0=4"), HOST, "warning: 1 vCPU is pinned to node 1 of kvm, but its memory may come from any node", "the only pin, on node 1", "node 1: CPUs 4-7"),
        (vm("1/2", "1=0"), HOST, "note: its 1 vCPU would fit one node of kvm, but nothing keeps them together"),
        (vm("2", cpuset="4-7", gib=4), HOST, "warning: 2 vCPUs are pinned to node 1 of kvm, but its 4 GiB of memory may come from any node", "all 2 vCPUs, on node 1", "nodeset='1'"),
        (vm("2", cpuset="2-5"), HOST),
        (vm("2", "0=0", gib=4), HOST, "warning: 1 vCPU is pinned to node 0 of kvm, but its 4 GiB of memory may come from any node"),
        (vm("2", "0-1=9"), HOST),
        (vm("2", "0=0 1=4"), HOST, "warning: 2 vCPUs are pinned to nodes 0-1 of kvm, but its memory may come from any node", "pin to one node, or bind the memory to all of them: <memory mode='interleave' nodeset='0-1'/>"),
        (vm("2", "0-1=0-3", gib=9), HOST, "warning: 2 vCPUs are pinned to node 0 of kvm, but its 9 GiB of memory may come from any node", "node 0 cannot hold the whole guest: give it less"),
        (vm("2", "0-1=0-3", gib=8), HOST, "warning: 2 vCPUs are pinned to node 0 of kvm, but its 8 GiB of memory may come from any node", "mode='strict' nodeset='0'"),
        (vm("2", "0=0 1=4", cells(("0", 1), ("1", 1))), HOST, "warning: 2 vCPUs are pinned to nodes 0-1 of kvm, but its 2 GiB of memory may come from any node", "add a <memnode> to <numatune> for each guest cell"),
        (vm("2", "0=0 1=0", cells(("0-1", 1))), HOST, "warning: 2 vCPUs are pinned to node 0 of kvm, but its 1 GiB of memory may come from any node", "add <numatune><memory mode='strict' nodeset='0'/>"),
        (vm("2", "", cells(("0", 1), ("1", 1))), HOST),
        (vm("2", "", cells(("0-1", 1))), HOST, "note: its 2 vCPUs and 1 GiB would fit one node of kvm, but nothing keeps them together"),
        (vm("2", gib=8), HOST, "note: its 2 vCPUs and 8 GiB would fit one node of kvm, but nothing keeps them together", "2 vCPUs without pins", "<vcpu cpuset='0-3'> and <memory mode='strict' nodeset='0'/> in <numatune>", "node 1: CPUs 4-7"),
        (vm("2", gib=9), LARGER, "note: its 2 vCPUs and 9 GiB would fit one node of kvm, but nothing keeps them together", "<vcpu cpuset='4-7'> and <memory mode='strict' nodeset='1'/>"),
        (vm("2", gib=9), HOST),
        (vm("2", "0-1=0-7", gib=4), HOST, "note: its 2 vCPUs and 4 GiB would fit one node of kvm, but nothing keeps them together", "2 vCPUs that may run on every node", "pin all vCPUs to 0-3, and write <memory mode='strict' nodeset='0'/> in <numatune>"),
        (vm("2", "0-1=0-7", gib=4), host(cpus="isolated = '1-3,5-7'"), "note: its 2 vCPUs and 4 GiB would fit one node of kvm, but nothing keeps them together", "a <vcpupin> on node 0 for each vCPU, and <memory mode='strict' nodeset='0'/>"),
        (vm("2"), host(cpus="isolated = '1-3'"), "note: its 2 vCPUs would fit one node of kvm, but nothing keeps them together", "<vcpu cpuset='4-7'> and <memory mode='strict' nodeset='1'/>"),
        (vm("1"), host(cpus="isolated = '1-7'"), "note: its 1 vCPU would fit one node of kvm, but nothing keeps them together", "<vcpu cpuset='0'> and <memory mode='strict' nodeset='0'/>"),
        (vm("2", "0-1=0", bound("0")), HOST),
        (vm("2", "0-1=0 emulator=4", LOCKED), HOST),
        (vm("2", "0-1=0 emulator=4"), HOST, "warning: 2 vCPUs are pinned to node 0 of kvm, but its memory may come from any node"),
        (vm("2", "0-1=0"), ONE),
        (vm("2"), ONE),
        (NUMAD, HOST),
    ],
    "emulatorpin-missing": [
        (vm("2", one_each("0-1", 0)), HOST, "warning: 2 vCPUs have CPUs on node 0 of kvm, but the emulator threads may run on nodes 0-1 (8 CPUs)", "first of 2 pins, all on node 0; no <emulatorpin>", "or with those of the vCPUs: 0-1"),
        (vm("1", "0=0"), HOST, "warning: 1 vCPU has a CPU on node 0 of kvm, but the emulator threads may run on nodes 0-1 (8 CPUs)", "the only pin, on node 0; no <emulatorpin>"),
        (vm("2", "0=0 1=4"), HOST, "note: 2 vCPUs have CPUs of their own, but the emulator threads may run on them too (0-7 (8 CPUs))", "first of 2 pins, all on nodes 0-1"),
        (vm("2", one_each("0-1", 0), cpuset="0-3"), HOST, "note: 2 vCPUs have CPUs of their own, but the emulator threads may run on them too (0-3 (4 CPUs))", "the emulator threads inherit this", "first of 2 pins, all on node 0"),
        (vm("1", "0=0", cpuset="0-3"), HOST, "note: 1 vCPU has a CPU of its own, but the emulator threads may run on it too (0-3 (4 CPUs))"),
        (vm("4", one_each("0-3", 0)), HOST, "warning: 4 vCPUs have CPUs on node 0 of kvm, but the emulator threads may run on nodes 0-1 (8 CPUs)", "all CPUs of node 0: leave one to the emulator, or add <emulatorpin> with those of the vCPUs: 0-3"),
        (vm("4", one_each("0-3", 0), cpuset="0-3"), HOST, "note: 4 vCPUs have CPUs of their own, but the emulator threads may run on them too (0-3 (4 CPUs))", "leave one to the emulator, and name it in <emulatorpin>"),
        (vm("2", one_each("0-1", 0), cpuset="2-3"), HOST),
        (vm("2", one_each("0-1", 0) + " emulator=0-7"), HOST),
        (vm("2", one_each("0-1", 0), bound("0-1", "interleave")), HOST, "note: 2 vCPUs have CPUs of their own, but the emulator threads may run on them too (0-7 (8 CPUs))"),
        (vm("2", "0=0-1 1=2-3"), SMT, "note: 2 vCPUs have CPUs on node 0 of kvm, but the emulator threads may run on nodes 0-1 (16 CPUs)"),
        (vm("2", "0=0-1 1=2"), SMT, "warning: 2 vCPUs have CPUs on node 0 of kvm, but the emulator threads may run on nodes 0-1 (16 CPUs)"),
        (vm("2", "0-1=0-3"), HOST),
        (vm("1/2", "1=0"), HOST),
        (vm("2", "iothread1=0", disks(), fifo()), HOST),
        (vm("2", one_each("0-1", 0)), "none", "note: 2 vCPUs have CPUs of their own, but the emulator threads may run on any host CPU", "first of 2 pins; no <emulatorpin>"),
        (HALF_NUMAD, HOST, "note: 1 vCPU has a CPU of its own, but the emulator threads may run on the nodes that numad chooses"),
        (vm("1", "0=0-1"), "none"),
        (vm("2", one_each("0-1", 2)), host(cpus="housekeeping = '0,4-5'"), "warning: 2 vCPUs have CPUs on node 0 of kvm, but the emulator threads may run on nodes 0-1 (8 CPUs)", "add <emulatorpin cpuset='0'/>: CPU 0 of node 0, which the host keeps"),
        (vm("2", one_each("0-1", 2), cpuset="0-1"), host(cpus="isolated = '0-1'"), "warning: 2 vCPUs have CPUs of their own, but the emulator threads may run on the isolated CPUs 0-1 (2 CPUs)", "the threads pile up on one of them"),
        (vm("2", one_each("0-1", 2), cpuset="0"), host(cpus="isolated = '0-1'")),
        (vm("1", "0=0", cpuset="4"), HOST, "warning: 1 vCPU has a CPU on node 0 of kvm, but the emulator threads may run on node 1 (1 CPU)"),
    ],
    "device-remote": [
        (vm("2", one_each("0-1", 0), hostdevs("01")), CARDS),
        (vm("2", one_each("0-1", 0), hostdevs("81"), gib=1), CARDS, "note: 0000:81:00.0 (eth1, mlx5_1) is on node 1 of kvm, but the vCPUs are on node 0", "how far is unknown, for no input states the distances", "move the guest to node 1 (CPUs 4-7), or give it", "the vCPUs are on node 0", "0000:81:00.0 is on node 1"),
        (vm("2", one_each("0-1", 0), hostdevs("81", "82")), CARDS, "note: 2 devices are on node 1 of kvm, but the vCPUs are on node 0", "0000:81:00.0 (eth1, mlx5_1) is on node 1", "0000:82:00.0 is on node 1"),
        (vm("2", one_each("0-1", 0), hostdevs("81"), bound("0")), CARDS, "note: 0000:81:00.0 (eth1, mlx5_1) is on node 1 of kvm, but vCPUs and memory are on node 0"),
        (vm("2", one_each("0-1", 0), hostdevs("81"), bound("1")), CARDS, "note: 0000:81:00.0 (eth1, mlx5_1) is on node 1 of kvm, but the vCPUs are on node 0"),
        (vm("2", "", hostdevs("81"), bound("0")), CARDS, "note: 0000:81:00.0 (eth1, mlx5_1) is on node 1 of kvm, but the memory is on node 0", "the memory is on node 0"),
        (vm("2", "0=0 1=4", hostdevs("81")), CARDS),
        (vm("2", "", hostdevs("81")), CARDS),
        (vm("2", one_each("0-1", 0), hostdevs("82"), gib=9), CARDS, "note: 0000:82:00.0 is on node 1 of kvm, but the vCPUs are on node 0", "give the guest a device of its own node; node 1 cannot hold it"),
        (vm("2", one_each("0-1", 0), hostdevs("01", "81")), host(**PCI | {"node_0": "pci = ['0000:01:00.0']"}), "note: 0000:81:00.0 (eth1, mlx5_1) is on node 1 of kvm, but the vCPUs are on node 0"),
        (vm("2", one_each("0-1", 0), hostdevs("03")), CARDS),
        (vm("2", "0=0 1=8", hostdevs("82"), bound("0-1")), host("pack:3 numa:1 core:4 pu:1", node_2="pci = ['0000:82:00.0']"), "note: 0000:82:00.0 is on node 2 of kvm, but the memory is on nodes 0-1"),
        (vm("2", "0=0 1=4", hostdevs("82"), bound("0")), host("pack:3 numa:1 core:4 pu:1", node_2="pci = ['0000:82:00.0']"), "note: 0000:82:00.0 is on node 2 of kvm, but the vCPUs are on nodes 0-1 and the memory is on node 0"),
        (vm("2", one_each("0-1", 0), hostdevs("81")), far(21), "warning: 0000:81:00.0 is on node 1 of kvm, but the vCPUs are on node 0", "register accesses and interrupts cross from node to node at distance 21 (10 % and more)"),
        (vm("2", one_each("0-1", 0), hostdevs("81"), bound("0")), far(13), "warning: 0000:81:00.0 is on node 1 of kvm, but vCPUs and memory are on node 0", "DMA and interrupts cross from node to node at distance 13 (10 % and more)"),
        (vm("2", one_each("0-1", 0), hostdevs("81")), far(12), "note: 0000:81:00.0 is on node 1 of kvm, but the vCPUs are on node 0", "at distance 12 (the nodes are near each other)"),
        (vm("2", one_each("0-1", 0), hostdevs("81"), bound("1")), far(21), "note: 0000:81:00.0 is on node 1 of kvm, but the vCPUs are on node 0"),
        (vm("2", "", hostdevs("81"), bound("0")), far(21), "note: 0000:81:00.0 is on node 1 of kvm, but the memory is on node 0", "DMA crosses from node to node at distance 21"),
        (vm("2", "", hostdevs("81"), bound("0"), cpuset="0-7"), CARDS, "note: 0000:81:00.0 (eth1, mlx5_1) is on node 1 of kvm, but the memory is on node 0", "!the vCPUs are on"),
        (vm("2", one_each("0-1", 0), "<devices><memory model='nvdimm'><source><path>/dev/dax0.0</path></source></memory></devices>"), host(node_1="pci = ['0000:81:00.0 dax0.0']")),
        (vm("2", "0-1=0", hostdevs("81")), host("pack:1 numa:1 core:4 pu:1", node_0="pci = ['0000:81:00.0']")),
    ],
    "iothread-remote": [
        (vm("2", one_each("0-1", 0) + " iothread1=3", disks(1)), HOST),
        (vm("2", one_each("0-1", 0) + " iothread1=4", disks(1)), HOST, "warning: IOThread 1 runs on node 1 of kvm, but its vCPUs are on node 0", "on node 1 @ cpuset='4'", "crosses the interconnect (10 % and more)", "<iothreadpin iothread='1' cpuset='2'/>: CPU 2 of node 0, which no vCPU of this domain has", "vCPU 0 is on node 0"),
        (vm("2", one_each("0-1", 0) + " iothread1=4-5 iothread2=6", disks(1, 2)), HOST, "warning: IOThreads 1-2 run on node 1 of kvm, but its vCPUs are on node 0", "on node 1 @ cpuset='4-5'", "IOThread 2 is on node 1 @ cpuset='6'", "<iothreadpin iothread='1'"),
        (vm("2", one_each("0-1", 4) + " iothread1=4 iothread2=8", disks(1, 2), bound("0")), THREE, "warning: IOThread 2 runs on node 2 of kvm, but its vCPUs and memory are on nodes 0-1"),
        (vm("2", one_each("0-1", 0) + " iothread1=4 iothread2=8", disks(1, 2)), THREE, "warning: IOThreads 1-2 run on nodes 1-2 of kvm, but its vCPUs are on node 0", "on node 1 @ cpuset='4'", "IOThread 2 is on node 2"),
        (vm("2", one_each("0-1", 0) + " iothread1=3-4", disks(1)), HOST),
        (vm("2", one_each("0-1", 0) + " iothread1=4", disks(2)), HOST),
        (vm("2", one_each("0-1", 0) + " iothread1=9", disks(1)), HOST),
        (vm("2", one_each("0-1", 0) + " iothread1=4", disks(1)), NEAR, "note: IOThread 1 runs on node 1 of kvm, but its vCPUs are on node 0", "the nodes are near each other (distance 12 or less)"),
        (vm("2", one_each("0-1", 0) + " iothread1=4", disks(1)), host("pack:1 numa:1 core:4 pu:1")),
        (vm("4", one_each("0-3", 0) + " iothread1=4", disks(1)), HOST, "warning: IOThread 1 runs on node 1 of kvm, but its vCPUs are on node 0", "give it the CPUs of the vCPUs: all of node 0 are theirs"),
        (vm("2", "iothread1=4", disks(1), bound("0")), HOST, "warning: IOThread 1 runs on node 1 of kvm, but its memory is on node 0", "the memory is bound to node 0", "cpuset='0'"),
        (vm("2", "iothread1=4", disks(1)), HOST),
        (vm("2", one_each("0-1", 0), disks(1), cpuset="4"), HOST),
        (vm("2", one_each("0-1", 0) + " iothread1=4", disks(1), bound("1")), HOST),
        (vm("2", one_each("0-1", 0) + " iothread1=4 emulator=4", disks(1), LOCKED), HOST),
        (vm("2", one_each("0-1", 0) + " iothread1=4 emulator=4", disks(1), LOCKED, bound("0")), HOST, "warning: IOThread 1 runs on node 1 of kvm, but its vCPUs and memory are on node 0"),
        (vm("2", one_each("0-1", 0) + " iothread1=4", disks(1), bound("0")), far(21), "warning: IOThread 1 runs on node 1 of kvm, but its vCPUs and memory are on node 0"),
        (vm("2", one_each("0-1", 0) + " iothread1=4", disks(1), bound("0")), listed(""), "note: IOThread 1 runs on node 1 of kvm, but its vCPUs and memory are on node 0", "crosses nodes; how far is unknown, for no input states the distances"),
    ],
    "iothread-overlaps-vcpu": [
        (vm("2", one_each("0-1", 0) + " iothread1=2", disks()), HOST),
        (vm("2", one_each("0-1", 0) + " iothread1=0", disks()), HOST, "note: IOThread 1 has only CPU 0 of kvm, which vCPU 0 has too", "CPU 0 is that of vCPU 0", "vCPU 0 has CPU 0", "<iothreadpin iothread='1' cpuset='2'/>: CPU 2 of node 0"),
        (vm("2", one_each("0-1", 0) + " iothread1=0-2", disks()), HOST, "note: IOThread 1 may run on CPUs 0-1 of kvm, which vCPUs 0-1 have too", "CPUs 0-1 are those of vCPUs 0-1", "leave the vCPUs' CPUs out: <iothreadpin iothread='1' cpuset='2'/>"),
        (vm("2", one_each("0-1", 0) + " iothread1=1 iothread2=0-1", disks()), HOST, "note: IOThreads 1-2 have only CPUs 0-1 of kvm, which vCPUs 0-1 have too", "IOThread 2: CPUs 0-1 are those of vCPUs 0-1"),
        (vm("2", one_each("0-1", 0) + " iothread1=1 iothread2=0-3", disks()), HOST, "note: IOThreads 1-2 may run on CPUs 0-1 of kvm, which vCPUs 0-1 have too", "CPU 1 is that of vCPU 1"),
        (vm("4", one_each("0-3", 0) + " iothread1=2", disks()), HOST, "note: IOThread 1 has only CPU 2 of kvm, which vCPU 2 has too", "its vCPUs have all CPUs of their node: leave one of them to the IOThreads"),
        (vm("5", one_each("0-4", 0) + " iothread1=0-4", disks()), SMT, "note: IOThread 1 has only CPUs 0-4 of kvm, which vCPUs 0-4 have too", "vCPU 3 has CPU 3 @ cpuset='3'", "!vCPU 4 has CPU 4"),
        (vm("2", one_each("0-1", 0) + " iothread1=0", disks(), fifo()), HOST),
        (vm("2", one_each("0-1", 0) + " iothread1=0-1", disks(), fifo()), HOST, "note: IOThread 1 may run on CPU 1 of kvm, which vCPU 1 has too"),
        (vm("2", "0-1=0-3 iothread1=2", disks()), HOST),
        (vm("2", one_each("0-1", 0) + " iothread1=0", disks()), "none", "note: IOThread 1 has only CPU 0, which vCPU 0 has too", "<iothreadpin iothread='1'> with CPUs that no vCPU has"),
        (vm("2", "0-1=0-1 iothread1=0", disks()), "none"),
        (vm("1/2", one_each("0-1", 0) + " iothread1=1", disks()), HOST),
        (vm("2", one_each("0-1", 0) + " iothread3=0", disks()), HOST),
        (vm("2", "0=0", disks()), HOST),
    ],
    "hugepage-pool-too-small": [
        (vm("2", "0-1=0-3", huge(), bound("0"), gib=1), pools(512, 0)),
        (vm("2", "0-1=0-3", huge(), bound("0"), gib=1), pools(511, 100), "error: it needs 512 pages of 2 MiB on node 0 of kvm, which has 511; the host has 611", "512 pages of 511", "reserve 1 more on node 0: write 512 into /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages", "pages of 2 MiB"),
        (vm("2", "0-1=0-3", huge(), bound("0"), gib=1), pools(511, 512), "error: it needs 512 pages of 2 MiB on node 0 of kvm, which has 511; the host has 1023", "bind it to node 1, which has 512 of them, and its vCPUs to CPUs 4-7"),
        (vm("5", "", huge(), bound("0"), gib=1), pools(511, 512), "error: it needs 512 pages of 2 MiB on node 0 of kvm, which has 511; the host has 1023", "reserve 1 more on node 0"),
        (vm("2", "", huge(), bound("0", "preferred"), gib=1), pools(511, 512), "warning: it needs 512 pages of 2 MiB on node 0 of kvm, which has 511; the host has 1023", "the rest is on other nodes, where it is remote"),
        (vm("2", "", huge(), bound("0", "preferred"), gib=1), pools(511, 0), "error: it needs 512 pages of 2 MiB, but kvm has 511", "reserve 1 more page of 2 MiB on kvm, or give it less memory", "gives up: unable to map"),
        (vm("2", "", huge(), gib=1), pools(500, 500), "warning: it needs 512 pages of 2 MiB, but no node of kvm has over 500", "its pages come from several nodes, and it knows of one", "reserve 12 more on node 0: write 512 into"),
        (vm("2", "", huge(), gib=1), pools(500, 511), "warning: it needs 512 pages of 2 MiB, but no node of kvm has over 511", "reserve 1 more on node 1"),
        (vm("2", "", huge(), gib=1), pools(500, 512)),
        (vm("2", "0=0 1=4", huge(), gib=1), pools(500, 500)),
        (vm("5", "", huge(), gib=1), pools(500, 500)),
        (vm("4", "", huge(), gib=1), pools(500, 500, "pack:1 numa:2 core:4 pu:1"), "note: it needs 512 pages of 2 MiB, but no node of kvm has over 500", "from several nodes, near to each other, and it knows of one"),
        (vm("2", "", huge(), cells(("0", 0.5), ("1", 0.5))), pools(500, 500)),
        (vm("2", "", huge(), cells(("0", 0.5), ("1", 0.5)), bound("", "strict", "0", "1")), pools(256, 256)),
        (vm("2", "", huge(), cells(("0", 0.5), ("1", 0.5)), bound("", "strict", "0", "1")), pools(256, 254), "error: it needs 512 pages of 2 MiB, but kvm has 510", "reserve 2 more pages of 2 MiB on kvm"),
        (vm("2", "", huge(), cells(("0", 0.5), ("1", 0.5)), bound("", "strict", "0", "1")), pools(100, 511), "error: guest cell 0 needs 256 pages of 2 MiB on node 0 of kvm, which has 100; the host has 611", "reserve 156 more on node 0: write 256 into"),
        (vm("2", "", huge(), cells(("0", 0.5), ("1", 0.5)), bound("", "strict", "0", "1")), pools(512, 100), "error: guest cell 1 needs 256 pages of 2 MiB on node 1 of kvm, which has 100; the host has 612", "bind it to node 0, which has 512 of them, and its vCPUs to CPUs 0-3"),
        (vm("2", "", huge(), cells(("0", 0.5), ("1", 0.5)), bound("0")), pools(511, 600), "error: it needs 512 pages of 2 MiB on node 0 of kvm, which has 511; the host has 1111", "reserve 1 more on node 0"),
        (vm("2", "", huge(), bound("0-1"), gib=1), pools(256, 255, "pack:3 numa:1 core:4 pu:1", node_2="hugepages = { '2M' = 600 }"), "error: it needs 512 pages of 2 MiB on nodes 0-1 of kvm, which have 511; the host has 1111", "bind it to node 2, which has 600 of them, and its vCPUs to CPUs 8-11"),
        (vm("2", "", huge(), bound("0-1"), gib=1), pools(256, 255, "pack:3 numa:1 core:4 pu:1", node_2="hugepages = { '2M' = 500 }"), "error: it needs 512 pages of 2 MiB on nodes 0-1 of kvm, which have 511; the host has 1011", "reserve 1 more page of 2 MiB on nodes 0-1, or give it less memory"),
        (vm("2", "", huge(), bound("0"), gib=1 / 512), pools(0, 1), "error: it needs 1 page of 2 MiB on node 0 of kvm, which has 0; the host has 1", "1 page of 0"),
        (vm("2", "", huge(nodeset="0"), cells(("0", 0.5), ("1", 0.5)), bound("", "strict", "0", "1"), dimm(1024, "<source><pagesize>2048</pagesize></source>", 1)), pools(900, 100), "error: it needs 512 pages of 2 MiB on node 1 of kvm, which has 100; the host has 1000", "reserve 412 more on node 1: write 512 into"),
        (vm("2", "", huge(), bound("0"), gib=1), pools("{ free = 511 }", 512), "error: it needs 512 pages of 2 MiB on node 0 of kvm, which has 511; the host has 1023"),
        (vm("2", "", huge("4 KiB"), bound("0"), gib=1), pools(0, 1)),
        (vm("2", "", huge("1 GiB"), bound("0"), gib=1), pools(0, 1)),
        (vm("2", "", huge(), bound("3"), gib=1), pools(10, 600)),
        (vm("2", "", huge(), bound("0,9"), gib=1), pools(10, 600)),
        (vm("2", "", huge(), bound("0"), gib=1), host(node_0="hugepages = { '2M' = { total = 600, free = 512 } }", node_1="hugepages = { '2M' = 0 }")),
        (vm("2", "", huge(), bound("0"), gib=1), host(node_0="hugepages = { '2M' = { total = 600, free = 511 } }", node_1="hugepages = { '2M' = { total = 9, free = 1 } }"), "warning: it needs 512 pages of 2 MiB on node 0 of kvm, which has 511 free; the host has 512 free", "512 pages of 511 that are free", "it starts once others have given pages back"),
        (vm("2", "", huge(), bound("0"), gib=1), host(node_0="hugepages = { '2M' = { total = 600, free = 511 } }", node_1="hugepages = { '2M' = 0 }"), "warning: it needs 512 pages of 2 MiB, but kvm has 511 free", "reserve 1 more page of 2 MiB on kvm"),
    ],
    "hugepage-cell-unaligned": [
        (vm("2", "", huge(), gib=4 / 1024), "none"),
        (vm("2", "", huge(), gib=3 / 1024), "none", "error: it has 3 MiB of memory, which is no whole number of pages of 2 MiB", "give it 4 MiB or 2 MiB", "QEMU 10 does not start: memory size must be multiple of 2 MiB"),
        (vm("2", "", huge(), gib=1 / 1024), "none", "error: it has 1 MiB of memory, which is no whole number of pages of 2 MiB", "give it 2 MiB", "must be equal to or larger than page size"),
        (vm("2", "", huge("1 GiB"), cells(("0", 1.5), ("1", 1)), gib=2.5), "none", "error: guest cell 0 has 1536 MiB of memory, which is no whole number of pages of 1 GiB (1 of 2 are so)", "give it 2 GiB or 1 GiB"),
        (vm("2", "", huge("1 GiB"), cells(("0", 1), ("1", 0.5))), "none", "error: guest cell 1 has 512 MiB of memory, which is no whole number of pages of 1 GiB (1 of 2 are so)"),
        (vm("2", "", huge("1 GiB"), cells(("0", 1.5), ("1", 0.5))), "none", "error: guest cell 0 has 1536 MiB of memory, which is no whole number of pages of 1 GiB (2 of 2 are so)", "512 MiB"),
        (vm("2", "", huge("1 GiB"), cells(("0", 1)), dimm(512)), "none", "error: a DIMM has 512 MiB of memory, which is no whole number of pages of 1 GiB (1 of 2 are so)"),
        (vm("2", "", huge("1 GiB"), cells(("0", 1)), dimm(512, "<source><pagesize>4</pagesize></source>")), "none"),
        (vm("2", "", huge("1 GiB"), cells(("0", 1)), dimm(512).replace("dimm", "virtio-mem")), "none"),
        (vm("2", "", huge("1 GiB"), cells(("0", 1)), dimm(512, "", 3)), "none"),
        (vm("2", "", huge("1 GiB", "0"), cells(("0", 1), ("1", 1.5))), "none"),
        (vm("2", "", huge("1 GiB"), "<os><type arch='ppc64le'>hvm</type></os>", gib=0.8), "none"),
        (vm("2", "", huge("1 GiB"), "<os><type arch='x86_64'>hvm</type></os>", gib=0.8), "none", "error: it has 819 MiB of memory, which is no whole number of pages of 1 GiB"),
        (vm("2", "", huge("1 GiB"), "<os><type arch='ppc64le'>hvm</type></os>", gib=1.01), "none", "error: it has 1280 MiB of memory, which is no whole number of pages of 1 GiB"),
        (vm("2", "", huge("1 GiB"), gib=0.8).replace("kvm", "xen"), "none"),
        (vm("2", "", huge("4 KiB"), gib=0.8), "none"),
        (vm("2", "", "<memoryBacking><hugepages/></memoryBacking>", gib=0.8), "none"),
        (vm("2", "", huge("1 GiB")), "none"),
        (vm("2", "", huge("1 GiB"), "<memory>1048577</memory>"), "none", "error: it has 1025 MiB of memory, which is no whole number of pages of 1 GiB"),
    ],
    "memory-exceeds-node": [
        (vm("2", "", bound("0"), gib=8), HOST),
        (vm("2", "", bound("0"), gib=9), HOST, "error: its 9 GiB of memory is bound to node 0 of kvm, which has 8 GiB", "9 GiB of 8 GiB", "whatever other nodes have", "less memory than the 8 GiB that a node has, or 2 NUMA cells, each bound", "node 0: CPUs 0-3"),
        (vm("2", "", bound("0"), gib=17), HOST),
        (vm("2", "", bound("0"), gib=9), ONE),
        (vm("2", "", bound("0", "preferred"), gib=9), HOST, "warning: its 9 GiB of memory is to come from node 0 of kvm, which has 8 GiB", "the rest comes from other nodes"),
        (vm("2", "", bound("0", "interleave"), gib=9), HOST, "warning: its 9 GiB of memory is interleaved over node 0 of kvm, which has 8 GiB"),
        (vm("2", "", bound("0", "restrictive"), gib=9), HOST, "warning: its 9 GiB of memory is bound to node 0 of kvm, which has 8 GiB", "if it is not moved before"),
        (vm("2", "", bound("0"), LOCKED, gib=9), HOST, "error: its 9 GiB of memory is bound to node 0 of kvm, which has 8 GiB", "all of it is allocated at start"),
        (vm("2", "", bound("0"), balloon(8), gib=9), HOST, "warning: its 9 GiB of memory is bound to node 0 of kvm, which has 8 GiB", "only the balloon, at 8 GiB, keeps it from being killed"),
        (vm("2", "", bound("0"), balloon(9), gib=10), HOST, "error: its 10 GiB of memory is bound to node 0 of kvm, which has 8 GiB"),
        (vm("2", "", bound("0"), gib=7), RESERVED),
        (vm("2", "", bound("0"), gib=7.5), RESERVED, "warning: its 7.5 GiB of memory is bound to node 0 of kvm, which has 7 GiB for ordinary pages", "it takes what the host keeps for itself", "<memory mode='strict' nodeset='1'/> and CPUs 4-7: node 1 can hold it"),
        (vm("2", "", bound("0"), gib=8), RESERVED, "warning: its 8 GiB of memory is bound to node 0 of kvm, which has 7 GiB for ordinary pages"),
        (vm("2", "", bound("0"), gib=9), LARGER, "error: its 9 GiB of memory is bound to node 0 of kvm, which has 8 GiB", "<memory mode='strict' nodeset='1'/> and CPUs 4-7: node 1 can hold it"),
        (vm("2", "", bound("0"), gib=7), PAGED, "error: its 7 GiB of memory is bound to node 0 of kvm, which has 6 GiB for ordinary pages"),
        (vm("2", "", bound("0"), huge("1 GiB"), gib=7), PAGED),
        (vm("2", "", bound("0-1"), gib=17), THREE, "error: its 17 GiB of memory is bound to nodes 0-1 of kvm, which have 16 GiB", "or 3 NUMA cells"),
        (vm("2", "", bound("0,9"), gib=17), THREE),
        (vm("2", "", bound("1"), gib=10), LARGER),
        (vm("3", "", cells(("0", 5), ("1", 4), ("2", 9)), bound("", "strict", "0", "0", "")), THREE, "error: its 9 GiB of memory is bound to node 0 of kvm, which has 8 GiB"),
        (vm("2", "", cells(("0", 5), ("1", 4)), bound("0")), LARGER, "error: its 9 GiB of memory is bound to node 0 of kvm, which has 8 GiB", "give it less memory than the 10 GiB that a node has", "!NUMA cells"),
        (vm("2", gib=8), HOST),
        (vm("2", gib=9), HOST, "warning: it has 9 GiB of memory, more than any node of kvm: node 0 has 8 GiB", "9 GiB, and node 0 has 8 GiB", "without knowing it"),
        (vm("2", gib=11), LARGER, "warning: it has 11 GiB of memory, more than any node of kvm: node 1 has 10 GiB"),
        (vm("2", gib=9), NEAR, "note: it has 9 GiB of memory, more than any node of kvm: node 0 has 8 GiB", "near to each other"),
        (vm("5", gib=9), HOST),
        (vm("4", gib=9), HOST, "warning: it has 9 GiB of memory, more than any node of kvm: node 0 has 8 GiB"),
        (vm("2", "0=0 1=4", gib=9), HOST),
        (vm("2", "0-1=0-3", gib=9), HOST, "warning: it has 9 GiB of memory, more than any node of kvm: node 0 has 8 GiB"),
        (vm("1", "0=0-4", gib=9), HOST, "warning: it has 9 GiB of memory, more than any node of kvm: node 0 has 8 GiB"),
        (vm("2", "", cells(("0", 1), ("1", 9))), HOST, "warning: guest cell 1 has 9 GiB of memory, more than any node of kvm: node 0 has 8 GiB"),
        (vm("2", "", cells(("0", 5), ("1", 4))), HOST),
        (vm("2", "", cells(("0", 5), ("1", 4)), bound("0")), HOST, "error: its 9 GiB of memory is bound to node 0 of kvm, which has 8 GiB"),
        (vm("2", "", cells(("0", 5), ("1", 4)), bound("", "strict", "0", "0")), HOST, "error: its 9 GiB of memory is bound to node 0 of kvm, which has 8 GiB", "more of it"),
        (vm("2", "", cells(("0", 5), ("1", 4)), bound("", "strict", "0", "0").replace("strict", "preferred", 1)), HOST, "warning: its 9 GiB of memory is bound to node 0 of kvm, which has 8 GiB"),
        (vm("2", "", cells(("0", 9), ("1", 1)), bound("", "strict", "0", "1")), HOST),
        (vm("1", "", cells(("0", 9)), bound("", "strict", "0")), HOST, "error: its 9 GiB of memory is bound to node 0 of kvm, which has 8 GiB"),
    ],
    "cpu-nonexistent": [
        (vm("2", "0=7"), HOST),
        (vm("2", "0=8"), HOST, "error: the set of vCPU 0 names CPU 8, but kvm has CPUs 0-7", "the host has CPUs 0-7", "libvirt refuses to start it", "name CPUs of kvm: 0-7"),
        (vm("2", "0=7-9"), HOST, "error: the set of vCPU 0 names 8-9 (2 CPUs), but kvm has CPUs 0-7"),
        (vm("2", "0=8 1=9"), HOST, "error: the sets of vCPUs 0-1 name 8-9 (2 CPUs), but kvm has CPUs 0-7", "the set of vCPU 1"),
        (vm("2", "0=8 emulator=9"), HOST, "error: 2 sets name 8-9 (2 CPUs), but kvm has CPUs 0-7", "the set of the emulator"),
        (vm("2", "emulator=8"), HOST, "error: the set of the emulator names CPU 8, but kvm has CPUs 0-7"),
        (vm("2", "iothread1=8", disks()), HOST, "error: the set of IOThread 1 names CPU 8, but kvm has CPUs 0-7"),
        (vm("2", "iothread3=8", disks()), HOST, "warning: the set of IOThread 3 names CPU 8, but kvm has CPUs 0-7", "nothing runs on this set at start"),
        (vm("1/2", "0=7 1=8"), HOST, "warning: the set of vCPU 1 names CPU 8, but kvm has CPUs 0-7"),
        (vm("1/2", "0=9 1=8"), HOST, "error: the set of vCPU 0 names CPU 9, but kvm has CPUs 0-7", "warning: the set of vCPU 1 names CPU 8, but kvm has CPUs 0-7"),
        (vm("2", cpuset="0-8"), HOST, "error: <vcpu cpuset> names CPU 8, but kvm has CPUs 0-7"),
        (vm("2", "0-1=0 emulator=1", cpuset="0-8"), HOST, "warning: <vcpu cpuset> names CPU 8, but kvm has CPUs 0-7"),
        (vm("2", "0-1=0", cpuset="8"), HOST, "error: <vcpu cpuset> names CPU 8, but kvm has CPUs 0-7"),
        (vm("2", "0=0 emulator=1", cpuset="8"), HOST, "error: <vcpu cpuset> names CPU 8, but kvm has CPUs 0-7"),
        (vm("2", "0-1=0 emulator=0 iothread1=1", disks(), cpuset="8"), HOST, "error: <vcpu cpuset> names CPU 8, but kvm has CPUs 0-7"),
        (vm("2", "0-1=0 emulator=0 iothread1=1 iothread2=1", disks(), cpuset="8"), HOST, "warning: <vcpu cpuset> names CPU 8, but kvm has CPUs 0-7"),
        (vm("2", "0=7"), host(cpus="offline = '7'")),
        (vm("2", "0=8"), "none"),
    ],
    "guest-cell-exceeds-node": [
        (vm("6", "", cells(("0-3", 1), ("4-5", 1)), bound("", "strict", "0", "1")), HOST),
        (vm("6", "", cells(("0-4", 1), ("5", 1)), bound("", "strict", "0", "1")), HOST, "warning: guest cell 0 has 5 vCPUs, but node 0 of kvm has 4 CPUs", "5 vCPUs", "its vCPUs wait for each other, or run on another node", "give the cell at most 4 vCPUs", "node 0 has 4 CPUs"),
        (vm("6", "", cells(("0", 1), ("1-5", 1)), bound("", "strict", "0", "1")), HOST, "warning: guest cell 1 has 5 vCPUs, but node 1 of kvm has 4 CPUs"),
        (vm("2/6", "", cells(("0-4", 1), ("5", 1)), bound("", "strict", "0", "1")), HOST),
        (vm("9", "", cells(("0-4", 1), ("5-8", 1)), bound("", "strict", "0", "1")), HOST),
        (vm("6", "", cells(("0-4", 1), ("5", 1)), bound("", "strict", "0-1", "1")), HOST),
        (vm("6", "", cells(("0-5", 1)), bound("", "strict", "0")), HOST),
        (vm("6", "", cells(("0-4", 1), ("5", 1)), bound("", "strict", "0", "1")), ONE),
        (vm("6", "0-4=0-3", cells(("0-4", 1), ("5", 1)), bound("", "strict", "0", "1")), HOST, "warning: guest cell 0 has 5 vCPUs, but node 0 of kvm has 4 CPUs"),
        (vm("6", "0-4=0-2", cells(("0-4", 1), ("5", 1)), bound("", "strict", "0", "1")), HOST, "warning: guest cell 0 has 5 vCPUs, but node 0 of kvm has 4 CPUs"),
        (vm("6", "0-1=0 2-4=1-3", cells(("0-4", 1), ("5", 1)), bound("", "strict", "0", "1")), HOST),
        (vm("10", "", cells(("0-4", 1), ("5-9", 1)), bound("", "strict", "0", "1")), THREE, "warning: guest cell 0 has 5 vCPUs, but node 0 of kvm has 4 CPUs (2 of 2 cells are so)", "cell 1 has 5 vCPUs"),
        (vm("6", "", cells(("0-4", 1), ("5", 1)), bound("", "strict", "0", "1")), host("pack:3 numa:1 core:5 pu:1", cpus="housekeeping = '0,5'"), "warning: guest cell 0 has 5 vCPUs, but node 0 of kvm has 4 CPUs", "bind the cell to node 2 of kvm, and pin its vCPUs to CPUs 10-14"),
        (vm("6", "", cells(("0-4", 1), ("5", 9)), bound("", "strict", "0", "1")), HOST, "error: guest cell 0 has 5 vCPUs, but node 0 of kvm has 4 CPUs (2 of 2 cells are so)", "cell 1 has 9 GiB of memory"),
        (vm("2", "", cells(("0", 17), ("1", 1)), bound("", "strict", "0-1", "2")), THREE, "error: guest cell 0 has 17 GiB of memory, but nodes 0-1 of kvm have 16 GiB"),
        (vm("2", "", cells(("0", 8), ("1", 1)), bound("", "strict", "0", "1")), HOST),
        (vm("2", "", cells(("0", 9), ("1", 1)), bound("", "strict", "0", "1")), HOST, "error: guest cell 0 has 9 GiB of memory, but node 0 of kvm has 8 GiB", "it starts, and is killed", "give the cell less than 8 GiB of memory", "node 0 has 8 GiB"),
        (vm("2", "", cells(("0", 17), ("1", 1)), bound("", "strict", "0", "1")), HOST),
        (vm("2", "", cells(("0", 5), ("1", 4)), bound("", "strict", "0", "0")), HOST),
        (vm("2", "", cells(("0", 9), ("1", 1)), bound("", "preferred", "0", "1")), HOST, "warning: guest cell 0 has 9 GiB of memory, but node 0 of kvm has 8 GiB", "the rest comes from other nodes, or is not to be had"),
        (vm("2", "", cells(("0", 9), ("1", 1)), LOCKED, bound("", "strict", "0", "1")), HOST, "error: guest cell 0 has 9 GiB of memory, but node 0 of kvm has 8 GiB", "all of it is allocated at start"),
        (vm("2", "", cells(("0", 9), ("1", 1)), balloon(9), bound("", "strict", "0", "1")), HOST, "warning: guest cell 0 has 9 GiB of memory, but node 0 of kvm has 8 GiB", "only the balloon, at 9 GiB, may keep it"),
        (vm("2", "", cells(("0", 9), ("1", 1)), balloon(10), bound("", "strict", "0", "1")), HOST, "error: guest cell 0 has 9 GiB of memory, but node 0 of kvm has 8 GiB"),
        (vm("2", "", cells(("0", 7.5), ("1", 1)), bound("", "strict", "0", "1")), RESERVED, "warning: guest cell 0 has 7.5 GiB of memory, but node 0 of kvm has 7 GiB for ordinary pages", "it takes what the host keeps for itself"),
        (vm("2", "", cells(("0", 8), ("1", 1)), bound("", "strict", "0", "1")), RESERVED, "warning: guest cell 0 has 8 GiB of memory, but node 0 of kvm has 7 GiB for ordinary pages"),
        (vm("6", "", cells(("0-4", 9), ("5", 1)), bound("", "strict", "0", "1")), HOST, "error: guest cell 0 has 5 vCPUs and 9 GiB of memory, but node 0 of kvm has 4 CPUs and 8 GiB", "at most 4 vCPUs and less than 8 GiB of memory"),
        (vm("2", "", cells(("0", 9), ("1", 1)), bound("", "strict", "0", "")), LARGER, "error: guest cell 0 has 9 GiB of memory, but node 0 of kvm has 8 GiB", "bind the cell to node 1 of kvm, and pin its vCPUs to CPUs 4-7"),
        (vm("2", "", cells(("0", 9), ("1", 1)), bound("", "strict", "0", "1")), LARGER, "error: guest cell 0 has 9 GiB of memory, but node 0 of kvm has 8 GiB", "give the cell less than 8 GiB"),
        (vm("2", "", cells(("0", 7), ("1", 1)), bound("", "strict", "0", "1")), PAGED, "error: guest cell 0 has 7 GiB of memory, but node 0 of kvm has 6 GiB for ordinary pages"),
    ],
    "cpu-overcommit": [
        (fleet(3, "8"), HOST),
        (fleet(3, "8") + vm("1", name="one"), HOST, "note: 25 vCPUs of 4 domains share CPUs 0-7 of kvm: 3.1 for each CPU, not 3", "8 vCPUs of db1", "1 vCPU of one", "at most 24 of them there", "they wait for each other, perhaps"),
        (fleet(3, "4", cpuset="0-3"), HOST),
        (fleet(4, "4", cpuset="0-3"), HOST, "note: 16 vCPUs of 4 domains share CPUs 0-3 of kvm: 4.0 for each CPU, not 3", "at most 12 of them there"),
        (fleet(3, "8") + vm("2", one_each("0-1", 0), name="rt"), HOST, "note: 24 vCPUs of 3 domains share CPUs 0-7 of kvm, beside 2 dedicated ones: 3.2 for each CPU, not 3", "at most 22 of them there"),
        (fleet(3, "7") + vm("1", "0=0", name="rt"), HOST),
        (fleet(3, "8") + vm("1", "0=0", name="rt"), HOST, "note: 24 vCPUs of 3 domains share CPUs 0-7 of kvm, beside 1 dedicated one: 3.1 for each CPU, not 3"),
        (fleet(4, "8"), KEPT, "note: 32 vCPUs of 4 domains share CPUs 2-7 of kvm: 5.3 for each CPU, not 3", "at most 18 of them there"),
        (fleet(10, "8"), HOST, "note: 80 vCPUs of 10 domains share CPUs 0-7 of kvm: 10.0 for each CPU, not 3"),
        (fleet(10, "8") + vm("1", name="one"), HOST, "warning: 81 vCPUs of 11 domains share CPUs 0-7 of kvm: 10.1 for each CPU, not 3", "with more than 10 vCPUs for each core, they wait"),
        (fleet(4, "8").replace("<vcpu>", "<vcpu placement='auto'>"), HOST, "note: 32 vCPUs of 4 domains share CPUs 0-7 of kvm: 4.0 for each CPU, not 3"),
        (fleet(4, "8"), "none"),
        (fleet(4, "2", cpuset="0-1"), KEPT, "note: 8 vCPUs of 4 domains share CPUs 0-1 of kvm: 4.0 for each CPU, not 3"),
    ],
    "housekeeping-used": [
        (vm("2", "0=2 1=3"), KEPT),
        (vm("2", "0=0 1=2"), KEPT, "warning: vCPU 0 is on CPU 0 of kvm, kept for housekeeping", "CPU 0 is for housekeeping", "pin it to another CPU, such as 3"),
        (vm("2", "0=0 1=1"), KEPT, "warning: vCPUs 0-1 are on CPUs 0-1 of kvm, kept for housekeeping", "vCPU 1 too", "such as 2-3"),
        (vm("2", "0-1=0-3"), KEPT, "note: vCPUs 0-1 may run on CPUs 0-1 of kvm, kept for housekeeping", "CPUs 0-1 are for housekeeping"),
        (vm("2", cpuset="1-3"), KEPT, "note: vCPUs 0-1 may run on CPU 1 of kvm, kept for housekeeping", "<vcpu cpuset='2-3'>"),
        (vm("2"), KEPT, "note: vCPUs 0-1 may run on CPUs 0-1 of kvm, kept for housekeeping", "2 vCPUs without a set", "<vcpu cpuset='2-7'>"),
        (vm("4", "0=0 1=1 2=2 3=3"), KEPT, "warning: vCPUs 0-1 are on CPUs 0-1 of kvm, kept for housekeeping", "pin it to another CPU, such as 2-3"),
        (vm("6", "0-5=0-7"), KEPT, "note: vCPUs 0-5 may run on CPUs 0-1 of kvm, kept for housekeeping", "vCPU 5 too"),
        (vm("7", "0-6=0-7"), KEPT),
        (vm("2", "0=0"), KEPT, "warning: vCPU 0 is on CPU 0 of kvm, kept for housekeeping"),
        (vm("2", "0=2"), KEPT),
        (vm("2", "0=2", cpuset="1-3"), KEPT, "warning: vCPU 1 may run on CPU 1 of kvm, kept for housekeeping"),
        (vm("2", "0=0", cpuset="0-3"), KEPT, "warning: vCPUs 0-1 may run on CPUs 0-1 of kvm, kept for housekeeping", "CPU 0 is for housekeeping @ cpuset='0'", "!vCPU 1 too"),
        (HALF_NUMAD, KEPT, "warning: vCPU 0 is on CPU 0 of kvm, kept for housekeeping", "pin it to another CPU, such as 2-3"),
        (vm("2", "0=0 1=1", fifo()), KEPT, "warning: vCPU 1 is on CPU 1 of kvm, kept for housekeeping"),
        (vm("1", "0=0", fifo()), KEPT),
        (vm("1/2", "0=2 1=0"), KEPT),
        (vm("1", "0=0"), HOST),
        (vm("1", "0=0"), host(cpus="housekeeping = ''")),
    ],
    "numatune-mode-loose": [
        (vm("2", one_each("0-1", 0), bound("0")), HOST),
        (vm("2", one_each("0-1", 0), bound("0", "preferred")), HOST, "note: 2 vCPUs have CPUs of their own, but the memory is only preferred on node 0 of kvm: it may spill to others", "where node 0 is full", "write mode='strict', if"),
        (vm("1", "0=0", bound("0", "interleave")), HOST, "note: 1 vCPU has a CPU of its own, but the memory is interleaved over node 0 of kvm: it may spill to others"),
        (vm("2", "0=0 1=4", cells(("0", 1), ("1", 1)), bound("", "preferred", "0", "1")), HOST, "note: 2 vCPUs have CPUs of their own, but the memory is only preferred on nodes 0-1 of kvm: it may spill to others", "the memory is preferred on node 1", "where nodes 0-1 are full"),
        (vm("2", "0-1=0-3", bound("0", "preferred")), HOST),
        (vm("2", one_each("0-1", 0), bound("1", "preferred")), HOST),
        (vm("2", one_each("0-1", 0), bound("0-1", "preferred")), HOST),
        (vm("2", one_each("0-1", 0), bound("0", "preferred")), ONE),
        (vm("2", "0-1=0-1", bound("0", "preferred")), "none"),
        (vm("2", one_each("0-1", 0), bound("0-1", "interleave")), HOST, "warning: the memory is interleaved over nodes 0-1 of kvm, but its 2 vCPUs are on node 0", "what comes from node 1 is remote", "write mode='strict' nodeset='0'", "vCPUs 0-1 are on node 0"),
        (vm("1", "0=4", bound("0-1", "interleave")), HOST, "warning: the memory is interleaved over nodes 0-1 of kvm, but its 1 vCPU is on node 1", "nodeset='1'"),
        (vm("2", "0=0 1=4", bound("0-1", "interleave")), HOST),
        (vm("2", "", bound("0-1", "interleave")), HOST),
        (vm("2", "", bound("0-1", "interleave"), cpuset="0-3"), HOST, "warning: the memory is interleaved over nodes 0-1 of kvm, but its 2 vCPUs are on node 0"),
        (vm("2", "0=0 1=4", cells(("0", 1), ("1", 1)), bound("", "interleave", "0-1", "1")), HOST, "warning: the memory of guest cell 0 is interleaved over nodes 0-1 of kvm, but its 1 vCPU is on node 0"),
        (vm("2", one_each("0-1", 0), cells(("0", 1), ("1", 1)), bound("0-1", "interleave")), HOST),
        (vm("1", "0=0", cells(("0", 1)), bound("0-1", "interleave")), HOST, "warning: the memory is interleaved over nodes 0-1 of kvm, but its 1 vCPU is on node 0"),
        (vm("1/2", "0=0 1=0", cells(("1", 1), ("0", 1)), bound("", "preferred", "0", "")), HOST),
    ],
    "rt-vcpu-unpinned": [
        (vm("2", "0=0", fifo()), HOST),
        (vm("2", "0=0-1", fifo()), HOST, "error: realtime vCPU 0 may run on CPUs 0-1 of kvm", "vCPU 0 is realtime and may run on CPUs 0-1", "write <vcpupin vcpu='0' cpuset='0'/>, one CPU of its own", "!one for each other", "fifo, priority 1", "no latency can be promised"),
        (vm("2", "", fifo()), HOST, "error: realtime vCPU 0 has no vcpupin and may run on CPUs 0-7 of kvm", "vCPU 0 is realtime and has no vcpupin", "add a <vcpupin> with one isolated CPU for each"),
        (vm("2", "", fifo("0-1")), HOST, "error: realtime vCPUs 0-1 have no vcpupin and may run on CPUs 0-7 of kvm"),
        (vm("2", "0=0-1 1=2-3", fifo("0-1")), HOST, "error: realtime vCPUs 0-1 may each run on several CPUs, vCPU 0 on CPUs 0-1 of kvm", "vCPU 1 may run on CPUs 2-3", "one CPU of its own, and one for each other realtime vCPU"),
        (vm("2", "0=0-1", fifo("0-1"), cpuset="2-3"), HOST, "error: realtime vCPUs 0-1 may each run on several CPUs, vCPU 0 on CPUs 0-1 of kvm"),
        (vm("2", "0=0-1 1=0", fifo("0-1")), HOST, "error: realtime vCPU 0 may run on CPUs 0-1 of kvm", "cpuset='1'/>, one CPU of its own"),
        (vm("2", "0=0-1", fifo()), SMT, "warning: realtime vCPU 0 may run on CPUs 0-1 of kvm", "between the threads of its core"),
        (vm("2", "0=0-1 1=4-6", fifo("0-1")), SMT, "error: realtime vCPU 1 may run on CPUs 4-6 of kvm", "warning: realtime vCPU 0 may run on CPUs 0-1 of kvm"),
        (vm("2", "", fifo()), "none", "error: realtime vCPU 0 has no vcpupin and may run on any CPU of the host"),
        (vm("2", "0=0-1", fifo()), "none", "error: realtime vCPU 0 may run on CPUs 0-1"),
        (NUMAD, HOST, "error: realtime vCPU 0 has no vcpupin and may run on the CPUs that numad chooses"),
        (vm("2", "0=0-3", fifo()), ISOLATED, "error: realtime vCPU 0 may run on CPUs 0-3 of kvm", "cpuset='2'/>, an isolated CPU of its own"),
        (vm("2", "0=0-1", fifo()), ISOLATED, "error: realtime vCPU 0 may run on CPUs 0-1 of kvm", "cpuset='2'/>, an isolated CPU of its own"),
        (vm("2", "0=2-3 1=2", fifo("0-1")), ISOLATED, "error: realtime vCPU 0 may run on CPUs 2-3 of kvm", "cpuset='3'/>, an isolated CPU of its own"),
        (vm("2", "", fifo()), ISOLATED, "error: realtime vCPU 0 has no vcpupin and may run on CPUs 0-7 of kvm", "cpuset='2'/>, an isolated CPU of its own"),
        (vm("2", "0=0-1", fifo()), KEPT, "error: realtime vCPU 0 may run on CPUs 0-1 of kvm", "add a <vcpupin> with one isolated CPU"),
        (vm("2", "0=1-2", fifo()), KEPT, "error: realtime vCPU 0 may run on CPUs 1-2 of kvm", "cpuset='2'/>, one CPU of its own"),
        (vm("2", "", fifo(), cpuset="3"), HOST),
        (vm("1/2", "0=0 1=0-1", fifo("0-1")), HOST),
    ],
    "pcpu-double-booked": [
        (vm("2", one_each("0-1", 0), name="a") + vm("2", one_each("0-1", 2), name="b"), HOST),
        (vm("2", one_each("0-1", 0), name="a") + vm("2", one_each("0-1", 1), name="b"), HOST, "warning: 2 dedicated vCPUs of a and b share CPU 1 of kvm", "vCPU 1 of a has CPU 1", "vCPU 0 of b has CPU 1", "each gets a part of a CPU", 'exclusive-groups = [["a", "b"]]'),
        (vm("2", one_each("0-1", 0), name="a") + vm("2", one_each("0-1", 0), name="b"), HOST, "warning: 4 dedicated vCPUs of a and b share CPUs 0-1 of kvm", "vCPUs 0-1 of a have CPUs 0-1"),
        (vm("2", one_each("0-1", 0), name="a") + vm("2", one_each("0-1", 1), name="b") + vm("1", "0=2", name="c"), HOST, "warning: 2 dedicated vCPUs of a and b share CPU 1 of kvm", "warning: 2 dedicated vCPUs of b and c share CPU 2 of kvm"),
        (vm("1", "0=0-1", name="a") + vm("1", "0=0-1", name="b"), SMT),
        (vm("1", "0=0-1", name="a") + vm("1", "0=0-1", name="b") + vm("1", "0=1", name="c"), SMT, "warning: 3 dedicated vCPUs of a, b and 1 more share CPUs 0-1 of kvm", "vCPU 0 of c has CPU 1"),
        (vm("2", "0-1=0-3", name="a") + vm("2", one_each("0-1", 0), name="b"), HOST),
        (vm("2", "0-1=0", name="a"), HOST),
        (vm("2", one_each("0-1", 0), fifo(), name="a") + vm("2", one_each("0-1", 0), name="b"), HOST, "error: 4 dedicated vCPUs of b and a share CPUs 0-1 of kvm", "the other vCPU starves while the realtime one runs"),
        (vm("2", one_each("0-1", 0), fifo(), name="a") + vm("1", "0=1", name="b"), HOST, "warning: 2 dedicated vCPUs of a and b share CPU 1 of kvm"),
    ],
    "strict-no-headroom": [
        (vm("2", "", bound("0"), gib=7.19), HOST),
        (vm("2", "", bound("0"), gib=7.25), HOST, "note: its 7.2 GiB of strict memory leave 768 MiB of node 0 of kvm", "7.2 GiB of 8 GiB", "at most 7372 MiB, or NUMA cells on more nodes"),
        (vm("2", "", bound("0"), gib=8), HOST, "note: its 8 GiB of strict memory leave 0 B of node 0 of kvm"),
        (vm("2", "", bound("0"), gib=8.1), HOST),
        (vm("2", "", bound("0"), gib=6.6), RESERVED),
        (vm("2", "", bound("0"), gib=6.75), RESERVED, "note: its 6.8 GiB of strict memory leave 256 MiB of node 0 of kvm", "at most 6809 MiB"),
        (vm("2", "", bound("0-1"), gib=15.5), HOST, "note: its 15.5 GiB of strict memory leave 512 MiB of nodes 0-1 of kvm", "at most 14745 MiB", "node 1: CPUs 4-7"),
        (vm("2", "", bound("0-1"), gib=13), RESERVED),
        (vm("2", "", bound("0-1"), gib=14), RESERVED, "note: its 14 GiB of strict memory leave 1 GiB of nodes 0-1 of kvm"),
        (vm("2", "", bound("0"), gib=62.5), host("pack:2 numa:1(memory=64GiB) core:4 pu:1"), "note: its 62.5 GiB of strict memory leave 1.5 GiB of node 0 of kvm", "at most 62259 MiB"),
        (vm("2", "", bound("0"), gib=60.5), host("pack:2 numa:1(memory=64GiB) core:4 pu:1")),
        (vm("2", "", bound("0", "preferred"), gib=8), HOST),
        (vm("2", gib=8), HOST),
        (vm("2", "", bound("9"), gib=8), HOST),
        (vm("2", "", bound("0,9"), gib=8), HOST),
        (vm("2", "", cells(("0", 1)), bound("1"), dimm(7168, "<source><nodemask>1</nodemask></source>")), HOST, "note: its 8 GiB of strict memory leave 0 B of node 1 of kvm", "8 GiB of 8 GiB @ nodeset='1'", "7 GiB of it @ memory"),
        (vm("2", "", bound("0"), gib=8), ONE),
        (vm("2", "", bound("0"), huge("1 GiB"), gib=8), HOST),
        (vm("2", "", cells(("0", 4), ("1", 4)), bound("0")), HOST, "note: its 8 GiB of strict memory leave 0 B of node 0 of kvm"),
        (vm("2", "", cells(("0", 4), ("1", 3.75)), bound("", "strict", "0", "0")), HOST, "note: its 7.8 GiB of strict memory leave 256 MiB of node 0 of kvm", "3.8 GiB of it"),
        (vm("2", "", cells(("0", 1), ("1", 8)), bound("", "strict", "0", "1")), HOST, "note: its 8 GiB of strict memory leave 0 B of node 1 of kvm"),
    ],
    "topology-vcpu-mismatch": [
        (vm("4", "", topology(1, 2, 2)), "none"),
        (vm("5", "", topology(1, 2, 2)), "none", "error: its topology makes 4 vCPUs (1 socket x 2 cores x 2 threads), but the domain has 5", "write <topology sockets='1' cores='5' threads='1'/>, or <vcpu>4</vcpu>", "1 socket x 2 cores x 2 threads = 4 vCPUs", "5 vCPUs"),
        (vm("6", "", topology(1, 2, 2)), "none", "error: its topology makes 4 vCPUs (1 socket x 2 cores x 2 threads), but the domain has 6", "cores='3' threads='2'"),
        (vm("8", "", topology(1, 2, 2)), "none", "error: its topology makes 4 vCPUs (1 socket x 2 cores x 2 threads), but the domain has 8", "write sockets='2', or <vcpu>4</vcpu>"),
        (vm("8", "0=0 3=3", topology(1, 2, 2)), "none", "error: its topology makes 4 vCPUs (1 socket x 2 cores x 2 threads), but the domain has 8", "write sockets='2'", "or <vcpu>4</vcpu>"),
        (vm("8", "0=0 4=4", topology(1, 2, 2)), "none", "error: its topology makes 4 vCPUs (1 socket x 2 cores x 2 threads), but the domain has 8", "write sockets='2'", "!<vcpu>4</vcpu>"),
        (vm("4/8", "", topology(1, 2, 2)), "none", "error: its topology makes 4 vCPUs (1 socket x 2 cores x 2 threads), but the domain has 8", "write sockets='2'", "or <vcpu>4</vcpu>"),
        (vm("5/8", "", topology(1, 2, 2)), "none", "error: its topology makes 4 vCPUs (1 socket x 2 cores x 2 threads), but the domain has 8", "write sockets='2'", "!<vcpu>4</vcpu>"),
        (vm("2/4", "", topology(2, 1, 1)), "none", "error: its topology makes 2 vCPUs (2 sockets x 1 core x 1 thread), but the domain has 4", "write sockets='4'"),
        (vm("1", "", topology(1, 2, 1)), "none", "error: its topology makes 2 vCPUs (1 socket x 2 cores x 1 thread), but the domain has 1", "1 vCPU"),
        (vm("8", "", topology(1, 2, 1, "dies='2'")), "none", "error: its topology makes 4 vCPUs (1 socket x 2 dies x 2 cores x 1 thread), but the domain has 8"),
        (vm("8", "", topology(1, 1, 1, "clusters='3'")), "none", "error: its topology makes 3 vCPUs (1 socket x 3 clusters x 1 core x 1 thread), but the domain has 8", "cores='8' threads='1'"),
        (vm("5", "", topology(1, 2, 2)).replace("kvm", "xen"), "none"),
        (f"<domain>{topology(2, 1, 1)}</domain>", "none", "error: its topology makes 2 vCPUs (2 sockets x 1 core x 1 thread), but the domain has 1", "write sockets='1'"),
    ],
}
# fmt: on


@pytest.mark.parametrize(
    ("rule", "case"),
    [
        pytest.param(rule, case, id=f"{rule}-{number}")
        for rule, cases in CASES.items()
        for number, case in enumerate(cases, 1)
    ],
)
def test_a_rule_says_this_of_a_domain_on_a_host_or_nothing(rule: str, case: tuple[str, ...]) -> None:
    domain, on, *expected = case
    found = judged(RULES[rule], domain, on)
    said = [f"{each.severity or RULES[rule].severity}: {each.message}" for each in found]
    messages = [each for each in expected if each.startswith(SEVERITIES)]
    assert said == messages
    parts = [each for each in expected if each not in messages]
    told = [each for finding in found for each in advice(finding)]
    for part in parts:
        wanted, words = not part.startswith("!"), part.removeprefix("!")
        assert any(words in each for each in told) is wanted, part


UNJUDGED = [
    ("emulatorpin-missing", vm("2", "0-1=0-1"), "none", "cores", "whether the pins are whole cores"),
    ("iothread-overlaps-vcpu", vm("2", "0-1=0-1 iothread1=0", disks()), "none", "cores", "whether the pins are whole cores"),
    ("numatune-mode-loose", vm("2", "0-1=0-1", bound("0", "preferred")), listed("").replace("cores", "cpus"), "cores", "whether the pins are whole cores"),
    ("cpu-nonexistent", vm("2", "0=8"), "format = 1\n[[nodes]]\nid = 0\ncpus = 'unknown'", "nodes", "CPUs"),
    ("device-remote", vm("2", "0-1=0", hostdevs("03")), CARDS, "pci-node", "0000:03:00.0"),
    ("device-remote", vm("2", "0-1=0", "<devices><interface type='direct'><source dev='eth9'/></interface></devices>"), CARDS, "names", "eth9"),
    ("hugepage-pool-too-small", vm("2", "", "<memoryBacking><hugepages/></memoryBacking>", bound("0"), gib=1), pools(0, 1), "hugepages", "which size of page is the default"),
    ("hugepage-pool-too-small", vm("2", "", huge(), bound("0"), gib=1), pools("{}", 1), "hugepages", "how many pages of 2 MiB there are"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "domain", "on", "fact", "subject"), UNJUDGED)
def test_what_a_rule_cannot_judge_it_says(rule: str, domain: str, on: str, fact: str, subject: str) -> None:
    said = list(RULES[rule].check(Placement(read_domain(domain), read_host(on))))
    assert [(each.fact, each.subject) for each in said if isinstance(each, NotJudged)] == [(fact, subject)]
    assert judged(RULES[rule], domain, on) == []


@pytest.mark.parametrize(("libvirt", "severity"), [("10.10.0", Severity.WARNING), ("11.0.0", None), ("11.1.0", None)])
def test_memory_that_is_no_whole_number_of_pages_is_refused_from_libvirt_11_on(
    libvirt: str, severity: Severity | None
) -> None:
    domain = read_domain(vm("2", "", huge(), gib=3 / 1024))
    (found,) = findings(RULES["hugepage-cell-unaligned"], replace(domain, libvirt=Release.parse(libvirt)))
    assert found.severity == severity
    assert ("takes 1 MiB more than the guest sees" in found.why) is (severity is not None)


def test_memory_of_less_than_a_page_is_refused_by_every_libvirt() -> None:
    old = Release.parse("10.10.0")
    for sizes, severity in (((1.5, 0.5), None), ((1.5, 1.5), Severity.WARNING), ((0.5, 1), None)):
        domain = read_domain(vm("2", "", huge("1 GiB"), cells(*zip("01", sizes, strict=True))))
        (found,) = findings(RULES["hugepage-cell-unaligned"], replace(domain, libvirt=old))
        assert found.severity == severity


NEEDED = {
    "vcpus-exceed-node": "nodes",
    "vcpus-exceed-node-cores": "cores nodes",
    "vcpupin-spans-sockets": "sockets",
    "numatune-missing": "nodes",
    "device-remote": "nodes",
    "iothread-remote": "nodes",
    "hugepage-pool-too-small": "hugepages nodes",
    "memory-exceeds-node": "memory nodes",
    "cpu-nonexistent": "nodes",
    "guest-cell-exceeds-node": "nodes",
    "housekeeping-used": "housekeeping nodes",
    "numatune-mode-loose": "nodes",
    "strict-no-headroom": "memory nodes",
}


def test_without_a_host_the_report_says_what_each_rule_would_have_to_know(tmp_path: Path) -> None:
    pages, loose = huge(nodeset="0"), bound("0", "preferred")
    everything = (disks(1), hostdevs("03"), cells(("0", 1), ("1", 1)), loose, pages)
    (tmp_path / "db.xml").write_text(vm("2", "0=0 1=4 iothread1=4", *everything))
    report = numalint.check(tmp_path, select=list(CASES))
    assert {each.rule: " ".join(each.facts) for each in report.unjudged if each.rule in NEEDED} == NEEDED
    assert {each.rule for each in report.unjudged} - set(NEEDED) <= {"emulatorpin-missing", "iothread-overlaps-vcpu"}


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ("[]", ["3 dedicated vCPUs of a, b and 1 more share CPUs 0-1 of kvm"]),
        ("[['a', 'b']]", []),
        ("[['a', 'c']]", []),
        ("[['a', 'b'], ['a', 'c'], ['b', 'c']]", []),
    ],
)
def test_of_three_domains_on_two_cpus_any_two_find_room(tmp_path: Path, groups: str, said: list[str]) -> None:
    """a and b are pinned to a thread of a core each, c to both: only where all three run together is one too many."""
    a, b, c = vm("1", "0=0", name="a"), vm("1", "0=1", name="b"), vm("1", "0=0-1", name="c")
    assert double_booked(tmp_path, groups, a, b, c) == said


def test_a_domain_that_overbooks_itself_clashes_with_none_that_finds_room(tmp_path: Path) -> None:
    """a crowds one thread of a core, b the other, and they take turns: c has the one that is free."""
    a, b, c = vm("2", "0-1=0", name="a"), vm("2", "0-1=1", name="b"), vm("1", "0=0-1", name="c")
    assert double_booked(tmp_path, "[['a', 'b']]", a, b, c) == []


def double_booked(folder: Path, groups: str, *domains: str) -> list[str]:
    """What pcpu-double-booked says of domains on two sockets with SMT, where those of a group never run together."""
    for number, domain in enumerate(domains):
        (folder / f"{number}.xml").write_text(domain)
    synthetic = "pack:2 numa:1(memory=8GiB) core:4 pu:2"
    lines = f"[hosts.kvm]\ntopology = '{synthetic}'\ndomains = ['*.xml']\nexclusive-groups = {groups}\n"
    (folder / "numalint.toml").write_text(lines)
    report = numalint.check(folder, select=["pcpu-double-booked"])
    return [each.message for each in report.results if each.rule == "pcpu-double-booked"]


DATA: dict[str, dict[str, str | int]] = {
    "vcpus-exceed-node": {"vcpus": 5, "largest_node": 0, "cpus": 4},
    "vcpus-exceed-node-cores": {"vcpus": 5, "cores": 4, "node": 0},
    "vcpupin-spans-sockets": {"vcpus": "0-1", "sockets": "0-1"},
    "numatune-missing": {"vcpus": "0-1", "nodes": "0", "memory_bytes": 4 << 30},
    "emulatorpin-missing": {"emulator": "0-7", "pinned": "0-1"},
    "device-remote": {"devices": "0000:81:00.0", "node": 1},
    "iothread-remote": {"iothreads": "1", "nodes": "1", "guest_nodes": "0"},
    "iothread-overlaps-vcpu": {"iothreads": "1", "cpus": "0", "vcpus": "0"},
    "hugepage-pool-too-small": {
        "page_bytes": 2 << 20,
        "pages": 512,
        "nodes": "0",
        "nodes_pages": 511,
        "nodes_free": 511,
    },
    "hugepage-cell-unaligned": {"memory_bytes": 3 << 20, "page_bytes": 2 << 20, "libvirt": str(NEWEST_LIBVIRT)},
    "memory-exceeds-node": {"memory_bytes": 9 << 30, "nodes": "0", "nodes_bytes": 8 << 30},
    "cpu-nonexistent": {"missing": "8", "cpus": "0-7"},
    "guest-cell-exceeds-node": {"cells": "0", "nodes": "0", "vcpus": 5, "memory_bytes": 1 << 30},
    "cpu-overcommit": {"cpus": "0-7", "vcpus": 25, "cores": 8, "domains": 4},
    "housekeeping-used": {"vcpus": "0", "cpus": "0", "housekeeping": "0-1"},
    "numatune-mode-loose": {"mode": "preferred", "memory_nodes": "0"},
    "rt-vcpu-unpinned": {"vcpus": "0", "cpus": "0-1"},
    "pcpu-double-booked": {"cpus": "1", "vcpus": 2, "taken": "1"},
    "strict-no-headroom": {"memory_bytes": 7424 << 20, "nodes": "0", "nodes_bytes": 8 << 30},
    "topology-vcpu-mismatch": {"topology": 4, "vcpus": 5},
}
"""What a machine reads of the first case of each rule in which it speaks."""


@pytest.mark.parametrize("rule", DATA)
def test_a_finding_has_its_numbers_for_machines_too(rule: str) -> None:
    domain, on = next((domain, on) for domain, on, *expected in CASES[rule] if expected)
    assert judged(RULES[rule], domain, on)[0].data == DATA[rule]


SEVERITIES = ("error: ", "warning: ", "note: ")


def judged(rule: Rule, domain: str, on: str) -> list[Finding]:
    if rule.shape == "host":
        return list(fleet_findings(rule, domain, read_host(on)))
    return list(findings(rule, read_domain(domain), read_host(on)))


def advice(finding: Finding) -> list[str]:
    """All that a finding says beside its message, and where: ``vCPU 1 is on socket 1 @ cpuset='4'``."""
    places = [(finding.place, finding.label), *((each.place, each.label) for each in finding.related)]
    return [finding.why, finding.help, *(f"{label} @ {written(place)}" for place, label in places)]


def written(place: Place) -> str:
    if place.attribute is None or isinstance(place.locator, int | str):
        return getattr(place.locator, "tag", str(place.locator))
    text = place.locator.text if place.attribute == TEXT else place.locator.get(place.attribute)
    return f"{place.attribute}='{text}'"
