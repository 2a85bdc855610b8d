"""Real outputs of lscpu, numactl and numastat against what independent tools say of the same hosts.

The judges are hwloc's reading of the host's sysfs snapshot and the plain files in it (MANIFEST.md of the corpus says
how they were taken). Skipped where the corpus is absent.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from numalint.loaders.document import Document, LoadError, read_head
from numalint.loaders.host.formats import FORMATS
from numalint.loaders.host.inputs import recognise
from numalint.loaders.host.merge import merge
from numalint.model.host import Host
from numalint.model.idset import HostCpus, IdSet

MIB = 1 << 20

NO_NODES = "the kernel has no NUMA and lscpu lists no node, where hwloc adds a node 0"
NO_COLUMN = "a table lists CPUs, and so no node without any; the summary of the same lscpu has them all"
UNKNOWN = "the kernel's files of cores and packages are not where lscpu looks: its columns are empty"
UNCONFIRMED = "equal Core numbers, but an L1d cache for each thread: not to be told from two types of CPU"
CONFLICTS = "the snapshot contradicts itself on purpose: lscpu takes each CPU's word, hwloc drops what overlaps"
HOMELESS = "numactl lists CPUs by node, and 9 online CPUs of this edited snapshot are on none"
EDITED = "CPU 4 was taken from the online CPUs of this snapshot, and its list of offline CPUs is not there"

TABLES = ("lscpu-e-J.json", "lscpu-p.txt")
DIFFERENT = {
    **{(f"{name}.expected.txt", "number of nodes"): NO_NODES for name in ("armv7", "ppc-qemu", "rv64-linux", "s390-zvm")},
    ("rv64-linux.expected.txt", "cores"): UNCONFIRMED,
    **{
        (f"hwloc-2i386-2t-hugepagesizecount.{output}", "number of nodes"): NO_NODES
        for output in ("lscpu.txt", "lscpu-J.json", *TABLES)
    },
    **{(f"hwloc-fakeheteromemtiers.{table}", what): NO_COLUMN for table in TABLES for what in ("number of nodes", "nodes")},
    **{
        (f"hwloc-fakememinitiators-1np2c+1npp+gi.{table}", what): reason
        for table in TABLES
        for what, reason in (
            ("number of nodes", NO_COLUMN),
            ("nodes", NO_COLUMN),
            ("sockets", UNKNOWN),
            ("cores", UNKNOWN),
        )
    },
    **{(f"hwloc-fakecpuid1f-64intel64-2p4d2n2c2t.{table}", "cores"): UNCONFIRMED for table in TABLES},
    **{
        (f"hwloc-40intel64-4n10c+pci-conflicts.{table}", what): CONFLICTS
        for table in TABLES
        for what in ("number of sockets", "sockets", "L3 caches")
    },
    **{
        (f"hwloc-16amd64-8n2c-cpusets.{output}", "offline CPUs"): EDITED
        for output in ("lscpu.txt", "lscpu-J.json", "lscpu-e-J.json")
    },
    ("hwloc-offline-cpu0-node0.hardware.txt", "CPUs"): HOMELESS,
}  # fmt: skip


@pytest.fixture(scope="module")
def facts(corpus: Path) -> list[dict]:
    """What facts.json says of each file."""
    files: list[dict] = json.loads((corpus / "hosts" / "facts.json").read_text())["files"]
    return files


def read(path: Path) -> Host:
    data = path.read_bytes()
    format = recognise(read_head(data), FORMATS)
    assert format is not None, path
    return format.load(Document(path.name, data), pytest.fail)


def cpus(text: str | None) -> HostCpus:
    """A list as a sysfs file has it: it may be empty, or end in NULs."""
    text = (text or "").replace("\0", "").strip()
    return IdSet.parse(text) if text else IdSet()


def of_counts(host: Host, counted: dict) -> Iterator[str]:
    """Against the counts that hwloc gives for the host; numactl's entries have none."""
    if "pus" not in counted:
        return
    if host.cpus != cpus(counted["pus"]):
        yield "CPUs"
    if len(host.nodes or ()) != counted["numa_node_count"]:
        yield "number of nodes"
    for what, stated, number in (
        ("sockets", host.sockets, counted["package_count"]),
        ("cores", host.cores, counted["core_count"]),
    ):
        if stated is not None and len(stated) != number:
            yield f"number of {what}"


def of_sets(host: Host, known: dict, of_table: bool) -> Iterator[str]:
    """Against the sets of CPUs that hwloc gives; a table should state them where hwloc does."""
    for what, stated, told in (
        ("sockets", host.sockets, [each["cpus"] for each in known["packages"]]),
        ("cores", host.cores, known["cores"]),
        ("L3 caches", host.l3 and [cache.cpus for cache in host.l3], [each["cpus"] for each in known["l3_caches"]]),
    ):
        if set(stated or ()) != {cpus(each) for each in told} and (stated is not None or of_table):
            yield what


