"""Findings for people: what is wrong, the lines that say so, why it hurts, and what to write instead."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from numalint.loaders.document import lines_of
from numalint.model.finding import Severity
from numalint.model.report import Coverage, Problem, Report, Result
from numalint.reporters.excerpt import MOST_KEPT, Mark, excerpt
from numalint.reporters.terminal import BLUE, BOLD, CYAN, DIM, RED, YELLOW, location, paint, printable
from numalint.reporters.unjudged import count, left_out, sentences, sources

_STYLES = {Severity.ERROR: RED, Severity.WARNING: YELLOW, Severity.NOTE: CYAN}
_MOST_KINDS, _LONGEST_KIND = 4, 40
_LinesOf = Callable[[str], Sequence[str] | None]


def results(report: Report, colour: bool) -> str:
    """The findings, a blank line between two; nothing where there are none. Suppressed ones are dimmed."""

    @functools.lru_cache(maxsize=MOST_KEPT)
    def lines(path: str) -> Sequence[str] | None:
        return lines_of(report.files[path]) if path in report.files else None

    def shown(result: Result) -> Iterator[str]:
        if result.suppressed is None:
            return _finding(result, lines, colour)
        return (paint(line, DIM, colour) for line in _finding(result, lines, False))

    return "\n".join("".join(f"{line}\n" for line in shown(result)) for result in report.results)


def problems(report: Report, colour: bool) -> str:
    """What could not be read, resolved or run, with what to do about it."""
    return "".join(f"{line}\n" for problem in report.problems for line in _problem(problem, colour))


def summary(report: Report, colour: bool, hint: str = "") -> str:
    """How many findings, what was covered, what was not judged and why, and what was left out (``hint``: how to see it)."""
    lines = [paint(_headline(report), BOLD, colour)]
    lines += map(printable, sentences(report.unjudged))
    lines += (f"  {source}" for source in sources(report.unjudged))
    coverage = report.coverage
    if coverage.passed_over:
        lines.append(_passed_over(coverage.passed_over))
    if coverage.excluded:
        lines.append(f"excluded: {count(coverage.excluded, 'path')}")
    shown = any(result.suppressed is not None for result in report.results)
    lines += left_out(coverage, "" if shown else hint)
    return "".join(f"{line}\n" for line in lines)


def _passed_over(kinds: dict[str, int]) -> str:
    """``passed over: 3 XML files that are no domains (2 network, 1 pool)``, the most frequent kinds first."""
    files = sum(kinds.values())
    most = sorted(kinds.items(), key=lambda each: (-each[1], each[0]))
    shown = [f"{number:,} {printable(kind)[:_LONGEST_KIND]}" for kind, number in most[:_MOST_KINDS]]
    more = sum(number for _, number in most[_MOST_KINDS:])
    shown += [f"{more:,} of other kinds"] * bool(more)
    return f"passed over: {count(files, 'XML file')} that {'is no domain' if files == 1 else 'are no domains'} ({', '.join(shown)})"


def _finding(result: Result, lines: _LinesOf, colour: bool) -> Iterator[str]:
    style = _STYLES[result.severity]
    head = paint(f"{result.severity.value}[{result.rule}]", style, colour)
    why = "" if result.suppressed is None else f" (suppressed: {result.suppressed})"
    yield head + paint(f": {printable(result.message + why)}", BOLD, colour)
    marks = [Mark(result.span, result.label, True, style)]
    marks += (Mark(related.span, related.label, False, BLUE) for related in result.related)
    gutter = max(len(str(mark.span.line)) for mark in marks)
    order = list(dict.fromkeys(mark.span.path for mark in marks))
    for path, group in groupby(
        sorted(marks, key=lambda mark: order.index(mark.span.path)), lambda mark: mark.span.path
    ):
        here = list(group)
        arrow = paint("-->" if here[0].main else ":::", BLUE, colour)
        yield f"{' ' * gutter}{arrow} {location(here[0].span)}"
        yield from excerpt(lines(path), here, gutter, colour)
    more = f"numalint explain {result.rule}"
    for word, text in (("why", result.why), ("help", result.help), ("more", more)):
        yield from _footer(word, text, gutter, colour)


def _footer(word: str, text: str, gutter: int, colour: bool) -> Iterator[str]:
    """``= why: ...``; the further lines of a text stand below its first."""
    first, *rest = text.strip().split("\n")
    if first:
        yield f"{' ' * gutter} {paint('=', BLUE, colour)} {paint(f'{word}:', BOLD, colour)} {printable(first)}"
    for line in rest:
        yield f"{' ' * (gutter + 5 + len(word))}{printable(line)}".rstrip()


def _problem(problem: Problem, colour: bool) -> Iterator[str]:
    place = (problem.path, problem.line, problem.column)
    before = "".join(f"{printable(str(part))}:" for part in place if part is not None)
    yield f"{paint('error', RED, colour)}{paint(':', BOLD, colour)} {before}{' ' * bool(before)}{printable(problem.message)}"
    yield from _footer("help", problem.help, 1, colour)


def _headline(report: Report) -> str:
    covered = _covered(report.coverage)
    unchecked = f"{count(len(report.problems), 'problem')} kept numalint from checking everything"
    severities = [result.severity for result in report.results if result.suppressed is None]
    if severities:
        kinds = (count(severities.count(each), each.value) for each in reversed(Severity) if each in severities)
        found = f"{count(len(severities), 'finding')} ({', '.join(kinds)}): {covered}"
        return f"{found}; {unchecked}." if report.problems else f"{found}."
    return f"No findings, but {unchecked}: {covered}." if report.problems else f"No findings: {covered}."


def _covered(coverage: Coverage) -> str:
    """``12 domains on 2 hosts, 9 rules``."""
    hosts = f" on {count(len(coverage.hosts), 'host')}" if coverage.hosts else ""
    if coverage.domains and coverage.without_host == coverage.domains:
        hosts = " without a host"
    elif coverage.without_host:
        hosts += f" ({coverage.without_host} without a host)"
    return f"{count(coverage.domains, 'domain')}{hosts}, {count(coverage.rules, 'rule')}"
