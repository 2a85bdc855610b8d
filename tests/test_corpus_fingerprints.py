"""What real libvirt makes of a file keeps the fingerprints of its findings. Skipped where the corpus is absent."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from lxml import etree
from test_fingerprints import everything_changed, results

MENDED = "libvirt writes what it made of it, and so the defect is gone"
DROPPED = "libvirt drops the pin of a vCPU that there is not"
NUMAD = "libvirt writes <memory placement='auto'> beside <vcpu placement='auto'>, and that is then where it is said"
NOT_READ = "the DOCTYPE, which numalint does not read, is gone, and so the rest is judged"

DIFFERENT = {
    ("b-cpuset-exclude-first", "cpuset-exclusion-ineffective"): MENDED,
    ("b-cpuset-exclude-then-include", "cpuset-exclusion-ineffective"): MENDED,
    ("c-vcpupin-vcpu-edge", "vcpupin-unknown-vcpu"): DROPPED,
    ("d-vcpu-placement-auto", "placement-auto-needs-numad"): NUMAD,
    ("e29-placement-auto-vcpu-only", "placement-auto-needs-numad"): NUMAD,
    (
        "i-cells-miss-vcpus",
        "guest-cells-unbalanced",
    ): "the vCPU that was in no cell is in one, of which there are more now",
    ("i-cells-miss-vcpus", "numa-cell-incomplete"): MENDED,
    ("i-cells-sum-less", "memory-sum-mismatch"): MENDED,
    ("m8-auto", "placement-auto-needs-numad"): NUMAD,
    ("n-doctype-entity", "malformed-domain"): NOT_READ,
    ("n-doctype-entity", "numatune-missing"): NOT_READ,
    ("n-doctype-entity", "vcpupin-partial"): NOT_READ,
}


def pairs(corpus: Path) -> Iterator[tuple[Path, Path, Path]]:
    """A file, what libvirt wrote of it (running, or when it was defined), and the host."""
    captured, tests = corpus / "captured", corpus / "domains/libvirt-tests"
    two_nodes, memory_only = (captured / f"hosts/{name}/capabilities.xml" for name in ("2s1n", "memonly"))
    for written in sorted((captured / "running").glob("*.dumpxml.xml")):
        name = written.name.partition(".")[0]
        yield written.with_name(f"{name}.xml"), written, memory_only if name.startswith("m") else two_nodes
    for written in sorted((captured / "faults/normalised").glob("*.xml")):
        yield captured / "faults" / written.name, written, two_nodes
    for written in sorted((tests / "qemuxml2xmloutdata").glob("*.xml")):
        given = tests / "qemuxml2argvdata" / written.name.replace("2xmlout", "2argv")
        if given.exists():
            yield given, written, two_nodes


def by_rule(path: Path, host: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for result in results(path, "--host", host):
        found[result["rule"]].add(result["fingerprint"])
    return found


def test_what_libvirt_writes_has_the_fingerprints_of_what_it_was_given(corpus: Path) -> None:
    different, same = set(), 0
    for given, written, host in pairs(corpus):
        before, after = by_rule(given, host), by_rule(written, host)
        different |= {(given.stem, rule) for rule in before.keys() | after.keys() if before[rule] != after[rule]}
        same += sum(len(before[rule] & after[rule]) for rule in before.keys() & after.keys())
    assert different == DIFFERENT.keys()
    assert same > 200


def test_operators_files_may_be_written_anew(corpus: Path, tmp_path: Path) -> None:
    different: dict[str, str] = {}
    count = 0
    for path in sorted((corpus / "domains/operators").rglob("*.xml")):
        text = re.sub(r"<\?xml.*?\?>|<!DOCTYPE[^>]*>", "", path.read_text(encoding="utf-8"))
        try:
            etree.fromstring(f"<stream>{text}</stream>")
        except etree.XMLSyntaxError:
            continue
        found = []
        for name, content in (("given.xml", text), ("written.xml", everything_changed(text))):
            (tmp_path / name).write_text(content)
            found.append({each["fingerprint"]: each["rule"] for each in results(tmp_path / name, "--host", HOST)})
        different |= {rule: path.name for one in found for key, rule in one.items() if not all(key in f for f in found)}
        count += len(found[0])
    assert different == {}
    assert count > 500


HOST = "pack:2 [numa(memory=32GiB)] l3:2 core:4 pu:2"
