"""CPU time of numalint as ratios: over many domains against bare lxml, and at start-up against the bare imports."""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

CONFIG = """[hosts.kvm01]
topology = ["kvm01.toml"]
domains = []
overcommit = 100000
"""
"""All domains are on one host, of which there is enough: what is wrong is wrong within a domain."""

CORES = 48
"""The cores of a node, two threads each: CPUs 0-47 and 96-143 are on node 0."""

HOST = f"""format = 1
name = "kvm01"
[topology]
sockets = 2
cores_per_node = {CORES}
cores_per_l3 = {CORES}
threads_per_core = 2
cpu_numbering = "threads-last"
memory_per_node = "4096 TiB"
distances = [[10, 21], [21, 10]]
[cpus]
isolated = ""
housekeeping = "0,48,96,144"
offline = ""
[node.0]
hugepages = {{ "2M" = 1073741824 }}
pci_buses = ["0000:00-7f"]
[node.1]
hugepages = {{ "2M" = 1073741824 }}
pci_buses = ["0000:80-ff"]
"""

PARSE = "import glob; from lxml import etree\nfor path in glob.glob('*.xml'): etree.parse(path)"
IMPORTS = "import lxml.etree, click, pluggy, msgspec, importlib.metadata"


def capabilities() -> str:
    """The same host as ``virsh capabilities`` prints it."""
    cells = ""
    for node in (0, 1):
        lines = "\n".join(
            f"          <cpu id='{cpu}' socket_id='{node}' die_id='0' core_id='{core}' siblings='{core},{core + 2 * CORES}'/>"
            for core in range(node * CORES, (node + 1) * CORES)
            for cpu in (core, core + 2 * CORES)
        )
        cells += f"""
      <cell id='{node}'>
        <memory unit='KiB'>4398046511104</memory>
        <pages unit='KiB' size='4'>1099511627</pages>
        <pages unit='KiB' size='2048'>1073741824</pages>
        <distances>
          <sibling id='0' value='{10 + node * 11}'/>
          <sibling id='1' value='{21 - node * 11}'/>
        </distances>
        <cpus num='{2 * CORES}'>
{lines}
        </cpus>
      </cell>"""
    return f"""<capabilities>
  <host>
    <uuid>00000000-0000-4000-8000-000000000000</uuid>
    <cpu><arch>x86_64</arch></cpu>
    <topology>
      <cells num='2'>{cells}
      </cells>
    </topology>
  </host>
</capabilities>
"""


def pins(vcpus: int, first: int, apart: bool) -> str:
    """The ``<vcpupin>`` of each vCPU: to all CPUs of the node that the host does not keep or, ``apart``, to four cores."""
    second = first + 2 * CORES
    sets = [f"{first + 1}-{first + CORES - 1},{second + 1}-{second + CORES - 1}"]
    if apart:
        sets = [f"{first + at}-{first + at + 3},{second + at}-{second + at + 3}" for at in range(4, CORES, 4)]
    return "\n".join(f"    <vcpupin vcpu='{vcpu}' cpuset='{sets[vcpu % len(sets)]}'/>" for vcpu in range(vcpus))


