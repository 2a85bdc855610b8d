"""What experts write on purpose draws no warning: twelve patterns, in several spellings, on hosts that say all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from numalint import plugins
from numalint.engine.rule import Category, Rule
from numalint.model.domain import Domain
from numalint.model.finding import Finding, NotJudged, Severity
from numalint.model.host import Fact, Host
from numalint.model.placement import UNKNOWN_HOST, Placement
from numalint.model.resolved import Intent
from numalint.testing import findings, read_domain, read_host

FLOATING, NODE_BOUND, DEDICATED = Intent.FLOATING, Intent.NODE_BOUND, Intent.DEDICATED

UNSAID = frozenset({Fact.HUGEPAGES_FREE, Fact.IOMMU_GROUPS})
"""What numalint's own host declaration has no word for; every host here states all else."""


class Variant(NamedTuple):
    """One spelling of a pattern: a domain, the host that it is right on, and what it is meant to be."""

    name: str
    domain: str
    host: str
    intent: Intent = DEDICATED


# --- hosts ------------------------------------------------------------------------------------------------------------

XEON = {"sockets": 2, "cores": 24, "gib": 256}
"""Node 0 has CPUs 0-23,48-71, node 1 has 24-47,72-95: CPU n and n + 48 are one core."""

ADJACENT = {"sockets": 2, "cores": 16, "gib": 128, "numbering": "threads-adjacent"}
"""Node 0 has CPUs 0-31, node 1 has 32-63: CPU 2n and 2n + 1 are one core."""

NPS4 = {"sockets": 2, "nodes": 4, "cores": 16, "gib": 96, "cores_per_l3": 8}
"""Node n has the cores from 16n on, nodes 0-3 are a socket: CPU n and n + 128 are one core."""

SNC2 = {"sockets": 2, "nodes": 2, "cores": 16, "gib": 128}
"""Node n has the cores from 16n on, nodes 0-1 are a socket; with threads last, CPU n and n + 64 are one core."""


def host(
    *,
    sockets: int = 1,
    nodes: int = 1,
    cores: int,
    threads: int = 2,
    numbering: str = "threads-last",
    gib: int,
    cores_per_l3: int | None = None,
    near: int = 12,
    pages: str = '"1G" = 0',
    pci: dict[int, tuple[str, ...]] | None = None,
    **lists: str,
) -> str:
    """A regular host: ``nodes`` of a socket are ``near`` each other, ``cores``, ``gib`` and ``pages`` of a node."""
    devices = pci or {0: ("0000:01:00.0 eno1",)}
    tables = [
        f'[node.{node}]\nhugepages = {{ {pages} }}\nreserved_memory = "2 GiB"\npci = {list(devices.get(node, ()))}\n'
        for node in range(sockets * nodes)
    ]
    return f"""\
format = 1
name = "kvm"
[topology]
sockets = {sockets}
nodes_per_socket = {nodes}
cores_per_node = {cores}
cores_per_l3 = {cores_per_l3 or cores}
threads_per_core = {threads}
cpu_numbering = "{numbering}"
memory_per_node = "{gib} GiB"
node_distance = {{ same_socket = {near}, other_socket = 21 }}
{cpu_lists(**lists)}{"".join(tables)}"""


def cpu_lists(housekeeping: str = "", isolated: str = "", offline: str = "") -> str:
    return f'[cpus]\nhousekeeping = "{housekeeping}"\nisolated = "{isolated}"\noffline = "{offline}"\n'


def synthetic_host(text: str, *pci: str, **lists: str) -> str:
    """A host of one node in hwloc's words, with what those cannot say."""
    rest = f'[node.0]\nhugepages = {{ "2M" = 0 }}\npci = {list(pci)}\n'
    return f'format = 1\nname = "desktop"\nsynthetic = "{text}"\n{cpu_lists(**lists)}{rest}'


def listed_host(arch: str, nodes: Iterable[str], l3: Iterable[str], **lists: str) -> str:
    """A host of nodes that are not alike, or not numbered in a row."""
    caches = "".join(f'[[l3]]\ncpus = "{cpus}"\n' for cpus in l3)
    return f'format = 1\nname = "kvm"\narch = "{arch}"\n{cpu_lists(**lists)}{"".join(nodes)}{caches}'


def node(number: int, gib: int, distances: list[int], pages: str, *rest: str) -> str:
    lines = [f"id = {number}", f'memory = "{gib} GiB"', f"distances = {distances}", f"hugepages = {{ {pages} }}", *rest]
    return "[[nodes]]\n" + "".join(f"{line}\n" for line in lines)


# --- domains ----------------------------------------------------------------------------------------------------------

X86 = """\
  <os><type arch='x86_64' machine='pc-q35-9.2'>hvm</type><boot dev='hd'/></os>
  <features><acpi/><apic/><kvm><hint-dedicated state='on'/></kvm></features>
"""
X86_WIDE = X86.replace("<apic/>", "<apic/><ioapic driver='qemu'/>")
"""For more than 255 vCPUs, with an IOMMU."""
ARM = """\
  <os firmware='efi'><type arch='aarch64' machine='virt-9.2'>hvm</type><boot dev='hd'/></os>
  <features><acpi/><gic version='3'/></features>
"""
POWER = """\
  <os><type arch='ppc64' machine='pseries-9.2'>hvm</type><boot dev='hd'/></os>
"""


