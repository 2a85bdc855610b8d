"""Workflow commands, read as the runner of GitHub Actions reads them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from any_report import REPORTS
from handmade import DOMAIN, FULL, report, result, span
from hypothesis import given, settings

from numalint.model.finding import Severity
from numalint.model.report import Problem, RelatedSpan, Report, Span, Unjudged
from numalint.reporters.github import commands
from numalint.reporters.terminal import printable


class Command(NamedTuple):
    name: str
    properties: dict[str, str]
    text: str


def unescaped(text: str, *codes: str) -> str:
    """The codes undone as the runner does it: one after the other, the percent sign last."""
    for code in (*codes, "%25"):
        text = text.replace(code, chr(int(code[1:], 16)))
    return text


def runner(log: str) -> list[Command]:
    """What the runner makes of the output of a step. A line that is no command is one too many."""
    found = []
    for line in re.split(r"\r\n|\r|\n", log)[:-1]:
        assert line.startswith("::")
        info, separator, data = line[2:].partition("::")
        assert separator
        name, _, pairs = info.partition(" ")
        assert name in {"error", "warning", "notice"}
        properties = dict(pair.split("=", 1) for pair in pairs.split(",") if pair)
        values = {key: unescaped(value, "%0D", "%0A", "%3A", "%2C") for key, value in properties.items()}
        found.append(Command(name, values, unescaped(data, "%0D", "%0A")))
    return found


def test_a_finding_is_a_command_on_one_line() -> None:
    assert commands(report(FULL), True) == (
        "::warning file=domains/db1.xml,line=5,col=6,endColumn=22,title=numatune-missing::"
        "db1: 2 vCPUs are pinned to node 1 of kvm01, but its 16 GiB of memory may come from any node"
        "%0Awhy: with memory on the other node every access crosses the interconnect (10 %25 and more)"
        "%0Ahelp: add <numatune><memory mode='strict' nodeset='1'/></numatune>"
        "%0Asee domains/db1.xml:6:31: the other of 2 pins"
        "%0Asee domains/db1.xml:2:9: this domain"
        "%0Asee hosts/kvm01.xml:4:8: node 1: CPUs 8-15, 32 GiB\n"
    )


def test_a_clean_run_is_no_command() -> None:
    assert commands(report(), False) == ""


def test_what_matters_most_comes_first_and_nothing_is_left_out() -> None:
    severities = (Severity.NOTE, Severity.WARNING, Severity.ERROR) * 20
    found = [
        result(span(DOMAIN, "db1"), severity=severity, rule=f"rule-{number}")
        for number, severity in enumerate(severities)
    ]
    whole = report(
        *found,
        problems=(Problem(kind="nothing-judged", message="no libvirt domain was found", help="name a folder"),),
        unjudged=(Unjudged(rule="device-remote", host="kvm01", facts=("pci-node",), domains=3, subjects=("eth0",)),),
    )
    seen = runner(commands(whole, False))
    assert [command.name for command in seen] == ["error"] * 21 + ["warning"] * 20 + ["notice"] * 21
    assert seen[0] == Command("error", {"title": "nothing-judged"}, "no libvirt domain was found\nhelp: name a folder")
    assert seen[41].properties == {"title": "not judged"}
    assert seen[41].text.startswith(
        "not judged: device-remote on kvm01 (pci-node unknown: eth0), 3 domains\nto know pci-node: virsh nodedev-dumpxml"
    )
    assert [each.properties["title"] for each in seen[1:21]] == [f"rule-{number}" for number in range(2, 60, 3)]


def test_a_problem_stands_where_it_is() -> None:
    at = Problem(kind="unreadable-host", message="it has no topology", path="hosts/kvm01.xml", line=3, column=5)
    whole = Problem(kind="not-ours", message="it is no domain", path="notes.xml")
    assert commands(report(problems=(at, whole)), False) == (
        "::error file=hosts/kvm01.xml,line=3,col=5,title=unreadable-host::it has no topology\n"
        "::error file=notes.xml,title=not-ours::it is no domain\n"
    )


def test_paths_start_at_the_root_and_what_lies_outside_is_named_in_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "repository" / "fleet"
    work.mkdir(parents=True)
    (work / "link.xml").symlink_to("real.xml")
    monkeypatch.chdir(work)
    inside = result(Span("link.xml", 1, 2, 3), related=(RelatedSpan(Span(str(tmp_path / "h.xml"), 4, 5, 6), "node 1"),))
    outside = result(Span(str(tmp_path / "a.xml"), 1, 2, 3), message="a: it is so")
    stdin = result(Span("-", 1, 2, 3), message="b: it is so")
    problem = Problem(kind="not-ours", message=f"it is like {work}/real.xml", path=str(tmp_path / "x.xml"), line=9)
    text = commands(report(inside, outside, stdin, problems=(problem,), root=".."), False)
    assert str(tmp_path) not in text
    seen = runner(text)
    assert seen[0] == Command("error", {"title": "not-ours"}, "x.xml: it is like fleet/real.xml")
    assert seen[1].properties["file"] == "fleet/real.xml"
    assert seen[1].text.endswith("\nsee h.xml:4:5: node 1")
    assert seen[2] == Command("warning", {"title": "numatune-missing"}, "a.xml:1:2: a: it is so")
    assert seen[3] == Command("warning", {"title": "numatune-missing"}, "stdin:1:2: b: it is so")


@settings(deadline=None)
@given(REPORTS)
def test_no_name_or_text_breaks_a_command(made: Report) -> None:
    text = commands(made, False)
    assert text == commands(made, True)
    text.encode()
    seen = runner(text)
    problems, results = len(made.problems), [each for each in made.results if each.severity is not Severity.NOTE]
    assert len(seen) == problems + len(made.results) + bool(made.unjudged)
    for problem, command in zip(made.problems, seen, strict=False):
        assert command.properties["title"] == problem.kind
        assert printable(problem.message) in command.text
    results.sort(key=lambda each: -each.severity.rank)
    for found, command in zip(results, seen[problems:], strict=False):
        assert command.name == found.severity.value
        assert command.properties["title"] == found.rule
        assert printable(found.message) in command.text
        if "file" in command.properties:
            assert list(command.properties) == ["file", "line", "col", "endColumn", "title"]
            place = (os.path.relpath(os.path.realpath(found.span.path)), found.span.line, found.span.column)
            read = command.properties
            assert (read["file"], read["line"], read["col"]) == tuple(printable(str(part)) for part in place)
            assert read["endColumn"] == str(found.span.end_column)
