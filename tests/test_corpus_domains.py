"""Real domains against what independent readers and real kernels say of them. Skipped where the corpus is absent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from numalint.cli import main
from numalint.model.idset import IdSet


def shown(*arguments: object) -> list[dict]:
    """What ``numalint show --format json`` prints."""
    done = CliRunner().invoke(main, ["show", *map(str, arguments), "--format", "json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def canonical(text: str | None) -> str | None:
    return None if text is None else str(IdSet.parse(text))


def test_the_facts_of_the_labelled_files_are_those_that_their_readers_wrote_down(corpus: Path) -> None:
    folder = corpus / "domains"
    labels = json.loads((folder / "labels.json").read_text())["files"]
    assert len(labels) == 43
    virtual_functions = {}
    for (name, label), domain in zip(labels.items(), shown(*(folder / name for name in labels)), strict=True):
        facts, labelled = domain_facts(domain), labelled_facts(label["facts"])
        hostdevs = labelled["pci"]
        if facts["pci"] != hostdevs:  # the labels count <hostdev>, and name <interface type='hostdev'> in their notes
            virtual_functions[Path(name).name] = [address for address in facts["pci"] if address not in hostdevs]
            facts["pci"] = [address for address in facts["pci"] if address in hostdevs]
        assert facts == labelled, name
    assert virtual_functions == {
        "XML_NUMA.xml": ["0000:04:10.0", "0000:04:10.1"],
        "hana-15sp2-4socket-3tib.xml": ["0000:17:02.0"],
        "hana-15sp4-4socket-6tib.xml": ["0000:17:02.0"],
    }


def domain_facts(domain: dict) -> dict:
    vcpus = domain["affinities"]["vcpus"]
    iothreads = domain["affinities"]["iothreads"]
    emulator = domain["affinities"]["emulator"]
    topology = domain["topology"]
    return {
        "name": domain["name"],
        "vcpus": domain["vcpus"],
        "online": domain["online_vcpus"],
        "pins": {vcpu: each["cpus"] for vcpu, each in vcpus.items() if each["origin"] == "vcpupin"},
        "cpuset": next((each["cpus"] for each in vcpus.values() if each["origin"] == "vcpu-cpuset"), None),
        "emulatorpin": emulator["cpus"] if emulator["origin"] == "emulatorpin" else None,
        "iothreads": len(iothreads),
        "iothreadpins": {id: each["cpus"] for id, each in iothreads.items() if each["origin"] == "iothreadpin"},
        "memory": domain["memory"]["nodes"],
        "mode": domain["memory"]["mode"] if domain["memory"]["origin"] == "memory" else None,
        "memnodes": {
            cell["id"]: (cell["mode"], cell["nodes"]) for cell in domain["cells"] if cell["origin"] == "memnode"
        },
        "cells": [(cell["id"], cell["cpus"], cell["memory_bytes"] // 1024) for cell in domain["cells"]],
        "memory_kib": domain["memory_bytes"] // 1024,
        "pci": domain["pci_devices"],
        "topology": topology and topology_text(**topology),
    }


def topology_text(sockets: int, dies: int, clusters: int, cores: int, threads: int) -> str:
    """As the labels write it: the parts that are one are left out, and clusters put into words."""
    assert dies == 1
    if clusters > 1:
        return f"{sockets} socket, {clusters} clusters x {cores} cores x {threads} thread"
    return f"{sockets}x{cores}x{threads}"


def labelled_facts(facts: dict) -> dict:
    vcpus, pins = facts["vcpus"], facts["vcpupin"]
    cpuset = canonical(facts["vcpu_cpuset"])
    inherits = any(str(vcpu) not in pins for vcpu in range(vcpus))
    memory = facts["numatune_memory"] or {}
    enabled = facts["enabled_vcpus"]
    if enabled is None:
        enabled = range(facts["current_vcpus"])
    elif isinstance(enabled, str):
        enabled = IdSet.parse(enabled)
    return {
        "name": facts["name"],
        "vcpus": vcpus,
        "online": str(IdSet.of(enabled)),
        "pins": {vcpu: canonical(cpus) for vcpu, cpus in pins.items() if int(vcpu) < vcpus},
        "cpuset": cpuset if inherits else None,
        "emulatorpin": canonical(facts["emulatorpin"]),
        "iothreads": max(facts["iothreads"], len(facts["iothreadids"] or ())),
        "iothreadpins": {id: canonical(cpus) for id, cpus in facts["iothreadpin"].items()},
        "memory": canonical(memory.get("nodeset")),
        "mode": memory.get("mode"),
        "memnodes": {each["cellid"]: (each["mode"], canonical(each["nodeset"])) for each in facts["memnodes"]},
        "cells": [(cell["id"], canonical(cell["cpus"]), cell["memory_kib"]) for cell in facts["guest_cells"]],
        "memory_kib": facts["memory_kib"],
        "pci": facts["pci_hostdevs"],
        "topology": facts["guest_topology"],
    }


@pytest.mark.parametrize("prefix", ["e", "m"])
def test_every_thread_runs_where_the_kernel_had_it(corpus: Path, prefix: str) -> None:
    captured = corpus / "captured"
    host = captured / "hosts" / ("2s1n" if prefix == "e" else "memonly") / "capabilities.xml"
    measured = {
        path.with_name(path.name.replace(".measured.json", ".xml")): json.loads(path.read_text())
        for path in sorted((captured / "running").glob(f"{prefix}*.measured.json"))
    }
    ran = {path: runs for path, runs in measured.items() if any(run["stage"] == "running" for run in runs.values())}
    assert len(ran) == {"e": 36, "m": 2}[prefix], len(ran)
    for (path, runs), domain in zip(ran.items(), shown(*ran, "--host", host), strict=True):
        for release, run in runs.items():
            if run["stage"] == "running":
                assert_measured(f"{path.stem} on {release}", domain, run)


def assert_measured(name: str, domain: dict, run: dict) -> None:
    affinities = domain["affinities"]
    for thread in run["threads"]:
        kind, said = thread["kind"], thread["comm"]
        if kind == "vcpu":
            affinity = affinities["vcpus"][said.split()[1].partition("/")[0]]
        elif kind == "iothread":
            affinity = affinities["iothreads"][said.removeprefix("IO iothread")]
        elif kind in ("emulator", "monitor", "vhost"):
            affinity = affinities["emulator"]
        else:
            continue
        if affinity["origin"] == "placement-auto":
            assert affinity["cpus"] is None, name
        else:
            assert affinity["cpus"] == thread["cpus_allowed"], f"{name}: {said}"


def test_every_file_is_judged_or_passed_over_or_refused_with_a_sentence(corpus: Path, numalint) -> None:
    done = numalint("check", corpus / "domains", "--host", corpus / "hosts" / "capabilities" / "vdsm-intel_E5649.xml",
                    "--format", "json")  # fmt: skip
    assert done.code == 2
    assert "Traceback" not in done.err
    report = json.loads(done.out)
    files = sum(1 for path in (corpus / "domains").rglob("*.xml") if path.is_file())
    refused = {result["span"]["path"] for result in report["results"] if result["rule"] == "malformed-domain"}
    assert report["coverage"]["domains"] > 300
    passed_over = sum(report["coverage"]["passed_over"].values())
    assert report["coverage"]["domains"] + passed_over + len(refused) <= files + 20
    for problem in report["problems"]:
        assert problem["message"], problem
