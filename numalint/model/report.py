"""The outcome of a run with concrete places: all that a reporter needs, and what ``--format json`` prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from numalint.model.finding import Severity


class Span(msgspec.Struct, frozen=True):
    """A stretch of a text file, on one line. Lines and columns count from 1, columns in code points.

    ``path`` is as it is shown: relative to the working directory where the file lies below it.
    ``end_column`` is the column after the last character.
    """

    path: str
    line: int
    column: int
    end_column: int


class RelatedSpan(msgspec.Struct, frozen=True):
    """Another place of a result, with its clause."""

    span: Span
    label: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One finding, located.

    ``message`` starts with the domain's name. ``span`` is None only where the document has no text to point at.
    ``element`` is the path of the element in its document (``/domain/cputune/vcpupin[2]/@cpuset``), and
    ``others`` are the files of the other domains in a conflict, ``fingerprint`` a hash over rule, domain, element and
    host that survives edits elsewhere in the file.
    ``also_on`` are further hosts of a live-migration set that it is true of.
    ``suppressed`` is the reason of the suppression that covers it, None where none does, and ``suppressed_by`` where
    that stands, in the ``source``, the ``configuration`` or the ``baseline``: a report has such results only under --show-suppressed.
    """

    rule: str
    severity: Severity
    message: str
    label: str
    span: Span
    element: str
    domain: str
    host: str | None = None
    related: tuple[RelatedSpan, ...] = ()
    why: str = ""
    help: str = ""
    data: dict[str, str | int] = {}
    also_on: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    fingerprint: str
    suppressed: str | None = None
    suppressed_by: str = ""


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A finding that was there before, as a baseline lists it.

    Its fingerprint tells which one it is; the rest is for people, and tells whether it could be seen again.
    """

    domain: str
    rule: str
    element: str
    host: str | None
    fingerprint: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something that could not be read, resolved or run: the reason for exit code 2.

    ``kind`` is the id of a notice (``unreadable-file``, ``ambiguous-host``, ``rule-failed`` ...).
    """

    kind: str
    message: str
    path: str | None = None
    line: int | None = None
    column: int | None = None
    help: str = ""


class Unjudged(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that was not judged on ``domains`` domains, for lack of facts about the host.

    ``host`` is None where the domains have no host. ``subjects`` are the things concerned, where the rule was
    judged on others.
    """

    rule: str
    host: str | None
    facts: tuple[str, ...]
    domains: int
    subjects: tuple[str, ...] = ()


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What a run looked at. ``passed_over`` are XML files that hold no domain, by the name of their first element.

    ``suppressed`` findings, and those ``known`` from before, are no results, or are marked there.
    """

    domains: int
    hosts: tuple[str, ...]
    rules: int
    without_host: int = 0
    passed_over: dict[str, int] = {}
    excluded: int = 0
    suppressed: int = 0
    known: int = 0


class RuleCard(msgspec.Struct, frozen=True, kw_only=True):
    """What a report says of a rule: the page from its docstring, in the terms of SARIF.

    ``shape`` is domain, placement, host or notice; ``needs`` are the facts without which it is not judged, ``uses`` those
    that only sharpen it; ``page`` is Markdown.
    """

    id: str
    shape: str
    category: str
    level: Severity
    needs: tuple[str, ...]
    enabled: bool
    summary: str
    description: str
    page: str
    precision: str = "high"
    uses: tuple[str, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run. ``exit_code`` is 0 clean, 1 findings at or above --fail-on, 2 something was not checked.

    ``root`` is the folder that SARIF's paths are relative to; ``files`` has the bytes of each file that a span points
    into, by its ``path``. ``stale`` is what a baseline lists and is no longer found.
    """

    version: str
    results: tuple[Result, ...]
    problems: tuple[Problem, ...]
    unjudged: tuple[Unjudged, ...]
    coverage: Coverage
    rules: Sequence[RuleCard]
    exit_code: int
    root: str
    files: dict[str, bytes]
    stale: tuple[Known, ...] = ()


class Reporter(msgspec.Struct, frozen=True):
    """A format of reports. ``render`` is given the report and whether colour is wanted.

    ``shows_suppressed``: it marks suppressed results. A format that does not is never given any.
    """

    name: str
    summary: str
    render: Callable[[Report, bool], str]
    shows_suppressed: bool = False
