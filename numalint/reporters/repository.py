"""The files of a report by their paths below the root of the repository, as a service that shows the repository knows them."""

from __future__ import annotations

import functools
import os
import re

from numalint.model.report import Report, Span
from numalint.reporters.terminal import printable

_STDIN = "-"


class Repository:
    """Where each file of a report lies. Links are resolved, for a service shows no file behind a link.

    What lies outside the root is never named by its absolute path.
    """

    def __init__(self, report: Report) -> None:
        self._root = os.path.realpath(report.root)
        self._start = re.compile(rf"(?<![\w./-]){re.escape(os.path.join(self._root, ''))}")
        self.path = functools.cache(self._path)

    def _path(self, shown: str) -> str | None:
        """The path of a file relative to the root, None for standard input and for what lies outside."""
        real = os.path.realpath(shown)
        if shown == _STDIN or not real.startswith(os.path.join(self._root, "")):
            return None
        return os.path.relpath(real, self._root).replace(os.sep, "/")

    def name(self, shown: str) -> str:
        """What to call a file: its path below the root, else its last part; ``stdin`` is standard input."""
        return "stdin" if shown == _STDIN else self.path(shown) or os.path.basename(shown.rstrip("/")) or "/"

    def place(self, span: Span) -> str:
        """``path:line:column``, printable."""
        return f"{printable(self.name(span.path))}:{span.line}:{span.column}"

    def said(self, text: str) -> str:
        """A text on one line, printable, in which the paths below the root start at the root."""
        return printable(self._start.sub("", text) if len(self._root) > 1 else text)
