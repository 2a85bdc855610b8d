"""CPU time of numalint as ratios: over 1,000 domains against bare lxml, and at start-up against the bare imports."""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

RUNS = 7
DOMAINS = 1000

HOST = """format = 1
name = "kvm01"
[topology]
sockets = 2
cores_per_node = 32
cores_per_l3 = 32
threads_per_core = 2
cpu_numbering = "threads-last"
memory_per_node = "512 TiB"
distances = [[10, 21], [21, 10]]
[cpus]
isolated = ""
housekeeping = "0,64,32,96"
offline = ""
[node.0]
hugepages = { "2M" = 134217728 }
pci_buses = ["0000:00-7f"]
[node.1]
hugepages = { "2M" = 134217728 }
pci_buses = ["0000:80-ff"]
"""

PARSE = "import glob; from lxml import etree\nfor path in glob.glob('*.xml'): etree.parse(path)"
IMPORTS = "import click, msgspec, pluggy, lxml.etree, importlib.metadata"


def domain(number: int) -> str:
    """A domain as ``virsh dumpxml`` prints it, of 8 to 24 pinned vCPUs; one in twenty is bad."""
    nic = number // 2 % 28000  # a virtual function of its own
    node, vcpus = number % 2, (8, 12, 16, 24)[number % 4]
    good = number % 20 != 0
    first = node * 32
    cpus = f"{first + 1}-{first + 31},{first + 65}-{first + 95}"
    pins = "\n".join(f"    <vcpupin vcpu='{vcpu}' cpuset='{cpus}'/>" for vcpu in range(vcpus))
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
{pins}
    <emulatorpin cpuset='{first},{first + 64}'/>
    <iothreadpin iothread='1' cpuset='{first},{first + 64}'/>
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
        <address domain='0x0000' bus='{0x10 + node * 0x80 + nic // 256:#04x}' slot='{nic // 8 % 32:#04x}' function='{nic % 8:#x}'/>
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


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        fleet, single = Path(made) / "fleet", Path(made) / "single"
        for folder, count in ((fleet, DOMAINS), (single, 1)):
            folder.mkdir()
            (folder / "kvm01.host.toml").write_text(HOST)
            for number in range(1, count + 1):
                (folder / f"vm{number}.xml").write_text(domain(number))
        python = sys.executable
        check = [python, "-m", "numalint", "check", ".", "--format", "concise"]
        commands = {
            "check 1,000": (check, fleet),
            "check one": (check, single),
            "version": ([python, "-m", "numalint", "--version"], single),
            "lxml 1,000": ([python, "-c", PARSE], fleet),
            "lxml one": ([python, "-c", PARSE], single),
            "imports": ([python, "-c", IMPORTS], single),
        }
        os.environ["PYTHONDONTWRITEBYTECODE"] = ""
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(RUNS + 1):  # the first warms up and is not counted
            for name, (command, folder) in commands.items():
                times[name].append(cpu_seconds(command, str(folder)))
        median = {name: statistics.median(each[1:]) for name, each in times.items()}
    for name, seconds in median.items():
        print(f"{name:<12} {seconds * 1000:8.1f} ms CPU (median of {RUNS})")
    work = median["check 1,000"] - median["check one"]
    bare = median["lxml 1,000"] - median["lxml one"]
    print(f"check / bare lxml.etree.parse, {DOMAINS} domains: {work / bare:.2f} (goal 3)")
    print(f"check of one domain / bare imports: {median['check one'] / median['imports']:.2f} (goal 1.5)")
    print(f"--version / bare imports: {median['version'] / median['imports']:.2f}")


if __name__ == "__main__":
    main()