def domain(number: int, good: bool | None = None) -> str:
    """A domain as ``virsh dumpxml`` prints it, of 8 to 32 pinned vCPUs and 20 devices; unless it is said, one in twenty is bad."""
    nic = number // 2 % 28000  # a virtual function of its own
    node, vcpus = number % 2, (8, 16, 24, 32)[number // 2 % 4]
    good = number % 20 != 0 if good is None else good
    first = node * CORES
    numatune = f"  <numatune>\n    <memory mode='strict' nodeset='{node}'/>\n  </numatune>" if good else ""
    disks = "\n".join(
        f"""    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none' io='native' iothread='1'/>
      <source file='/var/lib/libvirt/images/vm{number}-{disk}.qcow2'/>
      <target dev='vd{"abcd"[disk]}' bus='virtio'/>
      <address type='pci' domain='0x0000' bus='0x0{disk + 3}' slot='0x00' function='0x0'/>
    </disk>"""
        for disk in range(3)
    )
    controllers = "\n".join(
        f"""    <controller type='pci' index='{index}' model='pcie-root-port'>
      <model name='pcie-root-port'/>
      <target chassis='{index}' port='{index + 15:#x}'/>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='{index % 8:#x}'/>
    </controller>"""
        for index in range(1, 15)
    )
    return f"""<domain type='kvm'>
  <name>vm{number}</name>
  <uuid>00000000-0000-4000-8000-{number:012d}</uuid>
  <memory unit='KiB'>16777216</memory>
  <currentMemory unit='KiB'>16777216</currentMemory>
  <memoryBacking>
    <hugepages>
      <page size='2048' unit='KiB'/>
    </hugepages>
    <nosharepages/>
  </memoryBacking>
  <vcpu placement='static'>{vcpus}</vcpu>
  <iothreads>1</iothreads>
  <cputune>
{pins(vcpus, first, apart=number % 3 == 0)}
    <emulatorpin cpuset='{first},{first + 2 * CORES}'/>
    <iothreadpin iothread='1' cpuset='{first},{first + 2 * CORES}'/>
  </cputune>
{numatune}
  <os>
    <type arch='x86_64' machine='pc-q35-8.2'>hvm</type>
    <boot dev='hd'/>
  </os>
  <features><acpi/><apic/></features>
  <cpu mode='host-passthrough' check='none' migratable='on'>
    <topology sockets='1' dies='1' clusters='1' cores='{vcpus // 2}' threads='2'/>
  </cpu>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
{disks}
{controllers}
    <interface type='bridge'>
      <mac address='52:54:00:00:{number // 256:02x}:{number % 256:02x}'/>
      <source bridge='br0'/>
      <model type='virtio'/>
    </interface>
    <hostdev mode='subsystem' type='pci' managed='yes'>
      <source>
        <address domain='{number // 56000:#06x}' bus='{0x10 + node * 0x80 + nic // 256:#04x}' slot='{nic // 8 % 32:#04x}' function='{nic % 8:#x}'/>
      </source>
    </hostdev>
    <memballoon model='virtio'/>
  </devices>
</domain>
"""


def cpu_seconds(command: list[str], folder: str) -> float:
    """User and system time of a whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode > 1:
        sys.exit(f"{command} ended in {done.returncode}: {done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def numalint(*arguments: str) -> list[str]:
    """The command as its console script runs it."""
    return [sys.executable, "-c", "from numalint.__main__ import run; run()", *arguments]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domains", type=int, default=10_000, metavar="N", help="how many domains there are (10,000)")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="of how many runs the median is taken (5)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        fleet, single = Path(made) / "fleet", Path(made) / "single"
        fleet.mkdir()
        single.mkdir()
        (fleet / "numalint.toml").write_text(CONFIG)
        (fleet / "kvm01.toml").write_text(HOST)
        for number in range(1, options.domains + 1):
            (fleet / f"vm{number}.xml").write_text(domain(number))
        (single / "one.xml").write_text(domain(1))
        (single / "caps.xml").write_text(capabilities())
        commands = {
            "check": (numalint("check", ".", "--host", "kvm01", "--format", "concise"), fleet),
            "lxml.etree.parse": ([sys.executable, "-c", PARSE], fleet),
            "check one": (numalint("check", "one.xml", "--host", "caps.xml"), single),
            "imports": ([sys.executable, "-c", IMPORTS], single),
            "--version": (numalint("--version"), single),
        }
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(options.runs + 1):  # the first warms up and is not counted
            for name, (command, folder) in commands.items():
                times[name].append(cpu_seconds(command, str(folder)))
        median = {name: statistics.median(each[1:]) for name, each in times.items()}
    for name, seconds in median.items():
        print(f"{name:<16} {seconds * 1000:8.1f} ms CPU (median of {options.runs})")
    for one, other, goal in (
        ("check", "lxml.etree.parse", 3),
        ("check one", "imports", 1.5),
        ("--version", "imports", 1),
    ):
        print(f"{one} / {other}: {median[one] / median[other]:.2f} (goal {goal})")


if __name__ == "__main__":
    main()