def domain(gib: int, *parts: str, devices: str = "", machine: str = X86) -> str:
    """A whole domain; ``parts`` are what makes it the one it is."""
    arch = machine.partition("arch='")[2].partition("'")[0]
    own = "".join(f"  {part}\n" for part in parts)
    return f"""\
<domain type='kvm'>
  <name>guest</name>
  <memory unit='GiB'>{gib}</memory>
  <currentMemory unit='GiB'>{gib}</currentMemory>
{own}{machine}\
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-{arch}</emulator>
    {devices or disks() + BRIDGE}
    <memballoon model='none'/>
  </devices>
</domain>
"""


def vcpus(sockets: int, cores: int, threads: int = 1, numa: str = "", *, vcpu: str = "", mode: str = "") -> str:
    """As many vCPUs as the topology has, and what the guest sees; ``vcpu`` are attributes, and elements after it."""
    attributes, _, after = vcpu.partition("<")
    return f"""\
<vcpu placement='static' {attributes}>{sockets * cores * threads}</vcpu>{after and "<" + after}
  <cpu mode='{mode or "host-passthrough"}'>\
<topology sockets='{sockets}' cores='{cores}' threads='{threads}'/>{numa}</cpu>"""


def hotplug(online: int, maximum: int) -> str:
    """The vCPUs one by one, of which the last wait to be plugged in."""
    on = [
        f"<vcpu id='{vcpu}' enabled='yes' hotpluggable='{'yes' if vcpu else 'no'}' order='{vcpu + 1}'/>"
        for vcpu in range(online)
    ]
    off = [f"<vcpu id='{vcpu}' enabled='no' hotpluggable='yes'/>" for vcpu in range(online, maximum)]
    return f"current='{online}'<vcpus>{''.join(on + off)}</vcpus>"


def pinned(cpusets: Iterable[object], emulator: str = "", io: Iterable[str] = (), more: str = "") -> str:
    """vCPU n is pinned to the n-th of ``cpusets``; an IOThread for each of ``io``."""
    pins = [f"<vcpupin vcpu='{vcpu}' cpuset='{cpus}'/>" for vcpu, cpus in enumerate(cpusets)]
    pins += [f"<emulatorpin cpuset='{emulator}'/>"] if emulator else []
    pins += [f"<iothreadpin iothread='{thread}' cpuset='{cpus}'/>" for thread, cpus in enumerate(io, 1)]
    threads = sum(1 for _ in io)
    return (f"<iothreads>{threads}</iothreads>" if threads else "") + f"<cputune>{more}{''.join(pins)}</cputune>"


def threads(cores: Iterable[int], apart: int) -> list[int]:
    """Both CPUs of each core, core by core, where siblings are ``apart``."""
    return [cpu for core in cores for cpu in (core, core + apart)]


def pairs(cores: Iterable[int], apart: int) -> list[str]:
    """Each core as a set, once for each of its threads."""
    return [f"{core},{core + apart}" for core in cores for _ in range(2)]


def numatune(mode: str, nodes: str, *cells: int) -> str:
    """``nodes`` for the whole guest ("" for nothing said of it), and a node for each of its cells."""
    whole = f"<memory mode='{mode}' nodeset='{nodes}'/>" if nodes else ""
    each = [f"<memnode cellid='{cell}' mode='{mode}' nodeset='{at}'/>" for cell, at in enumerate(cells)]
    return f"<numatune>{whole}{''.join(each)}</numatune>"


def cells(gib: int, *sets: str, far: int | None = None) -> str:
    """Guest cells of ``gib`` each, ``far`` from each other."""
    found = []
    for cell, own in enumerate(sets):
        row = [f"<sibling id='{to}' value='{10 if to == cell else far}'/>" for to in range(len(sets)) if far]
        distances = f"<distances>{''.join(row)}</distances>" if far else ""
        found.append(f"<cell id='{cell}' cpus='{own}' memory='{gib << 20}' unit='KiB'>{distances}</cell>")
    return f"<numa>{''.join(found)}</numa>"


def runs(total: int, count: int) -> list[str]:
    """``count`` runs of vCPUs, ``total`` together."""
    size = total // count
    return [f"{first}-{first + size - 1}" for first in range(0, total, size)]


def huge(size: str, *cells: int, more: str = "") -> str:
    """Pages of ``size`` (``1G``), for the cells that are named or for all."""
    of = [f"nodeset='{cell}'" for cell in cells] or [""]
    pages = [f"<page size='{size[:-1]}' unit='{size[-1]}' {nodeset}/>" for nodeset in of]
    return f"<memoryBacking><hugepages>{''.join(pages)}</hugepages>{more}</memoryBacking>"


BRIDGE = "<interface type='bridge'><source bridge='br0'/><model type='virtio'/></interface>"
PCIE_ROOT = "<controller type='pci' index='0' model='pcie-root'/>"


def disks(*threads: int) -> str:
    """A disk for each of the IOThreads; for none, one that has none."""
    found = []
    for letter, thread in zip("abcd", threads or (0,), strict=False):
        own = f" iothread='{thread}'" if thread else ""
        found.append(
            f"<disk type='file' device='disk'><driver name='qemu' type='raw' cache='none' io='native'{own}/>"
            f"<source file='/var/lib/libvirt/images/vd{letter}.img'/><target dev='vd{letter}' bus='virtio'/></disk>"
        )
    return "".join(found)


def source(address: str) -> str:
    """The attributes of an address that is written as lspci prints it (``0000:3b:00.0``)."""
    place, _, function = address.partition(".")
    number, bus, slot = place.split(":")
    return f"domain='0x{number}' bus='0x{bus}' slot='0x{slot}' function='0x{function}'"


