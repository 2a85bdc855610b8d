"""One line a finding, for editors, grep and diff."""

from __future__ import annotations

from numalint.model.report import Report, Result
from numalint.reporters.terminal import location, printable


def results(report: Report, _colour: bool) -> str:
    """``path:line:column: severity[rule] message`` of each finding, with the files of the other domains in a conflict.

    Behind a suppressed one stands why it is.
    """
    return "".join(
        f"{location(each.span)}: {each.severity.value}[{each.rule}] {printable(each.message)}{_others(each)}{_suppressed(each)}\n"
        for each in report.results
    )


def _others(result: Result) -> str:
    return f" (with {printable(', '.join(result.others))})" if result.others else ""


def _suppressed(result: Result) -> str:
    return "" if result.suppressed is None else f" (suppressed: {printable(result.suppressed)})"
