"""The example fleet: every first rule is seen in it, each bad domain has the fault that its README says, good ones none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

EXPECTED = {
    "batch1": "warning[vcpupin-partial]",
    "cache1": "warning[vcpupin-spans-sockets]",
    "db2": "warning[numatune-missing]",
    "etl1": "warning[vcpus-exceed-node]",
    "fw1": "warning[device-remote]",
    "web2": "note[numatune-missing]",
    "build1": "note[vcpus-exceed-node-cores]",
    "ci1": "error[cpu-nonexistent]",
    "lb1": "note[vcpupin-spans-nodes]",
    "nfv2": "warning[emulatorpin-missing]",
}


@pytest.fixture(scope="module")
def report(examples: Path, numalint) -> dict:
    done = numalint("check", "examples", "--format", "json", cwd=examples.parent)
    assert done.code == 1, done.err
    return json.loads(done.out)


def test_each_bad_domain_has_its_fault_and_no_other_and_good_ones_have_none(report: dict) -> None:
    found = [(each["domain"], f"{each['severity']}[{each['rule']}]") for each in report["results"]]
    assert sorted(found) == sorted(EXPECTED.items())
    assert report["coverage"]["domains"] == 16


def test_a_good_domain_is_silent_by_itself_too(examples: Path, numalint) -> None:
    good = [path for path in examples.glob("kvm*/*.xml") if path.stem not in EXPECTED]
    assert len(good) == 6
    for path in good:
        done = numalint("check", path.relative_to(examples.parent), "--format", "json", cwd=examples.parent)
        assert (done.code, json.loads(done.out)["results"]) == (0, [])


def test_the_bad_ones_say_so_in_their_comment(examples: Path) -> None:
    wrong = {path.stem for path in examples.glob("kvm*/*.xml") if "Wrong:" in path.read_text()}
    assert wrong == EXPECTED.keys()


def test_the_examples_readme_lists_each_with_its_rule(examples: Path) -> None:
    text = (examples / "README.md").read_text()
    bad = text[text.index("## Bad domains") :]
    listed = dict(re.findall(r"\| \[kvm0\d/(\w+)\]\([^)]*\) \| `([a-z-]+)`", bad))
    assert listed == {name: said[said.index("[") + 1 : -1] for name, said in EXPECTED.items()}


def test_the_readme_opens_with_what_the_tool_prints(examples: Path, numalint) -> None:
    readme = examples.parent / "README.md"
    if not readme.exists():
        pytest.skip("the tests run without a checkout around them")
    shown = readme.read_text().split("```")[1].strip()
    assert shown in numalint("check", "examples", cwd=examples.parent).out
