"""A configuration for a folder without one: its hosts, and the domains that are on each as far as can be told."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from pathlib import PurePosixPath

import msgspec

from numalint.engine.discover import Excludes, discover
from numalint.engine.globs import globs_for, rooted
from numalint.engine.nearest import Nearest
from numalint.engine.world import Sniffer
from numalint.loaders.config_search import NAME
from numalint.loaders.document import Document, HostFormat, LoadError
from numalint.loaders.domain import load_domains
from numalint.loaders.host.inputs import HOST_SUFFIXES, is_path, load_inputs
from numalint.loaders.host.tree import CPU_FOLDER

_TEMPLATE = re.compile(rb"\{\{.*?\}\}|\{%.*?%\}|\$\{\w+\}|<%.*?%>|@[A-Z][A-Z_]+@|%%\w+%%")
"""The marks of Jinja, shells, ERB and their like."""

_MOST_INPUTS = 3
"""So many inputs are listed one by one; of more the folder is named."""


class ProposedHost(msgspec.Struct, frozen=True):
    """A host that was found. ``by_name``: some of its domains are told only by their folder, which is called like it."""

    name: str
    topology: tuple[str, ...]
    domains: tuple[str, ...]
    by_name: bool = False


class Undecided(msgspec.Struct, frozen=True):
    """Domains of which it cannot be told on which of these hosts they are; without hosts, those that none is near to."""

    hosts: tuple[str, ...]
    domains: tuple[str, ...]
    files: int


class Proposal(msgspec.Struct, frozen=True):
    """What was found in a folder. Paths and globs are relative to it.

    ``apart`` are globs for the folders below it that have a configuration of their own, and are not looked into.
    ``devices`` are files that describe only devices of a host which nobody names; ``unreadable`` are host files with what
    is wrong with each.
    """

    hosts: tuple[ProposedHost, ...]
    undecided: tuple[Undecided, ...]
    apart: tuple[str, ...]
    templates: tuple[str, ...]
    malformed: tuple[str, ...]
    devices: tuple[str, ...]
    unreadable: tuple[tuple[str, str], ...]
    files: int

    @property
    def is_empty(self) -> bool:
        """Whether there is neither a domain nor a host."""
        return not (self.hosts or self.files or self.templates or self.malformed or self.unreadable)


def propose(folder: str, formats: tuple[HostFormat, ...]) -> Proposal:
    """What a configuration of ``folder`` would have to say for what is found in it. Raises OSError."""
    return _Search(folder, formats).proposal()


class _Unit(msgspec.Struct):
    """The inputs of one host. ``name`` is what it is called in the configuration."""

    name: str
    folder: str
    inputs: tuple[str, ...]


class _Search:
    def __init__(self, folder: str, formats: tuple[HostFormat, ...]) -> None:
        self.folder = folder
        self.formats = formats
        self.sniffer = Sniffer(formats)
        self.nearest = Nearest(lambda path: self.sniffer.kind(path).format)
        self.apart: list[str] = []
        self.units: dict[str, list[_Unit]] = {}
        self.devices: list[str] = []
        self.unreadable: list[tuple[str, str]] = []

    def proposal(self) -> Proposal:
        host_files = self._host_files()
        domains, templates, malformed = self._files()
        near = {path: self.nearest.to(os.path.abspath(os.path.dirname(path))) for path in (*domains, *malformed)}
        for folder in dict.fromkeys((*self._host_folders(host_files), *filter(None, near.values()))):
            self._describe(folder)
        units = self._named_apart()
        told = {path: self._hosts_of(path, at, units) for path, at in near.items()}
        files = {self._relative(path): names for path, (names, _) in told.items()}
        units = [
            each
            for each in units
            if self._is_inside(each.folder) or any(each.name in names for names in files.values())
        ]
        by_name = {names for names, is_by_name in told.values() if is_by_name}
        counts = Counter(told[path][0] for path in domains)
        kept = (*domains, *malformed, *self.devices, *(path for unit in units for path in unit.inputs))
        excluded = dict.fromkeys(map(self._relative, kept), False) | dict.fromkeys(map(self._relative, templates), True)
        return Proposal(
            hosts=tuple(
                ProposedHost(
                    each.name, self._topology(each), tuple(globs_for(files, (each.name,))), (each.name,) in by_name
                )
                for each in units
            ),
            undecided=tuple(
                Undecided(names, tuple(globs_for(files, names)), counts[names])
                for names in sorted(counts)
                if len(names) != 1
            ),
            apart=tuple(self.apart),
            templates=tuple(globs_for(excluded, True)),
            malformed=tuple(map(self._relative, malformed)),
            devices=tuple(map(self._relative, self.devices)),
            unreadable=tuple((self._relative(path), message) for path, message in self.unreadable),
            files=len(domains),
        )

    def _files(self) -> tuple[list[str], list[str], list[str]]:
        """The files of domains, of templates for them, and those that are malformed."""
        domains: list[str] = []
        templates: list[str] = []
        malformed: list[str] = []
        for path in self._discover([self.folder]):
            try:
                kind, data = self.sniffer.read(path)
            except OSError:
                continue  # numalint check tells it
            if not kind.domain:
                continue
            try:
                found = load_domains(Document(path, data))
                refused = any(each.faults for each in found)
            except LoadError:
                found, refused = [], True
            if refused and _TEMPLATE.search(data):
                templates.append(path)
            elif found:
                domains.append(path)
            elif refused:
                malformed.append(path)
        return domains, templates, malformed

    def _host_files(self) -> list[str]:
        """The files that may describe hosts. Copies of /sys are hosts by themselves; other configurations stay apart."""
        found: list[str] = []
        top = os.path.abspath(self.folder)
        for where, folders, names in os.walk(top):
            if NAME in names and where != top:
                self.apart.append(rooted(f"{glob.escape(self._relative(where))}/"))
                folders.clear()
            elif os.path.isdir(os.path.join(where, CPU_FOLDER)):
                self._add(where, (where,))
                folders.clear()
            else:
                folders[:] = sorted(each for each in folders if not each.startswith("."))
                found += (os.path.join(where, name) for name in names if name.lower().endswith(HOST_SUFFIXES))
        return found

    def _host_folders(self, files: list[str]) -> list[str]:
        """The folders of those files that git does not ignore, and that do describe hosts."""
        kept = set(map(os.path.abspath, self._discover(files)))
        inputs = {folder: self.nearest.inputs(folder) for folder in sorted(set(map(os.path.dirname, kept)))}
        return [
            folder
            for folder, (whole, partial) in inputs.items()
            if not kept.isdisjoint(map(os.path.abspath, (*whole, *partial)))
        ]

    def _discover(self, paths: list[str]) -> list[str]:
        excludes = Excludes(((os.path.realpath(self.folder), tuple(self.apart)),))
        return list(discover(paths, excludes, tracked=False).files)

    def _describe(self, folder: str) -> None:
        """The hosts that the files of a folder describe: files that name the same one are inputs of one host."""
        whole, partial = self.nearest.inputs(folder)
        by_name: dict[str, list[str]] = {}
        for path in whole:
            name = self._name((path,))
            if name is not None:
                by_name.setdefault(name, []).append(path)
        if len(by_name) != 1 and self._is_inside(folder):
            self.devices += partial
        for paths in by_name.values():
            self._add(folder, (*paths, *partial) if len(by_name) == 1 else tuple(paths))

    def _add(self, folder: str, inputs: tuple[str, ...]) -> None:
        name = self._name(inputs)
        if name is not None:
            self.units.setdefault(folder, []).append(_Unit(name, folder, inputs))

    def _name(self, inputs: tuple[str, ...]) -> str | None:
        """What inputs call their host; None where one cannot be read, which is kept."""
        try:
            return load_inputs(inputs, self.formats)[0].name
        except LoadError as error:
            self.unreadable.append((error.path, error.message))
            return None

    def _named_apart(self) -> list[_Unit]:
        """All hosts, each with a name of its own: hosts of the same name get that of their folder before it."""
        units = [each for folder in self.units.values() for each in folder]
        names = [each.name for each in units]
        taken: set[str] = set()
        for each in units:
            name = each.name
            if names.count(name) > 1:
                parts = PurePosixPath(self._relative(each.folder)).parts
                name = "-".join(part for part in (*parts, each.name) if part not in ("..", "/"))
            number = 2
            while name in taken:
                name, number = f"{each.name}-{number}", number + 1
            taken.add(name)
            each.name = name
        return sorted(units, key=lambda each: each.name)

    def _hosts_of(self, path: str, nearest: str | None, units: list[_Unit]) -> tuple[tuple[str, ...], bool]:
        """The hosts that a domain may be on, and whether that is told by the name of its folder alone."""
        near = tuple(sorted(each.name for each in self.units.get(nearest or "", ())))
        if len(near) != 1:
            known = {each.name for each in units}
            for folder in reversed(PurePosixPath(self._relative(path)).parts[:-1]):
                if folder in known:
                    return (folder,), True
        return near, False

    def _topology(self, unit: _Unit) -> tuple[str, ...]:
        """The inputs of a host as a configuration has them; many that are all that a folder has, by its name."""
        alone = len(self.units[unit.folder]) == 1 and self._relative(unit.folder) != "."
        many = len(unit.inputs) > _MOST_INPUTS and alone
        paths = map(self._relative, (unit.folder,) if many else unit.inputs)
        return tuple(path if is_path(path) else f"./{path}" for path in paths)

    def _is_inside(self, folder: str) -> bool:
        return self._relative(folder).partition("/")[0] != ".."

    def _relative(self, path: str) -> str:
        return os.path.relpath(path, self.folder).replace(os.sep, "/")
