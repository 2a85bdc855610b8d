"""What a finding or a problem says, line by line, for formats that show a text and little else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from numalint.model.report import Problem, Result
from numalint.reporters.repository import Repository


def result_lines(result: Result, repository: Repository) -> list[str]:
    """The message, why it hurts, what to write, and the other places, each with its clause."""
    return [
        repository.said(result.message),
        *_labelled("why", result.why, repository),
        *_labelled("help", result.help, repository),
        *(f"see {repository.place(each.span)}: {repository.said(each.label)}" for each in result.related),
    ]


def problem_lines(problem: Problem, repository: Repository) -> list[str]:
    """What went wrong, and what to do about it."""
    return [repository.said(problem.message), *_labelled("help", problem.help, repository)]


def _labelled(word: str, text: str, repository: Repository) -> Iterator[str]:
    """``why: ...``; the further lines of a text stand below its first."""
    first, *rest = text.strip().split("\n")
    if first:
        yield f"{word}: {repository.said(first)}"
    yield from (f"  {repository.said(line)}".rstrip() for line in rest)


def distinct(names: Iterable[str]) -> list[str]:
    """The names in their order, with ``:2`` after the second of equal ones and so on, so that no two are equal."""
    wanted = list(names)
    taken = set(wanted)
    seen: dict[str, int] = {}
    made = []
    for name in wanted:
        number = seen.get(name, 0) + 1
        while number > 1 and f"{name}:{number}" in taken:
            number += 1
        seen[name] = number
        made.append(name if number == 1 else f"{name}:{number}")
        taken.add(made[-1])
    return made