def hostdev(address: str, guest_bus: int | None = None) -> str:
    """A passed through device, on a bus of the guest or where libvirt puts it."""
    at = f"<address type='pci' bus='{guest_bus:#04x}' slot='0x00'/>" if guest_bus else ""
    return f"""\
<hostdev mode='subsystem' type='pci' managed='yes'><driver name='vfio'/>\
<source><address {source(address)}/></source>{at}</hostdev>"""


def virtual_function(address: str) -> str:
    return f"""\
<interface type='hostdev' managed='yes'><source><address type='pci' {source(address)}/></source></interface>"""


def expander(index: int, bus: int, cell: int) -> str:
    """A PCI bus of a guest cell, which is controller ``index``, and a port on it, which is the next."""
    return f"""\
<controller type='pci' index='{index}' model='pcie-expander-bus'><target busNr='{bus}'><node>{cell}</node></target>\
</controller><controller type='pci' index='{index + 1}' model='pcie-root-port'>\
<address type='pci' bus='{index:#04x}' slot='0x00'/></controller>"""


# --- the patterns -----------------------------------------------------------------------------------------------------


def nova_dedicated() -> Iterator[Variant]:
    """OpenStack, hw:cpu_policy=dedicated: a CPU a vCPU, a node a cell, the emulator on the guest's own CPUs."""
    yield Variant(
        "threads-last-1g-pages",
        domain(
            16,
            vcpus(1, 4, 2, cells(16, "0-7")),
            pinned(threads(range(26, 30), 48), "26-29,74-77", more="<shares>8192</shares>"),
            numatune("strict", "1", 1),
            huge("1G", 0),
        ),
        host(**XEON, pages='"1G" = 128'),
    )
    yield Variant(
        "threads-adjacent",
        domain(
            8,
            vcpus(2, 1, 2, cells(8, "0-3"), mode="host-model"),
            pinned(range(4, 8), "4-7"),
            numatune("strict", "0", 0),
        ),
        host(**ADJACENT),
    )
    yield Variant(
        "two-cells",
        domain(
            32,
            vcpus(2, 4, 2, cells(16, "0-7", "8-15")),
            pinned(threads([*range(2, 6), *range(26, 30)], 48), "2-5,26-29,50-53,74-77"),
            numatune("strict", "0-1", 0, 1),
            huge("1G", 0, 1),
        ),
        host(**XEON, pages='"1G" = 64, "2M" = 0'),
    )
    yield Variant(
        "emulator-in-shared-set",
        domain(
            24,
            vcpus(4, 1, 2, cells(24, "0-7")),
            pinned(threads(range(4, 8), 48), "0-1,24-25,48-49,72-73"),
            numatune("strict", "0", 0),
        ),
        host(**XEON, housekeeping="0-1,24-25,48-49,72-73", isolated="2-23,26-47,50-71,74-95"),
    )
    yield Variant(
        "isolate-thread-policy",
        domain(
            16,
            vcpus(6, 1, 1, cells(16, "0-5")),
            pinned(range(34, 46, 2), "34,36,38,40,42,44"),
            numatune("strict", "1", 1),
        ),
        host(**ADJACENT),
    )
    yield Variant(
        "sriov-port-2m-pages",
        domain(
            8,
            vcpus(2, 1, 2, cells(8, "0-3")),
            pinned(threads(range(40, 42), 48), "40-41,88-89"),
            numatune("strict", "1", 1),
            huge("2M", 0),
            devices=disks() + virtual_function("0000:af:02.1"),
        ),
        host(**XEON, pages='"2M" = 16384', pci={1: ("0000:af:00.0 ens8f0", "0000:af:02.1")}),
    )
    yield Variant(
        "mixed-policy",
        domain(
            16,
            vcpus(8, 1, 1, cells(16, "0-7")),
            pinned(["0-3,48-51"] * 2 + threads(range(4, 7), 48), "0-6,48-54"),
            numatune("strict", "0", 0),
        ),
        host(**XEON),
        NODE_BOUND,
    )


def nova_numa_shared() -> Iterator[Variant]:
    """OpenStack, hw:numa_nodes on shared CPUs: each vCPU floats over its cell's node, where its memory is."""
    yield Variant(
        "threads-last",
        domain(
            16,
            vcpus(8, 1, 1, cells(16, "0-7")),
            pinned(["24-47,72-95"] * 8, "24-47,72-95"),
            numatune("strict", "1", 1),
        ),
        host(**XEON),
        NODE_BOUND,
    )
    yield Variant(
        "two-cells-threads-adjacent",
        domain(
            64,
            vcpus(16, 1, 1, cells(32, "0-7", "8-15")),
            pinned(["0-31"] * 8 + ["32-63"] * 8, "0-63"),
            numatune("strict", "0-1", 0, 1),
        ),
        host(**ADJACENT),
        NODE_BOUND,
    )
    yield Variant(
        "shared-set-2m-pages",
        domain(
            16,
            vcpus(4, 1, 1, cells(16, "0-3")),
            pinned(["2-31"] * 4, "2-31"),
            numatune("strict", "0", 0),
            huge("2M", 0),
        ),
        host(**ADJACENT, housekeeping="0-1,32-33", pages='"2M" = 16384'),
        NODE_BOUND,
    )
    yield Variant(
        "more-vcpus-than-cores-of-the-node",
        domain(
            64,
            vcpus(24, 1, 1, cells(64, "0-23")),
            pinned(["32-63"] * 24, "32-63"),
            numatune("strict", "1", 1),
        ),
        host(**ADJACENT),
        NODE_BOUND,
    )


