"""Real copies of sysfs against what hwloc, lscpu, numactl and cat say of them. Skipped where the corpus is absent.

The corpus names per file where hwloc's answer is not that of the plain files (``hwloc_differs_from_plain_reading``);
there the plain files count. What differs all the same stands in DIFFERENCES with its reason, and must go on to differ.
"""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from numalint.loaders.document import Document
from numalint.loaders.host import sysfs
from numalint.model.host import Host
from numalint.model.idset import IdSet

Facts = dict[str, Any]
Answers = dict[str, object]
"""What is compared of one file, each answer by a name that tells which one differs."""

NO_PACKAGE_ID = "physical_package_id is -1 or missing, so not known: hwloc makes packages of core_siblings, lacking ids"
ALTIX = "one package id is that of two sockets: only core_siblings, which hwloc goes by, tell them apart"
CONFLICT = "made up: the masks, which hwloc and lscpu read, contradict each other; the lists and ids are whole"
NO_SIBLINGS = "the package ids are there, the core_siblings by which hwloc makes packages are not"
SHARED = "8 nodes list the same CPUs: a CPU has one home, here that of the lowest number"
NO_LINKS = "no file and no link says which CPUs its two nodes have: not known, rather than none"
CUT = "CPU 1 says that its thread sibling is CPU 0 alone: contradictory, so not known"
PROC = "its only node has no meminfo: the memory is that of proc/meminfo, which hwloc does not look at"

DIFFERENCES = {
    ("cpus_of_nodes", "hwloc-8em64t-2s2ca2c-buggynuma.tar.bz2"): SHARED,
    ("cpus_of_nodes", "libvirt-linux-test1.tar.gz"): NO_LINKS,
    ("memory", "ghw-ryzen-1600.tar.gz"): PROC,
    ("cores", "libvirt-linux-test1.tar.gz"): CUT,
    ("sockets", "hwloc-16ia64-8n2s.tar.bz2"): ALTIX,
    ("sockets", "hwloc-2s390-2c.tar.bz2"): NO_PACKAGE_ID,
    ("sockets", "hwloc-40intel64-4n10c+pci-conflicts.tar.bz2"): CONFLICT,
    ("sockets", "hwloc-4ia64-4s.tar.bz2"): NO_PACKAGE_ID,
    ("sockets", "libvirt-linux-raspberrypi.tar.gz"): NO_PACKAGE_ID,
    ("sockets", "libvirt-linux-test3.tar.gz"): NO_SIBLINGS,
    ("sockets", "lscpu-ppc-qemu.tar.gz"): NO_PACKAGE_ID,
    ("sockets", "lscpu-ppc64-POWER7.tar.gz"): NO_PACKAGE_ID,
    ("sockets", "lscpu-rv64-linux.tar.gz"): NO_PACKAGE_ID,
    ("sockets", "lscpu-s390-zvm.tar.gz"): NO_PACKAGE_ID,
    ("caches", "hwloc-40intel64-4n10c+pci-conflicts.tar.bz2"): CONFLICT,
}
"""By what is compared and file: why our answer is another one."""


def read(text: str) -> frozenset[int]:
    """A list of the kernel's (``0-3,8``), or numbers between blanks."""
    found: set[int] = set()
    for term in text.replace(",", " ").replace("\0", "").split():
        first, _, last = term.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def read_mask(text: str) -> frozenset[int]:
    mask = int(text.replace(",", "").strip("\n\0 "), 16)
    return frozenset(number for number in range(mask.bit_length()) if mask >> number & 1)


def ids(cpus: IdSet[Any] | None) -> frozenset[int] | None:
    return None if cpus is None else frozenset(cpus)


def sets(found: tuple[IdSet[Any], ...] | None) -> frozenset[frozenset[int]] | None:
    return None if found is None else frozenset(frozenset(each) for each in found)


def present_and_online(facts: Facts) -> frozenset[int]:
    files = facts["sysfs_files"]
    if "online" not in files:
        return read(facts["facts"]["pus"])
    return read(files["online"]) & read(files.get("present", files["online"]))


def plain_nodes(facts: Facts) -> frozenset[int]:
    return frozenset(map(int, facts.get("node_files", {}))) or frozenset({0})


def is_plain(facts: Facts, *words: str) -> bool:
    """Whether hwloc's answer on one of ``words`` is not that of the plain files."""
    return any(word in facts["hwloc_differs_from_plain_reading"] for word in words)


def nodes(host: Host, facts: Facts) -> tuple[Answers, Answers]:
    hwloc = frozenset(node["os_index"] for node in facts["facts"]["numa_nodes"])
    wanted = plain_nodes(facts) if is_plain(facts, "node set") else hwloc
    return {"nodes": frozenset(node.id for node in host.nodes)}, {"nodes": wanted}


