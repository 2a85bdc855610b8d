"""A rule's page: the docstring of its module, cut into sections and examples."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterator, Sequence
from typing import overload

import msgspec

from numalint.engine.rule import Rule
from numalint.model.finding import Severity
from numalint.model.report import RuleCard

_HEADING = re.compile(r"(?P<title>Host|Bad|Good|Fix|When to ignore it|Sources)(?: \((?P<note>[^)]*)\))?:(?P<rest>.*)")
_CARET = re.compile(r"(?P<indent>\s*)(?P<marks>\^+|-+) (?P<text>\S.*)")


class Mark(msgspec.Struct, frozen=True):
    """A caret line of an example: line and columns (from 1) that it points at, and how the clause there begins.

    ``main`` tells ``^^^`` (the place of the finding) from ``---`` (a related place).
    """

    line: int
    column: int
    end_column: int
    text: str
    main: bool


class Example(msgspec.Struct, frozen=True):
    """One example of a page: the domain without its caret lines, on a host that is a synthetic string or TOML.

    ``severity`` is what a Bad example is expected to be, where its heading says so: ``Bad (note):``.
    """

    bad: bool
    host: str
    domain: str
    marks: tuple[Mark, ...]
    severity: Severity | None
    shown: str


class Page(msgspec.Struct, frozen=True):
    """A page in its parts; ``sections`` are the titled paragraphs after the examples."""

    summary: str
    why: str
    examples: tuple[Example, ...]
    sections: dict[str, str]


def read_page(docstring: str) -> Page:
    """The page that a docstring is. Raises ValueError where an example has no domain in it."""
    summary, _, body = inspect.cleandoc(docstring).partition("\n\n")
    why: list[str] = []
    examples: list[Example] = []
    sections: dict[str, str] = {}
    host, current = "", why
    blocks = _blocks(body)
    for title, note, text in blocks:
        if title == "Host":
            host = text.strip()
        elif title in ("Bad", "Good"):
            examples.append(_example(title == "Bad", host, text, note))
        elif title:
            sections[title] = text.strip()
        else:
            current.append(text.strip())
    return Page(" ".join(summary.split()), "\n\n".join(why).strip(), tuple(examples), sections)


def _blocks(body: str) -> list[tuple[str, str | None, str]]:
    """The body as (title, note in parentheses, text) of each heading; the text before the first has no title."""
    found: list[tuple[str, str | None, list[str]]] = [("", None, [])]
    for line in body.split("\n"):
        heading = _HEADING.fullmatch(line)
        if heading:
            found.append((heading["title"], heading["note"], [heading["rest"].strip()]))
        else:
            found[-1][2].append(line)
    return [(title, note, inspect.cleandoc("\n".join(["", *lines]))) for title, note, lines in found]


def _example(bad: bool, host: str, text: str, note: str | None) -> Example:
    lines: list[str] = []
    marks: list[Mark] = []
    for line in text.split("\n"):
        caret = _CARET.fullmatch(line)
        if caret and lines:
            start = len(caret["indent"]) + 1
            main = caret["marks"].startswith("^")
            marks.append(Mark(len(lines), start, start + len(caret["marks"]), caret["text"], main))
        else:
            lines.append(line)
    domain = "\n".join(lines)
    if "<domain" not in domain:
        raise ValueError(f"an example has no <domain>: {text[:60]!r}")
    return Example(bad, host, domain, tuple(marks), Severity(note) if note else None, text)


def markdown(page: Page) -> str:
    """The page as Markdown, for the catalogue, SARIF's help and ``numalint explain``."""
    parts = [page.why] if page.why else []
    host = None
    for example in page.examples:
        if example.host != host:
            host = example.host
            parts.append("Without a host:" if host in ("", "none") else f"On this host:\n\n```\n{host}\n```")
        word = "Bad" if example.bad else "Good"
        milder = f" ({example.severity.value})" if example.severity else ""
        parts.append(f"**{word}{milder}**\n\n```xml\n{example.shown}\n```")
    parts.extend(_section(title, text) for title, text in page.sections.items())
    return "\n\n".join(parts)


def _section(title: str, text: str) -> str:
    return f"**{title}**\n\n{text}" if text.startswith("- ") else f"**{title}:** {text}"


def card(rule: Rule) -> RuleCard:
    """What a report says of a rule."""
    page = read_page(rule.page)
    first = page.why.split("\n\n")[0]
    return RuleCard(
        id=rule.id,
        shape=rule.shape,
        category=rule.category,
        level=rule.severity,
        needs=tuple(sorted(rule.needs)),
        uses=tuple(sorted(rule.uses)),
        enabled=rule.enabled,
        summary=page.summary,
        description=" ".join(first.split())[:1024] or page.summary,
        page=markdown(page),
        precision=rule.precision,
    )


class Cards(Sequence[RuleCard]):
    """The cards of rules, and those of notices behind them. They are made when one is looked at: most reports show none."""

    def __init__(self, rules: Sequence[Rule], notices: tuple[RuleCard, ...]) -> None:
        self._rules = rules
        self._notices = notices

    @functools.cached_property
    def _made(self) -> tuple[RuleCard, ...]:
        return (*map(card, self._rules), *self._notices)

    def __len__(self) -> int:
        return len(self._rules) + len(self._notices)

    def __iter__(self) -> Iterator[RuleCard]:
        return iter(self._made)

    @overload
    def __getitem__(self, index: int) -> RuleCard: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[RuleCard]: ...
    def __getitem__(self, index: int | slice) -> RuleCard | Sequence[RuleCard]:
        return self._made[index]