def nova_shared() -> Iterator[Variant]:
    """OpenStack's default: a guest floats over the host's shared CPUs, and nothing more is said."""
    small = {"sockets": 2, "cores": 12, "gib": 96}
    yield Variant(
        "threads-adjacent",
        domain(8, vcpus(4, 1, vcpu="cpuset='18-47'")),
        host(**small, numbering="threads-adjacent", housekeeping="0-1", isolated="2-17"),
        FLOATING,
    )
    yield Variant(
        "threads-last-all-but-housekeeping",
        domain(16, vcpus(8, 1, vcpu="cpuset='1-11,13-23,25-35,37-47'", mode="host-model")),
        host(**small, housekeeping="0,12,24,36"),
        FLOATING,
    )
    yield Variant(
        "exclusions",
        domain(4, vcpus(2, 1, vcpu="cpuset='0-95,^0,^24,^48,^72'")),
        host(**XEON, housekeeping="0,24,48,72"),
        FLOATING,
    )
    yield Variant(
        "current-below-maximum",
        domain(32, vcpus(4, 2, 2, vcpu="cpuset='2-31,34-63' current='4'")),
        host(**ADJACENT, housekeeping="0-1,32-33"),
        FLOATING,
    )
    yield Variant("no-cpuset", domain(8, vcpus(4, 1)), host(**XEON), FLOATING)


def kubevirt() -> Iterator[Variant]:
    """KubeVirt, dedicatedCpuPlacement; with guestMappingPassthrough each node that has a vCPU is a cell.

    Without that, and on two nodes, it is the pod's cgroup that holds the emulator and the memory: of this the XML
    says nothing, so such a guest is none of the variants.
    """
    reserved = "0-1,24-25,48-49,72-73"
    immediate = "<allocation mode='immediate'/>"
    yield Variant(
        "dedicated-on-one-node-with-hotplug",
        domain(8, vcpus(4, 2, 2, vcpu=hotplug(4, 16)), pinned(threads(range(2, 4), 32))),
        host(cores=32, gib=128, housekeeping="0-1,32-33"),
    )
    yield Variant(
        "iothreads-on-the-vcpus",
        domain(8, vcpus(1, 2, 2), pinned(range(4, 8), io=["4,5", "6,7"]), devices=disks(1, 2) + BRIDGE),
        host(cores=32, gib=128, numbering="threads-adjacent", housekeeping="0-3"),
    )
    yield Variant(
        "guest-mapping-of-the-whole-host",
        domain(
            256,
            vcpus(2, 22, 2, cells(128, ",".join(map(str, range(44))), ",".join(map(str, range(44, 88))))),
            pinned(threads([*range(2, 24), *range(26, 48)], 48)),
            numatune("strict", "0,1", 0, 1),
            huge("1G", 0, 1, more=immediate),
        ),
        host(**XEON, housekeeping=reserved, pages='"1G" = 200'),
    )
    yield Variant(
        "guest-mapping-isolated-emulator",
        domain(
            16,
            vcpus(1, 4, 2, cells(16, "0,1,2,3,4,5,6,7")),
            pinned(threads(range(30, 34), 48), "34", io=["34"]),
            numatune("strict", "1", 1),
            huge("2M", 0, more=immediate),
            devices=disks(1) + BRIDGE,
        ),
        host(**XEON, housekeeping=reserved, pages='"2M" = 32768'),
    )
    yield Variant(
        "guest-mapping-two-cells-isolated-emulator",
        domain(
            32,
            vcpus(2, 2, 2, cells(16, "0,1,2,3", "4,5,6,7")),
            pinned(threads([4, 5, 28, 29], 48), "6,54"),
            numatune("strict", "0,1", 0, 1),
            huge("1G", 0, 1, more=immediate),
        ),
        host(**XEON, housekeeping=reserved, pages='"1G" = 64'),
    )
    yield Variant(
        "guest-mapping-gpus-in-their-cells",
        domain(
            64,
            vcpus(2, 4, 2, cells(32, "0,1,2,3,4,5,6,7", "8,9,10,11,12,13,14,15", far=21)),
            pinned(threads([*range(4, 8), *range(28, 32)], 48), "8,56"),
            numatune("strict", "0,1", 0, 1),
            huge("1G", 0, 1, more=immediate),
            devices=PCIE_ROOT
            + expander(1, 64, cell=0)
            + expander(3, 128, cell=1)
            + disks()
            + hostdev("0000:17:00.0", guest_bus=2)
            + hostdev("0000:b1:00.0", guest_bus=4),
        ),
        host(
            **XEON,
            housekeeping=reserved,
            pages='"1G" = 64',
            pci={0: ("0000:17:00.0 gpu0",), 1: ("0000:b1:00.0 gpu1",)},
        ),
    )