def cpus_of_nodes(host: Host, facts: Facts) -> tuple[Answers, Answers]:
    online = present_and_online(facts)
    wanted: Answers = {}
    if not is_plain(facts, "node set", "CPUs of a node"):
        wanted = {f"node {node['os_index']}": read(node["cpus"]) for node in facts["facts"]["numa_nodes"]}
    for number, files in facts.get("node_files", {}).items() if not wanted else ():
        if "cpulist" in files:
            wanted[f"node {number}"] = read(files["cpulist"]) & online
        elif "cpumap" in files:
            wanted[f"node {number}"] = read_mask(files["cpumap"]) & online
        else:
            wanted[f"node {number}"] = read(facts["node_cpu_links_ls"][number]) & online
    wanted = wanted or {"node 0": online}
    got: Answers = {f"node {node.id}": ids(node.cpus) for node in host.nodes}
    counts = facts.get("numactl_2.0.16", {})
    for number, said in counts.items() if "error" not in counts else ():
        wanted[f"numactl's count on node {number}"] = said["cpus"]
        got[f"numactl's count on node {number}"] = len(host.node_by_id[int(number)].cpus)
    return got, wanted


def lscpu_nodes(host: Host, facts: Facts) -> tuple[Answers, Answers]:
    """lscpu lists the CPUs of the nodes that have some; of many it only says how many."""
    said = facts["lscpu_2.38.1"].get("nodes_with_online_cpus") or {}
    wanted = {f"node {number}": text if "cpus" in text else read(text) for number, text in said.items()}
    got = {}
    for number, text in said.items():
        cpus = host.node_by_id[int(number)].cpus
        got[f"node {number}"] = f"{len(cpus)} cpus" if "cpus" in text else ids(cpus)
    return got, wanted


def memory(host: Host, facts: Facts) -> tuple[Answers, Answers]:
    """hwloc says 0 where it found no size."""
    files = facts.get("node_files", {})
    wanted: Answers = {}
    if is_plain(facts, "node set") and files:
        for number, said in files.items():
            wanted[f"node {number}"] = said["MemTotal_kB"] * 1024 if "MemTotal_kB" in said else None
    else:
        for node in facts["facts"]["numa_nodes"]:
            stated = "MemTotal_kB" in files.get(str(node["os_index"]), {}) or node["memory_bytes"]
            wanted[f"node {node['os_index']}"] = node["memory_bytes"] if stated else None
    counts = facts.get("numactl_2.0.16", {})
    got: Answers = {f"node {node.id}": node.memory_bytes for node in host.nodes}
    for number, said in counts.items() if "error" not in counts else ():
        if said.get("size_mib") is not None and wanted.get(f"node {number}") is not None:
            wanted[f"numactl's MiB on node {number}"] = said["size_mib"]
            got[f"numactl's MiB on node {number}"] = (host.node_by_id[int(number)].memory_bytes or 0) >> 20
    return got, wanted


def distances(host: Host, facts: Facts) -> tuple[Answers, Answers]:
    matrix = facts["facts"]["numa_distances"]
    got: Answers = {f"from node {node.id}": node.distances for node in host.nodes}
    wanted: Answers = {key: {} for key in got}
    columns = sorted(read(facts["sysfs_files"].get("node_online", "")) or plain_nodes(facts))
    for number, files in facts.get("node_files", {}).items():
        values = [int(word) for word in files.get("distance", "").split()]
        if len(values) == len(columns):
            wanted[f"from node {number}"] = dict(zip(columns, values, strict=True))
    if matrix is not None:
        for number, row in zip(matrix["nodes"], matrix["values"], strict=True):
            assert wanted[f"from node {number}"] == dict(zip(matrix["nodes"], row, strict=True)), "hwloc and cat differ"
    return got, wanted


def cores(host: Host, facts: Facts) -> tuple[Answers, Answers]:
    got: Answers = {"cores": sets(host.cores)}
    hwloc = frozenset(read(core) for core in facts["facts"]["cores"])
    wanted: Answers = {"cores": None if is_plain(facts, "cores") else hwloc}
    if facts["lscpu_2.38.1"].get("cores"):
        got["lscpu's count"], wanted["lscpu's count"] = len(host.cores or ()), facts["lscpu_2.38.1"]["cores"]
    return got, wanted


def sockets(host: Host, facts: Facts) -> tuple[Answers, Answers]:
    wanted = frozenset(read(package["cpus"]) for package in facts["facts"]["packages"])
    return {"sockets": sets(host.sockets)}, {"sockets": wanted or None}


def caches(host: Host, facts: Facts) -> tuple[Answers, Answers]:
    got = frozenset((ids(cache.cpus), cache.size_bytes) for cache in host.l3 or ())
    wanted = frozenset((read(cache["cpus"]), cache["size_bytes"] or None) for cache in facts["facts"]["l3_caches"])
    return {"L3": got}, {"L3": wanted}


def pools(host: Host, facts: Facts) -> tuple[Answers, Answers]:
    wanted: Answers = {}
    got: Answers = {}
    for number, said in facts.get("hugepages_nr_by_node_and_kib", {}).items():
        found = host.node_by_id[int(number)].hugepages or {}
        got[f"node {number}"] = {size: pool.total for size, pool in found.items()}
        wanted[f"node {number}"] = {int(size) * 1024: total for size, total in said.items()}
    return got, wanted


