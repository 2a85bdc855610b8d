"""An archive (tar, plain or packed by gzip, bzip2 or xz) as a tree, in memory: nothing is extracted.

It is bounded in members and in what is kept, and by :mod:`numalint.loaders.host.tree_stream` in what it unpacks to.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import tarfile
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import IO, NoReturn, cast

from numalint.loaders.document import Document, LoadError
from numalint.loaders.host.tree import (
    CPU_FOLDER,
    GATHER,
    LARGEST_FILE,
    LONGEST_PATH,
    NO_PLAIN_FILE,
    TOO_LARGE,
    only_root,
    pointed_to,
    shown,
)
from numalint.loaders.host.tree_stream import Stream, refuse_large

MOST_MEMBERS = 500_000
MOST_KEPT = 32 << 20
"""Bytes of names and contents that are kept; a host of 1,024 CPUs and 2,000 PCI devices needs a third of it."""

_OVERHEAD = 64
_TOPS = re.compile(r"(?:^|/)(?=(?:sys|proc|dev)/)")
_MOST_TOPS = 3
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")


class Archive:
    """The part of an archive that is below one root, as a tree."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.files: dict[str, bytes | str] = {}
        """The content of each file or, where it cannot be taken, why: a clause that goes on from its path."""
        self.links: dict[str, str] = {}
        self.folders: set[str] = set()
        self._paths: list[str] | None = None

    def read(self, path: str) -> bytes | None:
        found = self.files.get(path)
        if found is None and path in self.links:
            found = NO_PLAIN_FILE
        if isinstance(found, str):
            self.refuse(path, found)
        return found

    def names(self, folder: str) -> list[str]:
        if self._paths is None:
            self._paths = sorted({*self.files, *self.links, *self.folders})
        start = f"{folder}/"
        below = itertools.takewhile(
            lambda path: path.startswith(start), itertools.islice(self._paths, bisect_left(self._paths, start), None)
        )
        return sorted({path[len(start) :].partition("/")[0] for path in below})

    def link(self, path: str) -> str | None:
        target = self.links.get(path)
        return pointed_to(path, target) if target is not None else None

    def refuse(self, path: str, why: str) -> NoReturn:
        raise LoadError(f"{shown(path)} {why}", self._source, help=f"pack the tree anew: {GATHER}")


def read_archive(document: Document, wanted: Callable[[str], bool]) -> Archive:
    """The tree of sysfs in an archive, from the shortest root at which sys/devices/system/cpu begins.

    ``wanted`` tells from a path below the root whether it will be asked for; all else is passed over. Raises LoadError.
    """
    reader = _Reader(document, wanted)
    reader.read()
    folder, _, name = CPU_FOLDER.rpartition("/")
    roots = [root for root, tree in reader.trees.items() if name in tree.names(folder)]
    if not roots:
        raise LoadError(
            f"this archive holds no sysfs tree: {CPU_FOLDER} is not among its {reader.members} members",
            document.path,
            help=f"unpack the archive {reader.nested!r} that is in it" if reader.nested else GATHER,
        )
    shortest = min(map(_depth, roots))
    roots = [root for root in roots if _depth(root) == shortest]
    return reader.trees[only_root(roots, roots, document.path)]


def _depth(root: str) -> int:
    return root.count("/") + 1 if root else 0


class _Reader:
    """Goes over the members of an archive once; ``trees`` has what is kept, by root."""

    def __init__(self, document: Document, wanted: Callable[[str], bool]) -> None:
        self._document = document
        self._wanted = wanted
        self._kept = 0
        self.trees: dict[str, Archive] = {}
        self.members = 0
        self.nested: str | None = None

    def read(self) -> None:
        with self._damage_told():
            stream = Stream(self._document.data, self._document.path)
            archive = tarfile.TarFile(fileobj=cast("IO[bytes]", stream), encoding="utf-8", errors="surrogateescape")
        while (member := self._next(archive)) is not None:
            self.members += 1
            if self.members > MOST_MEMBERS:
                refuse_large(f"more than {MOST_MEMBERS} members", self._document.path)
            self._take(member, stream)
            stream.expect_header()
        with self._damage_told():
            stream.check_end()

    def _next(self, archive: tarfile.TarFile) -> tarfile.TarInfo | None:
        with self._damage_told():
            member = archive.next()
        # tarfile remembers every member and every global pax record: half a million of them fill the memory.
        archive.members = []  # type: ignore[attr-defined]  # undocumented, but in every Python
        archive.pax_headers = {}
        return member

    @contextlib.contextmanager
    def _damage_told(self) -> Iterator[None]:
        """Makes a LoadError of all that tarfile and the unpacking raise on their way through wrong bytes."""
        try:
            yield
        except LoadError:
            raise
        except Exception as error:  # noqa: BLE001  # there is no end to what wrong headers make tarfile raise
            if self.members or not isinstance(error, tarfile.TarError):
                raise LoadError(
                    f"this archive is damaged or cut off after {self.members} members: {error}",
                    self._document.path,
                    help="copy it again, or make it anew",
                ) from None
            raise LoadError(f"it is no tar archive: {error}", self._document.path, help=GATHER) from None

    def _take(self, member: tarfile.TarInfo, stream: Stream) -> None:
        found = self._where(member.name)
        if found is None:
            if self.nested is None and member.name.lower().endswith(_ARCHIVES):
                self.nested = member.name
            return
        root, path = found
        self._keep(len(path))
        tree = self.trees.setdefault(root, Archive(self._document.path))
        if member.isdir():
            tree.folders.add(path)
        elif member.issym():
            self._keep(len(member.linkname))
            tree.links[path] = member.linkname
        else:
            tree.files[path] = self._content(member, stream)

    def _where(self, name: str) -> tuple[str, str] | None:
        """The root and the path below it of a member that is wanted."""
        if len(name) > LONGEST_PATH:
            return None
        parts = name.split("/")
        if ".." in parts:
            return None
        if "" in parts or "." in parts:
            name = "/".join(part for part in parts if part not in ("", "."))
        for top in itertools.islice(_TOPS.finditer(name), _MOST_TOPS):
            if self._wanted(name[top.end() :]):
                return name[: top.start()], name[top.end() :]
        return None

    def _content(self, member: tarfile.TarInfo, stream: Stream) -> bytes | str:
        if member.islnk():
            return self._content_of_link(member)
        if not member.isfile():
            return NO_PLAIN_FILE
        if member.issparse():
            return "is packed as a sparse file"
        if member.size > LARGEST_FILE:
            return TOO_LARGE
        self._keep(member.size)
        with self._damage_told():
            return stream.content(member)

    def _content_of_link(self, member: tarfile.TarInfo) -> bytes | str:
        """The content of a hard link: that of the member that it names, where this was kept."""
        found = self._where(member.linkname)
        tree = self.trees.get(found[0]) if found is not None else None
        if found is None or tree is None or found[1] not in tree.files:
            return "is a hard link to a member that the archive does not have before it"
        return tree.files[found[1]]

    def _keep(self, size: int) -> None:
        self._kept += size + _OVERHEAD
        if self._kept > MOST_KEPT:
            refuse_large(f"more than {MOST_KEPT >> 20} MiB of files of sysfs", self._document.path)