def ovirt_high_performance() -> Iterator[Variant]:
    """oVirt: emulator and IOThread on a node's first two CPUs; mode interleave, which over one node is none.

    "Resize and Pin" leaves the first core of each socket to the host. With threads last, CPU 1 is the second core
    and so a vCPU's too; oVirt does so itself, and logs it.
    """
    yield Variant(
        "resize-and-pin-threads-adjacent",
        domain(
            160,
            vcpus(2, 15, 2, cells(80, *runs(60, 2))),
            pinned([*range(2, 32), *range(34, 64)], "0-1", io=["0-1"]),
            numatune("interleave", "0,1", 0, 1),
            devices=disks(1) + BRIDGE,
        ),
        host(**ADJACENT, housekeeping="0-1,32-33"),
    )
    yield Variant(
        "resize-and-pin-threads-last-1g-pages",
        domain(
            320,
            vcpus(2, 23, 2, cells(160, *runs(92, 2))),
            pinned(threads([*range(1, 24), *range(25, 48)], 48), "0,1", io=["0,1"]),
            numatune("interleave", "0,1", 0, 1),
            huge("1G"),
            devices=disks(1) + BRIDGE,
        ),
        host(**XEON, housekeeping="0,24,48,72", pages='"1G" = 200'),
    )
    yield Variant(
        "manual-pins-no-vnuma",
        domain(
            48,
            vcpus(1, 4, 2),
            pinned(threads(range(30, 34), 48), "24-25", io=["24-25"]),
            numatune("interleave", "1"),
            devices=disks(1) + BRIDGE,
        ),
        host(**XEON),
    )
    yield Variant(
        "one-vnuma-node-with-hotplug",
        domain(
            32,
            vcpus(4, 2, 2, cells(32, "0-15"), vcpu="current='8'"),
            pinned(range(4, 12), "0-1", io=["0-1"]),
            numatune("interleave", "0", 0),
            devices=disks(1) + BRIDGE,
        ),
        host(**ADJACENT, housekeeping="0-1"),
    )


def hana() -> Iterator[Variant]:
    """SAP HANA on KVM: the guest is the host again; both vCPUs of a core share the pair of its siblings.

    The guest has every node, so an emulator or an IOThread without a pin is on its nodes wherever it runs.
    """
    unmerged = "<nosharepages/>"
    yield Variant(
        "four-sockets-whole-host",
        domain(
            1440,
            vcpus(4, 24, 2, cells(360, *runs(192, 4), far=21)),
            pinned(pairs(range(96), 96)),
            numatune("strict", "0-3", 0, 1, 2, 3),
            huge("1G", more=unmerged),
        ),
        host(sockets=4, cores=24, gib=384, pages='"1G" = 364'),
    )
    yield Variant(
        "two-sockets-a-core-of-each-reserved",
        domain(
            1024,
            vcpus(2, 27, 2, cells(512, *runs(108, 2), far=21)),
            pinned(pairs([*range(1, 28), *range(29, 56)], 56)),
            numatune("strict", "0-1", 0, 1),
            huge("1G", 0, 1, more=unmerged),
        ),
        host(sockets=2, cores=28, gib=576, housekeeping="0,28,56,84", pages='"1G" = 520'),
    )
    yield Variant(
        "memnodes-alone-threads-adjacent",
        domain(
            192,
            vcpus(2, 15, 2, cells(96, *runs(60, 2), far=21)),
            pinned(f"{core}-{core + 1}" for core in [*range(2, 32, 2), *range(34, 64, 2)] for _ in range(2)),
            numatune("strict", "", 0, 1),
            huge("1G"),
        ),
        host(**ADJACENT, housekeeping="0-1,32-33", pages='"1G" = 100'),
    )
    yield Variant(
        "iothreads-not-pinned",
        domain(
            384,
            vcpus(2, 24, 2, cells(192, *runs(96, 2), far=21)),
            pinned(pairs(range(48), 48)),
            numatune("strict", "0-1", 0, 1),
            huge("1G"),
            "<iothreads>2</iothreads>",
            devices=disks(1, 2) + BRIDGE,
        ),
        host(**XEON, pages='"1G" = 200'),
    )
    yield Variant(
        "eight-sockets",
        domain(
            4096,
            vcpus(8, 19, 2, cells(512, *runs(304, 8), far=21)),
            pinned(pairs([core for core in range(160) if core % 20], 160)),
            numatune("strict", "0-7", *range(8)),
            huge("1G", more=unmerged),
            devices=disks() + BRIDGE + "<iommu model='intel'><driver intremap='on' eim='on'/></iommu>",
            machine=X86_WIDE,
        ),
        host(sockets=8, cores=20, gib=576, housekeeping=",".join(map(str, range(0, 320, 20))), pages='"1G" = 520'),
    )


def epyc_single_vcpu() -> Iterator[Variant]:
    """EPYC 9005, many small guests: one thread of a core is the vCPU, the other does its I/O."""
    yield Variant(
        "threads-last",
        domain(4, vcpus(1, 1), pinned([5], "133", io=["133"]), numatune("strict", "0"), devices=disks(1) + BRIDGE),
        host(sockets=2, cores=64, gib=384, cores_per_l3=8, housekeeping="0,64,128,192"),
    )
    yield Variant(
        "threads-adjacent-2m-pages",
        domain(
            2,
            vcpus(1, 1),
            pinned([40], "41", io=["41"]),
            numatune("strict", "1"),
            huge("2M"),
            devices=disks(1) + BRIDGE,
        ),
        host(**ADJACENT, cores_per_l3=8, housekeeping="0-1,32-33", pages='"2M" = 8192'),
    )
    yield Variant(
        "nps4-isolated-emulator-on-housekeeping",
        domain(
            4,
            vcpus(1, 1, 1, cells(4, "0")),
            pinned([36], "32,160", io=["164"]),
            numatune("strict", "2", 2),
            devices=disks(1) + BRIDGE,
        ),
        host(
            **NPS4,
            housekeeping=",".join(map(str, range(0, 256, 16))),
            isolated=",".join(f"{first + 1}-{first + 15}" for first in range(0, 256, 16)),
        ),
    )


