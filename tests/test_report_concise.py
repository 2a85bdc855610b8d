"""One line a finding."""

from __future__ import annotations

from handmade import FULL, report, result

from numalint.model.finding import Severity
from numalint.model.report import Span
from numalint.reporters.concise import results


def test_a_finding_is_one_line() -> None:
    other = result(Span("b.xml", 3, 4, 5), severity=Severity.ERROR, rule="cpu-nonexistent", message="b: a\nb\x1b[2J")
    assert results(report(FULL, other), True) == (
        "domains/db1.xml:5:6: warning[numatune-missing] db1: 2 vCPUs are pinned to node 1 of kvm01, "
        "but its 16 GiB of memory may come from any node\n"
        "b.xml:3:4: error[cpu-nonexistent] b: a\\nb\\x1b[2J\n"
    )


def test_no_finding_is_no_line() -> None:
    assert results(report(), False) == ""
