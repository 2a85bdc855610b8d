"""Workflow commands of GitHub Actions: a step that prints them gets an annotation for each.

GitHub shows at most ten errors, ten warnings and ten notices of a step. Nothing is left out here, for the log has them
all; what matters most comes first, so that it is among the ten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from numalint.model.finding import Severity
from numalint.model.report import Problem, Report, Result
from numalint.reporters.account import problem_lines, result_lines
from numalint.reporters.repository import Repository
from numalint.reporters.terminal import printable
from numalint.reporters.unjudged import left_out, sentences, sources

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_IN_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY = _IN_DATA | str.maketrans({":": "%3A", ",": "%2C"})


def commands(report: Report, _colour: bool) -> str:
    """A command a problem and a finding, errors first; in front of the notes, one for what was not judged or left out."""
    repository = Repository(report)
    of = {severity: [each for each in report.results if each.severity is severity] for severity in Severity}
    lines = [_problem(each, repository) for each in report.problems]
    lines += (_result(each, repository) for each in (*of[Severity.ERROR], *of[Severity.WARNING]))
    lines += _told("not judged", (*sentences(report.unjudged), *sources(report.unjudged)))
    lines += _told("left out", left_out(report.coverage))
    lines += (_result(each, repository) for each in of[Severity.NOTE])
    return "".join(f"{line}\n" for line in lines)


def _result(result: Result, repository: Repository) -> str:
    span = result.span
    lines = result_lines(result, repository)
    where: dict[str, object] = {}
    if (path := repository.path(span.path)) is not None:
        where = {"file": path, "line": span.line, "col": span.column, "endColumn": span.end_column}
    else:  # GitHub has no such file to annotate
        lines[0] = f"{repository.place(span)}: {lines[0]}"
    return _command(_COMMANDS[result.severity], where | {"title": result.rule}, lines)


def _problem(problem: Problem, repository: Repository) -> str:
    lines = problem_lines(problem, repository)
    where: dict[str, object] = {}
    if problem.path is not None:
        where = {"file": repository.path(problem.path), "line": problem.line, "col": problem.column}
        if where["file"] is None:
            lines[0] = f"{printable(repository.name(problem.path))}: {lines[0]}"
            where = {}
    return _command("error", where | {"title": problem.kind}, lines)


def _told(title: str, sentences: Iterable[str]) -> Iterator[str]:
    lines = list(map(printable, sentences))
    if lines:
        yield _command("notice", {"title": title}, lines)


def _command(name: str, properties: dict[str, object], lines: Iterable[str]) -> str:
    """``::name key=value,key=value::text``. The runner undoes what is escaped, and ends a command at the line's end."""
    given = ",".join(
        f"{key}={printable(str(value)).translate(_IN_PROPERTY)}"
        for key, value in properties.items()
        if value is not None
    )
    return f"::{name} {given}::" + "\n".join(lines).translate(_IN_DATA)