def desktop_vfio() -> Iterator[Variant]:
    """A desktop that gives a guest its GPU: one node, so there is nothing to bind, and nobody writes a numatune."""
    gpu = ("0000:0a:00.0 gpu", "0000:0a:00.1 gpu-audio")
    devices = disks() + BRIDGE + hostdev("0000:0a:00.0") + hostdev("0000:0a:00.1")
    yield Variant(
        "ryzen-isolated-second-ccx",
        domain(
            16,
            vcpus(1, 4, 2, "<feature policy='require' name='topoext'/>"),
            pinned(threads(range(4, 8), 8), "0-3,8-11", io=["0,8"]),
            huge("2M"),
            devices=devices.replace("io='native'", "io='native' iothread='1'"),
        ),
        host(cores=8, gib=32, cores_per_l3=4, isolated="4-7,12-15", pages='"2M" = 8192', pci={0: gpu}),
    )
    yield Variant(
        "ryzen-one-die-threads-adjacent",
        domain(24, vcpus(1, 8, 2), pinned(range(16, 32), "0-15"), devices=devices),
        host(cores=16, gib=64, cores_per_l3=8, numbering="threads-adjacent", pci={0: gpu}),
    )
    yield Variant(
        "core-i7-no-emulatorpin",
        domain(12, vcpus(1, 4, 2), pinned(threads(range(2, 6), 6)), devices=devices),
        host(cores=6, gib=32, pci={0: gpu}),
    )
    yield Variant(
        "core-i5-no-smt",
        domain(8, vcpus(1, 4), pinned(range(2, 6), "0-1"), devices=devices),
        synthetic_host("pack:1 [numa(memory=16GiB)] l3:1 core:6 pu:1", *gpu, housekeeping="0-1"),
    )
    yield Variant(
        "cpuset-alone",
        domain(8, vcpus(1, 3, 2, vcpu="cpuset='2-5,8-11'"), devices=devices),
        synthetic_host("pack:1 [numa(memory=32GiB)] l3:1 core:6 pu:2(indexes=2*6:6*1)", *gpu),
        NODE_BOUND,
    )
    yield Variant(
        "no-pins",
        domain(8, vcpus(1, 2, 2), devices=devices),
        host(cores=8, gib=32, cores_per_l3=4, pci={0: gpu}),
        FLOATING,
    )


def near_nodes() -> Iterator[Variant]:
    """Nodes 11 or 12 apart are parts of one socket (L3 as NUMA, NPS, SNC): a guest over several of them is fine."""
    yield Variant(
        "l3-as-numa-two-caches",
        domain(
            80,
            vcpus(1, 16, 2),
            pinned(threads(range(16, 32), 128), "16-31,144-159"),
            numatune("strict", "2-3"),
        ),
        host(sockets=2, nodes=8, cores=8, gib=64, near=11),
    )
    yield Variant(
        "nps4-two-cells-of-one-socket",
        domain(
            128,
            vcpus(2, 16, 2, cells(64, *runs(64, 2), far=12)),
            pinned(threads(range(64, 96), 128), "64-95,192-223"),
            numatune("strict", "4-5", 4, 5),
            huge("1G", 0, 1),
        ),
        host(**NPS4, pages='"1G" = 80'),
    )
    yield Variant(
        "nps4-port-on-the-next-node",
        domain(
            32,
            vcpus(1, 8, 2),
            pinned(threads(range(2, 10), 128), "0-1,128-129"),
            numatune("strict", "0"),
            devices=disks() + virtual_function("0000:41:00.2"),
        ),
        host(**NPS4, housekeeping="0-1,128-129", pci={2: ("0000:41:00.0 ens4f0", "0000:41:00.2")}),
    )
    yield Variant(
        "snc2-each-vcpu-over-the-socket",
        domain(
            160,
            vcpus(1, 24, 2),
            pinned(["0-31,64-95"] * 48, "0-31,64-95"),
            numatune("strict", "0-1"),
        ),
        host(**SNC2),
        FLOATING,
    )
    yield Variant(
        "snc2-cpuset-of-the-socket-threads-adjacent",
        domain(160, vcpus(1, 20, 2, vcpu="cpuset='64-127'"), numatune("interleave", "2-3")),
        host(**SNC2, numbering="threads-adjacent"),
        FLOATING,
    )


def gb200(gpu_gib: int, pages: str = '"512M" = 0') -> str:
    """Two CPUs of 72 cores with two GPUs each; a GPU has eight nodes, of which one is there."""
    gpus = [  # node, CPU that it hangs on, address
        (2, 0, "0008:01:00.0"),
        (10, 0, "0009:01:00.0"),
        (18, 1, "0018:01:00.0"),
        (26, 1, "0019:01:00.0"),
    ]
    nodes = [
        node(0, 480, [10, 40, 80, 80, 120, 120], pages, "socket = 0", 'cores = "0-71"', 'pci = ["0000:01:00.0 eno1"]'),
        node(1, 480, [40, 10, 120, 120, 80, 80], pages, "socket = 1", 'cores = "72-143"'),
    ]
    for number, near, address in gpus:
        cpus = [80, 120] if near == 0 else [120, 80]
        others = [10 if other == number else 82 if at == near else 130 for other, at, _ in gpus]
        rest = ('kind = "gpu"', f"near = [{near}]", f'pci = ["{address}"]')
        nodes.append(node(number, gpu_gib, cpus + others, '"512M" = 0', *rest))
    return listed_host("aarch64", nodes, ["0-71", "72-143"], housekeeping="0-3,72-75")


