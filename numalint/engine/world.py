"""Which domain meets which host."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from numalint.engine.declared import unmet_glob, with_declared, written_at
from numalint.engine.discover import STDIN
from numalint.engine.glob import Globs
from numalint.engine.nearest import Nearest
from numalint.loaders.config import Config, Keys, LoadedConfig
from numalint.loaders.config_check import refusal
from numalint.loaders.config_search import NAME
from numalint.loaders.document import HEAD_BYTES, OPENING, Head, HostFormat, LoadError, read_head
from numalint.loaders.domain import WRAPPERS
from numalint.loaders.host.inputs import is_path, load_inputs, recognise
from numalint.loaders.nearest_name import did_you_mean
from numalint.model.claim import Claim
from numalint.model.fleet import OVERCOMMIT, Fleet
from numalint.model.host import Host
from numalint.model.report import Problem

LARGEST_FILE = 64 << 20
TOO_LARGE = f"it is larger than {LARGEST_FILE >> 20} MiB, which no file of domains is"

DOMAIN_ELEMENTS = {"domain", *WRAPPERS}


class Kind(msgspec.Struct, frozen=True):
    """What a file is: a domain document, an input of a host in some format, or neither."""

    domain: bool = False
    format: HostFormat | None = None
    head: Head = Head("")


class Sniffer:
    """Tells what files are from their first bytes; each file is opened once for that, and to be read."""

    def __init__(self, formats: tuple[HostFormat, ...]) -> None:
        self.formats = formats
        self._known: dict[str, Kind] = {}
        self._kinds: dict[tuple[bool, HostFormat | None, str | None], Kind] = {}

    def kind(self, path: str) -> Kind:
        """What the file at ``path`` is. Raises OSError where it cannot be read."""
        if path not in self._known:
            with open(path, "rb") as file:
                self._known[path] = self.kind_of(file.read(HEAD_BYTES))
        return self._known[path]

    def read(self, path: str) -> tuple[Kind, bytes]:
        """What the file at ``path`` is and, where it holds domains, its bytes. Raises OSError, also for one that is too large."""
        known = self._known.get(path)
        if known is not None and not known.domain:
            return known, b""
        descriptor = os.open(path, OPENING)  # a file object costs three calls more
        try:
            data = os.read(descriptor, HEAD_BYTES)
            kind = known or self.kind_of(data)
            if not kind.domain:
                self._known[path] = kind
                return kind, b""
            if len(data) < HEAD_BYTES:
                return kind, data
            if os.fstat(descriptor).st_size > LARGEST_FILE:
                raise OSError(errno.EFBIG, TOO_LARGE, path)
            with open(descriptor, "rb", closefd=False) as file:
                return kind, data + file.read()
        finally:
            os.close(descriptor)

    def kind_of(self, data: bytes) -> Kind:
        """What the file that starts with ``data`` is."""
        head = read_head(data)
        is_domain, format = False, None
        if head.element in DOMAIN_ELEMENTS:
            is_domain = _is_libvirt(head)
        else:
            format = recognise(head, self.formats)
        # of equal kinds one is kept, without the text: there may be many files
        kind = Kind(is_domain, format, Head("", head.element))
        return self._kinds.setdefault((is_domain, format, head.element), kind)


def _is_libvirt(head: Head) -> bool:
    """Whether a ``<domain>`` is libvirt's: it has no namespace, and a type where it has attributes at all."""
    if head.namespace:
        return False
    plain = [name for name in head.attributes if not name.startswith("xmlns")]
    return head.element != "domain" or "type" in head.attributes or not plain


class Assigned(NamedTuple):
    """A host on which a domain has to be right; ``home`` where it is declared to be there, and takes part of it."""

    host: Host
    home: bool


