"""Globs for files that are there: as few and as simple as they can be, and met by no other domain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from glob import escape
from typing import TypeVar

T = TypeVar("T")

_USUAL = ".xml"


def globs_for(files: Mapping[str, T], wanted: T) -> list[str]:
    """Globs that the files with the value ``wanted`` meet, and none of the others. Paths are relative, with slashes."""
    return list(_below("", files, wanted))


def rooted(glob: str) -> str:
    """A glob for what is directly in the folder of the configuration; without the slash it would be met below it too."""
    return glob if "/" in glob.rstrip("/") else f"/{glob}"


def _below(prefix: str, files: Mapping[str, T], wanted: T) -> Iterator[str]:
    """The globs for a folder; ``files`` are those in it and below it, by their paths from the top."""
    here: dict[str, T] = {}
    folders: dict[str, dict[str, T]] = {}
    for path, value in files.items():
        folder, slash, _ = path[len(prefix) :].partition("/")
        (folders.setdefault(folder, {}) if slash else here)[path] = value
    if folders and _all(files, wanted):
        yield f"{escape(prefix)}**/*{_USUAL}" if prefix else f"*{_USUAL}"
        return
    if _all(here, wanted):
        yield f"{escape(prefix)}*{_USUAL}" if prefix or not folders else f"/*{_USUAL}"
    else:
        yield from (rooted(escape(path)) for path in here if here[path] == wanted)
    for folder, inside in folders.items():
        if wanted in inside.values():
            yield from _below(f"{prefix}{folder}/", inside, wanted)


def _all(files: Mapping[str, T], wanted: T) -> bool:
    """Whether one glob may stand for files: all have the value, and the usual suffix."""
    return bool(files) and all(path.endswith(_USUAL) and value == wanted for path, value in files.items())
