"""The files of a report as SARIF speaks of them: URIs below the root of the repository, regions, line hashes.

A path is resolved against the working directory, symbolic links included, for GitHub shows no file behind a link.
What lies outside the root is never named by its absolute path: as a related place it is left out, and the place of a
finding is then the file's name alone, without a base.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import sarif_om as om

from numalint.loaders.document import lines_of
from numalint.model.report import Report, Span
from numalint.reporters.excerpt import MOST_KEPT
from numalint.reporters.line_hash import LineHashes

ROOT = "%SRCROOT%"
_STDIN = "-"
_LONGEST_CONTEXT = 1_000  # characters; beyond, each result would repeat a file that is one long line


class Places:
    """Finds each file once, and its lines and their hashes as its results come."""

    def __init__(self, report: Report) -> None:
        self._root = os.path.realpath(report.root)
        self._files = report.files
        self.uri = functools.cache(self._uri)
        kept = functools.lru_cache(maxsize=MOST_KEPT)
        self._lines = kept(lambda path: lines_of(self._files.get(path, b"")))
        self._hashes = kept(lambda path: LineHashes(self._files.get(path, b"")))

    def _uri(self, path: str) -> str | None:
        """The URI of a file relative to the root, None where it lies outside."""
        real = os.path.realpath(path)
        if path == _STDIN or not real.startswith(os.path.join(self._root, "")):
            return None
        return quote(os.fsencode(os.path.relpath(real, self._root)).replace(os.fsencode(os.sep), b"/"))

    def relative(self, text: str) -> str:
        """A sentence in which the paths below the root start at the root."""
        return text.replace(os.path.join(self._root, ""), "") if len(self._root) > 1 else text

    def file(self, path: str) -> Any:
        """The artifactLocation of a file."""
        uri = self.uri(path)
        if uri is not None:
            return om.ArtifactLocation(uri=uri, uri_base_id=ROOT)
        name = "stdin" if path == _STDIN else os.path.basename(path)
        return om.ArtifactLocation(uri=quote(os.fsencode(name)))

    def physical(self, span: Span, *, around: bool) -> Any:
        """The physicalLocation of a span with its text and, where ``around`` is set, the lines around it."""
        lines = self._lines(span.path)
        span = _inside(span, lines)
        region = _region(span)
        if span.line <= len(lines):
            text = lines[span.line - 1][span.column - 1 : span.end_column - 1]
            region.snippet = om.ArtifactContent(text=text)
        context = _context(span, lines) if around else None
        return om.PhysicalLocation(artifact_location=self.file(span.path), region=region, context_region=context)

    def line_hash(self, span: Span) -> str | None:
        """The hash of the line that a span is on, None where the text is not at hand."""
        hashes, line = self._hashes(span.path), _inside(span, self._lines(span.path)).line
        return hashes[line - 1] if span.path in self._files and line <= len(hashes) else None


def _region(span: Span) -> Any:
    return om.Region(
        start_line=span.line,
        start_column=span.column,
        end_line=span.line,
        end_column=span.end_column,
    )


def _inside(span: Span, lines: Sequence[str]) -> Span:
    """The span, or where it points behind the end of its line, the last character in front of it: none is empty."""
    line = min(span.line, len(lines))
    if line == span.line and span.end_column - 1 <= len(lines[line - 1]):
        return span
    filled = next((number for number in range(line, 0, -1) if lines[number - 1]), None)
    if filled is None:
        return span
    end = len(lines[filled - 1]) + 1
    return Span(span.path, filled, min(span.column, end - 1) if filled == span.line else end - 1, end)


def _context(span: Span, lines: Sequence[str]) -> Any:
    """The region of the line with the one above and the one below."""
    first, last = max(span.line - 1, 1), min(span.line + 1, len(lines) - (not lines[-1]))
    text = "\n".join(lines[first - 1 : last])
    if not span.end_column - span.column < len(text) <= _LONGEST_CONTEXT:
        return None
    return om.Region(start_line=first, end_line=last, snippet=om.ArtifactContent(text=text))
