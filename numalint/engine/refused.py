"""What is no domain that can be judged, as findings and problems of a run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from numalint.engine.discover import Found
from numalint.engine.fingerprint import fingerprint
from numalint.engine.judge import Said, kept
from numalint.engine.notices import MALFORMED_DOMAIN
from numalint.loaders.document import LoadError, lines_of
from numalint.model.domain import Domain
from numalint.model.finding import Finding, Severity
from numalint.model.report import Problem, Result, Span


def malformed(error: LoadError, data: bytes) -> Result:
    """A document of domains that cannot be read, at the place where it goes wrong."""
    lines = lines_of(data)
    if len(lines) > 1 and not lines[-1]:
        lines.pop()  # what follows the last line end is no line
    line, column = max(error.line or 1, 1), max(error.column or 1, 1)
    if line > len(lines):  # the end of the file: its last character
        line, column = len(lines), len(lines[-1])
    column = min(column, max(len(lines[line - 1]), 1))
    return Result(
        rule=MALFORMED_DOMAIN,
        severity=Severity.ERROR,
        message=f"{Path(error.path).name}: {error.message}",
        label="it cannot be read from here on",
        span=Span(error.path, line, column, column + 1),
        element="/domain",
        domain=Path(error.path).stem,
        why="nothing in this file was judged",
        help=error.help or "mend the file, or leave a template out with exclude in numalint.toml",
        fingerprint=fingerprint(f"{MALFORMED_DOMAIN}\0{error.path}"),
    )


def faults(domain: Domain, explained: set[str]) -> Iterable[Said]:
    """The faults that no rule of this run explains, as notices."""
    for fault in domain.faults:
        if fault.rule in explained:
            continue
        finding = Finding(
            place=fault.place,
            message=fault.message,
            label=fault.label,
            why="libvirt refuses it, so nothing else was judged in this domain",
        )
        yield kept(Said(MALFORMED_DOMAIN, Severity.ERROR, finding, domain.name, None))


def no_rule() -> Problem:
    """A run that has no rule to judge by."""
    return Problem(
        kind="nothing-judged",
        message="no rule is left to judge by",
        help="select and ignore, in numalint.toml and as options, leave all of them out: numalint rules lists them",
    )


def nothing_judged(paths: tuple[str, ...], found: Found) -> Problem:
    """A run that met no domain at all."""
    where = ", ".join(paths)
    left_out = f" ({found.excluded} excluded)" if found.excluded else ""
    return Problem(
        kind="nothing-judged",
        message=f"no libvirt domain was found in {where}{left_out}",
        help="name a folder with domain XML (virsh dumpxml --inactive NAME > NAME.xml)",
    )
