"""GitLab's Code Quality report: a JSON array of what Code Climate calls issues.

A severity of GitLab's own says what kind an entry is: ``blocker`` a problem of the run (a host or a file that cannot be read),
``critical`` an error (a domain that is malformed is one), ``major`` a warning, ``info`` a note, what was not judged
(``not-judged``), or how many findings are suppressed or known (``left-out``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from numalint.engine.notices import LEFT_OUT, NOT_JUDGED
from numalint.model.finding import Severity
from numalint.model.report import Problem, Report, Result, Unjudged
from numalint.reporters.account import distinct, problem_lines, result_lines
from numalint.reporters.json_text import json_text
from numalint.reporters.repository import Repository
from numalint.reporters.terminal import printable, well_formed
from numalint.reporters.unjudged import left_out, sentences, sources

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "info"}
_ROOT = "."  # what has no place of its own: GitLab wants a path in every entry


def code_quality(report: Report, _colour: bool) -> str:
    """The report as GitLab's artifact ``codequality`` has it."""
    repository = Repository(report)
    entries = [_result(each, repository) for each in report.results]
    entries += (_problem(each, repository) for each in report.problems)
    entries += _not_judged(report.unjudged)
    if lines := list(left_out(report.coverage)):
        entries.append(
            _entry(LEFT_OUT, "info", lines, (_ROOT, 1), _print(LEFT_OUT))
        )  # however many: it is no new defect
    # GitLab keeps the first of two entries with the same fingerprint and drops the other
    for entry, fingerprint in zip(entries, distinct(each["fingerprint"] for each in entries), strict=True):
        entry["fingerprint"] = fingerprint
    return json_text(entries)


def _result(result: Result, repository: Repository) -> dict[str, Any]:
    lines = result_lines(result, repository)
    place = (repository.name(result.span.path), result.span.line)
    return _entry(result.rule, _SEVERITIES[result.severity], _named(result.rule, lines), place, result.fingerprint)


def _problem(problem: Problem, repository: Repository) -> dict[str, Any]:
    lines = problem_lines(problem, repository)
    name = _ROOT if problem.path is None else repository.name(problem.path)
    fingerprint = _print(problem.kind, name, lines[0])
    return _entry(problem.kind, "blocker", _named(problem.kind, lines), (name, problem.line or 1), fingerprint)


def _not_judged(unjudged: Iterable[Unjudged]) -> Iterator[dict[str, Any]]:
    """An entry for the facts that a host lacks, and one for all that has no host.

    Their fingerprints leave out how many domains there are, for one more is no new defect.
    """
    groups: dict[tuple[str, ...], list[Unjudged]] = {}
    for each in unjudged:
        groups.setdefault(() if each.host is None else (each.host, *each.facts), []).append(each)
    for key, group in groups.items():
        lines = [printable(line) for line in (*sentences(group), *sources(group))]
        yield _entry(NOT_JUDGED, "info", lines, (_ROOT, 1), _print(NOT_JUDGED, *key))


def _named(check: str, lines: list[str]) -> list[str]:
    """The lines under the name of the rule: GitLab's lists show the description alone."""
    return [f"{check}: {lines[0]}", *lines[1:]]


def _entry(check: str, severity: str, lines: Iterable[str], place: tuple[str, int], fingerprint: str) -> dict[str, Any]:
    path, line = place
    return {
        "description": well_formed("\n".join(lines)),
        "check_name": check,
        "fingerprint": well_formed(fingerprint),
        "severity": severity,
        "location": {"path": well_formed(path), "lines": {"begin": line}},
    }


def _print(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
