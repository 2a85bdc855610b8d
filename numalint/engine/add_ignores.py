"""Writes suppressions into domain files: a comment in front of each element that a finding is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from numalint.engine.world import DOMAIN_ELEMENTS
from numalint.loaders.document import Document, LoadError, read_head
from numalint.loaders.domain import load_domains
from numalint.loaders.suppressions import parse_comment
from numalint.loaders.xml import parse, start_tags
from numalint.model.report import Result

ELSEWHERE = "write an [[ignore]] in numalint.toml"


class Refused(ValueError):  # noqa: N818  # it is said to the user, who knows no errors by their class
    """What cannot be written: a clause for the user."""


def comment_of(rules: Iterable[str], reason: str) -> str:
    """The comment that suppresses ``rules``. Raises Refused for a reason that a comment cannot hold."""
    said = " ".join(reason.split())
    if "--" in said or said.endswith("-") or not said.isprintable():
        raise Refused("an XML comment cannot hold this reason: it has -- in it, a - at its end, or a control character")
    text = f" numalint: ignore[{', '.join(sorted(set(rules)))}] {said} "
    terms = parse_comment(text)
    if terms is None or terms.fault:
        raise Refused(f"a suppression with this reason would be void: {terms.fault if terms else 'it is not read'}")
    return f"<!--{text}-->"


def rules_by_element(results: Iterable[Result]) -> dict[str, list[str]]:
    """The rules that found something, by the path of the element that it is about."""
    found: dict[str, list[str]] = {}
    for each in results:
        found.setdefault(re.sub(r"/(?:@[^/]*|text\(\))$", "", each.element), []).append(each.rule)
    return found


def commented(document: Document, rules: Mapping[str, Iterable[str]], reason: str) -> str:
    """The text of a domain file with a comment in front of each element in ``rules``, and all else as it was.

    An element that begins its line is given a line above it, any other one the comment just in front of it.
    Raises Refused where the file is none that a comment can be written into.
    """
    _refuse(document)
    text = document.data.decode("utf-8")
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    lines = text.removeprefix(mark).split("\n")
    tags = start_tags(document)
    for path in sorted(rules, key=lambda path: tags[path], reverse=True):
        line, column = tags[path]
        before, rest = lines[line - 1][:column], lines[line - 1][column:]
        comment = comment_of(rules[path], reason)
        if before.strip():
            lines[line - 1] = f"{before}{comment}{rest}"
        else:
            end = "\r" if rest.endswith("\r") else ""
            lines[line - 1 : line] = [f"{before}{comment}{end}", f"{before}{rest}"]
    made = mark + "\n".join(lines)
    _check(document, made)
    return made


def _refuse(document: Document) -> None:
    if read_head(document.data).element not in DOMAIN_ELEMENTS:
        raise Refused(f"comments are written into domain files alone; {ELSEWHERE}")
    if b"\r" in document.data.replace(b"\r\n", b""):
        raise Refused("lines of it end in a carriage return alone; save it with other line ends first")
    try:
        parse(document)
    except LoadError:
        raise Refused(f"it holds several documents; {ELSEWHERE}") from None
    if any(domain.faults for domain in load_domains(document)):
        raise Refused("libvirt refuses a domain in it, which no suppression covers; mend it first")


def _check(document: Document, made: str) -> None:
    """Nothing but comments may have changed, whatever the file is like."""
    new = Document(document.path, made.encode("utf-8"))
    try:
        parse(new)
    except LoadError as error:
        raise Refused(f"with the comment it could not be read: {error.message}") from None
    assert list(start_tags(new)) == list(start_tags(document))
