"""GitHub's Markdown, for the summary of a step: ``--report markdown=$GITHUB_STEP_SUMMARY``.

What comes from files is escaped, so that no name makes a link, a picture or a row of its own. GitHub drops a summary
above 1 MiB whole: what would not fit is left out and counted, the mildest findings first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from numalint import HOMEPAGE
from numalint.model.report import Problem, Report, Result
from numalint.reporters.account import problem_lines
from numalint.reporters.repository import Repository
from numalint.reporters.terminal import printable
from numalint.reporters.text import summary
from numalint.reporters.unjudged import count

# bytes of each section, together below the 1,048,576 that GitHub takes from a step, which may have more to say
_TABLE_ROOM, _WHY_ROOM, _PROBLEM_ROOM, _COVERAGE_ROOM = 400_000, 200_000, 200_000, 150_000
_PLACES = 5  # that are named for one explanation

_TABLE = ["| severity | rule | domain | place | what is wrong |", "|---|---|---|---|---|"]
_MARKUP = str.maketrans(
    {each: f"\\{each}" for each in "\\`*_[]~$"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
)


def page(report: Report, _colour: bool) -> str:
    """The report as a page: how many findings, what could not be checked, the findings, and what was not judged."""
    repository = Repository(report)
    headline, *uncovered = summary(report, False).splitlines()
    found, _, coverage = headline.partition(": ")
    lines = [f"## numalint: {_inline(found)}", "", _inline(coverage)]
    if report.problems:
        bullets = ([_bullet(each, repository)] for each in report.problems)
        lines += ["", "### Could not be checked", "", *_within(_PROBLEM_ROOM, bullets, "problem")]
    if report.results:
        results = sorted(report.results, key=lambda each: -each.severity.rank)
        rows = ([_row(each, repository)] for each in results)
        lines += ["", "### Findings", "", *_TABLE, *_within(_TABLE_ROOM, rows, "finding")]
        lines += _within(_WHY_ROOM, _explanations(results, repository), "rule's explanation")
    if uncovered:
        bullets = ([f"- {_inline(line.strip())}"] for line in uncovered)
        lines += ["", "### Not covered", "", *_within(_COVERAGE_ROOM, bullets, "line")]
    return "\n".join([*lines, ""])


def _within(room: int, blocks: Iterable[list[str]], noun: str) -> list[str]:
    """The first blocks of lines, as many as fit into a number of bytes, and how many others there are."""
    lines: list[str] = []
    left_out = 0
    for block in blocks:
        room -= sum(len(line.encode()) + 1 for line in block)
        if room < 0:  # and so it stays
            left_out += 1
        else:
            lines += block
    return (
        [*lines, "", f"Left out, for GitHub takes no longer summary: {count(left_out, noun)}."] if left_out else lines
    )


def _bullet(problem: Problem, repository: Repository) -> str:
    place = ""
    if problem.path is not None:
        parts = (repository.name(problem.path), problem.line, problem.column)
        place = f" {_code(':'.join(printable(str(part)) for part in parts if part is not None))}"
    text = " ".join(line.strip() for line in problem_lines(problem, repository))
    return f"- {_link(problem.kind)}{place}: {_inline(text)}"


def _row(result: Result, repository: Repository) -> str:
    message = _inline(repository.said(result.message.removeprefix(f"{result.domain}: ")))
    place = _code(repository.place(result.span))
    return f"| {result.severity.value} | {_link(result.rule)} | {_inline(result.domain)} | {place} | {message} |"


def _explanations(results: Iterable[Result], repository: Repository) -> Iterator[list[str]]:
    """Why and what to write, folded by rule; what holds for several places is said once."""
    rules: dict[str, dict[tuple[str, str], list[Result]]] = {}
    for each in results:
        if each.why.strip() or each.help.strip():
            rules.setdefault(each.rule, {}).setdefault((each.why, each.help), []).append(each)
    for rule, texts in rules.items():
        about = f"{_inline(rule)}: why it hurts, and what to write"
        block = ["", "<details>", f"<summary>{about}</summary>"]
        for (why, help), found in texts.items():
            places = ", ".join(_code(repository.place(each.span)) for each in found[:_PLACES])
            more = f" and {len(found) - _PLACES} more" if len(found) > _PLACES else ""
            reason = _inline(repository.said(" ".join(why.split())))
            block += ["", f"{places}{more}: {reason}".rstrip(), *_fenced(help, repository)]
        yield [*block, "", "</details>"]


def _fenced(text: str, repository: Repository) -> list[str]:
    """A text line by line as it is, between fences that are longer than any in it."""
    if not text.strip():
        return []
    lines = [repository.said(line).rstrip() for line in text.strip().split("\n")]
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", "\n".join(lines))), default=0))
    return ["", f"{fence}text", *lines, fence]


def _link(id: str) -> str:
    """The name of a rule or notice, with its page behind it."""
    return f"[{_inline(id)}]({HOMEPAGE}/blob/main/rules/README.md#{quote(id, safe='', errors='replace')})"


def _code(text: str) -> str:
    """A text in the type of code. Not between backticks: ``|`` cannot be escaped there in a way that all readers share."""
    return f"<code>{_inline(text)}</code>"


def _inline(text: str) -> str:
    """A text that Markdown shows as it is."""
    return printable(text).translate(_MARKUP)
