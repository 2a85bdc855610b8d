"""SARIF 2.1.0, as GitHub code scanning and other viewers read it.

The same report gives the same bytes: no time, no absolute path. The rules are described on every run, a clean one
included, for an alert is closed only by a file that is uploaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import sarif_om as om

from numalint import HOMEPAGE
from numalint.engine.notices import LEFT_OUT, NOT_JUDGED
from numalint.model.finding import Severity
from numalint.model.report import Problem, Report, Result, RuleCard, Unjudged
from numalint.reporters import unjudged
from numalint.reporters.json_text import json_text
from numalint.reporters.pages import page_markdown
from numalint.reporters.sarif_places import ROOT, Places
from numalint.reporters.sarif_values import plain

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_SEMANTIC = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_LINK = re.compile(r"\[(?=[^\[\]]*\]\()")  # what a reader would take for the start of a link
_LONGEST_DESCRIPTION = 1_024  # of which GitHub keeps no more
_GITHUB_SEVERITY = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "recommendation"}
_EXIT_CODES = {
    0: "no finding at or above the failing severity",
    1: "findings at or above the failing severity",
    2: "something could not be read, resolved or run",
}


def log(report: Report, _colour: bool) -> str:
    """A report as the text of a SARIF file."""
    places = Places(report)
    marked = any(result.suppressed is not None for result in report.results)
    cards = sorted(report.rules, key=lambda card: card.id)
    index = {card.id: number for number, card in enumerate(cards)}
    run = om.Run(
        tool=om.Tool(driver=_driver(report, cards)),
        invocations=[_invocation(report, index, places)],
        original_uri_base_ids={
            ROOT: om.ArtifactLocation(description=om.Message(text="The root of the checked repository."))
        },
        column_kind="unicodeCodePoints",
        results=[_result(result, index, places, marked=marked) for result in report.results],
    )
    document = om.SarifLog(version="2.1.0", schema_uri=_SCHEMA, runs=[run])
    return json_text(plain(document))


def _driver(report: Report, cards: Sequence[RuleCard]) -> Any:
    return om.ToolComponent(
        name="numalint",
        version=report.version,
        semantic_version=report.version if _SEMANTIC.fullmatch(report.version) else None,
        information_uri=HOMEPAGE,
        rules=[_rule(card) for card in cards],
        notifications=[_rule(card) for card in cards if card.shape == "notice"],
    )


def _rule(card: RuleCard) -> Any:
    return om.ReportingDescriptor(
        id=card.id,
        name="".join(word.capitalize() for word in card.id.split("-")),
        short_description=_text(_sentence(card.summary)),
        full_description=_text(_sentence(card.description[: _LONGEST_DESCRIPTION - 1])),
        help=om.MultiformatMessageString(text=_without_markup(card.page), markdown=page_markdown(card)),
        help_uri=f"{HOMEPAGE}/blob/main/rules/README.md#{card.id}",
        default_configuration=om.ReportingConfiguration(level=card.level.value),
        properties={
            "tags": ["libvirt", "numa", card.category],
            "precision": card.precision,
            "problem.severity": _GITHUB_SEVERITY[card.level],
        },
    )


def _text(text: str) -> Any:
    return om.MultiformatMessageString(text=text)


def _without_markup(page: str) -> str:
    """A page of Markdown for a reader that knows only text."""
    lines = (line for line in page.split("\n") if not line.startswith("```"))
    return re.sub(r"\*\*(.+?)\*\*", r"\1", "\n".join(lines))


def _invocation(report: Report, index: dict[str, int], places: Places) -> Any:
    """How the run ended. It was successful where all was checked, whatever was found."""
    notifications = [_problem(problem, places) for problem in report.problems]
    notifications += (_not_judged(each, index) for each in report.unjudged)
    notifications += _left_out(report)
    return om.Invocation(
        execution_successful=report.exit_code != 2,
        exit_code=report.exit_code,
        exit_code_description=_EXIT_CODES[report.exit_code],
        tool_execution_notifications=notifications,
        properties={"coverage": msgspec.to_builtins(report.coverage)},
    )


def _problem(problem: Problem, places: Places) -> Any:
    text, locations = problem.message, None
    if problem.path is not None and places.uri(problem.path) is not None:
        region = om.Region(start_line=problem.line, start_column=problem.column) if problem.line else None
        where = om.PhysicalLocation(artifact_location=places.file(problem.path), region=region)
        locations = [om.Location(physical_location=where)]
    elif problem.path is not None:
        text = f"{problem.path.rstrip('/').rpartition('/')[2]}: {text}"
    return om.Notification(
        descriptor=om.ReportingDescriptorReference(id=problem.kind),
        level="error",
        message=om.Message(text=places.relative(_sentences(text, problem.help))),
        locations=locations,
    )


def _not_judged(each: Unjudged, index: dict[str, int]) -> Any:
    return om.Notification(
        descriptor=om.ReportingDescriptorReference(id=NOT_JUDGED),
        associated_rule=om.ReportingDescriptorReference(id=each.rule, index=index.get(each.rule, -1)),
        level="note",
        message=om.Message(text=" ".join([unjudged.sentence(each), *map(_sentence, unjudged.sources([each]))])),
        properties={"host": each.host, "facts": each.facts, "domains": each.domains, "subjects": each.subjects},
    )


def _left_out(report: Report) -> Iterator[Any]:
    """How many findings are suppressed, and how many were there before: the log may have none of them."""
    if said := list(unjudged.left_out(report.coverage)):
        descriptor = om.ReportingDescriptorReference(id=LEFT_OUT)
        yield om.Notification(descriptor=descriptor, level="note", message=om.Message(text=_sentences(*said)))


def _result(result: Result, index: dict[str, int], places: Places, *, marked: bool) -> Any:
    """A finding. Where some in the log are suppressed, all are ``marked``, as the standard wants it (3.27.23)."""
    shown = [related for related in result.related if places.uri(related.span.path) is not None]
    linked = ", ".join(f"[{_escaped(each.label)}]({number})" for number, each in enumerate(shown, 1))
    see = f"See {linked}" if shown else ""
    place = om.Location(
        physical_location=places.physical(result.span, around=True),
        logical_locations=[_logical(result.element)],
    )
    related = [
        om.Location(
            id=number,
            message=om.Message(text=_sentence(each.label)),
            physical_location=places.physical(each.span, around=False),
        )
        for number, each in enumerate(shown, 1)
    ]
    prints = {"primaryLocationLineHash": places.line_hash(result.span), "numalint/v1": result.fingerprint}
    said = (_LINK.sub(r"\\[", text) for text in (result.message, result.why, result.help))
    return om.Result(
        rule_id=result.rule,
        rule_index=index.get(result.rule, -1),
        level=result.severity.value,
        message=om.Message(text=_composed(*said, see=see)),
        locations=[place],
        related_locations=related or None,
        partial_fingerprints=prints,
        suppressions=_suppressions(result) if marked else None,
        properties={"domain": result.domain, "host": result.host, "data": result.data or None},
    )


def _suppressions(result: Result) -> list[dict[str, str]]:
    """sarif_om's own Suppression has the draft's ``state`` in place of ``status``, which GitHub refuses."""
    if result.suppressed is None:
        return []
    kind = "inSource" if result.suppressed_by == "source" else "external"
    return [{"kind": kind, "status": "accepted", "justification": result.suppressed}]


def _composed(message: str, why: str, help: str, *, see: str) -> str:
    """The fact first, for GitHub's title is the first sentence; then the links, why it hurts, and what to write."""
    return " ".join([_ended(message), *_each_sentence(see, why, help)])


def _logical(element: str) -> Any:
    last = element.rpartition("/")[2]
    kind = None
    if element.startswith("/"):
        kind = "attribute" if last.startswith("@") else "text" if last == "text()" else "element"
    name = element.split("/")[-2] if kind == "text" else last.removeprefix("@")
    return om.LogicalLocation(name=re.sub(r"\[\d+\]$", "", name), fully_qualified_name=element, kind=kind)


def _escaped(label: str) -> str:
    """The text of a link."""
    return re.sub(r"[\\\[\]]", r"\\\g<0>", " ".join(label.split()).rstrip("."))


def _sentences(*texts: str) -> str:
    return " ".join(_each_sentence(*texts))


def _each_sentence(*texts: str) -> Iterator[str]:
    yield from (_sentence(text) for text in texts if text.strip())


def _sentence(text: str) -> str:
    """A clause as a sentence on one line. What is no common word, such as vCPU or a file's name, stays as it is."""
    first, blank, rest = _ended(text).partition(" ")
    common = first.rstrip(",.").isalpha() and first.islower()
    return (first.capitalize() if common else first) + blank + rest


def _ended(text: str) -> str:
    line = " ".join(text.split())
    return line if line.endswith((".", "!", "?")) else f"{line}."