def of_nodes(host: Host, snapshot: dict) -> Iterator[str]:
    """Against the plain files: what is online and offline, and each node's cpulist, distance and MemTotal."""
    plain, files = snapshot["sysfs_files"], snapshot.get("node_files") or {}
    online = cpus(plain.get("online")) or cpus(snapshot["facts"]["pus"])
    if host.cpus is not None and host.cpus != online:
        yield "CPUs"
    if host.offline is not None and host.offline != cpus(plain.get("offline")) & cpus(plain.get("present")):
        yield "offline CPUs"
    if host.nodes is not None and {node.id for node in host.nodes} != set(map(int, files)):
        yield "nodes"
    for node in host.nodes or ():
        file = files[str(node.id)]
        if node.cpus is not None and "cpulist" in file and node.cpus != cpus(file["cpulist"]) & online:
            yield f"CPUs of node {node.id}"
        if node.memory_bytes is not None and abs(node.memory_bytes - file["MemTotal_kB"] * 1024) > MIB:
            yield f"memory of node {node.id}"
        # The file has a column for each node in the order of their ids; one of an edited snapshot has a column more.
        told = dict(zip(sorted(map(int, files)), map(int, file.get("distance", "").split()), strict=False))
        if node.distances and dict(node.distances) != told:
            yield f"distances of node {node.id}"


def snapshot_of(entry: dict, facts: list[dict]) -> dict | None:
    """What facts.json says of the sysfs snapshot of the same host."""
    named = entry.get("derived_from") or entry.get("same_host_as")
    return next((each for each in facts if each["file"] == named), None)


def test_every_output_says_what_hwloc_and_the_plain_files_say(corpus: Path, facts: list[dict]) -> None:
    compared: Counter[str] = Counter()
    found = set()
    for entry in facts:
        if entry["format"] not in ("lscpu", "numactl") or "process-table" in entry["tags"] or "facts" not in entry:
            continue
        path = corpus / "hosts" / entry["file"]
        host, snapshot = read(path), snapshot_of(entry, facts)
        assert snapshot is not None, path
        of_table = path.name.endswith((*TABLES, ".expected.txt"))
        compared[
            path.name.split(".")[-2].removeprefix("numastat-") if "numastat" in path.name else entry["format"]
        ] += 1
        for different in (
            of_counts(host, entry["facts"]),
            of_nodes(host, snapshot),
            of_sets(host, snapshot["facts"], of_table),
        ):
            found |= {(path.name, what) for what in different}
    assert found == set(DIFFERENT)
    assert compared == {"lscpu": 58, "numactl": 16, "m": 6, "cm": 3}


def test_numactl_of_another_project_without_facts(corpus: Path, facts: list[dict]) -> None:
    without = [entry["file"] for entry in facts if entry["format"] in ("lscpu", "numactl") and "facts" not in entry]
    assert without == ["numactl/vdsm-4-nodes.hardware.txt"]
    host = read(corpus / "hosts" / without[0])
    assert [(str(node.cpus), node.memory_bytes) for node in host.nodes] == [
        ("0-7", 65525 * MIB),
        ("8-15", 65536 * MIB),
        ("16-23", 65536 * MIB),
        ("24-31", 65535 * MIB),
    ]
    assert host.distance(0, 3) == 20


def test_counts_of_lscpus_own_rows_are_those_of_its_tables(corpus: Path, facts: list[dict]) -> None:
    rows = 0
    for entry in facts:
        told = (entry.get("facts") or {}).get("lscpu_rows")
        if told is None or not entry["file"].endswith(TABLES):
            continue
        rows += 1
        host = read(corpus / "hosts" / entry["file"])
        assert len(host.cpus or ()) == told["online_cpus"]
        assert len(host.sockets or ()) == told["sockets"]
        assert host.notes or len(host.cores or ()) == told["cores"]  # a note says why cores are not known
        assert {str(node.id): len(node.cpus or ()) for node in host.nodes or ()} == {
            node: int(said.split()[0]) if said.endswith("cpus") else len(cpus(said))
            for node, said in told["nodes_with_online_cpus"].items()
        }
    assert rows == 24


def test_outputs_of_one_snapshot_are_merged_as_one_host(corpus: Path, facts: list[dict]) -> None:
    together: dict[str, list[tuple[int, Host]]] = {}
    for entry in facts:
        if entry["format"] in ("lscpu", "numactl") and "derived_from" in entry and "process-table" not in entry["tags"]:
            path = corpus / "hosts" / entry["file"]
            format = recognise(read_head(path.read_bytes()), FORMATS)
            assert format is not None
            together.setdefault(entry["derived_from"], []).append((format.rank, read(path)))
    several = {name: hosts for name, hosts in together.items() if len(hosts) > 1}
    assert len(several) == 13
    warned = {Path(name).name for name, hosts in several.items() if merge(hosts)[1]}
    assert warned == {
        "hwloc-fakeheteromemtiers.tar.bz2",  # its nodes without CPUs are in no table of lscpu
        "hwloc-fakememinitiators-1np2c+1npp+gi.tar.bz2",  # the same
        "hwloc-offline-cpu0-node0.tar.bz2",  # its CPUs on no node are not in numactl
    }


def test_every_file_is_read_or_refused_with_a_sentence(corpus: Path) -> None:
    refused = {}
    files = [path for folder in ("lscpu", "numactl") for path in sorted((corpus / "hosts" / folder).iterdir())]
    assert len(files) == 90
    for path in files:
        try:
            read(path)
        except LoadError as error:
            refused[path.name] = (error.line, error.message, bool(error.help))
    processes = "this is numastat's table of processes: it says where their memory is, and nothing of the host"
    assert refused == {
        f"numastat-{name}.txt": (2, processes, True)
        for name in (
            "one-vm-categories",
            "skip-zero-columns",
            "three-vms-2-nodes",
            "three-vms-2-nodes-wide",
            "three-vms-many-nodes",
            "three-vms-many-nodes-folded-at-80",
        )
    }
