"""One line a finding, for editors, grep and diff."""

from __future__ import annotations

from numalint.model.report import Report
from numalint.reporters.terminal import location, printable


def results(report: Report, _colour: bool) -> str:
    """``path:line:column: severity[rule] message`` of each finding."""
    return "".join(
        f"{location(each.span)}: {each.severity.value}[{each.rule}] {printable(each.message)}\n"
        for each in report.results
    )