def gpu_nodes() -> Iterator[Variant]:
    """Grace: a GPU is on a node of its own that has no CPU; the guest is on the CPU node that is nearest to it."""
    yield Variant(
        "one-gpu",
        domain(
            128,
            vcpus(1, 32),
            pinned(range(8, 40), "0-3"),
            numatune("strict", "0"),
            devices=disks() + BRIDGE + hostdev("0008:01:00.0"),
            machine=ARM,
        ),
        gb200(184),
    )
    yield Variant(
        "two-gpus-of-one-cpu-whose-memory-is-not-online",
        domain(
            256,
            vcpus(1, 64, 1, cells(256, "0-63")),
            pinned(range(80, 144), "72-75"),
            numatune("strict", "1", 1),
            huge("512M"),
            devices=disks() + BRIDGE + hostdev("0018:01:00.0") + hostdev("0019:01:00.0"),
            machine=ARM,
        ),
        gb200(0, pages='"512M" = 600'),
    )
    yield Variant(
        "two-cells-with-their-gpus",
        domain(
            512,
            vcpus(2, 64, 1, cells(256, *runs(128, 2), far=40)),
            pinned([*range(4, 68), *range(76, 140)], "0-3,72-75"),
            numatune("strict", "0-1", 0, 1),
            devices=PCIE_ROOT
            + expander(1, 64, cell=0)
            + expander(3, 128, cell=1)
            + disks()
            + hostdev("0008:01:00.0", guest_bus=2)
            + hostdev("0018:01:00.0", guest_bus=4),
            machine=ARM,
        ),
        gb200(184),
    )
    grace = node(0, 480, [10, 80], '"512M" = 0', "socket = 0", 'cores = "0-71"', 'pci = ["0000:01:00.0 eno1"]')
    hopper = node(4, 96, [80, 10], '"512M" = 0', 'kind = "gpu"', "near = [0]", 'pci = ["0009:01:00.0"]')
    yield Variant(
        "one-cpu-one-gpu",
        domain(
            192,
            vcpus(1, 48, vcpu="cpuset='4-71'"),
            numatune("strict", "0"),
            devices=disks() + BRIDGE + hostdev("0009:01:00.0"),
            machine=ARM,
        ),
        listed_host("aarch64", [grace, hopper], ["0-71"], housekeeping="0-3"),
        NODE_BOUND,
    )


def smt(first: int, cores: int, threads: int) -> str:
    """The cores whose CPUs begin at ``first``, their first threads, then their second ones, and so on."""
    parts = [range(first + thread, first + cores * threads, threads) for thread in range(threads)]
    return f'cores = "{"+".join(",".join(map(str, part)) for part in parts)}"'


def power9(*gpu_nodes: int) -> str:
    """Two sockets of 22 cores of four threads, nodes 0 and 8, and a node of its own for each GPU's memory."""
    far = [80] * len(gpu_nodes)
    nodes = [
        node(0, 256, [10, 40, *far], '"1G" = 64', "socket = 0", smt(0, 22, 4)),
        node(8, 256, [40, 10, *far], '"1G" = 64', "socket = 1", smt(88, 22, 4), 'pci = ["0035:03:00.0 nvme1"]'),
    ]
    for number in gpu_nodes:
        row = [80, 80, *(10 if other == number else 80 for other in gpu_nodes)]
        nodes.append(node(number, 16, row, '"1G" = 0', 'kind = "gpu"'))
    l3 = [f"{first}-{first + 7}" for first in range(0, 176, 8)]
    return listed_host("ppc64le", nodes, l3, housekeeping="0-3,88-91")


def power8() -> str:
    """Two sockets of two modules, nodes 0, 1, 16 and 17; of a core's eight threads KVM wants but one on line."""
    rows = [[10, 20, 40, 40], [20, 10, 40, 40], [40, 40, 10, 20], [40, 40, 20, 10]]
    nodes = [
        node(number, 64, row, '"16M" = 0', f"socket = {number // 16}", smt(first, 5, 8), f"pci = {pci}")
        for number, first, row, pci in zip(
            (0, 1, 16, 17), range(0, 160, 40), rows, (["0001:01:00.0 eth0"], [], [], []), strict=True
        )
    ]
    offline = ",".join(f"{first + 1}-{first + 7}" for first in range(0, 160, 8))
    return listed_host("ppc64le", nodes, map(str, range(0, 160, 8)), offline=offline)