def pci(host: Host, facts: Facts) -> tuple[Answers, Answers]:
    """A device's own numa_node; hwloc too, where it places a device otherwise than at the whole machine."""
    files = facts.get("pci_files", {})
    wanted: Answers = {address: int(said.get("numa_node", -1)) for address, said in files.items()}
    got: Answers = {}
    for address, device in (host.pci or {}).items():
        got[str(address)] = -1 if device.node is None else device.node
    for device in facts["facts"]["pci_devices"]:
        address = device["address"]
        if device["attached_to"] != "machine":
            wanted[f"hwloc's {address}"], got[f"hwloc's {address}"] = read(device["local_nodes"]), {got[address]}
        for name in device["os_devices"]:
            wanted[f"{name} is on"], got[f"{name} is on"] = address, str(host.names.get(name))
        for name in files[address].get("net", []):
            wanted[f"{name} is on"], got[f"{name} is on"] = address, str(host.names.get(name))
    return got, wanted


def offline_and_isolated(host: Host, facts: Facts) -> tuple[Answers, Answers]:
    files = facts["sysfs_files"]
    got: Answers = {"online": ids(host.cpus)}
    wanted: Answers = {"online": read(facts["facts"]["pus"])}
    if "online" in files:
        got["online∩present"], wanted["online∩present"] = ids(host.cpus), present_and_online(facts)
    if "present" in files and "online" in files:
        got["offline"], wanted["offline"] = ids(host.offline), read(files["present"]) - read(files["online"])
    if "present" in files and "offline" in files:
        got["offline∩present"] = ids(host.offline)
        wanted["offline∩present"] = read(files["offline"]) & read(files["present"])
    got["isolated"] = ids(host.isolated)
    wanted["isolated"] = read(files["isolated"]) if "isolated" in files else None
    return got, wanted


@pytest.fixture(scope="module")
def loaded(corpus: Path) -> list[tuple[Host, Facts]]:
    folder = corpus / "hosts"
    if not (folder / "facts.json").is_file():
        pytest.skip("the corpus has no hosts")
    entries = json.loads((folder / "facts.json").read_text())["files"]
    found = []
    for facts in entries:
        if facts["format"] == "sysfs":
            path = folder / facts["file"]
            found.append((sysfs.load(Document(str(path), path.read_bytes()), pytest.fail), facts))
    return found


@pytest.mark.parametrize(
    ("compare", "least"),
    [
        (nodes, 54),
        (cpus_of_nodes, 54),
        (lscpu_nodes, 10),
        (memory, 54),
        (distances, 54),
        (cores, 54),
        (sockets, 54),
        (caches, 54),
        (pools, 20),
        (pci, 7),
        (offline_and_isolated, 54),
    ],
)
def test_the_answers_are_those_of_independent_tools(
    loaded: list[tuple[Host, Facts]], compare: Callable[[Host, Facts], tuple[Answers, Answers]], least: int
) -> None:
    files = answers = 0
    wrong: dict[tuple[str, str], dict[str, tuple[object, object]]] = {}
    for host, facts in loaded:
        got, wanted = compare(host, facts)
        files += bool(wanted)
        answers += len(wanted)
        differing = {key: (got.get(key), wanted.get(key)) for key in got | wanted if got.get(key) != wanted.get(key)}
        if differing:
            wrong[compare.__name__, facts["file"].removeprefix("sysfs/")] = differing
    named = {key for key in DIFFERENCES if key[0] == compare.__name__}
    counted = f"{compare.__name__}: {answers} answers of {files} files compared"
    print(counted)  # noqa: T201  # pytest -s shows how much was compared
    assert files >= least, counted
    assert {key: wrong[key] for key in wrong.keys() - named} == {}, counted
    assert named <= wrong.keys(), f"{counted}; these do not differ any more: {named - wrong.keys()}"


PACKED_ALL_WAYS = ("ghw-xeon-L5640.tar.gz", "hwloc-40intel64-2g2n4c+pcilocality.tar.bz2", "nri-server.tar.bz2")


@pytest.mark.parametrize("name", PACKED_ALL_WAYS)
def test_a_folder_states_what_its_archive_states(corpus: Path, tmp_path: Path, name: str) -> None:
    packed = corpus / "hosts" / "sysfs" / name
    with tarfile.open(packed) as archive:
        archive.extractall(tmp_path, filter="fully_trusted")  # noqa: S202  # of our own corpus
    folder = sysfs.load_folder(str(tmp_path))
    host = sysfs.load(Document("a.tar", packed.read_bytes()), pytest.fail)
    assert folder == replace(host, name=tmp_path.name, sources=(str(tmp_path),))


def test_the_largest_archive_loads_about_as_fast_as_tarfile_reads_it(corpus: Path) -> None:
    packed = max((corpus / "hosts" / "sysfs").iterdir(), key=lambda path: path.stat().st_size)
    data = packed.read_bytes()
    started = time.perf_counter()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            if member.isfile():
                archive.extractfile(member).read()
    bare = time.perf_counter() - started
    started = time.perf_counter()
    sysfs.load(Document(str(packed), data), pytest.fail)
    assert time.perf_counter() - started < 4 * bare
