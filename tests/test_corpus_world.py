"""Every file of the corpus alone, every domain on hosts of every format, and all of it as one world.

No traceback, no rule that fails, no hang, bounded memory, and nothing that cannot be read is green. Skipped where the
corpus is absent.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import etree

import numalint
from numalint.loaders.host.formats import FORMATS
from numalint.loaders.host.inputs import load_inputs
from numalint.model.report import Report
from numalint.reporters.host.declaration import declaration

FILES, DOMAIN_FILES = 1200, 600
"""There are at least so many."""

LARGEST, LONGEST = 512 << 20, 120
"""What the world may take: bytes of addresses, of which resident memory is a part, and seconds of CPU."""

HOSTS = {
    "capabilities": (
        ["hosts/capabilities/vdsm-intel_E5649.xml"],
        ["hosts/capabilities/libvirt-vircaps-x86_64-hmat.xml"],
    ),
    "nodedev": (
        ["captured/hosts/2s1n/capabilities.xml", "captured/hosts/2s1n/nodedev"],
        ["captured/hosts/memonly/capabilities.xml", "captured/hosts/memonly/nodedev"],
    ),
    "hwloc": (
        ["hosts/hwloc/v1-llnl-knl-snc4-flat.xml"],
        ["hosts/hwloc/v3-64intel64-heteromem.xml"],
    ),
    "lscpu": (
        ["hosts/lscpu/hwloc-40intel64-4n10c+pci-conflicts.lscpu-J.json"],
        ["hosts/lscpu/hwloc-fakeheteromemtiers.lscpu.txt"],
    ),
    "numactl": (["hosts/numactl/vdsm-4-nodes.hardware.txt"], ["captured/hosts/memonly/numactl-H.txt"]),
    "numastat": (
        ["hosts/numactl/nri-server.hardware.txt", "hosts/numactl/nri-server.numastat-m.txt"],
        ["captured/hosts/smt/lscpu.json", "captured/hosts/smt/numastat-m.txt"],
    ),
    "sysfs": (
        ["hosts/sysfs/hwloc-40intel64-2g2n4c+pcilocality.tar.bz2"],
        ["hosts/sysfs/libvirt-linux-deconf-cpus.tar.gz"],
    ),
    "synthetic": (["pack:2 numa:4 l3:2 core:8 pu:1"], ["pack:1 [numa(memory=64GiB)] l3:2 core:4 pu:2"]),
}
"""Hosts of each format, each with its inputs; a synthetic string is one by itself."""

NO_TOPOLOGY = "this capabilities XML has no <topology>: host CPU placement cannot be checked"
REFUSED = {
    "domains/not-domains/autotest__tp-libvirt/libvirt/tests/deps/capabilities.xml": "it is not well-formed XML: "
    "Extra content at the end of the document",
    "domains/not-domains/datto__libvirt/tests/xencapsdata/xen-x86_64-hvm.xml": NO_TOPOLOGY,
    "domains/not-domains/virt-manager__virt-manager/tests/data/capabilities/bhyve.xml": NO_TOPOLOGY,
    "hosts/capabilities/libvirt-caps-test2.xml": NO_TOPOLOGY,
}
"""The hosts of the world that cannot be read, with what is said of each."""

BASE = "pack:4 numa:4(memory=64GiB) core:8 pu:2"
"""What a host is to which an input belongs that says only part of one."""


def at(corpus: Path, topology: list[str]) -> list[str]:
    return [str(corpus / each) if "/" in each else each for each in topology]


def assert_sound(report: Report, what: object) -> None:
    assert report.exit_code in (0, 1, 2), what
    assert [each for each in report.problems if each.kind == "rule-failed"] == [], what
    assert all(each.message for each in (*report.problems, *report.results)), what


def is_xml(data: bytes) -> bool:
    """Whether it is one XML document, or several one after the other, by a reader that is none of ours."""
    declaration = re.compile(rb"<\?xml\s[^<>]*\?>")
    for text in (data, b"<all>" + declaration.sub(b"", data) + b"</all>"):
        try:
            etree.fromstring(text)
        except etree.XMLSyntaxError:
            continue
        return True
    return False


def test_every_file_alone_ends_in_a_report_and_none_that_cannot_be_read_is_green(corpus: Path) -> None:
    files = [path for path in sorted(corpus.rglob("*")) if path.is_file()]
    assert len(files) >= FILES
    for path in files:
        report = numalint.check(path)
        assert_sound(report, path)
        if report.exit_code == 2:
            assert report.problems or report.results, f"{path}: nothing says why"
        else:
            assert report.coverage.domains, f"{path}: nothing was judged"
            assert is_xml(path.read_bytes()), f"{path}: it cannot be read"


ROOT = re.compile(
    rb"(?:\s|<\?.*?\?>|<!--.*?-->)*<(domain|domstatus|domainsnapshot|domaincheckpoint)\b(?! xmlns=)", re.DOTALL
)
"""What holds a domain; the ``<domain>`` of another program has a namespace."""


@pytest.fixture(scope="module")
def domains(corpus: Path) -> list[Path]:
    """The files that hold domains; a status or a snapshot may have none in full."""
    texts = ((path, path.read_bytes()) for path in sorted(corpus.rglob("*.xml")) if path.is_file())
    return [path for path, data in texts if (root := ROOT.match(data)) and (root[1] == b"domain" or b"<os>" in data)]


@pytest.mark.parametrize("format", [*HOSTS, "toml"])
def test_every_domain_on_hosts_of_every_format(corpus: Path, domains: list[Path], tmp_path: Path, format: str) -> None:
    assert len(domains) >= DOMAIN_FILES
    hosts = [at(corpus, each) for each in HOSTS.get(format, ())]
    if format == "toml":
        for number, topology in enumerate((HOSTS["sysfs"][0], HOSTS["nodedev"][1])):
            text = declaration(load_inputs(at(corpus, topology), FORMATS)[0])
            (tmp_path / f"{number}.host.toml").write_text(text, encoding="utf-8")
            hosts.append([str(tmp_path / f"{number}.host.toml")])
    for host in hosts:
        report = numalint.check(*domains, host=host)
        assert_sound(report, host)
        assert report.problems == (), host
        assert len(report.coverage.hosts) == 1
        assert report.coverage.domains >= DOMAIN_FILES - 50
        assert any(each.host for each in report.results), f"{host}: no finding is about it"


def topologies(corpus: Path) -> list[list[str]]:
    """The inputs of each host of the world."""
    whole = [
        path for folder in ("capabilities", "hwloc", "lscpu", "sysfs") for path in (corpus / "hosts" / folder).iterdir()
    ]
    whole += (corpus / "hosts" / "numactl").glob("*.hardware.txt")
    whole += (corpus / "captured" / "capabilities-of-hwloc-captures").iterdir()
    partial = [*(corpus / "hosts" / "nodedev").iterdir(), *(corpus / "hosts" / "numactl").glob("*.numastat-*m.txt")]
    for name in ("capabilities.xml", "lstopo.xml", "lscpu*.*", "numactl-H.txt", "sysfs.tar.gz"):
        whole += (corpus / "captured" / "hosts").glob(f"*/{name}")
    partial += [
        *(corpus / "captured" / "hosts").glob("*/nodedev"),
        *(corpus / "captured" / "hosts").glob("*/numastat-m.txt"),
    ]
    strings = [each["string"] for each in json.loads((corpus / "hosts" / "synthetic" / "strings.json").read_text())]
    return [
        *([str(path.relative_to(corpus))] for path in sorted(whole)),
        *([BASE, str(path.relative_to(corpus))] for path in sorted(partial)),
        *([text] for text in strings if ":" in text),
    ]


@pytest.fixture
def world(corpus: Path, domains: list[Path], tmp_path: Path) -> Path:
    """The corpus with a configuration: each domain is at home on one of all hosts, and has to be right on some more."""
    for path in corpus.rglob("*"):
        link = tmp_path / path.relative_to(corpus)
        if path.is_dir():
            link.mkdir(parents=True, exist_ok=True)
        else:
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
    hosts, names = topologies(corpus), [str(path.relative_to(corpus)) for path in domains]
    text = [
        f"[hosts.h{number}]\ntopology = {json.dumps(host)}\ndomains = {json.dumps(names[number :: len(hosts)])}\n"
        for number, host in enumerate(hosts)
    ]
    moving = [f"h{number}" for number in range(0, len(hosts), 100)]
    text.append(f"[[placement]]\ndomains = {json.dumps(names)}\nhosts = {json.dumps(moving)}\n")
    (tmp_path / "numalint.toml").write_text("\n".join(text))
    return tmp_path


def test_the_corpus_is_one_world_of_bounded_time_and_memory(corpus: Path, world: Path) -> None:
    """In a process of its own, so that the limits hold."""
    limits = "import resource; [resource.setrlimit(getattr(resource, n), (v, v)) for n, v in"
    limits += f" (('RLIMIT_AS', {LARGEST}), ('RLIMIT_CPU', {LONGEST}))]"
    script = f"{limits}; from numalint.__main__ import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", script, "check", ".", "--format", "json"],
        cwd=world,
        env={key: text for key, text in os.environ.items() if not key.startswith("NUMALINT_")},
        capture_output=True,
        check=False,
        timeout=600,
    )
    said = done.stderr.decode()
    assert (done.returncode, "Traceback" in said) == (2, False), said[-2000:]
    report = json.loads(done.stdout)
    refused = {each["path"]: each["message"] for each in report["problems"]}
    assert refused == REFUSED
    assert len(report["coverage"]["hosts"]) >= 300
    assert report["coverage"]["domains"] >= DOMAIN_FILES - 50
    assert report["coverage"]["without_host"] == 0
    assert len({each["host"] for each in report["results"]}) >= 100