def power() -> Iterator[Variant]:
    """POWER: the numbers of nodes have gaps. The guest's cells count from 0 all the same, and memnode joins the two."""
    yield Variant(
        "node-8",
        domain(
            32,
            vcpus(1, 4, 4, mode="host-model"),
            pinned(range(96, 112), "88-91"),
            numatune("strict", "8"),
            devices=disks() + BRIDGE + hostdev("0035:03:00.0"),
            machine=POWER,
        ),
        power9(),
    )
    yield Variant(
        "cells-0-and-1-on-nodes-0-and-8",
        domain(
            64,
            vcpus(2, 4, 4, cells(32, "0-15", "16-31"), mode="host-model"),
            pinned([*range(8, 24), *range(96, 112)], "0-3,88-91"),
            numatune("strict", "0,8", 0, 8),
            huge("1G", 0, 1),
            machine=POWER,
        ),
        power9(),
    )
    yield Variant(
        "gpu-memory-below-node-255",
        domain(
            64,
            vcpus(4, 1, 4, cells(64, "0-15"), mode="host-model"),
            pinned(["92-175"] * 16, "88-175"),
            numatune("strict", "8", 8),
            machine=POWER,
        ),
        power9(252, 253, 254),
        NODE_BOUND,
    )
    yield Variant(
        "nodes-0-1-16-17-smt-off",
        domain(
            16,
            vcpus(4, 1, mode="host-model"),
            pinned(["80,88,96,104,112"] * 4, "80,88,96,104,112"),
            numatune("strict", "16"),
            machine=POWER,
        ),
        power8(),
        NODE_BOUND,
    )


PATTERNS: dict[str, Callable[[], Iterator[Variant]]] = {
    "nova-dedicated": nova_dedicated,
    "nova-numa-shared": nova_numa_shared,
    "nova-shared": nova_shared,
    "kubevirt": kubevirt,
    "ovirt-high-performance": ovirt_high_performance,
    "hana": hana,
    "epyc-single-vcpu": epyc_single_vcpu,
    "desktop-vfio": desktop_vfio,
    "near-nodes": near_nodes,
    "gpu-nodes": gpu_nodes,
    "power": power,
}
"""All but the twelfth, libvirt's own test files."""

VARIANTS = [
    pytest.param(variant, id=f"{pattern}/{variant.name}") for pattern, each in PATTERNS.items() for variant in each()
]

# --- the tests --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    """The rules about one domain that are on by default."""
    return [rule for rule in plugins.load().rules.values() if rule.enabled and rule.shape in ("domain", "placement")]


def said(rules: Iterable[Rule], domain: Domain, host: Host) -> Iterator[tuple[Severity, Rule, Finding]]:
    for rule in rules:
        for finding in findings(rule, domain, host):
            yield finding.severity or rule.severity, rule, finding


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_experts_write_on_purpose_draws_no_warning(variant: Variant, rules: list[Rule]) -> None:
    loud = [
        f"{severity}[{rule.id}]: {finding.message}"
        for severity, rule, finding in said(rules, read_domain(variant.domain), read_host(variant.host))
        if severity.rank >= Severity.WARNING.rank
    ]
    assert not loud, "\n".join(loud)


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_rule_passes_over_a_pattern_for_want_of_a_fact(variant: Variant, rules: list[Rule]) -> None:
    placement = Placement(read_domain(variant.domain), read_host(variant.host))
    assert placement.host.unknown <= UNSAID
    for rule in rules:
        if not rule.needs & UNSAID:
            for each in rule.check(placement.domain if rule.shape == "domain" else placement):
                assert not isinstance(each, NotJudged) or each.fact in UNSAID, f"{rule.id}: {each}"


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_pattern_is_what_it_is_meant_to_be_and_its_host_has_all_that_it_names(variant: Variant) -> None:
    domain, host = read_domain(variant.domain), read_host(variant.host)
    assert Placement(domain, host).intent is variant.intent
    pins = [domain.cpuset, domain.emulatorpin, *domain.vcpupins.values(), *domain.iothreadpins.values()]
    assert all(pin.cpus <= host.cpus for pin in pins if pin is not None)
    bindings = [domain.memory, *domain.memnodes.values()]
    assert all(binding.nodes <= host.memory_nodes for binding in bindings if binding is not None)
    assert all(host.node_of_pci(address) is not None for address in domain.pci_devices)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_has_three_spellings_or_more(pattern: str) -> None:
    names = [variant.name for variant in PATTERNS[pattern]()]
    assert len(set(names)) == len(names) >= 3


FAMILIES = ("cpu-numa", "cpu-topology", "cputune", "hugepages", "iothreads", "memory-hotplug", "numad", "numatune",
            "pci-expander-bus", "pcie-expander-bus", "smp", "vcpu-placement")  # fmt: skip
"""The test files of libvirt that are about placement."""

REFUSED = frozenset({
    "cpu-numa3",
    "cputune-iothreadsched-toomuch",
    "hugepages-memaccess-invalid",
    "numad-auto-vcpu-static-numatune-no-nodeset",
    "numatune-memory-invalid-nodeset",
    "pci-expander-bus-bad-machine",
    "pcie-expander-bus-bad-machine",
})  # fmt: skip
"""Those of them that libvirt 9.0.0 does not define, the corpus's files having been given to it."""


def accepted(libvirt_tests: Path) -> list[Path]:
    files = sorted(libvirt_tests.glob("**/qemuxml*/*.xml"))
    names = {path: path.stem.removeprefix("qemuxml2argv-").removeprefix("qemuxml2xmlout-") for path in files}
    return [path for path, name in names.items() if name.startswith(FAMILIES) and name not in REFUSED]


def test_no_test_file_that_libvirt_accepts_is_called_incorrect(corpus: Path, rules: list[Rule]) -> None:
    files = accepted(corpus / "domains" / "libvirt-tests")
    if not files:
        pytest.skip("the corpus has no test files of libvirt")
    wrong = [
        f"{path.name}: {rule.id}: {finding.message}"
        for path in files
        for severity, rule, finding in said(rules, read_domain(path.read_text()), UNKNOWN_HOST)
        if severity is Severity.ERROR and rule.category is Category.CORRECTNESS
    ]
    assert not wrong, "\n".join(wrong)
