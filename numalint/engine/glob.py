"""Globs of the configuration and of --exclude, as .gitignore reads them."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")

_WILD = re.compile(r"[*?\[]")


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern for a path with ``/`` between its parts, relative to the folder that the glob belongs to.

    ``*`` and ``?`` stay inside a part, ``**`` goes over parts. A glob without a slash is met by any part. What lies
    below a folder that is met is met too; what lies outside the folder is met only by a glob that begins with ``../``.
    """
    body = pattern.strip("/").removeprefix("./")
    anchored = "/" in pattern.rstrip("/")
    pieces = re.split(r"(/\*\*/|\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\])", body)
    inside = "" if body.startswith("../") else r"(?!\.\./)"
    return re.compile(inside + ("" if anchored else "(?:.*/)?") + "".join(map(_piece, pieces)) + "(?:/.*)?", re.DOTALL)


def _piece(piece: str) -> str:
    wild = {"/**/": "/(?:.*/)?", "**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if piece in wild:
        return wild[piece]
    if piece.startswith("["):
        return "(?!/)" + fnmatch.translate(piece)[: -len(r"\Z")]
    return re.escape(piece)


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether ``path`` meets one of ``patterns``."""
    return any(compiled(pattern).fullmatch(path) for pattern in patterns)


class Globs(Generic[T]):
    """Many globs with what each is for, of which only those are tried that a path may meet.

    A glob is put aside by the folder that it begins in or, where any part of a path may meet it, by that part's name.
    """

    def __init__(self, globs: Iterable[tuple[str, T]]) -> None:
        self._globs = list(globs)
        self._in_folder: dict[str, list[int]] = {}
        self._by_name: dict[str, list[int]] = {}
        for number, (glob, _) in enumerate(self._globs):
            body = glob.strip("/").removeprefix("./")
            folder, slash, _ = _WILD.split(body)[0].rpartition("/")
            if not slash and "/" not in glob.rstrip("/") and not _WILD.search(body):
                self._by_name.setdefault(body, []).append(number)
            else:
                self._in_folder.setdefault(folder, []).append(number)

    def met(self, path: str) -> list[tuple[str, T]]:
        """The globs that a path meets, in the order in which they were given, with what they are for."""
        tried = list(self._in_folder.get("", ()))
        at = path.find("/")
        while at > 0:
            tried += self._in_folder.get(path[:at], ())
            at = path.find("/", at + 1)
        for part in path.split("/") if self._by_name else ():
            tried += self._by_name.get(part, ())
        return [self._globs[number] for number in sorted(set(tried)) if matches(path, (self._globs[number][0],))]
