"""What was not judged and what was left out is told by the summary and by every format for machines."""

from __future__ import annotations

import json
import subprocess
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

DOMAIN = """\
<domain type='kvm'>
  <name>{name}</name>
  <memory unit='GiB'>2</memory>
  <vcpu>2</vcpu>{note}
  <cputune>
    <vcpupin vcpu='0' cpuset='0'/>
    <vcpupin vcpu='1' cpuset='1'/>
  </cputune>
</domain>
"""
NOTE = "\n  <!-- numalint: ignore[numatune-missing] it is to be moved -->"
CONFIG = """\
[hosts.kvm01]
topology = "pack:2 numa:1(memory=16GiB) core:4 pu:1"
domains = ["*.xml"]
[lint]
select = ["numatune-missing", "cpu-offline"]
"""
UNJUDGED = "cpu-offline on kvm01 (offline unknown), 3 domains"
HOW = "to know offline: numalint topology capture on the host, or offline under [cpus] in the host's TOML"
SUPPRESSED, KNOWN = "suppressed: 1 finding", "known: 2 findings that were there before"
FORMATS = ("json", "sarif", "github", "gitlab", "junit", "markdown")


@pytest.fixture(scope="module")
def fleet(numalint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three domains with a finding each, two of which are known and one suppressed; cpu-offline lacks its fact."""
    folder: Path = tmp_path_factory.mktemp("fleet")
    (folder / "numalint.toml").write_text(CONFIG)
    (folder / "db1.xml").write_text(DOMAIN.format(name="db1", note=""))
    (folder / "db2.xml").write_text(DOMAIN.format(name="db2", note=""))
    who = ["-c", "user.name=numalint", "-c", "user.email=numalint@example.org"]
    for arguments in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "one"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)
    assert numalint("baseline", "create", cwd=folder).code == 0
    (folder / "db3.xml").write_text(DOMAIN.format(name="db3", note=NOTE))
    return folder


def told(text: str) -> str:
    """A report as one text in which no format has hidden a sign, in lower case."""
    return unescape(unquote(text)).replace("\\", "").lower()


@pytest.mark.parametrize("before", [("--baseline", "numalint-baseline.json"), ("--since", "HEAD")])
@pytest.mark.parametrize("format", FORMATS)
def test_what_is_left_out_and_why(numalint, fleet: Path, format: str, before: tuple[str, str]) -> None:
    done = numalint("check", ".", *before, "--format", format, cwd=fleet)
    assert done.code == 0
    for sentence in (UNJUDGED, HOW, f"{SUPPRESSED} (--show-suppressed", f"{KNOWN} (--show-suppressed"):
        assert sentence in done.err
    text = told(done.out)
    if format == "json":
        report: dict[str, Any] = json.loads(done.out)
        assert (report["coverage"]["suppressed"], report["coverage"]["known"]) == (1, 2)
        unjudged = {"rule": "cpu-offline", "host": "kvm01", "facts": ["offline"], "domains": 3, "subjects": []}
        assert report["unjudged"] == [unjudged]
        return
    for word in ("cpu-offline", "kvm01", "offline unknown", "3 domains", HOW.lower(), SUPPRESSED, KNOWN):
        assert word in text, text
    assert "(--show-suppressed prints them)" not in text, "that is said where it is so"


def test_the_coverage_is_in_sarif_too(numalint, fleet: Path) -> None:
    run = json.loads(numalint("check", ".", "--format", "sarif", cwd=fleet).out)["runs"][0]
    report = json.loads(numalint("check", ".", "--format", "json", cwd=fleet).out)
    assert run["invocations"][0]["properties"]["coverage"] == report["coverage"]


def test_a_domain_that_cannot_be_read_is_no_success(numalint, tmp_path: Path) -> None:
    (tmp_path / "bad.xml").write_text("<domain><name>bad</name>")
    run = json.loads(numalint("check", ".", "--format", "sarif", cwd=tmp_path).out)["runs"][0]
    assert run["invocations"][0]["executionSuccessful"] is False
    junit = numalint("check", ".", "--format", "junit", cwd=tmp_path).out
    assert '<error type="malformed-domain" message="some domains cannot be read: their tests say why">' in junit
