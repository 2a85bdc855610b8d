"""What sysfs is read from: a tree of small files, here a folder (``/`` of the live host, or a copy of it).

:mod:`numalint.loaders.host.tree_archive` makes a tree of an archive.
"""

from __future__ import annotations

import os
import posixpath
import stat
from typing import NoReturn, Protocol

from numalint.loaders.document import LoadError

LARGEST_FILE = 64 << 10
"""The most bytes that are read of a file. The list of the CPUs of the largest host that there is needs fewer."""

LONGEST_PATH = 4096
"""Linux takes none that is longer."""

CPU_FOLDER = "sys/devices/system/cpu"
"""The folder that tells a tree of sysfs; what stands before it is the root."""

TOO_LARGE = f"is larger than {LARGEST_FILE >> 10} KiB, which no file of sysfs is"
NO_PLAIN_FILE = "is no plain file (a link, a pipe, a device?)"
GATHER = "hwloc-gather-topology --io NAME makes one"

_DEEPEST_ROOT = 3
_MOST_FOLDERS = 2000
_OPEN = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class Tree(Protocol):
    """Files, folders and links below a root that has ``sys/`` and perhaps ``proc/``.

    A path has no slash in front and never leads through a link: ``link`` says where one points.
    """

    def read(self, path: str) -> bytes | None:
        """The content of a file; None where it is missing or may not be read.

        Raises LoadError for more than LARGEST_FILE bytes and for what is no plain file.
        """

    def names(self, folder: str) -> list[str]:
        """The names in a folder, sorted; none where it is missing."""

    def link(self, path: str) -> str | None:
        """The path to which a symbolic link points; None for what is no link, or one that leaves the tree."""

    def refuse(self, path: str, why: str) -> NoReturn:
        """Raises the LoadError for a file that cannot be one of sysfs; ``why`` goes on from its path."""


def pointed_to(path: str, target: str) -> str | None:
    """The path that a link at ``path`` means by ``target``, None where that is outside the tree.

    An absolute target begins at the root, as it did on the host that the tree was copied from.
    """
    if len(target) > LONGEST_PATH:
        return None
    joined = posixpath.normpath(posixpath.join("/" if target.startswith("/") else posixpath.dirname(path), target))
    return None if joined == ".." or joined.startswith("../") else joined.lstrip("/")


def shown(path: str) -> str:
    """A path as an error shows it: of a copy of anybody's, it may hold what a terminal obeys."""
    return path if path.isascii() and path.isprintable() else ascii(path)


class Folder:
    """A folder as a tree. No link in it is followed, so that nothing outside of it is read."""

    def __init__(self, root: str, source: str) -> None:
        self._root = root.rstrip("/")
        self._source = source
        self._known = {"": True}

    def read(self, path: str) -> bytes | None:
        if not self.has_folder(posixpath.dirname(path)):
            return None
        file = f"{self._root}/{path}"
        try:
            # To open a device may do something, so it is looked at before; and after, lest it was exchanged meanwhile.
            self._check_plain(os.lstat(file), path)
            with os.fdopen(os.open(file, _OPEN), "rb") as opened:
                self._check_plain(os.fstat(opened.fileno()), path)
                data = opened.read(LARGEST_FILE + 1)
        except OSError:
            return None
        if len(data) > LARGEST_FILE:
            self.refuse(path, TOO_LARGE)
        return data

    def names(self, folder: str) -> list[str]:
        try:
            return sorted(os.listdir(f"{self._root}/{folder}")) if self.has_folder(folder) else []
        except OSError:
            return []

    def link(self, path: str) -> str | None:
        try:
            target = os.readlink(f"{self._root}/{path}") if self.has_folder(posixpath.dirname(path)) else None
        except OSError:
            return None
        return pointed_to(path, target) if target is not None else None

    def refuse(self, path: str, why: str) -> NoReturn:
        raise LoadError(f"{shown(path)} {why}", self._source, help=f"copy the tree anew: {GATHER}")

    def has_folder(self, path: str) -> bool:
        """Whether a folder is there, with no link on the way to it."""
        unknown = []
        while path not in self._known:
            unknown.append(path)
            path = posixpath.dirname(path)
        known = self._known[path]
        for each in reversed(unknown):
            known = known and _is_folder(f"{self._root}/{each}")
            self._known[each] = known
        return known

    def _check_plain(self, found: os.stat_result, path: str) -> None:
        if not stat.S_ISREG(found.st_mode):
            self.refuse(path, NO_PLAIN_FILE)


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def find_folder(path: str) -> Folder | None:
    """The tree of sysfs in a folder, at its top or up to three levels below; None where there is none.

    Raises LoadError where there are several at one level.
    """
    level = [path]
    looked_at = 0
    for _ in range(_DEEPEST_ROOT + 1):
        found = [each for each in level if Folder(each, path).has_folder(CPU_FOLDER)]
        if found:
            return Folder(only_root([os.path.relpath(each, path) for each in found], found, path), path)
        looked_at += len(level)
        if looked_at > _MOST_FOLDERS:
            return None
        level = [below for each in level for below in _folders(each)]
    return None


def only_root(shown: list[str], roots: list[str], source: str) -> str:
    """The one of ``roots``, of which ``shown`` are the names. Raises LoadError where there are several."""
    if len(roots) == 1:
        return roots[0]
    names = ", ".join(repr(name) for name in sorted(shown)[:3])
    raise LoadError(
        f"it holds the sysfs trees of {len(roots)} hosts: {names}{', ...' if len(roots) > 3 else ''}",
        source,
        help="give each host a folder or an archive of its own",
    )


def _folders(path: str) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
