"""JUnit XML, as Jenkins and GitLab read it: the structure of Jenkins' junit-10.xsd.

A suite is a file, a test a domain and a rule that spoke there. Errors and warnings are failures; a test with notes
alone passes, with the notes as its output. Both readers keep one failure of a test, so it has them all in its text.
The suite ``numalint`` is about the run itself: what could not be checked are errors, what was not judged are skipped tests.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from lxml import etree

from numalint.engine.notices import MALFORMED_DOMAIN
from numalint.model.finding import Severity
from numalint.model.report import Problem, Report, Result, Unjudged
from numalint.reporters import unjudged
from numalint.reporters.account import distinct, problem_lines, result_lines
from numalint.reporters.repository import Repository
from numalint.reporters.terminal import printable
from numalint.reporters.text import summary

_RUN = "numalint"


class _Test(msgspec.Struct, frozen=True, kw_only=True):
    """A test. ``outcome`` is failure, error or skipped, or system-out for one that passed and has something to say."""

    group: str
    name: str
    outcome: str | None = None
    type: str = ""
    message: str = ""
    text: str = ""


def suites(report: Report, _colour: bool) -> str:
    """The report as a JUnit XML file."""
    repository = Repository(report)
    run = _suite(_RUN, list(_run_tests(report, repository)))
    etree.SubElement(run, "system-out").text = "\n".join(map(printable, summary(report, False).splitlines()))
    made = [run, *_file_suites(report.results, repository)]
    for suite, name in zip(made, distinct(suite.get("name", "") for suite in made), strict=True):
        suite.set("name", name)
    root = etree.Element("testsuites", name=_RUN)
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in made)))
    root.extend(made)
    text: str = etree.tostring(root, encoding="unicode", pretty_print=True)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}'


def _run_tests(report: Report, repository: Repository) -> Iterator[_Test]:
    """Never none: Jenkins takes a file without a test for a failure of its own."""
    if not report.problems:
        yield _whole(report)
    yield from (_problem(each, repository) for each in report.problems)
    yield from (_skipped(each) for each in report.unjudged)


def _whole(report: Report) -> _Test:
    """The test that everything could be judged; a domain that cannot be read is told in a test of its own."""
    name = "everything could be read and run"
    if report.exit_code != 2:
        return _Test(group=_RUN, name=name)
    message = "some domains cannot be read: their tests say why"
    return _Test(group=_RUN, name=name, outcome="error", type=MALFORMED_DOMAIN, message=message, text=message)


def _problem(problem: Problem, repository: Repository) -> _Test:
    lines = problem_lines(problem, repository)
    name = printable(problem.kind)
    if problem.path is not None:
        place = (repository.name(problem.path), problem.line, problem.column)
        name = f"{name}: {printable(place[0])}"
        lines[0] = ":".join(printable(str(part)) for part in place if part is not None) + f": {lines[0]}"
    return _Test(
        group=_RUN, name=name, outcome="error", type=printable(problem.kind), message=lines[0], text="\n".join(lines)
    )


def _skipped(each: Unjudged) -> _Test:
    lines = [unjudged.sentence(each), *unjudged.sources((each,))]
    where = "without a host" if each.host is None else f"on {each.host}"
    name, said = printable(f"{each.rule} {where}"), list(map(printable, lines))
    # as text too: GitLab shows nothing else
    return _Test(group=f"{_RUN}.not judged", name=name, outcome="skipped", message=said[0], text="\n".join(said))


def _file_suites(results: Iterable[Result], repository: Repository) -> Iterator[Any]:
    files: dict[str, dict[tuple[str, str], list[Result]]] = {}
    for each in results:
        tests = files.setdefault(each.span.path, {})
        tests.setdefault((each.domain, each.rule), []).append(each)
    for path, tests in files.items():
        name = printable(repository.name(path))
        yield _suite(name, [_tested(name, domain, found, repository) for (domain, _), found in tests.items()])


def _tested(file: str, domain: str, found: list[Result], repository: Repository) -> _Test:
    """The findings of one rule in one domain, the worst of which names the failure."""
    worst = max(found, key=lambda each: each.severity.rank)
    texts = [_text(each, repository) for each in found]
    passed = worst.severity is Severity.NOTE
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return _Test(
        group=_package(file),
        name=printable(f"{domain}: {worst.rule}"),
        outcome="system-out" if passed else "failure",
        type=worst.severity.value,
        message=repository.said(worst.message) + more,
        text="\n\n".join(texts),
    )


def _text(result: Result, repository: Repository) -> str:
    first, *rest = result_lines(result, repository)
    head = f"{repository.place(result.span)}: {result.severity.value}[{printable(result.rule)}] {first}"
    return "\n".join((head, *rest))


def _package(file: str) -> str:
    """``domains.db1`` for ``domains/db1.xml``: Jenkins makes a tree of what stands between dots."""
    return os.path.splitext(file)[0].replace("/", ".")


def _suite(name: str, tests: list[_Test]) -> Any:
    """A suite with its tests, told apart where two are called the same: GitLab keeps but the first of these."""
    outcomes = [test.outcome for test in tests]
    counts = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    suite = etree.Element("testsuite", name=name, tests=str(len(tests)))
    for count, outcome in counts.items():
        suite.set(count, str(outcomes.count(outcome)))
    for test, distinguished in zip(tests, distinct(test.name for test in tests), strict=True):
        case = etree.SubElement(suite, "testcase", classname=test.group, name=distinguished)
        if test.outcome is not None:
            said = etree.SubElement(case, test.outcome)
            said.text = test.text
            if test.outcome != "system-out":
                said.attrib.update({key: value for key in ("type", "message") if (value := getattr(test, key))})
    return suite
