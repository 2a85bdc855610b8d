"""What a help offers is taken up, and the rule is silent then, and no other one speaks up against it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import numalint

HOST = """format = 1
name = "kvm01"
[topology]
sockets = 2
cores_per_node = 4
threads_per_core = 1
cpu_numbering = "threads-last"
memory_per_node = "64 GiB"
distances = [[10, 21], [21, 10]]
[cpus]
isolated = "{isolated}"
housekeeping = "{housekeeping}"
offline = ""
"""
FLOATING = """<domain type='kvm'>
  <name>web1</name>
  <memory unit='GiB'>4</memory>
  <vcpu>2</vcpu>
</domain>
"""
DOMAINS = {"numatune-missing": FLOATING, "housekeeping-used": FLOATING.replace("<vcpu>", "<vcpu cpuset='0-7'>")}


def told(folder: Path, rule: str) -> list[str]:
    report = numalint.check(folder / "web1.xml", host=str(folder / "kvm01.toml"))
    assert not report.problems
    return [each.help for each in report.results if each.rule == rule]


@pytest.mark.parametrize(
    ("rule", "isolated", "housekeeping", "offered"),
    [
        ("numatune-missing", "", "", "0-3"),
        ("numatune-missing", "0-2", "", "4-7"),
        ("numatune-missing", "0-2,5-7", "", ""),
        ("housekeeping-used", "", "0,4", "1-3,5-7"),
        ("housekeeping-used", "1,2", "0,4", "3,5-7"),
        ("housekeeping-used", "1-3,5-6", "0,4", ""),
        ("housekeeping-used", "1-3,5-7", "0,4", ""),
    ],
)
def test_a_guest_that_floats_is_offered_no_isolated_cpu(
    tmp_path: Path, rule: str, isolated: str, housekeeping: str, offered: str
) -> None:
    domain = DOMAINS[rule]
    (tmp_path / "kvm01.toml").write_text(HOST.format(isolated=isolated, housekeeping=housekeeping))
    (tmp_path / "web1.xml").write_text(domain)
    (help,) = told(tmp_path, rule)
    sets = re.findall(r"<vcpu cpuset='([^']*)'>", help)
    assert sets == ([offered] if offered else [])
    if offered:
        memory = re.findall(r"<memory mode='strict' nodeset='\d'/>", help)
        numatune = f"<numatune>{memory[0]}</numatune>" if memory else ""
        mended = re.sub(r"<vcpu[^>]*>", f"<vcpu cpuset='{offered}'>", domain)
        (tmp_path / "web1.xml").write_text(mended.replace("</domain>", f"{numatune}</domain>"))
        assert told(tmp_path, rule) == []
        assert told(tmp_path, "floating-over-isolcpus") == []
    else:
        assert "pin" in help
