"""What real libvirt refused is an error, and what it took is none: files with one fault each, and running domains.

Every file is judged for each of the two releases that it was given to, on the host where it ran. Where numalint and
libvirt differ, the file stands in a table with the reason; one that no longer differs must leave it. Skipped where
the corpus is absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from numalint import plugins
from numalint.engine.rule import Rule
from numalint.loaders.document import Document, LoadError
from numalint.loaders.domain import load_domains
from numalint.loaders.host.inputs import load_inputs
from numalint.model.domain import Domain, Release
from numalint.model.finding import Finding, Severity
from numalint.model.host import Host
from numalint.model.placement import Placement

RELEASES = {"libvirt-9.0": Release(9, 0), "libvirt-11.3": Release(11, 3)}
REFUSED = ("define", "start")

NO_HUGETLBFS = "that machine had no hugetlbfs, which no input of a host tells"
NO_IOMMU = "that machine had no IOMMU, and libvirt looks for the device only after that"
NO_NUMAD = "the machine with libvirt 9.0 had no numad, which no input of a host tells"
NOT_PLACEMENT = "QEMU or the machine, not the placement"
NOT_READ = "CPU shares and quotas are no placement, and are not read"

FAULTS = {
    "b-cpuset-cpu-0-99": "without cgroups a set that is partly on the host starts; with them, as in e35, it is refused",
    "d-vcpu-placement-auto": NO_NUMAD,
    "g-quota-tiny": NOT_READ,
    "h-auto": NO_NUMAD,
    "h-auto-vcpu-static": NO_NUMAD,
    "h-prealloc-more-than-host": "it was not started there, for it would have taken the machine down",
    "k-huge-16m": NO_HUGETLBFS,
    "k-huge-1g-odd-memory": NO_HUGETLBFS,
    "k-huge-default": NO_HUGETLBFS,
    "k-huge-nodeset-0-no-cells": NO_HUGETLBFS,
    "k-huge-two-hugepages": NO_HUGETLBFS,
    "l-hostdev-absent-unmanaged": NO_IOMMU,
    "l-hostdev-decimal": NO_IOMMU,
    "l-interface-hostdev-absent": NO_IOMMU,
    "m-dimm-pagesize-16m": NO_HUGETLBFS,
    "m-locked-no-limit": "an ordinary user may not lock memory; root, as in production, may",
    "m-memory-missing": "no <memory> at all: fragments and examples leave it out, and no placement hangs on it",
    "n-doctype-entity": "the DOCTYPE: numalint reads none, by design",
    "n-machine-bogus": NOT_PLACEMENT,
    "n-name-slash": "the name, not the placement",
    "n-root-typo": "what is no <domain> is passed over, and counted",
    "n-type-bogus": NOT_PLACEMENT,
    "n-type-kvm": NOT_PLACEMENT,
}
"""Where numalint and libvirt differ over a file of faults/, and why."""

RUNNING = {
    "e73-strict1-cpuset-node0-prealloc": "it runs with all of its memory remote, which is an error by design",
    "e91-shares-zero": NOT_READ,
    "e95-nvme-disk-on-node1": NO_IOMMU,
}
"""Where they differ over a domain of running/, and why."""


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    return [rule for rule in plugins.load().rules.values() if rule.enabled and rule.shape != "host"]


def host(*inputs: object) -> Host:
    return load_inputs([str(each) for each in inputs], plugins.load().formats)[0]


def errors(path: Path, rules: list[Rule], host: Host, release: Release) -> list[str]:
    """The rules that call something in a file an error, on a host of this release."""
    try:
        domains = load_domains(Document(path.name, path.read_bytes()))
    except LoadError:
        return ["malformed-domain"]
    return sorted({rule for domain in domains for rule in _errors(replace(domain, libvirt=release), rules, host)})


def _errors(domain: Domain, rules: list[Rule], host: Host) -> Iterator[str]:
    named = {fault.rule for fault in domain.faults}
    yield from named - {rule.id for rule in rules}
    placement = Placement(domain, host)
    for rule in rules:
        if rule.id not in named if named else rule.when & ~domain.traits or rule.needs & host.unknown:
            continue
        for said in rule.check(domain if rule.shape == "domain" else placement):
            if isinstance(said, Finding) and (said.severity or rule.severity) is Severity.ERROR:
                yield rule.id


def difference(path: Path, verdicts: dict, rules: list[Rule], host: Host) -> str:
    """How numalint and libvirt differ over a file; nothing where they agree."""
    found = []
    for name, release in RELEASES.items():
        refused = verdicts[name]["stage"] in REFUSED
        said = errors(path, rules, host, release)
        if refused != bool(said):
            what = "refuses it: " + verdicts[name]["error"].split("\n")[0] if refused else f"takes it, not {said}"
            found.append(f"{name} {what}")
    return "; ".join(found)


def assert_all_explained(differences: dict[str, str], explained: dict[str, str]) -> None:
    table = "\n".join(f"{name}: {explained.get(name, '(no reason)')}\n    {differences[name]}" for name in differences)
    print(table)  # noqa: T201  # what a reader asks for with -s
    assert sorted(differences) == sorted(explained), f"the differences, and the reasons for them, are\n{table}"


def test_each_fault_that_libvirt_refuses_is_an_error_and_no_other(corpus: Path, rules: list[Rule]) -> None:
    folder = corpus / "captured" / "faults"
    verdicts = json.loads((folder / "verdicts.json").read_text())
    assert len(verdicts) == 139
    there = host("pack:1 [numa(memory=8GiB)] core:2 pu:1")
    differences = {name: difference(folder / f"{name}.xml", verdicts[name], rules, there) for name in verdicts}
    assert_all_explained({name: text for name, text in differences.items() if text}, FAULTS)


def test_each_domain_that_did_not_run_has_an_error_and_no_other(corpus: Path, rules: list[Rule]) -> None:
    folder, captured = corpus / "captured" / "running", corpus / "captured" / "hosts"
    hosts = {
        letter: host(captured / name / "sysfs.tar.gz", captured / name / "nodedev")
        for letter, name in (("e", "2s1n"), ("m", "memonly"))
    }
    measured = sorted(folder.glob("*.measured.json"))
    assert len(measured) == 52
    differences = {}
    for path in measured:
        name = path.name.removesuffix(".measured.json")
        there = hosts[name[0]]
        differences[name] = difference(folder / f"{name}.xml", json.loads(path.read_text()), rules, there)
    assert_all_explained({name: text for name, text in differences.items() if text}, RUNNING)
