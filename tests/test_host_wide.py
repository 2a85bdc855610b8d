"""Two domains that clash: 40 pairs, each in two files, of which one or the other or both are looked at."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner
from test_quiet_patterns import VARIANTS, Variant

from numalint.cli import main
from numalint.plugins import load
from numalint.testing import fleet_findings, read_host

HOST = """format = 1
name = "kvm01"
[topology]
sockets = 2
cores_per_node = 8
cores_per_l3 = 4
threads_per_core = 2
cpu_numbering = "threads-last"
memory_per_node = "64 GiB"
node_distance = { other_socket = 21 }
[cpus]
isolated = "30-31"
[node.0]
hugepages = { "1G" = 16, "2M" = 1024 }
reserved_memory = "2 GiB"
[node.1]
hugepages = { "1G" = 16, "2M" = 1024 }
reserved_memory = "2 GiB"
[[pci]]
address = "0000:3b:00.0"
node = 0
iommu_group = 30
[[pci]]
address = "0000:3b:00.1"
node = 0
iommu_group = 30
[[pci]]
address = "0000:86:00.0"
node = 1
iommu_group = 61
"""
"""Node 0 has CPUs 0-7,16-23, node 1 has 8-15,24-31: CPU n and n + 16 are one core; 44 GiB of each are for ordinary pages."""

CONFIG = """[hosts.kvm01]
topology = "kvm01.host.toml"
domains = ["domains/*.xml"]
{more}
"""


def domain(
    *pins: str,
    vcpus: int | None = None,
    cpuset: str = "",
    emulator: str = "",
    iothreads: tuple[str, ...] = (),
    realtime: str = "",
    gib: int = 1,
    balloon: int | None = None,
    bound: str = "",
    mode: str = "strict",
    page: str = "",
    cells: tuple[int, ...] = (),
    devices: str = "",
    name: str = "",
    uuid: str = "",
) -> str:
    """A domain with a pin for each vCPU; ``bound`` are the nodes of its memory, ``cells`` the GiB of each guest cell."""
    count = vcpus or len(pins) or 2
    tune = [f"<vcpupin vcpu='{vcpu}' cpuset='{cpus}'/>" for vcpu, cpus in enumerate(pins)]
    tune += [f"<emulatorpin cpuset='{emulator}'/>"] if emulator else []
    tune += [f"<iothreadpin iothread='{thread}' cpuset='{cpus}'/>" for thread, cpus in enumerate(iothreads, 1)]
    tune += [f"<vcpusched vcpus='{realtime}' scheduler='fifo' priority='1'/>"] if realtime else []
    share = count // max(len(cells), 1)
    numa = "".join(
        f"<cell id='{cell}' cpus='{cell * share}-{cell * share + share - 1}' memory='{size}' unit='GiB'/>"
        for cell, size in enumerate(cells)
    )
    parts = [
        f"<name>{name or 'NAME'}</name>",
        f"<uuid>{uuid}</uuid>" if uuid else "",
        f"<memory unit='GiB'>{sum(cells) or gib}</memory>",
        f"<currentMemory unit='GiB'>{balloon}</currentMemory>" if balloon else "",
        f"<memoryBacking><hugepages><page size='{page[:-1]}' unit='{page[-1]}'/></hugepages></memoryBacking>"
        if page
        else "",
        f"<vcpu{f' cpuset={cpuset!r}' if cpuset else ''}>{count}</vcpu>",
        f"<iothreads>{len(iothreads)}</iothreads>" if iothreads else "",
        f"<cputune>{''.join(tune)}</cputune>" if tune else "",
        f"<numatune><memory mode='{mode}' nodeset='{bound}'/></numatune>" if bound else "",
        f"<cpu><numa>{numa}</numa></cpu>" if numa else "",
        f"<devices>{devices}</devices>" if devices else "",
    ]
    return "<domain type='kvm'>\n" + "".join(f"  {part}\n" for part in parts if part) + "</domain>\n"


def address(bus: int, function: int = 0) -> str:
    return f"<address domain='0x0000' bus='0x{bus:02x}' slot='0x00' function='0x{function:x}'/>"


def hostdev(bus: int, function: int = 0) -> str:
    return f"<hostdev mode='subsystem' type='pci'><source>{address(bus, function)}</source></hostdev>"


def nvme(namespace: int, target: str = "vda") -> str:
    return (
        f"<disk type='nvme' device='disk'><source type='pci' namespace='{namespace}'>{address(0x86)}</source>"
        f"<target dev='{target}' bus='virtio'/></disk>"
    )


def mdev(uuid: str) -> str:
    source = f"<source><address uuid='{uuid}'/></source>"
    return f"<hostdev mode='subsystem' type='mdev' model='vfio-pci'>{source}</hostdev>"


def vdpa(number: int) -> str:
    return f"<interface type='vdpa'><source dev='/dev/vhost-vdpa-{number}'/></interface>"


PCI_ADDRESS = address(0x86).replace("<address", "<address type='pci'")
VF = f"<interface type='hostdev'><source>{PCI_ADDRESS}</source></interface>"
UUID = "4b20d080-1b54-4048-85b3-a6a62d165c01"


class Pair(NamedTuple):
    """Two domains on kvm01, the rule that is to speak of them, and how gravely."""

    rule: str
    severity: str
    one: str
    other: str


PAIRS = {
    "one CPU": Pair("pcpu-double-booked", "warning", domain("4", "5"), domain("5", "6")),
    "all CPUs": Pair("pcpu-double-booked", "warning", domain("4", "5"), domain("4", "5")),
    "pairs": Pair("pcpu-double-booked", "warning", domain("4,20", "4,20"), domain("4,20", "5")),
    "realtime": Pair("pcpu-double-booked", "error", domain("4", "5", realtime="1"), domain("5", "6")),
    "floats": Pair("pcpu-pinned-and-floating", "note", domain("4", "5"), domain(vcpus=4)),
    "pool over a node": Pair("pcpu-pinned-and-floating", "note", domain("4", "5"), domain(cpuset="0-7")),
    "pins over a node": Pair("pcpu-pinned-and-floating", "note", domain("4", "5"), domain("0-7", "0-7")),
    "pool on their CPUs": Pair("pcpu-pinned-and-floating", "warning", domain("4", "5"), domain(cpuset="4-5")),
    "floats over realtime": Pair("pcpu-pinned-and-floating", "warning", domain("4", "5", realtime="1"), domain()),
    "stuck on realtime": Pair(
        "pcpu-pinned-and-floating", "error", domain("4", "5", realtime="0-1"), domain(cpuset="4-5")
    ),
    "emulator": Pair("thread-on-foreign-cpus", "warning", domain("4", "5"), domain("6", "7", emulator="5")),
    "emulator of a floating one": Pair(
        "thread-on-foreign-cpus", "warning", domain("4", "5"), domain(cpuset="0-3", emulator="4-5")
    ),
    "emulator on more CPUs": Pair("thread-on-foreign-cpus", "note", domain("4", "5"), domain("6", "7", emulator="0-5")),
    "IOThread": Pair("thread-on-foreign-cpus", "warning", domain("4", "5"), domain("6", "7", iothreads=("0", "5"))),
    "IOThread on realtime": Pair(
        "thread-on-foreign-cpus", "error", domain("4", "5", realtime="1"), domain("6", "7", iothreads=("5",))
    ),
    "emulator over realtime": Pair(
        "thread-on-foreign-cpus", "warning", domain("4", "5", realtime="1"), domain("6", "7", emulator="0,5")
    ),
    "siblings": Pair("core-shared-across-domains", "note", domain("4", "5"), domain("21", "22")),
    "several siblings": Pair("core-shared-across-domains", "note", domain("4", "5", "6"), domain("20", "21", "22")),
    "a core and a thread of it": Pair("core-shared-across-domains", "note", domain("4,20"), domain("20", "22")),
    "sibling of realtime": Pair(
        "core-shared-across-domains", "warning", domain("4", "5", realtime="1"), domain("21", "22")
    ),
    "L3": Pair("llc-shared-across-domains", "note", domain("0", "1"), domain("2", "3")),
    "strict": Pair("node-memory-overcommitted", "error", domain(gib=30, bound="1"), domain(gib=20, bound="1")),
    "strict over both nodes": Pair(
        "node-memory-overcommitted", "error", domain(gib=60, bound="0-1"), domain(gib=40, bound="1")
    ),
    "strict cells": Pair(
        "node-memory-overcommitted", "error", domain(cells=(20, 20), bound="0"), domain(gib=10, bound="0")
    ),
    "strict with a balloon": Pair(
        "node-memory-overcommitted", "warning", domain(gib=30, bound="1"), domain(gib=20, balloon=10, bound="1")
    ),
    "what the host keeps": Pair(
        "node-memory-overcommitted", "warning", domain(gib=30, bound="1"), domain(gib=15, bound="1")
    ),
    "preferred": Pair(
        "node-memory-overcommitted", "warning", domain(gib=30, bound="1"), domain(gib=20, bound="1", mode="preferred")
    ),
    "pages": Pair(
        "hugepage-pool-overcommitted",
        "error",
        domain(gib=10, page="1G", bound="1"),
        domain(gib=8, page="1G", bound="1"),
    ),
    "small pages": Pair(
        "hugepage-pool-overcommitted", "error", domain(page="2M", bound="0"), domain(gib=2, page="2M", bound="0")
    ),
    "pages of the host": Pair(
        "hugepage-pool-overcommitted", "error", domain(gib=20, page="1G"), domain(gib=14, page="1G", bound="0-1")
    ),
    "pages that spill": Pair(
        "hugepage-pool-overcommitted",
        "warning",
        domain(gib=10, page="1G", bound="1"),
        domain(gib=8, page="1G", bound="1", mode="preferred"),
    ),
    "memory of the host": Pair("host-memory-overcommitted", "warning", domain(gib=60), domain(gib=40)),
    "memory but for balloons": Pair("host-memory-overcommitted", "note", domain(gib=60), domain(gib=40, balloon=20)),
    "PCI": Pair("pci-device-double-assigned", "warning", domain(devices=hostdev(0x3B)), domain(devices=hostdev(0x3B))),
    "PCI and NIC": Pair("pci-device-double-assigned", "warning", domain(devices=hostdev(0x86)), domain(devices=VF)),
    "NVMe": Pair("pci-device-double-assigned", "warning", domain(devices=nvme(1)), domain(devices=nvme(2))),
    "mdev": Pair(
        "pci-device-double-assigned", "warning", domain(devices=mdev(UUID)), domain(devices=mdev(UUID.upper()))
    ),
    "vDPA": Pair("pci-device-double-assigned", "warning", domain(devices=vdpa(1) + vdpa(10)), domain(devices=vdpa(10))),
    "IOMMU group": Pair(
        "iommu-group-split", "warning", domain(devices=hostdev(0x3B)), domain(devices=hostdev(0x3B, 1))
    ),
    "pool": Pair("cpu-overcommit", "note", domain(cpuset="2-3", vcpus=4), domain(cpuset="2-3", vcpus=4)),
    "crowded pool": Pair("cpu-overcommit", "note", domain(cpuset="2-3", vcpus=6), domain(cpuset="3", vcpus=3)),
    "node full": Pair(
        "node-imbalance",
        "note",
        domain("0", "1", "2", "3", "16", "17", "18", "19", bound="0"),
        domain("4", "5", "6", "20", "21", "22", bound="0"),
    ),
    "node full of memory": Pair(
        "node-imbalance", "note", domain(cpuset="0-7", gib=22, bound="0"), domain(cpuset="0-7", gib=20, bound="0")
    ),
    "no reserve": Pair(
        "node-without-reserve",
        "note",
        domain("0", "1", "2", "3", "16", "17", "18", "19", devices=vdpa(1)),
        domain("4", "5", "6", "7", "20", "21", "22", "23", devices=vdpa(2)),
    ),
    "name": Pair("domain-name-or-uuid-clash", "note", domain(name="web1"), domain(name="web1", gib=2)),
    "UUID": Pair("domain-name-or-uuid-clash", "note", domain(uuid=UUID), domain(uuid=UUID.replace("-", "").upper())),
}


def test_there_are_40_pairs_and_one_of_each_rule() -> None:
    assert len(PAIRS) >= 40
    assert len({pair.rule for pair in PAIRS.values()}) == 14


ONE, OTHER = "domains/one.xml", "domains/other.xml"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "domains").mkdir()
    (tmp_path / "kvm01.host.toml").write_text(HOST)
    return tmp_path


def write(one: str, other: str, more: str = "") -> None:
    Path("numalint.toml").write_text(CONFIG.format(more=more))
    Path(ONE).write_text(one.replace("NAME", "one"))
    Path(OTHER).write_text(other.replace("NAME", "other"))


def said(*paths: str, rule: str = "host-wide") -> list[dict]:
    selected = ",".join({pair.rule for pair in PAIRS.values()}) if rule == "host-wide" else rule
    done = CliRunner().invoke(main, ["check", *paths, "--format", "json", "--select", selected])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    report = json.loads(done.stdout)
    assert not report["problems"]
    return report["results"]


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_conflict_is_reported_whichever_of_its_files_is_looked_at(folder: Path, pair: Pair) -> None:
    write(pair.one, pair.other)
    for path in (ONE, OTHER):
        (result,) = said(path, rule=pair.rule)
        assert result["span"]["path"] == path
        assert result["severity"] == pair.severity
        assert {OTHER, ONE} - {path} <= {each["span"]["path"] for each in result["related"]}
    both = said(ONE, OTHER, rule=pair.rule)
    assert len(both) == 1
    assert said(OTHER, ONE, rule=pair.rule) == both == said("domains", rule=pair.rule)
    assert both[0]["fingerprint"] == said(ONE, rule=pair.rule)[0]["fingerprint"]


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_domain_that_comes_and_does_no_harm_leaves_the_fingerprint_as_it_was(folder: Path, pair: Pair) -> None:
    write(pair.one, pair.other)
    (before,) = said("domains", rule=pair.rule)
    Path("domains/third.xml").write_text(domain(vcpus=1, cpuset="9").replace("NAME", "third"))
    (after,) = said("domains", rule=pair.rule)
    assert after["fingerprint"] == before["fingerprint"]
    assert said(OTHER, rule=pair.rule)[0]["fingerprint"] == before["fingerprint"]


@pytest.mark.parametrize(("kind", "same"), [("floats", True), ("pool on their CPUs", False), ("emulator", False)])
def test_one_more_that_floats_is_the_same_note_and_one_more_that_is_stuck_is_another_finding(
    folder: Path, kind: str, same: bool
) -> None:
    pair = PAIRS[kind]
    write(pair.one, pair.other)
    (before,) = said("domains", rule=pair.rule)
    Path("domains/third.xml").write_text(
        pair.other.replace("NAME", "third").replace("'6'", "'8'").replace("'7'", "'9'")
    )
    (after,) = said("domains", rule=pair.rule)
    assert (after["fingerprint"] == before["fingerprint"]) is same


@pytest.mark.parametrize(
    "kind",
    [name for name, pair in PAIRS.items() if pair.rule in ("pcpu-pinned-and-floating", "thread-on-foreign-cpus")]
    + ["realtime", "sibling of realtime", "IOThread on realtime"],
)
def test_it_points_at_the_domain_that_comes_over_the_others_cpus(folder: Path, kind: str) -> None:
    pair = PAIRS[kind]
    write(pair.one, pair.other)
    (result,) = said("domains", rule=pair.rule)
    assert result["span"]["path"] == OTHER
    write(pair.other, pair.one)
    (result,) = said("domains", rule=pair.rule)
    assert result["span"]["path"] == ONE


def test_it_points_at_the_largest_part_of_a_sum_and_at_one_that_could_move(folder: Path) -> None:
    write(domain(gib=20, bound="1"), domain(gib=30, bound="1"))
    assert [result["label"] for result in said("domains")] == ["30 GiB of other, bound to node 1"]
    full = PAIRS["node full"]
    kept = full.one.replace("</domain>", f"<devices>{vdpa(1)}</devices></domain>")
    write(kept, full.other)
    (result,) = said("domains", rule=full.rule)
    assert result["label"].startswith("other could move")


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_one_conflict_is_told_by_one_rule(folder: Path, pair: Pair) -> None:
    write(pair.one, pair.other)
    rules = [result["rule"] for result in said(ONE, OTHER)]
    beside = {"llc-shared-across-domains"}  # off by default, and so of all that share CPUs
    assert set(rules) - beside - {pair.rule} == set(), rules


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_domains_that_never_run_together_do_not_clash(folder: Path, pair: Pair) -> None:
    write(pair.one, pair.other, 'exclusive-groups = [["one", "other"]]')
    assert [result["rule"] for result in said(ONE, OTHER)] == (
        [pair.rule] if pair.rule == "domain-name-or-uuid-clash" else []
    )


def test_the_overcommit_that_is_declared_is_the_one_that_counts(folder: Path) -> None:
    pool = PAIRS["pool"]  # 8 vCPUs on 2 CPUs
    write(pool.one, pool.other, "overcommit = 4")
    assert said(ONE, OTHER) == []
    write(pool.one, pool.other, "overcommit = 3.5")
    assert [result["rule"] for result in said(ONE, OTHER)] == ["cpu-overcommit"]


def test_where_dedicated_vcpus_alone_are_more_than_the_overcommit_that_is_declared_nobody_is_named(
    folder: Path,
) -> None:
    write(domain("2", "3"), domain(cpuset="2-3"), "overcommit = 0.5")
    assert [result["rule"] for result in said(ONE, OTHER)] == ["pcpu-pinned-and-floating"]


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_each_of_the_two_alone_is_no_conflict(folder: Path, pair: Pair) -> None:
    for text in (pair.one, pair.other):
        write(text, domain(cpuset="8"))
        assert not said(ONE, OTHER)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_host_with_one_domain_draws_a_note_on_its_reserve_at_most(variant: Variant) -> None:
    rules = [rule for rule in load().rules.values() if rule.shape == "host" and rule.id != "node-without-reserve"]
    assert not [found for rule in rules for found in fleet_findings(rule, variant.domain, read_host(variant.host))]


def test_two_files_of_one_domain_are_told_and_not_counted_twice(folder: Path) -> None:
    text = domain("4", "5", gib=40, bound="0", devices=hostdev(0x3B), name="db1")
    write(text, text)
    assert [result["rule"] for result in said(ONE, OTHER)] == ["domain-name-or-uuid-clash"]


def test_memory_is_not_counted_where_a_common_device_keeps_the_domains_from_running_together(folder: Path) -> None:
    gpu = hostdev(0x3B)
    write(domain(gib=30, bound="1", devices=gpu), domain(gib=20, bound="1", devices=gpu))
    assert [result["rule"] for result in said(ONE, OTHER)] == ["pci-device-double-assigned"]


def test_the_sums_name_the_nodes_the_amounts_and_the_domains(folder: Path) -> None:
    write(domain(gib=30, bound="1"), domain(gib=20, bound="1"))
    (two,) = said(ONE, OTHER)
    for number in range(3):
        Path(f"domains/more{number}.xml").write_text(domain(gib=5, bound="1").replace("NAME", f"more{number}"))
    (result,) = said("domains/more1.xml")
    assert result["message"].endswith("node 1 of kvm01 has 44 GiB for guests, and 5 domains bind 65 GiB to it")
    assert result["data"] == {"nodes": "1", "nodes_bytes": 44 << 30, "memory_bytes": 65 << 30, "domains": 5}
    assert result["label"] == "5 GiB of more1, bound to node 1"
    assert [each["label"] for each in result["related"]][:2] == [
        "30 GiB of one, bound to node 1",
        "20 GiB of other, bound to node 1",
    ]
    assert result["fingerprint"] == two["fingerprint"]


def test_the_domain_that_would_be_too_much_in_place_of_another_hears_of_it(folder: Path) -> None:
    write(domain(gib=30, bound="1"), domain(gib=20, bound="1"), 'exclusive-groups = [["other", "third"]]')
    Path("domains/third.xml").write_text(domain(gib=18, bound="1").replace("NAME", "third"))
    (result,) = said("domains/third.xml")
    assert result["label"] == "18 GiB of third, bound to node 1, in turn with another"
    Path("domains/third.xml").write_text(domain(gib=2, bound="1").replace("NAME", "third"))
    assert not said("domains/third.xml")


def test_a_domain_of_an_exclusive_group_clashes_with_those_outside(folder: Path) -> None:
    write(domain("4", "5"), domain("4", "5"), 'exclusive-groups = [["one", "other"]]')
    Path("domains/third.xml").write_text(domain(cpuset="4-5").replace("NAME", "third"))
    (result,) = said("domains/third.xml")
    assert result["rule"] == "pcpu-pinned-and-floating"
    assert result["message"].endswith("2 vCPUs of third have only CPUs 4-5 of kvm01, dedicated to one and other")


@pytest.mark.parametrize(
    ("third", "clash"),
    [
        (domain("4", "5"), {"one", "other", "third"}),
        (domain("5", "6"), {"other", "third"}),
        (domain("4-5,20-21", "4-5,20-21"), set()),
        (domain("4", "20"), {"one", "third"}),
        (domain("6", "7"), set()),
    ],
)
def test_of_domains_that_take_turns_each_is_tried(folder: Path, third: str, clash: set[str]) -> None:
    write(domain("4"), domain("5", realtime="0"), 'exclusive-groups = [["one", "other"]]')
    Path("domains/third.xml").write_text(third.replace("NAME", "third"))
    found = said("domains", rule="pcpu-double-booked")
    names = {Path(each["path"]).stem for result in found for each in (result["span"], *spans(result["related"]))}
    assert names - {"kvm01.host"} == clash
    assert ("error" in {result["severity"] for result in found}) == ("other" in clash)


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("kind", ["one CPU", "PCI", "strict"])
def test_the_lines_that_the_finding_shows_make_it_quiet(folder: Path, kind: str, count: int) -> None:
    pair = PAIRS[kind]
    for number in range(count):
        Path(f"domains/d{number}.xml").write_text(pair.one.replace("NAME", f'"d{number}" a\\b'.replace('"', "&quot;")))
    config = CONFIG.format(more="").replace("[hosts.kvm01]", '[hosts."kvm01.example.com"]')
    Path("numalint.toml").write_text(config)
    (result,) = said("domains", rule=pair.rule)
    table, _, line = result["help"].rpartition("write for ")[2].partition(":\n")
    assert table == '[hosts."kvm01.example.com"]'
    Path("numalint.toml").write_text(config + line + "\n")
    assert not said("domains", rule=pair.rule)


def spans(related: list[dict]) -> list[dict]:
    return [each["span"] for each in related]


def test_a_domain_without_any_set_leaves_isolated_cpus_alone(folder: Path) -> None:
    write(domain("30", "31"), domain(vcpus=4))
    assert not said(ONE, OTHER)


def test_the_order_of_files_changes_nothing(folder: Path) -> None:
    names = []
    for number, pair in enumerate(itertools.islice(PAIRS.values(), 0, None, 4)):
        for which, text in (("a", pair.one), ("b", pair.other)):
            names.append(f"domains/{which}{number}.xml")
            Path(names[-1]).write_text(text.replace("NAME", f"{which}{number}"))
    Path("numalint.toml").write_text(CONFIG.format(more=""))
    expected = said(*names)
    assert len(expected) > 5
    assert len({each["fingerprint"] for each in expected}) == len(expected)
    assert said(*reversed(names)) == expected
    assert said(*names[1::2], *names[::2]) == expected
    apart = [said(*part) for part in (names[::2], names[1::2])]
    assert {each["fingerprint"] for part in apart for each in part} == {each["fingerprint"] for each in expected}


UNKNOWING = """format = 1
name = "kvm01"
[[nodes]]
id = 0
cpus = "0-7"
[[nodes]]
id = 1
cpus = "8-15"
"""


def test_what_the_host_does_not_say_is_not_judged_and_only_where_it_matters(folder: Path) -> None:
    (folder / "kvm01.host.toml").write_text(UNKNOWING)
    pages = domain("0", gib=4, page="1G", devices=hostdev(0x3B))
    write(pages, domain("1", gib=4, page="1G", devices=hostdev(0x86)))
    lacking = unjudged()
    assert lacking["core-shared-across-domains"] == ["cores"]
    assert lacking["hugepage-pool-overcommitted"] == ["hugepages"]
    assert lacking["iommu-group-split"] == ["iommu-groups"]
    assert lacking["node-memory-overcommitted"] == lacking["host-memory-overcommitted"] == ["memory"]
    write(domain(cpuset="0-7"), domain(cpuset="8-15"))
    assert set(unjudged()) == {"node-memory-overcommitted", "host-memory-overcommitted"}


def test_pages_that_the_host_does_not_have_are_each_domains_own_defect_and_no_conflict(folder: Path) -> None:
    write(domain(cpuset="0-7", page="512M"), domain(cpuset="8-15", page="512M"))
    done = CliRunner().invoke(main, ["check", "--format", "json", "--select", "hugepages,hugepage-pool-overcommitted"])
    report = json.loads(done.stdout)
    assert [each["rule"] for each in report["results"]] == ["hugepage-size-unavailable"] * 2
    assert (report["problems"], done.exit_code) == ([], 1)


def unjudged() -> dict[str, list[str]]:
    selected = ",".join(sorted({pair.rule for pair in PAIRS.values()} - {"llc-shared-across-domains"}))
    done = CliRunner().invoke(main, ["check", "--format", "json", "--select", selected])
    return {each["rule"]: each["facts"] for each in json.loads(done.stdout)["unjudged"]}
