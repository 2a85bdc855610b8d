"""The findings that were there before: those of a baseline file, or of an earlier revision.

A finding is known by its fingerprint, which no moved line and no renamed file changes. As often as the baseline has it, it
is covered; one more is new. The file is JSON with one finding a line, sorted, so that its history can be read.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec
from msgspec.structs import replace

from numalint.engine.notices import BASELINE_STALE, NOTICES
from numalint.loaders.document import LoadError, lines_of, read_file
from numalint.model.report import Known, RelatedSpan, Result, Span
from numalint.model.wording import MOST_RELATED

FORMAT = "numalint.baseline/1"

_LARGEST = 64 << 20
_MOST_NAMED = 3


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    findings: list[Known]


class Baseline(msgspec.Struct, frozen=True):
    """What was there before. ``reason`` says it of a finding, ``path`` is the file that says so, if one does."""

    entries: tuple[Known, ...]
    reason: str
    path: str | None = None

    def marked(self, results: Iterable[Result]) -> list[Result]:
        """The results, those that were there before marked so; what is suppressed anyway uses up nothing."""
        left = Counter(each.fingerprint for each in self.entries)
        made = []
        for each in results:
            if each.suppressed is None and left[each.fingerprint] > 0:
                left[each.fingerprint] -= 1
                each = replace(each, suppressed=self.reason, suppressed_by="baseline")  # noqa: PLW2901  # the same finding
            made.append(each)
        return made

    def stale(self, results: Iterable[Result], judged: Callable[[Known], bool]) -> list[Known]:
        """The entries that no result has used up, of those that were ``judged``; without a file, none."""
        if self.path is None:
            return []
        used = Counter(each.fingerprint for each in results if each.suppressed_by == "baseline")
        found = []
        for each in self.entries:
            if used[each.fingerprint] > 0:
                used[each.fingerprint] -= 1
            elif judged(each):
                found.append(each)
        return found


def baseline_of(results: Iterable[Result], reason: str) -> Baseline:
    """All that a run has found."""
    return Baseline(tuple(entry_of(each) for each in results), reason)


def entry_of(result: Result) -> Known:
    return Known(result.domain, result.rule, result.element, result.host, result.fingerprint)


def read_baseline(path: str) -> Baseline:
    """The baseline in a file. Raises LoadError for what is none."""
    try:
        data = read_file(path, _LARGEST, "baseline")
    except FileNotFoundError:
        raise LoadError("there is no such baseline", path, help="numalint baseline create writes it") from None
    except OSError as error:
        raise LoadError(f"the baseline cannot be read: {error.strerror}", path) from None
    try:
        found = msgspec.json.decode(data, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        help = "numalint baseline create writes one; after a merge conflict numalint baseline update does"
        raise LoadError(f"it is no baseline: {error}", path, help=help) from None
    if found.format != FORMAT:
        raise LoadError(f"its format is {found.format!r}, and this numalint reads {FORMAT!r}", path)
    return Baseline(tuple(found.findings), f"it is in the baseline {os.path.basename(path)}", path)


def _order(entry: Known) -> tuple[str, ...]:
    return entry.domain, entry.rule, entry.element, entry.host or "", entry.fingerprint


def written(entries: Iterable[Known]) -> str:
    """A baseline as it stands in a file."""
    lines = [f"    {msgspec.json.encode(each).decode()}" for each in sorted(entries, key=_order)]
    findings = "".join(["\n", ",\n".join(lines), "\n  "]) if lines else ""
    return f'{{\n  "format": "{FORMAT}",\n  "findings": [{findings}]\n}}\n'


def stale_notice(stale: Sequence[Known], path: str, data: bytes) -> Result:
    """What is told of entries that cover nothing any more, at the first of them in the file."""
    lines = lines_of(data)
    spans = [_span(path, lines, each) for each in stale]
    one = len(stale) == 1
    names = ", ".join(f"{each.rule} of {each.domain}" for each in stale[:_MOST_NAMED])
    more = f" and {len(stale) - _MOST_NAMED} more" if len(stale) > _MOST_NAMED else ""
    related = zip(spans[1 : MOST_RELATED + 1], stale[1:], strict=False)
    return Result(
        rule=BASELINE_STALE,
        severity=NOTICES[BASELINE_STALE].level,
        message=f"{os.path.basename(path)}: {len(stale)} {'entry covers' if one else 'entries cover'} no finding: {names}{more}",
        label=f"{stale[0].rule} of {stale[0].domain} is no longer found",
        span=spans[0],
        element="findings",
        domain=os.path.basename(path),
        related=tuple(RelatedSpan(span, f"{each.rule} of {each.domain}") for span, each in related),
        why="an entry that outlives its defect hides the next one of its kind",
        help="numalint baseline prune takes them out",
        fingerprint=BASELINE_STALE,
    )


def _span(path: str, lines: Sequence[str], entry: Known) -> Span:
    """The fingerprint of an entry where it stands."""
    for number, line in enumerate(lines, 1):
        column = line.find(entry.fingerprint)
        if column >= 0:
            return Span(path, number, column + 1, column + 1 + len(entry.fingerprint))
    return Span(path, 1, 1, 2)
