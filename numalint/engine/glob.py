"""Globs of the configuration and of --exclude, as .gitignore reads them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern for a path with ``/`` between its parts, relative to the folder that the glob belongs to.

    ``*`` and ``?`` stay inside a part, ``**`` goes over parts. A glob without a slash is met by any part. What lies
    below a folder that is met is met too; what lies outside the folder is met only by a glob that begins with ``../``.
    """
    body = pattern.strip("/").removeprefix("./")
    anchored = "/" in pattern.rstrip("/")
    pieces = re.split(r"(/\*\*/|\*\*/|\*\*|\*|\?|\[[^\]]+\])", body)
    inside = "" if body.startswith("../") else r"(?!\.\./)"
    return re.compile(inside + ("" if anchored else "(?:.*/)?") + "".join(map(_piece, pieces)) + "(?:/.*)?", re.DOTALL)


def _piece(piece: str) -> str:
    wild = {"/**/": "/(?:.*/)?", "**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if piece in wild:
        return wild[piece]
    if piece.startswith("[") and piece.endswith("]"):
        return (
            "["
            + piece[1:-1].replace("\\", "\\\\").replace("[", "\\[").replace("!", "^", 1 if piece[1] == "!" else 0)
            + "]"
        )
    return re.escape(piece)


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether ``path`` meets one of ``patterns``."""
    return any(compiled(pattern).fullmatch(path) for pattern in patterns)