class World:
    """The hosts of a run, each loaded once, and the answer to which hosts a domain is on."""

    def __init__(self, config: LoadedConfig, host_inputs: tuple[str, ...], sniffer: Sniffer) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self.hosts: dict[str, Host] = {}
        self.inputs: set[str] = set()
        self._config = config
        self._sniffer = sniffer
        self._nearest = Nearest(lambda path: sniffer.kind(path).format)
        self._loaded: dict[str, Host | None] = {}
        self._absolute: dict[str, str] = {}
        self._claimed: dict[tuple[Keys, ...], tuple[Assigned, ...] | None] = {}
        self._told: set[str] = set()
        self._globs = Globs(_globs(config.config))
        self._met: set[tuple[str, Keys]] = set()
        self._forced = self._from_option(host_inputs) if host_inputs else None
        self._option = bool(host_inputs)

    @property
    def declared(self) -> bool:
        """Whether the configuration says which domain is on which host."""
        return bool(self._config.config.hosts) and not self._option

    def hosts_of(self, path: str) -> tuple[Assigned, ...]:
        """The hosts on which the domains in the file at ``path`` have to be right, by name; none where there is none.

        What --host names; else those of the ``[hosts]`` entry and of the live-migration sets that the file meets; else
        the nearest host file. An ambiguity, or a host that cannot be read, is a problem of the run.
        """
        if self.declared:
            return self._from_config(path)
        if self._option:
            host = self._forced
        else:
            folder = os.path.dirname(path) if path != STDIN else ""
            if folder not in self._absolute:
                self._absolute[folder] = os.path.abspath(folder)
            host = self._nearest_to(self._absolute[folder])
        return () if host is None else (Assigned(host, home=True),)

    def is_claimed(self, path: str) -> bool:
        """Whether the configuration says that the domains in the file at ``path`` are on a host of its own."""
        return bool(self._entries(path))

    def fleet(self, host: Host, claims: tuple[Claim, ...]) -> Fleet:
        """The claims on a host with what the configuration says of it."""
        config = self._config.config
        entry = config.hosts.get(host.name)
        if entry is None:
            return Fleet(host, claims)
        exclusive = tuple(map(frozenset, entry.exclusive_groups))
        return Fleet(host, claims, exclusive, config.overcommit(host.name) or OVERCOMMIT)

    def unmet(self) -> Iterator[Problem]:
        """Globs of hosts and live-migration sets that no domain has met: to be asked when all files were looked at."""
        for glob, keys in _globs(self._config.config):
            if (glob, keys) not in self._met:
                yield unmet_glob(self._config, keys, glob)

    def read_unused(self) -> None:
        """Read the hosts that are declared and that no domain is on: a broken one is told on the day that it breaks."""
        if self.declared:
            used = self.hosts.copy()
            for name in self._config.config.hosts:
                self._of_entry(name)
            self.hosts = used

    def _from_option(self, inputs: tuple[str, ...]) -> Host | None:
        entries = self._config.config.hosts
        if len(inputs) == 1 and inputs[0] in entries:
            return self._of_entry(inputs[0])
        missing = next((each for each in inputs if is_path(each) and not os.path.lexists(each)), None)
        if missing is not None:
            self._no_host(missing)
            return None
        return self._load(inputs, None)

    def _no_host(self, name: str) -> None:
        entries = self._config.config.hosts
        if name in entries:
            message, help = "a host of the configuration takes no further inputs", "add them to its topology"
        elif entries:
            message = "there is no such file, and the configuration has no host of that name"
            help = did_you_mean(name, entries, f"the hosts are {', '.join(entries)}")
        else:
            message = "there is no such file, and no configuration that has a host of that name"
            help = "name a file, a folder, local, or a string such as 'pack:2 numa:1 core:8 pu:2'"
        self._problem("unreadable-host", message, name, help)

    def _from_config(self, path: str) -> tuple[Assigned, ...]:
        entries = self._entries(path, is_domain=True)
        if entries not in self._claimed:
            self._claimed[entries] = self._of_entries(entries)
        assigned = self._claimed[entries]
        if assigned is None:
            self._ambiguous(path, [str(keys[1]) for keys in entries if keys[0] == "hosts"])
        return assigned or ()

    def _ambiguous(self, path: str, homes: list[str]) -> None:
        if path not in self._told:
            self._told.add(path)
            both = " and ".join(f"[hosts.{name}]" for name in homes)
            help = "let one host's globs match it, or write a [[placement]] with both if it moves between them"
            self._problem("ambiguous-host", f"{both} both claim this domain", path, help)

    def _entries(self, path: str, *, is_domain: bool | None = None) -> tuple[Keys, ...]:
        """The hosts and the live-migration sets of the configuration that the file at ``path`` meets.

        A glob that only files of other kinds meet has met nothing; ``is_domain`` None: that is to be found out.
        """
        met = self._globs.met(os.path.relpath(path, self._config.folder).replace(os.sep, "/"))
        if not self._met.issuperset(met) and (self._is_domain(path) if is_domain is None else is_domain):
            self._met.update(met)
        return tuple(dict.fromkeys(keys for _, keys in met))

    def _is_domain(self, path: str) -> bool:
        try:
            return self._sniffer.kind(path).domain
        except OSError:
            return True  # which is told where it is read

    def _of_entries(self, entries: tuple[Keys, ...]) -> tuple[Assigned, ...] | None:
        """The hosts of what a file meets; None where several claim it that no live-migration set has all of."""
        config = self._config.config
        homes = [str(keys[1]) for keys in entries if keys[0] == "hosts"]
        sets = [config.hosts_of(config.placement[int(keys[1]) - 1]) for keys in entries if keys[0] == "placement"]
        if len(homes) > 1 and not any(set(homes) <= set(each) for each in sets):
            return None
        names = sorted({*homes, *(name for each in sets for name in each)})
        loaded = ((name, self._of_entry(name)) for name in names)
        return tuple(Assigned(host, name in homes) for name, host in loaded if host is not None)

    def _of_entry(self, name: str) -> Host | None:
        """The host of an entry of the configuration, with what is declared there."""
        key = f"[hosts.{name}]"
        if key not in self._loaded:
            inputs = self._config.config.topology(name)
            here = [
                os.path.relpath(os.path.join(self._config.folder, each)) if is_path(each) else each for each in inputs
            ]
            self._loaded[key] = self._load(tuple(here), name)
        return self._loaded[key]

    def _nearest_to(self, folder: str) -> Host | None:
        """The host of the nearest host files, loaded once."""
        nearest = self._nearest.to(folder)
        if nearest is None:
            return None
        if nearest not in self._loaded:
            whole, partial = self._nearest.inputs(nearest)
            if len(whole) > 1:
                self._two_hosts(nearest, whole)
            self._loaded[nearest] = None if len(whole) > 1 else self._load((*whole, *partial), None)
        return self._loaded[nearest]

    def _two_hosts(self, folder: str, whole: tuple[str, ...]) -> None:
        first, second = (os.path.relpath(path) for path in whole[:2])
        stem = Path(first).stem.partition(".")[0]
        help = (
            f"say in {NAME} which it is:\n"
            f"[hosts.{stem}]\ntopology = [{Path(first).name!r}]  # or both, if they are of one host\n"
            'domains = ["*.xml"]'
        )
        self._problem("ambiguous-host", f"two hosts are equally near: {first} and {second}", folder, help)

    def _load(self, inputs: tuple[str, ...], name: str | None) -> Host | None:
        self.inputs.update(os.path.realpath(each) for each in inputs)
        try:
            host, warnings = load_inputs(inputs, self._sniffer.formats, name)
            host = with_declared(host, self._config)
        except LoadError as error:
            self.problems.append(host_problem(self._named(error, name)))
            return None
        self.warnings.extend(warnings)
        self.hosts.setdefault(host.name, host)
        return host

    def _named(self, error: LoadError, name: str | None) -> LoadError:
        """What is wrong with a host; an input that is not there is wrong where the configuration names it."""
        if name is None or os.path.lexists(error.path) or not is_path(error.path):
            return error
        return refusal(self._config, written_at(self._config, name, "topology"), f"{error.path}: {error.message}")

    def _problem(self, kind: str, message: str, path: str, help: str) -> None:
        shown = path if path == STDIN else os.path.relpath(path)
        self.problems.append(Problem(kind=kind, message=message, path=shown, help=help))


def host_problem(error: LoadError) -> Problem:
    """A host that cannot be read, as a problem of the run."""
    return Problem(
        kind="unreadable-host",
        message=error.message,
        path=error.path,
        line=error.line,
        column=error.column,
        help=error.help,
    )


def _globs(config: Config) -> list[tuple[str, Keys]]:
    """The globs of hosts and of live-migration sets, each with where it is written."""
    found: list[tuple[str, Keys]] = []
    for name, host in config.hosts.items():
        found += ((glob, ("hosts", name, "domains")) for glob in host.domains)
    for number, placement in enumerate(config.placement, 1):
        found += ((glob, ("placement", number)) for glob in placement.domains)
    return found
