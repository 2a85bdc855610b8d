"""Which files a run looks at: the paths it is given, without what git or the configuration leaves out."""

from __future__ import annotations

import functools
import os
import stat
from collections.abc import Collection, Iterable, Iterator

import msgspec

from numalint.engine.glob import matches
from numalint.model.report import Problem

SUFFIXES = (".xml", ".toml")
"""The files that are looked at under a folder; a file that is named may have any."""

STDIN = "-"


class Excludes(msgspec.Struct, frozen=True):
    """Globs, each list with the folder that it is relative to."""

    lists: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __contains__(self, real: str) -> bool:
        for folder, patterns in self.lists:
            if matches(os.path.relpath(real, folder).replace(os.sep, "/"), patterns):
                return True
        return False


class Found(msgspec.Struct):
    """What discovery found: the files to look at, in order, and whether each was named on the command line."""

    files: dict[str, bool] = {}
    excluded: int = 0
    problems: list[Problem] = []
    warnings: list[str] = []


def discover(paths: Iterable[str], excludes: Excludes, *, tracked: bool, given: Collection[str] = ()) -> Found:
    """The files under ``paths``; a file that is reached twice is there once. Those ``given`` need not exist.

    In a git repository what .gitignore names is left out, and with ``tracked`` all that git does not track, the
    files that are named among them. A path that does not exist, or is no file or folder, is a problem.
    """
    found = Found()
    _folder.cache_clear()  # the working directory may be another than in the last run
    seen: set[str] = set()
    named = list(dict.fromkeys(paths))
    files = [path for path in named if path not in given and os.path.isfile(path)]
    kept = _kept_by_git(files, found, tracked=tracked)
    for path in named:
        if path == STDIN:
            found.files[STDIN] = True
        elif path in given:
            _take(path, found, seen, excludes, is_named=True)
        elif os.path.isdir(path):
            for file in _walk(path, found, tracked=tracked):
                _take(file, found, seen, excludes, is_named=False)
        elif path in kept:
            _take(path, found, seen, excludes, is_named=True)
        elif os.path.isfile(path):
            found.excluded += 1
        else:
            found.problems.append(_no_file(path))
    return found


def _take(file: str, found: Found, seen: set[str], excludes: Excludes, *, is_named: bool) -> None:
    folder, name = os.path.split(file)
    shown, absolute, real = _folder(folder)
    reached = os.path.realpath(file) if os.path.islink(file) else real + name
    if excludes.lists and (absolute + name in excludes or reached in excludes):
        found.excluded += 1
    elif reached not in seen:
        seen.add(reached)
        found.files[shown + name] = is_named


@functools.lru_cache(maxsize=64)
def _folder(path: str) -> tuple[str, str, str]:
    """A folder as it is shown (relative to the working directory where it lies below it), absolute, and without links.

    Each ends in a slash, or is empty for the working directory.
    """
    relative = os.path.relpath(path or ".")
    shown = path if relative.startswith("..") and os.path.isabs(path) else relative
    absolute, real = os.path.abspath(path), os.path.realpath(path)
    return "" if shown == "." else os.path.join(shown, ""), os.path.join(absolute, ""), os.path.join(real, "")


def _no_file(path: str) -> Problem:
    if not os.path.lexists(path):
        return Problem(kind="no-such-path", message="there is no such file or folder", path=path)
    if os.path.islink(path) and not os.path.exists(path):
        return Problem(kind="no-such-path", message="it is a link to a file that does not exist", path=path)
    kind = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}.get(stat.S_IFMT(os.stat(path).st_mode), "a device")
    return Problem(kind="unreadable-file", message=f"it is {kind}, not a file", path=path)


def _walk(folder: str, found: Found, *, tracked: bool) -> Iterator[str]:
    """The files under a folder that may be ours, sorted; links to folders are not followed."""
    repository = repository_of(folder)
    if repository is not None:
        arguments = ["--cached"] if tracked else ["--cached", "--others", "--exclude-standard"]
        inside = os.path.relpath(os.path.abspath(folder), repository)
        listed = _git(["ls-files", "-z", *arguments, "--", inside], repository, found, fatal=tracked)
        if listed is not None:
            for path in sorted(set(listed)):
                yield from _listed(os.path.join(repository, path), found, tracked=tracked)
            return
    elif tracked:
        found.problems.append(
            Problem(kind="not-in-git", message="--tracked needs a git repository, and this is in none", path=folder)
        )
        return
    for where, folders, files in os.walk(folder, onerror=lambda error: found.problems.append(_unreadable(error))):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for file in sorted(files):
            full = os.path.join(where, file)
            yield from _file(full, found)


def _listed(path: str, found: Found, *, tracked: bool) -> Iterator[str]:
    """A path that git lists: a file, or the folder of a repository inside this one."""
    if os.path.isdir(path) and not os.path.islink(path.rstrip("/")):
        yield from _walk(path, found, tracked=tracked)
    else:
        yield from _file(path, found)


def _file(path: str, found: Found) -> Iterator[str]:
    """A file that may be ours; a link that leads nowhere may have been."""
    if not path.lower().endswith(SUFFIXES):
        return
    if os.path.isfile(path):
        yield path
    elif os.path.islink(path) and not os.path.exists(path):
        found.problems.append(_no_file(os.path.relpath(path)))


def _unreadable(error: OSError) -> Problem:
    return Problem(
        kind="unreadable-file", message=f"the folder cannot be read: {error.strerror}", path=str(error.filename)
    )


def repository_of(path: str) -> str | None:
    """The root of the git repository that a folder is in."""
    folder = os.path.abspath(path)
    while not os.path.exists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def _kept_by_git(files: list[str], found: Found, *, tracked: bool) -> set[str]:
    """Those of the named files that git does not leave out."""
    groups: dict[str | None, list[str]] = {}
    for file in files:
        groups.setdefault(repository_of(os.path.dirname(file) or "."), []).append(file)
    kept: set[str] = set()
    for repository, group in groups.items():
        if repository is None:
            kept.update([] if tracked else group)
            continue
        paths = {os.path.relpath(os.path.abspath(file), repository): file for file in group}
        text = "\0".join(paths)
        if tracked:
            listed = _git(["ls-files", "-z", "--cached"], repository, found, fatal=True) or []
            kept.update(paths[path] for path in listed if path in paths)
        else:
            ignored = _git(["check-ignore", "-z", "--stdin"], repository, found, text) or []
            kept.update(set(group) - {paths[path] for path in ignored if path in paths})
    return kept


def _git(
    arguments: list[str], folder: str, found: Found, text: str | None = None, *, fatal: bool = False
) -> list[str] | None:
    """What git prints, cut at NUL; None where it cannot answer, which is a problem where ``fatal``."""
    import subprocess  # noqa: PLC0415  # a run outside a repository need not pay for it

    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            input=None if text is None else text.encode(),
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            check=False,
        )
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
    except OSError as error:
        done, said = None, f"{error.strerror}"
    if done is None or done.returncode > 1:
        message = f"git does not answer, so .gitignore is not read: {said}"
        if fatal:
            found.problems.append(Problem(kind="not-in-git", message=f"git does not answer: {said}", path=folder))
            return None
        found.warnings.append(message)
        return None
    return [os.fsdecode(path) for path in done.stdout.split(b"\0") if path]
