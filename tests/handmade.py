"""Reports made by hand, for the tests of the reporters."""

from __future__ import annotations

from numalint.model.finding import Severity
from numalint.model.report import Coverage, RelatedSpan, Report, Result, Span

DOMAIN = """<domain type='kvm'>
  <name>db1</name>
  <vcpu>2</vcpu>
  <cputune>
    <vcpupin vcpu='0' cpuset='8'/>
    <vcpupin vcpu='1' cpuset='9'/>
  </cputune>
</domain>
"""
HOST = """<capabilities>
  <host>
    <topology><cells>
      <cell id='1'/>
    </cells></topology>
  </host>
</capabilities>
"""


def span(text: str, part: str, path: str = "domains/db1.xml") -> Span:
    """Where a part stands in a text."""
    start = text.index(part)
    line, column = text.count("\n", 0, start) + 1, start - (text.rfind("\n", 0, start) + 1) + 1
    return Span(path, line, column, column + len(part))


def result(where: Span, **changes: object) -> Result:
    fields: dict[str, object] = {
        "rule": "numatune-missing",
        "severity": Severity.WARNING,
        "message": "db1: 2 vCPUs are pinned to node 1 of kvm01, but its 16 GiB of memory may come from any node",
        "label": "first of 2 pins, all on node 1",
        "span": where,
        "element": "/domain/cputune/vcpupin",
        "domain": "db1",
        "host": "kvm01",
        "fingerprint": "0123456789abcdef",
    }
    return Result(**(fields | changes))  # type: ignore[arg-type]  # the fields are named above


def report(*found: Result, files: dict[str, str | bytes] | None = None, **changes: object) -> Report:
    texts = {"domains/db1.xml": DOMAIN, "hosts/kvm01.xml": HOST} if files is None else files
    fields: dict[str, object] = {
        "version": "0.1.0",
        "results": found,
        "problems": (),
        "unjudged": (),
        "coverage": Coverage(domains=12, hosts=("kvm01", "kvm02"), rules=9),
        "rules": (),
        "exit_code": 0,
        "root": ".",
        "files": {
            path: text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
            for path, text in texts.items()
        },
    }
    return Report(**(fields | changes))  # type: ignore[arg-type]  # the same


FULL = result(
    span(DOMAIN, "vcpupin vcpu='0'"),
    related=(
        RelatedSpan(span(DOMAIN, "9"), "the other of 2 pins"),
        RelatedSpan(span(DOMAIN, "db1"), "this domain"),
        RelatedSpan(span(HOST, "cell id='1'", "hosts/kvm01.xml"), "node 1: CPUs 8-15, 32 GiB"),
    ),
    why="with memory on the other node every access crosses the interconnect (10 % and more)",
    help="add <numatune><memory mode='strict' nodeset='1'/></numatune>",
)
"""A finding with places in two files."""
